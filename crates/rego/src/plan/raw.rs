//! Statements before they are put in a safe order: the same as [`super::ir`], but without saying which occurrence of a
//! variable binds it.

use super::ir::{Callee, Comparison, Comprehension, NodeId, Place, RuleId, Slot, Target};
use crate::value::{Keyed, Value};

/// A term with variables.
#[derive(Debug, Clone)]
pub(super) enum Term {
    Const(Value),
    Var(Slot),
    /// `_`: anything, where something can be found for it. The slot is its own, and is never bound: it tells where nothing can.
    Wildcard(Slot),
    /// Anything, in a pattern whose variables are all new.
    Any,
    Array(Vec<Term>),
    Set(Vec<Term>),
    Object(Vec<(Term, Term)>),
}

#[derive(Debug, Clone)]
pub(super) enum Base {
    Input,
    Term(Term),
    Rule(RuleId),
    Node(NodeId),
    Data(Vec<Value>),
}

#[derive(Debug, Clone)]
pub(super) enum Out {
    Truthy,
    Fits(Term),
}

#[derive(Debug, Clone)]
pub(super) struct Stmt {
    pub(super) kind: Kind,
    pub(super) place: Place,
}

/// A block that binds nothing for what is around it.
#[derive(Debug, Clone)]
pub(super) struct Closure {
    pub(super) stmts: Vec<Stmt>,
    /// Whether it may bind variables for itself; else what is around it has to.
    pub(super) binds: bool,
}

impl Closure {
    /// Calls `f` with every variable; of those that it binds for itself only `inside`.
    fn vars(&self, inside: bool, f: &mut dyn FnMut(Slot)) {
        if inside || !self.binds {
            self.stmts.iter().for_each(|stmt| stmt.vars(inside, f));
        }
    }
}

#[derive(Debug, Clone)]
pub(super) enum Kind {
    Unify(Term, Term),
    /// `target := value`: the value has to be there.
    Assign(Term, Term),
    Compare(Comparison, Term, Term),
    Check(Term),
    Walk {
        base: Base,
        path: Vec<Term>,
        out: Out,
    },
    Call {
        callee: Callee,
        args: Vec<Term>,
        out: Out,
    },
    /// `operands` are found before `block` is negated; neither binds a variable for what is around it.
    Not {
        operands: Vec<Stmt>,
        block: Closure,
    },
    /// Goes on, once, when one of the blocks holds; none binds a variable for what is around it.
    Any(Vec<Closure>),
    Every {
        domain: Term,
        key: Term,
        value: Term,
        block: Vec<Stmt>,
    },
    Comprehend {
        kind: Comprehension,
        block: Vec<Stmt>,
        key: Option<Term>,
        value: Term,
        out: Out,
    },
    With {
        changes: Vec<(Target, Term)>,
        block: Vec<Stmt>,
    },
}

impl Term {
    /// An array, which is a constant where its items are.
    pub(super) fn array(items: Vec<Self>) -> Self {
        let constant: Option<Vec<Value>> = items.iter().map(Self::constant).collect();
        constant.map_or_else(|| Self::Array(items), |items| Self::Const(Value::from(items)))
    }

    pub(super) fn set(items: Vec<Self>) -> Self {
        let constant: Option<Keyed<()>> = items.iter().map(Self::constant).collect();
        constant.map_or_else(|| Self::Set(items), |items| Self::Const(Value::from(items)))
    }

    pub(super) fn object(members: Vec<(Self, Self)>) -> Self {
        let constant: Option<Keyed<Value>> =
            members.iter().map(|(key, value)| Some((key.constant()?, value.constant()?))).collect();
        constant.map_or_else(|| Self::Object(members), |members| Self::Const(Value::from(members)))
    }

    pub(super) fn constant(&self) -> Option<Value> {
        self.as_constant().cloned()
    }

    pub(super) const fn as_constant(&self) -> Option<&Value> {
        match self {
            Self::Const(value) => Some(value),
            _ => None,
        }
    }

    /// Calls `f` with every variable.
    pub(super) fn vars(&self, f: &mut impl FnMut(Slot)) {
        match self {
            Self::Const(_) | Self::Any => {}
            Self::Var(slot) | Self::Wildcard(slot) => f(*slot),
            Self::Array(items) | Self::Set(items) => items.iter().for_each(|item| item.vars(f)),
            Self::Object(members) => members.iter().for_each(|(key, value)| {
                key.vars(f);
                value.vars(f);
            }),
        }
    }
}

impl Out {
    fn vars(&self, f: &mut impl FnMut(Slot)) {
        if let Self::Fits(term) = self {
            term.vars(f);
        }
    }
}

impl Stmt {
    /// Calls `f` with every variable; of closures only what is outside of them, unless `inside`.
    pub(super) fn vars(&self, inside: bool, f: &mut dyn FnMut(Slot)) {
        let f = &mut |slot| f(slot);
        match &self.kind {
            Kind::Unify(a, b) | Kind::Assign(a, b) | Kind::Compare(_, a, b) => {
                a.vars(f);
                b.vars(f);
            }
            Kind::Check(term) => term.vars(f),
            Kind::Walk { base, path, out } => {
                if let Base::Term(term) = base {
                    term.vars(f);
                }
                path.iter().for_each(|term| term.vars(f));
                out.vars(f);
            }
            Kind::Call { args, out, .. } => {
                args.iter().for_each(|term| term.vars(f));
                out.vars(f);
            }
            Kind::Not { operands, block } => {
                operands.iter().for_each(|stmt| stmt.vars(inside, f));
                block.vars(inside, f);
            }
            Kind::Any(blocks) => blocks.iter().for_each(|block| block.vars(inside, f)),
            Kind::With { changes, block } => {
                changes.iter().for_each(|(_, term)| term.vars(f));
                block.iter().for_each(|stmt| stmt.vars(inside, f));
            }
            Kind::Every { domain, key, value, block } => {
                domain.vars(f);
                if inside {
                    key.vars(f);
                    value.vars(f);
                    block.iter().for_each(|stmt| stmt.vars(inside, f));
                }
            }
            Kind::Comprehend { block, key, value, out, .. } => {
                out.vars(f);
                if inside {
                    key.iter().for_each(|term| term.vars(f));
                    value.vars(f);
                    block.iter().for_each(|stmt| stmt.vars(inside, f));
                }
            }
        }
    }
}
