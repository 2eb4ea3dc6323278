use std::sync::Arc;

use super::super::{Checks, Schemas};
use super::{said, table};
use crate::RegoVersion::V1;
use crate::Value;

fn json(text: &str) -> Value {
    Value::from_json(text.as_bytes()).unwrap()
}

const INPUT: &str = r##"{
    "type": "object",
    "properties": {
        "user": {"$ref": "#/$defs/user"},
        "tags": {"type": "array", "items": {"type": "string"}},
        "any": {},
        "either": {"anyOf": [{"type": "string"}, {"type": "number"}]},
        "both": {"allOf": [{"properties": {"a": {"type": "string"}}}, {"properties": {"b": {"type": "number"}}}]}
    },
    "$defs": {"user": {"type": "object", "properties": {"name": {"type": "string"}, "boss": {"$ref": "#/$defs/user"}}}}
}"##;

#[test]
fn the_input_is_what_its_schema_says() {
    let schemas = Schemas { input: Some(json(INPUT)), ..Schemas::default() };
    let checks = Checks { schemas: Some(schemas), ..Checks::default() };
    table(
        V1,
        &checks,
        &[
            ("r if input.usr.name", &["2: undefined ref: input.usr.name"]),
            ("r if input.user.nam", &["2: undefined ref: input.user.nam"]),
            ("r if input.user.name == 1", &["2: match error"]),
            ("r if input.user.name.first", &["2: undefined ref: input.user.name.first"]),
            ("r if input.tags[_] == 1", &["2: match error"]),
            ("r if input.both.c", &["2: undefined ref: input.both.c"]),
            ("r if { input.either == \"a\"; input.either == 1 }", &[]),
            ("r if { input.any.what.ever; input.both.a == \"x\"; input.both.b == 1 }", &[]),
            ("r if input.user.boss.boss.boss.x", &[]),
            ("r if { some k; input[k] == 1; k == \"user\" }", &[]),
        ],
    );
    let bad = Checks {
        schemas: Some(Schemas { input: Some(json("[]")), ..Schemas::default() }),
        ..Checks::default()
    };
    let found = said(&["package p\nr := 1"], V1, &bad);
    assert_eq!(found, ["unable to compile the schema: it must be an object, not array"]);
    for (schema, why) in [
        (r#"{"$ref": "https://example.com/x.json"}"#, "is elsewhere"),
        (r##"{"$ref": "#/$defs/nope"}"##, "cannot find"),
        (r#"{"allOf": [{"type": "string"}, {"type": "number"}]}"#, "unable to merge these schemas"),
    ] {
        assert!(super::super::schema::type_of(&json(schema)).unwrap_err().contains(why), "{schema}");
    }
}

#[test]
fn annotations_give_schemas_to_rules_documents_and_packages() {
    let path = |parts: &[&str]| -> Vec<Arc<str>> { parts.iter().map(|part| Arc::from(*part)).collect() };
    let user = json(r#"{"type": "object", "properties": {"name": {"type": "string"}}}"#);
    let by_path = [(path(&["schema", "users", "user"]), user)].into_iter().collect();
    let schemas = Some(Schemas { input: None, by_path });
    let checks = Checks { annotations: true, schemas, ..Checks::default() };
    table(
        V1,
        &checks,
        &[
            (
                "# METADATA\n# schemas:\n#   - input: schema.users.user\nr if input.nam\ns if input.nam",
                &["5: undefined ref: input.nam"],
            ),
            (
                "# METADATA\n# scope: document\n# schemas:\n#   - input.user: schema.users.user\nr if input.user.x\nr if input.user.y\ns if input.user.z",
                &["6: undefined ref: input.user.x", "7: undefined ref: input.user.y"],
            ),
            (
                "# METADATA\n# schemas:\n#   - data.acl: {\"type\": \"object\", \"properties\": {\"a\": {\"type\": \"number\"}}}\nr if data.acl.a == \"x\"\ns if data.acl.b\nt if data.p.s",
                &["5: match error"],
            ),
            (
                "# METADATA\n# schemas:\n#   - input: schema.nope\nr if input.x",
                &["5: undefined schema: schema.nope"],
            ),
            (
                "# METADATA\n# title: 1: 2\nr := 1",
                &["3: yaml: mapping values are not allowed in this context"],
            ),
        ],
    );
    let package = "# METADATA\n# scope: subpackages\n# schemas:\n#   - input: schema.users.user\npackage a\nr if input.x";
    let below = "package a.b\nr if input.y";
    let beside = "package c\nr if input.y";
    let found = said(&[package, below, beside], V1, &checks);
    assert_eq!(found, ["6: undefined ref: input.x", "m1:2: undefined ref: input.y"]);
    let without = Checks::default();
    assert!(said(&[package, below], V1, &without).is_empty());
}
