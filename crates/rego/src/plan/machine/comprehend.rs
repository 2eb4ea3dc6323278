//! Comprehensions: run, or looked up where they pick from what is the same every time ([`super::super::groups`]).

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::rc::Rc;

use super::known::{Grouping, Groups};
use super::{Failure, Flow, Machine, Strict};
use crate::budget;
use crate::plan::ir::{self, Block, Comprehension, Operand, Stmt};
use crate::value::{Keyed, Value};

/// The key, where it makes an object, and the value of one way in which a comprehension holds.
type Row = (Option<Value>, Value);

/// What is done with each row.
type EachRow<'n, 'e> = &'n mut dyn FnMut(&mut Machine<'e>, Row) -> Result<Flow, Box<Failure>>;

/// The elements of a comprehension; with keys, where it makes an object.
#[derive(Default)]
struct Made {
    items: Vec<Value>,
    members: Vec<(Value, Value)>,
}

impl<'e> Machine<'e> {
    /// Runs a comprehension; what is no comprehension makes null.
    pub(super) fn comprehend(&mut self, stmt: &'e Stmt) -> Result<Value, Box<Failure>> {
        let Stmt::Comprehend { kind, block, key, value, groups, .. } = stmt else { return Ok(Value::Null) };
        let result = (key.as_ref(), value);
        let each_run = self.watch.as_ref().is_some_and(|watch| watch.counts_runs());
        if let (Some(groups), false) = (groups, each_run)
            && let Some(made) = self.look_up(*kind, groups, result)?
        {
            return Ok(made);
        }
        let place = self.place;
        let mut made = Made::default();
        self.gather_all(block, result, &mut |_, row| {
            made.add(row);
            Ok(Flow::Continue)
        })?;
        self.place = place;
        made.finish(*kind).map_or_else(|| self.fail("eval_conflict_error", "object keys must be unique"), Ok)
    }

    /// Runs `each` with the key and value of each way in which a block holds.
    fn gather_all(
        &mut self,
        block: &'e Block,
        (key, value): (Option<&'e Operand>, &'e Operand),
        each: EachRow<'_, 'e>,
    ) -> Result<(), Box<Failure>> {
        self.run(block, 0, &mut |machine| {
            let Some(item) = machine.value(value).into_value() else { return Ok(Flow::Continue) };
            let key = match key {
                None => None,
                Some(key) => match machine.value(key).into_value() {
                    None => return Ok(Flow::Continue),
                    some => some,
                },
            };
            machine.grow(1 + usize::from(key.is_some()))?;
            each(machine, (key, item))
        })?;
        Ok(())
    }

    fn look_up(
        &mut self,
        kind: Comprehension,
        groups: &'e ir::Groups,
        result: (Option<&'e Operand>, &'e Operand),
    ) -> Result<Option<Value>, Box<Failure>> {
        let id = std::ptr::from_ref(groups).addr();
        let ready = match self.world.groups.entry(id) {
            Entry::Vacant(free) => {
                free.insert(Grouping::Once);
                return Ok(None);
            }
            Entry::Occupied(known) => match known.get() {
                Grouping::Ready(ready) => Some(Rc::clone(ready)),
                Grouping::Once => None,
                Grouping::Fails => return Ok(None),
            },
        };
        let ready = match ready {
            Some(ready) => ready,
            None => {
                let all = self.all_groups(kind, groups, result)?;
                let grouping = all.map_or(Grouping::Fails, |all| Grouping::Ready(Rc::new(all)));
                self.world.groups.insert(id, grouping.clone());
                let Grouping::Ready(ready) = grouping else { return Ok(None) };
                ready
            }
        };
        if !self.holds(&groups.before)? {
            return Ok(Some(ready.nothing.clone()));
        }
        let Some(key) = self.key_of(&groups.outer) else { return Ok(None) };
        Ok(Some(ready.by_key.get(&key).unwrap_or(&ready.nothing).clone()))
    }

    /// What there is for each key; none where that fails for any of them.
    fn all_groups(
        &mut self,
        kind: Comprehension,
        groups: &'e ir::Groups,
        result: (Option<&'e Operand>, &'e Operand),
    ) -> Result<Option<Groups>, Box<Failure>> {
        let place = self.place;
        let mut by_key: HashMap<Value, Made> = HashMap::new();
        // An error tells at once that each has to be run, and nobody is told of one for a key that is not asked for.
        let (strict, watch) = (std::mem::replace(&mut self.strict, Strict::All), self.watch.take());
        let gathered = self.gather_all(&groups.block, result, &mut |machine, row| {
            if let Some(key) = machine.key_of(&groups.inner) {
                by_key.entry(key).or_default().add(row);
            }
            Ok(Flow::Continue)
        });
        (self.place, self.strict, self.watch) = (place, strict, watch);
        match gathered {
            Err(failure) if failure.is_of_builtin() || failure.code == "eval_conflict_error" => {
                return Ok(None);
            }
            gathered => gathered?,
        }
        let finished = by_key.into_iter().map(|(key, made)| Some((key, made.finish(kind)?)));
        let (by_key, nothing) = (finished.collect::<Option<HashMap<_, _>>>(), Made::default().finish(kind));
        Ok(by_key.zip(nothing).map(|(by_key, nothing)| Groups { by_key, nothing }))
    }

    fn key_of(&self, operands: &'e [Operand]) -> Option<Value> {
        match operands {
            [one] => self.value(one).into_value(),
            several => {
                let values: Option<Vec<Value>> =
                    several.iter().map(|one| self.value(one).into_value()).collect();
                values.map(Value::from)
            }
        }
    }
}

impl Made {
    fn add(&mut self, (key, value): Row) {
        match key {
            None => self.items.push(value),
            Some(key) => self.members.push((key, value)),
        }
    }

    /// The array, set or object; none where one key has two values.
    fn finish(self, kind: Comprehension) -> Option<Value> {
        let Self { items, mut members } = self;
        match kind {
            Comprehension::Array => Some(Value::from(items)),
            Comprehension::Set => Some(Value::from(items.into_iter().collect::<Keyed<()>>())),
            Comprehension::Object => {
                members.sort_by(|a, b| {
                    budget::work(1);
                    a.0.cmp(&b.0)
                });
                if members.windows(2).any(|pair| matches!(pair, [a, b] if a.0 == b.0 && a.1 != b.1)) {
                    return None;
                }
                members.dedup_by(|a, b| a.0 == b.0);
                Some(Value::from(Keyed::from_entries(members)))
            }
        }
    }
}
