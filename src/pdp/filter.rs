//! Data filters: which rows a policy allows, as a condition that a database can apply to all of them at once.
//!
//! The document is evaluated with what is known (the verified subject among it) and without the rows; what is left of it becomes SQL
//! or UCAST.
//!
//! INVARIANT (never more): a filter takes no row that no rule allows. What cannot be said in the language of the database is an error, never a
//! wider filter. One thing differs: where the evaluation of one rule would fail for a row, a filter still takes it if another allows it.
//! INVARIANT (verified stays known): no caller can have what was verified be unknown, and so be mapped to a column of its choice.
//!
//! Deliberately absent: connections to databases.
//!
//! Reading order: `formula` → `columns` → `sql`, `ucast` → this file.

mod columns;
mod formula;
mod sql;
mod ucast;

use std::time::{Duration, Instant};

use self::columns::Columns;
use self::formula::Formula;
use super::decide::Answer;
use super::input::IDENTITY_KEYS;
use crate::model::clock::Timestamp;
use crate::model::decision::Outcome;
use crate::model::failure::{Failure, FailureKind};
use crate::model::principal::AuthContext;
use crate::model::request::EntryPath;
use verdict_rego::partial::{UNSUPPORTED, Unknown};
use verdict_rego::query::Conditions;
use verdict_rego::{
    Effects, EvalError, EvalLimits, Evaluation, Object, PolicyError, Program, Supposing, Value,
};

pub use sql::Dialect;
pub use ucast::Variant;

/// In which language a filter is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// `WHERE …`
    Sql(Dialect),
    /// A tree of conditions.
    Ucast(Variant),
}

impl Target {
    /// That of a name such as `sql+postgresql`.
    pub fn named(name: &str) -> Option<Self> {
        let (target, dialect) = name.split_once('+')?;
        match target {
            "sql" => Dialect::ALL.into_iter().find(|one| one.name() == dialect).map(Self::Sql),
            "ucast" => Variant::ALL.into_iter().find(|one| one.name() == dialect).map(Self::Ucast),
            _ => None,
        }
    }

    const fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Sql(dialect) => ("sql", dialect.name()),
            Self::Ucast(variant) => ("ucast", variant.name()),
        }
    }
}

/// What a filter is wanted for.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// One language, or several at once.
    pub targets: Targets,
    /// What is unknown; where it is not said, what the policy's annotations say.
    pub unknowns: Option<Vec<Unknown>>,
    /// The document that says what is to be masked; where it is not said, what the policy's annotations say.
    pub mask_rule: Option<String>,
    /// What columns are called.
    pub mappings: Option<Value>,
}

/// The languages of a filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Targets {
    /// One: the answer is the filter.
    One(Target),
    /// Several: the answer has each under the name of its dialect, and UCAST under `ucast`.
    Several(Vec<Target>),
}

/// Evaluates the document at `path` to a filter.
pub fn decide(
    program: &Program,
    path: &EntryPath,
    (wanted, auth): (&Wanted, &AuthContext),
    input: Option<&Value>,
    (at, limits): (Timestamp, &EvalLimits),
    effects: &mut Effects,
) -> Answer {
    let started = Instant::now();
    let asked = Asked { program, path, wanted, input, at, limits };
    let filter = asked.unknowns(auth).and_then(|unknowns| asked.filter(&unknowns, effects));
    answer(filter, started.elapsed())
}

fn answer(filter: Result<Option<Value>, Failure>, eval: Duration) -> Answer {
    let nothing =
        Answer { outcome: Outcome::Deny, result: None, reason: None, undefined: None, failure: None, eval };
    match filter {
        Ok(None) => Answer { reason: Some("no row is allowed".to_owned()), ..nothing },
        Ok(Some(filter)) => Answer { outcome: Outcome::Value, result: Some(filter), ..nothing },
        Err(failure) => Answer {
            outcome: Outcome::Error,
            reason: Some(failure.message.clone()),
            failure: Some(failure),
            ..nothing
        },
    }
}

struct Asked<'a> {
    program: &'a Program,
    path: &'a EntryPath,
    wanted: &'a Wanted,
    input: Option<&'a Value>,
    at: Timestamp,
    limits: &'a EvalLimits,
}

impl Asked<'_> {
    /// What is unknown.
    fn unknowns(&self, auth: &AuthContext) -> Result<Vec<Unknown>, Failure> {
        let unknowns = match &self.wanted.unknowns {
            Some(unknowns) => unknowns.clone(),
            None => self.program.filter_unknowns(self.path),
        };
        if unknowns.is_empty() {
            return Err(invalid(format!(
                "nothing says what is unknown of `{}`: give `unknowns`, e.g. [\"input.fruits\"], or annotate the policy with `# METADATA`, \
                 `# compile:`, `#   unknowns: [input.fruits]`",
                self.path
            )));
        }
        let checked = !matches!(auth, AuthContext::Unchecked);
        let takes = |key: &str| unknowns.iter().any(|unknown| unknown.takes(key));
        match IDENTITY_KEYS.into_iter().find(|key| checked && takes(key)) {
            Some(key) => Err(invalid(format!("`input.{key}` is verified, and cannot be unknown"))),
            None => Ok(unknowns),
        }
    }

    /// The filter with its masks; none where no row is allowed.
    fn filter(&self, unknowns: &[Unknown], effects: &mut Effects) -> Result<Option<Value>, Failure> {
        if !self.program.is_rule(self.path) {
            return Ok(None);
        }
        let supposing = Supposing {
            input: self.input,
            unknowns,
            nondeterministic: true,
            now_ns: self.at.0,
            limits: *self.limits,
        };
        let query = Conditions::of_path(self.path);
        let residual = self.program.suppose(&query, &supposing, effects).map_err(failed)?;
        let formula = formula::of(&residual, self.program).map_err(untranslatable)?;
        if formula == Formula::False {
            return Ok(None);
        }
        let masks = self.masks(effects)?;
        match &self.wanted.targets {
            Targets::One(target) => self.in_target(*target, &formula, masks.as_ref()).map(Some),
            Targets::Several(targets) => {
                let mut all = Value::object();
                for target in targets {
                    let name = match target {
                        Target::Ucast(_) => "ucast",
                        Target::Sql(dialect) => dialect.name(),
                    };
                    all.insert(name, self.in_target(*target, &formula, masks.as_ref())?);
                }
                Ok(Some(all))
            }
        }
    }

    fn in_target(&self, target: Target, formula: &Formula, masks: Option<&Value>) -> Result<Value, Failure> {
        let (name, dialect) = target.names();
        let columns = Columns::of(self.wanted.mappings.as_ref(), name, dialect).map_err(invalid)?;
        let query = match target {
            Target::Sql(dialect) => sql::filter(formula, columns, dialect).map(Value::from),
            Target::Ucast(variant) => ucast::filter(formula, columns, variant),
        };
        let query = query.map_err(|message| {
            untranslatable(PolicyError { code: formula::FRAGMENT, message, location: None })
        })?;
        let mut filter = Value::object();
        filter.insert("query", query);
        if let Some(masks) = masks {
            filter.insert("masks", masks.clone());
        }
        Ok(filter)
    }

    /// What the document of the masks says; none where there is no such document, or it is undefined.
    fn masks(&self, effects: &mut Effects) -> Result<Option<Value>, Failure> {
        let named = self.wanted.mask_rule.as_deref().map(|rule| self.mask_path(rule)).transpose()?;
        let Some(path) = named.or_else(|| self.program.filter_mask_rule(self.path)) else { return Ok(None) };
        if !self.program.declares(&path) {
            return Err(invalid(format!("the mask rule `data.{}` does not exist", path.join("."))));
        }
        match self.program.evaluate_in(&path, self.input.cloned(), self.at.0, self.limits, effects) {
            Evaluation::Defined { value: Value::Object(masks), left_out: None } => {
                Ok(Some(Value::Object(masks)).filter(|masks| *masks != Value::from(Object::new())))
            }
            Evaluation::Undefined(_) => Ok(None),
            Evaluation::Error(error) => Err(failed(error)),
            Evaluation::Defined { left_out: Some(error), .. } => Err(untranslatable(error)),
            Evaluation::Defined { .. } => {
                let message = format!("the mask rule `data.{}` is no object", path.join("."));
                Err(Failure::new(FailureKind::EvaluationFailed, message))
            }
        }
    }

    /// `data.filters.masks`, or a rule of the package of the filter.
    fn mask_path(&self, rule: &str) -> Result<Vec<String>, Failure> {
        let parts: Vec<String> = rule.split('.').map(str::to_owned).collect();
        if parts.iter().any(String::is_empty) {
            return Err(invalid(format!("the mask rule `{rule}` is no path of names")));
        }
        if parts.first().is_some_and(|first| first == "data") {
            return Ok(parts.into_iter().skip(1).collect());
        }
        let package = self.path.split_last().map_or(&[][..], |(_, package)| package);
        Ok(package.iter().cloned().chain(parts).collect())
    }
}

fn invalid(message: impl Into<String>) -> Failure {
    Failure::new(FailureKind::InvalidRequest, message)
}

/// What cannot be evaluated without the rows is the caller's to ask otherwise; all else is a failure as always.
fn failed(error: EvalError) -> Failure {
    match error.policy {
        Some(policy) if policy.code == UNSUPPORTED => untranslatable(*policy),
        policy => Failure::from(EvalError { policy, ..error }),
    }
}

fn untranslatable(error: PolicyError) -> Failure {
    let message = error.message.clone();
    Failure { policy: Some(Box::new(error)), ..Failure::new(FailureKind::InvalidRequest, message) }
}

#[cfg(test)]
mod tests;
