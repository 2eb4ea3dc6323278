//! An evaluation in which some things are unknown: the statements of a plan, run for every way in which they may hold.
//!
//! INVARIANT (defined): what a slot holds is defined where the conditions so far hold.
//! INVARIANT (undone): whoever adds conditions for one way takes them back before the next.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::rc::Rc;

use super::document::Doc;
use super::reach::Reach;
use super::term::{Condition, Kind, Made, Term, Var, Way};
use super::tidy::tidy;
use crate::budget;
use crate::plan::ir::{Block, Callee, Operand, Place, Program, RuleId, Stmt};
use crate::plan::{Failure, Machine};
use crate::value::Value;

/// The code of what cannot be evaluated partially.
pub const UNSUPPORTED: &str = "partial_eval_error";
/// The most ways and conditions that are collected, all in all.
const MOST: usize = 200_000;

pub(super) type Step = Result<ControlFlow<()>, Box<Failure>>;
pub(super) const GO_ON: Step = Ok(ControlFlow::Continue(()));

/// What is done with each way in which something holds.
pub(super) type Next<'n, 'e> = &'n mut dyn FnMut(&mut Partial<'e>) -> Step;

/// What rules can see.
#[derive(Debug, Clone)]
pub(super) struct World<'e> {
    pub(super) input: Doc,
    pub(super) data: Doc,
    /// Parts of `data` that `with` has put there, over whatever rules define.
    pub(super) replaced: Vec<&'e [Value]>,
    pub(super) mocks: Vec<(&'e Callee, Mock<'e>)>,
    /// Whether it is one that `with` has made.
    pub(super) changed: bool,
}

/// What stands in for a function.
#[derive(Debug, Clone)]
pub(super) enum Mock<'e> {
    Function(&'e Callee),
    Value(Term),
}

/// The document that a rule defines.
#[derive(Debug, Clone)]
pub(super) enum Document {
    Known(Option<Value>),
    Ways(Rc<Ways>),
    Made(Term),
}

/// The ways in which a rule or function has a value.
#[derive(Debug)]
pub(super) struct Ways {
    pub(super) all: Vec<Way>,
    /// Its own variables begin here, and end there.
    pub(super) own: (Var, Var),
    /// Whether it fails where two of them hold; then one is left out, which is not the same where it is denied.
    pub(super) may_conflict: bool,
}

/// One evaluation.
pub(super) struct Partial<'e> {
    pub(super) program: &'e Program,
    /// Evaluates what is known.
    pub(super) known: Machine<'e>,
    pub(super) reach: Reach<'e>,
    pub(super) world: World<'e>,
    slots: Vec<Term>,
    frame: usize,
    pub(super) conditions: Vec<Condition>,
    pub(super) next_var: Var,
    /// Whether it matters how often something holds: in comprehensions that make arrays.
    pub(super) counting: bool,
    /// Within how many things that hold the less, the more there is in them.
    pub(super) denied: usize,
    /// Whether rules have been asked for, in the rule that runs, that may fail where two of their values differ.
    pub(super) conflicting: bool,
    pub(super) documents: HashMap<RuleId, Document>,
    pub(super) place: Place,
    collected: usize,
}

impl<'e> Partial<'e> {
    pub(super) fn new(
        program: &'e Program,
        known: Machine<'e>,
        reach: Reach<'e>,
        (input, data): (Doc, Doc),
    ) -> Self {
        let world = World { input, data, replaced: Vec::new(), mocks: Vec::new(), changed: false };
        Self {
            program,
            known,
            reach,
            world,
            slots: Vec::new(),
            frame: 0,
            conditions: Vec::new(),
            next_var: 0,
            counting: false,
            denied: 0,
            conflicting: false,
            documents: HashMap::new(),
            place: Place::default(),
            collected: 0,
        }
    }

    /// What cannot be evaluated partially.
    pub(super) fn unsupported<T>(&self, message: impl Into<String>) -> Result<T, Box<Failure>> {
        Err(Box::new(Failure { code: UNSUPPORTED, message: message.into(), place: self.place }))
    }

    pub(super) const fn fresh(&mut self) -> Var {
        let var = self.next_var;
        self.next_var += 1;
        var
    }

    /// Runs `f` with a frame of so many slots.
    pub(super) fn framed<T>(&mut self, slots: u32, f: impl FnOnce(&mut Self) -> T) -> T {
        let (caller, top) = (self.frame, self.slots.len());
        self.frame = top;
        self.slots.resize(top + slots as usize, Term::Const(Value::Null));
        let result = f(self);
        self.slots.truncate(top);
        self.frame = caller;
        result
    }

    pub(super) fn set(&mut self, slot: u32, term: Term) {
        if let Some(place) = self.slots.get_mut(self.frame + slot as usize) {
            *place = term;
        }
    }

    pub(super) fn slot(&self, slot: u32) -> Term {
        self.slots.get(self.frame + slot as usize).cloned().unwrap_or(Term::Const(Value::Null))
    }

    /// What an operand is.
    pub(super) fn value(&self, operand: &Operand) -> Term {
        match operand {
            Operand::Const(value) => Term::Const(value.clone()),
            Operand::Slot(slot) => self.slot(*slot),
            Operand::Array(items) => Term::Array(self.values(items)).folded(),
            Operand::Set(items) => Term::Set(self.values(items)).folded(),
            Operand::Object(members) => {
                let member = |(key, value): &(Operand, Operand)| (self.value(key), self.value(value));
                Term::Object(members.iter().map(member).collect()).folded()
            }
        }
    }

    pub(super) fn values(&self, operands: &[Operand]) -> Vec<Term> {
        operands.iter().map(|operand| self.value(operand)).collect()
    }

    pub(super) fn push(&mut self, kind: Kind) {
        let place = self.place;
        self.conditions.push(Condition { kind, place });
    }

    /// Runs `f`, and takes back the conditions that it adds.
    pub(super) fn attempt<T>(&mut self, f: impl FnOnce(&mut Self) -> T) -> T {
        let before = self.conditions.len();
        let result = f(self);
        self.conditions.truncate(before);
        result
    }

    /// Runs the statements from `at` on, and `next` for each way in which all of them may hold.
    pub(super) fn run(&mut self, block: &'e Block, at: usize, next: Next<'_, 'e>) -> Step {
        self.attempt(|this| this.run_on(block, at, next))
    }

    fn run_on(&mut self, block: &'e Block, mut at: usize, next: Next<'_, 'e>) -> Step {
        while let Some((stmt, place)) = block.stmts.get(at) {
            budget::work(16);
            self.place = *place;
            at += 1;
            let holds = match stmt {
                Stmt::Match(value, pattern) => {
                    let value = self.value(value);
                    self.fits(pattern, value)?
                }
                Stmt::Compare(comparison, left, right) => {
                    let (left, right) = (self.value(left), self.value(right));
                    self.compare(*comparison, left, right)
                }
                Stmt::Check(value) => {
                    let value = self.value(value);
                    self.truthy(value)
                }
                Stmt::Walk { base, path, out } => {
                    return self.walk(base, (path, out), &mut |this| this.run(block, at, next));
                }
                Stmt::Call { callee, args, out } => {
                    return self.call(callee, (args, out), &mut |this| this.run(block, at, next));
                }
                Stmt::Not(inner) => self.not(inner)?,
                Stmt::Any(blocks) => {
                    return self.any(blocks, &mut |this| this.run(block, at, next));
                }
                Stmt::Every { .. } => self.every(stmt)?,
                Stmt::Comprehend { out, .. } => {
                    let made = self.comprehend(stmt)?;
                    self.accept(out, made)?
                }
                Stmt::With { changes, block: inner } => {
                    return self.with(changes, inner, &mut |this| this.run(block, at, next));
                }
            };
            if !holds {
                return GO_ON;
            }
        }
        next(self)
    }

    /// The ways in which a block may hold, and what `give` says of each; only one where it holds in any case and `once` says
    /// that this is enough.
    pub(super) fn collect<T>(
        &mut self,
        block: &'e Block,
        once: bool,
        give: &mut dyn FnMut(&mut Self) -> Result<T, Box<Failure>>,
    ) -> Result<Vec<(Vec<Condition>, T)>, Box<Failure>> {
        let from = self.conditions.len();
        let mut found = Vec::new();
        let _flow = self.run(block, 0, &mut |this| {
            let Some(conditions) = this.since(from)? else { return GO_ON };
            let given = give(this)?;
            let sure = conditions.is_empty();
            if sure && once {
                found.clear();
            }
            found.push((conditions, given));
            if sure && once { Ok(ControlFlow::Break(())) } else { GO_ON }
        })?;
        Ok(found)
    }

    /// The conditions that have been added; none where they can never hold.
    pub(super) fn since(&mut self, from: usize) -> Result<Option<Vec<Condition>>, Box<Failure>> {
        let conditions = self.conditions.get(from..).unwrap_or_default();
        self.collected = self.collected.saturating_add(1 + conditions.len());
        budget::work(16 * (1 + conditions.len() * conditions.len()));
        budget::spend((1 + conditions.len()) * 256);
        if self.collected > MOST {
            let message = format!("too many ways and conditions are left: more than {MOST}");
            return self.unsupported(message);
        }
        Ok(tidy(conditions))
    }

    /// The ways in which a block may hold, as conjunctions.
    pub(super) fn conjunctions(&mut self, block: &'e Block) -> Result<Vec<Vec<Condition>>, Box<Failure>> {
        let counting = std::mem::replace(&mut self.counting, false);
        let found = self.collect(block, true, &mut |_| Ok(()));
        self.counting = counting;
        let mut ways: Vec<Vec<Condition>> = Vec::new();
        for (way, ()) in found? {
            if !ways.contains(&way) {
                ways.push(way);
            }
        }
        Ok(ways)
    }

    /// Takes one of several ways for granted; `false` where there is none.
    pub(super) fn some_of(&mut self, mut ways: Vec<Vec<Condition>>) -> bool {
        if ways.iter().any(Vec::is_empty) {
            return true;
        }
        if ways.len() > 1 || self.counting {
            // None of "none of them holds" holds.
            let place = self.place;
            let none = vec![vec![Condition { kind: Kind::Not(ways.clone()), place }]];
            if !ways.is_empty() {
                self.push(Kind::Not(none));
            }
            return !ways.is_empty();
        }
        match ways.pop() {
            Some(way) => {
                self.conditions.extend(way);
                true
            }
            None => false,
        }
    }
}

impl Ways {
    /// Whether all ways give the same constant.
    pub(super) fn constant(&self) -> Option<&Value> {
        let first = self.all.first()?.value.value()?;
        self.all.iter().all(|way| way.value.value() == Some(first)).then_some(first)
    }
}

impl Made {
    /// Whether no two of its ways can give different values to one key.
    pub(super) fn has_distinct_keys(&self) -> bool {
        let keys = || self.ways.iter().map(|way| way.key.as_ref().and_then(Term::value));
        keys().all(|key| key.is_some())
            && keys().enumerate().all(|(at, key)| keys().skip(at + 1).all(|other| other != key))
    }
}
