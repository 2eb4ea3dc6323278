//! What writing an answer takes.

use crate::budget;
use crate::value::Value;

/// Counts what writing the answer will take: a value that shares parts may be small in memory and huge in writing.
pub(super) fn weigh(value: &Value) {
    match value {
        Value::Array(items) => {
            budget::work(items.len());
            budget::spend(items.len().saturating_mul(8));
            items.iter().for_each(weigh);
        }
        Value::Set(elements) => {
            budget::work(elements.len());
            budget::spend(elements.len().saturating_mul(8));
            elements.keys().for_each(weigh);
        }
        Value::Object(members) => {
            budget::work(members.len());
            budget::spend(members.len().saturating_mul(8));
            members.iter().for_each(|(key, value)| {
                weigh(key);
                weigh(value);
            });
        }
        Value::String(text) => budget::spend(text.len()),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
