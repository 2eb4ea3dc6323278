//! What a YAML text may come to: levels, and what aliases add to it.
//!
//! INVARIANT (bounded): reading takes time in proportion to the text, and what is read is at most the text and what aliases
//! may add to it. The parser's events are linear in the text and have no more levels than they are asked for; whoever
//! reads a text otherwise [checks](check) it first.

use std::collections::HashMap;

use saphyr_parser::{Event, Parser, Span};

/// The most levels of a value that is built from the parser's events.
pub(crate) const MAX_LEVELS: usize = 1000;
/// The most levels of a text for other readers, whose time grows with length times levels.
const MAX_CHECKED_LEVELS: usize = 128;
/// The most values that come by aliases, each counted as often as it comes.
const MAX_ALIASED_VALUES: u64 = 100_000;
/// The most text that comes by aliases, in bytes.
const MAX_ALIASED_BYTES: u64 = 4 << 20;
/// The most directives: other readers compare each with all before it.
const MAX_DIRECTIVES: usize = 100;

/// What a node comes to when all aliases are followed.
#[derive(Debug, Clone, Copy, Default)]
struct Size {
    values: u64,
    bytes: u64,
}

impl Size {
    const fn add(&mut self, other: Self) {
        self.values = self.values.saturating_add(other.values);
        self.bytes = self.bytes.saturating_add(other.bytes);
    }
}

/// Counts the parser's events.
pub(crate) struct Bounds {
    max_levels: usize,
    /// Collections that are being read, by their anchors.
    open: Vec<(usize, Size)>,
    anchors: HashMap<usize, Size>,
    aliased: Size,
}

impl Bounds {
    pub(crate) fn new(max_levels: usize) -> Self {
        Self { max_levels, open: Vec::new(), anchors: HashMap::new(), aliased: Size::default() }
    }

    /// Counts an event.
    ///
    /// # Errors
    /// The bound that it exceeds, with line and column.
    pub(crate) fn take(&mut self, event: &Event<'_>, span: Span) -> Result<(), String> {
        let exceeded = |what: String| {
            let (line, column) = (span.start.line(), span.start.col() + 1);
            Err(format!("yaml: {what} at line {line} column {column}"))
        };
        match event {
            Event::Scalar(text, _, anchor, _) => {
                self.finish(*anchor, Size { values: 1, bytes: text.len() as u64 });
            }
            Event::SequenceStart(anchor, _) | Event::MappingStart(anchor, _) => {
                if self.open.len() >= self.max_levels {
                    return exceeded(format!("exceeded max depth of {} levels", self.max_levels));
                }
                self.open.push((*anchor, Size { values: 1, bytes: 0 }));
            }
            Event::SequenceEnd | Event::MappingEnd => {
                if let Some((anchor, size)) = self.open.pop() {
                    self.finish(anchor, size);
                }
            }
            Event::Alias(anchor) => {
                let size = self.anchors.get(anchor).copied().unwrap_or_default();
                self.aliased.add(size);
                let aliasing = "document contains excessive aliasing";
                if self.aliased.values > MAX_ALIASED_VALUES {
                    return exceeded(format!(
                        "{aliasing}: more than {MAX_ALIASED_VALUES} values come by aliases"
                    ));
                }
                if self.aliased.bytes > MAX_ALIASED_BYTES {
                    return exceeded(format!(
                        "{aliasing}: more than {MAX_ALIASED_BYTES} bytes come by aliases"
                    ));
                }
                self.finish(0, size);
            }
            _ => {}
        }
        Ok(())
    }

    /// Counts a node for what is around it.
    fn finish(&mut self, anchor: usize, size: Size) {
        if anchor > 0 {
            self.anchors.insert(anchor, size);
        }
        if let Some((_, around)) = self.open.last_mut() {
            around.add(size);
        }
    }
}

/// Checks a text for a reader that has no bounds of its own.
///
/// # Errors
/// The bound that it exceeds, or that it is not YAML; with line and column.
pub(crate) fn check(text: &str) -> Result<(), String> {
    if let Some((line, _)) =
        text.lines().enumerate().filter(|(_, line)| line.starts_with('%')).nth(MAX_DIRECTIVES)
    {
        return Err(format!("yaml: more than {MAX_DIRECTIVES} directives at line {} column 1", line + 1));
    }
    let mut bounds = Bounds::new(MAX_CHECKED_LEVELS);
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| format!("yaml: {error}"))?;
        bounds.take(&event, span)?;
    }
    Ok(())
}
