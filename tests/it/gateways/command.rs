//! `verdict routes test`.

use std::process::Command;

const CONFIG: &str = "doors:
  http:
    openapi: api.yaml
    routes:
      - {name: read-invoice, path: '/invoices/{id}', methods: [GET], action: read, resource: {type: invoice, id: '{id}'}}
";

const OPENAPI: &str = "openapi: 3.0.3\npaths: {/status: {get: {operationId: showStatus, tags: [status]}}}\n";

#[test]
fn it_shows_what_policy_would_see() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("verdict.yaml"), CONFIG).unwrap();
    std::fs::write(dir.path().join("api.yaml"), OPENAPI).unwrap();
    for (args, code, said) in [
        (&["GET", "/invoices/4%32?x=1"][..], 0, r#""id": "42""#),
        (&["GET", "/invoices/42"], 0, r#""route": "read-invoice""#),
        (&["HEAD", "/invoices/42"], 0, r#""action": "read""#),
        (&["GET", "/invoices/42", "--input"], 0, r#""parsed_path""#),
        (&["GET", "https://Api.Example/invoices/42", "--input"], 0, r#""host": "api.example""#),
        (&["GET", "/invoices/42", "--host", "api.example:8443", "--input"], 0, r#""port": 8443"#),
        (&["GET", "/status"], 0, r#""action": "showStatus""#),
        (&["PUT", "/invoices/42"], 1, "no route matches"),
        (&["GET", "/invoices/../x"], 1, "refused: ambiguous path: a dot segment"),
        (&["get", "/invoices/42"], 1, "not in capitals"),
        (&["GET", "/x", "--set", "doors.http.unmatched=deny"], 1, "no route matches `GET /x`"),
        (&["GET", "/x", "--set", "doors.http.openapi=none.yaml"], 2, "none.yaml"),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_verdict"))
            .current_dir(dir.path())
            .args(["routes", "test", "--config", "verdict.yaml"])
            .args(args)
            .output()
            .unwrap();
        let text =
            format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert_eq!(output.status.code(), Some(code), "{args:?}: {text}");
        assert!(text.contains(said), "{args:?}: {text}");
    }
}
