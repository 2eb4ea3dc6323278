//! How a credential is shown.

use serde_json::{Value, json};

use crate::identity::inspect::{Form, Inspected};
use crate::model::clock::Timestamp;

/// Output formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Format {
    /// Text
    Pretty,
    /// JSON
    Json,
}

/// Everything that was found out.
pub(super) struct Report {
    pub(super) bytes: usize,
    pub(super) inspected: Inspected,
    /// What the authenticator says, where there is a configuration.
    pub(super) verification: Option<Value>,
    pub(super) now: Timestamp,
}

impl Report {
    /// Whether it is accepted, as far as that is known.
    pub(super) fn is_accepted(&self) -> bool {
        match &self.verification {
            Some(outcome) => outcome["accepted"] == true,
            None => !self.inspected.findings.iter().any(|finding| finding.refused),
        }
    }

    pub(super) fn text(&self, format: Format) -> String {
        match format {
            Format::Pretty => self.pretty(),
            Format::Json => pretty(&self.json()) + "\n",
        }
    }

    fn json(&self) -> Value {
        let Inspected { form: _, header, claims, times, findings } = &self.inspected;
        let times = times.iter().map(|(name, at)| {
            ((*name).to_owned(), json!({ "at": shown(*at), "is": self.relative(name, *at) }))
        });
        let findings =
            findings.iter().map(|finding| json!({ "refused": finding.refused, "text": finding.text }));
        let mut report = json!({
            "kind": self.kind(),
            "bytes": self.bytes,
            "header": header,
            "claims": claims,
            "times": times.collect::<serde_json::Map<_, _>>(),
            "findings": findings.collect::<Vec<_>>(),
        });
        if let (Some(outcome), Some(members)) = (&self.verification, report.as_object_mut()) {
            members.insert("verification".to_owned(), outcome.clone());
        }
        report
    }

    fn pretty(&self) -> String {
        let Inspected { form: _, header, claims, times, findings } = &self.inspected;
        let mut out = format!("{}, {} bytes\n", self.kind(), self.bytes);
        for (title, object) in [("header", header), ("claims", claims)] {
            if let Some(object) = object {
                out.push_str(&format!("{title}:\n{}\n", indented(&pretty(&Value::Object(object.clone())))));
            }
        }
        if !times.is_empty() {
            out.push_str("times:\n");
        }
        for (name, at) in times {
            out.push_str(&format!("  {name:9} {} {}\n", shown(*at), self.relative(name, *at)));
        }
        if !findings.is_empty() {
            out.push_str("findings:\n");
        }
        for finding in findings {
            out.push_str(&format!(
                "  {} {}\n",
                if finding.refused { "refused:" } else { "note:" },
                finding.text
            ));
        }
        match &self.verification {
            Some(outcome) if outcome["accepted"] == true => {
                out.push_str(&format!(
                    "accepted; input.subject:\n{}\n",
                    indented(&pretty(&outcome["subject"]))
                ));
            }
            Some(outcome) => {
                let text = |name: &str| outcome[name].as_str().unwrap_or_default().to_owned();
                out.push_str(&format!("refused ({}): {}\n", text("kind"), text("reason")));
            }
            None => out.push_str("not verified; give --config FILE, or --dev\n"),
        }
        out
    }

    fn kind(&self) -> String {
        match &self.inspected.form {
            Form::Jwt => "JWT".to_owned(),
            Form::PrefixedJwt(prefix) => format!("JWT with the prefix `{prefix}`"),
            Form::Capability => "capability token".to_owned(),
            Form::Encrypted => "encrypted token (JWE)".to_owned(),
            Form::ApiKey(prefix) => format!("API key with the prefix `{prefix}`"),
            Form::Opaque => "opaque credential".to_owned(),
            Form::Nothing => "not a credential".to_owned(),
        }
    }

    /// What a time means now, e.g. `(valid for 4 m)`.
    fn relative(&self, name: &str, at: Timestamp) -> String {
        let distance = coarse(at.0.abs_diff(self.now.0));
        match (name, at > self.now) {
            ("exp", true) => format!("(valid for {distance})"),
            ("exp", false) => format!("(expired {distance} ago)"),
            (_, true) => format!("(in {distance})"),
            (_, false) => format!("({distance} ago)"),
        }
    }
}

/// In whole seconds, which is what tokens have.
fn shown(at: Timestamp) -> String {
    let text = at.rfc3339();
    text.split_once('.').map_or(text.clone(), |(seconds, _)| format!("{seconds}Z"))
}

/// A time span by its largest unit.
fn coarse(nanos: u64) -> String {
    let seconds = nanos / 1_000_000_000;
    let (count, unit) = match seconds {
        0..120 => (seconds, "s"),
        120..7_200 => (seconds / 60, "m"),
        7_200..172_800 => (seconds / 3_600, "h"),
        _ => (seconds / 86_400, "d"),
    };
    format!("{count} {unit}")
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_span_has_one_unit() {
        for (seconds, expected) in
            [(0, "0 s"), (119, "119 s"), (300, "5 m"), (7_200, "2 h"), (172_800, "2 d")]
        {
            assert_eq!(coarse(seconds * 1_000_000_000), expected);
        }
    }
}
