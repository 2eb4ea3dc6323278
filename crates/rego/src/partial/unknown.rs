//! What a caller says is unknown: `input`, `input.fruits`, `data.rows`.

use crate::shown;
use crate::syntax::ast::{Body, ExprKind, Version};
use crate::syntax::parser::parse_query;
use crate::syntax::source::Source;
use crate::value::Value;

/// A document that is unknown.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unknown {
    /// Whether it is `input`, or below it; else it is below `data`.
    pub(super) input: bool,
    /// The keys behind `input` or `data`.
    pub(super) path: Vec<Value>,
}

impl Unknown {
    /// All of `input`.
    pub const fn input() -> Self {
        Self { input: true, path: Vec::new() }
    }

    /// Reads a reference.
    ///
    /// # Errors
    /// It is no reference to `input` or `data` with constant text keys, or it is all of `data`.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not a reference below `input` or `data`, such as `input.fruits`");
        let body: Body = parse_query(&Source::new("", text), Version::V1).map_err(|_| wrong())?;
        let [expr] = body.exprs.as_slice() else { return Err(wrong()) };
        let (ExprKind::Term(term), false, true) = (&expr.kind, expr.negated, expr.with.is_empty()) else {
            return Err(wrong());
        };
        Self::of(&term.dotted().ok_or_else(wrong)?).ok_or_else(wrong)
    }

    /// Whether a member of `input`, or a part of it, is unknown.
    pub fn takes(&self, key: &str) -> bool {
        self.input && self.path.first().is_none_or(|first| first.as_str() == Some(key))
    }

    /// The document of a path that begins with `input` or `data`.
    pub fn of(path: &[std::sync::Arc<str>]) -> Option<Self> {
        let (root, path) = path.split_first()?;
        let path: Vec<Value> = path.iter().map(|key| Value::from(&**key)).collect();
        match &**root {
            "input" => Some(Self { input: true, path }),
            "data" if !path.is_empty() => Some(Self { input: false, path }),
            _ => None,
        }
    }
}

/// As it is written.
impl std::fmt::Display for Unknown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let root = if self.input { "input" } else { "data" };
        f.write_str(&self.path.iter().fold(root.to_owned(), |text, key| text + &shown::part(key)))
    }
}
