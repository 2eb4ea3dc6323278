//! OPA's clients for other languages run unchanged: npm `@open-policy-agent/opa`, PyPI `opa-python-client` and `fastapi-opa`.
//! `scripts/test` installs them below `target/tools`.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::harness::{Server, TestApp, skipped};
use verdict::config::{Insecure, Profile};
use verdict::identity::dev::TokenRequest;

const POLICY: &str = r#"package authz

default allow := false

allow if input.user == "alice"

person := {"name": input.user}

maybe := 1 if input.x == 1

maybe := input.x if input.x == 2

maybe := 3 if input.x == 2

conflict := 1

conflict := 2 if is_object(input)
"#;

fn app() -> TestApp {
    TestApp::new()
        .file("authz/.manifest", r#"{"roots": ["authz", "system", "httpapi"]}"#)
        .file("authz/authz/policy.rego", POLICY)
}

/// What `scripts/test` has installed, if it could.
fn tool(path: &str) -> Option<PathBuf> {
    let tool = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/tools").join(path);
    if tool.exists() {
        return Some(tool);
    }
    skipped(&format!("OPA's clients: no target/tools/{path}; scripts/test installs it"));
    None
}

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/opa_api/sdk").join(name)
}

#[track_caller]
fn passes(command: &mut Command) {
    let output = command.env("NO_PROXY", "127.0.0.1").env("PYTHONDONTWRITEBYTECODE", "1").output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && said.contains("all of it"),
        "{said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// A server that asks for tokens, and a token of somebody who may do everything.
fn guarded() -> (Server, String) {
    let profile = Profile::Run(Insecure { dev_issuer: true, ..Insecure::default() });
    let config = "identity: {mode: required}\ndoors: {opa: {queries: true, writes: {enabled: true}}}\n";
    let server = app()
        .file(
            "authz/system/main.rego",
            "package system\n\nmain := {\"greeting\": sprintf(\"hello %s\", [input.user])}\n",
        )
        .config(config)
        .profile(profile)
        .start();
    let token = server.token(&TokenRequest {
        sub: "ops".to_owned(),
        roles: vec!["verdict-admin".to_owned(), "verdict-policy-admin".to_owned()],
        ttl: Duration::from_secs(600),
        ..TokenRequest::default()
    });
    (server, token)
}

#[test]
fn the_npm_client() {
    let Some(folder) = tool("opa-npm") else { return };
    let (server, token) = guarded();
    passes(Command::new("node").arg(script("npm.mjs")).arg(folder).arg(server.url("")).arg(token));
}

#[test]
fn the_python_client() {
    let Some(python) = tool("opa-py/bin/python") else { return };
    let (server, token) = guarded();
    let (ip, port) = (server.app.address.ip().to_string(), server.app.address.port().to_string());
    passes(Command::new(python).arg(script("client.py")).args([ip, port, token]));
}

#[test]
fn fastapi() {
    let Some(python) = tool("opa-py/bin/python") else { return };
    let policy = "package httpapi.authz\n\ndefault allow := false\n\nallow if {\n\tinput.request_method == \"GET\"\n\t\
                  input.request_path[0] == \"invoices\"\n}\n\nallow := 1 if input.request_path[0] == \"conflict\"\n\n\
                  allow := 2 if input.request_path[0] == \"conflict\"\n";
    let server = app().file("authz/httpapi/authz.rego", policy).start();
    let down = TestApp::new().start();
    let nobody = down.url("");
    assert!(down.shutdown());
    passes(Command::new(python).arg(script("fastapi_app.py")).arg(server.url("")).arg(nobody));
}
