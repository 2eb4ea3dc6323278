//! Evaluating one document of a program, within limits.

use std::collections::HashMap;
use std::fmt;
use std::num::NonZeroU32;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use regorus::utils::limits::ExecutionTimerConfig;
use regorus::{Engine, LimitError, Value as EngineValue};

use super::builtins;
use super::catalog::{Catalog, Declared, Path};
use super::compile::{GATHERED, Module};
use super::dependencies::Checked;
use super::diagnostic::evaluation_error;
use super::value::Value;
use crate::model::clock::Timestamp;
use crate::model::failure::{Failure, FailureKind, PolicyError};
use crate::model::request::EntryPath;

/// The stack that the deepest policy needs, in bytes. Threads that decide should have it from the start: where an
/// evaluation needs more than its thread has left, it is given a stack of its own, which takes some 40 us.
pub const STACK: usize = 64 << 20;
/// How many steps the evaluator takes between looks at the clock.
const STEPS_PER_CLOCK: NonZeroU32 = NonZeroU32::new(256).unwrap();

/// The package that the root document leaves out.
const HIDDEN: &str = "system";

/// What an evaluation may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EvalLimits {
    /// How long it may run.
    pub deadline: Duration,
}

/// What an evaluation came to.
#[derive(Debug, Clone)]
pub enum Evaluation {
    /// A document. `left_out` names the first rule in it that a built-in's error kept out of it.
    Defined {
        /// The document.
        value: Value,
        /// Why something is missing from it.
        left_out: Option<PolicyError>,
    },
    /// Nothing, and why.
    Undefined(UndefinedCause),
    /// No answer.
    Error(Failure),
}

/// Why a document is undefined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UndefinedCause {
    /// Neither policy nor data has anything at this path.
    NoSuchPath,
    /// The path names a function.
    Function,
    /// There are rules, and none of them holds.
    NoRuleHolds,
    /// The rule holds, and its document has nothing at the rest of the path.
    NotInDocument,
}

impl UndefinedCause {
    /// For a person: lower case, no full stop.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::NoSuchPath => "no rule and no data at this path",
            Self::Function => "the path names a function",
            Self::NoRuleHolds => "no rule at this path holds for this input",
            Self::NotInDocument => "the document has nothing at this path",
        }
    }
}

/// A compiled set of modules and data. Immutable, hence safe to share between threads.
///
/// INVARIANT (clean engine): an evaluation runs on an engine that is a copy of the prepared one, or has only ended
/// evaluations well since; the engine resets itself at the start of each. After an error or a panic it is thrown away, so
/// that nothing of one decision reaches another.
pub struct Program {
    prepared: Engine,
    /// Engines that wait for the next evaluation: as many as have ever run at once.
    #[expect(clippy::vec_box, reason = "an engine is large; it is handed over without being copied")]
    idle: Mutex<Vec<Box<Engine>>>,
    catalog: Catalog,
    checked: Checked,
    /// Inner nodes of the tree of documents, each to the rule that gathers it.
    gathered: HashMap<Path, String>,
    modules: Vec<Module>,
    data: Value,
}

/// How a path is evaluated.
enum Target<'a> {
    /// A rule, then the rest of the path within its document.
    Rule {
        rule: String,
        rest: &'a [String],
    },
    /// A package, or what contains packages; the root has no rule that gathers it.
    Inner {
        rule: Option<&'a str>,
        path: &'a [String],
    },
    /// A document in data that no rule touches.
    Base,
    Function,
}

impl Program {
    pub(super) fn new(
        prepared: Engine,
        catalog: Catalog,
        checked: Checked,
        gathered: Vec<Path>,
        modules: Vec<Module>,
        data: Value,
    ) -> Self {
        let rule = |number: usize| format!("data.{GATHERED}.node_{number}");
        let gathered = gathered.into_iter().enumerate().map(|(number, path)| (path, rule(number))).collect();
        Self { prepared, idle: Mutex::default(), catalog, checked, gathered, modules, data }
    }

    /// The modules that it was compiled from.
    pub fn modules(&self) -> &[Module] {
        &self.modules
    }

    /// The base documents.
    pub fn data(&self) -> &Value {
        &self.data
    }

    /// The paths of all rules that are documents, in order.
    pub fn entry_paths(&self) -> impl Iterator<Item = EntryPath> + '_ {
        let documents = self.catalog.documents.iter().filter(|(_, kind)| **kind != Declared::Function);
        documents.map(|(path, _)| EntryPath::from_segments(path.clone()))
    }

    /// The paths of all packages, in order.
    pub fn packages(&self) -> impl Iterator<Item = EntryPath> + '_ {
        self.catalog.packages.iter().map(|path| EntryPath::from_segments(path.clone()))
    }

    /// Every module with its package.
    pub fn module_packages(&self) -> impl Iterator<Item = (&Module, EntryPath)> + '_ {
        let package = |path: &Path| EntryPath::from_segments(path.clone());
        self.modules.iter().zip(self.catalog.by_module.iter().map(package))
    }

    /// Whether policy declares a document at `path`, or at or below a part of it.
    pub fn declares(&self, path: &EntryPath) -> bool {
        let path = path.segments();
        matches!(self.catalog.longest_prefix(path), Some((_, Declared::Rule | Declared::Scattered)))
            || self.catalog.below(path).any(|(_, kind)| kind != Declared::Function)
    }

    /// Evaluates the document at `path` for `input`; `at` is the time that policy sees.
    ///
    /// Never panics and never runs on: a panic of the evaluator is an error, and so is a deadline that has passed.
    pub fn evaluate(
        &self,
        path: &EntryPath,
        input: Option<Value>,
        at: Timestamp,
        limits: &EvalLimits,
    ) -> Evaluation {
        on_stack(self.checked.stack, || {
            let evaluated =
                catch_unwind(AssertUnwindSafe(|| self.evaluate_here(path.segments(), input, at, limits)));
            let panicked = |_| internal("the evaluator panicked");
            evaluated.unwrap_or_else(|panic| Evaluation::Error(panicked(panic)))
        })
    }

    fn evaluate_here(
        &self,
        path: &[String],
        input: Option<Value>,
        at: Timestamp,
        limits: &EvalLimits,
    ) -> Evaluation {
        let target = self.target(path);
        if let Target::Base = target {
            let found = self.data.at(path.iter().map(String::as_str));
            let undefined = Evaluation::Undefined(UndefinedCause::NoSuchPath);
            return found.map_or(undefined, |value| Evaluation::Defined { value, left_out: None });
        }
        builtins::set_now(at);
        let input = input.map_or(EngineValue::Undefined, |input| input.0);
        let run = Run { program: self, input, limits, started: Instant::now() };
        match target {
            Target::Base => Evaluation::Undefined(UndefinedCause::NoSuchPath),
            Target::Function => Evaluation::Undefined(UndefinedCause::Function),
            Target::Rule { rule, rest } => match run.rule(&rule) {
                Ok(None) => Evaluation::Undefined(UndefinedCause::NoRuleHolds),
                Ok(Some(value)) => match value.at(rest.iter().map(String::as_str)) {
                    Some(value) => Evaluation::Defined { value, left_out: None },
                    None => Evaluation::Undefined(UndefinedCause::NotInDocument),
                },
                Err(failure) => Evaluation::Error(failure),
            },
            Target::Inner { rule, path } => run.inner(rule, path),
        }
    }

    fn target<'a>(&'a self, path: &'a [String]) -> Target<'a> {
        if let Some((length, kind)) = self.catalog.longest_prefix(path)
            && let Some((declared, rest)) = path.split_at_checked(length)
        {
            return match kind {
                Declared::Rule => Target::Rule { rule: rule_name(declared), rest },
                Declared::Scattered => Target::Rule { rule: self.gathered_rule(declared), rest },
                Declared::Function => Target::Function,
            };
        }
        match self.gathered.get(path) {
            Some(rule) => Target::Inner { rule: Some(rule), path },
            None if path.is_empty() => Target::Inner { rule: None, path },
            None => Target::Base,
        }
    }

    /// An engine that is ready to evaluate.
    fn engine(&self) -> Box<Engine> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        idle.unwrap_or_else(|| Box::new(self.prepared.clone()))
    }

    /// Keeps an engine whose evaluation ended well, without what it was given or printed.
    fn keep(&self, mut engine: Box<Engine>) {
        engine.set_input(EngineValue::Undefined);
        let _printed = engine.take_prints();
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(engine);
    }

    fn gathered_rule(&self, path: &[String]) -> String {
        self.gathered.get(path).cloned().unwrap_or_else(|| rule_name(path))
    }
}

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let modules: Vec<&str> = self.modules.iter().map(|module| module.id.as_str()).collect();
        f.debug_struct("Program").field("modules", &modules).finish_non_exhaustive()
    }
}

/// One evaluation: at most a few runs of the engine, each on its own copy.
struct Run<'a> {
    program: &'a Program,
    input: EngineValue,
    limits: &'a EvalLimits,
    started: Instant,
}

impl Run<'_> {
    /// The document of one rule; `None` if it is undefined.
    fn rule(&self, rule: &str) -> Result<Option<Value>, Failure> {
        let Some(left) = self.limits.deadline.checked_sub(self.started.elapsed()) else {
            return Err(deadline(self.limits.deadline));
        };
        let mut engine = self.program.engine();
        engine.set_execution_timer_config(ExecutionTimerConfig {
            limit: left,
            check_interval: STEPS_PER_CLOCK,
        });
        engine.set_input(self.input.clone());
        let value = engine.eval_rule(rule.to_owned()).map_err(|error| self.failure(&error))?;
        self.program.keep(engine);
        Ok((value != EngineValue::Undefined).then_some(Value(value)))
    }

    fn failure(&self, error: &anyhow::Error) -> Failure {
        let text = error.to_string();
        let in_time = !matches!(error.downcast_ref(), Some(LimitError::TimeLimitExceeded { .. }));
        // The engine turns an error that passes through a function into its text.
        if !in_time || text.contains("execution exceeded time limit") {
            return deadline(self.limits.deadline);
        }
        let mut policy = evaluation_error(&text);
        if let Some(call) = policy.location.as_ref().and_then(|place| self.program.checked.calls.get(place)) {
            policy.location = Some(call.clone());
        }
        let message = policy.message.clone();
        Failure { policy: Some(Box::new(policy)), ..Failure::new(FailureKind::EvaluationFailed, message) }
    }

    /// A whole package: at once if nothing fails, else rule by rule, without those that a built-in's error keeps out.
    fn inner(&self, rule: Option<&str>, path: &[String]) -> Evaluation {
        if let Some(rule) = rule {
            match self.rule(rule) {
                Ok(Some(value)) => return Evaluation::Defined { value, left_out: None },
                Ok(None) => return Evaluation::Undefined(UndefinedCause::NoRuleHolds),
                Err(failure) if !is_builtin_error(&failure) => return Evaluation::Error(failure),
                Err(_) => {}
            }
        }
        let mut document =
            self.program.data.at(path.iter().map(String::as_str)).unwrap_or_else(Value::object);
        // The root is what callers see of all data; `system` is the server's own, as in OPA.
        let hidden =
            |declared: &[String]| path.is_empty() && declared.first().is_some_and(|root| root == HIDDEN);
        if path.is_empty() {
            document.remove(HIDDEN);
        }
        let mut left_out = None;
        for package in self.program.catalog.packages.iter().filter(|p| p.starts_with(path) && !hidden(p)) {
            place(&mut document, package.get(path.len()..).unwrap_or_default(), Value::object(), false);
        }
        for (declared, kind) in self.program.catalog.below(path) {
            let rule = match kind {
                _ if hidden(declared) => continue,
                Declared::Function => continue,
                Declared::Rule => rule_name(declared),
                Declared::Scattered => self.program.gathered_rule(declared),
            };
            match self.rule(&rule) {
                Ok(None) => {}
                Ok(Some(value)) => {
                    place(&mut document, declared.get(path.len()..).unwrap_or_default(), value, true)
                }
                Err(failure) if is_builtin_error(&failure) => {
                    left_out = left_out.or(failure.policy.map(|error| *error))
                }
                Err(failure) => return Evaluation::Error(failure),
            }
        }
        Evaluation::Defined { value: document, left_out }
    }
}

/// Puts `value` at a path within a document, making the objects on the way.
fn place(document: &mut Value, path: &[String], value: Value, replace: bool) {
    match path.split_first() {
        None => {
            if replace {
                *document = value;
            }
        }
        Some((first, rest)) => {
            let mut member = document.get(first).unwrap_or_else(Value::object);
            place(&mut member, rest, value, replace);
            document.insert(first, member);
        }
    }
}

/// As the engine names a rule: `data.app.allow`, `data.app["odd name"]`.
fn rule_name(path: &[String]) -> String {
    let mut name = "data".to_owned();
    for segment in path {
        let plain = segment
            .bytes()
            .enumerate()
            .all(|(at, b)| b == b'_' || b.is_ascii_alphabetic() || at > 0 && b.is_ascii_digit());
        if plain && !segment.is_empty() {
            name.push('.');
            name.push_str(segment);
        } else {
            name.push_str(&format!("[{}]", serde_json::Value::from(segment.as_str())));
        }
    }
    name
}

fn is_builtin_error(failure: &Failure) -> bool {
    failure.policy.as_ref().is_some_and(|error| error.code == "eval_builtin_error")
}

fn deadline(limit: Duration) -> Failure {
    let message = format!("the policy did not finish within {} ms", limit.as_millis());
    Failure::new(FailureKind::DeadlineExceeded, message)
}

fn internal(message: &str) -> Failure {
    Failure::new(FailureKind::EvaluationFailed, message)
}

/// Runs `f` with `needed` bytes of stack to go down: on this thread's stack if so much is left of it, else on another.
pub(super) fn on_stack<T>(needed: usize, f: impl FnOnce() -> T) -> T {
    stacker::maybe_grow(needed, STACK.max(needed), f)
}

#[cfg(test)]
#[path = "evaluate_tests.rs"]
mod tests;
