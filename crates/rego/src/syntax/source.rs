//! Source texts and positions in them.

use std::sync::Arc;

/// One file of policy.
#[derive(Debug, Clone)]
pub struct Source {
    /// Its name in messages, e.g. `bundle/app/policy.rego`.
    pub name: Arc<str>,
    /// Its text.
    pub text: Arc<str>,
    /// Where its lines begin, in bytes.
    lines: Arc<[u32]>,
}

/// A part of a source, in bytes from its start; `end` is beyond it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Span {
    /// The first byte.
    pub start: u32,
    /// The byte after the last one.
    pub end: u32,
}

impl Span {
    /// From `self`'s start to `other`'s end.
    pub const fn to(self, other: Self) -> Self {
        Self { start: self.start, end: other.end }
    }
}

impl Source {
    /// A source; texts of 4 GiB and more are refused before.
    pub fn new(name: impl Into<Arc<str>>, text: impl Into<Arc<str>>) -> Self {
        let text: Arc<str> = text.into();
        let starts = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at as u32 + 1);
        let lines = std::iter::once(0).chain(starts).collect();
        Self { name: name.into(), text, lines }
    }

    /// Line and column of a byte, both from 1; the column counts bytes, as OPA's does.
    pub fn position(&self, at: u32) -> (u32, u32) {
        let line = self.lines.partition_point(|start| *start <= at).max(1);
        let start = self.lines.get(line - 1).copied().unwrap_or_default();
        (line as u32, at - start + 1)
    }

    /// The line that a byte is in, from 1.
    pub fn line_of(&self, at: u32) -> u32 {
        self.position(at).0
    }

    /// The text of a line, from 1, without its end.
    pub fn line(&self, number: u32) -> &str {
        let start = self.lines.get(number as usize - 1).copied().unwrap_or_default() as usize;
        let end = self.lines.get(number as usize).map_or(self.text.len(), |end| *end as usize);
        self.text.get(start..end).unwrap_or_default().trim_end_matches(['\n', '\r'])
    }

    /// The text of a span.
    pub fn slice(&self, span: Span) -> &str {
        self.text.get(span.start as usize..span.end as usize).unwrap_or_default()
    }
}
