//! What Tab offers: commands, keywords, built-ins, what was defined, and the paths below `data` and `input`.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::command;
use super::session::Session;
use verdict_rego::{Program, Value, capabilities};

const KEYWORDS: [&str; 17] = [
    "contains", "data", "default", "else", "every", "false", "if", "import", "in", "input", "not", "null",
    "package", "some", "true", "with", "as",
];

/// Everything that can be completed.
pub(super) struct Known {
    program: Arc<Program>,
    input: Option<Value>,
    /// What is known by a bare name.
    names: BTreeSet<String>,
}

impl Known {
    pub(super) fn of(session: &Session) -> Self {
        let built_in = capabilities::capabilities();
        let built_in = built_in.get("builtins").and_then(|list| list.as_array()).into_iter().flatten();
        let named = built_in.filter_map(|each| each.get("name")?.as_str());
        let callable = named.filter(|name| is_callable(name));
        let local = session.program().entry_paths().filter_map(|path| {
            let (name, package) = path.split_last()?;
            (package.join(".") == session.package()).then(|| name.clone())
        });
        let names = callable.chain(KEYWORDS).chain(session.names()).map(str::to_owned).chain(local);
        Self { names: names.collect(), program: Arc::clone(session.program()), input: session.input.clone() }
    }

    /// Where the word before `at` begins to be completed, and what it can become from there.
    pub(super) fn complete(&self, line: &str, at: usize) -> (usize, Vec<String>) {
        let before = line.get(..at).unwrap_or(line);
        let of_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.');
        let start = before.rfind(|c| !of_word(c)).map_or(0, |last| last + char_len(before, last));
        let word = before.get(start..).unwrap_or_default();
        if let Some((above, prefix)) = word.rsplit_once('.')
            && matches!(above.split('.').next(), Some("data" | "input"))
        {
            let members = self.members(above).into_iter().filter(|name| name.starts_with(prefix));
            return (at - prefix.len(), members.collect());
        }
        let typed = before.trim_start();
        let commands: Vec<String> =
            command::names().filter(|name| name.starts_with(typed)).map(str::to_owned).collect();
        if typed.is_empty() || (typed != word && !commands.is_empty()) {
            return (before.len() - typed.len(), commands);
        }
        let mut found: BTreeSet<String> =
            self.names.iter().filter(|name| name.starts_with(word)).cloned().collect();
        if typed == word {
            found.extend(commands);
        }
        (start, found.into_iter().collect())
    }

    /// The members of a document that can be written behind a dot.
    fn members(&self, path: &str) -> BTreeSet<String> {
        let mut segments = path.split('.');
        let root = segments.next();
        let segments: Vec<&str> = segments.collect();
        let base = if root == Some("data") { Some(self.program.data()) } else { self.input.as_ref() };
        let found = base.and_then(|base| base.at(segments.iter().copied()));
        let of_value = found.into_iter().flat_map(Value::members).map(|(name, _)| name.to_owned());
        let rules = self.program.entry_paths().filter(|_| root == Some("data")).filter_map(|path| {
            let below = path.len() > segments.len() && path.iter().zip(&segments).all(|(a, b)| a == b);
            below.then(|| path.get(segments.len()).cloned()).flatten()
        });
        of_value.chain(rules).filter(|name| is_name(name)).collect()
    }
}

fn char_len(text: &str, at: usize) -> usize {
    text.get(at..).and_then(|rest| rest.chars().next()).map_or(1, char::len_utf8)
}

/// Whether a built-in is called by its name rather than written as an operator.
fn is_callable(name: &str) -> bool {
    !name.starts_with("internal.")
        && !matches!(name, "assign" | "eq" | "and" | "or" | "plus" | "minus" | "mul" | "div" | "rem")
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;
    use verdict_rego::{Module, RegoVersion, compile};

    #[test]
    fn words_become_what_they_may_mean() {
        let source = "package app.docs\nallow if input.x\nalso := 1\n";
        let module = Module { id: "p".into(), source: source.into(), version: RegoVersion::V1 };
        let data =
            Value::from_json(br#"{"users": {"alice": {}, "b-c": {}}, "app": {"sizes": [1]}}"#).unwrap();
        let input = Value::from_json(br#"{"action": "read", "resource": {"type": "doc"}}"#).unwrap();
        let program = compile(vec![module], data).unwrap();
        let mut session = Session::begin(&program, Some(input)).unwrap();
        session.enter("app.docs").unwrap();
        let known = Known::of(&session);
        for (line, start, expected) in [
            ("data.", 5, &["app", "users"][..]),
            ("data.app.d", 9, &["docs"]),
            ("data.app.", 9, &["docs", "sizes"]),
            ("x == data.app.docs.al", 19, &["allow", "also"]),
            ("data.users.", 11, &["alice"]),
            ("input.res", 6, &["resource"]),
            ("input.resource.t", 15, &["type"]),
            ("input.nope.t", 11, &[]),
            ("startsw", 0, &["startswith"]),
            ("not json.mar", 4, &["json.marshal", "json.marshal_with_options"]),
            ("unset-p", 0, &["unset-package"]),
            ("pretty-", 0, &["pretty-limit"]),
            ("metr", 0, &["metrics"]),
            ("not metr", 4, &[]),
            ("allo", 0, &["allow"]),
            ("defa", 0, &["default"]),
        ] {
            let (from, found) = known.complete(line, line.len());
            assert_eq!((from, found), (start, expected.iter().map(|s| (*s).to_owned()).collect()), "{line}");
        }
    }
}
