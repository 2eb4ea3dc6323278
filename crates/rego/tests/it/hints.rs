//! Hints: every usual mistake names the construct and the way on.

use verdict_rego::{Checks, Diagnostic, Given, Location, Module, RegoVersion, Value, findings};

const CASES: &str = include_str!("hints/cases.txt");

fn module(id: &str, source: &str) -> Module {
    Module { id: id.to_owned(), source: source.into(), version: RegoVersion::V1 }
}

/// An error with its hint, as the cases have it.
fn shown(found: &Diagnostic) -> String {
    let Diagnostic { location: Some(Location { row, col, .. }), message, hint, .. } = found else {
        return found.to_string();
    };
    let hint = hint.as_ref().map(|hint| format!("  hint: {hint}\n")).unwrap_or_default();
    format!("{row}:{col}: {message}\n{hint}")
}

#[test]
fn a_mistake_is_answered_with_the_way_on() {
    let mut wrong = Vec::new();
    let cases: Vec<&str> = CASES.split("\n=== ").skip(1).collect();
    assert!(cases.len() > 100, "{}", cases.len());
    for case in cases {
        let (name, rest) = case.split_once('\n').unwrap();
        let (source, want) = rest.split_once("\n---\n").unwrap();
        let source = format!("{source}\n");
        let found = findings(vec![module("policy.rego", &source)], Value::object(), &Checks::default());
        let got: String = found.errors.iter().map(shown).collect();
        if got.trim() != want.trim() {
            wrong.push(format!("=== {name}\n{source}---\n{got}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What is said of modules `a`, `b`, …, errors and warnings.
fn said(sources: &[&str], data: &str, given: Option<Given>) -> Vec<String> {
    let id = |number: usize| char::from(b'a' + number as u8).to_string();
    let modules = sources.iter().enumerate().map(|(number, source)| module(&id(number), source)).collect();
    let data = Value::from_json(data.as_bytes()).unwrap();
    let found = findings(modules, data, &Checks { given, ..Checks::default() });
    let text = |found: &Diagnostic| {
        let hint = found.hint.clone().unwrap_or_default();
        format!("{}: {hint}", found.message)
    };
    found.errors.iter().chain(&found.warnings).map(text).collect()
}

#[test]
fn names_of_other_packages_are_found() {
    let lib = "package lib.users\n\nis_admin if input.admin\n\nhas_role(x) if x in input.roles\n";
    for (source, want) in [
        (
            "package a\n\nr if is_admin",
            "var is_admin is unsafe: write `data.lib.users.is_admin`, or `import data.lib.users.is_admin`",
        ),
        (
            "package a\n\nr if users.is_admin",
            "var users is unsafe: to use the package write `import data.lib.users`",
        ),
        (
            "package a\n\nr if has_role(\"x\")",
            "undefined function has_role: did you mean `data.lib.users.has_role`?",
        ),
        (
            "package a\nimport data.lib.users\nr if users.has_rol(\"x\")",
            "undefined function data.lib.users.has_rol: did you mean `users.has_role`?",
        ),
        (
            "package a\n\nr if data.nosuch.f(1)",
            "undefined function data.nosuch.f: no policy of the package `nosuch` is loaded: name its file, too",
        ),
        (
            "package a\n\nr if data.lib.users.has_role(1, 2, 3)",
            "function data.lib.users.has_role has arity 1, got 3 arguments: it is `has_role(x)` on line 5 of b",
        ),
    ] {
        assert_eq!(said(&[source, lib], "{}", None), [want], "{source}");
    }
}

const APP: &str = "package app\n\ndefault allow := false\n\nallow if input.x\n\nowner[x] := y if y := input.owners[x]\n\nrules := {\"a\"}\n\nlimit1 := 1\n\nuser := \"a\"\n\ndeep.inner.name := 1\n";

#[test]
fn a_reference_that_leads_nowhere_is_warned_of() {
    for (reference, meant) in [
        ("data.app.alow", Some("data.app.alow, data.app.allow")),
        ("data.app.allwo", Some("data.app.allwo, data.app.allow")),
        ("data.app.allows[_]", None),
        ("data.app.owners.x", None),
        ("data.app.ownerr.x", Some("data.app.ownerr, data.app.owner")),
        ("data.ap.allow", None),
        ("data.apq.allow", Some("data.apq, data.app")),
        ("data.apps.allow", Some("data.apps, data.app")),
        ("data.apps.nothing", None),
        ("data.app.allow", None),
        ("data.app.owner.bob.alow", None),
        ("data.app.deep.innre.name", Some("data.app.deep.innre, data.app.deep.inner")),
        // What may be documents: other words, plurals, numbers, and what data or a `with` gives.
        ("data.app.roles.x", None),
        ("data.app.users[_]", None),
        ("data.app.limit2", None),
        ("data.other.allow", None),
        ("data.app[input.x]", None),
        ("data.app.allou", None),
        ("data.app.given", None),
    ] {
        let test =
            format!("package app_test\n\nr if {reference}\n\ng if data.app.x with data.app.given as 1\n");
        let want = meant.map(|meant| {
            let (written, meant) = meant.split_once(", ").unwrap();
            format!("`{written}` leads nowhere: no rule and no data is there: did you mean `{meant}`?")
        });
        let got = said(&[APP, &test], r#"{"app": {"allou": 1}}"#, Some(Given::default()));
        assert_eq!(got, Vec::from_iter(want), "{reference}");
        assert_eq!(said(&[APP, &test], "{}", None), Vec::<String>::new(), "{reference}");
    }
}

#[test]
fn below_the_roots_of_a_bundle_nothing_comes_from_elsewhere() {
    let given = |root: &str| Given { owned: vec![vec![root.to_owned()]], ..Given::default() };
    let test = "package app\n\nr if data.app.people.bob\n\ns if data.app.guests.eve\n\nt if data.lib.x\n";
    let data = r#"{"app": {"guests": {}}}"#;
    let want = "`data.app.people` leads nowhere: its bundle has neither a rule nor data there: ";
    assert_eq!(said(&[APP, test], data, Some(given("app"))), [want]);
    assert_eq!(said(&[APP, test], data, Some(given("lib"))), Vec::<String>::new());
}

#[test]
fn a_member_of_the_input_that_is_nearly_there_is_warned_of() {
    let given = || Given { input: &[("subject", &["id", "roles", "tenant"])], ..Given::default() };
    for (reference, meant) in [
        ("input.subject.rolse[_]", Some(("rolse", "roles"))),
        ("input.subject.tennant", Some(("tennant", "tenant"))),
        ("input.subject.role", None),
        ("input.subject.ids", None),
        ("input.subject.email", None),
        ("input.object.rolse", None),
    ] {
        let want = meant.map(|(member, meant)| {
            format!("`input.subject` has no member `{member}`: did you mean `input.subject.{meant}`?")
        });
        let source = format!("package a\n\nr if {reference}\n");
        assert_eq!(said(&[&source], "{}", Some(given())), Vec::from_iter(want), "{reference}");
    }
}
