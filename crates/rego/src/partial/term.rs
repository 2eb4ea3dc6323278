//! What is left of a query: terms and conditions over what is unknown.

use std::sync::Arc;

use crate::plan::ir::{Comparison, Comprehension, Place};
use crate::value::Value;

/// A variable of what is left.
pub type Var = u32;

/// A term, in which whatever was known is a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Term {
    /// A value.
    Const(Value),
    /// A reference to what is unknown; a variable is one without a path.
    Ref(Arc<Reference>),
    /// An array of terms.
    Array(Vec<Term>),
    /// A set of terms.
    Set(Vec<Term>),
    /// An object of terms.
    Object(Vec<(Term, Term)>),
    /// A call of a built-in.
    Call(Arc<Call>),
    /// A comprehension, or a partial rule: what is gathered from ways that depend on what is unknown.
    Made(Arc<Made>),
}

/// `input.a[x]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// What it begins with.
    pub head: Head,
    /// The keys behind that.
    pub path: Vec<Term>,
}

/// What a reference begins with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Head {
    /// `input`
    Input,
    /// `data`
    Data,
    /// A variable.
    Var(Var),
    /// Any other term.
    Term(Term),
}

/// A call of a built-in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// Its name.
    pub name: &'static str,
    /// Its arguments.
    pub args: Vec<Term>,
}

/// What is gathered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// An array, set or object.
    pub kind: Comprehension,
    /// The ways in which something gets into it, in their order.
    pub ways: Vec<Way>,
    /// Variables from here on are its own.
    pub own: Var,
    /// Those from here on are others' again.
    pub end: Var,
}

/// One way in which something holds, and what it gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Way {
    /// What has to hold.
    pub conditions: Vec<Condition>,
    /// The key, of a member of an object.
    pub key: Option<Term>,
    /// The value.
    pub value: Term,
}

/// A condition and where it comes from.
#[derive(Debug, Clone)]
pub struct Condition {
    /// What has to hold.
    pub kind: Kind,
    /// Where the policy says so.
    pub place: Place,
}

/// Wherever they come from.
impl PartialEq for Condition {
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind
    }
}

impl Eq for Condition {}

/// Kinds of conditions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// The term is defined, whatever it is.
    Defined(Term),
    /// The term is defined and not false.
    Truthy(Term),
    /// A comparison holds.
    Compare(Comparison, Term, Term),
    /// A value (the second) has the form of a pattern (the first), whose free variables are its parts from then on.
    Unify(Term, Term),
    /// None of these conjunctions holds.
    Not(Vec<Vec<Condition>>),
    /// For every key and value of a collection, one of these conjunctions holds.
    Every {
        /// What is gone through.
        domain: Term,
        /// The key of each.
        key: Var,
        /// The value of each.
        value: Var,
        /// What has to hold.
        ways: Vec<Vec<Condition>>,
    },
}

impl Term {
    /// A variable.
    pub fn var(var: Var) -> Self {
        Self::reference(Head::Var(var), Vec::new())
    }

    /// A reference.
    pub fn reference(head: Head, path: Vec<Self>) -> Self {
        Self::Ref(Arc::new(Reference { head, path }))
    }

    /// The value, where it is known.
    pub const fn value(&self) -> Option<&Value> {
        match self {
            Self::Const(value) => Some(value),
            _ => None,
        }
    }

    /// The part at a key that is a term of its own.
    pub fn step(&self, key: Self) -> Self {
        match self {
            Self::Ref(reference) => {
                let mut path = reference.path.clone();
                path.push(key);
                Self::reference(reference.head.clone(), path)
            }
            other => Self::reference(Head::Term(other.clone()), vec![key]),
        }
    }

    /// A composite that is a value where all its parts are.
    pub fn folded(self) -> Self {
        match &self {
            Self::Array(items) => constants(items).map(Value::from),
            Self::Set(items) => {
                constants(items).map(|items| Value::from(items.into_iter().collect::<crate::value::Set>()))
            }
            Self::Object(members) => {
                let member =
                    |(key, value): &(Self, Self)| Some((key.value()?.clone(), value.value()?.clone()));
                let members: Option<crate::value::Object> = members.iter().map(member).collect();
                members.map(Value::from)
            }
            _ => None,
        }
        .map_or(self, Self::Const)
    }

    /// Calls `see` with every term in this one, itself included; not what is in the conditions of [`Term::Made`].
    pub fn each(&self, see: &mut dyn FnMut(&Self)) {
        see(self);
        match self {
            Self::Const(_) => {}
            Self::Ref(reference) => {
                if let Head::Term(head) = &reference.head {
                    head.each(see);
                }
                reference.path.iter().for_each(|key| key.each(see));
            }
            Self::Array(items) | Self::Set(items) => items.iter().for_each(|item| item.each(see)),
            Self::Object(members) => members.iter().for_each(|(key, value)| {
                key.each(see);
                value.each(see);
            }),
            Self::Call(call) => call.args.iter().for_each(|arg| arg.each(see)),
            Self::Made(_) => {}
        }
    }

    /// The variables of a term, those of conditions in it too.
    pub fn vars(&self, see: &mut dyn FnMut(Var)) {
        self.each(&mut |term| match term {
            Self::Ref(reference) => {
                if let Head::Var(var) = reference.head {
                    see(var);
                }
            }
            Self::Made(made) => made.ways.iter().for_each(|way| way.vars(see)),
            _ => {}
        });
    }
}

impl Way {
    /// Its variables.
    pub fn vars(&self, see: &mut dyn FnMut(Var)) {
        self.conditions.iter().for_each(|condition| condition.vars(see));
        self.key.iter().chain([&self.value]).for_each(|term| term.vars(see));
    }
}

impl Condition {
    /// Its variables.
    pub fn vars(&self, see: &mut dyn FnMut(Var)) {
        match &self.kind {
            Kind::Defined(term) | Kind::Truthy(term) => term.vars(see),
            Kind::Compare(_, a, b) | Kind::Unify(a, b) => {
                a.vars(see);
                b.vars(see);
            }
            Kind::Not(ways) => ways.iter().flatten().for_each(|condition| condition.vars(see)),
            Kind::Every { domain, key, value, ways } => {
                domain.vars(see);
                see(*key);
                see(*value);
                ways.iter().flatten().for_each(|condition| condition.vars(see));
            }
        }
    }

    /// The terms that it needs to be defined, outside of what it denies.
    pub fn needs(&self, see: &mut dyn FnMut(&Term)) {
        match &self.kind {
            Kind::Defined(term) | Kind::Truthy(term) | Kind::Every { domain: term, .. } => term.each(see),
            Kind::Compare(_, a, b) | Kind::Unify(a, b) => {
                a.each(see);
                b.each(see);
            }
            Kind::Not(_) => {}
        }
    }
}

fn constants(items: &[Term]) -> Option<Vec<Value>> {
    items.iter().map(|item| item.value().cloned()).collect()
}
