//! `input` and `data`, of which parts are known and parts are not.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use super::term::{Head, Term};
use crate::value::{Keyed, Value};

/// A document.
#[derive(Debug, Clone)]
pub(super) enum Doc {
    /// It is known; `None` is undefined.
    Known(Option<Value>),
    /// It is what a term comes to.
    Term(Term),
    /// It is known, but for some parts.
    Mixed(Rc<Mixed>),
}

/// A document of which some parts are not known, or not what they were.
#[derive(Debug, Clone)]
pub(super) struct Mixed {
    /// The reference to the whole; none where `with` has changed something in it.
    whole: Option<Term>,
    base: Doc,
    parts: BTreeMap<Value, Doc>,
}

impl Doc {
    /// A document of which parts are unknown.
    pub(super) fn new(root: &Head, known: Option<Value>, unknowns: &[Vec<Value>]) -> Self {
        unknowns.iter().fold(Self::Known(known), |doc, path| doc.forget(root, path, 0))
    }

    fn forget(self, root: &Head, path: &[Value], depth: usize) -> Self {
        let keys = |depth: usize| path.iter().take(depth).cloned().map(Term::Const).collect();
        let whole = Term::reference(root.clone(), keys(depth));
        let Some(key) = path.get(depth) else { return Self::Term(whole) };
        let mut mixed = match self {
            Self::Term(_) => return self,
            Self::Mixed(mixed) => Rc::unwrap_or_clone(mixed),
            known => Mixed { whole: Some(whole), base: known, parts: BTreeMap::new() },
        };
        let part = mixed.parts.remove(key).unwrap_or_else(|| mixed.base.part(key));
        mixed.parts.insert(key.clone(), part.forget(root, path, depth + 1));
        Self::Mixed(Rc::new(mixed))
    }

    /// The same with something else at a path, as `with` puts it there.
    pub(super) fn with(&self, path: &[Value], new: Self) -> Self {
        let Some((key, rest)) = path.split_first() else { return new };
        if let (Self::Known(base), Self::Known(value)) = (self, &new) {
            return Self::Known(replaced(base.clone(), path, value.clone()));
        }
        let mut mixed = match self {
            Self::Mixed(mixed) => Mixed::clone(mixed),
            // What is no object becomes one.
            Self::Known(Some(Value::Object(_))) | Self::Term(_) => {
                Mixed { whole: None, base: self.clone(), parts: BTreeMap::new() }
            }
            Self::Known(_) => {
                Mixed { whole: None, base: Self::Known(Some(Value::object())), parts: BTreeMap::new() }
            }
        };
        let part = mixed.parts.remove(key).unwrap_or_else(|| mixed.base.part(key));
        mixed.parts.insert(key.clone(), part.with(rest, new));
        mixed.whole = None;
        Self::Mixed(Rc::new(mixed))
    }

    /// The part at a key that is known.
    pub(super) fn part(&self, key: &Value) -> Self {
        match self {
            Self::Known(value) => Self::Known(value.as_ref().and_then(|value| value.lookup(key)).cloned()),
            Self::Term(term) => Self::Term(term.step(Term::Const(key.clone()))),
            Self::Mixed(mixed) => mixed.parts.get(key).cloned().unwrap_or_else(|| mixed.base.part(key)),
        }
    }

    /// The whole as a term: `Err` where there is none for it, `None` where it is undefined.
    pub(super) fn whole(&self) -> Result<Option<Term>, ()> {
        match self {
            Self::Known(value) => Ok(value.clone().map(Term::Const)),
            Self::Term(term) => Ok(Some(term.clone())),
            Self::Mixed(mixed) => mixed.whole.clone().map(Some).ok_or(()),
        }
    }

    /// The members of a document that is mixed: all keys of it that there can be; `None` where they are not known.
    pub(super) fn members(&self) -> Option<Vec<(Value, Self)>> {
        let Self::Mixed(mixed) = self else { return None };
        let mut members: BTreeMap<Value, Self> = match &mixed.base {
            Self::Known(Some(Value::Object(known))) => {
                known.iter().map(|(key, value)| (key.clone(), Self::Known(Some(value.clone())))).collect()
            }
            Self::Known(None) => BTreeMap::new(),
            _ => return None,
        };
        members.extend(mixed.parts.iter().map(|(key, part)| (key.clone(), part.clone())));
        Some(members.into_iter().collect())
    }
}

/// A value with something else at a path.
fn replaced(value: Option<Value>, path: &[Value], new: Option<Value>) -> Option<Value> {
    let Some((key, rest)) = path.split_first() else { return new };
    let mut members = match value {
        Some(Value::Object(members)) => Arc::unwrap_or_clone(members),
        _ => Keyed::new(),
    };
    let part = members.get(key).cloned();
    members.insert(key.clone(), replaced(part, rest, new)?);
    Some(Value::from(members))
}
