//! From modules and data to a program, and from a path to its document, within limits.

mod checked;
pub mod coverage;
mod distinct_tests;
mod explain;
mod filters;
mod near;
pub mod observe;
mod options;
mod output_cost;
pub mod partial;
pub mod profile;
pub mod query;
mod test_rules;
pub mod trace;

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::budget::{self, Exceeded};
use super::builtins::context::Context;
use super::builtins::table;
use super::check::{self, Checks};
use super::diagnostic::Diagnostic;
use super::effects::Effects;
use super::plan::ir::{Kind, RuleId};
use super::plan::watch::Watch;
use super::plan::{Failure as PlanFailure, Machine, Outline, Strict, ir};
use super::syntax::ast;
use super::syntax::keywords::Features;
use super::syntax::parser::{Options, parse_module};
use super::syntax::source::Source;
use super::value::Value;
use crate::error::{EvalError, EvalErrorKind, Location, PolicyError};
use crate::stack::{STACK, on_stack};
use output_cost::charge_output;

pub use super::syntax::ast::Version as RegoVersion;
pub use options::{CompileOptions, declared};
pub use test_rules::TestRule;

/// What one level of evaluation takes of it at the most, in bytes.
const STACK_PER_LEVEL: usize = if cfg!(debug_assertions) { 10 << 10 } else { 3 << 10 };
/// The most bytes that one built-in may make.
const MAX_BUILTIN_BYTES: usize = 64 << 20;
/// How long loading may take, and how much longer for each mebibyte of policy.
const LOAD: Duration = Duration::from_secs(if cfg!(debug_assertions) { 60 } else { 2 });
const LOAD_PER_MIB: Duration = LOAD;
/// The most bytes of constants and copies that loading may make, and how many more for each byte of policy.
const LOAD_MEMORY: usize = 256 << 20;
const LOAD_MEMORY_PER_BYTE: usize = 64;
/// The part of the tree that the root document leaves out.
const HIDDEN: &str = "system";

/// One file of policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Module {
    /// Its file name in messages and records, e.g. `bundle/app/policy.rego`.
    pub id: String,
    /// Its source text.
    pub source: Arc<str>,
    /// The version of Rego it is written in.
    pub version: RegoVersion,
}

/// The limits of an evaluation, and what ends it besides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EvalLimits {
    /// The time limit.
    pub deadline: Duration,
    /// The maximum nesting of rules and functions.
    pub depth: usize,
    /// The maximum number of bytes allocated for values in total, freed or not; an estimate.
    pub memory: usize,
    /// Which errors of built-ins end it.
    pub strict: Strict,
}

impl EvalLimits {
    /// Limits for commands: this deadline, no limit of depth, and one gibibyte.
    pub const fn within(deadline: Duration) -> Self {
        Self { deadline, depth: usize::MAX, memory: 1 << 30, strict: Strict::Functions }
    }
}

/// The result of an evaluation.
#[derive(Debug, Clone)]
pub enum Evaluation {
    /// A document. `left_out` names the first rule in it that a built-in's error kept out of it.
    Defined {
        /// The document.
        value: Value,
        /// Why something is missing from it.
        left_out: Option<PolicyError>,
    },
    /// The document is undefined, and why.
    Undefined(UndefinedCause),
    /// The evaluation failed.
    Error(EvalError),
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
pub struct Program {
    plan: ir::Program,
    sources: Vec<Source>,
    /// What each source consists of.
    outlines: Vec<Outline>,
    /// The package of each module.
    packages: Vec<Vec<String>>,
    modules: Vec<Module>,
    data: Value,
    /// What annotations say of filters.
    filters: Vec<filters::Filter>,
    /// The stack that its deepest rule needs, in bytes.
    stack: usize,
}

/// Compiles modules and data to a program.
///
/// # Errors
/// Every diagnostic that was found, sorted by place.
pub fn compile(modules: Vec<Module>, data: Value) -> Result<Program, Vec<Diagnostic>> {
    compile_checked(modules, data, &Checks::default())
}

/// Compiles modules and data with additional checks.
///
/// # Errors
/// Every diagnostic that was found, sorted by place.
pub fn compile_checked(
    modules: Vec<Module>,
    data: Value,
    checks: &Checks,
) -> Result<Program, Vec<Diagnostic>> {
    compile_within(LOAD, modules, data, checks, CompileOptions::default(), &mut Vec::new())
}

/// Compiles modules and data with options.
///
/// # Errors
/// As [`compile`].
pub fn compile_for(
    modules: Vec<Module>,
    data: Value,
    options: CompileOptions,
) -> Result<Program, Vec<Diagnostic>> {
    compile_within(LOAD, modules, data, &Checks::default(), options, &mut Vec::new())
}

/// What is to be said of policy.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Findings {
    /// Why it does not load.
    pub errors: Vec<Diagnostic>,
    /// Where it may not mean what it should: with [`Checks::strict`], places where the `not` of `future.keywords.not` would
    /// come to something else; with [`Checks::given`], references that lead nowhere.
    pub warnings: Vec<Diagnostic>,
}

/// Checks modules and data, which are compiled for it.
pub fn findings(modules: Vec<Module>, data: Value, checks: &Checks) -> Findings {
    let mut warnings = Vec::new();
    let compiled = compile_within(LOAD, modules, data, checks, CompileOptions::default(), &mut warnings);
    Findings { errors: compiled.err().unwrap_or_default(), warnings }
}

/// The time and memory to load modules in.
fn load_limits(least: Duration, modules: &[Module]) -> (Duration, usize) {
    let size: usize = modules.iter().map(|module| module.source.len()).sum();
    let time =
        LOAD_PER_MIB.saturating_mul(u32::try_from(size >> 20).unwrap_or(u32::MAX)).saturating_add(least);
    (time, size.saturating_mul(LOAD_MEMORY_PER_BYTE).saturating_add(LOAD_MEMORY))
}

fn compile_within(
    least: Duration,
    modules: Vec<Module>,
    data: Value,
    checks: &Checks,
    options: CompileOptions,
    warnings: &mut Vec<Diagnostic>,
) -> Result<Program, Vec<Diagnostic>> {
    let (time, memory) = load_limits(least, &modules);
    let compiled = on_stack(STACK, || {
        budget::within(end(time), memory, || compile_here(modules, data, checks, options, warnings)).map(
            |compiled| {
                // Takes its time with large data, however small the policy.
                compiled.map(|mut program| {
                    program.data.make_indexes();
                    program
                })
            },
        )
    });
    let refused = |message: &str| Diagnostic::new("rego_compile_error", message);
    let compiled = compiled.map_err(|why| match why {
        Ok(Exceeded::Time) => refused("the policy takes too long to load"),
        Ok(Exceeded::Memory) => refused("the policy takes too much memory to load"),
        Err(_) => refused("the compiler panicked; please report it"),
    });
    compiled.map_err(|diagnostic| vec![diagnostic])?.map_err(|mut diagnostics| {
        let place = |d: &Diagnostic| d.location.as_ref().map(|l| (l.file.clone(), l.row, l.col));
        diagnostics.sort_by_key(|diagnostic| (place(diagnostic), diagnostic.message.clone()));
        diagnostics.dedup();
        diagnostics
    })
}

/// The trees of those modules that can be read, and what is wrong with the others.
fn parse(modules: &[Module]) -> (Vec<ast::Module>, Vec<Diagnostic>) {
    parse_within(modules, Features::default())
}

/// The same, as far as the features allow.
fn parse_within(modules: &[Module], features: Features) -> (Vec<ast::Module>, Vec<Diagnostic>) {
    let (mut trees, mut errors) = (Vec::new(), Vec::new());
    for module in modules {
        let source = Source::new(module.id.as_str(), Arc::clone(&module.source));
        let is_builtin = |name: &str| table::find(name).is_some();
        let options = Options { is_builtin, features, ..Options::default() };
        match parse_module(&source, module.version, options) {
            Ok(tree) => trees.push(tree),
            Err(found) => {
                errors.extend(found.into_iter().map(|error| Diagnostic::of_syntax(&source, error)));
            }
        }
    }
    (trees, errors)
}

fn compile_here(
    modules: Vec<Module>,
    data: Value,
    checks: &Checks,
    options: CompileOptions,
    warnings: &mut Vec<Diagnostic>,
) -> Result<Program, Vec<Diagnostic>> {
    let features = checks.capabilities.as_ref().map(|known| known.features()).unwrap_or_default();
    let (mut trees, mut errors) = parse_within(&modules, features);
    let sources: Vec<Source> = trees.iter().map(|tree| tree.source.clone()).collect();
    if !errors.is_empty() {
        let found = check::partial(&trees, checks);
        errors.extend(found.into_iter().map(|found| found.diagnostic(&sources)));
        return Err(errors);
    }
    if options.tests {
        distinct_tests::make_distinct(&mut trees);
    }
    let told = |found: Vec<check::Found>| -> Vec<Diagnostic> {
        found.into_iter().map(|found| found.diagnostic(&sources)).collect()
    };
    let mut noticed = Vec::new();
    let plan = checked::plan(&trees, &data, checks, options, &mut noticed);
    *warnings = told(noticed);
    let plan = plan.map_err(told)?;
    let errors = checked::conflicts_with_data(&plan, &sources, &data);
    if !errors.is_empty() {
        return Err(errors);
    }
    let (levels, deepest) = (plan.levels, plan.deepest);
    let stack = levels.saturating_mul(STACK_PER_LEVEL);
    if stack > STACK {
        let message = format!("rules and conditions nest too deeply: {levels} levels");
        let mut diagnostic = Diagnostic::new("rego_compile_error", message);
        if let Some((source, place)) =
            deepest.and_then(|place| Some((sources.get(place.file as usize)?, place)))
        {
            diagnostic = Diagnostic::at(diagnostic.code, source, place.span, diagnostic.message);
        }
        return Err(vec![diagnostic.hint("shorten the chains of rules that depend on each other")]);
    }
    let package = |tree: &ast::Module| tree.package.path.iter().map(|part| part.to_string()).collect();
    let packages = trees.iter().map(package).collect();
    let outlines = trees.iter().map(Outline::of).collect();
    let filters = filters::of(&trees);
    Ok(Program { plan, sources, outlines, packages, modules, data, filters, stack })
}

/// What a path leads to.
enum Target<'p> {
    /// A rule, then the rest of the path within its document.
    Rule(RuleId, &'p [String]),
    Function,
    /// A package, or what contains packages.
    Inner(ir::NodeId),
    /// A base document that no rule touches.
    Base,
}

impl Program {
    /// The modules that it was compiled from.
    pub fn modules(&self) -> &[Module] {
        &self.modules
    }

    /// Every source, and what it consists of, in the order of [`ir::Place::file`].
    pub fn outlines(&self) -> impl Iterator<Item = (&Source, &Outline)> + '_ {
        self.sources.iter().zip(&self.outlines)
    }

    /// The base documents.
    pub const fn data(&self) -> &Value {
        &self.data
    }

    /// The paths of all rules that are documents, in order.
    pub fn entry_paths(&self) -> impl Iterator<Item = Vec<String>> + '_ {
        let documents = self.plan.rules.iter().filter(|rules| !matches!(rules.kind, Kind::Function(_)));
        documents.map(|rules| entry_path(&rules.path))
    }

    /// The paths of all packages, in order.
    pub fn packages(&self) -> impl Iterator<Item = Vec<String>> + '_ {
        let mut packages: Vec<&Vec<String>> = self.packages.iter().collect();
        packages.sort();
        packages.dedup();
        packages.into_iter().cloned()
    }

    /// Every module with its package.
    pub fn module_packages(&self) -> impl Iterator<Item = (&Module, &[String])> + '_ {
        self.modules.iter().zip(self.packages.iter().map(Vec::as_slice))
    }

    /// Whether policy declares a document at `path`, or at or below a part of it.
    pub fn declares(&self, path: &[String]) -> bool {
        match self.target(path) {
            Target::Rule(..) => true,
            Target::Function | Target::Base => false,
            Target::Inner(_) => self.entry_paths().any(|rule| rule.starts_with(path)),
        }
    }

    /// Whether a path leads to a rule, or into its document.
    pub fn is_rule(&self, path: &[String]) -> bool {
        matches!(self.target(path), Target::Rule(..))
    }

    /// The part of a path that is evaluated as a whole: up to the rule, if it leads into the document of one.
    pub fn evaluated<'p>(&self, path: &'p [String]) -> &'p [String] {
        let segments = path;
        let rest = match self.target(segments) {
            Target::Rule(_, rest) => rest.len(),
            Target::Function | Target::Inner(_) | Target::Base => 0,
        };
        segments.get(..segments.len() - rest).unwrap_or(segments)
    }

    /// How many rules and functions are within each other where the document at `path` is evaluated, at the most.
    pub fn depth(&self, path: &[String]) -> usize {
        let calls = |rule: RuleId| self.plan.calls.get(rule as usize).copied().unwrap_or_default();
        match self.target(path) {
            Target::Rule(rule, _) => calls(rule),
            Target::Function | Target::Base => 0,
            Target::Inner(_) => {
                let below = |rules: &&ir::RuleSet| {
                    path.iter().zip(&rules.path).all(|(segment, part)| **segment == **part)
                };
                let rules = (0..).zip(&self.plan.rules).filter(|(_, rules)| below(rules));
                rules.map(|(rule, _)| calls(rule)).max().unwrap_or_default()
            }
        }
    }

    fn target<'p>(&self, path: &'p [String]) -> Target<'p> {
        let mut node: ir::NodeId = 0;
        let mut rest = path;
        while let Some((name, further)) = rest.split_first() {
            let child = self.plan.nodes.get(node as usize).and_then(|node| node.children.get(name.as_str()));
            let Some(child) = child else { return Target::Base };
            (node, rest) = (*child, further);
            if let Some(rule) = self.plan.nodes.get(node as usize).and_then(|node| node.rule) {
                let kind = self.plan.rules.get(rule as usize).map(|rules| rules.kind);
                return if matches!(kind, Some(Kind::Function(_))) {
                    Target::Function
                } else {
                    Target::Rule(rule, rest)
                };
            }
        }
        Target::Inner(node)
    }

    /// Whether the document at `path` may come to wait for others (`http.send`), and so must not be evaluated on a
    /// thread that serves.
    pub fn blocks(&self, path: &[String]) -> bool {
        if self.plan.blocking.is_empty() {
            return false;
        }
        match self.target(path) {
            Target::Rule(rule, _) => self.plan.blocking.contains(&(rule as usize)),
            Target::Inner(node) => self.plan.node_blocks(node),
            Target::Function | Target::Base => false,
        }
    }

    /// Where built-ins are called that may wait for others, with their names.
    pub fn blocking_calls(&self) -> impl Iterator<Item = (&'static str, Option<Location>)> + '_ {
        self.plan.blocking_calls.iter().map(|(name, place)| (*name, self.location_of(*place)))
    }

    /// Evaluates the document at `path` for `input`, with nothing around it; `at` is the time that policy sees.
    ///
    /// Never panics and never runs on: a panic of the evaluator is an error, and so is a deadline that has passed.
    pub fn evaluate(
        &self,
        path: &[String],
        input: Option<Value>,
        now_ns: i64,
        limits: &EvalLimits,
    ) -> Evaluation {
        self.evaluate_in(path, input, now_ns, limits, &mut Effects::default())
    }

    /// Evaluates the document at `path` as [`Program::evaluate`] does, with what `effects` has around it; what is learned
    /// there is in it afterwards. With what another evaluation learned ([`Effects::replay`]) it comes to the same answer.
    pub fn evaluate_in(
        &self,
        path: &[String],
        input: Option<Value>,
        now_ns: i64,
        limits: &EvalLimits,
        effects: &mut Effects,
    ) -> Evaluation {
        self.evaluate_watched(path, input, now_ns, limits, effects, None)
    }

    /// As [`Program::evaluate_in`], and tells `watch` of every step.
    pub fn evaluate_watched<'w>(
        &'w self,
        path: &[String],
        input: Option<Value>,
        now_ns: i64,
        limits: &EvalLimits,
        effects: &mut Effects,
        watch: Option<Box<dyn Watch + 'w>>,
    ) -> Evaluation {
        on_stack(self.stack, || {
            let mut context = Self::context(now_ns, limits, effects);
            let deadline = context.deadline;
            let evaluate = || self.evaluate_here(path, input, limits, &mut context, watch);
            let evaluated = budget::within(deadline, limits.memory, evaluate);
            *effects = context.effects;
            evaluated.unwrap_or_else(|why| {
                Evaluation::Error(match why {
                    Ok(exceeded) => exceeded_limit(exceeded, limits),
                    Err(_) => EvalError::new(EvalErrorKind::Panic, "the evaluator panicked"),
                })
            })
        })
    }

    fn evaluate_here(
        &self,
        path: &[String],
        input: Option<Value>,
        limits: &EvalLimits,
        context: &mut Context,
        watch: Option<Box<dyn Watch + '_>>,
    ) -> Evaluation {
        let mut machine = self.machine(input.as_ref(), context, limits.strict);
        machine.limit_depth(limits.depth);
        if let Some(watch) = watch {
            machine.watched_by(watch);
        }
        let evaluation = match self.target(path) {
            Target::Function => Evaluation::Undefined(UndefinedCause::Function),
            Target::Base => match self.data.at(path.iter().map(String::as_str)) {
                Some(value) => Evaluation::Defined { value: value.clone(), left_out: None },
                None => Evaluation::Undefined(UndefinedCause::NoSuchPath),
            },
            Target::Rule(rule, rest) => match machine.rule(rule) {
                Err(failure) => Evaluation::Error(self.failure(&failure, limits)),
                Ok(None) => Evaluation::Undefined(UndefinedCause::NoRuleHolds),
                Ok(Some(value)) if rest.is_empty() => Evaluation::Defined { value, left_out: None },
                Ok(Some(value)) => match value.at(rest.iter().map(String::as_str)) {
                    Some(value) => Evaluation::Defined { value: value.clone(), left_out: None },
                    None => Evaluation::Undefined(UndefinedCause::NotInDocument),
                },
            },
            Target::Inner(node) => match machine.package(node) {
                Err(failure) => Evaluation::Error(self.failure(&failure, limits)),
                Ok((mut value, left_out)) => {
                    if path.is_empty() {
                        value.remove(HIDDEN);
                    }
                    let left_out = left_out.map(|failure| self.policy_error(&failure));
                    Evaluation::Defined { value, left_out }
                }
            },
        };
        if let Evaluation::Defined { value, .. } = &evaluation {
            charge_output(value);
            if budget::is_spent() {
                return Evaluation::Error(exceeded_limit(Exceeded::Memory, limits));
            }
        }
        evaluation
    }

    fn context(now_ns: i64, limits: &EvalLimits, effects: &mut Effects) -> Context {
        let effects = std::mem::take(effects);
        let now_ns = effects.recorded_time().unwrap_or(now_ns);
        Context { effects, ..Context::new(now_ns, end(limits.deadline), MAX_BUILTIN_BYTES) }
    }

    fn machine<'e>(
        &'e self,
        input: Option<&'e Value>,
        context: &'e mut Context,
        strict: Strict,
    ) -> Machine<'e> {
        Machine::new(&self.plan, &self.data, input, context, strict)
    }

    fn failure(&self, failure: &PlanFailure, limits: &EvalLimits) -> EvalError {
        if failure.code == "eval_cancel_error" {
            return exceeded_limit(Exceeded::Time, limits);
        }
        if failure.is_of_memory() {
            let policy = Some(Box::new(self.policy_error(failure)));
            return EvalError { policy, ..exceeded_limit(Exceeded::Memory, limits) };
        }
        let policy = Some(Box::new(self.policy_error(failure)));
        EvalError { policy, ..EvalError::new(EvalErrorKind::Policy, failure.message.clone()) }
    }

    fn policy_error(&self, failure: &PlanFailure) -> PolicyError {
        let location = self.location_of(failure.place);
        PolicyError { code: failure.code, message: failure.message.clone(), location }
    }

    fn location_of(&self, place: ir::Place) -> Option<Location> {
        let source = self.sources.get(place.file as usize)?;
        let (row, col) = source.position(place.span.start);
        Some(Location { file: source.name.to_string(), row, col })
    }
}

/// When so much time will have passed.
fn end(after: Duration) -> Instant {
    let now = Instant::now();
    now.checked_add(after).unwrap_or_else(|| now + Duration::from_secs(3600))
}

fn exceeded_limit(exceeded: Exceeded, limits: &EvalLimits) -> EvalError {
    match exceeded {
        Exceeded::Time => {
            let message = format!("the policy did not finish within {} ms", limits.deadline.as_millis());
            EvalError::new(EvalErrorKind::Deadline, message)
        }
        Exceeded::Memory => {
            let message =
                format!("memory limit: the policy made more than {} bytes of values", limits.memory);
            EvalError::new(EvalErrorKind::Policy, message)
        }
    }
}

fn entry_path(path: &[Arc<str>]) -> Vec<String> {
    path.iter().map(|part| part.to_string()).collect()
}

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let modules: Vec<&str> = self.modules.iter().map(|module| module.id.as_str()).collect();
        f.debug_struct("Program").field("modules", &modules).finish_non_exhaustive()
    }
}

#[cfg(test)]
#[path = "program_tests.rs"]
mod tests;
