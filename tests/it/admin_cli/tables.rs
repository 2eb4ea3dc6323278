//! Tables to the letter, and what is asked for them.

use super::Stub;
use crate::cli::on_terminal;

#[test]
fn lists_of_agents_fit_a_terminal() {
    let stub = Stub::of(&[(
        200,
        r#"{"items": [
            {"id": "agent_57c04873ca63b84f", "name": "Payment Processor for all of Europe and beyond", "organisation": "acme-corporation-of-the-north", "roles": ["payer", "reader"], "permissions": [], "state": "active"},
            {"id": "agent_bdf3f1ede88417b7", "organisation": "beta", "roles": [], "state": "disabled"}
        ], "next": "YWdlbnQ"}"#,
    )]);
    let ran = stub.run(&["agent", "list", "--org", "acme/x", "--limit", "2"]).exits(0);
    let expected = "\
ID                      NAME                                            ORGANISATION                   ROLES          STATE
agent_57c04873ca63b84f  Payment Processor for all of Europe and beyond  acme-corporation-of-the-north  payer, reader  active
agent_bdf3f1ede88417b7  -                                               beta                           -              disabled
";
    assert_eq!(ran.out, expected);
    assert_eq!(ran.err, "note: there are more; go on with --after YWdlbnQ\n");
    let asked = stub.asked().remove(0);
    assert!(asked.starts_with("GET /v1/agents?organisation=acme%2Fx&limit=2 HTTP/1.1\r\n"), "{asked}");
    assert!(asked.contains("\r\nauthorization: Bearer sk_test\r\n"), "{asked}");

    // Only on a terminal are cells cut, and ids never are.
    let folder = tempfile::tempdir().unwrap();
    let args = ["agent", "list", "--org", "acme/x", "--server", &stub.url];
    let Some(mut command) = on_terminal(folder.path(), 80, &[("VERDICT_API_KEY", "sk_test")], &args) else {
        crate::harness::skipped("a table on a terminal: there is no `script` that runs a command");
        return;
    };
    let shown = String::from_utf8(command.output().unwrap().stdout).unwrap();
    let lines: Vec<&str> = shown.lines().map(str::trim_end).collect();
    assert!(lines.iter().all(|line| line.chars().count() <= 80), "{shown}");
    assert!(
        lines[1].starts_with("agent_57c04873ca63b84f  Payment Proc") && lines[1].contains("…  "),
        "{shown}"
    );
    assert!(lines[1].ends_with("active") && lines[2].ends_with("disabled"), "{shown}");
}

#[test]
fn keys_and_events_and_entries_are_shown_to_the_letter() {
    let keys = Stub::of(&[(
        200,
        r#"{"items": [
            {"id": "key_1afadd8655b7a9f5", "kind": "device", "agent": "agent_57c04873ca63b84f", "organisation": "beta", "state": "disabled", "expires_at": "2026-12-29T02:24:19.859612604Z", "last_used_at": null},
            {"id": "key_dd883256704b2de2", "kind": "admin", "organisation": "beta", "state": "active"}
        ], "next": null}"#,
    )]);
    let expected = "\
ID                    KIND    OF                      STATE     EXPIRES (UTC)
key_1afadd8655b7a9f5  device  agent_57c04873ca63b84f  disabled  2026-12-29 02:24
key_dd883256704b2de2  admin   beta                    active    -
";
    assert_eq!(keys.run(&["key", "list"]).exits(0).out, expected);
    let device = "\
ID                    KIND    OF                      STATE     EXPIRES (UTC)
key_1afadd8655b7a9f5  device  agent_57c04873ca63b84f  disabled  2026-12-29 02:24
";
    assert_eq!(keys.run(&["device", "list"]).exits(0).out, device);

    let audit = Stub::of(&[(
        200,
        r#"{"items": [{"seq": 18, "at": "2026-11-29T02:24:20Z", "category": "auth", "action": "key.revoke", "actor": {"id": "key_51199a5ae9c9aaaa", "role": "an operator"}, "changes": [{"kind": "key", "id": "key_b0ba828838637812", "digest": ""}], "previous": ""}], "next": 18}"#,
    )]);
    let listed = audit.run(&["audit", "list", "--action", "key.", "--before", "19"]).exits(0);
    let expected = "\
SEQ  AT (UTC)          ACTION      WHAT                  BY
18   2026-11-29 02:24  key.revoke  key_b0ba828838637812  key_51199a5ae9c9aaaa
";
    assert_eq!(listed.out, expected);
    assert_eq!(listed.err, "note: there are more; go on with --before 18\n");
    assert!(
        audit.asked()[0].starts_with("GET /v1/audit?action=key.&before=19 HTTP/1.1\r\n"),
        "{:?}",
        audit.asked()
    );
}

#[test]
fn what_a_terminal_would_obey_is_not_shown() {
    let stub = Stub::of(&[(200, r#"{"id": "a", "name": "\u001b[2J\u0007", "state": "active"}"#)]);
    let ran = stub.run(&["agent", "show", "a"]).exits(0);
    assert_eq!(ran.out, "id     a\nname   \u{fffd}[2J\u{fffd}\nstate  active\n");
    let refused = Stub::of(&[(404, r#"{"code": "x", "message": "\u001b[2Jno"}"#)]);
    assert!(!refused.run(&["agent", "show", "a"]).exits(1).err.contains('\u{1b}'));
}

/// Whatever the API says, members that this version does not know included.
#[test]
fn json_is_what_the_server_says() {
    let body = "{\"items\":[{\"id\":\"a\",\"new\":1e2}],  \"next\":null}";
    let stub = Stub::of(&[(200, body)]);
    assert_eq!(stub.run(&["agent", "list", "-o", "json"]).exits(0).out, format!("{body}\n"));
}
