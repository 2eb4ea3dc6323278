//! What a schema is once it has been read.

use std::sync::Arc;

use super::decimal::Decimal;
use crate::builtins::kept::Bytes;
use crate::builtins::pattern::compiled::Compiled;
use crate::json::{self, Escape};
use crate::value::{Number, Value};

/// The most levels of schemas and documents.
pub const MAX_DEPTH: usize = 250;

/// The schemas of a document; they name each other by their places.
#[derive(Debug, Default)]
pub struct Schema {
    /// The first one is the root.
    pub nodes: Vec<Node>,
}

impl Bytes for Schema {
    fn bytes(&self) -> u64 {
        let patterns = |node: &Node| {
            let named = node.pattern_properties.iter().map(|(pattern, _)| pattern);
            named
                .chain(node.pattern.iter().map(|(pattern, _)| pattern))
                .map(|pattern| pattern.bytes())
                .sum::<u64>()
        };
        // The texts in it, and what it was read from, are about as large.
        self.nodes.iter().map(|node| 2 * size_of::<Node>() as u64 + patterns(node)).sum()
    }
}

/// One schema.
#[derive(Debug, Default)]
pub struct Node {
    /// `true` or `false` instead of keywords.
    pub pass: Option<bool>,
    /// What counts instead of all else.
    pub reference: Option<usize>,
    /// Names of types; without any, all are allowed.
    pub types: Vec<String>,
    /// By name.
    pub properties: Vec<(String, usize)>,
    /// What is not in `properties` nor matched by a pattern.
    pub additional_properties: Option<Additional>,
    /// By pattern.
    pub pattern_properties: Vec<(Arc<Compiled>, usize)>,
    /// For the names.
    pub property_names: Option<usize>,
    /// What a member calls for.
    pub dependencies: Vec<(String, Dependency)>,
    /// For all items, or by position.
    pub items: Option<Items>,
    /// What is beyond the positions.
    pub additional_items: Option<Additional>,
    /// For at least one item.
    pub contains: Option<usize>,
    /// Bounds of numbers.
    pub multiple_of: Option<Decimal>,
    /// At least.
    pub minimum: Option<Decimal>,
    /// More than.
    pub exclusive_minimum: Option<Decimal>,
    /// At most.
    pub maximum: Option<Decimal>,
    /// Less than.
    pub exclusive_maximum: Option<Decimal>,
    /// Characters.
    pub min_length: Option<i64>,
    /// Characters.
    pub max_length: Option<i64>,
    /// What must be found in a text, and how it is written.
    pub pattern: Option<(Arc<Compiled>, String)>,
    /// A form of text by its name.
    pub format: Option<String>,
    /// Members.
    pub min_properties: Option<i64>,
    /// Members.
    pub max_properties: Option<i64>,
    /// Names of members.
    pub required: Vec<String>,
    /// Items.
    pub min_items: Option<i64>,
    /// Items.
    pub max_items: Option<i64>,
    /// Whether items must differ.
    pub unique_items: bool,
    /// The only value, in normal form.
    pub constant: Option<String>,
    /// All values, in normal form; none are allowed where there are none.
    pub enumeration: Option<Vec<String>>,
    /// Exactly one.
    pub one_of: Vec<usize>,
    /// At least one.
    pub any_of: Vec<usize>,
    /// All.
    pub all_of: Vec<usize>,
    /// None.
    pub not: Option<usize>,
    /// A condition, and what then and else holds.
    pub condition: Option<usize>,
    /// If the condition holds.
    pub then: Option<usize>,
    /// If it does not.
    pub otherwise: Option<usize>,
}

/// What holds for the rest.
#[derive(Debug)]
pub enum Additional {
    /// Allowed or not.
    Allowed(bool),
    /// Of this schema.
    Schema(usize),
}

/// What a member calls for.
#[derive(Debug)]
pub enum Dependency {
    /// Other members.
    Members(Vec<String>),
    /// A schema for the whole.
    Schema(usize),
}

/// Schemas of items.
#[derive(Debug)]
pub enum Items {
    /// One for all.
    All(usize),
    /// By position.
    Each(Vec<usize>),
}

/// As Go writes JSON.
pub fn json(value: &Value) -> String {
    let mut out = String::new();
    json::write_escaped(value, Escape::Html, &mut out);
    out
}

/// JSON in which all numbers are doubles, so that `1.0` and `1` are the same.
pub fn normal(value: &Value) -> String {
    json(&doubles(value))
}

fn doubles(value: &Value) -> Value {
    match value {
        Value::Number(number) => Value::Number(match number.as_i64() {
            Some(whole) if whole.unsigned_abs() < 1 << 53 => Number::from(whole),
            _ => Number::from_f64(number.as_f64()).unwrap_or_else(|| number.clone()),
        }),
        Value::Array(items) => Value::from(items.iter().map(doubles).collect::<Vec<_>>()),
        Value::Object(members) => Value::from(
            members.iter().map(|(key, value)| (key.clone(), doubles(value))).collect::<super::Object>(),
        ),
        other => other.clone(),
    }
}
