//! What a YAML text may come to: levels, and what aliases add to it.
//!
//! INVARIANT (bounded): reading takes time in proportion to the text, and what is read is at most the text and what aliases
//! may add to it. The parser's events are linear in the text.

use std::collections::HashMap;

use saphyr_parser::Event;

/// The most levels of a value.
const MAX_LEVELS: usize = 1000;
/// The most values that come by aliases, each counted as often as it comes.
const MAX_ALIASED_VALUES: u64 = 100_000;
/// The most text that comes by aliases, in bytes.
const MAX_ALIASED_BYTES: u64 = 4 << 20;
/// How many of a hundred values may come by aliases, once that is many; OPA's library has this bound.
const MAX_ALIASED_PERCENT: u64 = 99;

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
#[derive(Default)]
pub(super) struct Bounds {
    /// Collections that are being read, by their anchors.
    open: Vec<(usize, Size)>,
    anchors: HashMap<usize, Size>,
    /// All values, aliases followed, and what of them came by aliases.
    values: u64,
    aliased: Size,
}

impl Bounds {
    /// Counts an event.
    ///
    /// # Errors
    /// The bound that it exceeds.
    pub(super) fn take(&mut self, event: &Event<'_>) -> Result<(), String> {
        match event {
            Event::Scalar(text, _, anchor, _) => {
                self.values += 1;
                self.finish(*anchor, Size { values: 1, bytes: text.len() as u64 });
            }
            Event::SequenceStart(anchor, _) | Event::MappingStart(anchor, _) => {
                if self.open.len() >= MAX_LEVELS {
                    return Err(format!("exceeded max depth of {MAX_LEVELS} levels"));
                }
                self.values += 1;
                self.open.push((*anchor, Size { values: 1, bytes: 0 }));
            }
            Event::SequenceEnd | Event::MappingEnd => {
                if let Some((anchor, size)) = self.open.pop() {
                    self.finish(anchor, size);
                }
            }
            Event::Alias(anchor) => {
                let size = self.anchors.get(anchor).copied().unwrap_or_default();
                self.values = self.values.saturating_add(size.values);
                self.aliased.add(size);
                self.check_aliases()?;
                self.finish(0, size);
            }
            _ => {}
        }
        Ok(())
    }

    fn check_aliases(&self) -> Result<(), String> {
        let Size { values, bytes } = self.aliased;
        let exceeded = if values > MAX_ALIASED_VALUES {
            format!("more than {MAX_ALIASED_VALUES} values come by aliases")
        } else if bytes > MAX_ALIASED_BYTES {
            format!("more than {MAX_ALIASED_BYTES} bytes come by aliases")
        } else if values > 100 && self.values > 1000 && values * 100 > self.values * MAX_ALIASED_PERCENT {
            format!("more than {MAX_ALIASED_PERCENT} of 100 values come by aliases")
        } else {
            return Ok(());
        };
        Err(format!("document contains excessive aliasing: {exceeded}"))
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
