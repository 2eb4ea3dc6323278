//! What was found, for people and for programs. What a server says of itself is shown without what a terminal would obey.

use serde::Serialize;

use crate::cli::admin::trouble::plain;
use crate::cli::print::{Style, coloured};
use crate::handshake::certificate::Certificate;
use crate::handshake::probe::{ClientPart, Report};
use crate::handshake::problem::Problem;

/// What was found of the files of a listener.
#[derive(Serialize)]
pub(super) struct ListenerReport {
    pub(super) listener: &'static str,
    pub(super) accepted: bool,
    pub(super) chain: Vec<Certificate>,
    pub(super) problems: Vec<Problem>,
}

/// A report on a handshake.
pub(super) fn of_handshake(report: &Report, json: bool) -> String {
    if json {
        return pretty(report);
    }
    let style = Style::new(coloured());
    let mut lines = vec![set_off(&report.target, style)];
    lines.extend(report.address.iter().map(|address| field("address", address)));
    lines.extend(agreed(report));
    lines.extend(client(&report.client_certificate));
    lines.extend(certificates(&report.chain));
    let trusted = report.trusted.map(|trusted| if trusted { "yes, by" } else { "no, not by" });
    lines.extend(trusted.map(|word| field("trusted", &format!("{word} {}", report.trust))));
    lines.extend(report.notes.iter().map(|note| format!("note: {note}")));
    lines.extend(problems(&report.problems, style));
    if report.problems.is_empty() {
        lines.push("nothing is wrong".to_owned());
    }
    joined(&lines)
}

/// Reports on the files of listeners.
pub(super) fn of_files(reports: &[ListenerReport], json: bool) -> String {
    if json {
        return pretty(&serde_json::json!({ "listeners": reports }));
    }
    let style = Style::new(coloured());
    let mut lines = Vec::new();
    for report in reports {
        lines.push(set_off(report.listener, style));
        lines.push(field(
            "a start",
            if report.accepted { "accepts these files" } else { "refuses these files" },
        ));
        lines.extend(certificates(&report.chain));
        lines.extend(problems(&report.problems, style));
    }
    joined(&lines)
}

fn pretty(value: &impl Serialize) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default() + "\n"
}

fn joined(lines: &[String]) -> String {
    lines.iter().map(|line| format!("{line}\n")).collect()
}

fn set_off(title: &str, style: Style) -> String {
    format!("{}{}{:#}", style.bold, plain(title), style.bold)
}

fn field(name: &str, value: &str) -> String {
    format!("  {name:13} {}", plain(value))
}

fn agreed(report: &Report) -> Option<String> {
    let version = report.version?;
    let parts = [Some(format!("TLS {version}")), report.cipher_suite.clone(), report.alpn.clone()];
    Some(field("agreed", &parts.into_iter().flatten().collect::<Vec<_>>().join(", ")))
}

fn client(part: &ClientPart) -> Vec<String> {
    let text = match (part.asked, part.shown, part.accepted) {
        (None, ..) => return Vec::new(),
        (Some(false), ..) => "no certificate of yours is asked for",
        (Some(true), false, Some(true)) => "yours is asked for; it does without",
        (Some(true), false, _) => "yours is asked for; none was shown",
        (Some(true), true, Some(true)) => "yours is asked for, was shown, and is accepted",
        (Some(true), true, Some(false)) => "yours is asked for, was shown, and is refused",
        (Some(true), true, None) => "yours is asked for and was shown; the server says neither yes nor no",
    };
    let mut lines = vec![field("client", text)];
    lines.extend(part.authorities.iter().map(|name| field("", &format!("of {name}"))));
    lines
}

fn certificates(chain: &[Certificate]) -> Vec<String> {
    let mut lines = Vec::new();
    for (place, one) in chain.iter().enumerate() {
        lines.push(field(if place == 0 { "certificate" } else { "then" }, &one.subject));
        lines.push(field("  issuer", &one.issuer));
        if !one.names.is_empty() {
            lines.push(field("  names", &one.names.join(", ")));
        }
        let days = match one.days_left {
            ..=-1 => "has ended".to_owned(),
            1 => "1 day left".to_owned(),
            days => format!("{days} days left"),
        };
        lines.push(field("  valid", &format!("{} to {} ({days})", one.not_before, one.not_after)));
    }
    lines
}

fn problems(problems: &[Problem], style: Style) -> Vec<String> {
    let warning = style.warning;
    let lines = |one: &Problem| {
        [format!("{warning}wrong:{warning:#} {}", plain(&one.problem)), format!("hint: {}", plain(&one.hint))]
    };
    problems.iter().flat_map(lines).collect()
}
