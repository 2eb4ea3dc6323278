//! Infers the types of a rule's terms, and reports type errors.

mod match_terms;
mod references;

use std::collections::HashMap;

use super::Found;
use super::flat::{Callee, Comprehension, Expr, Kind, Made, Rule, Term, Var};
use super::hints;
use super::order::{Bound, order};
use super::tree::Tree;
use super::types::{Type, arguments, or, unifies};
use crate::budget;
use crate::builtins::table::Entry;
use crate::syntax::source::Span;
use crate::value::Value;

/// How many errors of one rule are reported.
const MOST_OF_RULE: usize = 100;

/// Types of arguments and of the result of built-ins, as they were needed.
pub(super) type Signatures = HashMap<&'static str, (Vec<Type>, Type)>;

/// One rule while it is checked.
pub(super) struct Infer<'a> {
    rule: &'a Rule,
    /// What is known of documents: schemas of this rule, then all else.
    trees: Vec<&'a Tree>,
    signatures: &'a mut Signatures,
    vars: Vec<Type>,
    /// What variables were before, to go back to when a closure ends.
    undo: Vec<(Var, Type)>,
    found: Vec<Found>,
}

/// What went wrong in the parts of a condition.
#[derive(Debug, Default, Clone, Copy)]
struct Parts {
    failed: bool,
}

/// What a rule defines, or what is wrong with it.
pub(super) fn infer(
    rule: &Rule,
    schemas: Option<&Tree>,
    tree: &Tree,
    signatures: &mut Signatures,
) -> Result<Type, Vec<Found>> {
    let trees = schemas.into_iter().chain([tree]).collect();
    let vars = vec![Type::Unknown; rule.vars.len()];
    let mut infer = Infer { rule, trees, signatures, vars, undo: Vec::new(), found: Vec::new() };
    let mut bound = Bound::new();
    rule.args.iter().flatten().for_each(|arg| {
        arg.vars(false, &mut |var| {
            bound.insert(var);
        });
    });
    infer.body(&rule.body, &mut bound);
    if !infer.found.is_empty() {
        return Err(infer.found);
    }
    Ok(infer.defined())
}

impl Infer<'_> {
    fn wrong(&mut self, span: Span, message: String, details: Vec<String>) {
        self.wrong_with(span, message, details, None);
    }

    fn wrong_with(&mut self, span: Span, message: String, details: Vec<String>, hint: Option<String>) {
        if self.found.len() < MOST_OF_RULE {
            let file = self.rule.from.0;
            let found = Found::new("rego_type_error", file, span, message);
            self.found.push(Found { details, hint, ..found });
        }
    }

    /// The type of what the rule defines.
    fn defined(&mut self) -> Type {
        if let Some(args) = &self.rule.args {
            args.iter().for_each(|arg| {
                arg.vars(false, &mut |var| {
                    if let Some(of @ Type::Unknown) = self.vars.get_mut(var as usize) {
                        *of = Type::Any;
                    }
                });
            });
            let args = args.iter().map(|arg| self.of(arg)).collect();
            let result = match self.of(&self.rule.value) {
                of if of.is_unknown() => Type::Any,
                of => of,
            };
            return Type::function(args, result);
        }
        let value = self.of(&self.rule.value);
        let value = if self.rule.set && !value.is_unknown() { Type::set(value) } else { value };
        let nested = |inner: Type, key: &Term| match self.of(key) {
            Type::Unknown => Type::Unknown,
            _ if matches!(inner, Type::Unknown) => Type::Unknown,
            key => Type::object(Vec::new(), Some((key, inner))),
        };
        self.rule.tail.iter().rev().fold(value, nested)
    }

    /// Checks a body; whether something was wrong.
    fn body(&mut self, body: &[Expr], bound: &mut Bound) -> bool {
        let before = self.found.len();
        for expr in order(body, bound) {
            self.expr(expr, bound);
        }
        self.found.len() > before
    }

    fn expr(&mut self, expr: &Expr, bound: &Bound) {
        budget::work(16);
        let mut parts = Parts::default();
        match &expr.kind {
            Kind::Term(term) => {
                self.closed(term, bound, &mut parts);
                self.references(term, &mut parts);
            }
            Kind::Unify(a, b) => {
                let of_a = self.closed(a, bound, &mut parts);
                let of_b = self.closed(b, bound, &mut parts);
                self.references(a, &mut parts);
                self.references(b, &mut parts);
                let of_a = of_a.unwrap_or_else(|| self.of(a));
                let of_b = of_b.unwrap_or_else(|| self.of(b));
                if !self.unify_both(a, &of_a, b, &of_b)
                    && !(parts.failed && (of_a.is_unknown() || of_b.is_unknown()))
                {
                    let details = vec![format!("left  : {of_a}"), format!("right : {of_b}")];
                    let hint = hints::arguments::equality(&of_a, &of_b);
                    self.wrong_with(expr.span, "match error".into(), details, hint);
                }
            }
            Kind::Call { callee, args, .. } => self.call(callee, args, expr.span),
            Kind::Every { domain: _, key: _, value: _, body } => {
                self.closures_below(body, bound, &mut parts);
                self.references_below(body, &mut parts);
            }
            Kind::Closures(closures) => {
                for closure in closures {
                    let mark = self.undo.len();
                    self.body(&closure.body, &mut bound.clone());
                    self.undo_to(mark);
                }
            }
        }
        self.mocks(expr);
    }

    /// Checks a comprehension, and says what it makes.
    fn closed(&mut self, term: &Term, bound: &Bound, parts: &mut Parts) -> Option<Type> {
        let Term::Comprehension(made) = term else { return None };
        let of = self.comprehension(made, bound);
        parts.failed |= of.is_none();
        Some(of.unwrap_or(Type::Unknown))
    }

    fn comprehension(&mut self, made: &Comprehension, bound: &Bound) -> Option<Type> {
        let mark = self.undo.len();
        let failed = self.body(&made.body, &mut bound.clone());
        let value = self.of(&made.value);
        let key = made.key.as_ref().map_or(Type::Unknown, |key| self.of(key));
        self.undo_to(mark);
        (!failed).then(|| match made.kind {
            Made::Array => Type::array(Vec::new(), Some(value)),
            Made::Set => Type::set(value),
            Made::Object => Type::object(Vec::new(), Some((key, value))),
        })
    }

    /// Forgets what a closure has found of its variables.
    fn undo_to(&mut self, mark: usize) {
        for (var, before) in self.undo.split_off(mark).into_iter().rev() {
            if let Some(of) = self.vars.get_mut(var as usize) {
                *of = before;
            }
        }
    }

    /// The conditions of `every` are not checked, as in OPA, but the closures and references in them are.
    fn closures_below(&mut self, body: &[Expr], bound: &Bound, parts: &mut Parts) {
        for expr in body {
            match &expr.kind {
                Kind::Unify(a, b) => {
                    self.closed(a, bound, parts);
                    self.closed(b, bound, parts);
                }
                Kind::Term(term) => {
                    self.closed(term, bound, parts);
                }
                Kind::Every { body, .. } => self.closures_below(body, bound, parts),
                Kind::Closures(closures) => {
                    closures.iter().for_each(|closure| self.closures_below(&closure.body, bound, parts));
                }
                Kind::Call { .. } => {}
            }
        }
    }

    fn references_below(&mut self, body: &[Expr], parts: &mut Parts) {
        for expr in body {
            match &expr.kind {
                Kind::Unify(a, b) => {
                    self.references(a, parts);
                    self.references(b, parts);
                }
                Kind::Term(term) => self.references(term, parts),
                Kind::Every { body, .. } => self.references_below(body, parts),
                Kind::Closures(closures) => {
                    closures.iter().for_each(|closure| self.references_below(&closure.body, parts));
                }
                Kind::Call { .. } => {}
            }
        }
    }

    fn signature(&mut self, entry: &'static Entry) -> (Vec<Type>, Type) {
        let made = || {
            let args = entry.args.iter().map(Type::declared).collect();
            (args, entry.result.as_ref().map_or(Type::Unknown, Type::declared))
        };
        self.signatures.entry(entry.name).or_insert_with(made).clone()
    }

    /// Arguments and result of a function; none where nothing is known of it.
    fn function(&mut self, callee: &Callee) -> Option<(Vec<Type>, Type)> {
        match callee {
            Callee::Builtin(entry) => Some(self.signature(entry)),
            Callee::Rule(path) => {
                let of = self.document(path);
                match of.kind() {
                    Some(super::types::Kind::Function(args, result)) => Some((args.clone(), result.clone())),
                    _ => None,
                }
            }
        }
    }

    fn call(&mut self, callee: &Callee, args: &[Term], span: Span) {
        let Some((mut wanted, result)) = self.function(callee) else { return };
        let arity = wanted.len();
        if !matches!(result, Type::Unknown) {
            wanted.push(result);
        }
        if args.iter().zip(&wanted).all(|(arg, wanted)| self.unify(arg, wanted, false)) {
            return;
        }
        let have: Vec<Type> = args.iter().map(|arg| self.of(arg)).collect();
        let details = vec![format!("have: {}", arguments(&have)), format!("want: {}", arguments(&wanted))];
        let hint = hints::arguments::types(&callee.shown(), &have, &wanted, arity);
        self.wrong_with(span, format!("{}: invalid argument(s)", callee.shown()), details, hint);
    }

    /// A function can only be replaced by one that takes as much.
    fn mocks(&mut self, expr: &Expr) {
        for (span, target, value) in &expr.mocks {
            let (Some((wanted, _)), Some((have, _))) = (self.function(target), self.function(value)) else {
                continue;
            };
            let fits = wanted.len() == have.len() && wanted.iter().zip(&have).all(|(a, b)| unifies(a, b));
            if !fits {
                let details =
                    vec![format!("have: {}", arguments(&have)), format!("want: {}", arguments(&wanted))];
                self.wrong(*span, format!("{}: arity mismatch", target.shown()), details);
            }
        }
    }

    fn var(&self, var: Var) -> Type {
        self.vars.get(var as usize).cloned().unwrap_or(Type::Unknown)
    }

    fn set(&mut self, var: Var, of: Type) {
        if let Some(place) = self.vars.get_mut(var as usize) {
            self.undo.push((var, std::mem::replace(place, of)));
        }
    }

    /// The type of a term, as far as it is known by now.
    fn of(&self, term: &Term) -> Type {
        match term {
            Term::Scalar(value) => super::types::of_value(value),
            Term::Var(var) => self.var(*var),
            Term::Ref(reference) => self.referred(reference),
            Term::Array(items) => {
                let rest = items.is_empty().then_some(Type::Any);
                Type::array(items.iter().map(|item| self.of(item)).collect(), rest)
            }
            Term::Set(items) => {
                let all =
                    items.iter().map(|item| self.of(item)).fold(Type::Unknown, |all, each| or(&all, &each));
                Type::set(if matches!(all, Type::Unknown) { Type::Any } else { all })
            }
            Term::Object(members) => {
                let (mut named, mut rest) = (Vec::new(), None);
                for (key, value) in members {
                    match key {
                        Term::Scalar(key) => named.push((key.clone(), self.of(value))),
                        _ => rest = Some((self.of(key), self.of(value))),
                    }
                }
                if members.is_empty() {
                    rest = Some((Type::Any, Type::Any));
                }
                Type::object(named, rest)
            }
            // Only ever beside `=`, where it has been asked for already.
            Term::Comprehension(_) => Type::Unknown,
        }
    }

    /// The name of a variable in messages.
    fn shown_var(&self, var: Var) -> String {
        let name = self.rule.vars.get(var as usize).and_then(|variable| variable.name.clone());
        name.map_or_else(|| "_".to_owned(), |name| name.to_string())
    }

    fn document(&self, path: &[Value]) -> Type {
        let data = [Value::from("data")];
        for tree in &self.trees {
            let node = data.iter().chain(path).try_fold(0, |node, key| tree.child(node, key));
            if let Some(of) = node.and_then(|node| tree.of(node)) {
                return of.clone();
            }
        }
        Type::Unknown
    }
}
