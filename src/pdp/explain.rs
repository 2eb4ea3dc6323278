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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Which kind of them.
    pub record: Which,
    /// One in so many of these; 1 is every one.
    pub one_in: u32,
    /// Callers with one of these roles may ask for explanations (`?explain`).
    pub roles: Vec<String>,
    /// For these documents and all below them every caller may ask for explanations.
    pub entrypoints: Vec<String>,
}

impl Default for Config {
    fn default() -> Self {
        Self { record: Which::Off, one_in: 1, roles: Vec::new(), entrypoints: Vec::new() }
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
    /// Whether this decision is one of them. Its identifier is random, and so is the choice of one in so many.
    pub fn wants(&self, id: Uuid, outcome: Outcome) -> bool {
        let kind = match (self.record, outcome) {
            (Which::Off, _) => false,
            (Which::Denials, outcome) => outcome != Outcome::Allow,
            (Which::All, _) => true,
        };
        // The lowest bits of a version 4 UUID are random.
        kind && (id.as_u128() as u32).is_multiple_of(self.one_in.max(1))
    }

    /// Whether a caller with these roles may ask why the document at `path` is what it is.
    pub fn permits(&self, roles: &[String], path: &EntryPath) -> bool {
        let by_role = roles.iter().any(|role| self.roles.contains(role));
        let covers = |entrypoint: &String| {
            EntryPath::parse(entrypoint).is_ok_and(|above| path.segments().starts_with(above.segments()))
        };
        by_role || self.entrypoints.iter().any(covers)
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
    // Chosen before anything is evaluated: an explanation is one evaluation, whatever the path.
    let inside = |name: &&&str| program.is_rule(&child(path, name));
    let rule = match program.is_rule(path) {
        true => path.clone(),
        false => child(path, VERDICTS.iter().find(inside)?),
    };
    program.explain(&rule, input, at.0, limits, values, effects)
}

fn child(path: &EntryPath, name: &str) -> EntryPath {
    EntryPath::from_segments(path.segments().iter().cloned().chain([name.to_owned()]).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn denials_or_all_or_one_in_some() {
        let counted = |config: &Config, outcome| {
            (0..1000_u128).filter(|n| config.wants(Uuid::from_u128(n << 64 | n), outcome)).count()
        };
        let config = |record, one_in| Config { record, one_in, ..Config::default() };
        for (config, outcome, expected) in [
            (config(Which::Off, 1), Outcome::Deny, 0),
            (config(Which::Denials, 1), Outcome::Deny, 1000),
            (config(Which::Denials, 1), Outcome::Undefined, 1000),
            (config(Which::Denials, 1), Outcome::Allow, 0),
            (config(Which::Denials, 10), Outcome::Deny, 100),
            (config(Which::All, 1), Outcome::Allow, 1000),
        ] {
            assert_eq!(counted(&config, outcome), expected, "{config:?} {outcome:?}");
        }
    }

    #[test]
    fn explanations_are_granted_by_role_or_by_document() {
        let config = Config {
            roles: vec!["auditor".to_owned()],
            entrypoints: vec!["app/public".to_owned()],
            ..Config::default()
        };
        let permits = |config: &Config, roles: &[&str], path: &str| {
            let roles: Vec<String> = roles.iter().map(|role| (*role).to_owned()).collect();
            config.permits(&roles, &EntryPath::parse(path).unwrap())
        };
        assert!(permits(&config, &["auditor"], "app/allow"));
        assert!(permits(&config, &[], "app/public/allow"));
        for (roles, path) in [(&["editor"][..], "app/allow"), (&[], "app"), (&[], "app/publicity"), (&[], "")]
        {
            assert!(!permits(&config, roles, path), "{roles:?} {path}");
        }
        assert!(!permits(&Config::default(), &["auditor"], "app/public"));
    }
}
