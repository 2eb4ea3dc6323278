//! JSON of which there is only one reading: what two parsers could understand differently is refused.

use std::fmt;

use serde::de::{self, DeserializeSeed, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// How deep arrays and objects may nest.
const MAX_DEPTH: u8 = 64;
/// Up to here every integer has a double of its own (2^53); a larger number of JSON may stand for several.
const MAX_EXACT: f64 = 9_007_199_254_740_992.0;

/// Reads one JSON object and nothing after it.
///
/// # Errors
/// When the text is not JSON, not an object, nests deeper than 64, names a member twice at any level, or holds an
/// integer that would not survive the reading. The error carries nothing of the text.
pub fn object(text: &[u8]) -> Result<Map<String, Value>, &'static str> {
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    let value = Strict { depth: 0 }.deserialize(&mut deserializer).map_err(|error| describe(&error))?;
    deserializer.end().map_err(|_| "it is followed by other text")?;
    match value {
        Value::Object(members) => Ok(members),
        _ => Err("it is not a json object"),
    }
}

const DUPLICATE: &str = "it names a member twice";
const TOO_DEEP: &str = "it nests too deep";
const TOO_BIG: &str = "it holds a number too large to be exact";

/// The parser's own text may quote the token, so only our own three are told apart.
fn describe(error: &serde_json::Error) -> &'static str {
    let text = error.to_string();
    [DUPLICATE, TOO_DEEP, TOO_BIG]
        .into_iter()
        .find(|known| text.starts_with(known))
        .unwrap_or("it is not json")
}

#[derive(Clone, Copy)]
struct Strict {
    depth: u8,
}

impl Strict {
    fn deeper<E: de::Error>(self) -> Result<Self, E> {
        if self.depth >= MAX_DEPTH { Err(E::custom(TOO_DEEP)) } else { Ok(Self { depth: self.depth + 1 }) }
    }
}

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;
    fn deserialize<D: de::Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("json")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Value, E> {
        if value.abs() > MAX_EXACT {
            return Err(E::custom(TOO_BIG));
        }
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom(TOO_BIG))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut items = Vec::new();
        while let Some(item) = seq.next_element_seed(inner)? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut members = Map::new();
        while let Some(name) = map.next_key::<String>()? {
            let value = map.next_value_seed(inner)?;
            if members.insert(name, value).is_some() {
                return Err(de::Error::custom(DUPLICATE));
            }
        }
        Ok(Value::Object(members))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn one_reading_or_a_refusal() {
        let deep = |n: usize| format!("{{\"a\":{}{}}}", "[".repeat(n), "]".repeat(n));
        for (text, expected) in [
            (r#"{"a":1,"b":[{"a":2.5,"b":"é"}]}"#.to_owned(), None),
            (r#"{"a":18446744073709551615,"b":-9223372036854775808}"#.to_owned(), None),
            (r#"{"a":1,"a":1}"#.to_owned(), Some(DUPLICATE)),
            (r#"{"a":1,"\u0061":1}"#.to_owned(), Some(DUPLICATE)),
            (r#"{"x":[{"a":1,"b":2,"a":3}]}"#.to_owned(), Some(DUPLICATE)),
            (r#"{"a":18446744073709551616}"#.to_owned(), Some(TOO_BIG)),
            (r#"{"a":1e300}"#.to_owned(), Some(TOO_BIG)),
            (r#"{"a":1e999}"#.to_owned(), Some("it is not json")),
            (deep(63), None),
            (deep(64), Some(TOO_DEEP)),
            ("{} {}".to_owned(), Some("it is followed by other text")),
            ("[]".to_owned(), Some("it is not a json object")),
            (String::new(), Some("it is not json")),
            (r#"{"a":"\ud800"}"#.to_owned(), Some("it is not json")),
            (r#"{"a":1,}"#.to_owned(), Some("it is not json")),
            ("\u{feff}{}".to_owned(), Some("it is not json")),
        ] {
            assert_eq!(object(text.as_bytes()).err(), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn never_panics_and_agrees_with_the_plain_parser(text in "[\\[\\]{}:,\"a-c0-9eE.+-]{0,40}") {
            if let Ok(strict) = object(text.as_bytes()) {
                prop_assert_eq!(Value::Object(strict), serde_json::from_str::<Value>(&text).unwrap());
            }
        }
    }
}
