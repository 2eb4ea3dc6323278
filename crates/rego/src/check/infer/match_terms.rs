//! Unifies terms with types, and assigns types to variables.

use super::super::flat::Term;
use super::super::types::{Kind, Type, or, select, unifies, values};
use super::Infer;

impl Infer<'_> {
    /// Holds a term against a type; a variable without a type gets it, with `union` in addition to what it has.
    pub(super) fn unify(&mut self, term: &Term, wanted: &Type, union: bool) -> bool {
        if matches!(wanted, Type::Unknown) {
            return true;
        }
        match term {
            Term::Var(var) if union => {
                let of = or(&self.var(*var), wanted);
                self.set(*var, of);
                true
            }
            Term::Var(var) => match self.var(*var) {
                Type::Unknown => {
                    self.set(*var, wanted.clone());
                    true
                }
                known => unifies(&known, wanted),
            },
            Term::Scalar(_) => unifies(&self.of(term), wanted),
            Term::Ref(_) | Term::Comprehension(_) => {
                let of = self.of(term);
                of.is_unknown() || unifies(&of, wanted)
            }
            Term::Array(_) | Term::Set(_) | Term::Object(_) => self.unify_made(term, wanted, union),
        }
    }

    /// The same for an array, a set or an object that the rule makes.
    fn unify_made(&mut self, term: &Term, wanted: &Type, union: bool) -> bool {
        if matches!(wanted, Type::Any) {
            self.anything(term);
            return true;
        }
        match (term, wanted.kind()) {
            (_, Some(Kind::OneOf(types))) => {
                let mut fits = false;
                for each in types {
                    fits |= self.unify(term, each, true);
                }
                fits
            }
            (Term::Array(items), Some(Kind::Array(first, rest))) => {
                let none = Type::Unknown;
                (items.len() == first.len() || rest.is_some())
                    && items.iter().enumerate().all(|(at, item)| {
                        let wanted = first.get(at).or(rest.as_ref()).unwrap_or(&none);
                        self.unify(item, wanted, union)
                    })
            }
            (Term::Set(items), Some(Kind::Set(_))) => {
                let each = values(wanted);
                items.iter().all(|item| self.unify(item, &each, union))
            }
            (Term::Object(members), Some(Kind::Object(named, rest))) => {
                (members.len() == named.len() || rest.is_some())
                    && members.iter().all(|(key, value)| match key {
                        Term::Scalar(key) => match select(wanted, key) {
                            Type::Unknown => false,
                            of => self.unify(value, &of, union),
                        },
                        _ => {
                            self.unify(value, &Type::Any, union);
                            true
                        }
                    })
            }
            _ => false,
        }
    }

    /// Variables in a term may be anything.
    fn anything(&mut self, term: &Term) {
        match term {
            Term::Array(items) | Term::Set(items) => {
                for item in items {
                    self.unify(item, &Type::Any, true);
                }
            }
            Term::Object(members) => {
                for (key, value) in members {
                    self.unify(key, &Type::Any, true);
                    self.unify(value, &Type::Any, true);
                }
            }
            _ => {}
        }
    }

    /// Holds two terms of known types against each other.
    pub(super) fn unify_both(&mut self, a: &Term, of_a: &Type, b: &Term, of_b: &Type) -> bool {
        match (of_a.is_unknown(), of_b.is_unknown()) {
            (true, false) => self.unify(a, of_b, false),
            (false, true) => self.unify(b, of_a, false),
            (false, false) => unifies(of_a, of_b),
            (true, true) => self.unify_unknown(a, b),
        }
    }

    /// Two terms with variables in them of which nothing is known.
    fn unify_unknown(&mut self, a: &Term, b: &Term) -> bool {
        match (a, b) {
            (Term::Array(items), Term::Array(others)) => {
                items.len() == others.len() && items.iter().zip(others).all(|(a, b)| self.pair(a, b))
            }
            (Term::Object(members), Term::Object(others)) => {
                let other = |key: &Term| {
                    others.iter().find(|(other, _)| match (key, other) {
                        (Term::Scalar(a), Term::Scalar(b)) => a == b,
                        (Term::Var(a), Term::Var(b)) => a == b,
                        _ => false,
                    })
                };
                members.len() == others.len()
                    && members.iter().all(|(key, value)| match (other(key), key) {
                        (Some((_, other)), _) => self.pair(value, other),
                        (None, Term::Scalar(_) | Term::Var(_)) => false,
                        (None, _) => true,
                    })
            }
            (Term::Array(_) | Term::Object(_), Term::Var(_)) => {
                self.unify(a, &Type::Any, false);
                let of = self.of(a);
                self.unify(b, &of, false)
            }
            (Term::Var(_), Term::Array(_) | Term::Object(_)) => self.unify_unknown(b, a),
            (Term::Var(_), Term::Var(_)) => {
                self.unify(a, &Type::Any, false);
                let of = self.of(a);
                self.unify(b, &of, false)
            }
            (Term::Array(_), Term::Object(_) | Term::Set(_) | Term::Scalar(_))
            | (Term::Object(_), Term::Array(_) | Term::Set(_) | Term::Scalar(_)) => false,
            _ => true,
        }
    }

    fn pair(&mut self, a: &Term, b: &Term) -> bool {
        let (of_a, of_b) = (self.of(a), self.of(b));
        self.unify_both(a, &of_a, b, &of_b)
    }
}
