//! The cost of writing a result.

use crate::budget;
use crate::value::Value;

/// Charges the cost of writing a result to the budget: a value that shares parts may be small in memory and huge as text.
pub(super) fn charge_output(value: &Value) {
    match value {
        Value::Array(items) => {
            budget::work(items.len());
            budget::spend(items.len().saturating_mul(8));
            items.iter().for_each(charge_output);
        }
        Value::Set(elements) => {
            budget::work(elements.len());
            budget::spend(elements.len().saturating_mul(8));
            elements.keys().for_each(charge_output);
        }
        Value::Object(members) => {
            budget::work(members.len());
            budget::spend(members.len().saturating_mul(8));
            members.iter().for_each(|(key, value)| {
                charge_output(key);
                charge_output(value);
            });
        }
        Value::String(text) => budget::spend(text.len()),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
