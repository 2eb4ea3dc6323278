//! What is wrong with what comes from a service: the last good stays in force, and status says why.

use super::*;

const PATH: &str = "/authz.tar.gz";

/// Until the year 2100, and until 1970.
const LATER: u64 = 4_102_444_800;
const PAST: u64 = 1000;

fn whole_claims(name: &str, revision: &str, exp: u64) -> Value {
    json!({ "bundle": name, "revision": revision, "exp": exp })
}

/// A member that unpacks to a million times its size.
fn bomb() -> Vec<u8> {
    pack(&[("data.json", [b"\"".to_vec(), vec![b'0'; 64 << 20], b"\"".to_vec()].concat())])
}

fn cut_off(bytes: &[u8], announced: usize) -> Answer {
    let head = format!("HTTP/1.1 200 x\r\nContent-Length: {announced}\r\n\r\n");
    Answer::Raw([head.as_bytes(), bytes].concat())
}

fn redirect() -> Answer {
    Answer::of(302, b"").with("Location", "http://127.0.0.1:1/elsewhere")
}

#[test]
fn what_is_wrong_with_an_answer_is_said_and_changes_nothing() {
    let good = signed("app", "5", "first", &whole_claims("authz", "5", LATER));
    let next = signed("app", "6", "second", &whole_claims("authz", "6", LATER));
    let half = next.len() / 2;
    let tampered = {
        let mut files = files("app", "6", "tampered");
        let key = SigningKey::new(Algorithm::Hs256, KEY.as_bytes()).unwrap();
        let listed = files.iter().map(|(name, bytes)| (*name, bytes.as_slice()));
        let token = sign(listed, &key, whole_claims("authz", "6", LATER).as_object(), Some("main")).unwrap();
        files[1].1.extend(b"\nmore := true\n");
        files.push((".signatures.json", token));
        pack(&files)
    };
    let bound = |claims: &Value| Answer::of(200, &signed("app", "6", "second", claims));
    let cases: Vec<(&str, Answer, &str)> = vec![
        (
            "unauthorized",
            Answer::of(401, b""),
            "answered 401 instead of 200; check the service's credentials",
        ),
        ("forbidden", Answer::of(403, b""), "answered 403 instead of 200"),
        ("gone", Answer::of(404, b""), "answered 404 instead of 200; check `url` and `resource`"),
        ("broken", Answer::of(500, b"secret details"), "answered 500 instead of 200"),
        ("no content", Answer::of(204, b""), "answered 204 instead of 200"),
        ("elsewhere", redirect(), "redirects are not followed; configure the final url"),
        ("empty", Answer::of(200, b""), "what was fetched is refused: the archive is corrupt or truncated"),
        (
            "a page",
            Answer::of(200, b"<html>log in</html>"),
            "what was fetched is refused: the archive is corrupt",
        ),
        ("cut off", cut_off(&next[..half], next.len()), "the call failed"),
        (
            "half",
            Answer::of(200, &next[..half]),
            "what was fetched is refused: the archive is corrupt or truncated",
        ),
        (
            "longer",
            Answer::of(200, &[next.as_slice(), b"more"].concat()),
            "trailing data after the gzip stream",
        ),
        (
            "announced",
            cut_off(b"", 3 << 30),
            "longer than 1048576 bytes; make the bundle smaller, or raise `bundles.max_bundle_size`",
        ),
        ("no http", Answer::Raw(b"220 mail.example ready\r\n".to_vec()), "the call failed"),
        ("nothing", Answer::Raw(Vec::new()), "the call failed"),
        (
            "stuck",
            Answer::Stuck(b"HTTP/1.1 200 x\r\nContent-Length: 9\r\n\r\n".to_vec()),
            "no complete answer within 2s",
        ),
        ("a bomb", Answer::of(200, &bomb()), "what was fetched is refused: is larger than 1MiB unpacked"),
        ("unsigned", Answer::of(200, &bundle("app", "6", "second")), "is not signed"),
        ("tampered", Answer::of(200, &tampered), "does not match its signature"),
        ("another's", bound(&whole_claims("users", "6", LATER)), "is signed as the bundle `users`"),
        (
            "another revision",
            bound(&whole_claims("authz", "7", LATER)),
            "is signed as revision `7`, and its manifest has `6`",
        ),
        (
            "expired",
            bound(&whole_claims("authz", "6", PAST)),
            "its signature has expired at 1970-01-01T00:16:40",
        ),
        (
            "unbound",
            bound(&json!({ "bundle": "authz", "revision": "6" })),
            "no claim `exp`, which `bundles.verification.bound` asks for",
        ),
        (
            "rolled back",
            Answer::of(200, &signed("app", "4", "old", &whole_claims("authz", "4", LATER))),
            "is revision 4, and 5 is the lowest",
        ),
        (
            "no number",
            Answer::of(200, &signed("app", "v7", "x", &whole_claims("authz", "v7", LATER))),
            "the revision `v7` is no number",
        ),
    ];
    let shared = Shared::default();
    shared.publish(PATH, &good);
    let stub = shared.stub();
    let verification = SIGNED.replace("key_id: main}", "key_id: main, bound: true}");
    let besides = format!("max_bundle_size: 1MiB\n  {verification}");
    let text = config(&stub.url(), &format!("{QUICK}, timeout: 2s"), &[("authz", PATH)], &besides);
    let text =
        text.replace(&format!("resource: {PATH}"), &format!("resource: {PATH}, minimum_revision: '3'"));
    let server = start(&text);
    assert_eq!(answer(&server, "app"), "first");
    for (name, fault, part) in cases {
        shared.set(PATH, fault);
        let said = wait_trouble(&server, "authz", part);
        assert!(!said.contains("secret details") && !said.contains(KEY), "{name}: {said}");
        assert_eq!(answer(&server, "app"), "first", "{name}");
        assert_eq!(server.get("/health/ready").status, 200, "{name}");
        // And out of it again.
        shared.publish(PATH, &good);
        wait_until("no error", || remote(&server, "authz")["error"].is_null());
    }
    assert_eq!(server.app.bundles.report().generation, 1);
    shared.publish(PATH, &next);
    wait_answer(&server, "app", "second");
    // What was in force is now the lowest.
    shared.publish(PATH, &good);
    wait_trouble(&server, "authz", "is revision 5, and 6 is the lowest");
    assert!(fetches(&server, "failed") > 20.0);
}

/// A bundle that is in force when its signature ends: readiness says so.
#[test]
fn the_end_of_a_signature_in_force_shows() {
    let clock =
        verdict::model::clock::Clock::fixed(verdict::model::clock::Timestamp::from_unix_seconds(1_000_000));
    let shared = Shared::default();
    shared.publish(PATH, &signed("app", "5", "first", &json!({ "exp": 1_000_100 })));
    let stub = shared.stub();
    let text = config(&stub.url(), QUICK, &[("authz", PATH)], &format!("deny_when_stale: true\n  {SIGNED}"));
    let server = TestApp::new().clock(clock.clone()).config(&text).start();
    assert_eq!(answer(&server, "app"), "first");
    assert_eq!(server.get("/health/ready").status, 200);
    clock.set(verdict::model::clock::Timestamp::from_unix_seconds(1_000_100));
    let ready = server.get("/health/ready");
    assert_eq!(
        (ready.status, &ready.json()["reasons"]),
        (503, &json!(["the signature of a bundle has expired"]))
    );
    assert_eq!(server.post("/v1/data/app/answer", "{}").status, 503);
}

#[test]
fn a_configuration_that_does_not_hold_together_is_refused() {
    let of = |service: &str, bundle: &str| {
        format!("bundles: {{services: {{acme: {{{service}}}}}, remote: {{authz: {{{bundle}}}}}}}\n")
    };
    let good = "url: 'https://b.example'";
    let one = "service: acme, resource: a.tar.gz";
    for (service, bundle, parts) in [
        ("url: b.example", one, ["bundles.services.acme.url", "not an absolute url"]),
        ("url: 'https://user:pw@b.example'", one, ["services.acme.url", "carries a user name or a password"]),
        ("url: 'https://b.example/?a=b'", one, ["services.acme.url", "has a query"]),
        ("url: 'http://b.example'", one, ["services.acme.url", "anybody on the way can replace policy"]),
        (
            "url: 'http://b.example', bearer: {token: x}",
            one,
            ["services.acme.url", "credentials can be read"],
        ),
        (
            "url: 'https://b.example/v2', type: oci",
            "service: acme, resource: 'a:1'",
            ["services.acme.url", "of a registry"],
        ),
        ("url: 'https://b.example', type: ftp", one, ["services.acme.type", "ftp"]),
        ("url: 'https://b.example', token: x", one, ["services.acme.token", "unknown"]),
        (
            "url: 'https://b.example', bearer: {}",
            one,
            ["services.acme.bearer", "exactly one of `token`, `token_env`, `token_file`"],
        ),
        (
            "url: 'https://b.example', bearer: {token: x, token_env: Y}",
            one,
            ["services.acme.bearer", "exactly one"],
        ),
        ("url: 'https://b.example', bearer: {token: x, scheme: 'a b'}", one, ["bearer.scheme", "no word"]),
        (
            "url: 'https://b.example', basic: {username: a}",
            one,
            ["services.acme.basic", "exactly one of `password_env`, `password_file`"],
        ),
        (
            "url: 'https://b.example', basic: {username: 'a:b', password_env: X}",
            one,
            ["basic.username", "colon"],
        ),
        (
            "url: 'https://b.example', bearer: {token: x}, s3: {region: r}",
            one,
            ["services.acme.s3", "mutually exclusive"],
        ),
        ("url: 'https://b.example', s3: {region: 'EU west'}", one, ["s3.region", "no region"]),
        (
            "url: 'https://b.example', oauth2: {token_url: 'http://t.example', client_id: c, client_secret_env: X}",
            one,
            ["oauth2.token_url", "not https"],
        ),
        ("url: 'https://b.example', tls: {cert: a.pem}", one, ["services.acme.tls", "belong together"]),
        (
            "url: 'https://b.example', polling: {min: 2m, max: 1m}",
            one,
            ["polling.min", "must be from 100ms to `max`"],
        ),
        ("url: 'https://b.example', polling: {min: 0}", one, ["polling.min", "must be from"]),
        ("url: 'https://b.example', polling: {wait: 1500ms}", one, ["polling.wait", "whole seconds"]),
        ("url: 'https://b.example', timeout: 30d", one, ["services.acme.timeout", "must be from"]),
        (good, "service: other, resource: a", ["remote.authz.service", "has no `other`"]),
        (good, "service: acme, resource: ''", ["remote.authz.resource", "empty"]),
        (good, "service: acme, resource: a, minimum_revision: v1", ["minimum_revision", "no number"]),
        (
            "url: 'https://b.example', type: oci",
            "service: acme, resource: a",
            ["remote.authz.resource", "no tag and no digest"],
        ),
        (
            "url: 'https://b.example', s3: {region: r}",
            "service: acme, resource: 'a?b'",
            ["remote.authz.resource", "has a query"],
        ),
    ] {
        let error = refused(&of(service, bundle), &[]);
        for part in parts {
            assert!(error.contains(part), "{service}, {bundle}: no {part} in\n{error}");
        }
    }
    let error = refused(&of(good, one).replace("authz:", "'.authz':"), &[]);
    assert!(error.contains("no bundle can be called `.authz`"), "{error}");
}

/// What the configuration names is looked for at the start.
#[test]
fn a_variable_that_is_not_set_is_named() {
    for (more, key) in [
        ("bearer: {token_env: NOT_SET}", "bundles.services.acme.bearer.token_env"),
        ("basic: {username: a, password_env: NOT_SET}", "bundles.services.acme.basic.password_env"),
        ("headers_env: {X-Token: NOT_SET}", "bundles.services.acme.headers_env"),
        ("s3: {region: r, access_key_id_env: NOT_SET}", "bundles.services.acme.s3.access_key_id_env"),
        (
            "oauth2: {token_url: 'https://t.example', client_id: c, client_secret_env: NOT_SET}",
            "oauth2.client_secret_env",
        ),
    ] {
        let text = config("http://127.0.0.1:1", more, &[("authz", "a")], "");
        let failed = std::panic::catch_unwind(|| start(&text)).err().unwrap();
        let error = failed.downcast_ref::<String>().unwrap();
        assert!(error.contains(key) && error.contains("`NOT_SET` is not set"), "{more}: {error}");
    }
}

fn refused(text: &str, env: &[(&str, &str)]) -> String {
    use verdict::config::{Overrides, Profile, Sources, load};
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("verdict.yaml");
    std::fs::write(&file, text).unwrap();
    let sources = Sources {
        file: Some(file),
        env: env.iter().copied().collect(),
        overrides: Overrides::default(),
        profile: Profile::Dev,
    };
    load(sources).err().unwrap_or_else(|| panic!("accepted: {text}")).to_string()
}
