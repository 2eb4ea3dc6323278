//! Paths: through what is known to its parts, through what is unknown to references.

use std::ops::ControlFlow;
use std::sync::Arc;

use super::document::Doc;
use super::evaluator::{Document, GO_ON, Next, Partial, Step as Flow};
use super::rename::Renaming;
use super::term::{Head, Made, Term, Way};
use crate::plan::ir::{Base, Comparison, Comprehension, NodeId, Out, Pattern, RuleId, Step};
use crate::value::Value;

/// The rest of a path, and what becomes of what it leads to.
pub(super) type Rest<'e> = (&'e [Step], &'e Out);

impl<'e> Partial<'e> {
    pub(super) fn walk(&mut self, base: &'e Base, (path, out): Rest<'e>, next: Next<'_, 'e>) -> Flow {
        let rest = (path, out);
        match base {
            Base::Input => {
                let input = self.world.input.clone();
                self.walk_doc(input, rest, false, next)
            }
            Base::Operand(operand) => {
                let term = self.value(operand);
                self.walk_term(term, rest, false, next)
            }
            Base::Data(keys) => {
                let doc = keys.iter().fold(self.world.data.clone(), |doc, key| doc.part(key));
                self.walk_doc(doc, rest, is_constant(path), next)
            }
            Base::Rule(rule) => self.walk_rule(*rule, rest, next),
            Base::Node(node) => self.walk_node(*node, rest, next),
        }
    }

    /// `stored` says whether it is a base document, in which a number finds the text that it is written as.
    fn walk_doc(&mut self, doc: Doc, (path, out): Rest<'e>, stored: bool, next: Next<'_, 'e>) -> Flow {
        let term = match &doc {
            Doc::Known(None) => return GO_ON,
            Doc::Known(Some(value)) => Term::Const(value.clone()),
            Doc::Term(term) => term.clone(),
            Doc::Mixed(_) => return self.walk_mixed(doc, (path, out), stored, next),
        };
        self.walk_term(term, (path, out), stored, next)
    }

    fn walk_mixed(&mut self, doc: Doc, (path, out): Rest<'e>, stored: bool, next: Next<'_, 'e>) -> Flow {
        let Some((step, rest)) = path.split_first() else {
            return match doc.whole() {
                Ok(Some(term)) => self.give(out, term, next),
                Ok(None) => GO_ON,
                Err(()) => self.unsupported("`with` replaces a part of a document that is unknown otherwise"),
            };
        };
        if let Step::Key(key) = step
            && let Term::Const(key) = self.value(key)
        {
            let part = match (doc.part(&key), &key) {
                (Doc::Known(None), Value::Number(number)) if stored => {
                    doc.part(&Value::from(number.to_string()))
                }
                (part, _) => part,
            };
            return self.walk_doc(part, (rest, out), stored, next);
        }
        let Some(members) = doc.members() else {
            return self.unsupported("a document is gone through of which only parts are known");
        };
        for (key, part) in members {
            let flow = self.attempt(|this| {
                let found = match step {
                    Step::Key(wanted) => {
                        let wanted = this.value(wanted);
                        this.compare(Comparison::Equal, wanted, Term::Const(key))
                    }
                    Step::Each(pattern) => this.fits(pattern, Term::Const(key))?,
                };
                if !found {
                    return GO_ON;
                }
                if let Doc::Term(term) = &part {
                    this.defined(term);
                } else if let (Doc::Mixed(_), Ok(Some(term))) = (&part, part.whole()) {
                    this.defined(&term);
                }
                this.walk_doc(part, (rest, out), stored, next)
            })?;
            if flow.is_break() {
                return Ok(flow);
            }
        }
        GO_ON
    }

    fn walk_rule(&mut self, rule: RuleId, (path, out): Rest<'e>, next: Next<'_, 'e>) -> Flow {
        let program = self.program;
        let Some(rules) = program.rules.get(rule as usize) else { return GO_ON };
        let keys: Vec<Value> = rules.path.iter().map(|part| Value::from(&**part)).collect();
        if self.is_replaced(&keys) {
            let doc = keys.iter().fold(self.world.data.clone(), |doc, key| doc.part(key));
            return self.walk_doc(doc, (path, out), false, next);
        }
        if self.reach.is_unknown(&keys) {
            if self.world.changed {
                return self.unsupported("`with` is used around an unknown document that rules define");
            }
            let term = Term::reference(Head::Data, keys.into_iter().map(Term::Const).collect());
            return self.walk_term(term, (path, out), false, next);
        }
        if self.reach.has_unknown(&keys) {
            return self.unsupported("only a part of a document that rules define is unknown");
        }
        let place = self.place;
        let document = self.document(rule)?;
        self.place = place;
        match document {
            Document::Known(None) => GO_ON,
            Document::Known(Some(value)) => self.walk_term(Term::Const(value), (path, out), false, next),
            Document::Made(made) => self.walk_term(made, (path, out), false, next),
            Document::Ways(ways) => {
                self.each_way(&ways, &mut |this, value| this.walk_term(value, (path, out), false, next))
            }
        }
    }

    fn walk_node(&mut self, id: NodeId, (path, out): Rest<'e>, next: Next<'_, 'e>) -> Flow {
        let program = self.program;
        let Some(node) = program.nodes.get(id as usize) else { return GO_ON };
        if let Some(rule) = node.rule {
            return self.walk_rule(rule, (path, out), next);
        }
        let keys: Vec<Value> = node.path.iter().map(|part| Value::from(&**part)).collect();
        let base = || keys.iter().fold(self.world.data.clone(), |doc, key| doc.part(key));
        if self.is_replaced(&keys) || node.children.is_empty() {
            let base = base();
            return self.walk_doc(base, (path, out), is_constant(path), next);
        }
        if let Some((Step::Key(key), rest)) = path.split_first()
            && let Term::Const(key) = self.value(key)
        {
            return match key.as_str().and_then(|name| node.children.get(name)) {
                Some(child) => self.walk_node(*child, (rest, out), next),
                None => {
                    let part = base().part(&key);
                    self.walk_doc(part, (rest, out), is_constant(path), next)
                }
            };
        }
        if self.world.changed || self.reach.node(id) {
            let path = crate::shown::names(&node.path);
            let message = format!("all of `{path}` is asked for, in which something is unknown");
            return self.unsupported(message);
        }
        match self.known.all_below(id)? {
            Some(whole) => self.walk_term(Term::Const(whole), (path, out), false, next),
            None => GO_ON,
        }
    }

    pub(super) fn walk_term(
        &mut self,
        term: Term,
        (path, out): Rest<'e>,
        stored: bool,
        next: Next<'_, 'e>,
    ) -> Flow {
        let Some((step, rest)) = path.split_first() else { return self.give(out, term, next) };
        let rest = (rest, out);
        match &term {
            Term::Const(value) => self.walk_value(value, step, (rest, stored), next),
            Term::Array(items) => {
                let index = |at: usize| Term::Const(Value::from(at as i64));
                let parts = items.iter().enumerate().map(|(at, item)| (index(at), item.clone())).collect();
                self.each_part(parts, step, (rest, false), next)
            }
            Term::Set(items) => {
                if self.counting && items.len() > 1 {
                    return self.unsupported("an array is made of a set of which elements are unknown");
                }
                let parts = items.iter().map(|item| (item.clone(), item.clone())).collect();
                self.each_part(parts, step, (rest, false), next)
            }
            Term::Object(members) => {
                if members.iter().any(|(key, _)| key.value().is_none()) {
                    return self.unsupported("an object is looked into of which a key is unknown");
                }
                self.each_part(members.clone(), step, (rest, false), next)
            }
            Term::Made(made) if self.is_gone_through(made, step) => {
                let made = Arc::clone(made);
                self.each_made(&made, step, rest, next)
            }
            Term::Ref(_) | Term::Call(_) | Term::Made(_) => self.attempt(|this| {
                let part = match step {
                    Step::Key(key) | Step::Each(Pattern::Is(key)) => term.step(this.value(key)),
                    Step::Each(pattern) => {
                        let key = Term::var(this.fresh());
                        let part = term.step(key.clone());
                        this.defined(&part);
                        if !this.fits(pattern, key)? {
                            return GO_ON;
                        }
                        part
                    }
                };
                this.walk_term(part, rest, false, next)
            }),
        }
    }

    fn walk_value(
        &mut self,
        value: &Value,
        step: &'e Step,
        (rest, stored): (Rest<'e>, bool),
        next: Next<'_, 'e>,
    ) -> Flow {
        if let Step::Key(key) = step
            && let Term::Const(key) = self.value(key)
        {
            let text = |key: &Value| match key {
                Value::Number(number) if stored => value.lookup(&Value::from(number.to_string())),
                _ => None,
            };
            return match value.lookup(&key).or_else(|| text(&key)) {
                Some(part) => self.walk_term(Term::Const(part.clone()), rest, stored, next),
                None => GO_ON,
            };
        }
        let constant = |value: &Value| Term::Const(value.clone());
        let parts = match value {
            Value::Array(items) => {
                let index = |at: usize| Term::Const(Value::from(at as i64));
                items.iter().enumerate().map(|(at, item)| (index(at), constant(item))).collect()
            }
            Value::Object(members) => {
                members.iter().map(|(key, value)| (constant(key), constant(value))).collect()
            }
            Value::Set(items) => items.keys().map(|item| (constant(item), constant(item))).collect(),
            _ => Vec::new(),
        };
        self.each_part(parts, step, (rest, stored), next)
    }

    /// Goes on with each part whose key may be the one that is asked for.
    fn each_part(
        &mut self,
        parts: Vec<(Term, Term)>,
        step: &'e Step,
        (rest, stored): (Rest<'e>, bool),
        next: Next<'_, 'e>,
    ) -> Flow {
        for (key, part) in parts {
            // The number that is written so, where that is what is looked up.
            let number = match (&key, step) {
                (Term::Const(Value::String(text)), Step::Key(_)) if stored => number_of(text),
                _ => None,
            };
            for key in [Some(key), number.map(Term::Const)].into_iter().flatten() {
                let flow = self.attempt(|this| {
                    let found = match step {
                        Step::Key(wanted) => {
                            let wanted = this.value(wanted);
                            this.compare(Comparison::Equal, wanted, key)
                        }
                        Step::Each(pattern) => this.fits(pattern, key)?,
                    };
                    if found { this.walk_term(part.clone(), rest, stored, next) } else { GO_ON }
                })?;
                if flow.is_break() {
                    return Ok(flow);
                }
            }
        }
        GO_ON
    }

    /// Whether a collection is gone through way by way: where it comes to the same how often something is in it.
    fn is_gone_through(&self, made: &Made, step: &Step) -> bool {
        !self.counting
            && match made.kind {
                Comprehension::Set => true,
                Comprehension::Object => made.has_distinct_keys(),
                Comprehension::Array => matches!(step, Step::Each(Pattern::Any)),
            }
    }

    fn each_made(&mut self, made: &Made, step: &'e Step, rest: Rest<'e>, next: Next<'_, 'e>) -> Flow {
        for way in &made.ways {
            let flow = self.attempt(|this| {
                let Way { conditions, key, value } = this.renamed((made.own, made.end)).way(way);
                this.conditions.extend(conditions);
                let key = match made.kind {
                    Comprehension::Object => key.unwrap_or_else(|| value.clone()),
                    _ => value.clone(),
                };
                let found = match step {
                    Step::Key(wanted) => {
                        let wanted = this.value(wanted);
                        this.compare(Comparison::Equal, wanted, key)
                    }
                    Step::Each(pattern) => this.fits(pattern, key)?,
                };
                if found { this.walk_term(value, rest, false, next) } else { GO_ON }
            })?;
            if flow.is_break() {
                return Ok(flow);
            }
        }
        GO_ON
    }

    /// New names for variables.
    pub(super) const fn renamed(&mut self, (from, end): (u32, u32)) -> Renaming {
        let renaming = Renaming { from, end, to: self.next_var };
        self.next_var += renaming.count();
        renaming
    }

    pub(super) fn give(&mut self, out: &'e Out, term: Term, next: Next<'_, 'e>) -> Flow {
        self.attempt(|this| if this.accept(out, term)? { next(this) } else { GO_ON })
    }

    /// Whether `with` has put something else at this path or above it.
    pub(super) fn is_replaced(&self, path: &[Value]) -> bool {
        self.world.replaced.iter().any(|target| path.starts_with(target))
    }

    /// Goes on with the value of each way in which a rule has one.
    pub(super) fn each_way(
        &mut self,
        ways: &super::evaluator::Ways,
        next: &mut dyn FnMut(&mut Self, Term) -> Flow,
    ) -> Flow {
        if ways.may_conflict && self.denied > 0 {
            return self.unsupported(
                "a rule that fails where two of its values differ is denied, and which of them hold is unknown",
            );
        }
        self.conflicting |= ways.may_conflict;
        if self.counting && (ways.all.len() > 1 || ways.own.0 < ways.own.1) {
            let Some(value) = ways.constant() else {
                return self.unsupported("an array is made of a rule whose value is unknown");
            };
            let all = ways.all.iter().map(|way| way.conditions.clone()).collect();
            return self.attempt(|this| {
                if this.some_of(all) { next(this, Term::Const(value.clone())) } else { GO_ON }
            });
        }
        for way in &ways.all {
            let flow = self.attempt(|this| {
                let Way { conditions, value, .. } = this.renamed(ways.own).way(way);
                this.conditions.extend(conditions);
                next(this, value)
            })?;
            if flow.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        GO_ON
    }
}

fn is_constant(path: &[Step]) -> bool {
    path.iter().all(|step| matches!(step, Step::Key(_)))
}

fn number_of(text: &str) -> Option<Value> {
    let value = Value::from_json(text.as_bytes()).ok()?;
    let Value::Number(number) = &value else { return None };
    (number.to_string() == text).then_some(value)
}
