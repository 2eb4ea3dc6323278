//! JSON documents inside a fixture file.

use serde::de::{self, Deserializer};
use serde::{Deserialize, Serialize};

/// A JSON document written in YAML or JSON. Duplicate keys, keys that are not strings, tags, and numbers that JSON does not
/// have are errors.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Document(pub serde_json::Value);

impl<'de> Deserialize<'de> for Document {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = yaml_serde::Value::deserialize(deserializer)?;
        to_json(value).map(Self).map_err(de::Error::custom)
    }
}

fn to_json(value: yaml_serde::Value) -> Result<serde_json::Value, String> {
    use serde_json::Value as Json;
    use yaml_serde::Value as Yaml;
    Ok(match value {
        Yaml::Null => Json::Null,
        Yaml::Bool(value) => Json::Bool(value),
        Yaml::String(text) => Json::String(text),
        Yaml::Number(number) => {
            let integer = number.as_u64().map(Into::into).or_else(|| number.as_i64().map(Into::into));
            let float = || number.as_f64().and_then(serde_json::Number::from_f64);
            Json::Number(integer.or_else(float).ok_or_else(|| format!("`{number}` is not a JSON number"))?)
        }
        Yaml::Sequence(items) => Json::Array(items.into_iter().map(to_json).collect::<Result<_, _>>()?),
        Yaml::Mapping(entries) => Json::Object(entries.into_iter().map(entry).collect::<Result<_, _>>()?),
        Yaml::Tagged(tagged) => return Err(format!("the tag `{}` is not supported", tagged.tag)),
    })
}

fn entry(
    (key, value): (yaml_serde::Value, yaml_serde::Value),
) -> Result<(String, serde_json::Value), String> {
    match key {
        yaml_serde::Value::String(key) => Ok((key, to_json(value)?)),
        other => {
            let shown = yaml_serde::to_string(&other).unwrap_or_default();
            Err(format!("the key `{}` must be a string; put it in quotes", shown.trim_end()))
        }
    }
}

/// Distinguishes `key: null` from a missing key.
pub(super) fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Document>, D::Error> {
    Document::deserialize(deserializer).map(Some)
}
