//! The checks at load accept every policy of OPA's own compliance cases: each of them is one that OPA loads.

use std::collections::HashSet;

use crate::conformance::conformance;
use crate::conformance_opa::{DIFFERENT, cases};
use serde_json::Value as Json;
use verdict_rego::Checks;
use verdict_rego::internals::{check_names, check_types};
use verdict_rego::syntax::Source;
use verdict_rego::syntax::ast::Version;
use verdict_rego::syntax::parser::{Options, parse_module};

/// Cases that call what only OPA's own tests have.
const ONLY_IN_TESTS: &str = "undefined function test.sleep";

#[test]
fn what_opa_loads_passes() {
    let Some(cases) = cases() else { return };
    let mut checked = 0;
    for (_, case) in cases {
        // A few are refused: that is what they are there for.
        if case["want_error_code"].as_str().is_some_and(|code| code.starts_with("rego_"))
            || case["note"].as_str().is_some_and(|note| DIFFERENT.contains(&note))
        {
            continue;
        }
        let texts = case["modules"].as_array().into_iter().flatten().filter_map(Json::as_str);
        let modules: Result<Vec<_>, _> = texts
            .map(|text| parse_module(&Source::new("case.rego", text), Version::V1, Options::default()))
            .collect();
        let Ok(modules) = modules else { continue };
        let checks = Checks { annotations: true, ..Checks::default() };
        let first = check_names(&modules, &checks);
        let mut found = first.found.clone();
        found.extend(check_types(&modules, &first, &checks, &HashSet::new()));
        found.retain(|found| found.message != ONLY_IN_TESTS);
        assert!(found.is_empty(), "{}: {found:?}", case["note"]);
        checked += modules.len();
    }
    assert!(checked > 1_400, "{checked}");
}

/// What OPA 1.9.0 says of itself, and what is said of it here, without the words for people.
#[test]
fn capabilities_of_1_9_0_are_opas() {
    let Some(file) = conformance("opa-capabilities.json") else { return };
    let theirs: Json = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    let ours = verdict_rego::capabilities::of_version("v1.9.0").unwrap().unwrap();
    for key in ["features", "future_keywords"] {
        assert_eq!(ours[key], theirs[key], "{key}");
    }
    let by_name = |all: &Json| -> std::collections::BTreeMap<String, Json> {
        let all = all["builtins"].as_array().unwrap().iter();
        all.map(|one| (one["name"].as_str().unwrap().to_owned(), bare(one))).collect()
    };
    let (ours, theirs) = (by_name(&ours), by_name(&theirs));
    assert!(ours.keys().eq(theirs.keys()));
    for (name, declared) in &theirs {
        assert_eq!(&ours[name], declared, "{name}");
    }
}

fn bare(document: &Json) -> Json {
    match document {
        Json::Object(members) => {
            let kept = members.iter().filter(|(key, _)| !matches!(key.as_str(), "name" | "description"));
            kept.map(|(key, value)| (key.clone(), bare(value))).collect()
        }
        Json::Array(items) => items.iter().map(bare).collect(),
        other => other.clone(),
    }
}
