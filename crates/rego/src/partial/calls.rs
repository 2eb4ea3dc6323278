//! Calls, and what `with` puts in place of functions and documents.

use std::mem;
use std::sync::Arc;

use super::document::Doc;
use super::evaluator::{GO_ON, Mock, Next, Partial, Step as Flow, World};
use super::term::{Call, Made, Term};
use crate::plan::ir::{
    Block, Builtin, Callee, Comparison, Comprehension, Operand, Out, PRINT, Pattern, Target,
};
use crate::value::Value;

/// The most terms of a call: a value that is used twice in each of many calls doubles each time.
const MOST_TERMS: usize = 10_000;

/// The arguments of a call, and what becomes of its value.
type Called<'e> = (&'e [Operand], &'e Out);

impl<'e> Partial<'e> {
    pub(super) fn call(&mut self, callee: &'e Callee, (args, out): Called<'e>, next: Next<'_, 'e>) -> Flow {
        let args = self.values(args);
        let Some(at) = self.world.mocks.iter().rposition(|(mocked, _)| same(mocked, callee)) else {
            return self.call_itself(callee, args, out, next);
        };
        match self.world.mocks.get(at).map(|(_, mock)| mock.clone()) {
            Some(Mock::Value(value)) => self.give(out, value, next),
            Some(Mock::Function(other)) => {
                // What stands in for a function sees all functions as they are.
                let mocks = mem::take(&mut self.world.mocks);
                let mut away = Some(mocks);
                let flow = self.call_itself(other, args, out, &mut |this| {
                    let mocks = away.take().unwrap_or_default();
                    let before = mem::replace(&mut this.world.mocks, mocks);
                    let flow = next(this);
                    away = Some(mem::replace(&mut this.world.mocks, before));
                    flow
                });
                self.world.mocks = away.unwrap_or_default();
                flow
            }
            None => GO_ON,
        }
    }

    fn call_itself(&mut self, callee: &'e Callee, args: Vec<Term>, out: &'e Out, next: Next<'_, 'e>) -> Flow {
        match callee {
            Callee::Builtin(builtin) => self.builtin(callee, builtin, args, (out, next)),
            Callee::Rule(rule) => {
                if !self.world.changed
                    && !self.reach.rule(*rule)
                    && let Some(values) = values(&args)
                {
                    let place = self.place;
                    return match self.known.apply(callee, values, place)? {
                        Some(value) => self.give(out, Term::Const(value), next),
                        None => GO_ON,
                    };
                }
                let place = self.place;
                let ways = self.function(*rule, &args)?;
                self.place = place;
                self.each_way(&ways, &mut |this, value| this.give(out, value, next))
            }
        }
    }

    fn builtin(
        &mut self,
        callee: &'e Callee,
        builtin: &'e Builtin,
        args: Vec<Term>,
        (out, next): (&'e Out, Next<'_, 'e>),
    ) -> Flow {
        if builtin.name == PRINT {
            return self.give(out, Term::Const(Value::Bool(true)), next);
        }
        let left = builtin.nondeterministic && !self.reach.calls_nondeterministic();
        if let (false, Some(values)) = (left, values(&args)) {
            let place = self.place;
            let Some(value) = self.known.apply(callee, values, place)? else { return GO_ON };
            if !builtin.relation {
                return self.give(out, Term::Const(value), next);
            }
            for result in value.elements() {
                let flow = self.give(out, Term::Const(result.clone()), next)?;
                if flow.is_break() {
                    return Ok(flow);
                }
            }
            return GO_ON;
        }
        if builtin.relation {
            return self.unsupported(format!("`{}` goes through something unknown", builtin.name));
        }
        if let ("internal.member_2", [element, Term::Made(made)], true) =
            (builtin.name, &*args, wants_true(out))
            && made.kind != Comprehension::Array
            && !self.counting
        {
            let made = Arc::clone(made);
            return self.members(&made, element, next);
        }
        let size: usize = args.iter().map(size).sum();
        if size > MOST_TERMS {
            return self.unsupported(format!(
                "more than {MOST_TERMS} terms are left of a call of `{}`",
                builtin.name
            ));
        }
        let call = Term::Call(Arc::new(Call { name: builtin.name, args }));
        self.give(out, call, next)
    }

    /// Goes on with each way in which something may be in a collection.
    fn members(&mut self, made: &Made, element: &Term, next: Next<'_, 'e>) -> Flow {
        for way in &made.ways {
            let flow = self.attempt(|this| {
                let way = this.renamed((made.own, made.end)).way(way);
                this.conditions.extend(way.conditions);
                if this.compare(Comparison::Equal, element.clone(), way.value) { next(this) } else { GO_ON }
            })?;
            if flow.is_break() {
                return Ok(flow);
            }
        }
        GO_ON
    }

    pub(super) fn with(
        &mut self,
        changes: &'e [(Target, Operand)],
        block: &'e Block,
        next: Next<'_, 'e>,
    ) -> Flow {
        let mut world = World { changed: true, ..self.world.clone() };
        for (target, operand) in changes {
            let doc = |term: Term| match term {
                Term::Const(value) => Doc::Known(Some(value)),
                term => Doc::Term(term),
            };
            match target {
                Target::Function(mocked, Some(other)) => world.mocks.push((mocked, Mock::Function(other))),
                Target::Function(mocked, None) => {
                    world.mocks.push((mocked, Mock::Value(self.value(operand))))
                }
                Target::Input(path) => world.input = world.input.with(path, doc(self.value(operand))),
                Target::Data(path) => {
                    world.data = world.data.with(path, doc(self.value(operand)));
                    world.replaced.push(path);
                }
            }
        }
        let outer = mem::replace(&mut self.world, world);
        let mut away = Some(outer);
        let flow = self.run(block, 0, &mut |this| {
            let Some(outer) = away.take() else { return GO_ON };
            let inner = mem::replace(&mut this.world, outer);
            let flow = next(this);
            away = Some(mem::replace(&mut this.world, inner));
            flow
        });
        if let Some(outer) = away {
            self.world = outer;
        }
        flow
    }
}

/// The values of terms, where all are known.
fn values(terms: &[Term]) -> Option<Vec<Value>> {
    terms.iter().map(|term| term.value().cloned()).collect()
}

/// Whether nothing but `true` is accepted.
fn wants_true(out: &Out) -> bool {
    matches!(out, Out::Truthy | Out::Fits(Pattern::Is(Operand::Const(Value::Bool(true)))))
}

fn size(term: &Term) -> usize {
    let mut size = 0;
    count(term, &mut size);
    size
}

/// Counts no further than it has to.
fn count(term: &Term, size: &mut usize) {
    *size += 1;
    if *size > MOST_TERMS {
        return;
    }
    match term {
        Term::Call(call) => call.args.iter().for_each(|arg| count(arg, size)),
        Term::Ref(reference) => {
            if let super::term::Head::Term(head) = &reference.head {
                count(head, size);
            }
            reference.path.iter().for_each(|key| count(key, size));
        }
        Term::Array(items) | Term::Set(items) => items.iter().for_each(|item| count(item, size)),
        Term::Object(members) => members.iter().for_each(|(key, value)| {
            count(key, size);
            count(value, size);
        }),
        Term::Made(made) => *size += made.ways.len(),
        Term::Const(_) => {}
    }
}

fn same(a: &Callee, b: &Callee) -> bool {
    match (a, b) {
        (Callee::Builtin(a), Callee::Builtin(b)) => a.name == b.name,
        (Callee::Rule(a), Callee::Rule(b)) => a == b,
        _ => false,
    }
}
