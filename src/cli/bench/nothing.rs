//! A load without a decision: that it measured nothing, why, and what to do about it.

use super::load::{LoadReport, Undecided};
use super::report::grouped;
use super::server::{MeasuredServer, ServerArgs};

/// Why nothing was measured, where there is not one decision among the answers, and what to do about it.
pub fn nothing_measured(server: &MeasuredServer, args: &ServerArgs) -> Option<String> {
    let LoadReport { tally, .. } = server.total();
    if tally.decided() > 0 || tally.sent == 0 {
        return None;
    }
    let Some((kind, found)) = tally.most_undecided() else {
        let first = tally.failures.first.as_deref().unwrap_or("none came back before the end");
        let sent = grouped(tally.sent as f64);
        return Some(format!(
            "nothing was measured at {}: none of {sent} requests was answered: {first}",
            server.url
        ));
    };
    let most = if found.count == tally.answered() { "all" } else { "most" };
    let with_token = args.token.is_some() || args.token_file.is_some();
    let hint = match kind {
        (401, _) if with_token => {
            "\nhint: this token is not accepted; `verdict credential inspect` shows what is in it"
        }
        (401, _) => {
            "\nhint: send a credential: `--token \"$(verdict token --sub alice)\"`, or `--token-file FILE`"
        }
        (_, Some("refused")) => "\nhint: the credential was not good enough for this call: see the reason",
        (404, None) => "\nhint: check the path of `--url`, e.g. `/v1/data/app/allow`",
        (_, Some("undefined")) => {
            "\nhint: check the path of `--url`, and the input: `verdict eval` with both shows what is missing"
        }
        _ => "",
    };
    Some(format!(
        "nothing was measured at {}: none of {} answers is a decision, and {most} are {}{hint}",
        server.url,
        grouped(tally.answered() as f64),
        described(kind, found)
    ))
}

/// Answers of one kind: `401 refused (no credential)`.
fn described((status, outcome): (u16, Option<&str>), kind: &Undecided) -> String {
    let outcome = outcome.map(|outcome| format!(" {outcome}")).unwrap_or_default();
    let reason = kind.reason.as_ref().map(|reason| format!(" ({reason})")).unwrap_or_default();
    format!("{status}{outcome}{reason}")
}
