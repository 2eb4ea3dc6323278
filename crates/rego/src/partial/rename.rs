//! Other names for the variables of a way: whoever uses it twice must not take its variables for the same.

use std::sync::Arc;

use super::term::{Call, Condition, Head, Kind, Made, Reference, Term, Var, Way};

/// Moves the variables from `from` up to `end` so that they begin at `to`.
#[derive(Debug, Clone, Copy)]
pub struct Renaming {
    /// The first that is moved.
    pub from: Var,
    /// The first behind them.
    pub end: Var,
    /// Where they go.
    pub to: Var,
}

impl Renaming {
    /// How many variables are moved.
    pub const fn count(self) -> Var {
        self.end.saturating_sub(self.from)
    }

    const fn var(self, var: Var) -> Var {
        if var >= self.from && var < self.end { var - self.from + self.to } else { var }
    }

    /// A way with other variables.
    pub fn way(self, way: &Way) -> Way {
        Way {
            conditions: self.conditions(&way.conditions),
            key: way.key.as_ref().map(|key| self.term(key)),
            value: self.term(&way.value),
        }
    }

    /// Conditions with other variables.
    pub fn conditions(self, conditions: &[Condition]) -> Vec<Condition> {
        conditions.iter().map(|condition| self.condition(condition)).collect()
    }

    fn conjunctions(self, ways: &[Vec<Condition>]) -> Vec<Vec<Condition>> {
        ways.iter().map(|way| self.conditions(way)).collect()
    }

    fn condition(self, condition: &Condition) -> Condition {
        let kind = match &condition.kind {
            Kind::Defined(term) => Kind::Defined(self.term(term)),
            Kind::Truthy(term) => Kind::Truthy(self.term(term)),
            Kind::Compare(comparison, a, b) => Kind::Compare(*comparison, self.term(a), self.term(b)),
            Kind::Unify(a, b) => Kind::Unify(self.term(a), self.term(b)),
            Kind::Not(ways) => Kind::Not(self.conjunctions(ways)),
            Kind::Every { domain, key, value, ways } => Kind::Every {
                domain: self.term(domain),
                key: self.var(*key),
                value: self.var(*value),
                ways: self.conjunctions(ways),
            },
        };
        Condition { kind, place: condition.place }
    }

    /// A term with other variables.
    pub fn term(self, term: &Term) -> Term {
        let all = |terms: &[Term]| terms.iter().map(|term| self.term(term)).collect::<Vec<_>>();
        match term {
            Term::Const(_) => term.clone(),
            Term::Ref(reference) => {
                let head = match &reference.head {
                    Head::Var(var) => Head::Var(self.var(*var)),
                    Head::Term(head) => Head::Term(self.term(head)),
                    other => other.clone(),
                };
                Term::Ref(Arc::new(Reference { head, path: all(&reference.path) }))
            }
            Term::Array(items) => Term::Array(all(items)),
            Term::Set(items) => Term::Set(all(items)),
            Term::Object(members) => {
                Term::Object(members.iter().map(|(key, value)| (self.term(key), self.term(value))).collect())
            }
            Term::Call(call) => Term::Call(Arc::new(Call { name: call.name, args: all(&call.args) })),
            Term::Made(made) => Term::Made(Arc::new(Made {
                kind: made.kind,
                ways: made.ways.iter().map(|way| self.way(way)).collect(),
                own: self.var(made.own),
                end: self.var(made.end.saturating_sub(1)).saturating_add(1),
            })),
        }
    }
}
