//! Limits as the configuration has them, by document, on a real server.

use verdict::config::{Environment, Overrides, Profile, Sources, load};

use crate::harness::{Server, TestApp};

const POLICY: &str = "package demo

made := count([i | some i in numbers.range(1, 300000)])

report := made

slow if { some i in numbers.range(1, 1000); some j in numbers.range(1, 1000); some k in [i]; i + j + k == -1 }

patient := true

f0(x) := f1(x)

f1(x) := f2(x)

f2(x) := x

deep := f0(1)
";

const LIMITS: &str = "identity: {mode: off}
decision:
  deadline: 60s
  depth: 3
  memory: 4MiB
  entrypoints:
    demo: {deadline: 60s}
    demo/report: {memory: 512MiB, depth: 10}
    demo/slow: {deadline: 30ms, memory: 1GiB}
";

fn why(server: &Server, path: &str) -> String {
    let (reply, record) = server.recorded(|| server.post(&format!("/v1/data/{path}"), "{\"input\":{}}"));
    let text = record.to_string();
    assert_eq!(reply.status == 200, text.contains("\"result\""), "{text}");
    if reply.status == 200 { reply.json()["result"].to_string() } else { text }
}

#[test]
fn each_document_has_the_limits_of_its_path() {
    let server = TestApp::new().config(LIMITS).file("demo/demo/policy.rego", POLICY).start();
    assert_eq!(why(&server, "demo/report"), "300000");
    assert!(why(&server, "demo/made").contains("memory limit"));
    assert!(why(&server, "demo/slow").contains("did not finish within 30 ms"));
    assert!(why(&server, "demo/deep").contains("depth limit: more than 3 rules"));
    assert_eq!(why(&server, "demo/patient"), "true");
}

#[test]
fn a_declared_entry_point_that_is_too_deep_is_not_activated() {
    let config = "identity: {mode: off}\ndecision: {entrypoints: {demo/deep: {depth: 3}}}\n";
    let server = TestApp::new().config(config).file("demo/demo/policy.rego", POLICY).start();
    server.wait_failure();
    let error = server.app.bundles.report().error.clone().unwrap();
    assert!(error.contains("`demo/deep` needs 4 rules within each other, and 3 are allowed"), "{error}");
    let required = "identity: {mode: off}\ndecision: {depth: 3}\nbundles: {dir: bundles, required_entrypoints: [demo]}\n";
    let server = TestApp::new().config(required).file("demo/demo/policy.rego", POLICY).start();
    server.wait_failure();
    let undeclared = "identity: {mode: off}\ndecision: {depth: 3}\n";
    let server = TestApp::new().config(undeclared).file("demo/demo/policy.rego", POLICY).start();
    server.wait_generation(1);
}

#[test]
fn what_means_nothing_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("verdict.yaml");
    for (decision, expected) in [
        ("{depth: 0}", "decision.depth"),
        ("{memory: 0}", "decision.memory"),
        ("{memory: much}", "`much` is not a size"),
        ("{entrypoints: {app/allow: {memory: 0}}}", "must be more than 0"),
        ("{entrypoints: {app/allow: {deadline: 0}}}", "must be more than 0"),
        ("{entrypoints: {app/allow: {depht: 3}}}", "depht"),
        ("{entrypoints: {app//allow: {depth: 3}}}", "empty segment"),
        ("{entrypoints: {data.app.allow: {depth: 3}}}", "did you mean `app/allow`"),
        ("{entrypoints: {app: {depth: 3}, /app/: {depth: 4}}}", "is the same path"),
        ("{entrypoints: [app]}", "decision.entrypoints"),
    ] {
        std::fs::write(&file, format!("decision: {decision}\n")).unwrap();
        let sources = Sources {
            file: Some(file.clone()),
            env: Environment::default(),
            overrides: Overrides::default(),
            profile: Profile::Inspect,
        };
        let error = load(sources).err().unwrap_or_else(|| panic!("{decision}")).to_string();
        assert!(error.contains(expected), "{decision}: {error}");
    }
}
