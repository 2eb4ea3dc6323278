//! Policy for an older OPA.

use super::super::Checks;
use super::table;
use crate::RegoVersion::{V0, V1, V2};
use crate::capabilities::{Capabilities, of_version};

fn checks(version: &str) -> Checks {
    let capabilities = Capabilities::read(&of_version(version).unwrap().unwrap()).unwrap();
    Checks { capabilities: Some(capabilities), ..Checks::default() }
}

#[test]
fn what_an_older_opa_does_not_know_is_refused() {
    let import = |what: &str| format!("2: invalid import, `{what}` is not supported by current capabilities");
    let keyword = |list: &str| format!("2: unexpected keyword, must be one of [{list}]");
    let v1 = "contains every if in";
    for (version, rules, want) in [
        ("v1.9.0", "p := array.flatten([1])", "2: undefined function array.flatten".to_owned()),
        ("v1.12.9", "p := array.flatten([1])", "2: undefined function array.flatten".to_owned()),
        ("v1.13.0", "p := array.flatten([1])", String::new()),
        ("v1.9.0", "p := upper(\"a\")", String::new()),
        (
            "v1.11.0",
            "p := $\"{input.x}\"",
            "2: template strings are not supported by current capabilities".to_owned(),
        ),
        ("v1.12.0", "p := $\"{input.x}\"", String::new()),
        ("v1.16.0", "import future.keywords.not\np if not { input.x }", keyword(v1)),
        ("v1.17.0", "import future.keywords.not\np if not { input.x }", String::new()),
        ("v1.19.0", "import future.keywords.or\np if input.x", keyword("contains every if in not")),
        ("v1.20.0", "import future.keywords.or\np if input.x or input.y", String::new()),
        ("v1.17.0", "import future.keywords\np if not { input.x }", String::new()),
        ("v1.21.0", "import rego.v2\np if input.x", import("rego.v2")),
        ("v1.22.0", "import rego.v2\np if input.x or input.y", String::new()),
        ("v1.9.0", "import rego.v1\nimport future.keywords.if\np if input.x", String::new()),
    ] {
        let want: Vec<&str> = if want.is_empty() { Vec::new() } else { vec![&want] };
        table(V1, &checks(version), &[(rules, &want)]);
    }
    table(V0, &checks("v1.9.0"), &[("import rego.v1\np if { input.x }", &[])]);
    table(V2, &checks("v1.23.0"), &[("p if input.x or not { input.y }", &[])]);
    table(
        V2,
        &checks("v1.21.0"),
        &[("p if input.x", &["1: rego v2 is not supported by current capabilities"])],
    );
}

#[test]
fn a_file_is_read_as_opa_writes_it() {
    let read = |text: &str| Capabilities::read(&serde_json::from_str(text).unwrap());
    let bare = read(r#"{"builtins": [{"name": "upper"}]}"#).unwrap();
    let checks = Checks { capabilities: Some(bare), ..Checks::default() };
    table(
        V1,
        &checks,
        &[("import rego.v2\np := lower($\"{upper(input.x)}\")", &["3: undefined function lower"])],
    );
    let v0 = read(r#"{"builtins": [], "features": ["rego_v1_import"], "future_keywords": ["in"]}"#).unwrap();
    assert!(v0.features().rego_v1 && !v0.features().template_strings);
    for (text, why) in [
        ("{}", "there are no `builtins`"),
        (r#"{"builtins": [], "features": [], "future_keywords": ["xor"]}"#, "unknown keyword: xor"),
    ] {
        assert!(read(text).unwrap_err().contains(why), "{text}");
    }
}
