//! Serde support for values.

use std::fmt;

use num_bigint::BigInt;
use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{self, Serialize, Serializer};
use serde_json::value::RawValue;

use super::write::{with_text_keys, write};
use crate::number::Number;
use crate::value::{Keyed, Value};

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Number(number) => serialize_number(number, serializer),
            Self::String(text) => serializer.serialize_str(text),
            Self::Array(items) => serializer.collect_seq(items.iter()),
            Self::Set(elements) => serializer.collect_seq(elements.keys()),
            Self::Object(members) => match with_text_keys(members) {
                None => serializer.collect_map(
                    members.iter().map(|(key, value)| (key.as_str().unwrap_or_default(), value)),
                ),
                Some(members) => serializer.collect_map(members),
            },
        }
    }
}

/// As the type that prints the same text, or else as that text.
fn serialize_number<S: Serializer>(number: &Number, serializer: S) -> Result<S::Ok, S::Error> {
    if let Some(integer) = number.as_plain_i64() {
        return serializer.serialize_i64(integer);
    }
    let text = number.to_string();
    if let Ok(integer) = text.parse::<u64>() {
        return serializer.serialize_u64(integer);
    }
    let double = number.as_f64();
    if serde_json::Number::from_f64(double).is_some_and(|printed| printed.to_string() == text) {
        return serializer.serialize_f64(double);
    }
    RawValue::from_string(text).map_err(ser::Error::custom)?.serialize(serializer)
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E: de::Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        Value::deserialize(deserializer)
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(Number::from_u64(value)))
    }

    fn visit_i128<E: de::Error>(self, value: i128) -> Result<Value, E> {
        Ok(Value::Number(Number::from(BigInt::from(value))))
    }

    fn visit_u128<E: de::Error>(self, value: u128) -> Result<Value, E> {
        Ok(Value::Number(Number::from(BigInt::from(value))))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Value, E> {
        let number = Number::from_f64(value).ok_or_else(|| E::custom("a number that is not finite"))?;
        Ok(Value::Number(number))
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        // What a sequence says about its length is not to be trusted with memory.
        let mut array = Vec::with_capacity(items.size_hint().unwrap_or(4).min(1024));
        while let Some(item) = items.next_element()? {
            array.push(item);
        }
        Ok(Value::from(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut members: Vec<(Value, Value)> = Vec::new();
        while let Some(Key(key)) = entries.next_key()? {
            members.push((Value::from(key), entries.next_value()?));
        }
        let mut keys: Vec<&Value> = members.iter().map(|(key, _)| key).collect();
        keys.sort_unstable();
        let twice = keys.windows(2).find_map(|pair| match pair {
            [a, b] if a == b => Some(*a),
            _ => None,
        });
        if let Some(key) = twice {
            let mut text = String::new();
            write(key, &mut text);
            return Err(de::Error::custom(format!("duplicate key {text}")));
        }
        Ok(Value::from(Keyed::from_entries(members)))
    }
}

/// An object's key: text, or what YAML has for keys, as text.
struct Key(String);

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(KeyVisitor)
    }
}

struct KeyVisitor;

impl Visitor<'_> for KeyVisitor {
    type Value = Key;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: de::Error>(self, key: &str) -> Result<Key, E> {
        Ok(Key(key.to_owned()))
    }

    fn visit_string<E: de::Error>(self, key: String) -> Result<Key, E> {
        Ok(Key(key))
    }

    fn visit_unit<E: de::Error>(self) -> Result<Key, E> {
        self.visit_str("null")
    }

    fn visit_bool<E: de::Error>(self, key: bool) -> Result<Key, E> {
        self.visit_string(key.to_string())
    }

    fn visit_u64<E: de::Error>(self, key: u64) -> Result<Key, E> {
        self.visit_string(key.to_string())
    }

    fn visit_i64<E: de::Error>(self, key: i64) -> Result<Key, E> {
        self.visit_string(key.to_string())
    }

    fn visit_f64<E: de::Error>(self, key: f64) -> Result<Key, E> {
        self.visit_string(key.to_string())
    }
}
