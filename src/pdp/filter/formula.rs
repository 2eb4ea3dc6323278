//! Conditions on rows: what is left of a policy, as far as a database can say it.
//!
//! INVARIANT (columns): a column always has a value, which may be null. So what only demands that a column is defined demands nothing.

use verdict_rego::partial::{Comparison, Condition, Head, Kind, Residual, Term};
use verdict_rego::{PolicyError, Program, Value};

/// The code of what cannot be said in the language of a database, as OPA has it.
pub const FRAGMENT: &str = "pe_fragment_error";

/// A column: `input.fruits.name` is `name` of `fruits`; `input.name` has no table until it is mapped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// The keys behind `input`: one or two.
    pub path: Vec<String>,
}

/// Whether a text is within another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Within {
    /// At its beginning.
    Start,
    /// At its end.
    End,
    /// Anywhere.
    Anywhere,
}

/// What has to hold of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Formula {
    /// Nothing.
    True,
    /// It holds of none.
    False,
    /// All of them.
    And(Vec<Formula>),
    /// One of them.
    Or(Vec<Formula>),
    /// It does not hold.
    Not(Box<Formula>),
    /// A column compares with a constant: a text, number, truth value, or for equality null.
    Compare(Comparison, Field, Value),
    /// A column compares with another.
    Fields(Comparison, Field, Field),
    /// A column is one of several constants: texts, numbers, truth values.
    In(Field, Vec<Value>),
    /// A text is within a column's.
    Within(Within, Field, String),
}

/// The conditions of a residual.
///
/// # Errors
/// What cannot be said of columns, with its place.
pub fn of(residual: &Residual, program: &Program) -> Result<Formula, PolicyError> {
    let reader = Reader { program };
    let ways = residual.ways.iter().map(|rest| reader.all(&rest.conditions));
    Ok(or(ways.collect::<Result<_, _>>()?))
}

struct Reader<'p> {
    program: &'p Program,
}

impl Reader<'_> {
    fn all(&self, conditions: &[Condition]) -> Result<Formula, PolicyError> {
        Ok(and(conditions.iter().map(|one| self.condition(one)).collect::<Result<_, _>>()?))
    }

    fn wrong<T>(&self, at: &Condition, message: impl Into<String>) -> Result<T, PolicyError> {
        Err(PolicyError { code: FRAGMENT, message: message.into(), location: self.program.place_of(at) })
    }

    fn condition(&self, one: &Condition) -> Result<Formula, PolicyError> {
        match &one.kind {
            Kind::Defined(term) => self.field(one, term).map(|_| Formula::True),
            Kind::Truthy(Term::Call(_))
            | Kind::Compare(Comparison::Equal, Term::Call(_), Term::Const(Value::Bool(true))) => {
                self.call(one)
            }
            Kind::Truthy(term) => {
                let field = self.field(one, term)?;
                Ok(Formula::Compare(Comparison::NotEqual, field, Value::Bool(false)))
            }
            Kind::Compare(comparison, Term::Const(value), term) => {
                self.compare(one, flipped(*comparison), term, value)
            }
            Kind::Compare(comparison, term, Term::Const(value)) => {
                self.compare(one, *comparison, term, value)
            }
            Kind::Compare(comparison, a, b) => {
                Ok(Formula::Fields(*comparison, self.field(one, a)?, self.field(one, b)?))
            }
            Kind::Not(ways) => {
                let ways = ways.iter().map(|way| self.all(way));
                Ok(not(or(ways.collect::<Result<_, _>>()?)))
            }
            Kind::Unify(..) => self.wrong(one, "a column cannot be taken apart by a pattern"),
            Kind::Every { .. } => self.wrong(one, "`every` over a column is not possible in a filter"),
        }
    }

    fn compare(
        &self,
        at: &Condition,
        comparison: Comparison,
        term: &Term,
        value: &Value,
    ) -> Result<Formula, PolicyError> {
        let field = self.field(at, term)?;
        let equality = matches!(comparison, Comparison::Equal | Comparison::NotEqual);
        match value {
            Value::String(_) | Value::Number(_) => {}
            Value::Null | Value::Bool(_) if equality => {}
            _ => {
                let message = format!("a column cannot be compared with {value} in a filter");
                return self.wrong(at, message);
            }
        }
        Ok(Formula::Compare(comparison, field, value.clone()))
    }

    /// A built-in that holds.
    fn call(&self, at: &Condition) -> Result<Formula, PolicyError> {
        let (Kind::Truthy(Term::Call(call)) | Kind::Compare(_, Term::Call(call), _)) = &at.kind else {
            return self.wrong(at, "not a call");
        };
        let within = |kind: Within, field: &Term, text: &Value| match text {
            Value::String(text) => Ok(Formula::Within(kind, self.field(at, field)?, text.to_string())),
            _ => self.wrong(at, format!("the second argument of `{}` is no text", call.name)),
        };
        match (call.name, call.args.as_slice()) {
            ("startswith", [field, Term::Const(text)]) => within(Within::Start, field, text),
            ("endswith", [field, Term::Const(text)]) => within(Within::End, field, text),
            ("contains", [field, Term::Const(text)]) => within(Within::Anywhere, field, text),
            ("startswith" | "endswith" | "contains", _) => {
                self.wrong(at, format!("the second argument of `{}` must be known", call.name))
            }
            ("internal.member_2", [field, Term::Const(values)]) => {
                let values: Vec<Value> = match values {
                    Value::Object(members) => members.values().cloned().collect(),
                    other => other.elements().into_iter().cloned().collect(),
                };
                let each = values.iter().map(|value| self.compare(at, Comparison::Equal, field, value));
                Ok(or(each.collect::<Result<_, _>>()?))
            }
            ("internal.member_2", [field, Term::Array(items) | Term::Set(items)]) => {
                let each = items.iter().map(|item| match item {
                    Term::Const(value) => self.compare(at, Comparison::Equal, field, value),
                    other => {
                        Ok(Formula::Fields(Comparison::Equal, self.field(at, field)?, self.field(at, other)?))
                    }
                });
                Ok(or(each.collect::<Result<_, _>>()?))
            }
            ("internal.member_2", _) => self.wrong(at, "`in` needs a known collection on its right side"),
            (name, _) => self.wrong(at, format!("`{name}` is not possible in a filter")),
        }
    }

    fn field(&self, at: &Condition, term: &Term) -> Result<Field, PolicyError> {
        let Term::Ref(reference) = term else {
            return match term {
                Term::Call(call) => {
                    self.wrong(at, format!("`{}` of a column is not possible in a filter", call.name))
                }
                _ => self.wrong(at, "neither side is a column, `input.<table>.<column>`"),
            };
        };
        let keys = reference.path.iter().map(|key| key.value()?.as_str().map(str::to_owned));
        match (&reference.head, keys.collect::<Option<Vec<String>>>()) {
            (Head::Input, Some(path)) if matches!(path.len(), 1 | 2) => Ok(Field { path }),
            (Head::Input, Some(path)) => {
                let path = path.join(".");
                self.wrong(at, format!("`input.{path}` is not a column, `input.<table>.<column>`"))
            }
            (Head::Data, _) => {
                self.wrong(at, "an unknown below `data` is not a column, `input.<table>.<column>`")
            }
            _ => {
                self.wrong(at, "the rows or members of something unknown cannot be gone through in a filter")
            }
        }
    }
}

const fn flipped(comparison: Comparison) -> Comparison {
    match comparison {
        Comparison::Less => Comparison::Greater,
        Comparison::LessEqual => Comparison::GreaterEqual,
        Comparison::Greater => Comparison::Less,
        Comparison::GreaterEqual => Comparison::LessEqual,
        same => same,
    }
}

/// The comparison that holds where another does not.
pub const fn opposite(comparison: Comparison) -> Comparison {
    match comparison {
        Comparison::Equal => Comparison::NotEqual,
        Comparison::NotEqual => Comparison::Equal,
        Comparison::Less => Comparison::GreaterEqual,
        Comparison::LessEqual => Comparison::Greater,
        Comparison::Greater => Comparison::LessEqual,
        Comparison::GreaterEqual => Comparison::Less,
    }
}

/// All of them, as simple as that is.
pub fn and(all: Vec<Formula>) -> Formula {
    let mut kept: Vec<Formula> = Vec::new();
    for one in all {
        match one {
            Formula::True => {}
            Formula::False => return Formula::False,
            Formula::And(more) => kept.extend(more),
            other if kept.contains(&other) => {}
            other => kept.push(other),
        }
    }
    match kept.pop() {
        None => Formula::True,
        Some(one) if kept.is_empty() => one,
        Some(last) => {
            kept.push(last);
            Formula::And(kept)
        }
    }
}

/// One of them, as simple as that is: what a column may be equal to becomes one list.
pub fn or(all: Vec<Formula>) -> Formula {
    let mut kept: Vec<Formula> = Vec::new();
    for one in all {
        match one {
            Formula::True => return Formula::True,
            Formula::False => {}
            Formula::Or(more) => more.into_iter().for_each(|one| alternative(&mut kept, one)),
            other => alternative(&mut kept, other),
        }
    }
    match kept.pop() {
        None => Formula::False,
        Some(one) if kept.is_empty() => one,
        Some(last) => {
            kept.push(last);
            Formula::Or(kept)
        }
    }
}

fn alternative(kept: &mut Vec<Formula>, one: Formula) {
    let (field, values) = match one {
        Formula::Compare(Comparison::Equal, field, value) if value != Value::Null => (field, vec![value]),
        Formula::In(field, values) => (field, values),
        other => {
            if !kept.contains(&other) {
                kept.push(other);
            }
            return;
        }
    };
    for known in kept.iter_mut() {
        let mut all = match known {
            Formula::In(same, all) if *same == field => std::mem::take(all),
            Formula::Compare(Comparison::Equal, same, value) if *same == field && *value != Value::Null => {
                vec![value.clone()]
            }
            _ => continue,
        };
        let new: Vec<Value> = values.into_iter().filter(|value| !all.contains(value)).collect();
        all.extend(new);
        *known = one_of(field, all);
        return;
    }
    kept.push(one_of(field, values));
}

fn one_of(field: Field, mut values: Vec<Value>) -> Formula {
    match (values.pop(), values.is_empty()) {
        (None, _) => Formula::False,
        (Some(one), true) => Formula::Compare(Comparison::Equal, field, one),
        (Some(last), false) => {
            values.push(last);
            Formula::In(field, values)
        }
    }
}

/// It does not hold.
pub fn not(one: Formula) -> Formula {
    match one {
        Formula::True => Formula::False,
        Formula::False => Formula::True,
        Formula::Not(inner) => *inner,
        other => Formula::Not(Box::new(other)),
    }
}
