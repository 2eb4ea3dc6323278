//! What is left of a query, as Rego: its conjunctions, and a module of the rules that they refer to.

use std::collections::{BTreeSet, HashMap};
use std::fmt::Write;

use super::term::{Call, Condition, Head, Kind, Made, Reference, Term, Var};
use super::tidy::implies;
use crate::builtins::table;
use crate::plan::ir::{Comparison, Comprehension};
use crate::shown;
use crate::value::Value;

/// The package of the rules that conjunctions refer to.
const PACKAGE: &str = "partial";

/// Variables that a conjunction has a value for.
type Scope = BTreeSet<Var>;

/// Writes conjunctions, and gathers the rules that they refer to.
#[derive(Debug, Default)]
pub(super) struct Writer {
    /// The parameters of each, and its bodies.
    rules: Vec<(String, Vec<String>)>,
    numbers: HashMap<(String, Vec<String>), usize>,
}

impl Writer {
    /// The module of the rules, where there are any.
    pub(super) fn module(&self) -> Option<String> {
        if self.rules.is_empty() {
            return None;
        }
        let mut text = format!("package {PACKAGE}\n");
        for (number, (args, bodies)) in self.rules.iter().enumerate() {
            for body in bodies {
                // Writing to a String cannot fail.
                let _ = write!(text, "\n__holds{number}__{args} if {{ {body} }}\n");
            }
        }
        Some(text)
    }

    /// Each condition of a conjunction, and one for each name that has a value.
    pub(super) fn query(&mut self, conditions: &[Condition], names: &[(String, Term)]) -> Vec<String> {
        let mut scope = Scope::new();
        bound(conditions, &mut scope);
        names.iter().for_each(|(_, term)| term.vars(&mut |var| _ = scope.insert(var)));
        let mut all: Vec<String> = Vec::new();
        for (name, term) in names {
            all.push(format!("{name} = {}", self.term(term, &scope)));
        }
        all.extend(self.conjunction(conditions, &scope));
        all
    }

    /// The conditions; those around them have values for the variables in `around`.
    fn conjunction(&mut self, conditions: &[Condition], around: &Scope) -> Vec<String> {
        let mut scope = around.clone();
        bound(conditions, &mut scope);
        conditions.iter().flat_map(|condition| self.condition(condition, conditions, &scope)).collect()
    }

    fn body(&mut self, conditions: &[Condition], around: &Scope) -> String {
        let all = self.conjunction(conditions, around);
        if all.is_empty() { "true".to_owned() } else { all.join("; ") }
    }

    /// One of a conjunction.
    fn condition(&mut self, condition: &Condition, all: &[Condition], scope: &Scope) -> Vec<String> {
        vec![match &condition.kind {
            Kind::Defined(term) => format!("_ = {}", self.term(term, scope)),
            Kind::Truthy(Term::Call(call)) => self.call(call, scope),
            Kind::Truthy(term) => self.term(term, scope),
            Kind::Compare(comparison, a, b) => {
                format!("{} {} {}", self.term(a, scope), sign(*comparison), self.term(b, scope))
            }
            Kind::Unify(pattern, term) => {
                format!("{} = {}", self.term(pattern, scope), self.term(term, scope))
            }
            Kind::Not(ways) => return ways.iter().map(|way| self.not(way, all, scope)).collect(),
            Kind::Every { domain, key, value, ways } => {
                let domain = self.term(domain, scope);
                let mut inner = scope.clone();
                inner.extend([*key, *value]);
                let body = match ways.as_slice() {
                    [] => "false".to_owned(),
                    all if all.iter().any(Vec::is_empty) => "true".to_owned(),
                    [one] => self.body(one, &inner),
                    several => self.defined(several, &inner),
                };
                // A name that nothing asks for is refused.
                let mut used = (false, false);
                ways.iter().flatten().for_each(|condition| {
                    condition.vars(&mut |var| used = (used.0 || var == *key, used.1 || var == *value));
                });
                let key = if used.0 { format!("{}, ", name(*key)) } else { String::new() };
                let value = if used.1 { name(*value) } else { "_".to_owned() };
                format!("every {key}{value} in {domain} {{ {body} }}")
            }
        }]
    }

    fn not(&mut self, way: &[Condition], all: &[Condition], scope: &Scope) -> String {
        // What stands within an expression is found before the rest is denied: were it undefined, `not` would not hold. Only the sides of
        // an equality belong to it.
        let found =
            |term: &Term| is_plain(term) && (is_bound(term) || all.iter().any(|one| implies(one, term)));
        let plain = match way {
            [Condition { kind: Kind::Truthy(Term::Call(call)), .. }] => call.args.iter().all(found),
            [Condition { kind: Kind::Truthy(term), .. }] => is_plain(term),
            [Condition { kind: Kind::Compare(Comparison::Equal, a, b), .. }] => is_plain(a) && is_plain(b),
            [Condition { kind: Kind::Compare(_, a, b), .. }] => found(a) && found(b),
            _ => false,
        };
        let mut own = false;
        way.iter().for_each(|condition| condition.vars(&mut |var| own |= !scope.contains(&var)));
        let simple = plain && !own;
        let what = if simple {
            self.conjunction(way, scope).join("; ")
        } else {
            self.defined(&[way.to_vec()], scope)
        };
        format!("not {what}")
    }

    /// A rule that holds where one of several conjunctions does: how it is asked for.
    fn defined(&mut self, ways: &[Vec<Condition>], scope: &Scope) -> String {
        let mut params = BTreeSet::new();
        for condition in ways.iter().flatten() {
            condition.vars(&mut |var| {
                if scope.contains(&var) {
                    params.insert(var);
                }
            });
        }
        let list: Vec<String> = params.iter().map(|var| name(*var)).collect();
        let args = if list.is_empty() { String::new() } else { format!("({})", list.join(", ")) };
        let bodies: Vec<String> = ways.iter().map(|way| self.body(way, &params)).collect();
        let key = (args.clone(), bodies);
        let next = self.rules.len();
        let number = *self.numbers.entry(key.clone()).or_insert(next);
        if number == next {
            self.rules.push(key);
        }
        format!("data.{PACKAGE}.__holds{number}__{args}")
    }

    fn term(&mut self, term: &Term, scope: &Scope) -> String {
        match term {
            Term::Const(known) => value(known),
            Term::Ref(reference) => self.reference(reference, scope),
            Term::Array(items) => format!("[{}]", self.terms(items, scope)),
            Term::Set(items) => format!("{{{}}}", self.terms(items, scope)),
            Term::Object(members) => {
                let member = |(key, value): &(Term, Term)| {
                    format!("{}: {}", self.term(key, scope), self.term(value, scope))
                };
                let members: Vec<String> = members.iter().map(member).collect();
                format!("{{{}}}", members.join(", "))
            }
            Term::Call(call) if infix(call).is_some() => format!("({})", self.call(call, scope)),
            Term::Call(call) => self.call(call, scope),
            Term::Made(made) => self.made(made, scope),
        }
    }

    fn terms(&mut self, terms: &[Term], scope: &Scope) -> String {
        let all: Vec<String> = terms.iter().map(|term| self.term(term, scope)).collect();
        all.join(", ")
    }

    fn call(&mut self, call: &Call, scope: &Scope) -> String {
        match (infix(call), call.args.as_slice()) {
            (Some(sign), [a, b]) => format!("{} {sign} {}", self.term(a, scope), self.term(b, scope)),
            _ => format!("{}({})", call.name, self.terms(&call.args, scope)),
        }
    }

    fn reference(&mut self, reference: &Reference, scope: &Scope) -> String {
        let mut text = match &reference.head {
            Head::Input => "input".to_owned(),
            Head::Data => "data".to_owned(),
            Head::Var(var) => name(*var),
            Head::Term(term) => self.term(term, scope),
        };
        for key in &reference.path {
            match key {
                Term::Const(key @ Value::String(_)) => text.push_str(&shown::part(key)),
                other => text = format!("{text}[{}]", self.term(other, scope)),
            }
        }
        text
    }

    fn made(&mut self, made: &Made, scope: &Scope) -> String {
        let mut parts = made.ways.iter().map(|way| {
            let mut inner = scope.clone();
            bound(&way.conditions, &mut inner);
            let body = self.body(&way.conditions, scope);
            let value = self.term(&way.value, &inner);
            match (made.kind, &way.key) {
                (Comprehension::Array, _) => format!("[{value} | {body}]"),
                (Comprehension::Object, Some(key)) => {
                    format!("{{{}: {value} | {body}}}", self.term(key, &inner))
                }
                _ => format!("{{{value} | {body}}}"),
            }
        });
        let first = parts.next().unwrap_or_default();
        let join = |all: String, next: String| match made.kind {
            Comprehension::Set => format!("({all} | {next})"),
            Comprehension::Array => format!("array.concat({all}, {next})"),
            Comprehension::Object => format!("object.union({all}, {next})"),
        };
        parts.fold(first, join)
    }
}

/// Whether a term is a value, or a variable that has one.
fn is_bound(term: &Term) -> bool {
    match term {
        Term::Const(_) => true,
        Term::Ref(reference) => matches!(reference.head, Head::Var(_)) && reference.path.is_empty(),
        _ => false,
    }
}

/// Whether nothing stands within a term that has to be found first.
fn is_plain(term: &Term) -> bool {
    match term {
        Term::Const(_) => true,
        Term::Ref(reference) => {
            !matches!(reference.head, Head::Term(_)) && reference.path.iter().all(is_bound)
        }
        _ => false,
    }
}

/// The variables that conditions have values for, outside of what they deny.
fn bound(conditions: &[Condition], scope: &mut Scope) {
    for condition in conditions {
        let mut see = |term: &Term| {
            if let Term::Ref(reference) = term
                && let Head::Var(var) = reference.head
            {
                scope.insert(var);
            }
        };
        condition.needs(&mut see);
    }
}

fn infix(call: &Call) -> Option<&'static str> {
    let two = call.args.len() == 2;
    table::find(call.name).and_then(|entry| entry.infix).filter(|_| two)
}

fn name(var: Var) -> String {
    format!("__v{var}__")
}

/// As it is written.
fn sign(comparison: Comparison) -> &'static str {
    match comparison {
        Comparison::Equal => "==",
        Comparison::NotEqual => "!=",
        Comparison::Less => "<",
        Comparison::LessEqual => "<=",
        Comparison::Greater => ">",
        Comparison::GreaterEqual => ">=",
    }
}

/// A value as Rego writes it.
pub(super) fn value(known: &Value) -> String {
    let list = |items: Vec<&Value>| items.into_iter().map(value).collect::<Vec<_>>().join(", ");
    match known {
        Value::Null => "null".to_owned(),
        Value::Bool(known) => known.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => serde_json::Value::from(&**text).to_string(),
        Value::Array(_) => format!("[{}]", list(known.elements())),
        Value::Set(items) if items.is_empty() => "set()".to_owned(),
        Value::Set(_) => format!("{{{}}}", list(known.elements())),
        Value::Object(members) => {
            let members: Vec<String> =
                members.iter().map(|(key, part)| format!("{}: {}", value(key), value(part))).collect();
            format!("{{{}}}", members.join(", "))
        }
    }
}
