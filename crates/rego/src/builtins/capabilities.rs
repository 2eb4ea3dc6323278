//! Capabilities: the built-ins and features supported, in the format of OPA's capabilities files.

use std::collections::{BTreeSet, HashSet};

use serde_json::{Map, Value, json};

use crate::builtins::signature::Type;
use crate::builtins::table::{self, Entry};
use crate::builtins::versions;
use crate::syntax::keywords::{Features, Keywords};

/// Everything that policy may use.
pub fn capabilities() -> Value {
    of_minor(versions::NEWEST)
}

/// What policy may use in a version of OPA, e.g. `v1.9.0`; `None` where the text names no version.
///
/// # Errors
/// A version that is not known.
pub fn of_version(version: &str) -> Option<Result<Value, String>> {
    Some(versions::minor(version)?.map(of_minor))
}

/// The newest version of OPA whose language is known, e.g. `1.9`.
pub fn newest_version() -> String {
    format!("1.{}", versions::NEWEST)
}

fn of_minor(minor: u32) -> Value {
    let there = |entry: &&Entry| is_there(entry) && versions::has_builtin(entry.name, minor);
    let mut builtins: Vec<Value> =
        table::all().filter(there).map(|entry| builtin(entry, minor)).chain(of_the_compiler()).collect();
    builtins.sort_by(|a, b| a["name"].as_str().cmp(&b["name"].as_str()));
    let keywords = versions::keywords(minor);
    json!({
        "features": versions::features(minor),
        "future_keywords": if keywords.is_empty() { Value::Null } else { json!(keywords) },
        "builtins": builtins,
    })
}

/// What OPA's compiler makes of other things; nothing that policy could call here.
fn of_the_compiler() -> [Value; 2] {
    let any = of(&Type::Any);
    let sets = json!({"type": "array", "dynamic": {"type": "set", "of": any}});
    let all = json!({"type": "array", "dynamic": any});
    [("internal.print", sets), ("internal.test_case", all)]
        .map(|(name, arg)| json!({"name": name, "decl": {"type": "function", "args": [arg]}}))
}

/// What policy is held to, where it is not everything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capabilities {
    builtins: HashSet<String>,
    features: Features,
}

impl Capabilities {
    /// Reads a document, as OPA writes them. What it does not speak of at all is not restricted.
    ///
    /// # Errors
    /// What is missing, or unknown.
    pub fn read(document: &Value) -> Result<Self, String> {
        let names = |key: &str| {
            let all = document.get(key)?.as_array()?.iter().filter_map(Value::as_str);
            Some(all.collect::<Vec<_>>())
        };
        let Some(builtins) = document.get("builtins").and_then(Value::as_array) else {
            return Err("there are no `builtins`; write it with `verdict capabilities`".to_owned());
        };
        let name = |each: &Value| each["name"].as_str().map(str::to_owned);
        let builtins = builtins.iter().filter_map(name).collect();
        let Some(found) = names("features") else {
            return Ok(Self { builtins, features: Features::default() });
        };
        let has = |name: &str| found.contains(&name);
        let keywords = names("future_keywords").unwrap_or_default();
        let known = Keywords::ALL.names();
        if let Some(unknown) = keywords.iter().find(|keyword| !known.contains(keyword)) {
            return Err(format!("illegal capabilities: unknown keyword: {unknown}"));
        }
        let features = Features {
            template_strings: has("template_strings"),
            rego_v1: has("rego_v1") || has("rego_v1_import"),
            rego_v2_import: has("rego_v2_import"),
            future_keywords: Keywords::V1.with(Keywords::of(keywords)),
        };
        Ok(Self { builtins, features })
    }

    /// Whether a built-in may be called.
    pub fn has_builtin(&self, name: &str) -> bool {
        self.builtins.contains(name)
    }

    /// What may be used of the language.
    pub const fn features(&self) -> Features {
        self.features
    }
}

/// The built-ins among these names, apart from `print`, which evaluates to nothing.
pub fn required(names: &BTreeSet<String>) -> Vec<Value> {
    let entries = names.iter().filter(|name| *name != "print").filter_map(|name| table::find(name));
    entries.map(|entry| builtin(entry, versions::NEWEST)).collect()
}

/// Whether OPA has a built-in of this name, as the parser is to know it.
pub fn is_builtin(name: &str) -> bool {
    table::find(name).is_some()
}

fn is_there(entry: &Entry) -> bool {
    entry.function.is_some() || entry.compiled
}

fn builtin(entry: &Entry, minor: u32) -> Value {
    let mut declared = Map::new();
    declared.insert("type".to_owned(), json!("function"));
    if entry.name == "print" {
        declared.insert("variadic".to_owned(), of(&Type::Any));
    }
    if !entry.args.is_empty() {
        declared.insert("args".to_owned(), entry.args.iter().map(of).collect());
    }
    if let Some(result) = &entry.result {
        declared.insert("result".to_owned(), of(versions::result(entry.name, minor, result)));
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

    #[test]
    fn an_older_opa_has_less() {
        let names = |version: &str, key: &str| {
            let all = of_version(version).unwrap().unwrap();
            let list = all[key].as_array().cloned().unwrap_or_default();
            list.iter()
                .map(|one| one["name"].as_str().or(one.as_str()).unwrap().to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(names("v1.9.0", "features"), ["keywords_in_refs", "rego_v1"]);
        assert_eq!(
            names("1.22", "features"),
            ["keywords_in_refs", "rego_v1", "rego_v2_import", "template_strings"]
        );
        for (version, keywords) in [("v1.16.2", ""), ("v1.17.0", "not"), ("v1.20.0", "and not or")] {
            assert_eq!(names(version, "future_keywords").join(" "), keywords, "{version}");
        }
        for (name, since) in [("array.flatten", 13), ("uri.parse", 16), ("strings.split_n", 19)] {
            for minor in [since - 1, since] {
                let there = names(&format!("v1.{minor}.0"), "builtins").contains(&name.to_owned());
                assert_eq!(there, minor >= since, "{name} {minor}");
            }
        }
        assert_eq!(of_version("v1.23.1").unwrap().unwrap(), capabilities());
        for unknown in ["v1.8.0", "v0.70.0", "v1.24.0", "2.0"] {
            assert!(of_version(unknown).unwrap().is_err(), "{unknown}");
        }
        for other in ["caps.json", "v1", "1.9.0.1", "v1.9.x", ""] {
            assert_eq!(of_version(other), None, "{other}");
        }
    }
}
