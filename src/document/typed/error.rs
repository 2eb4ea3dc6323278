//! What is wrong with a node, in a person's words and with its path.

use std::fmt;

use serde::de;

use crate::document::flaw::{Flaw, Known};
use crate::document::tree::{Origin, Part, Path, Step};

/// What serde reports, with the path that its deserializers add on the way up.
#[derive(Debug)]
pub(crate) struct TypeError {
    /// From the node up to the root.
    reversed: Vec<Step>,
    pub(crate) part: Part,
    origin: Option<Origin>,
    message: String,
    known: &'static [&'static str],
    kind: ErrorKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ErrorKind {
    UnknownKey,
    UnknownWord,
    Other,
}

impl TypeError {
    pub(crate) fn new(message: String) -> Self {
        Self {
            reversed: Vec::new(),
            part: Part::Value,
            origin: None,
            message,
            known: &[],
            kind: ErrorKind::Other,
        }
    }

    pub(crate) fn at(mut self, origin: &Origin) -> Self {
        self.origin.get_or_insert_with(|| origin.clone());
        self
    }

    pub(crate) fn below(mut self, step: Step) -> Self {
        self.reversed.push(step);
        self
    }

    pub(crate) fn into_flaw(self) -> Flaw {
        let path = Path(self.reversed.into_iter().rev().collect());
        let known = match self.kind {
            ErrorKind::UnknownKey => Some(Known::Keys(self.known)),
            ErrorKind::UnknownWord => Some(Known::Words(self.known)),
            ErrorKind::Other => None,
        };
        Flaw {
            path,
            part: self.part,
            origin: self.origin.unwrap_or(Origin::Default),
            message: self.message,
            hint: None,
            known,
        }
    }
}

impl fmt::Display for TypeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for TypeError {}

impl de::Error for TypeError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(message.to_string())
    }

    fn invalid_type(found: de::Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self::new(format!("expected {}, found {}", plain(&expected.to_string()), found_words(&found)))
    }

    fn invalid_value(found: de::Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self::invalid_type(found, expected)
    }

    fn unknown_variant(word: &str, expected: &'static [&'static str]) -> Self {
        Self { known: expected, kind: ErrorKind::UnknownWord, ..Self::new(format!("unknown value `{word}`")) }
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        let mut error = Self::new(format!("unknown key `{field}`"));
        error.known = expected;
        error.kind = ErrorKind::UnknownKey;
        error.part = Part::Key;
        error
    }

    fn missing_field(field: &'static str) -> Self {
        Self::new(format!("`{field}` is missing")).below(Step::Key(field.to_owned()))
    }
}

/// What a person calls what serde expects.
fn plain(expected: &str) -> &str {
    match expected {
        "a sequence" => "a list",
        "a boolean" => "`true` or `false`",
        "path string" => "a path",
        "socket address" => "an address and port, e.g. `127.0.0.1:8181`",
        "u8" | "u16" | "u32" | "u64" | "usize" => "a number",
        other => other,
    }
}

/// What a person calls what stands there.
fn found_words(found: &de::Unexpected<'_>) -> String {
    match found {
        de::Unexpected::Unit | de::Unexpected::Option => "nothing".to_owned(),
        de::Unexpected::Seq => "a list".to_owned(),
        de::Unexpected::Map => "a map".to_owned(),
        de::Unexpected::Bool(value) => format!("`{value}`"),
        de::Unexpected::Unsigned(value) => format!("the number `{value}`"),
        de::Unexpected::Signed(value) => format!("the number `{value}`"),
        de::Unexpected::Float(value) => format!("the number `{value}`"),
        de::Unexpected::Str(text) => format!("the string `{text}`"),
        other => other.to_string(),
    }
}
