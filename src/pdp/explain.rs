//! Why a decision is what it is: which decisions are explained, and the explanation.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::decide::VERDICTS;
use crate::model::clock::Timestamp;
use crate::model::decision::Outcome;
use crate::model::request::EntryPath;
use verdict_rego::explanation::Explanation;
use verdict_rego::{Effects, EvalLimits, Program, Value};

/// `decision.explain:` in the configuration: which decisions carry an explanation in their record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Which kind of them.
    pub record: Which,
    /// One in so many of these; 1 is every one.
    pub one_in: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self { record: Which::Off, one_in: 1 }
    }
}

/// Which decisions are explained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Which {
    /// None.
    Off,
    /// Those that policy did not allow: false, undefined, and documents that are neither.
    Denials,
    /// Those, and what policy allowed.
    All,
}

impl Config {
    /// Whether any decision can be one that is explained.
    pub fn any(self) -> bool {
        self.record != Which::Off
    }

    /// Whether this decision is one of them. Its identifier is random, and so is the choice of one in so many.
    pub fn wants(self, id: Uuid, outcome: Outcome) -> bool {
        let kind = match (self.record, outcome) {
            (Which::Off, _) => false,
            (Which::Denials, outcome) => outcome != Outcome::Allow,
            (Which::All, _) => true,
        };
        // The lowest bits of a version 4 UUID are random.
        kind && (id.as_u128() as u32).is_multiple_of(self.one_in.max(1))
    }
}

/// Explains the document at `path`, or, where that is a package, the rule in it that decides.
///
/// `None` where no rule defines it: a reason says that already. `effects` has what the decision has learned from others.
pub fn explain(
    program: &Program,
    path: &EntryPath,
    input: Option<&Value>,
    at: Timestamp,
    limits: &EvalLimits,
    values: bool,
    effects: &mut Effects,
) -> Option<Explanation> {
    let mut explain = |path: &EntryPath| program.explain(path, input, at.0, limits, values, effects);
    if let Some(explained) = explain(path) {
        return Some(explained);
    }
    VERDICTS.into_iter().find_map(|name| {
        let segments = path.segments().iter().cloned().chain([name.to_owned()]).collect();
        explain(&EntryPath::from_segments(segments))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn denials_or_all_or_one_in_some() {
        let counted = |config: Config, outcome| {
            (0..1000_u128).filter(|n| config.wants(Uuid::from_u128(n << 64 | n), outcome)).count()
        };
        let config = |record, one_in| Config { record, one_in };
        for (config, outcome, expected) in [
            (config(Which::Off, 1), Outcome::Deny, 0),
            (config(Which::Denials, 1), Outcome::Deny, 1000),
            (config(Which::Denials, 1), Outcome::Undefined, 1000),
            (config(Which::Denials, 1), Outcome::Allow, 0),
            (config(Which::Denials, 10), Outcome::Deny, 100),
            (config(Which::All, 1), Outcome::Allow, 1000),
        ] {
            assert_eq!(counted(config, outcome), expected, "{config:?} {outcome:?}");
        }
    }
}
