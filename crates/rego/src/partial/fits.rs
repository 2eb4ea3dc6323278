//! Comparing and matching terms: what is known is decided, the rest becomes a condition.

use super::evaluator::Partial;
use super::term::{Head, Kind, Term};
use crate::plan::Failure;
use crate::plan::ir::{Comparison, Out, Pattern};
use crate::value::Value;

impl<'e> Partial<'e> {
    /// Whether a term may fit; slots in the pattern hold its parts from then on.
    pub(super) fn fits(&mut self, pattern: &'e Pattern, term: Term) -> Result<bool, Box<Failure>> {
        match pattern {
            Pattern::Any => {
                self.defined(&term);
                Ok(true)
            }
            Pattern::Bind(slot) => {
                self.defined(&term);
                self.set(*slot, term);
                Ok(true)
            }
            Pattern::Is(operand) => {
                let expected = self.value(operand);
                Ok(self.compare(Comparison::Equal, term, expected))
            }
            Pattern::Array(patterns) => self.fits_array(patterns, term),
            Pattern::Object(patterns) => self.fits_object(patterns, term),
        }
    }

    fn fits_array(&mut self, patterns: &'e [Pattern], term: Term) -> Result<bool, Box<Failure>> {
        let items = match term {
            Term::Const(Value::Array(items)) => items.iter().cloned().map(Term::Const).collect(),
            Term::Array(items) => items,
            Term::Ref(_) | Term::Call(_) => {
                let (parts, fresh): (Vec<Term>, Vec<bool>) =
                    patterns.iter().map(|pattern| self.pattern(pattern)).unzip();
                self.push(Kind::Unify(Term::Array(parts.clone()), term));
                return self.fit_fresh(patterns.iter(), parts, &fresh);
            }
            Term::Made(_) => {
                return self.unsupported("a comprehension over unknowns is taken apart by a pattern");
            }
            Term::Const(_) | Term::Set(_) | Term::Object(_) => return Ok(false),
        };
        if items.len() != patterns.len() {
            return Ok(false);
        }
        for (pattern, item) in patterns.iter().zip(items) {
            if !self.fits(pattern, item)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn fits_object(
        &mut self,
        patterns: &'e [(crate::plan::ir::Operand, Pattern)],
        term: Term,
    ) -> Result<bool, Box<Failure>> {
        let mut keys = Vec::new();
        for (key, _) in patterns {
            let Term::Const(key) = self.value(key) else {
                return self.unsupported("the key of an object pattern is unknown");
            };
            keys.push(key);
        }
        let members: Vec<(Value, Term)> = match term {
            Term::Const(Value::Object(members)) => {
                members.iter().map(|(key, value)| (key.clone(), Term::Const(value.clone()))).collect()
            }
            Term::Object(members) => {
                let member = |(key, value): (Term, Term)| Some((key.value()?.clone(), value));
                match members.into_iter().map(member).collect::<Option<Vec<_>>>() {
                    Some(members) => members,
                    None => {
                        return self.unsupported("the key of an object is unknown where it is taken apart");
                    }
                }
            }
            Term::Ref(_) | Term::Call(_) => {
                let (parts, fresh): (Vec<Term>, Vec<bool>) =
                    patterns.iter().map(|(_, pattern)| self.pattern(pattern)).unzip();
                let members = keys.into_iter().map(Term::Const).zip(parts.clone()).collect();
                self.push(Kind::Unify(Term::Object(members), term));
                return self.fit_fresh(patterns.iter().map(|(_, pattern)| pattern), parts, &fresh);
            }
            Term::Made(_) => {
                return self.unsupported("a comprehension over unknowns is taken apart by a pattern");
            }
            Term::Const(_) | Term::Set(_) | Term::Array(_) => return Ok(false),
        };
        if members.len() != patterns.len() {
            return Ok(false);
        }
        for ((_, pattern), wanted) in patterns.iter().zip(keys) {
            let Some((_, part)) = members.iter().find(|(key, _)| *key == wanted) else { return Ok(false) };
            if !self.fits(pattern, part.clone())? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// A part of a pattern as a term, and whether it is a variable that was made for it.
    fn pattern(&mut self, pattern: &'e Pattern) -> (Term, bool) {
        match pattern {
            Pattern::Is(operand) => (self.value(operand), false),
            _ => (Term::var(self.fresh()), true),
        }
    }

    fn fit_fresh(
        &mut self,
        patterns: impl Iterator<Item = &'e Pattern>,
        parts: Vec<Term>,
        fresh: &[bool],
    ) -> Result<bool, Box<Failure>> {
        for ((pattern, part), fresh) in patterns.zip(parts).zip(fresh) {
            if *fresh && !self.fits(pattern, part)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Whether a result may be accepted.
    pub(super) fn accept(&mut self, out: &'e Out, term: Term) -> Result<bool, Box<Failure>> {
        match out {
            Out::Truthy => Ok(self.truthy(term)),
            Out::Fits(pattern) => self.fits(pattern, term),
        }
    }

    /// Has a term be defined.
    pub(super) fn defined(&mut self, term: &Term) {
        let is_defined = match term {
            Term::Const(_) | Term::Array(_) | Term::Set(_) | Term::Object(_) | Term::Made(_) => true,
            Term::Ref(reference) => matches!(reference.head, Head::Var(_)) && reference.path.is_empty(),
            Term::Call(_) => false,
        };
        if !is_defined {
            self.push(Kind::Defined(term.clone()));
        }
    }

    /// Whether a term may be true.
    pub(super) fn truthy(&mut self, term: Term) -> bool {
        match &term {
            Term::Const(value) => value.as_bool() != Some(false),
            Term::Array(_) | Term::Set(_) | Term::Object(_) | Term::Made(_) => true,
            Term::Ref(_) | Term::Call(_) => {
                self.push(Kind::Truthy(term));
                true
            }
        }
    }

    /// Whether a comparison may hold.
    pub(super) fn compare(&mut self, comparison: Comparison, left: Term, right: Term) -> bool {
        match (&left, &right) {
            (Term::Const(a), Term::Const(b)) => return decided(comparison, a, b),
            (Term::Array(a), Term::Array(b)) if comparison == Comparison::Equal => {
                return a.len() == b.len()
                    && a.iter().zip(b).all(|(a, b)| self.compare(comparison, a.clone(), b.clone()));
            }
            (Term::Array(a), Term::Const(Value::Array(b)))
            | (Term::Const(Value::Array(b)), Term::Array(a))
                if comparison == Comparison::Equal =>
            {
                let same =
                    |(a, b): (&Term, &Value)| self.compare(comparison, a.clone(), Term::Const(b.clone()));
                return a.len() == b.len() && a.iter().zip(b.iter()).all(same);
            }
            _ => {}
        }
        if left == right {
            self.defined(&left);
            return matches!(
                comparison,
                Comparison::Equal | Comparison::LessEqual | Comparison::GreaterEqual
            );
        }
        if differ(&left, &right) || differ(&right, &left) {
            match comparison {
                Comparison::Equal => return false,
                Comparison::NotEqual => return true,
                _ => {}
            }
        }
        self.push(Kind::Compare(comparison, left, right));
        true
    }
}

/// Whether a value can never be what a composite term comes to.
fn differ(value: &Term, term: &Term) -> bool {
    let Term::Const(value) = value else { return false };
    match term {
        Term::Array(_) => !matches!(value, Value::Array(_)),
        Term::Set(_) => !matches!(value, Value::Set(_)),
        Term::Object(_) => !matches!(value, Value::Object(_)),
        _ => false,
    }
}

/// Whether a comparison holds.
pub(super) fn decided(comparison: Comparison, left: &Value, right: &Value) -> bool {
    match comparison {
        Comparison::Equal => left == right,
        Comparison::NotEqual => left != right,
        Comparison::Less => left < right,
        Comparison::LessEqual => left <= right,
        Comparison::Greater => left > right,
        Comparison::GreaterEqual => left >= right,
    }
}
