//! Watchers for policy authors: `print` output, errors of built-ins, and the variables where an evaluation stopped.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Instant;

use super::{MAX_BUILTIN_BYTES, Program};
use crate::builtins::context::Context;
use crate::builtins::operand::Output;
use crate::builtins::text::print;
use crate::error::{Location, PolicyError};
use crate::plan::ir::{Block, Place, RuleBody, RuleId, Slot};
use crate::plan::{Failure, Watch};
use crate::value::Value;

/// The maximum number of lines from one call of `print`.
const MAX_LINES: usize = 10_000;

/// Passes every line of `print` output to a function.
pub struct Prints<F: FnMut(&str)>(pub F);

impl<F: FnMut(&str)> Watch for Prints<F> {
    fn counts_runs(&self) -> bool {
        false
    }

    fn prints(&mut self, args: &[Value]) {
        for line in lines(args) {
            (self.0)(&line);
        }
    }
}

/// Counts what evaluations do.
#[derive(Debug, Default)]
pub struct Counts {
    statements: u64,
    bodies: u64,
    hits: u64,
    misses: u64,
    /// The documents that have been made.
    known: HashSet<RuleId>,
}

impl Counts {
    /// By the names of metrics, those of OPA where it counts the same.
    pub const fn by_name(&self) -> [(&'static str, u64); 4] {
        [
            ("counter_eval_bodies", self.bodies),
            ("counter_eval_op_virtual_cache_hit", self.hits),
            ("counter_eval_op_virtual_cache_miss", self.misses),
            ("counter_eval_statements", self.statements),
        ]
    }
}

impl Watch for Counts {
    fn enter(&mut self, _body: &RuleBody) {
        self.bodies += 1;
    }

    fn statement(&mut self, _block: &Block, _at: usize) {
        self.statements += 1;
    }

    fn refers(&mut self, rule: RuleId, args: &[Value], changed: bool) {
        // The values of functions are not kept, and documents only as long as `with` changes nothing.
        if args.is_empty() && !changed && !self.known.insert(rule) {
            self.hits += 1;
        } else {
            self.misses += 1;
        }
    }
}

/// One line for each choice of a value from every set; what has none is `<undefined>`.
fn lines(args: &[Value]) -> Vec<String> {
    let mut lines = vec![String::new()];
    for (at, arg) in args.iter().enumerate() {
        let texts: Vec<String> = match arg.elements().as_slice() {
            [] => vec!["<undefined>".to_owned()],
            values => values.iter().map(|value| shown(value)).collect(),
        };
        let longer = |line: &String| -> Vec<String> {
            let space = if at == 0 { "" } else { " " };
            texts.iter().map(|text| format!("{line}{space}{text}")).collect()
        };
        lines = lines.iter().flat_map(longer).take(MAX_LINES).collect();
    }
    lines
}

/// A text as it is, everything else as Rego writes it.
fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| as_rego(value), str::to_owned)
}

/// A value as Rego writes it.
pub fn as_rego(value: &Value) -> String {
    let context = Context::new(0, Instant::now(), MAX_BUILTIN_BYTES);
    let mut out = Output::new(&context);
    match print::write(value, &mut out) {
        Ok(()) => out.finish(),
        Err(_) => "…".to_owned(),
    }
}

/// Collects errors of built-ins that made an expression undefined.
#[derive(Debug, Default)]
pub struct BuiltinErrors(Vec<Failure>);

impl Watch for BuiltinErrors {
    fn counts_runs(&self) -> bool {
        false
    }

    fn errs(&mut self, failure: &Failure) {
        if self.0.len() < MAX_LINES {
            self.0.push(failure.clone());
        }
    }
}

impl BuiltinErrors {
    /// All of them, in the order in which they came.
    pub fn of(&self, program: &Program) -> Vec<PolicyError> {
        self.0.iter().map(|failure| program.policy_error(failure)).collect()
    }
}

/// Where the body of a rule stood last, and its variables there.
#[derive(Debug, Default)]
pub struct LastStep {
    /// How many bodies run, the watched one first, with the names of its variables.
    depth: usize,
    names: Vec<(Arc<str>, Slot)>,
    place: Option<Place>,
    told: bool,
    values: BTreeMap<Arc<str>, Value>,
}

/// A condition with its variables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stopped {
    /// The condition.
    pub text: String,
    /// Where it is.
    pub location: Location,
    /// Its variables that have a value, in order of their names.
    pub variables: Vec<(String, Value)>,
}

impl Watch for LastStep {
    fn enter(&mut self, body: &RuleBody) {
        self.depth += 1;
        if self.depth == 1 {
            self.names.clone_from(&body.names);
        }
    }

    fn statement(&mut self, block: &Block, at: usize) {
        self.told = self.depth == 1;
        if let (true, Some((_, place))) = (self.told, block.stmts.get(at)) {
            self.place = Some(*place);
        }
    }

    fn locals(&mut self, value: &dyn Fn(Slot) -> Option<Value>) {
        if self.told {
            let all = self.names.iter().filter_map(|(name, slot)| Some((Arc::clone(name), value(*slot)?)));
            self.values = all.collect();
        }
    }

    fn leave(&mut self) {
        self.depth = self.depth.saturating_sub(1);
    }
}

impl LastStep {
    /// The condition that the body came to last: the one that does not hold, where the body does not.
    pub fn of(&self, program: &Program) -> Option<Stopped> {
        let place = self.place?;
        let (source, outline) = program.outlines().nth(place.file as usize)?;
        let span = outline.expression(place.span).unwrap_or(place.span);
        let text = source.slice(span);
        let (row, col) = source.position(span.start);
        let mentioned = |name: &str| {
            let word = |c: char| c.is_alphanumeric() || c == '_';
            text.split(|c: char| !word(c) && c != '.').any(|path| path.split('.').next() == Some(name))
        };
        let variables = self.values.iter().filter(|(name, _)| mentioned(name));
        Some(Stopped {
            text: text.to_owned(),
            location: Location { file: source.name.to_string(), row, col },
            variables: variables.map(|(name, value)| (name.to_string(), value.clone())).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_undefined_is_said_and_several_values_make_several_lines() {
        let set = |items: Vec<Value>| Value::from(items.into_iter().collect::<crate::value::Set>());
        let args = [set(vec!["x".into()]), set(vec![]), set(vec![1.into(), vec!["a".into()].into()])];
        assert_eq!(lines(&args), ["x <undefined> 1", r#"x <undefined> ["a"]"#]);
        assert_eq!(lines(&[]), [""]);
    }
}
