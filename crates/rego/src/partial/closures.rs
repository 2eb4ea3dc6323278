//! Blocks that bind nothing for what is around them: `not`, `or`, `every`, comprehensions.

use std::ops::ControlFlow;
use std::sync::Arc;

use super::evaluator::{GO_ON, Next, Partial, Step as Flow};
use super::term::{Condition, Kind, Made, Term, Var, Way};
use crate::plan::Failure;
use crate::plan::ir::{Block, Comprehension, Pattern, Stmt};
use crate::value::{Object, Set, Value};

impl<'e> Partial<'e> {
    /// Whether a block may not hold.
    pub(super) fn not(&mut self, block: &'e Block) -> Result<bool, Box<Failure>> {
        self.denied += 1;
        let ways = self.conjunctions(block);
        self.denied -= 1;
        let ways = ways?;
        if ways.iter().any(Vec::is_empty) {
            return Ok(false);
        }
        if !ways.is_empty() {
            self.push(Kind::Not(ways));
        }
        Ok(true)
    }

    pub(super) fn any(&mut self, blocks: &'e [Block], next: Next<'_, 'e>) -> Flow {
        let mut ways = Vec::new();
        for block in blocks {
            ways.extend(self.conjunctions(block)?);
        }
        if self.counting || ways.iter().any(Vec::is_empty) {
            return self.attempt(|this| if this.some_of(ways) { next(this) } else { GO_ON });
        }
        for way in ways {
            let flow = self.attempt(|this| {
                this.conditions.extend(way);
                next(this)
            })?;
            if flow.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        GO_ON
    }

    pub(super) fn every(&mut self, stmt: &'e Stmt) -> Result<bool, Box<Failure>> {
        let Stmt::Every { domain, key, value, block } = stmt else { return Ok(true) };
        let index = |at: usize| Term::Const(Value::from(at as i64));
        let constant = |value: &Value| Term::Const(value.clone());
        let each: Vec<(Term, Term)> = match self.value(domain) {
            Term::Const(Value::Array(items)) => {
                items.iter().enumerate().map(|(at, item)| (index(at), constant(item))).collect()
            }
            Term::Const(Value::Object(members)) => {
                members.iter().map(|(key, value)| (constant(key), constant(value))).collect()
            }
            Term::Const(Value::Set(items)) => {
                items.keys().map(|item| (constant(item), constant(item))).collect()
            }
            Term::Const(_) => return Ok(false),
            Term::Array(items) => items.into_iter().enumerate().map(|(at, item)| (index(at), item)).collect(),
            Term::Set(items) => items.into_iter().map(|item| (item.clone(), item)).collect(),
            Term::Object(_) => return self.unsupported("`every` goes through an object of unknown members"),
            unknown => {
                let (k, v) = (self.fresh(), self.fresh());
                let ways = self.ways_of_each((key, Term::var(k)), (value, Term::var(v)), block)?;
                let ways = ways.unwrap_or_default();
                self.push(Kind::Every { domain: unknown, key: k, value: v, ways });
                return Ok(true);
            }
        };
        for (k, v) in each {
            let ways = self.ways_of_each((key, k), (value, v), block)?.unwrap_or_default();
            if !self.some_of(ways) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The ways in which the block of `every` may hold for an element.
    fn ways_of_each(
        &mut self,
        (key, k): (&'e Pattern, Term),
        (value, v): (&'e Pattern, Term),
        block: &'e Block,
    ) -> Result<Option<Vec<Vec<Condition>>>, Box<Failure>> {
        self.attempt(|this| {
            if !this.fits(key, k)? || !this.fits(value, v)? {
                return Ok(None);
            }
            this.conjunctions(block).map(Some)
        })
    }

    /// What a comprehension makes.
    pub(super) fn comprehend(&mut self, stmt: &'e Stmt) -> Result<Term, Box<Failure>> {
        let Stmt::Comprehend { kind, block, key, value, .. } = stmt else {
            return Ok(Term::Const(Value::Null));
        };
        let (own, place) = (self.next_var, self.place);
        let counting = std::mem::replace(&mut self.counting, *kind == Comprehension::Array);
        self.denied += 1;
        let found = self.collect(block, false, &mut |this| {
            Ok((key.as_ref().map(|key| this.value(key)), this.value(value)))
        });
        self.denied -= 1;
        (self.counting, self.place) = (counting, place);
        let way = |(conditions, (key, value))| Way { conditions, key, value };
        self.gathered(*kind, found?.into_iter().map(way).collect(), own)
    }

    /// A collection of what ways give, in their order.
    pub(super) fn gathered(
        &mut self,
        kind: Comprehension,
        ways: Vec<Way>,
        own: Var,
    ) -> Result<Term, Box<Failure>> {
        if let Some(known) = known(kind, &ways) {
            return match known {
                Some(value) => Ok(Term::Const(value)),
                None => Err(Box::new(Failure {
                    code: "eval_conflict_error",
                    message: "object keys must be unique".to_owned(),
                    place: self.place,
                })),
            };
        }
        let made = Made { kind, ways, own, end: self.next_var };
        if kind == Comprehension::Object && made.ways.len() > 1 && !made.has_distinct_keys() {
            return self.unsupported("an object is made of which it is unknown whether its keys are unique");
        }
        Ok(Term::Made(Arc::new(made)))
    }
}

/// The value of a collection that is known; `Some(None)` where one key has two values.
fn known(kind: Comprehension, ways: &[Way]) -> Option<Option<Value>> {
    let sure = |way: &Way| way.conditions.is_empty().then(|| way.value.value().cloned()).flatten();
    let values = ways.iter().map(sure).collect::<Option<Vec<Value>>>()?;
    Some(match kind {
        Comprehension::Array => Some(Value::from(values)),
        Comprehension::Set => Some(Value::from(values.into_iter().collect::<Set>())),
        Comprehension::Object => {
            let keys =
                ways.iter().map(|way| way.key.as_ref()?.value().cloned()).collect::<Option<Vec<_>>>()?;
            let mut members = Object::new();
            for (key, value) in keys.into_iter().zip(values) {
                if members.get(&key).is_some_and(|other| *other != value) {
                    return Some(None);
                }
                members.insert(key, value);
            }
            Some(Value::from(members))
        }
    })
}
