//! Bundles of organisations: who is decided by which, what nobody else sees of them, and what happens when they change.

mod activation;
mod isolation;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use verdict::config::{Insecure, Profile};
use verdict::identity::dev::TokenRequest;
use verdict::registry::KeyHash;

use super::harness::{Ends, Reply, Server, TestApp, wait_until};

const SHARED: &str = "package app

default allow := false

allow if input.subject.roles[_] == \"boss\"

allow if data.own.allow

version := data.own.version

secret := data.acme.secret

slow if data.own.slow
";
const MAIN: &str = "package system\n\ndefault main := \"nobody\"\n\nmain := data.own.name\n";
const HEALTH: &str = "package system.health\n\ngood if data.own.name == \"acme\"\n";

const ACME: &str = "package own

name := \"acme\"

# METADATA
# title: Of acme
allow if input.action == \"approve\"

stolen := data.globex

fixed := 1
";
const GLOBEX: &str = "package own

name := \"globex\"

allow if input.action == \"refund\"

stolen := data.acme

everything := [name | some name, _ in data.acme]
";

const ACME_KEY: &str = "acmes-key-rosebud-0001";
const GLOBEX_KEY: &str = "globexs-key-rosebud-0002";
const LONE_KEY: &str = "lone-key-rosebud-0003";

const BUNDLES: &str = "bundles: {dir: bundles, poll_interval: 200ms, debounce: 20ms, organisations: {acme-policy: acme, \
                       globex-policy: globex}";

fn directory() -> String {
    let hash = KeyHash::of;
    format!(
        "organisations: [{{id: acme}}, {{id: globex}}]\n\
         keys:\n\
         - {{id: k-acme, kind: service, organisation: acme, hash: '{}'}}\n\
         - {{id: k-globex, kind: service, organisation: globex, hash: '{}'}}\n\
         - {{id: k-lone, kind: service, hash: '{}'}}\n",
        hash(ACME_KEY),
        hash(GLOBEX_KEY),
        hash(LONE_KEY),
    )
}

/// The shared bundle, one of each of two organisations with the same root, and keys of both.
fn app(identity: &str) -> TestApp {
    let app = TestApp::new();
    std::fs::write(app.dir.path().join("directory.yaml"), directory()).unwrap();
    app.config(&format!("identity: {{static: directory.yaml, {identity}}}\n{BUNDLES}}}\n"))
        .file("shared/.manifest", r#"{"revision": "s1", "roots": ["app", "system"]}"#)
        .file("shared/app.rego", SHARED)
        .file("shared/main.rego", MAIN)
        .file("shared/health.rego", HEALTH)
        .file("acme-policy/.manifest", r#"{"revision": "a1", "roots": ["own", "acme"]}"#)
        .file("acme-policy/policy.rego", ACME)
        .file("acme-policy/acme/data.json", r#"{"secret": 42}"#)
        .file("globex-policy/.manifest", r#"{"revision": "g1", "roots": ["own", "globex"]}"#)
        .file("globex-policy/policy.rego", GLOBEX)
        .file("globex-policy/globex/data.json", r#"{"refunds": 7}"#)
}

fn start() -> Server {
    let server = app("mode: optional").start();
    assert_eq!(server.app.bundles.report().error, None);
    server
}

/// Who asks.
#[derive(Debug, Clone)]
enum Caller {
    Key(&'static str),
    Token(String),
    Anonymous,
}

fn ask(server: &Server, caller: &Caller, path: &str, body: &str) -> Reply {
    let bearer;
    let headers: &[(&str, &str)] = match caller {
        Caller::Key(key) => &[("x-api-key", key)],
        Caller::Token(token) => {
            bearer = format!("Bearer {token}");
            &[("authorization", &bearer)]
        }
        Caller::Anonymous => &[],
    };
    let method = if path.starts_with("/health") || path.starts_with("/v1/policies") { "GET" } else { "POST" };
    server.send(method, path, headers, if method == "GET" { b"" } else { body.as_bytes() })
}

fn result(server: &Server, caller: &Caller, path: &str, body: &str) -> Value {
    let reply = ask(server, caller, path, body);
    assert_eq!(reply.status, 200, "{path}: {}", reply.json());
    reply.json().get("result").cloned().unwrap_or_else(|| json!("undefined"))
}

fn token(server: &Server, sub: &str, roles: &[&str], claims: &Value) -> Caller {
    Caller::Token(server.token(&TokenRequest {
        sub: sub.to_owned(),
        kind: None,
        roles: roles.iter().map(|role| (*role).to_owned()).collect(),
        claims: claims.as_object().unwrap().clone(),
        ttl: Duration::from_secs(600),
    }))
}

/// Names of bundles with their revisions, as records and provenance have them.
fn revisions(bundles: &Value) -> String {
    let each = bundles.as_object().unwrap().iter();
    let each: Vec<String> =
        each.map(|(name, bundle)| format!("{name}@{}", bundle["revision"].as_str().unwrap())).collect();
    each.join(" ")
}

const OF_ACME: &str = "acme-policy@a1 shared@s1";
const OF_GLOBEX: &str = "globex-policy@g1 shared@s1";
const OF_ALL: &str = "shared@s1";

#[test]
fn the_same_question_has_the_answer_of_the_callers_organisation() {
    let server = start();
    let of = |claims: Value| token(&server, "alice", &[], &claims);
    let callers = [
        (Caller::Key(ACME_KEY), "acme", OF_ACME),
        (of(json!({"tenant": "acme"})), "acme", OF_ACME),
        (Caller::Key(GLOBEX_KEY), "globex", OF_GLOBEX),
        (of(json!({"tenant": "globex"})), "globex", OF_GLOBEX),
        (Caller::Key(LONE_KEY), "nobody", OF_ALL),
        (of(json!({})), "nobody", OF_ALL),
        (of(json!({"tenant": "third"})), "nobody", OF_ALL),
        (of(json!({"tenant": "ACME"})), "nobody", OF_ALL),
        (of(json!({"tenant": "acme-policy", "org": "acme", "organisation": "acme"})), "nobody", OF_ALL),
        (Caller::Anonymous, "nobody", OF_ALL),
    ];
    for (caller, whose, bundles) in &callers {
        for (action, allowed_to) in [("approve", "acme"), ("refund", "globex"), ("burn", "none")] {
            // What the body says of the caller changes nothing.
            let body = json!({"input": {"action": action, "subject": {"tenant": "acme"}, "tenant": "acme", "org_id": "acme"}});
            let path = "/v1/data/app/allow?provenance=true";
            let (reply, record) = server.recorded(|| ask(&server, caller, path, &body.to_string()));
            let shown = reply.json();
            assert_eq!(shown["result"], json!(*whose == allowed_to), "{caller:?} {action}: {shown}");
            assert_eq!(revisions(&shown["provenance"]["bundles"]), *bundles, "{caller:?}");
            assert_eq!(revisions(&record["bundles"]), *bundles, "{record}");
        }
        // The default decision is found the same way.
        let reply = ask(&server, caller, "/", "{}");
        assert_eq!((reply.status, reply.json()), (200, json!(whose)), "{caller:?}");
    }
    let boss = token(&server, "b", &["boss"], &json!({"tenant": "globex"}));
    assert_eq!(
        result(&server, &boss, "/v1/data/app/allow", "{}"),
        json!(true),
        "what is shared holds for all"
    );
}

#[test]
fn batches_health_rules_and_explanations_are_of_the_callers_organisation() {
    let server = start();
    let body = json!({"inputs": {"a": {"action": "approve"}, "r": {"action": "refund"}}}).to_string();
    for (caller, [approve, refund], bundles, healthy) in [
        (Caller::Key(ACME_KEY), [true, false], OF_ACME, 200),
        (Caller::Key(GLOBEX_KEY), [false, true], OF_GLOBEX, 500),
        (Caller::Anonymous, [false, false], OF_ALL, 500),
    ] {
        let before = server.records().len();
        let reply = ask(&server, &caller, "/v1/batch/data/app/allow", &body).json();
        let responses = &reply["responses"];
        assert_eq!(
            (&responses["a"]["result"], &responses["r"]["result"]),
            (&json!(approve), &json!(refund)),
            "{caller:?}"
        );
        let records = server.records().split_off(before);
        assert_eq!(records.len(), 2);
        for record in records {
            assert_eq!(revisions(&record["bundles"]), bundles, "{caller:?}");
        }
        let (health, record) = server.recorded(|| ask(&server, &caller, "/health/good", ""));
        assert_eq!(
            (health.status, revisions(&record["bundles"])),
            (healthy, bundles.to_owned()),
            "{caller:?}"
        );

        let path = "/v1/data/own/allow?explain=full";
        let explained = ask(&server, &caller, path, r#"{"input": {"action": "approve"}}"#).json().to_string();
        assert_eq!(explained.contains("Of acme"), approve, "{caller:?}: {explained}");
        assert_eq!(explained.contains("globex-policy"), refund, "{caller:?}: {explained}");
    }
}

#[test]
fn where_nobody_is_verified_nobody_has_an_organisation() {
    for identity in ["mode: \"off\"", "mode: none"] {
        let server = app(identity).start();
        let body = r#"{"input": {"action": "approve", "subject": {"tenant": "acme"}}}"#;
        for caller in [Caller::Key(ACME_KEY), Caller::Anonymous] {
            let (reply, record) = server.recorded(|| ask(&server, &caller, "/v1/data/app/allow", body));
            assert_eq!(reply.json()["result"], json!(false), "{identity}");
            assert_eq!(revisions(&record["bundles"]), OF_ALL, "{identity}");
        }
    }
}

#[test]
fn operators_see_whose_a_bundle_and_a_module_is() {
    let server = app("mode: optional, entrypoints: {app/allow: required}").start();
    let admin = token(&server, "ops", &["verdict-admin"], &json!({}));
    let Caller::Token(bearer) = &admin else { unreachable!() };
    let status = server.send("GET", "/v1/status", &[("authorization", &format!("Bearer {bearer}"))], b"");
    let status = status.json()["result"]["bundles"].clone();
    let whose = |name: &str| status[name].get("organisation").cloned();
    assert_eq!(
        [whose("acme-policy"), whose("globex-policy"), whose("shared")],
        [Some(json!("acme")), Some(json!("globex")), None]
    );
    let policies = ask(&server, &admin, "/v1/policies", "").json()["result"].clone();
    let mut shown: Vec<String> = policies
        .as_array()
        .unwrap()
        .iter()
        .map(|module| format!("{} {}", module["id"].as_str().unwrap(), module["organisation"]))
        .collect();
    shown.sort();
    let expected = [
        r#"acme-policy/policy.rego "acme""#,
        r#"globex-policy/policy.rego "globex""#,
        "shared/app.rego null",
        "shared/health.rego null",
        "shared/main.rego null",
    ];
    assert_eq!(shown, expected);
    let one = ask(&server, &admin, "/v1/policies/globex-policy/policy.rego", "").json()["result"].clone();
    assert_eq!((one["organisation"].clone(), one["raw"].clone()), (json!("globex"), json!(GLOBEX)));
    // What only one organisation declares is counted under its name.
    assert_eq!(result(&server, &Caller::Key(ACME_KEY), "/v1/data/own/fixed", "{}"), json!(1));
    let counted = app("mode: off").start();
    counted.post("/v1/data/own/fixed", "{}");
    let series = r#"verdict_decisions_total{path="own/fixed",outcome="undefined"}"#;
    assert_eq!(counted.metric(series), 1.0);
}

/// A caller of `acme` asks without a pause, and one of `globex` between, while acme's bundle changes, breaks and goes.
#[test]
fn a_bound_bundle_changes_under_use_and_changes_nothing_for_others() {
    const VERSIONS: u64 = 12;
    let server = start();
    let (acme, globex) = (Caller::Key(ACME_KEY), Caller::Key(GLOBEX_KEY));
    let policy = |version: u64| format!("{ACME}\nversion := {version}\n");
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let asking = scope.spawn(|| {
            let (mut last, mut seen) = (0, 0);
            while !stop.load(Ordering::SeqCst) {
                let mine = result(&server, &acme, "/v1/data/app/version", "{}").as_u64().unwrap_or_default();
                assert!(mine >= last, "{mine} after {last}");
                seen += u64::from(mine > last);
                last = mine;
                assert_eq!(result(&server, &globex, "/v1/data/app/version", "{}"), json!("undefined"));
                assert_eq!(result(&server, &globex, "/v1/data/own/name", "{}"), json!("globex"));
            }
            (last, seen)
        });
        let _ends = Ends(&stop);
        for version in 1..=VERSIONS {
            server.write("acme-policy/policy.rego", &policy(version));
            wait_until("the version", || {
                result(&server, &acme, "/v1/data/app/version", "{}") == json!(version)
            });
        }
        stop.store(true, Ordering::SeqCst);
        let (last, seen) = asking.join().unwrap();
        assert!(last <= VERSIONS && seen > 0, "{last} {seen}");
    });
    let failures = server.app.bundles.report().failures;
    server.write("acme-policy/policy.rego", "package own\n\nallow if {\n");
    wait_until("the failure", || server.app.bundles.report().failures > failures);
    let report = server.app.bundles.report();
    assert_eq!(report.bundles["acme-policy"].code, Some("bundle_error"));
    assert_eq!((report.bundles["globex-policy"].code, report.bundles["shared"].code), (None, None));
    assert_eq!(result(&server, &acme, "/v1/data/app/version", "{}"), json!(VERSIONS), "the last good one");
    assert_eq!(result(&server, &globex, "/v1/data/own/name", "{}"), json!("globex"));

    // Development removes at once; then acme has what all have.
    std::fs::remove_dir_all(server.dir.path().join("bundles/acme-policy")).unwrap();
    wait_until("the removal", || !server.app.bundles.report().bundles.contains_key("acme-policy"));
    let approve = r#"{"input": {"action": "approve"}}"#;
    let (gone, record) = server.recorded(|| result(&server, &acme, "/v1/data/app/allow", approve));
    assert_eq!((gone, revisions(&record["bundles"])), (json!(false), OF_ALL.to_owned()));
    server.write("acme-policy/.manifest", r#"{"revision": "a2", "roots": ["own"]}"#);
    server.write("acme-policy/policy.rego", ACME);
    wait_until("its return", || result(&server, &acme, "/v1/data/app/allow", approve) == json!(true));
    assert_eq!(result(&server, &globex, "/v1/data/app/allow", approve), json!(false));
}

#[test]
fn in_production_a_bound_bundle_that_vanishes_stays_in_force() {
    let server = app("mode: optional").profile(Profile::Run(Insecure::default())).start();
    let acme = Caller::Key(ACME_KEY);
    std::fs::rename(server.dir.path().join("bundles/acme-policy"), server.dir.path().join("gone")).unwrap();
    server.wait_failure();
    assert!(server.app.bundles.report().missing.contains("acme-policy"));
    assert_eq!(result(&server, &acme, "/v1/data/own/name", "{}"), json!("acme"));
    // Under another name it would decide for all, and overlaps the other's roots.
    std::fs::rename(server.dir.path().join("gone"), server.dir.path().join("bundles/acme-new")).unwrap();
    wait_until("the new bundle to be read", || server.app.bundles.report().bundles.contains_key("acme-new"));
    assert_eq!(result(&server, &Caller::Anonymous, "/v1/data/own/name", "{}"), json!("undefined"));
    assert_eq!(result(&server, &acme, "/v1/data/own/name", "{}"), json!("acme"));
}

/// The blocks of the page that begin with a comment that names a file.
fn blocks(page: &str) -> Vec<(&str, &str)> {
    page.split("```rego\n# ")
        .skip(1)
        .filter_map(|rest| {
            let (head, source) = rest.split("```").next()?.split_once('\n')?;
            Some((head, source))
        })
        .collect()
}

#[test]
fn the_example_of_the_page_decides_as_the_page_says() {
    let page = include_str!("../../docs/bundles.md");
    let section = page.split("## Bundles of organisations").nth(1).unwrap().split("\n## ").next().unwrap();
    let yaml = section.split("```yaml\n# verdict.yaml\n").nth(1).unwrap().split("```").next().unwrap();
    let app = TestApp::new();
    std::fs::write(app.dir.path().join("directory.yaml"), directory()).unwrap();
    let config = format!("identity: {{mode: optional, static: directory.yaml}}\n{yaml}  dir: bundles\n");
    let mut app = app.config(&config);
    let files = blocks(section);
    assert_eq!(files.len(), 3);
    for (head, source) in files {
        let (file, manifest) = head.split_once(", with the manifest ").unwrap();
        let bundle = file.split('/').next().unwrap();
        app = app.file(&format!("{bundle}/.manifest"), manifest).file(file, source);
    }
    let server = app.start();
    assert_eq!(server.app.bundles.report().error, None);
    for (caller, allowed) in [
        (Caller::Key(ACME_KEY), &["read", "approve"][..]),
        (Caller::Key(GLOBEX_KEY), &["read", "refund"]),
        (Caller::Key(LONE_KEY), &["read"]),
        (Caller::Anonymous, &[]),
    ] {
        for action in ["read", "approve", "refund", "delete"] {
            let body = json!({"input": {"action": action}}).to_string();
            let got = result(&server, &caller, "/v1/data/app/allow", &body);
            assert_eq!(got, json!(allowed.contains(&action)), "{caller:?} {action}");
        }
    }
}
