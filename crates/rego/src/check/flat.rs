//! The form of rules that is checked: nested calls, references and comprehensions stand in conditions of their own, each with a
//! variable for its result, and names are resolved.

use std::sync::Arc;

use super::names::Root;
use crate::builtins::table::Entry;
use crate::shown;
use crate::syntax::source::Span;
use crate::value::Value;

/// A variable of one rule.
pub(super) type Var = u32;

/// What a variable is called, where the text has a name for it.
#[derive(Debug, Clone)]
pub(super) struct Variable {
    pub(super) name: Option<Arc<str>>,
    /// How often it is used, beyond where it is declared.
    pub(super) uses: u32,
}

/// One rule, one branch of it (`else`), or one of its bodies.
#[derive(Debug)]
pub(super) struct Rule {
    /// Which module and which of its rules it is from.
    pub(super) from: (usize, usize),
    /// The place of its head.
    pub(super) span: Span,
    /// The constant part of what it defines, without `data`.
    pub(super) path: Vec<Value>,
    /// What follows that, from the first variable on.
    pub(super) tail: Vec<Term>,
    /// The parameters of a function.
    pub(super) args: Option<Vec<Term>>,
    /// The value, or the element of a set.
    pub(super) value: Term,
    /// Whether it defines a set.
    pub(super) set: bool,
    pub(super) body: Vec<Expr>,
    pub(super) vars: Vec<Variable>,
    /// The constant beginnings of what it refers to in `data`.
    pub(super) uses: Vec<Vec<Value>>,
    /// All its references, where somebody asks for them.
    pub(super) noted: Vec<Noted>,
}

/// A reference as it is written.
#[derive(Debug)]
pub(super) struct Noted {
    pub(super) root: Root,
    /// As far as it is constant, without its root.
    pub(super) path: Vec<Value>,
    pub(super) span: Span,
    /// Whether a `with` gives it a value.
    pub(super) given: bool,
}

/// A condition.
#[derive(Debug)]
pub(super) struct Expr {
    pub(super) kind: Kind,
    pub(super) span: Span,
    pub(super) negated: bool,
    /// Functions that are replaced by others: the place, and both.
    pub(super) mocks: Vec<(Span, Callee, Callee)>,
}

/// Kinds of conditions.
#[derive(Debug)]
pub(super) enum Kind {
    Term(Term),
    Unify(Term, Term),
    /// The last argument may be the result.
    Call {
        callee: Callee,
        args: Vec<Term>,
        arity: usize,
    },
    Every {
        domain: Term,
        key: Option<Var>,
        value: Option<Var>,
        body: Vec<Expr>,
    },
    /// What is negated, or the operands of `and` or `or`.
    Closures(Vec<Closure>),
}

/// A body that binds nothing for what is around it.
#[derive(Debug)]
pub(super) struct Closure {
    pub(super) body: Vec<Expr>,
    /// Whether it may bind variables for itself.
    pub(super) binds: bool,
}

/// A function.
#[derive(Debug, Clone)]
pub(super) enum Callee {
    Builtin(&'static Entry),
    /// Its path below `data`.
    Rule(Vec<Value>),
}

impl Callee {
    /// As OPA writes it.
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Builtin(entry) => entry.name.to_owned(),
            Self::Rule(path) => shown::path(path),
        }
    }
}

/// A term.
#[derive(Debug)]
pub(super) enum Term {
    Scalar(Value),
    Var(Var),
    Ref(Box<Reference>),
    Array(Vec<Term>),
    Set(Vec<Term>),
    Object(Vec<(Term, Term)>),
    Comprehension(Box<Comprehension>),
}

/// A reference: what it begins with, and what is in its brackets.
#[derive(Debug)]
pub(super) struct Reference {
    pub(super) head: Head,
    pub(super) parts: Vec<Term>,
    pub(super) span: Span,
}

/// What a reference begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Head {
    Input,
    Data,
    Var(Var),
}

/// A comprehension.
#[derive(Debug)]
pub(super) struct Comprehension {
    pub(super) kind: Made,
    pub(super) key: Option<Term>,
    pub(super) value: Term,
    pub(super) body: Vec<Expr>,
}

/// What a comprehension makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Made {
    Array,
    Set,
    Object,
}

impl Expr {
    pub(super) const fn new(kind: Kind, span: Span) -> Self {
        Self { kind, span, negated: false, mocks: Vec::new() }
    }
}

impl Term {
    /// The variables of a term, those of closures too where `inside` is set.
    pub(super) fn vars(&self, inside: bool, see: &mut dyn FnMut(Var)) {
        match self {
            Self::Scalar(_) => {}
            Self::Var(var) => see(*var),
            Self::Ref(reference) => {
                if let Head::Var(var) = reference.head {
                    see(var);
                }
                reference.parts.iter().for_each(|part| part.vars(inside, see));
            }
            Self::Array(items) | Self::Set(items) => items.iter().for_each(|item| item.vars(inside, see)),
            Self::Object(members) => members.iter().for_each(|(key, value)| {
                key.vars(inside, see);
                value.vars(inside, see);
            }),
            Self::Comprehension(made) if inside => {
                made.key.iter().chain([&made.value]).for_each(|term| term.vars(true, see));
                made.body.iter().for_each(|expr| expr.vars(true, see));
            }
            Self::Comprehension(_) => {}
        }
    }
}

impl Expr {
    /// The variables of a condition.
    pub(super) fn vars(&self, inside: bool, see: &mut dyn FnMut(Var)) {
        match &self.kind {
            Kind::Term(term) => term.vars(inside, see),
            Kind::Unify(a, b) => {
                a.vars(inside, see);
                b.vars(inside, see);
            }
            Kind::Call { args, .. } => args.iter().for_each(|arg| arg.vars(inside, see)),
            Kind::Every { domain, body, key, value } => {
                domain.vars(inside, see);
                if inside {
                    key.iter().chain(value).for_each(|var| see(*var));
                    body.iter().for_each(|expr| expr.vars(true, see));
                }
            }
            Kind::Closures(closures) => {
                let seen = closures.iter().filter(|closure| inside || !closure.binds);
                seen.flat_map(|closure| &closure.body).for_each(|expr| expr.vars(inside, see));
            }
        }
    }
}
