//! Effects read back from the record of a decision.

use super::{Effects, compact};
use crate::builtins::table;
use crate::json;
use crate::value::Value;

impl Effects {
    /// Adds recorded results: the `nd_builtin_cache` of a decision's record, or the whole record, which has none if the
    /// decision called no such built-in.
    ///
    /// # Errors
    /// When it is neither.
    pub fn replay(mut self, recorded: &Value) -> Result<Self, String> {
        const SHAPE: &str = "must be an object of built-in names, each with an object of results by arguments, e.g. \
                             `{\"rand.intn\": {\"[\\\"x\\\",100]\": 35}}`";
        let recorded = match recorded.get("nd_builtin_cache") {
            Some(cache) => cache,
            None if recorded.get("decision_id").is_some() => return Ok(self),
            None => recorded,
        };
        let Value::Object(builtins) = recorded else { return Err(SHAPE.to_owned()) };
        for (name, results) in builtins.iter() {
            let name = name.as_str().ok_or(SHAPE)?;
            if !table::find(name).is_some_and(|entry| entry.nondeterministic) {
                return Err(format!(
                    "`{name}` is no built-in whose results are recorded; is this a decision's record?"
                ));
            }
            let Value::Object(results) = results else { return Err(SHAPE.to_owned()) };
            for (args, result) in results.iter() {
                let args = args.as_str().ok_or(SHAPE)?;
                let read = json::read_nested(args.as_bytes(), u8::MAX);
                let read = read.map_err(|error| format!("`{name}`: the arguments `{args}`: {error}"))?;
                self.given.entry(name.to_owned()).or_default().insert(compact(&read), result.clone());
            }
        }
        Ok(self)
    }
}
