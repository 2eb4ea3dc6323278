//! One readable line a decision, for a person at a terminal.

use std::fmt::Write;

use anstyle::{AnsiColor, Style};

use serde_json::{Map, Value as Json};

use super::record::{Event, SubjectField};
use crate::model::decision::Outcome;
use crate::telemetry::{inert, terminal};
use verdict_rego::Value;

/// How decisions are shown.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pretty {
    /// Whether the reader's terminal shows colours, and may.
    pub(super) color: bool,
}

/// The columns of a line whose parts all have the room that they usually need.
const WIDE: usize = 112;
/// What the rest of a decision begins with that does not fit on its first line: it stands below the outcome.
const INDENT: &str = "          ";

/// How much room the parts of a line have; without a terminal, at least.
struct Layout {
    clock: usize,
    path: usize,
    subject: usize,
    request: usize,
}

impl Layout {
    const FULL: Self = Self { clock: 12, path: 22, subject: 18, request: 24 };

    fn of(columns: Option<usize>) -> Self {
        let Some(columns) = columns.filter(|columns| *columns < WIDE) else { return Self::FULL };
        // Without milliseconds; the outcome, the duration, the id and the gaps have 44 columns.
        let room = columns.saturating_sub(44).max(18);
        let (path, subject) = ((room / 3).min(Self::FULL.path), (room / 3).min(Self::FULL.subject));
        Self { clock: 8, path, subject, request: (room - path - subject).min(Self::FULL.request) }
    }
}

impl Pretty {
    /// `02:11:14.829  ALLOW      app/allow  alice (user)  read document/7  12 us  369590fc`, and the reason: on lines of its
    /// own where a terminal of so many columns has no room for it.
    pub(super) fn line(self, event: &Event<'_>, columns: Option<usize>) -> String {
        let layout = Layout::of(columns);
        let outcome = event.outcome.name().to_uppercase();
        let path = event.path.map_or_else(|| "-".to_owned(), |path| shown(&path.to_string()));
        let subject = subject(event.subject.as_ref());
        let request = event.input.map_or_else(String::new, |input| request(input.value));
        let eval = event.metrics.timer_rego_query_eval_ns.map_or_else(|| "-".to_owned(), duration);
        let id = event.decision_id.simple().to_string();
        let part = |text: String, width: usize| padded(&clipped(text, columns.map(|_| width)), width);
        let mut line = self.head(&layout, &event.timestamp, &outcome, style_of(event.outcome));
        // Writing to a String cannot fail.
        let _ = write!(
            line,
            "  {}  {}  {}  {eval:>7}  ",
            part(path, layout.path),
            part(subject, layout.subject),
            part(request, layout.request),
        );
        self.styled(&mut line, Style::new().dimmed(), id.get(..8).unwrap_or_default());
        self.with_rest(line, event.reason.as_deref().map(shown), columns)
    }

    /// What the log says of itself: `02:11:14.829  NOTICE     refusals left out: records=95, …`.
    pub(super) fn notice(self, line: &[u8], timestamp: &str, columns: Option<usize>) -> String {
        let notice: Map<String, Json> = serde_json::from_slice(line).unwrap_or_default();
        let text = |value: &Json| value.as_str().map_or_else(|| value.to_string(), shown);
        let what = notice.get("notice").map(text).unwrap_or_default().replace('_', " ");
        let facts = notice.iter().filter(|(name, value)| {
            !matches!(name.as_str(), "notice" | "timestamp") && !value.is_object() && !value.is_null()
        });
        let facts: Vec<String> = facts.map(|(name, value)| format!("{name}={}", text(value))).collect();
        let bold = Style::new().bold();
        let line = self.head(&Layout::of(columns), timestamp, "NOTICE", bold);
        self.with_rest(line, Some(format!("{what}: {}", facts.join(", "))), columns)
    }

    fn head(self, layout: &Layout, timestamp: &str, outcome: &str, style: Style) -> String {
        let clock = timestamp.get(11..11 + layout.clock).unwrap_or_default();
        let mut line = String::with_capacity(160);
        self.styled(&mut line, Style::new().dimmed(), clock);
        line.push_str("  ");
        self.styled(&mut line, style, &format!("{outcome:<9}"));
        line
    }

    /// Ends a line with `rest`, below it where there is no room beside it.
    fn with_rest(self, mut line: String, rest: Option<String>, columns: Option<usize>) -> String {
        if let Some(rest) = rest {
            let beside = terminal::width(&line) + 2 + terminal::width(&rest);
            match columns.filter(|columns| beside > *columns) {
                Some(columns) => {
                    line.truncate(line.trim_end().len());
                    line.push('\n');
                    line.push_str(&terminal::fitted(&format!("{INDENT}{rest}"), columns, INDENT));
                }
                None => {
                    line.push_str("  ");
                    line.push_str(&rest);
                }
            }
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

/// At most so many columns, if there is a limit; an ellipsis stands for the rest.
fn clipped(text: String, width: Option<usize>) -> String {
    let Some(width) = width.filter(|width| terminal::width(&text) > *width) else { return text };
    let mut left = width.saturating_sub(1);
    let fits = |c: &char| {
        let taken = terminal::width(c.encode_utf8(&mut [0; 4]));
        let fits = taken <= left;
        left = left.saturating_sub(taken);
        fits
    };
    text.chars().take_while(fits).chain(['…']).collect()
}

/// At least so many columns.
fn padded(text: &str, width: usize) -> String {
    format!("{text}{}", " ".repeat(width.saturating_sub(terminal::width(text))))
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
        (reason, eval): (Option<&str>, u64),
        columns: Option<usize>,
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
        PLAIN.line(&event, columns)
    }

    fn named(id: &'static str, kind: &'static str) -> Option<SubjectField<'static>> {
        Some(SubjectField { id: Some(id), kind, ..SubjectField::default() })
    }

    fn lines(columns: Option<usize>) -> String {
        let anonymous = Some(SubjectField { id: None, kind: "anonymous", ..SubjectField::default() });
        let read = r#"{"action": "read", "resource": {"type": "document", "id": 7}}"#;
        let call = r#"{"action": {"name": "tools/call"}, "resource": {"type": "tool", "name": "shell"}}"#;
        let get = r#"{"method": "GET", "path": ["v1", "orders"]}"#;
        let service = named("svc-orders@prod.example.com", "service");
        let long = "time/bound/access/allow_with_a_long_name";
        let unknown = Some("no rule or document has this path");
        let forged = Some("the token's signature does not verify");
        [
            line(Outcome::Allow, "app/allow", read, named("alice", "user"), (None, 12_345), columns),
            line(
                Outcome::Deny,
                "agent/tools/allow",
                call,
                named("build-bot", "agent"),
                (None, 8_460),
                columns,
            ),
            line(Outcome::Value, "app", get, None, (None, 1_234_567), columns),
            line(Outcome::Undefined, "app/alow", read, anonymous, (unknown, 900), columns),
            line(Outcome::Error, long, "{}", service, (Some("`to_number` of `abc`"), 31_000_000), columns),
            line(Outcome::Refused, "app/allow", "1", None, (forged, 0), columns),
        ]
        .concat()
    }

    #[test]
    fn one_aligned_line_a_decision_in_full_where_there_is_no_terminal() {
        let expected = [
            "02:11:14.829  ALLOW      app/allow               alice (user)        read document/7             12 us  369590fc",
            "02:11:14.829  DENY       agent/tools/allow       build-bot (agent)   tools/call tool/shell      8.4 us  369590fc",
            "02:11:14.829  VALUE      app                     -                   GET v1/orders              1.2 ms  369590fc",
            "02:11:14.829  UNDEFINED  app/alow                anonymous           read document/7            900 ns  369590fc  no rule or document has this path",
            "02:11:14.829  ERROR      time/bound/access/allow_with_a_long_name  svc-orders@prod.example.com (service)                              31 ms  369590fc  `to_number` of `abc`",
            "02:11:14.829  REFUSED    app/allow               -                                                   -  369590fc  the token's signature does not verify",
        ];
        assert_eq!(lines(None), expected.map(|line| format!("{line}\n")).concat());
    }

    #[test]
    fn decisions_fit_a_terminal_of_80_columns() {
        let expected = [
            "02:11:14  ALLOW      app/allow     alice (user)  read docume…    12 us  369590fc",
            "02:11:14  DENY       agent/tools…  build-bot (…  tools/call …   8.4 us  369590fc",
            "02:11:14  VALUE      app           -             GET v1/orde…   1.2 ms  369590fc",
            "02:11:14  UNDEFINED  app/alow      anonymous     read docume…   900 ns  369590fc",
            "          no rule or document has this path",
            "02:11:14  ERROR      time/bound/…  svc-orders@…                  31 ms  369590fc",
            "          `to_number` of `abc`",
            "02:11:14  REFUSED    app/allow     -                                 -  369590fc",
            "          the token's signature does not verify",
        ];
        assert_eq!(lines(Some(80)), expected.map(|line| format!("{line}\n")).concat());
        for columns in [62, 100, 111, 112, 200] {
            let lines = lines(Some(columns));
            let widest = lines.lines().map(terminal::width).max().unwrap();
            assert!(widest <= columns, "{columns}: {lines}");
        }
    }

    #[test]
    fn what_the_log_says_of_itself_is_said_in_words() {
        let notice = br#"{"notice":"refusals_left_out","reason":"rate","labels":{"id":"x"},"records":95,"since":"2026-11-21T02:11:13Z","until":"2026-11-21T02:11:14Z","records_since_start":95,"timestamp":"2026-11-21T02:11:14Z"}"#;
        let line = PLAIN.notice(notice, "2026-11-21T02:11:14.829Z", Some(80));
        let expected = "02:11:14  NOTICE\n          refusals left out: reason=rate, records=95, records_since_start=95,\n          since=2026-11-21T02:11:13Z, until=2026-11-21T02:11:14Z\n";
        assert_eq!(line, expected);
        assert!(!PLAIN.notice(notice, "2026-11-21T02:11:14.829Z", None).trim_end().contains(['\n', '{']));
    }

    #[test]
    fn colour_only_where_it_is_wanted() {
        let mut decision = samples::decision();
        decision.failure = Some(Failure::new(FailureKind::CredentialExpired, "expired"));
        decision.outcome = Outcome::Refused;
        let claims = Claims::default();
        let event = Event::new(RawValue::NULL, &claims, &decision);
        assert!(Pretty { color: true }.line(&event, None).contains("\u{1b}[35mREFUSED  \u{1b}[0m"));
        assert!(!PLAIN.line(&event, None).contains('\u{1b}'));
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
        let line = PLAIN.line(&event, None);
        let line = line.strip_suffix('\n').unwrap();
        assert!(line.contains(r"x\u{1b}[2J\r\n\u{9b}31m\u{7}\u{202e}\u{2066}\u{2028}\u{feff}y"), "{line:?}");
        let acts = |c: char| c.is_control() || "\u{202e}\u{2066}\u{2028}\u{feff}".contains(c);
        assert!(!line.contains(acts), "{line:?}");
    }
}
