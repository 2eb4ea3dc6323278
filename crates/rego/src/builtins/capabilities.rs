//! Capabilities: the built-ins and features supported, in the format of OPA's capabilities files.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::builtins::signature::Type;
use crate::builtins::table::{self, Entry};

/// Everything that policy may use. Keywords of the future are none: all of them are keywords by now.
pub fn capabilities() -> Value {
    let mut entries: Vec<&Entry> = table::all().filter(|entry| is_there(entry)).collect();
    entries.sort_by_key(|entry| entry.name);
    json!({
        "features": ["keywords_in_refs", "rego_v1", "template_strings"],
        "future_keywords": null,
        "builtins": entries.into_iter().map(builtin).collect::<Vec<_>>(),
    })
}

/// The built-ins among these names, apart from `print`, which evaluates to nothing.
pub fn required(names: &BTreeSet<String>) -> Vec<Value> {
    let entries = names.iter().filter(|name| *name != "print").filter_map(|name| table::find(name));
    entries.map(builtin).collect()
}

/// Whether OPA has a built-in of this name, as the parser is to know it.
pub fn is_builtin(name: &str) -> bool {
    table::find(name).is_some()
}

fn is_there(entry: &Entry) -> bool {
    entry.function.is_some() || entry.compiled
}

fn builtin(entry: &Entry) -> Value {
    let mut declared = Map::new();
    declared.insert("type".to_owned(), json!("function"));
    if entry.name == "print" {
        declared.insert("variadic".to_owned(), of(&Type::Any));
    }
    if !entry.args.is_empty() {
        declared.insert("args".to_owned(), entry.args.iter().map(of).collect());
    }
    if let Some(result) = &entry.result {
        declared.insert("result".to_owned(), of(result));
    }
    let mut out = Map::new();
    out.insert("name".to_owned(), json!(entry.name));
    out.insert("decl".to_owned(), Value::Object(declared));
    if let Some(infix) = entry.infix {
        out.insert("infix".to_owned(), json!(infix));
    }
    if entry.nondeterministic {
        out.insert("nondeterministic".to_owned(), json!(true));
    }
    Value::Object(out)
}

/// A type as OPA writes it.
fn of(kind: &Type) -> Value {
    let list = |types: &[Type]| types.iter().map(of).collect::<Vec<_>>();
    match kind {
        Type::Any => json!({"type": "any"}),
        Type::Null => json!({"type": "null"}),
        Type::Boolean => json!({"type": "boolean"}),
        Type::Number => json!({"type": "number"}),
        Type::String => json!({"type": "string"}),
        Type::OneOf(types) => json!({"type": "any", "of": list(types)}),
        Type::Set(each) => json!({"type": "set", "of": of(each)}),
        Type::Array(first, rest) => {
            let mut out = Map::new();
            out.insert("type".to_owned(), json!("array"));
            if !first.is_empty() {
                out.insert("static".to_owned(), json!(list(first)));
            }
            if let Some(rest) = rest {
                out.insert("dynamic".to_owned(), of(rest));
            }
            Value::Object(out)
        }
        Type::Object(named, rest) => {
            let mut out = Map::new();
            out.insert("type".to_owned(), json!("object"));
            if !named.is_empty() {
                let member = |(key, value): &(String, Type)| json!({"key": key, "value": of(value)});
                out.insert("static".to_owned(), named.iter().map(member).collect());
            }
            if let Some(rest) = rest {
                out.insert("dynamic".to_owned(), json!({"key": of(&rest.0), "value": of(&rest.1)}));
            }
            Value::Object(out)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_can_be_called_is_there() {
        let all = capabilities();
        let find = |name: &str| all["builtins"].as_array().unwrap().iter().find(|one| one["name"] == name);
        assert!(find("http.send").is_some() && find("test.sleep").is_none(), "there is no function for it");
        assert_eq!(find("plus").unwrap()["infix"], "+");
        assert_eq!(find("time.now_ns").unwrap()["nondeterministic"], true);
        assert_eq!(find("print").unwrap()["decl"], json!({"type": "function", "variadic": {"type": "any"}}));
        let walk = json!({"type": "function", "args": [{"type": "any"}], "result":
            {"type": "array", "static": [{"type": "array", "dynamic": {"type": "any"}}, {"type": "any"}]}});
        assert_eq!(find("walk").unwrap()["decl"], walk);
        let names: Vec<_> =
            all["builtins"].as_array().unwrap().iter().map(|one| one["name"].as_str()).collect();
        assert!(names.is_sorted());
    }
}
