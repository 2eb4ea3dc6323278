//! The configuration in effect: printed without secrets, and compared with the one before.

use serde_json::Value;

use super::{Config, mask, reference};

impl Config {
    /// As YAML, every key with its value in effect; secrets in URLs are masked.
    ///
    /// # Errors
    /// When a value cannot be written as YAML, e.g. a path that is not UTF-8.
    pub fn to_yaml(&self) -> Result<String, String> {
        let unprintable = |error| format!("the configuration cannot be printed: {error}");
        let mut value = yaml_serde::to_value(self).map_err(unprintable)?;
        mask_values(&mut value);
        yaml_serde::to_string(&value).map_err(unprintable)
    }

    /// Which keys differ between two configurations and take effect only after a restart, as dotted paths.
    ///
    /// What else differs can be applied while the server runs; the reference page says which keys those are.
    pub fn diff_needs_restart(old: &Self, new: &Self) -> Vec<String> {
        let mut changed = Vec::new();
        let value = |config: &Self| serde_json::to_value(config).unwrap_or_default();
        changes("", &value(old), &value(new), &mut changed);
        changed.retain(|key| !reference::is_live(key));
        changed
    }
}

/// Value by value, so that YAML's own quotes and line breaks cannot hide where a secret ends.
fn mask_values(value: &mut yaml_serde::Value) {
    match value {
        yaml_serde::Value::String(text) => *text = mask::secrets(text),
        yaml_serde::Value::Sequence(items) => items.iter_mut().for_each(mask_values),
        yaml_serde::Value::Mapping(entries) => entries.iter_mut().for_each(|(_, value)| mask_values(value)),
        _ => {}
    }
}

fn changes(at: &str, old: &Value, new: &Value, changed: &mut Vec<String>) {
    match (old, new) {
        (Value::Object(before), Value::Object(after)) => {
            let gone = before.keys().filter(|key| !after.contains_key(*key));
            for key in after.keys().chain(gone) {
                let path = if at.is_empty() { key.clone() } else { format!("{at}.{key}") };
                let value = |map: &serde_json::Map<String, Value>| map.get(key).cloned().unwrap_or_default();
                changes(&path, &value(before), &value(after), changed);
            }
        }
        _ if old != new => changed.push(at.to_owned()),
        _ => {}
    }
}
