//! What policy and bundles say: `parse`, `capabilities`, `deps`, `inspect`.

use serde_json::{Value, json};

use super::{folder, verdict};
use crate::harness::conformance;

fn json_of(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}:\n{text}"))
}

#[test]
fn parse_prints_the_tree_and_exits_as_opa_does() {
    let files = folder(&[
        ("x.rego", "package x\n\n# comment\np = 1\n"),
        ("bad.rego", "package x\n\np {\n\tinput.a\n}\n"),
        ("binary.rego", "package x\n"),
    ]);
    std::fs::write(files.path().join("binary.rego"), b"package \xff").unwrap();
    let parse = |args: &[&str]| verdict(files.path(), &[&["parse"], args].concat());
    let outline = "module\n package\n  ref\n   data\n   \"x\"\n rule\n  head\n   ref\n    p\n   1\n  body\n   expr index=0\n    true\n comment\n";
    assert_eq!(parse(&["x.rego"]).exits(0).out, outline);
    let term = |kind: &str, value: Value| json!({"type": kind, "value": value});
    let path = [term("var", json!("data")), term("string", json!("x"))];
    let head = json!({"name": "p", "ref": [term("var", json!("p"))], "value": term("number", json!(1))});
    let body = json!([{"index": 0, "terms": term("boolean", json!(true))}]);
    let tree = json!({"package": {"path": path}, "rules": [{"head": head, "body": body}]});
    let ran = parse(&["x.rego", "-f", "json", "--json-include", "-comments"]).exits(0);
    assert_eq!(json_of(&ran.out), tree);
    let with_places =
        json_of(&parse(&["x.rego", "-f", "json", "--json-include=locations,comments"]).exits(0).out);
    let place = json!({"file": "x.rego", "row": 4, "col": 1, "text": "cCA9IDE="});
    assert_eq!(with_places["rules"][0]["location"], place);
    assert_eq!(with_places["comments"][0]["Text"], "IGNvbW1lbnQ=");
    parse(&["bad.rego"]).exits(1).complains("bad.rego:3:1: rego_parse_error: `if` keyword is required");
    let ran = parse(&["bad.rego", "-f", "json"]).exits(1);
    assert_eq!(json_of(&ran.err)["errors"][0]["location"]["row"], 3, "{}", ran.out);
    parse(&["bad.rego", "--v0-compatible"]).exits(0).says("\"a\"");
    parse(&["bad.rego", "--v0-compatible", "--v1-compatible"]).exits(0);
    parse(&["nope.rego"]).exits(1).complains("cannot read `nope.rego`");
    parse(&["binary.rego"]).exits(1).complains("not UTF-8");
    parse(&["x.rego", "--json-include", "everything"]).exits(2).complains("everything");
}

#[test]
fn the_deepest_policy_can_be_parsed() {
    let deep =
        format!("package x\np := {}1{}\nq := {}1\n", "[".repeat(200), "]".repeat(200), "1 + ".repeat(990));
    let files = folder(&[("deep.rego", &deep)]);
    for args in
        [&["parse", "deep.rego", "-f", "json"][..], &["parse", "deep.rego"], &["inspect", "deep.rego"]]
    {
        verdict(files.path(), args).exits(0);
    }
    verdict(files.path(), &["deps", "-d", "deep.rego", "data.x.q"]).exits(0).says("data.x.q");
}

#[test]
fn capabilities_declare_built_ins_as_opa_does() {
    let files = folder(&[]);
    let ran = verdict(files.path(), &["capabilities", "--current"]).exits(0);
    assert_eq!(verdict(files.path(), &["capabilities"]).exits(0).out, ran.out);
    let ours = json_of(&ran.out);
    assert!(ours["features"].as_array().unwrap().contains(&json!("rego_v1")));
    let Some(path) = conformance("opa-capabilities.json") else { return };
    let theirs = json_of(&std::fs::read_to_string(path).unwrap());
    let ours = json_of(&verdict(files.path(), &["capabilities", "--version", "v1.9.0"]).exits(0).out);
    let mut compared = 0;
    for their in theirs["builtins"].as_array().unwrap() {
        let Some(our) = ours["builtins"].as_array().unwrap().iter().find(|our| our["name"] == their["name"])
        else {
            continue;
        };
        let mut their = their.clone();
        without_words(&mut their["decl"]);
        assert_eq!(our, &their);
        compared += 1;
    }
    assert!(compared > 180, "only {compared} have been compared");
}

/// Drops what OPA says of arguments in words.
fn without_words(declared: &mut Value) {
    match declared {
        Value::Object(members) => {
            members.retain(|key, _| key != "description" && key != "name");
            members.values_mut().for_each(without_words);
        }
        Value::Array(items) => items.iter_mut().for_each(without_words),
        _ => {}
    }
}

const POLICY: &str = "package policy\n\nallow if is_admin\n\nis_admin if \"admin\" in input.user.roles\n";

#[test]
fn deps_prints_base_and_virtual_documents() {
    let files = folder(&[("policy.rego", POLICY), ("bad.rego", "package b\np if nosuch(1)\n")]);
    let deps = |args: &[&str]| verdict(files.path(), &[&["deps"], args].concat());
    let want = "\
┌──────────────────┬──────────────────────┐
│  BASE DOCUMENTS  │  VIRTUAL DOCUMENTS   │
├──────────────────┼──────────────────────┤
│ input.user.roles │ data.policy.allow    │
│                  │ data.policy.is_admin │
└──────────────────┴──────────────────────┘
";
    assert_eq!(deps(&["--data", "policy.rego", "data.policy.allow"]).exits(0).out, want);
    let ran = deps(&["-d", "policy.rego", "-f", "json", "data.policy.is_admin"]).exits(0);
    let path = |root: &str, parts: &[&str]| -> Value {
        let rest = parts.iter().map(|part| json!({"type": "string", "value": part}));
        std::iter::once(json!({"type": "var", "value": root})).chain(rest).collect()
    };
    let want = json!({"base": [path("input", &["user", "roles"])], "virtual": [path("data", &["policy", "is_admin"])]});
    assert_eq!(json_of(&ran.out), want);
    assert_eq!(deps(&["1 == 2"]).exits(0).out, "");
    deps(&["data.x["]).exits(1).complains("query:1:8: rego_parse_error");
    deps(&["-d", "bad.rego", "data.b.p"]).exits(1).complains("bad.rego:2:");
    deps(&["-d", "nope.rego", "data.b.p"]).exits(1).complains("nope.rego");
    deps(&[]).exits(2);
}

const ANNOTATED: &str = "# METADATA\n# title: All of it\n# authors:\n# - Joe <joe@x.example>\n# custom: {long: 1, b: [x]}\n\
    package app\n\n# METADATA\n# entrypoint: true\nallow if count(input.x) = 1\n\n# METADATA\n# description: no\ndeny := 1\n";

#[test]
fn inspect_lists_what_a_bundle_holds() {
    let files = folder(&[
        ("b/.manifest", r#"{"revision": "r1", "roots": ["users", "app"], "metadata": {"team": "x"}}"#),
        ("b/.signatures.json", r#"{"signatures": []}"#),
        ("b/app/policy.rego", ANNOTATED),
        ("b/app/other.rego", "package app\n"),
        ("b/users/data.json", r#"{"a": 1}"#),
        ("plain.rego", "package p[\"a b\"]\n"),
        ("twice/a.rego", "# METADATA\n# title: a\npackage a\n"),
        ("twice/b.rego", "# METADATA\n# title: b\npackage a\n"),
    ]);
    let inspect = |args: &[&str]| verdict(files.path(), &[&["inspect"], args].concat());
    let tables = "\
MANIFEST:
┌──────────┬──────────────┐
│  FIELD   │    VALUE     │
├──────────┼──────────────┤
│ Revision │ r1           │
│ Roots    │ app          │
│          │ users        │
│ Metadata │ {\"team\":\"x\"} │
└──────────┴──────────────┘
NAMESPACES:
┌────────────┬───────────────────┐
│ NAMESPACE  │       FILE        │
├────────────┼───────────────────┤
│ data.app   │ b/app/other.rego  │
│            │ b/app/policy.rego │
│ data.users │ b/users/data.json │
└────────────┴───────────────────┘
";
    assert_eq!(inspect(&["b"]).exits(0).out, tables);
    let said = "\
ANNOTATIONS:
All of it
=========

Package:  app
Location: b/app/policy.rego:6
Scope: package

Authors:
 Joe <joe@x.example>

Custom:
 b:    [\"x\"]
 long: 1

app.allow
=========

Package:  app
Rule:     allow
Location: b/app/policy.rego:10
Scope: document
Entrypoint: true

app.deny
========

no

Package:  app
Rule:     deny
Location: b/app/policy.rego:14
Scope: rule

";
    assert_eq!(inspect(&["b", "-a"]).exits(0).out, format!("{tables}{said}"));
    let found = json_of(&inspect(&["b", "-f", "json", "--annotations"]).exits(0).out);
    let manifest = json!({"revision": "r1", "roots": ["users", "app"], "metadata": {"team": "x"}});
    assert_eq!(found["manifest"], manifest);
    assert_eq!(found["signatures_config"], json!({"signatures": []}));
    assert_eq!(found["namespaces"]["data.app"], json!(["b/app/other.rego", "b/app/policy.rego"]));
    let second = &found["annotations"][1];
    assert_eq!(second["annotations"], json!({"scope": "document", "entrypoint": true}));
    assert_eq!(second["location"], json!({"file": "b/app/policy.rego", "row": 10, "col": 1}));
    assert_eq!(second["path"][2], json!({"type": "string", "value": "allow"}));
    let needed = found["capabilities"]["builtins"].as_array().unwrap();
    assert_eq!(needed.iter().map(|one| &one["name"]).collect::<Vec<_>>(), ["count", "eq"]);
    assert_eq!(found["capabilities"]["features"], json!(["rego_v1"]));

    let plain = json_of(&inspect(&["plain.rego", "-f", "json"]).exits(0).out);
    let namespaces = json!({"data.p[\"a b\"]": ["plain.rego"]});
    assert_eq!(
        plain,
        json!({"signatures_config": {}, "namespaces": namespaces, "capabilities": {"features": ["rego_v1"]}})
    );
    inspect(&["twice", "-a"]).exits(1).complains("package annotation redeclared: twice/a.rego:1");
    inspect(&["nope"]).exits(1).complains("cannot read `nope`");
}

#[test]
fn inspect_names_the_files_of_an_archive_from_its_top() {
    let files = folder(&[("b/.manifest", r#"{"roots": ["app"]}"#), ("b/app/p.rego", "package app\n")]);
    let packed = std::fs::File::create(files.path().join("b.tar.gz")).unwrap();
    let mut tar = tar::Builder::new(flate2::write::GzEncoder::new(packed, flate2::Compression::fast()));
    tar.append_dir_all("", files.path().join("b")).unwrap();
    tar.into_inner().unwrap().finish().unwrap();
    let ran = verdict(files.path(), &["inspect", "b.tar.gz", "-f", "json"]).exits(0);
    let found = json_of(&ran.out);
    assert_eq!(found["namespaces"], json!({"data.app": ["/app/p.rego"]}));
    assert_eq!(found["manifest"], json!({"revision": "", "roots": ["app"]}));
}
