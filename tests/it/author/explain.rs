//! `verdict eval --explain`: why, with the values that were found.

use super::{folder, verdict};

const POLICY: &str = r#"package app

default allow := false

# METADATA
# title: Owners
allow if input.user == input.owner

allow if "admin" in input.roles

allow if startswith(input.path, "/public/")
"#;

fn explain(input: &str, more: &[&str]) -> (i32, String) {
    let folder = folder(&[("app.rego", POLICY), ("input.json", input)]);
    let mut args = vec!["eval", "-d", "app.rego", "-i", "input.json"];
    args.extend(more);
    let done = verdict(folder.path(), &args);
    (done.code, done.out + &done.err)
}

#[test]
fn a_denial_says_what_was_found() {
    let input = r#"{"user": "ann", "owner": "bob", "path": "/private/x"}"#;
    let (code, text) = explain(input, &["-f", "pretty", "--explain", "data.app.allow"]);
    let expected = r#"data.app.allow is false, by default:
  fails  app.rego:7  "Owners"
         line 7: input.user == input.owner
           "ann", "bob"
  fails  app.rego:9
         line 9: "admin" in input.roles
           input.roles is undefined
  fails  app.rego:11
         line 11: startswith(input.path, "/public/")
           "/private/x", "/public/"
false
"#;
    assert_eq!((code, text.as_str()), (0, expected));
}

#[test]
fn what_is_gone_through_and_empty_is_said_to_be_empty() {
    let folder = folder(&[
        (
            "app.rego",
            "package app

names contains x if some x in input.names

by_set if {
\tsome name in names
\tname == \"a\"
}

by_array if input.roles[_] == \"admin\"

by_object if {
\tsome key, _ in data.teams[input.team]
\tkey == \"a\"
}

by_text if some x in input.team

by_nothing if input.groups[_].name == \"a\"

listed := input.names
",
        ),
        ("teams.json", r#"{"teams": {"red": {}}}"#),
        ("input.json", r#"{"names": [], "roles": [], "team": "red"}"#),
    ]);
    for (rule, line, found) in [
        ("by_set", 6, "names is empty"),
        ("by_set", 3, "input.names is empty"),
        ("by_array", 10, "input.roles is empty"),
        ("by_object", 13, "data.teams[input.team] is empty"),
        ("by_text", 17, "input.team is \"red\", which has no elements"),
        ("by_nothing", 19, "input.groups is undefined"),
    ] {
        let query = format!("data.app.{rule}");
        let args =
            ["eval", "-d", "app.rego", "-d", "teams.json", "-i", "input.json", "-f", "pretty", "--explain"];
        let done = verdict(folder.path(), &[&args[..], &[&query]].concat()).exits(0);
        let text = done.out + &done.err;
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        let at = lines.iter().position(|text| text.starts_with(&format!("line {line}:")));
        assert_eq!(at.map(|at| lines[at + 1]), Some(found), "{query}\n{text}");
        assert!(!text.contains("by default"), "{text}");
    }
    let args = ["eval", "-d", "app.rego", "-i", "input.json", "-f", "pretty", "--explain", "data.app.listed"];
    verdict(folder.path(), &args).exits(0).says("data.app.listed is empty:\n  holds");
}

#[test]
fn an_allow_says_what_granted_it_and_json_has_it_in_the_document() {
    let input = r#"{"user": "ann", "owner": "ann"}"#;
    let (code, text) = explain(input, &["-f", "pretty", "--explain=full", "data.app.allow"]);
    assert_eq!(
        (code, text.as_str()),
        (0, "data.app.allow is true:\n  holds  app.rego:7  \"Owners\"\ntrue\n")
    );
    let (code, text) = explain(input, &["--explain=fails", "-f", "json", "data.app"]);
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!((code, &json["explanation"]["candidates"][0]["title"]), (0, &serde_json::json!("Owners")));
}

#[test]
fn what_is_no_document_is_not_explained() {
    let (code, text) = explain("{}", &["-f", "pretty", "--explain", "data.app.allow == true"]);
    assert_eq!(code, 2);
    assert!(text.contains("`--explain` is for the path of a document"), "{text}");
}
