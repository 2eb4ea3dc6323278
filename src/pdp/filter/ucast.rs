//! Filters as UCAST: a tree of conditions that adapters of ORMs take.

use super::columns::Columns;
use super::formula::{Field, Formula, Within, and, not, opposite, or};
use verdict_rego::Value;
use verdict_rego::partial::Comparison;

/// What an adapter understands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Variant {
    /// Everything.
    All,
    /// Comparisons with constants, `and`, `or`.
    Minimal,
    /// The same, and `in`.
    Linq,
    /// Everything but comparisons of two columns.
    Prisma,
}

impl Variant {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::All, Self::Minimal, Self::Linq, Self::Prisma];

    /// Its name in OPA's media types.
    pub const fn name(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Minimal => "minimal",
            Self::Linq => "linq",
            Self::Prisma => "prisma",
        }
    }

    const fn denies(self) -> bool {
        matches!(self, Self::All | Self::Prisma)
    }
}

/// The condition; an empty object where it holds of every row.
///
/// # Errors
/// What the variant cannot say.
pub fn filter(formula: &Formula, columns: Columns<'_>, variant: Variant) -> Result<Value, String> {
    let writer = Writer { columns, variant };
    match formula {
        Formula::True => Ok(Value::object()),
        other => writer.formula(other),
    }
}

struct Writer<'m> {
    columns: Columns<'m>,
    variant: Variant,
}

impl Writer<'_> {
    fn formula(&self, formula: &Formula) -> Result<Value, String> {
        let list = |operator: &str, all: &[Formula]| {
            let all = all.iter().map(|one| self.formula(one)).collect::<Result<Vec<_>, _>>()?;
            Ok(node("compound", operator, Value::from(all)))
        };
        match formula {
            Formula::And(all) => list("and", all),
            Formula::Or(all) => list("or", all),
            Formula::True => list("and", &[]),
            Formula::False => list("or", &[]),
            Formula::Not(one) if self.variant.denies() => list("not", std::slice::from_ref(one)),
            Formula::Not(one) => self.formula(&self.opposite(one)?),
            Formula::Compare(comparison, field, value) => {
                self.field(operator(*comparison), field, value.clone())
            }
            Formula::In(field, values) if self.variant == Variant::Minimal => {
                let each = values
                    .iter()
                    .map(|value| Formula::Compare(Comparison::Equal, field.clone(), value.clone()));
                list("or", &each.collect::<Vec<_>>())
            }
            Formula::In(field, values) => self.field("in", field, Value::from(values.clone())),
            Formula::Fields(..) if self.variant != Variant::All => self.cannot("compare two columns"),
            Formula::Fields(comparison, a, b) => {
                let mut other = Value::object();
                other.insert("field", Value::from(self.name(b)?));
                self.field(operator(*comparison), a, other)
            }
            Formula::Within(..) if !self.variant.denies() => self.cannot("look for a text within a column"),
            Formula::Within(within, field, text) => {
                let operator = match within {
                    Within::Start => "startswith",
                    Within::End => "endswith",
                    Within::Anywhere => "contains",
                };
                self.field(operator, field, Value::from(text.as_str()))
            }
        }
    }

    /// What holds where a formula does not, without `not`: columns always have a value.
    fn opposite(&self, formula: &Formula) -> Result<Formula, String> {
        let all = |all: &[Formula]| all.iter().map(|one| self.opposite(one)).collect::<Result<Vec<_>, _>>();
        Ok(match formula {
            Formula::And(parts) => or(all(parts)?),
            Formula::Or(parts) => and(all(parts)?),
            Formula::Compare(comparison, field, value) => {
                Formula::Compare(opposite(*comparison), field.clone(), value.clone())
            }
            Formula::Fields(comparison, a, b) => Formula::Fields(opposite(*comparison), a.clone(), b.clone()),
            Formula::In(field, values) => {
                let differs =
                    |value: &Value| Formula::Compare(Comparison::NotEqual, field.clone(), value.clone());
                and(values.iter().map(differs).collect())
            }
            Formula::Within(..) => return self.cannot("deny that a text is within a column"),
            Formula::True | Formula::False | Formula::Not(_) => not(formula.clone()),
        })
    }

    fn cannot<T>(&self, what: &str) -> Result<T, String> {
        Err(format!("UCAST ({}) cannot {what}", self.variant.name()))
    }

    fn field(&self, operator: &str, field: &Field, value: Value) -> Result<Value, String> {
        let mut node = node("field", operator, value);
        node.insert("field", Value::from(self.name(field)?));
        Ok(node)
    }

    fn name(&self, field: &Field) -> Result<String, String> {
        let name = self.columns.name(field)?;
        Ok(format!("{}.{}", name.table, name.column))
    }
}

fn node(kind: &str, operator: &str, value: Value) -> Value {
    let mut node = Value::object();
    node.insert("type", Value::from(kind));
    node.insert("operator", Value::from(operator));
    node.insert("value", value);
    node
}

const fn operator(comparison: Comparison) -> &'static str {
    match comparison {
        Comparison::Equal => "eq",
        Comparison::NotEqual => "ne",
        Comparison::Less => "lt",
        Comparison::LessEqual => "lte",
        Comparison::Greater => "gt",
        Comparison::GreaterEqual => "gte",
    }
}
