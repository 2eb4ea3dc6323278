//! The machine: one evaluation of one program.
//!
//! INVARIANT (written before read): the compiler orders statements so that no slot is read before it is written;
//! leaving a block therefore needs no undoing, a second run just writes again.
//! Documents are evaluated whole and once; what `with` changes is a world of its own, with nothing remembered in it.

mod calls;
mod comprehend;
mod known;
mod limits;
mod passed_over;
mod tell;

use std::collections::HashMap;

use super::ir::{
    Base, Block, Builtin, Callee, Comparison, Operand, Out, Pattern, Place, Program, RuleId, Step, Stmt,
};
use super::pass::Pass;
use super::watch::Watch;

pub use super::failure::Failure;
use crate::builtins::context::Context;
use crate::value::{Keyed, Value};

/// Whether further results are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flow {
    Continue,
    Stop,
}

/// A value that is borrowed from policy, data or input where possible: then it costs nothing to hand on.
#[derive(Debug, Clone)]
pub(super) enum Val<'e> {
    Undefined,
    Ref(&'e Value),
    Own(Value),
}

impl<'e> Val<'e> {
    pub(super) fn get(&self) -> Option<&Value> {
        match self {
            Self::Undefined => None,
            Self::Ref(value) => Some(value),
            Self::Own(value) => Some(value),
        }
    }

    pub(super) fn into_value(self) -> Option<Value> {
        match self {
            Self::Undefined => None,
            Self::Ref(value) => Some(value.clone()),
            Self::Own(value) => Some(value),
        }
    }

    pub(super) fn step(&self, key: &Value) -> Self {
        match self {
            Self::Undefined => Self::Undefined,
            Self::Ref(value) => value.lookup(key).map_or(Self::Undefined, Self::Ref),
            Self::Own(value) => value.lookup(key).map_or(Self::Undefined, |part| Self::Own(part.clone())),
        }
    }

    const fn is_undefined(&self) -> bool {
        matches!(self, Self::Undefined)
    }
}

impl From<Option<Value>> for Val<'_> {
    fn from(value: Option<Value>) -> Self {
        value.map_or(Self::Undefined, Self::Own)
    }
}

/// What rules can see, and what has been found out in it.
#[derive(Debug, Clone)]
pub(super) struct World<'e> {
    pub(super) input: Val<'e>,
    pub(super) data: Val<'e>,
    /// Parts of `data` that `with` has put there, over whatever rules define.
    pub(super) replaced: Vec<&'e [Value]>,
    mocks: Vec<(&'e Callee, Mock<'e>)>,
    /// Whether it is one that `with` has made.
    pub(super) changed: bool,
    pub(super) documents: HashMap<RuleId, Option<Value>>,
    groups: known::Known,
}

impl Default for World<'_> {
    fn default() -> Self {
        Self {
            input: Val::Undefined,
            data: Val::Undefined,
            replaced: Vec::new(),
            mocks: Vec::new(),
            changed: false,
            documents: HashMap::new(),
            groups: known::Known::default(),
        }
    }
}

#[derive(Debug, Clone)]
enum Mock<'e> {
    Function(&'e Callee),
    Value(Value),
}

/// One evaluation.
pub struct Machine<'e> {
    pub(super) program: &'e Program,
    pub(super) world: World<'e>,
    /// The slots of all frames; those of the rule that runs begin at `frame`.
    slots: Vec<Val<'e>>,
    frame: usize,
    pub(super) context: &'e mut Context,
    strict: Strict,
    /// Whether a package is given without the rules that a built-in's error keeps out of it.
    pub(super) leave_out: bool,
    /// The first such error.
    pub(super) left_out: Option<Failure>,
    steps: usize,
    /// How many rules and functions are within each other now, and may be.
    calls: usize,
    most_calls: usize,
    /// The most bytes that one built-in may make.
    most_bytes: usize,
    /// Where the statement that runs is.
    pub(super) place: Place,
    /// Who is told of every step.
    pub(super) watch: Option<Box<dyn Watch + 'e>>,
    /// Which bodies run.
    pub(super) pass: Pass,
}

/// Which errors of built-ins end the evaluation; others make what they stand in undefined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strict {
    /// None, as in OPA unless it is told otherwise.
    No,
    /// All but an operator between values of types that it does not take: that is as undefined as a missing value.
    Functions,
    /// All.
    All,
}

/// The functions that are written as operators.
const OPERATORS: [&str; 7] = ["plus", "minus", "mul", "div", "rem", "and", "or"];

/// What is done with each result.
pub(super) type Next<'n, 'e> = &'n mut dyn FnMut(&mut Machine<'e>) -> Result<Flow, Box<Failure>>;

impl<'e> Machine<'e> {
    /// An evaluation over documents.
    pub fn new(
        program: &'e Program,
        data: &'e Value,
        input: Option<&'e Value>,
        context: &'e mut Context,
        strict: Strict,
    ) -> Self {
        let world =
            World { input: input.map_or(Val::Undefined, Val::Ref), data: Val::Ref(data), ..World::default() };
        let most_bytes = context.max_bytes;
        Self {
            program,
            world,
            slots: Vec::with_capacity(16),
            frame: 0,
            context,
            strict,
            leave_out: false,
            left_out: None,
            steps: 0,
            calls: 0,
            most_calls: usize::MAX,
            most_bytes,
            place: Place::default(),
            watch: None,
            pass: Pass::Usual,
        }
    }

    /// Tells `watch` of every step from now on.
    pub fn watched_by(&mut self, watch: Box<dyn Watch + 'e>) {
        self.pass = watch.pass();
        self.watch = Some(watch);
    }

    /// Runs `f` with a frame of so many slots.
    pub(super) fn framed<T>(&mut self, slots: u32, f: impl FnOnce(&mut Self) -> T) -> T {
        let (caller, top) = (self.frame, self.slots.len());
        self.frame = top;
        self.slots.resize(top + slots as usize, Val::Undefined);
        let result = f(self);
        self.slots.truncate(top);
        self.frame = caller;
        result
    }

    pub(super) fn fail<T>(&self, code: &'static str, message: impl Into<String>) -> Result<T, Box<Failure>> {
        Err(Box::new(Failure { code, message: message.into(), place: self.place }))
    }

    /// Runs the statements from `at` on, and `next` for each way in which all of them hold.
    pub(super) fn run(
        &mut self,
        block: &'e Block,
        mut at: usize,
        next: Next<'_, 'e>,
    ) -> Result<Flow, Box<Failure>> {
        while let Some((stmt, place)) = block.stmts.get(at) {
            self.tick()?;
            self.place = *place;
            if self.watch.is_some() {
                self.tell_statement(block, at);
            }
            at += 1;
            let holds = match stmt {
                Stmt::Match(value, pattern) => {
                    let value = self.value(value);
                    self.fits(pattern, value)
                }
                Stmt::Compare(comparison, left, right) => self.compare(*comparison, left, right),
                Stmt::Check(value) => is_true(&self.value(value)),
                Stmt::Walk { base, path, out } => {
                    if path.iter().all(|step| matches!(step, Step::Key(_))) {
                        let found = self.follow(base, path)?;
                        self.accept(out, found)
                    } else if self.watch.is_none() {
                        return self.walk(base, path, out, &mut |machine| machine.run(block, at, next));
                    } else {
                        return self.go_through((block, at - 1, stmt), (base, path, out), next);
                    }
                }
                Stmt::Call { callee, args, out } => {
                    let result = self.call(callee, args)?;
                    if matches!(callee, Callee::Builtin(Builtin { relation: true, .. })) {
                        return self.each_result(result, out, &mut |machine| machine.run(block, at, next));
                    }
                    self.accept(out, result)
                }
                Stmt::Not(inner) => !self.holds(inner)?,
                Stmt::Any(blocks) => self.any(blocks)?,
                Stmt::Every { domain, key, value, block } => self.every(domain, key, value, block)?,
                Stmt::Comprehend { out, .. } => {
                    let made = self.comprehend(stmt)?;
                    self.accept(out, Val::Own(made))
                }
                Stmt::With { changes, block: inner } => {
                    return self.with(changes, inner, &mut |machine| machine.run(block, at, next));
                }
            };
            if !holds {
                if self.watch.is_some() {
                    self.tell_failure(block, at - 1, stmt)?;
                }
                return Ok(Flow::Continue);
            }
        }
        if let Some(watch) = &mut self.watch {
            watch.ends(block);
        }
        next(self)
    }

    /// Follows a path with variables under watch, and runs the statements after it for each part that fits; it is told
    /// where none does.
    fn go_through(
        &mut self,
        (block, at, stmt): (&'e Block, usize, &'e Stmt),
        (base, path, out): (&'e Base, &'e [Step], &'e Out),
        next: Next<'_, 'e>,
    ) -> Result<Flow, Box<Failure>> {
        let mut leads = false;
        let flow = self.walk(base, path, out, &mut |machine| {
            leads = true;
            machine.run(block, at + 1, next)
        })?;
        if !leads {
            self.tell_failure(block, at, stmt)?;
        }
        Ok(flow)
    }

    /// Runs `next` for each of the results of a relation.
    fn each_result(
        &mut self,
        results: Val<'e>,
        out: &'e Out,
        next: Next<'_, 'e>,
    ) -> Result<Flow, Box<Failure>> {
        let Some(Value::Array(results)) = results.into_value() else { return Ok(Flow::Continue) };
        for result in results.iter() {
            if self.accept(out, Val::Own(result.clone())) && next(self)? == Flow::Stop {
                return Ok(Flow::Stop);
            }
        }
        Ok(Flow::Continue)
    }

    /// Whether a block holds at all.
    pub(super) fn holds(&mut self, block: &'e Block) -> Result<bool, Box<Failure>> {
        Ok(self.run(block, 0, &mut |_| Ok(Flow::Stop))? == Flow::Stop)
    }

    fn any(&mut self, blocks: &'e [Block]) -> Result<bool, Box<Failure>> {
        for block in blocks {
            if self.holds(block)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn every(
        &mut self,
        domain: &'e Operand,
        key: &'e Pattern,
        value: &'e Pattern,
        block: &'e Block,
    ) -> Result<bool, Box<Failure>> {
        let domain = self.value(domain);
        let count = match domain.get() {
            Some(Value::Array(items)) => items.len(),
            Some(Value::Set(items)) => items.len(),
            Some(Value::Object(members)) => members.len(),
            _ => return Ok(false),
        };
        for at in 0..count {
            self.tick()?;
            let (k, v) = entry(&domain, at);
            if !self.fits(key, k) || !self.fits(value, v) || !self.holds(block)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// What an operand is. Undefined only where a slot was left so, which no pattern then fits.
    pub(super) fn value(&self, operand: &'e Operand) -> Val<'e> {
        match operand {
            Operand::Const(value) => Val::Ref(value),
            Operand::Slot(slot) => {
                self.slots.get(self.frame + *slot as usize).cloned().unwrap_or(Val::Undefined)
            }
            composite => self.compose(composite).map_or(Val::Undefined, Val::Own),
        }
    }

    fn compose(&self, operand: &'e Operand) -> Option<Value> {
        match operand {
            Operand::Const(_) | Operand::Slot(_) => self.value(operand).into_value(),
            Operand::Array(items) => {
                items.iter().map(|item| self.compose(item)).collect::<Option<Vec<_>>>().map(Value::from)
            }
            Operand::Set(items) => {
                items.iter().map(|item| self.compose(item)).collect::<Option<Keyed<()>>>().map(Value::from)
            }
            Operand::Object(members) => members
                .iter()
                .map(|(key, value)| Some((self.compose(key)?, self.compose(value)?)))
                .collect::<Option<Keyed<Value>>>()
                .map(Value::from),
        }
    }

    pub(super) fn slot(&self, slot: u32) -> Option<Value> {
        self.slots.get(self.frame + slot as usize)?.clone().into_value()
    }

    fn set(&mut self, slot: u32, value: Val<'e>) {
        if let Some(place) = self.slots.get_mut(self.frame + slot as usize) {
            *place = value;
        }
    }

    /// Whether a value fits; slots in the pattern hold its parts from then on.
    pub(super) fn fits(&mut self, pattern: &'e Pattern, value: Val<'e>) -> bool {
        match pattern {
            _ if value.is_undefined() => false,
            Pattern::Any => true,
            Pattern::Bind(slot) => {
                self.set(*slot, value);
                true
            }
            Pattern::Is(Operand::Const(expected)) => value.get() == Some(expected),
            Pattern::Is(operand) => self.value(operand).get() == value.get(),
            Pattern::Array(patterns) => match value.get() {
                Some(Value::Array(items)) if items.len() == patterns.len() => {
                    let parts: Vec<Val<'e>> = (0..items.len()).map(|at| part(&value, at)).collect();
                    patterns.iter().zip(parts).all(|(pattern, part)| self.fits(pattern, part))
                }
                _ => false,
            },
            Pattern::Object(patterns) => match value.get() {
                Some(Value::Object(members)) if members.len() == patterns.len() => {
                    patterns.iter().all(|(key, pattern)| {
                        let key = self.value(key);
                        let Some(key) = key.get() else { return false };
                        let part = value.step(key);
                        self.fits(pattern, part)
                    })
                }
                _ => false,
            },
        }
    }

    fn accept(&mut self, out: &'e Out, value: Val<'e>) -> bool {
        match out {
            Out::Truthy => is_true(&value),
            Out::Fits(pattern) => self.fits(pattern, value),
        }
    }

    fn compare(&self, comparison: Comparison, left: &'e Operand, right: &'e Operand) -> bool {
        let (left, right) = (self.value(left), self.value(right));
        let (Some(left), Some(right)) = (left.get(), right.get()) else { return false };
        match comparison {
            Comparison::Equal => left == right,
            Comparison::NotEqual => left != right,
            Comparison::Less => left < right,
            Comparison::LessEqual => left <= right,
            Comparison::Greater => left > right,
            Comparison::GreaterEqual => left >= right,
        }
    }

    /// What a path without variables leads to.
    fn follow(&mut self, base: &'e Base, path: &'e [Step]) -> Result<Val<'e>, Box<Failure>> {
        let (mut here, rest) = self.base(base, path)?;
        let stored = matches!(base, Base::Data(_) | Base::Node(_));
        for step in rest {
            if let Step::Key(key) = step {
                let key = self.value(key);
                let Some(key) = key.get() else { return Ok(Val::Undefined) };
                let mut part = here.step(key);
                // Base documents have texts as keys only; a number finds the text that it is written as.
                if let (true, true, Value::Number(number)) = (stored, part.is_undefined(), key) {
                    part = here.step(&Value::from(number.to_string()));
                }
                here = part;
            }
            if here.is_undefined() {
                break;
            }
        }
        Ok(here)
    }

    /// Where a path begins, as far as it has no variables: the value there, and the rest of the path.
    fn base(&mut self, base: &'e Base, path: &'e [Step]) -> Result<(Val<'e>, &'e [Step]), Box<Failure>> {
        Ok(match base {
            Base::Input => (self.world.input.clone(), path),
            Base::Operand(operand) => (self.value(operand), path),
            Base::Data(keys) => (self.data_at(keys), path),
            Base::Rule(rule) => (self.document(*rule)?, path),
            Base::Node(node) => self.node(*node, path)?,
        })
    }

    /// A base document.
    pub(super) fn data_at(&self, keys: &[Value]) -> Val<'e> {
        let mut here = self.world.data.clone();
        for key in keys {
            here = here.step(key);
        }
        here
    }

    fn walk(
        &mut self,
        base: &'e Base,
        path: &'e [Step],
        out: &'e Out,
        next: Next<'_, 'e>,
    ) -> Result<Flow, Box<Failure>> {
        let (here, rest) = match base {
            Base::Node(node) => return self.walk_node(*node, path, out, next),
            other => self.base(other, path)?,
        };
        self.walk_value(here, rest, out, next)
    }

    pub(super) fn walk_value(
        &mut self,
        mut here: Val<'e>,
        mut path: &'e [Step],
        out: &'e Out,
        next: Next<'_, 'e>,
    ) -> Result<Flow, Box<Failure>> {
        while let Some((step, rest)) = path.split_first() {
            if here.is_undefined() {
                return Ok(Flow::Continue);
            }
            match step {
                Step::Key(key) => {
                    let key = self.value(key);
                    here = key.get().map_or(Val::Undefined, |key| here.step(key));
                    path = rest;
                }
                Step::Each(pattern) => {
                    let count = match here.get() {
                        Some(Value::Array(items)) => items.len(),
                        Some(Value::Object(members)) => members.len(),
                        Some(Value::Set(elements)) => elements.len(),
                        _ => 0,
                    };
                    for at in 0..count {
                        self.tick()?;
                        let (key, value) = entry(&here, at);
                        if self.fits(pattern, key) && self.walk_value(value, rest, out, next)? == Flow::Stop {
                            return Ok(Flow::Stop);
                        }
                    }
                    return Ok(Flow::Continue);
                }
            }
        }
        if self.accept(out, here) { next(self) } else { Ok(Flow::Continue) }
    }
}

fn is_true(value: &Val<'_>) -> bool {
    !matches!(value.get(), None | Some(Value::Bool(false)))
}

fn part<'e>(array: &Val<'e>, at: usize) -> Val<'e> {
    entry(array, at).1
}

/// The key and the value of the entry at a position.
fn entry<'e>(value: &Val<'e>, at: usize) -> (Val<'e>, Val<'e>) {
    let index = || Val::Own(Value::from(at as i64));
    match value {
        Val::Undefined => (Val::Undefined, Val::Undefined),
        Val::Ref(Value::Array(items)) => (index(), items.get(at).map_or(Val::Undefined, Val::Ref)),
        Val::Ref(Value::Object(members)) => members
            .entries()
            .get(at)
            .map_or((Val::Undefined, Val::Undefined), |(k, v)| (Val::Ref(k), Val::Ref(v))),
        Val::Ref(Value::Set(elements)) => {
            let element = elements.entries().get(at).map_or(Val::Undefined, |(k, ())| Val::Ref(k));
            (element.clone(), element)
        }
        Val::Own(Value::Array(items)) => (index(), items.get(at).cloned().into()),
        Val::Own(Value::Object(members)) => members
            .entries()
            .get(at)
            .cloned()
            .map_or((Val::Undefined, Val::Undefined), |(k, v)| (Val::Own(k), Val::Own(v))),
        Val::Own(Value::Set(elements)) => {
            let element: Val<'e> = elements.entries().get(at).map(|(k, ())| k.clone()).into();
            (element.clone(), element)
        }
        Val::Ref(_) | Val::Own(_) => (Val::Undefined, Val::Undefined),
    }
}
