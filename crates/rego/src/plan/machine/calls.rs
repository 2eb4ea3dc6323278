//! Calling functions, and running blocks in worlds of their own.

use std::collections::HashMap;
use std::mem;
use std::sync::Arc;

use super::limits::{LIMIT, MEMORY};
use super::{Failure, Flow, Machine, Mock, Next, OPERATORS, Strict, Val, World};
use crate::budget;
use crate::builtins::error::{Error, Kind as ErrorKind};
use crate::plan::ir::{Block, Builtin, Callee, Operand, PRINT, Target};
use crate::value::{Keyed, Value};

impl<'e> Machine<'e> {
    pub(super) fn call(&mut self, callee: &'e Callee, args: &'e [Operand]) -> Result<Val<'e>, Box<Failure>> {
        let Some(at) = self.world.mocks.iter().rposition(|(mocked, _)| same(mocked, callee)) else {
            return self.call_itself(callee, args);
        };
        let other = match self.world.mocks.get(at) {
            Some((_, Mock::Function(other))) => *other,
            Some((_, Mock::Value(value))) => return Ok(Val::Own(value.clone())),
            None => return Ok(Val::Undefined),
        };
        // What stands in for a function sees all functions as they are, and so does what it asks for.
        let mocks = mem::take(&mut self.world.mocks);
        let documents = mem::take(&mut self.world.documents);
        let result = self.call_itself(other, args);
        self.world.documents = documents;
        self.world.mocks = mocks;
        result
    }

    fn call_itself(&mut self, callee: &'e Callee, args: &'e [Operand]) -> Result<Val<'e>, Box<Failure>> {
        match callee {
            Callee::Rule(rule) => {
                let args: Vec<Val<'e>> = args.iter().map(|arg| self.value(arg)).collect();
                let place = self.place;
                let result = self.function(*rule, args);
                self.place = place;
                result.map(Val::from)
            }
            Callee::Builtin(builtin) => {
                let args: Option<Vec<Value>> = args.iter().map(|arg| self.value(arg).into_value()).collect();
                match args {
                    Some(args) => self.builtin(builtin, &args).map(Val::from),
                    None => Ok(Val::Undefined),
                }
            }
        }
    }

    pub(in crate::plan) fn builtin(
        &mut self,
        builtin: &Builtin,
        args: &[Value],
    ) -> Result<Option<Value>, Box<Failure>> {
        if let Some(watch) = &mut self.watch
            && builtin.name == PRINT
        {
            watch.prints(args);
        }
        // The clock is looked at the sooner, the more there is to do: what was given and what was made.
        let spent = budget::spent();
        self.context.max_bytes = self.most_bytes.min(budget::left());
        let result = self.answer(builtin, args);
        let made = budget::spent().saturating_sub(spent) / BYTES_PER_STEP;
        self.steps = self.steps.saturating_add(made).saturating_add(args.iter().map(work).sum());
        self.check_memory()?;
        let error = match result {
            Ok(value) => return Ok(value),
            Err(error) => error,
        };
        let code = match error.kind {
            ErrorKind::Type => "eval_type_error",
            ErrorKind::Builtin => "eval_builtin_error",
            ErrorKind::TooLarge if self.context.max_bytes < self.most_bytes => {
                return self.fail(LIMIT, MEMORY);
            }
            ErrorKind::TooLarge => return self.fail(LIMIT, format!("{}: {}", builtin.name, error.message)),
            ErrorKind::Cancelled => return self.fail("eval_cancel_error", error.message),
            ErrorKind::Conflict => return self.fail("eval_conflict_error", error.message),
        };
        let failure =
            Failure { code, message: format!("{}: {}", builtin.name, error.message), place: self.place };
        let is_operator = || OPERATORS.contains(&builtin.name) && error.kind == ErrorKind::Type;
        if self.strict == Strict::All || self.strict == Strict::Functions && !is_operator() {
            return Err(Box::new(failure));
        }
        if let Some(watch) = &mut self.watch {
            watch.errs(&failure);
        }
        Ok(None)
    }

    fn answer(&mut self, builtin: &Builtin, args: &[Value]) -> Result<Option<Value>, Error> {
        if !builtin.nondeterministic {
            return builtin.call(self.context, args);
        }
        if let Some(known) = self.context.effects.known(builtin.name, args) {
            return known;
        }
        let answer = builtin.call(self.context, args);
        if !matches!(&answer, Err(error) if error.kind == ErrorKind::Cancelled) {
            self.context.effects.learn(builtin.name, args, answer.clone());
        }
        answer
    }

    pub(super) fn with(
        &mut self,
        changes: &'e [(Target, Operand)],
        block: &'e Block,
        next: Next<'_, 'e>,
    ) -> Result<Flow, Box<Failure>> {
        budget::work(256);
        let mut world = World {
            documents: HashMap::new(),
            groups: Default::default(),
            changed: true,
            ..self.world.clone()
        };
        for (target, operand) in changes {
            let value = self.value(operand).into_value();
            match target {
                Target::Function(mocked, Some(other)) => world.mocks.push((mocked, Mock::Function(other))),
                Target::Function(mocked, None) => {
                    let Some(value) = value else { return Ok(Flow::Continue) };
                    world.mocks.push((mocked, Mock::Value(value)));
                }
                Target::Input(path) => {
                    let Some(value) = value else { return Ok(Flow::Continue) };
                    world.input = Val::from(replace_at(world.input.into_value(), path, value));
                }
                Target::Data(path) => {
                    let Some(value) = value else { return Ok(Flow::Continue) };
                    world.data = Val::from(replace_at(world.data.into_value(), path, value));
                    world.replaced.push(path);
                }
            }
        }
        let outer = mem::replace(&mut self.world, world);
        let mut away = Some(outer);
        let flow = self.run(block, 0, &mut |machine| {
            let Some(outer) = away.take() else { return Ok(Flow::Stop) };
            let inner = mem::replace(&mut machine.world, outer);
            let flow = next(machine);
            away = Some(mem::replace(&mut machine.world, inner));
            flow
        });
        if let Some(outer) = away {
            self.world = outer;
        }
        flow
    }
}

/// How many bytes of values are as much work as a statement.
const BYTES_PER_STEP: usize = 256;

/// How many statements a built-in's argument is as much work as, at a glance.
fn work(value: &Value) -> usize {
    const NESTED: usize = 32;
    let nested = |inner: Option<&Value>| match inner {
        Some(Value::Array(_) | Value::Object(_) | Value::Set(_)) => NESTED,
        _ => 0,
    };
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        Value::String(text) => text.len() / BYTES_PER_STEP,
        Value::Array(items) => items.len() / 16 + nested(items.first()),
        Value::Set(elements) => elements.len() / 16 + nested(elements.keys().next()),
        Value::Object(members) => members.len() / 16 + nested(members.values().next()),
    }
}

/// A value with something else at a path; what is on the way and no object becomes one.
fn replace_at(value: Option<Value>, path: &[Value], new: Value) -> Option<Value> {
    let Some((key, rest)) = path.split_first() else { return Some(new) };
    let mut members = match value {
        Some(Value::Object(members)) => {
            budget::work(members.len());
            Arc::unwrap_or_clone(members)
        }
        _ => Keyed::new(),
    };
    let part = members.get(key).cloned();
    members.insert(key.clone(), replace_at(part, rest, new)?);
    Some(Value::from(members))
}

fn same(a: &Callee, b: &Callee) -> bool {
    match (a, b) {
        (Callee::Builtin(a), Callee::Builtin(b)) => a.name == b.name,
        (Callee::Rule(a), Callee::Rule(b)) => a == b,
        _ => false,
    }
}
