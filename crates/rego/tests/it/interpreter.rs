//! The embedded engine `regorus`, as an evaluator of its own: to hold the plans against, in tests and on the command line.
//!
//! Only this module names the engine. It knows less of the language than the plans do, and refuses what it does not know.

use regorus::{Engine, Value as EngineValue};

use verdict_rego::{Module, RegoVersion, Value};

/// Modules and data in the engine.
pub struct Interpreter(Engine);

impl std::fmt::Debug for Interpreter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Interpreter")
    }
}

impl Interpreter {
    /// Loads modules and data.
    ///
    /// # Errors
    /// What the engine does not take, in its words.
    pub fn new(modules: &[Module], data: &Value) -> Result<Self, String> {
        let mut engine = Engine::new();
        engine.set_strict_builtin_errors(true);
        engine.set_gather_prints(true);
        for module in modules {
            engine.set_rego_v0(module.version == RegoVersion::V0);
            let added = engine.add_policy(module.id.clone(), module.source.to_string());
            added.map_err(|error| error.to_string())?;
        }
        engine.set_rego_v0(false);
        engine.add_data(to_engine(data)?).map_err(|error| error.to_string())?;
        Ok(Self(engine))
    }

    /// The document at a path such as `data.app.allow`; `None` where it is undefined.
    ///
    /// # Errors
    /// What the evaluation failed with, in the engine's words.
    pub fn evaluate(&self, path: &str, input: Option<&Value>) -> Result<Option<Value>, String> {
        let mut engine = self.0.clone();
        engine.set_input(input.map_or(Ok(EngineValue::Undefined), to_engine)?);
        let value = engine.eval_rule(path.to_owned()).map_err(|error| error.to_string())?;
        if value == EngineValue::Undefined {
            return Ok(None);
        }
        let text = value.to_json_str().map_err(|error| error.to_string())?;
        Value::from_json(text.as_bytes()).map(Some).map_err(|error| error.to_string())
    }
}

fn to_engine(value: &Value) -> Result<EngineValue, String> {
    EngineValue::from_json_str(&value.to_string()).map_err(|error| error.to_string())
}
