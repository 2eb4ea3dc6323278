//! Converts YAML to JSON values, with a limit on the expansion of aliases.

use std::cell::Cell;
use std::fmt;

use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error, MapAccess, SeqAccess, VariantAccess, Visitor,
};
use serde_json::{Map, Number, Value};

/// How much a document may hold, aliases followed: bytes of text, and a few for each value.
const BUDGET: usize = 1 << 20;

/// How long a text may be, and how many brackets it may open: the time that reading takes grows with their product.
const MAX_LENGTH: usize = 64 << 10;
const MAX_BRACKETS: usize = 256;

/// The first document of a text, and where reading failed: message and line, from 1.
pub fn read(text: &str) -> Result<Value, (String, Option<usize>)> {
    if text.len() > MAX_LENGTH || text.matches(['[', '{']).count() > MAX_BRACKETS {
        return Err(("yaml: metadata is too large".into(), None));
    }
    let left = Cell::new(BUDGET);
    let Some(document) = yaml_serde::Deserializer::from_str(text).next() else { return Ok(Value::Null) };
    Seed(&left).deserialize(document).map_err(|error| {
        let line = error.location().map(|location| location.line());
        (format!("yaml: {error}"), line)
    })
}

#[derive(Clone, Copy)]
struct Seed<'b>(&'b Cell<usize>);

impl Seed<'_> {
    fn spend<E: Error>(self, bytes: usize) -> Result<(), E> {
        let left = self.0.get().checked_sub(bytes.saturating_add(8));
        self.0.set(left.unwrap_or_default());
        left.map(drop).ok_or_else(|| E::custom("document is too large"))
    }
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a YAML value")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        self.spend(0).map(|()| Value::Null)
    }

    fn visit_none<E: Error>(self) -> Result<Value, E> {
        self.visit_unit()
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        self.deserialize(deserializer)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        self.spend(0).map(|()| Value::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        self.spend(0).map(|()| value.into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        self.spend(0).map(|()| value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        self.spend(0)?;
        let number = Number::from_f64(value).ok_or_else(|| E::custom("number is not finite"))?;
        Ok(Value::Number(number))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        self.spend(value.len()).map(|()| value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        self.spend(0)?;
        let mut values = Vec::new();
        while let Some(value) = access.next_element_seed(self)? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        self.spend(0)?;
        let mut map = Map::new();
        while let Some(key) = access.next_key_seed(self)? {
            let Value::String(key) = key else {
                return Err(A::Error::custom(format!("invalid map key type(s): {key}")));
            };
            if map.contains_key(&key) {
                return Err(A::Error::custom(format!("mapping key {key:?} already defined")));
            }
            let value = access.next_value_seed(self)?;
            map.insert(key, value);
        }
        Ok(Value::Object(map))
    }

    /// A value with a tag of its own; the tag says nothing here.
    fn visit_enum<A: EnumAccess<'de>>(self, access: A) -> Result<Value, A::Error> {
        let (_, variant) = access.variant_seed(self)?;
        variant.newtype_variant_seed(self)
    }
}
