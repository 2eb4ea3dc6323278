//! Documents and functions that rules define, and the tree of packages that they are in.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use super::conflict::Givers;
use super::ir::{Branch, Kind, NodeId, Out, Pattern, RuleBody, RuleId, RuleSet, Step};
use super::machine::{Failure, Flow, Machine, Next, Val};
use crate::value::{Keyed, Value};

/// What is done with each way in which a branch holds.
type Each<'n, 'e> = &'n mut dyn FnMut(&mut Machine<'e>, &'e Branch) -> Result<Flow, Box<Failure>>;

impl<'e> Machine<'e> {
    /// The document that a rule set defines, or what `with` has put in its place.
    pub(super) fn document(&mut self, id: RuleId) -> Result<Val<'e>, Box<Failure>> {
        let program = self.program;
        let Some(rules) = program.rules.get(id as usize) else { return Ok(Val::Undefined) };
        if self.is_replaced(&rules.path) {
            let keys: Vec<Value> = rules.path.iter().map(|part| Value::from(&**part)).collect();
            return Ok(self.data_at(&keys));
        }
        if let Some(watch) = &mut self.watch {
            watch.refers(id, &[], self.world.changed);
        }
        if let Some(known) = self.world.documents.get(&id) {
            return Ok(known.clone().into());
        }
        let place = self.place;
        let document = match rules.kind {
            Kind::Function(_) => None,
            Kind::Complete => self.one_value(rules, &[])?,
            Kind::Partial { set } => Some(self.gather(rules, set)?),
        };
        self.place = place;
        self.world.documents.insert(id, document.clone());
        Ok(document.into())
    }

    /// Whether `with` has put something else at this path or above it.
    fn is_replaced(&self, path: &[std::sync::Arc<str>]) -> bool {
        self.world.replaced.iter().any(|target| {
            target.len() <= path.len()
                && target.iter().zip(path).all(|(key, part)| key.as_str() == Some(part))
        })
    }

    /// What a function gives for arguments.
    pub(super) fn function(&mut self, id: RuleId, args: Vec<Val<'e>>) -> Result<Option<Value>, Box<Failure>> {
        let program = self.program;
        let Some(rules) = program.rules.get(id as usize) else { return Ok(None) };
        if args.iter().any(|arg| arg.get().is_none()) {
            return Ok(None);
        }
        if let Some(watch) = &mut self.watch {
            let args: Vec<Value> = args.iter().filter_map(|arg| arg.get().cloned()).collect();
            watch.refers(id, &args, self.world.changed);
        }
        self.one_value(rules, &args)
    }

    fn one_value(&mut self, rules: &'e RuleSet, args: &[Val<'e>]) -> Result<Option<Value>, Box<Failure>> {
        let mut found: Option<Value> = None;
        let mut givers = Givers::default();
        for at in self.candidates(rules) {
            let Some(body) = rules.bodies.get(at) else { break };
            let result = self.body(body, args, &mut |machine, branch| {
                let value = machine.value(&branch.value).into_value();
                match (&found, value) {
                    (_, None) => return Ok(Flow::Continue),
                    (None, value) => {
                        found = value;
                        givers.first(at);
                    }
                    (Some(known), Some(value)) => givers.further(at, *known == value),
                }
                let constant = matches!(branch.value, super::ir::Operand::Const(_));
                Ok(if constant && machine.pass.exits_early() { Flow::Stop } else { Flow::Continue })
            });
            match result {
                // The conflict stands, whatever else goes wrong while its rules are collected.
                Err(failure) if givers.conflict() && failure.is_of_builtin() => {}
                result => result?,
            }
            if rules.decided_by_first && found.is_some() && self.pass.exits_early() {
                break;
            }
        }
        if let Some(failure) = givers.failure(self.program, rules) {
            return Err(Box::new(failure));
        }
        if let (Some(default), None) = (&rules.default, &found) {
            self.body(default, args, &mut |machine, branch| {
                found = machine.value(&branch.value).into_value();
                Ok(Flow::Stop)
            })?;
        }
        Ok(found)
    }

    /// The bodies that may hold for this input.
    fn candidates(&self, rules: &'e RuleSet) -> impl Iterator<Item = usize> + use<'e> {
        let found = rules.index.as_ref().filter(|_| self.pass.uses_index()).map(|index| {
            let mut part = self.world.input.clone();
            for key in &index.path {
                part = part.step(key);
            }
            index.candidates(part.get())
        });
        let all = if found.is_some() { 0..0 } else { 0..rules.bodies.len() };
        found.into_iter().flatten().chain(all)
    }

    /// Runs the branches of a body in order, up to the first that holds.
    pub(super) fn body(
        &mut self,
        body: &'e RuleBody,
        args: &[Val<'e>],
        each: Each<'_, 'e>,
    ) -> Result<(), Box<Failure>> {
        self.called(body.slots, |machine| {
            let fits = body.args.iter().zip(args).all(|(pattern, arg)| machine.fits(pattern, arg.clone()));
            if !fits || body.args.len() != args.len() {
                return Ok(());
            }
            if let Some(watch) = &mut machine.watch {
                watch.enter(body);
            }
            let result = machine.branches(body, each);
            if let Some(watch) = &mut machine.watch {
                watch.leave();
            }
            result
        })
    }

    fn branches(&mut self, body: &'e RuleBody, each: Each<'_, 'e>) -> Result<(), Box<Failure>> {
        for branch in &body.branches {
            if self.is_passed_over(body, branch)? {
                continue;
            }
            let mut held = false;
            self.run(&branch.block, 0, &mut |machine| {
                held = true;
                if let Some(labels) = &branch.labels {
                    machine.context.effects.label(labels);
                }
                if let Some(watch) = &mut machine.watch {
                    watch.holds(branch);
                }
                each(machine, branch)
            })?;
            if held {
                break;
            }
        }
        Ok(())
    }

    fn gather(&mut self, rules: &'e RuleSet, set: bool) -> Result<Value, Box<Failure>> {
        let mut whole = if set { Growing::Set(Vec::new()) } else { Growing::Object(BTreeMap::new()) };
        for at in self.candidates(rules) {
            let Some(body) = rules.bodies.get(at) else { break };
            self.body(body, &[], &mut |machine, branch| {
                let Some(value) = machine.value(&branch.value).into_value() else {
                    return Ok(Flow::Continue);
                };
                let keys: Option<Vec<Value>> =
                    body.tail.iter().map(|key| machine.value(key).into_value()).collect();
                let Some(keys) = keys else { return Ok(Flow::Continue) };
                machine.grow(1 + 4 * keys.len())?;
                if !whole.put(keys.into_iter(), value, body.contains) {
                    machine.place = body.place;
                    return machine.fail("eval_conflict_error", "object keys must be unique");
                }
                Ok(Flow::Continue)
            })?;
        }
        Ok(whole.finish())
    }

    /// Follows a path without variables into the tree of packages, up to a document: its value, and the rest.
    pub(super) fn node(
        &mut self,
        mut id: NodeId,
        mut path: &'e [Step],
    ) -> Result<(Val<'e>, &'e [Step]), Box<Failure>> {
        let program = self.program;
        while let (Some(node), Some((step, rest))) = (program.nodes.get(id as usize), path.split_first()) {
            if self.is_replaced(&node.path) {
                break;
            }
            let Step::Key(key) = step else { break };
            let key = self.value(key);
            let child = key.get().and_then(Value::as_str).and_then(|name| node.children.get(name));
            let Some(child) = child else {
                let here = self.base_of(id);
                return Ok((here, path));
            };
            path = rest;
            if let Some(rule) = program.nodes.get(*child as usize).and_then(|child| child.rule) {
                return Ok((self.document(rule)?, path));
            }
            id = *child;
        }
        Ok((self.whole(id)?, path))
    }

    /// What base documents have at a node.
    fn base_of(&self, id: NodeId) -> Val<'e> {
        let Some(node) = self.program.nodes.get(id as usize) else { return Val::Undefined };
        let keys: Vec<Value> = node.path.iter().map(|part| Value::from(&**part)).collect();
        self.data_at(&keys)
    }

    /// All that is below a node: rules, packages, base documents.
    pub(super) fn whole(&mut self, id: NodeId) -> Result<Val<'e>, Box<Failure>> {
        let program = self.program;
        let base = self.base_of(id);
        let Some(node) = program.nodes.get(id as usize) else { return Ok(base) };
        if let Some(rule) = node.rule {
            return self.document(rule);
        }
        if self.is_replaced(&node.path) || node.children.is_empty() && !base.is_nothing() {
            return Ok(base);
        }
        let mut members: BTreeMap<Value, Value> = match base.into_value() {
            Some(Value::Object(members)) => members.entries().iter().cloned().collect(),
            _ => BTreeMap::new(),
        };
        for (name, child) in &node.children {
            // The server's own part of the tree is not part of what is seen of all of it.
            if id == 0 && &**name == "system" {
                members.remove(&Value::from(&**name));
                continue;
            }
            let is_rule = program.nodes.get(*child as usize).is_some_and(|child| child.rule.is_some());
            let whole = match self.whole(*child) {
                Err(failure) if self.leave_out && failure.is_of_builtin() => {
                    self.left_out.get_or_insert(*failure);
                    Val::Undefined
                }
                other => other?,
            };
            if let Some(value) = whole.into_value() {
                match members.entry(Value::from(&**name)) {
                    // A base document at the place of a rule is refused at load, unless it is there only by `with`.
                    Entry::Occupied(_) if is_rule => {}
                    Entry::Occupied(mut there) => _ = there.insert(value),
                    Entry::Vacant(free) => _ = free.insert(value),
                }
            }
        }
        Ok(Val::Own(Value::from(Keyed::from_entries(members.into_iter().collect()))))
    }

    pub(super) fn walk_node(
        &mut self,
        id: NodeId,
        path: &'e [Step],
        out: &'e Out,
        next: Next<'_, 'e>,
    ) -> Result<Flow, Box<Failure>> {
        let program = self.program;
        let (Some(node), Some((step, rest))) = (program.nodes.get(id as usize), path.split_first()) else {
            let whole = self.whole(id)?;
            return self.walk_value(whole, path, out, next);
        };
        if let Some(rule) = node.rule {
            let document = self.document(rule)?;
            return self.walk_value(document, path, out, next);
        }
        if self.is_replaced(&node.path) {
            let base = self.base_of(id);
            return self.walk_value(base, path, out, next);
        }
        match step {
            Step::Key(key) => {
                let key = self.value(key);
                let child = key.get().and_then(Value::as_str).and_then(|name| node.children.get(name));
                match child {
                    Some(child) => self.walk_node(*child, rest, out, next),
                    None => {
                        let base = self.base_of(id);
                        self.walk_value(base, path, out, next)
                    }
                }
            }
            Step::Each(pattern) => self.walk_children(id, pattern, rest, out, next),
        }
    }

    /// Goes on with each member of a package.
    fn walk_children(
        &mut self,
        id: NodeId,
        pattern: &'e Pattern,
        rest: &'e [Step],
        out: &'e Out,
        next: Next<'_, 'e>,
    ) -> Result<Flow, Box<Failure>> {
        let program = self.program;
        let Some(node) = program.nodes.get(id as usize) else { return Ok(Flow::Continue) };
        let base = self.base_of(id);
        let mut names: Vec<Value> = match base.get() {
            Some(Value::Object(members)) => members.keys().cloned().collect(),
            _ => Vec::new(),
        };
        names.extend(node.children.keys().map(|name| Value::from(&**name)));
        names.sort();
        names.dedup();
        for name in names {
            let child = name.as_str().and_then(|name| node.children.get(name)).copied();
            let is_function =
                child.and_then(|child| program.nodes.get(child as usize)?.rule).is_some_and(|rule| {
                    program
                        .rules
                        .get(rule as usize)
                        .is_some_and(|rules| matches!(rules.kind, Kind::Function(_)))
                });
            if is_function || !self.fits(pattern, Val::Own(name.clone())) {
                continue;
            }
            let flow = match child {
                Some(child) => self.walk_node(child, rest, out, next)?,
                None => {
                    let part = base.get().and_then(|base| base.lookup(&name)).cloned();
                    self.walk_value(part.into(), rest, out, next)?
                }
            };
            if flow == Flow::Stop {
                return Ok(Flow::Stop);
            }
        }
        Ok(Flow::Continue)
    }
}

impl Val<'_> {
    pub(super) const fn is_nothing(&self) -> bool {
        matches!(self, Self::Undefined)
    }
}

/// A document while it is gathered.
enum Growing {
    Leaf(Value),
    Set(Vec<Value>),
    Object(BTreeMap<Value, Growing>),
}

impl Growing {
    /// Puts a value at keys; `false` when another is there.
    fn put(&mut self, mut keys: std::vec::IntoIter<Value>, value: Value, contains: bool) -> bool {
        match (self, keys.next()) {
            (Self::Set(items), None) if contains => {
                items.push(value);
                true
            }
            (Self::Leaf(known), None) if !contains => *known == value,
            (Self::Object(members), Some(key)) => match members.entry(key) {
                Entry::Occupied(mut there) => there.get_mut().put(keys, value, contains),
                Entry::Vacant(free) => {
                    free.insert(Self::make(keys, value, contains));
                    true
                }
            },
            _ => false,
        }
    }

    fn make(mut keys: std::vec::IntoIter<Value>, value: Value, contains: bool) -> Self {
        match keys.next() {
            None if contains => Self::Set(vec![value]),
            None => Self::Leaf(value),
            Some(key) => Self::Object(BTreeMap::from([(key, Self::make(keys, value, contains))])),
        }
    }

    fn finish(self) -> Value {
        match self {
            Self::Leaf(value) => value,
            Self::Set(items) => Value::from(items.into_iter().collect::<Keyed<()>>()),
            Self::Object(members) => {
                let members = members.into_iter().map(|(key, part)| (key, part.finish())).collect();
                Value::from(Keyed::from_entries(members))
            }
        }
    }
}
