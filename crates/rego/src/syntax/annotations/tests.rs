use serde_json::json;

use super::super::ast::Version;
use super::super::parser::{Options, parse_module};
use super::super::source::Source;
use super::*;

fn of(text: &str) -> Result<Vec<Annotation>, Vec<Error>> {
    annotations(&parse_module(&Source::new("test.rego", text), Version::V1, Options::default()).unwrap())
}

#[test]
fn attaches_each_to_what_follows() {
    let found = of(
        "# METADATA\n# title: one\npackage a\n\n# METADATA\n# scope: document\n\n# other\np := 1\n\n\
                    # METADATA\n# entrypoint: true\n# METADATA\n# title: another\nq := 2\n# METADATA\n# title: r\nr := 3",
    )
    .unwrap();
    // A block that begins directly below another one is one of its own.
    let titles: Vec<_> = found.iter().map(|one| (one.target, one.content.title.as_str())).collect();
    assert_eq!(titles[2..4], [(Target::Rule(1), ""), (Target::Rule(1), "another")]);
    let found =
        of("# METADATA\n# title: one\npackage a\n\n# METADATA\n# scope: document\n\n# other\np := 1\n\n\
                    # METADATA\n# entrypoint: true\nq := 2\n# METADATA\r\n# title: r\r\nr := 3")
        .unwrap();
    let seen: Vec<_> = found.iter().map(|one| (one.target, one.scope, one.content.title.as_str())).collect();
    let want = [
        (Target::Package, Scope::Package, "one"),
        (Target::Rule(0), Scope::Document, ""),
        (Target::Rule(1), Scope::Document, ""),
        (Target::Rule(2), Scope::Rule, "r"),
    ];
    assert_eq!(seen, want);
    assert_eq!(found[1].span, Span { start: 35, end: 63 });
}

#[test]
fn reads_all_fields() {
    let text = "package a\n# METADATA\n# scope: rule\n# title: 7\n# description: |\n#  two\n#  lines\n\
        # organizations: [x]\n# related_resources:\n# - https://a.example\n# - ref: https://b.example\n#   description: b\n\
        # authors:\n# - Ann Lee <ann@a.example>\n# - {name: Bob}\n# schemas:\n# - input: schema.in\n# - data.x[\"y z\"]: {type: string}\n\
        # custom:\n#   a: [1, 2.5, null, {b: true}]\n# labels: {team: x, level: 010, tags: [y]}\n# compile:\n#   unknowns: [input.x]\n#   mask_rule: masks\n# unknown: 1\np := 1";
    let found = of(text).unwrap();
    let want = json!({
        "scope": "rule",
        "title": "7",
        "description": "two\nlines\n",
        "organizations": ["x"],
        "related_resources": [
            {"ref": "https://a.example"},
            {"ref": "https://b.example", "description": "b"},
        ],
        "authors": [{"name": "Ann Lee", "email": "ann@a.example"}, {"name": "Bob"}],
        "schemas": [
            {"path": ["input"], "schema": ["schema", "in"]},
            {"path": ["data", "x", "y z"], "definition": {"type": "string"}},
        ],
        "custom": {"a": [1, 2.5, null, {"b": true}]},
        "labels": {"team": "x", "level": 10, "tags": ["y"]},
    });
    assert_eq!(found[0].to_json(), want);
    let compile = found[0].content.compile.clone().unwrap();
    assert_eq!(compile.unknowns, [["input".into(), "x".into()]]);
    assert_eq!(compile.mask_rule, ["masks".into()]);
}

#[test]
fn says_what_is_wrong() {
    for (block, below, want) in [
        ("", "p := 1", "expected METADATA block, found whitespace"),
        ("# a: [", "p := 1", "yaml: "),
        ("# - a", "p := 1", "yaml: metadata must be a mapping"),
        ("# labels: [a]", "p := 1", "yaml: 'labels' must be a mapping"),
        ("# entrypoint: 1", "p := 1", "yaml: 'entrypoint' must be a boolean"),
        ("# scope: galaxy", "p := 1", "invalid annotation scope 'galaxy'. Use one of"),
        ("# title: x", "import data.x", "invalid annotation scope 'import'. Use one of"),
        ("# title: x", "", "invalid annotation scope ''. Use one of"),
        ("# scope: package", "p := 1", "annotation scope 'package' must be applied to package (have rule)"),
        ("# scope: rule", "import data.x", "annotation scope 'rule' must be applied to rule (have import)"),
        (
            "# scope: rule\n# entrypoint: true",
            "p := 1",
            "annotation entrypoint applied to non-document or package",
        ),
        ("# authors: ['']", "p := 1", "invalid author definition : author is an empty string"),
        (
            "# related_resources: [{a: b}]",
            "p := 1",
            "invalid related-resource definition {\"a\":\"b\"}: 'ref' value",
        ),
        ("# schemas: [{'1': schema}]", "p := 1", "invalid document reference"),
        ("# schemas: [{input: other}]", "p := 1", "invalid schema reference"),
        ("# custom: {1: 2}", "p := 1", "yaml: "),
        ("# custom: {a: 1, a: 2}", "p := 1", "yaml: "),
    ] {
        let errors = of(&format!("package a\n# METADATA\n{block}\n{below}")).unwrap_err();
        assert!(errors[0].message.starts_with(want), "{block}: {errors:?}");
    }
    let errors = of("package a\n# METADATA\n# title: a\n# b:c\np := 1").unwrap_err();
    assert_eq!(errors[0].hint.as_deref(), Some("on line 4, the ':' after a key must be followed by a space"));
}

#[test]
fn aliases_cannot_fill_the_memory() {
    let laughs: String = ('b'..='p').zip('a'..).fold(String::new(), |text, (name, last)| {
        text + &format!("#   {name}: &{name} [{}]\n", format!("*{last},").repeat(10))
    });
    let text = format!("package a\n# METADATA\n# custom:\n#   a: &a x\n{laughs}p := 1");
    assert!(of(&text).unwrap_err()[0].message.starts_with("yaml: "));
    for times in [200, 256, 100_000] {
        let deep = format!("package a\n# METADATA\n# custom: {}\np := 1", "[".repeat(times));
        assert!(of(&deep).is_err());
    }
}
