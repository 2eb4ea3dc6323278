//! Exit codes: 1 where the server says no, 2 for what could not be tried.

use std::net::TcpListener;

use super::{Stub, World, ran};

#[test]
fn what_the_server_says_decides_the_exit_code() {
    let problem = r#"{"code": "c", "message": "`id` is no identifier", "field": "id"}"#;
    for (status, body, code, said) in [
        (400, problem, 1, "error: `id` is no identifier (status 400)\n"),
        (
            400,
            r#"{"message": "is no number", "field": "limit"}"#,
            1,
            "error: `limit` is no number (status 400)\n",
        ),
        (
            401,
            r#"{"message": "unknown api key"}"#,
            1,
            "unknown api key (status 401)\nhint: the credential is that of `VERDICT_API_KEY`",
        ),
        (403, r#"{"message": "no"}"#, 1, "no (status 403)\nhint: "),
        (404, r#"{"message": "there is no agent"}"#, 1, "error: there is no agent (status 404)\n"),
        (404, "", 1, "the management listener of a server with a registry?"),
        (409, r#"{"message": "it is there"}"#, 1, "it is there (status 409)"),
        (429, r#"{"message": "too many"}"#, 1, "too many (status 429)"),
        (503, r#"{"message": "the database does not answer"}"#, 2, "does not answer (status 503)"),
        (500, "<html>", 2, "the server does not say why (status 500)"),
        (200, "<html>", 2, "is it the management listener of verdict?"),
        (302, "", 2, "redirect"),
    ] {
        let ran = Stub::of(&[(status, body)]).run(&["agent", "show", "a"]).exits(code);
        assert!(ran.err.contains(said) && ran.out.is_empty(), "{status}: {}{}", ran.out, ran.err);
        assert!(!ran.err.contains("sk_test"), "{}", ran.err);
    }
}

#[test]
fn what_cannot_be_asked_has_exit_code_2() {
    let folder = tempfile::tempdir().unwrap();
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let closed = format!("http://{closed}");
    let key = [("VERDICT_API_KEY", "sk_canary")];
    std::fs::write(folder.path().join("two"), "two keys").unwrap();
    std::fs::write(folder.path().join("off.yaml"), "management: {listen: off}\n").unwrap();
    for (env, args, said) in [
        (&key[..], &["org", "list", "--server", &closed][..], "hint: is the server running?"),
        (&key, &["org", "list", "--server", "http://verdict.example"], "plain http would show the key"),
        (&key, &["org", "list", "--server", "verdict.example"], "is not usable"),
        (&key, &["org", "list", "--config", "off.yaml"], "does not say where management listens"),
        (&key, &["org", "list", "--config", "none.yaml"], "none.yaml"),
        (&key, &["agent", "show", "..", "--server", &closed], "`..` is no identifier"),
        (&key, &["org", "list", "--key-file", "none"], "cannot read the key from `none`"),
        (&key, &["org", "list", "--key-file", "two"], "`two` is not one key"),
        (&[], &["org", "list"], "there are no credentials"),
        (&[], &["org", "list", "--credentials", "none"], "there is no file `none`"),
        (&[("VERDICT_CREDENTIALS", "none")], &["org", "list"], "there is no file `none`"),
        (&[("VERDICT_API_KEY", "a b")], &["org", "list"], "`VERDICT_API_KEY` is not one key"),
    ] {
        let ran = ran(folder.path(), env, args, "").exits(2);
        assert!(ran.err.contains(said) && ran.out.is_empty(), "{args:?}: {}{}", ran.out, ran.err);
        assert!(!ran.err.contains("sk_canary"), "{}", ran.err);
    }
}

#[test]
fn the_wrong_key_is_refused_and_no_key_stands_in_arguments() {
    let world = World::begun();
    let made = world.json(&["agent", "create", "--key"]);
    std::fs::write(world.path("agent"), made.member("api_key")).unwrap();
    std::fs::write(world.path("wrong"), "sk_admin_0000").unwrap();
    let forbidden = world.run(&["org", "create", "--id", "x", "--key-file", "agent"]).exits(1);
    assert!(forbidden.err.contains("status 403"), "{}", forbidden.err);
    let unknown = world.run(&["org", "list", "--key-file", "wrong"]).exits(1);
    assert!(unknown.err.contains("status 401") && unknown.err.contains("`wrong`"), "{}", unknown.err);
    // An admin of one organisation cannot even see another.
    let beta = world.json(&["org", "create", "--id", "beta"]).member("admin_key");
    std::fs::write(world.path("beta"), beta).unwrap();
    let hidden = world.run(&["agent", "show", &made.member("id"), "--key-file", "beta"]).exits(1);
    assert!(hidden.err.contains("there is no agent"), "{}", hidden.err);
    for flag in ["--key", "--api-key", "--token", "--password"] {
        world.run(&["whoami", flag, "sk_admin_0000"]).exits(2);
    }
}
