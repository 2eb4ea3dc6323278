//! One readable line a decision, for a person at a terminal.

use std::fmt::Write;

use anstyle::{AnsiColor, Style};

use super::record::{Event, SubjectField};
use crate::model::decision::Outcome;
use crate::telemetry::inert;
use verdict_rego::Value;

/// How decisions are shown.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pretty {
    /// Whether the reader's terminal shows colours, and may.
    pub(super) color: bool,
}

const PATH_WIDTH: usize = 22;
const SUBJECT_WIDTH: usize = 18;
const REQUEST_WIDTH: usize = 24;

impl Pretty {
    /// `02:11:14.829  ALLOW      app/allow  alice (user)  read document/7  12 us  369590fc`, and the reason.
    pub(super) fn line(self, event: &Event<'_>) -> String {
        let clock = event.timestamp.get(11..23).unwrap_or_default();
        let outcome = event.outcome.name().to_uppercase();
        let path = event.path.map_or_else(|| "-".to_owned(), |path| shown(&path.to_string()));
        let subject = subject(event.subject.as_ref());
        let request = event.input.map_or_else(String::new, |input| request(input.value));
        let eval = event.metrics.timer_rego_query_eval_ns.map_or_else(|| "-".to_owned(), duration);
        let id = event.decision_id.simple().to_string();
        let id = id.get(..8).unwrap_or_default();
        let mut line = String::with_capacity(160);
        self.styled(&mut line, Style::new().dimmed(), clock);
        line.push_str("  ");
        self.styled(&mut line, style_of(event.outcome), &format!("{outcome:<9}"));
        // Writing to a String cannot fail.
        let _ = write!(
            line,
            "  {:<PATH_WIDTH$}  {:<SUBJECT_WIDTH$}  {:<REQUEST_WIDTH$}  {eval:>7}  ",
            clipped(&path, PATH_WIDTH),
            clipped(&subject, SUBJECT_WIDTH),
            clipped(&request, REQUEST_WIDTH),
        );
        self.styled(&mut line, Style::new().dimmed(), id);
        if let Some(reason) = &event.reason {
            line.push_str("  ");
            line.push_str(&shown(reason));
        }
        line.push('\n');
        line
    }

    fn styled(self, line: &mut String, style: Style, text: &str) {
        let style = if self.color { style } else { Style::new() };
        let _ = write!(line, "{style}{text}{style:#}");
    }
}

fn style_of(outcome: Outcome) -> Style {
    let color = match outcome {
        Outcome::Allow => AnsiColor::Green,
        Outcome::Deny | Outcome::Error => AnsiColor::Red,
        Outcome::Value => AnsiColor::Cyan,
        Outcome::Undefined => AnsiColor::Yellow,
        Outcome::Refused => AnsiColor::Magenta,
    };
    let style = color.on_default();
    if outcome == Outcome::Error { style.bold() } else { style }
}

fn subject(subject: Option<&SubjectField<'_>>) -> String {
    match subject {
        None => "-".to_owned(),
        Some(SubjectField { id: Some(id), kind, .. }) => format!("{} ({})", shown(id), shown(kind)),
        Some(SubjectField { id: None, kind, .. }) => shown(kind),
    }
}

/// `read document/7` from `{"action": "read", "resource": {"type": "document", "id": 7}}`, and the like.
fn request(input: &Value) -> String {
    let brief = |name| input.get(name).and_then(brief);
    let verb = brief("action").or_else(|| brief("method"));
    let object = brief("resource").or_else(|| brief("path"));
    [verb, object].into_iter().flatten().collect::<Vec<_>>().join(" ")
}

fn brief(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(shown(text)),
        Value::Number(number) => Some(number.to_string()),
        Value::Array(items) => {
            Some(items.iter().filter_map(Value::as_str).map(shown).collect::<Vec<_>>().join("/"))
        }
        Value::Object(_) => {
            let part = |names: &[&str]| names.iter().filter_map(|name| value.get(name)).find_map(scalar);
            let parts = [part(&["type", "kind"]), part(&["id", "name", "method"])];
            let text = parts.into_iter().flatten().collect::<Vec<_>>().join("/");
            Some(text).filter(|text| !text.is_empty())
        }
        Value::Null | Value::Bool(_) | Value::Set(_) => None,
    }
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(shown(text)),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// The text as a terminal may be given it.
///
/// INVARIANT (inert on a terminal): callers choose ids, paths and inputs; none of it may move the cursor, change
/// colours, or reorder what stands beside it. Control characters and bidirectional formatting are shown escaped.
fn shown(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() || inert::acts(c) { shown.extend(c.escape_default()) } else { shown.push(c) }
    }
    shown
}

/// At most `width` characters; an ellipsis stands for the rest.
fn clipped(text: &str, width: usize) -> String {
    if text.chars().nth(width).is_none() {
        return text.to_owned();
    }
    text.chars().take(width.saturating_sub(1)).chain(['…']).collect()
}

/// Nanoseconds as a person reads them: `850 ns`, `12 us`, `1.2 ms`.
fn duration(nanos: u64) -> String {
    for (unit, factor) in [("s", 1_000_000_000), ("ms", 1_000_000), ("us", 1_000)] {
        if nanos >= factor {
            let (whole, tenths) = (nanos / factor, nanos % factor * 10 / factor);
            return if whole >= 10 { format!("{whole} {unit}") } else { format!("{whole}.{tenths} {unit}") };
        }
    }
    format!("{nanos} ns")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decision_log::{Claims, samples};
    use crate::model::failure::{Failure, FailureKind};
    use crate::model::request::EntryPath;
    use serde_json::value::RawValue;
    use std::time::Duration;

    const PLAIN: Pretty = Pretty { color: false };

    fn line(
        outcome: Outcome,
        path: &str,
        input: &str,
        subject: Option<SubjectField<'static>>,
        reason: Option<&str>,
        eval: u64,
    ) -> String {
        let mut decision = samples::decision();
        decision.outcome = outcome;
        decision.path = EntryPath::parse(path).ok();
        decision.input = Value::from_json(input.as_bytes()).ok();
        decision.reason = reason.map(str::to_owned);
        decision.timings.eval = Duration::from_nanos(eval);
        let claims = Claims::default();
        let mut event = Event::new(RawValue::NULL, &claims, &decision);
        event.subject = subject;
        PLAIN.line(&event)
    }

    fn named(id: &'static str, kind: &'static str) -> Option<SubjectField<'static>> {
        Some(SubjectField { id: Some(id), kind, ..SubjectField::default() })
    }

    #[test]
    fn one_aligned_line_a_decision() {
        let anonymous = Some(SubjectField { id: None, kind: "anonymous", ..SubjectField::default() });
        let read = r#"{"action": "read", "resource": {"type": "document", "id": 7}}"#;
        let call = r#"{"action": {"name": "tools/call"}, "resource": {"type": "tool", "name": "shell"}}"#;
        let lines = [
            line(Outcome::Allow, "app/allow", read, named("alice", "user"), None, 12_345),
            line(Outcome::Deny, "agent/tools/allow", call, named("build-bot", "agent"), None, 8_460),
            line(
                Outcome::Value,
                "app",
                r#"{"method": "GET", "path": ["v1", "orders"]}"#,
                None,
                None,
                1_234_567,
            ),
            line(
                Outcome::Undefined,
                "app/alow",
                read,
                anonymous,
                Some("no rule or document has this path"),
                900,
            ),
            line(
                Outcome::Error,
                "time/bound/access/allow_with_a_long_name",
                "{}",
                named("svc-orders@prod.example.com", "service"),
                Some("`to_number` of `abc`"),
                31_000_000,
            ),
            line(Outcome::Refused, "app/allow", "1", None, Some("the token's signature does not verify"), 0),
        ];
        let expected = [
            "02:11:14.829  ALLOW      app/allow               alice (user)        read document/7             12 us  369590fc",
            "02:11:14.829  DENY       agent/tools/allow       build-bot (agent)   tools/call tool/shell      8.4 us  369590fc",
            "02:11:14.829  VALUE      app                     -                   GET v1/orders              1.2 ms  369590fc",
            "02:11:14.829  UNDEFINED  app/alow                anonymous           read document/7            900 ns  369590fc  no rule or document has this path",
            "02:11:14.829  ERROR      time/bound/access/all…  svc-orders@prod.e…                              31 ms  369590fc  `to_number` of `abc`",
            "02:11:14.829  REFUSED    app/allow               -                                                   -  369590fc  the token's signature does not verify",
        ];
        assert_eq!(lines.concat(), expected.map(|line| format!("{line}\n")).concat());
    }

    #[test]
    fn colour_only_where_it_is_wanted() {
        let mut decision = samples::decision();
        decision.failure = Some(Failure::new(FailureKind::CredentialExpired, "expired"));
        decision.outcome = Outcome::Refused;
        let claims = Claims::default();
        let event = Event::new(RawValue::NULL, &claims, &decision);
        assert!(Pretty { color: true }.line(&event).contains("\u{1b}[35mREFUSED  \u{1b}[0m"));
        assert!(!PLAIN.line(&event).contains('\u{1b}'));
    }

    #[test]
    fn nothing_that_a_caller_sends_acts_on_the_terminal() {
        let hostile = "x\u{1b}[2J\r\n\u{9b}31m\u{7}\u{202e}\u{2066}\u{2028}\u{feff}y";
        let input = serde_json::json!({"action": {hostile: hostile, "name": hostile}, "resource": [hostile]});
        let subject = Some(SubjectField { id: Some(hostile), kind: hostile, ..SubjectField::default() });
        let mut decision = samples::decision();
        decision.path = Some(EntryPath::from_segments(vec![hostile.to_owned()]));
        decision.input = Value::from_json(input.to_string().as_bytes()).ok();
        decision.reason = Some(hostile.to_owned());
        let claims = Claims::default();
        let mut event = Event::new(RawValue::NULL, &claims, &decision);
        event.subject = subject;
        let line = PLAIN.line(&event);
        let line = line.strip_suffix('\n').unwrap();
        assert!(line.contains(r"x\u{1b}[2J\r\n\u{9b}31m\u{7}\u{202e}\u{2066}\u{2028}\u{feff}y"), "{line:?}");
        let acts = |c: char| c.is_control() || "\u{202e}\u{2066}\u{2028}\u{feff}".contains(c);
        assert!(!line.contains(acts), "{line:?}");
    }
}
