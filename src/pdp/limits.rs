//! What one evaluation may take, for each document that is asked for.
//!
//! INVARIANT (each limit by itself): the longest configured path that names a limit decides about that limit; what no
//! path names is as for all.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Config;
use crate::model::request::EntryPath;
use crate::model::units::{ByteSize, Period};
use verdict_rego::{EvalLimits, Strict};

/// One entry of `decision.entrypoints`: what it leaves out is as above it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Overrides {
    /// How long one evaluation may take.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deadline: Option<Period>,
    /// How many rules and functions may be within each other.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub depth: Option<u32>,
    /// How many bytes of values one evaluation may make.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<ByteSize>,
}

/// The limits in force.
#[derive(Debug, Clone)]
pub struct Limits {
    usual: EvalLimits,
    /// The longest paths first.
    rules: Vec<(EntryPath, Overrides)>,
}

impl Limits {
    /// Those of a configuration.
    ///
    /// # Errors
    /// A key of `decision.entrypoints` that is no path, or one path in two spellings.
    pub fn new(config: &Config) -> Result<Self, String> {
        let mut rules: Vec<(EntryPath, Overrides)> = Vec::with_capacity(config.entrypoints.len());
        for (text, overrides) in &config.entrypoints {
            let wrong = |message: String| format!("`decision.entrypoints`: `{text}`: {message}");
            let path = EntryPath::parse(text).map_err(wrong)?;
            if rules.iter().any(|(other, _)| *other == path) {
                return Err(wrong(format!("`{path}` is configured twice")));
            }
            rules.push((path, *overrides));
        }
        rules.sort_by_key(|(path, _)| std::cmp::Reverse(path.segments().len()));
        let usual = EvalLimits {
            deadline: config.deadline.0,
            depth: config.depth as usize,
            memory: config.memory.as_usize(),
            strict: config.builtin_errors.strict(),
        };
        Ok(Self { usual, rules })
    }

    /// Those for the document at a path.
    pub fn of(&self, path: &EntryPath) -> EvalLimits {
        let mut limits = self.usual;
        // From the shortest path to the longest, so that the longest has the last word.
        let above = self.rules.iter().rev().filter(|(rule, _)| path.segments().starts_with(rule.segments()));
        for (_, Overrides { deadline, depth, memory }) in above {
            limits.deadline = deadline.map_or(limits.deadline, |deadline| deadline.0);
            limits.depth = depth.map_or(limits.depth, |depth| depth as usize);
            limits.memory = memory.map_or(limits.memory, ByteSize::as_usize);
        }
        limits
    }

    /// Which errors of built-ins end an evaluation.
    pub const fn strict(&self) -> Strict {
        self.usual.strict
    }

    /// The documents that have limits of their own.
    pub fn paths(&self) -> impl Iterator<Item = &EntryPath> {
        self.rules.iter().map(|(path, _)| path)
    }
}

impl Default for Limits {
    fn default() -> Self {
        let Config { deadline, depth, memory, builtin_errors, .. } = Config::default();
        let usual = EvalLimits {
            deadline: deadline.0,
            depth: depth as usize,
            memory: memory.as_usize(),
            strict: builtin_errors.strict(),
        };
        Self { usual, rules: Vec::new() }
    }
}

/// `decision.entrypoints`, by path.
pub type ByPath = BTreeMap<String, Overrides>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_path_that_names_a_limit_decides_about_it() {
        let short = Overrides { deadline: Some(Period::millis(10)), memory: Some(ByteSize(1)), depth: None };
        let long = Overrides { deadline: Some(Period::millis(900)), depth: Some(7), memory: None };
        let entrypoints =
            [("app", short), ("/app/report/", long)].map(|(path, limits)| (path.to_owned(), limits));
        let config = Config { entrypoints: entrypoints.into(), ..Config::default() };
        let limits = Limits::new(&config).unwrap();
        for (path, (deadline, depth, memory)) in [
            ("", (50, 4096, 256 << 20)),
            ("apple", (50, 4096, 256 << 20)),
            ("app", (10, 4096, 1)),
            ("app/allow", (10, 4096, 1)),
            ("app/report", (900, 7, 1)),
            ("app/report/x", (900, 7, 1)),
            ("app/reports", (10, 4096, 1)),
        ] {
            let deadline = std::time::Duration::from_millis(deadline);
            assert_eq!(
                limits.of(&EntryPath::parse(path).unwrap()),
                EvalLimits { deadline, depth, memory, strict: Strict::Functions },
                "{path}"
            );
        }
        let twice = ["app", "/app"].map(|path| (path.to_owned(), short));
        let config = Config { entrypoints: twice.into(), ..Config::default() };
        assert!(Limits::new(&config).unwrap_err().contains("configured twice"));
    }
}
