//! The configuration in effect, printed without secrets.

use std::fmt;

use serde::Deserialize;
use serde::de::{self, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::emit;
use super::schema::Config;
use crate::document::mask;
use crate::document::tree::{Data, Node, Origin};

impl Config {
    /// As YAML, every key with its value in effect; secrets in URLs are masked.
    ///
    /// # Errors
    /// When a value cannot be written, e.g. a path that is not UTF-8.
    pub fn to_yaml(&self) -> Result<String, String> {
        let unprintable = |error| format!("the configuration cannot be printed: {error}");
        // As JSON first: reading that keeps the order of the keys.
        let json = serde_json::to_string(self).map_err(unprintable)?;
        let InOrder(mut tree) = serde_json::from_str(&json).map_err(unprintable)?;
        mask_tree(&mut tree);
        Ok(emit::emit(&tree))
    }

    /// As JSON, as [`Config::to_yaml`] has it.
    pub fn to_json(&self) -> Value {
        let mut value = serde_json::to_value(self).unwrap_or_default();
        mask_value(&mut value);
        value
    }
}

/// Value by value, so that quotes and line breaks of the notation cannot hide where a secret ends.
fn mask_tree(node: &mut Node) {
    match &mut node.data {
        Data::Text(text) => *text = mask::secrets(text),
        Data::List(items) => items.iter_mut().for_each(mask_tree),
        Data::Map(entries) => entries.iter_mut().for_each(|(_, value)| mask_tree(value)),
        _ => {}
    }
}

fn mask_value(value: &mut Value) {
    match value {
        Value::String(text) => *text = mask::secrets(text),
        Value::Array(items) => items.iter_mut().for_each(mask_value),
        Value::Object(entries) => entries.values_mut().for_each(mask_value),
        _ => {}
    }
}

/// A tree whose keys are in the order of the text.
struct InOrder(Node);

impl InOrder {
    fn node<E>(data: Data) -> Result<Self, E> {
        Ok(Self(Node::new(data, Origin::Default)))
    }
}

impl<'de> Deserialize<'de> for InOrder {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(InOrderVisitor)
    }
}

struct InOrderVisitor;

impl<'de> Visitor<'de> for InOrderVisitor {
    type Value = InOrder;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: de::Error>(self) -> Result<InOrder, E> {
        InOrder::node(Data::Null)
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<InOrder, E> {
        InOrder::node(Data::Bool(value))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<InOrder, E> {
        InOrder::node(Data::Unsigned(value))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<InOrder, E> {
        InOrder::node(Data::Signed(value))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<InOrder, E> {
        InOrder::node(Data::Float(value))
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<InOrder, E> {
        InOrder::node(Data::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<InOrder, A::Error> {
        let mut items = Vec::new();
        while let Some(InOrder(item)) = access.next_element()? {
            items.push(item);
        }
        InOrder::node(Data::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<InOrder, A::Error> {
        let mut entries = Vec::new();
        while let Some((key, InOrder(value))) = access.next_entry()? {
            entries.push((key, value));
        }
        InOrder::node(Data::Map(entries))
    }
}
