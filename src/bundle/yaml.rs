//! YAML data as OPA reads it: JSON where it is JSON, strictly and with its numbers as they are written, else YAML.
//!
//! INVARIANT (one reader): data is read here for evaluation and for its digest alike. Were there two readers, a document
//! could keep its digest and change its meaning.

use serde::de::IgnoredAny;

use verdict_rego::Value;

/// Reads a document.
///
/// # Errors
/// What was wrong, with line and column where the reader knows them.
pub fn read(text: &str) -> Result<Value, String> {
    if serde_json::from_str::<IgnoredAny>(text).is_ok() {
        return Value::from_json(text.as_bytes()).map_err(|error| error.to_string());
    }
    Value::from_yaml(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn yaml_means_what_it_means_to_opa() {
        for (text, expected) in [
            ("a: yes", r#"{"a":"yes"}"#),
            ("a: 0o10", r#"{"a":8}"#),
            ("a: 1\na: 2\n", r#"{"a":2}"#),
            ("a: 1\n---\nb: 1\n", r#"{"a":1}"#),
            ("a: \"yes\"", r#"{"a":"yes"}"#),
            ("{\"a\": 1.50}", r#"{"a":1.50}"#),
            ("1: x", r#"{"1":"x"}"#),
        ] {
            assert_eq!(read(text).unwrap().to_string(), expected, "{text}");
        }
        for bad in ["{\"a\": 1, \"a\": 2}", "a: [", "a: 1\n---\nb: [\n"] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
