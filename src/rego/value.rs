//! Rego values, without the engine's name on them.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use regorus::Value as Engine;
use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use super::json::{self, JsonError};

/// A Rego value: null, boolean, number, text, array, set or object. Never undefined. Cheap to clone.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Value(pub(super) Engine);

impl Value {
    /// An object without members.
    pub fn object() -> Self {
        Self(Engine::new_object())
    }

    /// An array without elements.
    pub fn array() -> Self {
        Self(Engine::new_array())
    }

    /// Reads JSON (RFC 8259) strictly: one document, at most [`json::MAX_DEPTH`] levels, no duplicate keys, and only
    /// numbers that keep their value.
    ///
    /// # Errors
    /// What was wrong, with line and column.
    pub fn from_json(text: &[u8]) -> Result<Self, JsonError> {
        read_json(text)
    }

    /// Reads one YAML document of JSON's types; keys that are not text become text, as in OPA.
    ///
    /// # Errors
    /// What was wrong, with line and column where the reader knows them.
    pub fn from_yaml(text: &str) -> Result<Self, String> {
        yaml_serde::from_str::<Self>(text).map_err(|error| error.to_string())
    }

    /// From anything that serialises to JSON.
    ///
    /// # Errors
    /// When it does not serialise, or has duplicate keys.
    pub fn from_serialize(value: &impl Serialize) -> Result<Self, String> {
        let tree = serde_json::to_value(value).map_err(|error| error.to_string())?;
        Self::deserialize(tree).map_err(|error| error.to_string())
    }

    /// Whether it is an object.
    pub fn is_object(&self) -> bool {
        matches!(self.0, Engine::Object(_))
    }

    /// The truth value, if it is one.
    pub fn as_bool(&self) -> Option<bool> {
        match self.0 {
            Engine::Bool(value) => Some(value),
            _ => None,
        }
    }

    /// The text, if it is one.
    pub fn as_str(&self) -> Option<&str> {
        match &self.0 {
            Engine::String(text) => Some(text),
            _ => None,
        }
    }

    /// The member of an object.
    pub fn get(&self, key: &str) -> Option<Self> {
        match &self.0 {
            Engine::Object(members) => members.get(&Engine::from(key)).cloned().map(Self),
            _ => None,
        }
    }

    /// Sets a member; a value that is not an object is left as it is.
    pub fn insert(&mut self, key: &str, value: Self) {
        if let Ok(members) = self.0.as_object_mut() {
            members.insert(Engine::from(key), value.0);
        }
    }

    /// Takes a member out of an object.
    pub fn remove(&mut self, key: &str) -> Option<Self> {
        // Looked up first: taking the object as mutable copies it where it is shared.
        self.get(key)?;
        self.0.as_object_mut().ok()?.remove(&Engine::from(key)).map(Self)
    }

    /// The members of an object whose keys are text, in order of their keys.
    pub fn members(&self) -> Vec<(String, Self)> {
        match &self.0 {
            Engine::Object(members) => members
                .iter_sorted()
                .filter_map(|(key, value)| match key {
                    Engine::String(key) => Some((key.to_string(), Self(value.clone()))),
                    _ => None,
                })
                .collect(),
            _ => Vec::new(),
        }
    }

    /// The elements of an array or set.
    pub fn elements(&self) -> Vec<Self> {
        match &self.0 {
            Engine::Array(items) => items.iter().cloned().map(Self).collect(),
            Engine::Set(items) => items.iter().cloned().map(Self).collect(),
            _ => Vec::new(),
        }
    }

    /// The part that a path leads to: object keys, array indices, set members. A segment is tried as text first, then
    /// as a number.
    pub fn at<'a>(&self, segments: impl IntoIterator<Item = &'a str>) -> Option<Self> {
        let mut here = &self.0;
        for segment in segments {
            here = step(here, segment)?;
        }
        (*here != Engine::Undefined).then(|| Self(here.clone()))
    }

    /// As compact JSON; sets become arrays, keys that are not text become their JSON.
    pub fn to_raw(&self) -> Box<RawValue> {
        serde_json::value::to_raw_value(self).unwrap_or_else(|_| RawValue::NULL.to_owned())
    }
}

fn step<'a>(value: &'a Engine, segment: &str) -> Option<&'a Engine> {
    let number = || segment.parse::<u64>().ok();
    match value {
        Engine::Object(members) => {
            members.get(&Engine::from(segment)).or_else(|| members.get(&Engine::from(number()?)))
        }
        Engine::Array(items) => items.get(usize::try_from(number()?).ok()?),
        Engine::Set(items) => {
            let found = |wanted: &Engine| items.iter().find(|item| *item == wanted);
            found(&Engine::from(segment)).or_else(|| found(&Engine::from(number()?)))
        }
        _ => None,
    }
}

/// Reads any JSON document strictly: see [`Value::from_json`]. `T` decides what the top level may be.
///
/// # Errors
/// What was wrong, with line and column.
pub fn read_json<'de, T: Deserialize<'de>>(text: &'de [u8]) -> Result<T, JsonError> {
    json::check(text)?;
    Ok(serde_json::from_slice(text)?)
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.to_raw().get())
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.to_raw().get())
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self(Engine::from(text))
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self(Engine::Bool(value))
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor).map(Self)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Engine;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Engine, E> {
        Ok(Engine::Null)
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Engine, E> {
        Ok(Engine::Bool(value))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Engine, E> {
        Ok(Engine::from(value))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Engine, E> {
        Ok(Engine::from(value))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Engine, E> {
        if value.is_finite() {
            Ok(Engine::from(value))
        } else {
            Err(E::custom("a number that is not finite"))
        }
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Engine, E> {
        Ok(Engine::String(Arc::from(value)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Engine, A::Error> {
        let mut array = Vec::with_capacity(items.size_hint().unwrap_or(4).min(1024));
        while let Some(Value(item)) = items.next_element()? {
            array.push(item);
        }
        Ok(Engine::from(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Engine, A::Error> {
        let mut object = BTreeMap::new();
        while let Some(Key(key)) = entries.next_key()? {
            let Value(value) = entries.next_value()?;
            if object.contains_key(&key) {
                return Err(de::Error::custom(format!("duplicate key {key}")));
            }
            object.insert(key, value);
        }
        Ok(Engine::from(object))
    }
}

/// An object's key: text, or what YAML has for keys, as text.
struct Key(Engine);

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct KeyVisitor;
        impl Visitor<'_> for KeyVisitor {
            type Value = Key;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key")
            }
            fn visit_str<E: de::Error>(self, key: &str) -> Result<Key, E> {
                Ok(Key(Engine::String(Arc::from(key))))
            }
            fn visit_unit<E: de::Error>(self) -> Result<Key, E> {
                self.visit_str("null")
            }
            fn visit_bool<E: de::Error>(self, key: bool) -> Result<Key, E> {
                self.visit_str(&key.to_string())
            }
            fn visit_u64<E: de::Error>(self, key: u64) -> Result<Key, E> {
                self.visit_str(&key.to_string())
            }
            fn visit_i64<E: de::Error>(self, key: i64) -> Result<Key, E> {
                self.visit_str(&key.to_string())
            }
            fn visit_f64<E: de::Error>(self, key: f64) -> Result<Key, E> {
                self.visit_str(&key.to_string())
            }
        }
        deserializer.deserialize_any(KeyVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<String, String> {
        Value::from_json(text.as_bytes()).map(|v| v.to_string()).map_err(|e| e.to_string())
    }

    #[test]
    fn json_is_read_strictly() {
        assert_eq!(
            read(r#" {"b": [1, -2, 0.5, null, true], "a": "x\u0000"} "#).unwrap(),
            r#"{"a":"x\u0000","b":[1,-2,0.5,null,true]}"#
        );
        for (text, why) in [
            (r#"{"a": 1, "a": 2}"#, "duplicate key \"a\""),
            (r#"{"a": 1} x"#, "trailing bytes"),
            ("{", "EOF"),
            ("", "EOF"),
            (r#"{"a": 18446744073709551616}"#, "would not keep its value"),
            ("\"\u{1}\"", "control character"),
            ("NaN", "expected"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(why), "{text}: {error}");
        }
        assert!(Value::from_json(b"\"\xff\"").is_err());
    }

    #[test]
    fn yaml_has_text_keys_and_no_duplicates() {
        let value = Value::from_yaml("a: {1: x, true: y}\nb: [1, 2.5, ~]\n").unwrap();
        assert_eq!(value.to_string(), r#"{"a":{"1":"x","true":"y"},"b":[1,2.5,null]}"#);
        assert!(Value::from_yaml("a: 1\na: 2\n").is_err());
        assert!(Value::from_yaml("a: [").is_err());
    }

    #[test]
    fn a_path_leads_through_objects_arrays_and_numbers() {
        let value = Value::from_json(br#"{"a": [{"b": null}, "x"], "7": "seven"}"#).unwrap();
        assert_eq!(value.at(["a", "0", "b"]).map(|v| v.to_string()).as_deref(), Some("null"));
        assert_eq!(value.at(["7"]).and_then(|v| v.as_str().map(str::to_owned)).as_deref(), Some("seven"));
        assert_eq!(value.at(["a", "9"]), None);
        assert_eq!(value.at(["a", "0", "b", "c"]), None);
    }
}
