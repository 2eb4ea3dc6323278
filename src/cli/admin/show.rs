//! What is shown of answers: tables and lists of members for people, the server's own JSON for programs.
//!
//! INVARIANT (nothing that acts): control characters, which a terminal would obey, are not shown.

use serde_json::{Map, Value};

use super::api::Reply;
use super::trouble::{Trouble, plain};
use crate::cli::print::{note, print};
use crate::cli::table::columns;
use crate::cli::terminal::Terminal;

/// How answers are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Output {
    Table,
    Json,
}

/// The members of answers that are shown once.
const ONCE: [&str; 4] = ["operator_key", "admin_key", "agent_key", "api_key"];
/// The members that people look for first.
const FIRST: [&str; 12] = [
    "id",
    "name",
    "organisation",
    "kind",
    "agent",
    "from",
    "to",
    "issuer",
    "subject",
    "role",
    "roles",
    "permissions",
];

/// A column of a table.
pub struct Column {
    head: &'static str,
    cell: fn(&Value) -> String,
    /// Whether its cells may be cut for want of room.
    cut: bool,
}

impl Column {
    /// A column whose cells are never cut: somebody will copy them.
    pub const fn whole(head: &'static str, cell: fn(&Value) -> String) -> Self {
        Self { head, cell, cut: false }
    }

    /// A column whose cells may be cut.
    pub const fn cut(head: &'static str, cell: fn(&Value) -> String) -> Self {
        Self { head, cell, cut: true }
    }
}

/// A value for people.
pub fn shown(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => plain(text),
        Value::Array(items) if items.is_empty() => "-".to_owned(),
        Value::Array(items) if items.iter().all(Value::is_string) => {
            items.iter().map(shown).collect::<Vec<_>>().join(", ")
        }
        other => plain(&other.to_string()),
    }
}

/// A member for people; `-` where it is not there.
pub fn text(record: &Value, name: &str) -> String {
    shown(record.get(name).unwrap_or(&Value::Null))
}

/// A time to the minute, in UTC.
pub fn minute(record: &Value, name: &str) -> String {
    let text = text(record, name);
    match text.get(..16) {
        Some(minute) if text.ends_with('Z') => minute.replace('T', " "),
        _ => text,
    }
}

/// Shows the JSON of an answer.
fn json(reply: &Reply) {
    print(&reply.text);
    if !reply.text.is_empty() && !reply.text.ends_with('\n') {
        print("\n");
    }
}

/// Shows one record, and says of what is shown once that it is.
pub fn record(reply: &Reply, output: Output) {
    match output {
        Output::Json => json(reply),
        Output::Table => print(&details(&reply.value)),
    }
    let once: Vec<&str> = ONCE.into_iter().filter(|name| reply.value.get(name).is_some()).collect();
    if !once.is_empty() {
        note(&format!("note: shown this once, keep it now: {}", once.join(", ")));
    }
}

/// Shows a page of records.
pub fn list(reply: &Reply, output: Output, what: &str, spec: &[Column]) {
    if output == Output::Json {
        return json(reply);
    }
    let items = reply.value.get("items").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    match items {
        [] => note(&format!("no {what}")),
        items => print(&table(items, spec)),
    }
    if let Some(next) = reply.value.get("next").filter(|next| !next.is_null()) {
        let flag = if next.is_number() { "--before" } else { "--after" };
        note(&format!("note: there are more; go on with {flag} {}", shown(next)));
    }
}

/// Says what was done.
pub fn done(reply: &Reply, output: Output, message: &str) {
    match output {
        Output::Json => json(reply),
        Output::Table => print(&format!("{}\n", plain(message))),
    }
}

/// Shows a record that was looked for in a list.
///
/// # Errors
/// It is not there.
pub fn found(record: Option<Value>, output: Output, word: &str, name: &str) -> Result<(), Trouble> {
    match record {
        None => Err(Trouble::Refused(format!("there is no {word} `{name}`"))),
        Some(record) if output == Output::Json => {
            print(&format!("{record}\n"));
            Ok(())
        }
        Some(record) => {
            print(&details(&record));
            Ok(())
        }
    }
}

/// A table of records.
pub fn table(items: &[Value], spec: &[Column]) -> String {
    let heads: Vec<(&str, bool)> = spec.iter().map(|column| (column.head, column.cut)).collect();
    let rows: Vec<Vec<String>> =
        items.iter().map(|item| spec.iter().map(|column| (column.cell)(item)).collect()).collect();
    columns(&heads, &rows, Terminal::out().width)
}

/// The members of a record, one a line.
pub fn details(value: &Value) -> String {
    let Some(members) = value.as_object() else { return format!("{}\n", shown(value)) };
    let names = ordered(members);
    let width = names.iter().map(|name| name.chars().count()).max().unwrap_or_default();
    let line = |name: &str| {
        let value = members.get(name).map(shown).unwrap_or_default();
        format!("{:width$}  {value}\n", plain(name))
    };
    names.into_iter().map(line).collect()
}

/// What people look for first, the rest by name, and at the end what is shown once.
fn ordered(members: &Map<String, Value>) -> Vec<&str> {
    let place = |name: &str| match FIRST.iter().position(|first| *first == name) {
        Some(place) => place,
        None if ONCE.contains(&name) => FIRST.len() + 1,
        None => FIRST.len(),
    };
    let mut names: Vec<&str> = members.keys().map(String::as_str).collect();
    names.sort_by_key(|name| (place(name), *name));
    names
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_record_is_shown_with_what_matters_first() {
        let value = json!({"admin_key": "sk", "created_at": "t", "id": "a", "name": "A\u{1b}[2J", "roles": [], "state": "active"});
        let expected = "id          a\nname        A\u{fffd}[2J\nroles       -\ncreated_at  t\nstate       active\nadmin_key   sk\n";
        assert_eq!(details(&value), expected);
        assert_eq!(minute(&json!({"at": "2026-11-21T02:11:14.829396687Z"}), "at"), "2026-11-21 02:11");
        assert_eq!(minute(&json!({}), "at"), "-");
    }
}
