//! Conversions between values and text.

use std::fmt;

use serde::Serialize;
use serde_json::value::RawValue;

use super::error::JsonError;
use super::{read, write};
use crate::value::Value;
use crate::yaml;

impl Value {
    /// Reads JSON (RFC 8259) strictly: one document, at most [`MAX_DEPTH`](super::MAX_DEPTH) levels, no duplicate keys; numbers are
    /// kept as they are written.
    ///
    /// # Errors
    /// What was wrong, with line and column.
    pub fn from_json(text: &[u8]) -> Result<Self, JsonError> {
        read::read(text)
    }

    /// Reads the first YAML document of a text, as [`yaml::read_data`] does.
    ///
    /// # Errors
    /// What was wrong, or the bound that the text exceeds, with line and column.
    pub fn from_yaml(text: &str) -> Result<Self, String> {
        yaml::read_data(text).map_err(|error| error.to_string())
    }

    /// From anything that serialises to JSON.
    ///
    /// # Errors
    /// When it does not serialise, or has duplicate keys.
    pub fn from_serialize(value: &impl Serialize) -> Result<Self, String> {
        let text = serde_json::to_vec(value).map_err(|error| error.to_string())?;
        read::read(&text).map_err(|error| error.to_string())
    }

    /// As compact JSON; sets become arrays, keys that are not text become their JSON.
    pub fn to_raw(&self) -> Box<RawValue> {
        let mut text = String::new();
        write::write(self, &mut text);
        RawValue::from_string(text).unwrap_or_else(|_| RawValue::NULL.to_owned())
    }
}

/// As compact JSON.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        write::write(self, &mut text);
        f.write_str(&text)
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
