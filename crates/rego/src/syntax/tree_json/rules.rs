//! Rules and their heads. What a head says of itself depends on how it was written, as OPA has it.

use super::super::annotations::{Annotation, Scope, Target};
use super::super::ast::{Body, Else, Head, HeadValue, Module, RefPart, Rule, Term, TermKind};
use super::super::parser::has_if;
use super::super::source::Span;
use super::terms::start_of;
use super::{Place, Writer, keyword, put, put_some};
use crate::value::{Object, Value};

/// How many `else` a rule may have: each is within the one before.
const MAX_ELSES: usize = 5_000;

/// A head, and where what it implies is.
struct Written {
    head: Object,
    /// Where the rule is.
    rule: Place,
    /// Where the body is that nobody wrote.
    body: Place,
}

impl Writer<'_> {
    pub(super) fn rules(&mut self, module: &Module, annotations: &[Annotation]) -> Vec<Value> {
        let about = |annotation: &Annotation| match annotation.target {
            Target::Rule(index) => module.rules.get(index).map(|rule| self.path(rule)).unwrap_or_default(),
            Target::Package => Vec::new(),
        };
        let mut left: Vec<(&Annotation, Vec<String>)> =
            annotations.iter().map(|annotation| (annotation, about(annotation))).collect();
        let mut rules = Vec::new();
        for rule in &module.rules {
            let most = MAX_ELSES.min(self.include.max_depth);
            if let Some(beyond) = rule.elses.get(most) {
                self.fail(beyond.span, format!("the rule has more than {most} times `else`"));
                break;
            }
            let Written { head, rule: place, body } = self.head(rule);
            let end = rule.elses.last().map(|other| other.span).or(rule.body.as_ref().map(|body| body.span));
            let place = match end {
                Some(end) => Place { at: rule.span.start, text: rule.span.to(end) },
                None => place,
            };
            let mut out = Object::new();
            let body = match &rule.body {
                Some(written) => self.body(written),
                None => self.holds(body),
            };
            put(&mut out, "body", body);
            if rule.default {
                put(&mut out, "default", true);
            }
            if let Some(otherwise) = self.otherwise(&head, &rule.elses) {
                put(&mut out, "else", otherwise);
            }
            put(&mut out, "head", head.clone());
            self.locate(&mut out, place);
            let said = self.said_of(rule, rule.span.start, &mut left);
            put_some(&mut out, "annotations", said);
            rules.push(Value::from(out));
            for body in &rule.chained {
                let mut out = self.chained(&head, body);
                let said = self.said_of(rule, body.span.start, &mut left);
                put_some(&mut out, "annotations", said);
                rules.push(Value::from(out));
            }
        }
        rules
    }

    /// What annotations say of a rule. One for a rule is used up by the first one of that name below it.
    fn said_of(&mut self, rule: &Rule, start: u32, left: &mut Vec<(&Annotation, Vec<String>)>) -> Vec<Value> {
        if left.is_empty() {
            return Vec::new();
        }
        let row = self.source.line_of(start);
        let mut used = None;
        let mut said = Vec::new();
        let own = self.path(rule);
        for (at, (annotation, about)) in left.iter().enumerate() {
            if *about != own {
                continue;
            }
            let above = row > self.source.line_of(annotation.span.start);
            match annotation.scope {
                Scope::Document => said.push(self.annotation(annotation)),
                Scope::Rule if above => {
                    used = Some(at);
                    said.push(self.annotation(annotation));
                }
                _ => {}
            }
        }
        if let Some(used) = used {
            left.remove(used);
        }
        said
    }

    fn chained(&mut self, head: &Object, body: &Body) -> Object {
        let place = Place::from(body.span);
        let body = self.body(body);
        let mut head = Value::from(self.anew(head));
        if self.include.locations {
            relocate(&mut head, &Value::from(self.location(place)));
        }
        let mut out = Object::new();
        put(&mut out, "body", body);
        put(&mut out, "head", head);
        self.locate(&mut out, place);
        out
    }

    fn otherwise(&mut self, head: &Object, elses: &[Else]) -> Option<Value> {
        let (first, rest) = elses.split_first()?;
        let place = Place::from(first.span.to(rest.last().unwrap_or(first).span));
        let mut out = Object::new();
        let mut own = self.anew(head);
        let word = keyword(first.span, "else");
        let head_span = match &first.value {
            Some(value) => {
                own.remove(&Value::from("assign"));
                if value.assigned {
                    put(&mut own, "assign", true);
                }
                let given = self.term(&value.value);
                put(&mut own, "value", given);
                word.to(value.value.span)
            }
            None => {
                put(&mut own, "value", unplaced_true());
                word
            }
        };
        self.locate(&mut own, head_span);
        put(&mut out, "head", own);
        let body = match &first.body {
            Some(body) => {
                let mut written = self.body(body);
                if !body.braces && self.include.locations {
                    relocate(&mut written, &Value::from(self.location(place)));
                }
                written
            }
            None => self.holds(place),
        };
        put(&mut out, "body", body);
        if let Some(otherwise) = self.otherwise(head, rest) {
            put(&mut out, "else", otherwise);
        }
        self.locate(&mut out, place);
        Some(Value::from(out))
    }

    /// The same head once more: a `_` among its parameters is another one.
    fn anew(&mut self, head: &Object) -> Object {
        let mut head = head.clone();
        if let Some(Value::Array(args)) = head.get_str("args") {
            let args: Vec<Value> = args
                .iter()
                .map(|arg| match arg {
                    Value::Object(arg) if arg.get_str("value").is_some_and(is_wildcard) => {
                        let mut arg = arg.as_ref().clone();
                        let name = self.wildcard();
                        put(&mut arg, "value", name);
                        Value::from(arg)
                    }
                    other => other.clone(),
                })
                .collect();
            put(&mut head, "args", args);
        }
        head
    }

    fn head(&mut self, rule: &Rule) -> Written {
        let head = &rule.head;
        let mut name = self.reference(&head.name);
        let args = head.args.as_deref().unwrap_or_default();
        let (function, parts) = (!args.is_empty(), head.name.parts.as_slice());
        let args: Vec<Value> = args.iter().map(|arg| self.term(arg)).collect();
        let mut out = Object::new();
        if parts.is_empty() {
            put_name(&mut out, head);
        }
        let contains = matches!(head.value, HeadValue::Contains(_));
        let statement = rule.body.is_none() && !rule.default && !contains;
        let has_if = rule.body.is_some() && has_if(self.source, rule);
        let first = Place::from(keyword_or(head, rule));
        let mut place = Written { head: Object::new(), rule: rule.span.into(), body: first };
        match &head.value {
            HeadValue::Contains(element) => {
                let element = self.term(element);
                put(&mut out, "key", element);
                place.rule = head.span.into();
            }
            HeadValue::Value { assigned, value } => {
                let given = self.term(value);
                put(&mut out, "value", given);
                if *assigned {
                    put(&mut out, "assign", true);
                }
                place.body = Place { at: start_of(value), text: value.span };
            }
            // `f(x)` and `a.b.c` alone.
            HeadValue::Implied if statement => {
                let text = if function { head.name.span } else { rule.span };
                place.rule = text.into();
                place.body = text.into();
                if function || parts.len() > 1 {
                    let holds = self.typed("boolean", true, text);
                    put(&mut out, "value", holds);
                }
            }
            HeadValue::Implied if function || parts.len() != 1 => put(&mut out, "value", unplaced_true()),
            HeadValue::Implied => {}
        }
        if rule.default {
            place.rule = keyword(rule.span, "default").into();
            place.body = place.rule;
        }
        if let ([part], false, false, false) = (parts, rule.default, contains, function) {
            self.two_parts(&mut out, &mut name, head, part, has_if);
        }
        put(&mut out, "ref", name);
        put_some(&mut out, "args", args);
        let whole = if statement { place.rule } else { head.span.into() };
        self.locate(&mut out, whole);
        Written { head: out, ..place }
    }

    /// A name of two parts, which may be a key in an object, or an element of a set.
    fn two_parts(
        &mut self,
        out: &mut Object,
        name: &mut Vec<Value>,
        head: &Head,
        part: &RefPart,
        has_if: bool,
    ) {
        let implied = matches!(head.value, HeadValue::Implied);
        let key = name.get(1).cloned().unwrap_or(Value::Null);
        if has_if {
            if !is_ground_part(part) || is_reference(part) {
                put(out, "key", key);
            }
            if implied {
                let holds = self.typed("boolean", true, head.span);
                put(out, "value", holds);
            } else {
                put_name(out, head);
            }
        } else {
            put_name(out, head);
            put(out, "key", key);
            if implied {
                name.truncate(1);
            }
        }
    }

    /// The body of a rule that has none.
    fn holds(&self, place: Place) -> Value {
        let mut out = Object::new();
        put(&mut out, "terms", self.typed("boolean", true, place));
        put(&mut out, "index", 0_i64);
        self.locate(&mut out, place);
        Value::from(vec![Value::from(out)])
    }

    /// The constant part of a rule's name.
    fn path(&self, rule: &Rule) -> Vec<String> {
        let head = self.source.slice(rule.head.name.head.span).to_owned();
        let parts = rule.head.name.parts.iter().map_while(|part| match part {
            RefPart::Dot(name) => Some(name.name.to_string()),
            RefPart::Bracket(term) => match &term.kind {
                TermKind::String { value, .. } => Some(value.to_string()),
                _ => is_ground(term).then(|| format!("[{}]", self.source.slice(term.span))),
            },
        });
        std::iter::once(head).chain(parts).collect()
    }
}

fn unplaced_true() -> Object {
    let mut out = Object::new();
    put(&mut out, "type", "boolean");
    put(&mut out, "value", true);
    out
}

fn put_name(out: &mut Object, head: &Head) {
    if let TermKind::Var(name) = &head.name.head.kind {
        put(out, "name", &**name);
    }
}

/// The first word of a rule.
fn keyword_or(head: &Head, rule: &Rule) -> Span {
    if rule.default { keyword(rule.span, "default") } else { head.name.head.span }
}

fn is_wildcard(name: &Value) -> bool {
    name.as_str().is_some_and(|name| name.starts_with('$'))
}

fn is_reference(part: &RefPart) -> bool {
    match part {
        RefPart::Dot(_) => false,
        RefPart::Bracket(term) => match &term.kind {
            TermKind::Ref(_) => true,
            TermKind::Var(name) => matches!(&**name, "input" | "data"),
            _ => false,
        },
    }
}

fn is_ground_part(part: &RefPart) -> bool {
    match part {
        RefPart::Dot(_) => true,
        RefPart::Bracket(term) => is_ground(term),
    }
}

/// Whether no variable is in a term.
fn is_ground(term: &Term) -> bool {
    match &term.kind {
        TermKind::Var(name) => matches!(&**name, "input" | "data"),
        TermKind::Ref(reference) => reference.parts.iter().all(is_ground_part),
        TermKind::Call { args, .. } | TermKind::Array(args) | TermKind::Set(args) => {
            args.iter().all(is_ground)
        }
        TermKind::Infix { left, right, .. } => is_ground(left) && is_ground(right),
        TermKind::In { key, value, collection } => {
            key.as_deref().is_none_or(is_ground) && is_ground(value) && is_ground(collection)
        }
        TermKind::Object(members) => members.iter().all(|(key, value)| is_ground(key) && is_ground(value)),
        TermKind::ArrayComprehension(..)
        | TermKind::SetComprehension(..)
        | TermKind::ObjectComprehension(..) => false,
        TermKind::Parens(inner) => is_ground(inner),
        _ => true,
    }
}

/// Gives everything one place.
fn relocate(value: &mut Value, location: &Value) {
    match value {
        Value::Array(items) => {
            let mut moved = items.to_vec();
            moved.iter_mut().for_each(|item| relocate(item, location));
            *value = Value::from(moved);
        }
        Value::Object(members) => {
            let moved = members.iter().map(|(key, member)| {
                let mut member = member.clone();
                if key.as_str() == Some("location") {
                    member = location.clone();
                } else {
                    relocate(&mut member, location);
                }
                (key.clone(), member)
            });
            *value = Value::from(moved.collect::<Object>());
        }
        _ => {}
    }
}
