//! Decisions over real sockets: who may ask, what is answered, and what is recorded.

use std::time::Duration;

use verdict::identity::dev::TokenRequest;

use crate::harness::{Server, TestApp};

mod answers;
mod batch;
mod callers;
mod explained;
mod forms;

/// One document for each way in which a call can end.
const POLICY: &str = r#"package demo

echo := input

default allow := false

allow if input.subject.id == "alice"

flag := input.flag

no := false

maybe if input.x == 1

text := "plain"

builtin := to_number(input.text)

conflict := 1 if input.c

conflict := 2 if input.c

many := numbers.range(1, 2000)
"#;

const MAIN: &str =
    "package system\n\nmain := {\"allow\": object.get(input, \"x\", 0) == 1, \"echo\": input}\n";

/// Callers must say who they are, save for two documents.
const VERIFIED: &str =
    "identity:\n  mode: required\n  entrypoints: {demo/echo: optional, demo/no: \"off\"}\n";

fn app() -> TestApp {
    TestApp::new()
        .file("demo/.manifest", r#"{"revision": "r1"}"#)
        .file("demo/demo/policy.rego", POLICY)
        .file("demo/system/main.rego", MAIN)
}

fn verified() -> Server {
    app().config(VERIFIED).start()
}

fn alice() -> TokenRequest {
    TokenRequest {
        sub: "alice".to_owned(),
        kind: Some("agent".to_owned()),
        roles: vec!["editor".to_owned()],
        ttl: Duration::from_secs(600),
        ..TokenRequest::default()
    }
}
