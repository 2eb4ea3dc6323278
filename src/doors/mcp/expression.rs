//! Expressions of COAZ mappings, in the Common Expression Language (CEL).
//!
//! INVARIANT (bounded): what an expression costs grows with its message, and no faster. There are no regular expressions, and what goes
//! through a list goes through one of the token's, and not through another one within it.

use cel::common::ast::{EntryExpr, Expr, IdedExpr};
use cel::objects::OptionalValue;
use cel::{Context, Env, Program};
use std::sync::{Arc, LazyLock};

use super::rpc::Fault;
use verdict_rego::Value;

/// The language: its standard library, and optional values.
static ENV: LazyLock<Arc<Env>> = LazyLock::new(|| Arc::new(Env::stdlib()));

/// What expressions see.
pub(super) struct Variables(Context<'static, 'static>);

impl Variables {
    /// The parameters of the message, and the claims of the caller's token.
    ///
    /// # Errors
    /// One of them cannot be said in CEL.
    pub(super) fn new(params: &Value, token: &serde_json::Value) -> Result<Self, Fault> {
        let unsayable = |_| Fault::params("COAZ mapping error: the parameters cannot be said in CEL");
        let mut context = Context::with_env(Arc::clone(&ENV));
        context.add_variable_from_value("params", cel::to_value(params).map_err(unsayable)?);
        context.add_variable_from_value("token", cel::to_value(token).map_err(unsayable)?);
        Ok(Self(context))
    }
}

/// An expression that is compiled.
pub(super) struct Expression {
    program: Program,
    source: String,
}

impl std::fmt::Debug for Expression {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "${}", self.source)
    }
}

impl Expression {
    /// Compiles an expression.
    ///
    /// # Errors
    /// It is none, or may cost too much.
    pub(super) fn new(source: &str) -> Result<Self, String> {
        let program =
            ENV.compile(source).map_err(|error| format!("`${source}` is no CEL expression: {error}"))?;
        if !is_bounded(program.expression(), false) {
            return Err(format!(
                "`${source}` goes through a list that is not the token's, or through one within another: that could take any time"
            ));
        }
        Ok(Self { program, source: source.to_owned() })
    }

    /// Its value; none where it is absent.
    ///
    /// # Errors
    /// It fails, or its value is none of JSON's: an error of the mapping.
    pub(super) fn value(&self, variables: &Variables) -> Result<Option<Value>, Fault> {
        let failed = |why: String| {
            let why: String = why.chars().take(200).collect();
            Fault::params(format!("COAZ mapping error: expression `${}` failed: {why}", self.source))
        };
        let value = self.program.execute(&variables.0).map_err(|error| failed(error.to_string()))?;
        let value = match <&OptionalValue>::try_from(&value) {
            Ok(optional) => match optional.value() {
                Some(value) => value.clone(),
                None => return Ok(None),
            },
            Err(_) => value,
        };
        if !is_json(&value) {
            return Err(failed("its value is none of JSON's".to_owned()));
        }
        let json = value.json().map_err(|error| failed(error.to_string()))?;
        Value::from_serialize(&json).map(Some).map_err(|_| failed("its value is none of JSON's".to_owned()))
    }

    /// Whether it is the claim that says who the caller is.
    pub(super) fn is_subject(&self) -> bool {
        self.source.trim() == "token.sub"
    }
}

fn is_json(value: &cel::Value) -> bool {
    match value {
        cel::Value::List(items) => items.iter().all(is_json),
        cel::Value::Map(map) => map.map.values().all(is_json),
        cel::Value::Float(number) => number.is_finite(),
        cel::Value::Int(_)
        | cel::Value::UInt(_)
        | cel::Value::String(_)
        | cel::Value::Bool(_)
        | cel::Value::Null => true,
        _ => false,
    }
}

/// Whether it goes through lists of the token's alone, and through none `within` another.
fn is_bounded(expression: &IdedExpr, within: bool) -> bool {
    let below = |inner: &IdedExpr| is_bounded(inner, within);
    let entry = |entry: &EntryExpr| match entry {
        EntryExpr::StructField(field) => below(&field.value),
        EntryExpr::MapEntry(entry) => below(&entry.key) && below(&entry.value),
    };
    match &expression.expr {
        Expr::Unspecified | Expr::Ident(_) | Expr::Literal(_) => true,
        Expr::Select(select) => below(&select.operand),
        Expr::Call(call) => call.target.iter().all(|target| below(target)) && call.args.iter().all(below),
        Expr::List(list) => list.elements.iter().all(below),
        Expr::Map(map) => map.entries.iter().all(|one| entry(&one.expr)),
        Expr::Struct(value) => value.entries.iter().all(|one| entry(&one.expr)),
        Expr::Comprehension(each) => {
            let parts = [&each.accu_init, &each.loop_cond, &each.loop_step, &each.result];
            !within
                && !each.iter_range.references().has_variable("params")
                && below(&each.iter_range)
                && parts.into_iter().all(|part| is_bounded(part, true))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(source: &str) -> Result<Option<String>, String> {
        let params = r#"{"name": "pay", "arguments": {"amount": 20000, "currency": "USD", "customer-id": "c", "list": [1]}}"#;
        let params = Value::from_json(params.as_bytes()).unwrap();
        let token = serde_json::json!({ "sub": "alice", "roles": ["dev", "treasury"] });
        let variables = Variables::new(&params, &token).unwrap();
        let value = Expression::new(source)?.value(&variables);
        value.map(|value| value.map(|value| value.to_string())).map_err(|fault| fault.message)
    }

    #[test]
    fn expressions_have_values_of_json() {
        for (source, expected) in [
            ("token.sub", Some("\"alice\"")),
            ("token.?client_id", None),
            ("token.?sub", Some("\"alice\"")),
            ("params.arguments[\"customer-id\"]", Some("\"c\"")),
            ("params.arguments.amount > 10000 ? 'high' : 'standard'", Some("\"high\"")),
            ("params.arguments.amount > 10000.5", Some("true")),
            (
                "token.roles.exists(r, r == 'treasury') ? 'treasury_user' : 'standard_user'",
                Some("\"treasury_user\""),
            ),
            ("params.arguments.list", Some("[1]")),
            ("{'a': params.arguments.amount}", Some("{\"a\":20000}")),
            ("null", Some("null")),
            ("'treasury' in token.roles", Some("true")),
            ("params.arguments.?amount.orValue(0) + 1", Some("20001")),
        ] {
            assert_eq!(value(source), Ok(expected.map(str::to_owned)), "{source}");
        }
    }

    #[test]
    fn what_fails_is_an_error_and_what_could_take_any_time_is_none() {
        for (source, why) in [
            ("params.arguments.region", "failed"),
            ("tokens.sub", "failed"),
            ("1 / 0", "failed"),
            ("b'abc'", "none of JSON's"),
            ("1.0 / 0.0", "none of JSON's"),
            ("token.", "no CEL expression"),
            ("token.sub.matches('a*')", "failed"),
            ("params.arguments.list.exists(x, x == 1)", "could take any time"),
            ("token.roles.all(r, token.roles.exists(s, s == r))", "could take any time"),
            ("[params.arguments.list].map(x, x)", "could take any time"),
        ] {
            let error = value(source).unwrap_err();
            assert!(error.contains(why), "{source}: {error}");
        }
    }
}
