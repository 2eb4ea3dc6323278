//! Fixture files: what they may say, and what is wrong with them.

use super::{Ran, folder, verdict};

const POLICY: &str = r#"package app

default allow := false

allow if input.subject.id == data.app.owner

reasons contains "not the owner" if not allow

reasons contains "and not asked nicely" if {
	not allow
	not input.context.please
}

seen := input

year := time.date(time.now_ns())[0]

broken if 1 / input.zero == 1

only_alice if input.subject.id == "alice"
"#;

/// Tests the cases over the policy, and over data that says that alice is the owner.
fn test(cases: &str) -> Ran {
    let file = format!("entrypoint: app/allow\nnow: 2026-01-01T09:00:00Z\ncases:\n{cases}");
    test_file(&file)
}

fn test_file(file: &str) -> Ran {
    let data = r#"{"owner": "alice"}"#;
    let files = [("app/policy.rego", POLICY), ("app/data.json", data), ("app/x.fixtures.yaml", file)];
    let folder = folder(&files);
    verdict(folder.path(), &["test", "-b", "."])
}

/// One case with these keys.
fn case(keys: &str) -> Ran {
    test(&format!("  - name: it\n    {}\n", keys.replace('\n', "\n    ")))
}

#[test]
fn a_case_passes_when_everything_that_it_expects_is_so() {
    for keys in [
        "subject: {id: alice}\nexpect: allow",
        "subject: {id: bob}\nexpect: deny",
        "subject: {id: bob}\nexpect: {decision: deny, reasons: [and not asked nicely, not the owner]}",
        "subject: {id: bob}\nrequest: {context: {please: true}}\nexpect: {reasons: [not the owner]}",
        "subject: {id: bob}\ndata: {app/owner: bob}\nexpect: allow",
        "subject: {id: bob}\ndata: {app: {owner: bob}}\nexpect: allow",
        "subject: {id: alice}\ndata: {app: {}}\nexpect: deny",
        "subject: anonymous\nexpect: deny",
        "subject: {id: alice}\nentrypoint: app/year\nexpect: {decision: value, result: 2026}",
        "subject: {id: alice}\nnow: 2030-01-01T00:00:00Z\nentrypoint: app/year\nexpect: {result: 2030}",
        "subject: {id: bob}\nentrypoint: app/only_alice\nexpect: undefined",
        "subject: {id: bob}\nentrypoint: app/only_alice\nexpect: {decision: undefined, reason: no rule}",
        "subject: {id: bob}\nentrypoint: app/nope\nexpect: {decision: undefined, reason: no data}",
        "subject: {id: bob}\nentrypoint: app/broken\nrequest: {zero: 0}\nexpect: {decision: error, failure: evaluation_failed}",
        "identity: off\nrequest: {subject: {id: alice}}\nexpect: allow",
        "identity: off\nentrypoint: app/seen\nexpect: undefined",
        "identity: off\nentrypoint: app/seen\nrequest: null\nexpect: {decision: value, result: null}",
        "identity: off\nentrypoint: app/seen\nrequest: [1, a]\nexpect: {result: [1, a]}",
        "credential: none\nexpect: {decision: refused, failure: credential_missing, reason: required}",
        "credential: none\nidentity: optional\nexpect: deny",
        "credential: bad\nexpect: {decision: refused, failure: credential_invalid}",
        "credential: bad\nidentity: optional\nexpect: {decision: refused, failure: credential_invalid}",
        "credential: malformed\nexpect: {decision: refused, failure: credential_invalid}",
        "credential: expired\nexpect: {decision: refused, failure: credential_expired}",
        "credential: {token: {sub: alice}}\nexpect: allow",
        "credential: {token: {sub: bob}}\nrequest: {subject: {id: alice}}\nexpect: deny",
        "subject: {id: alice}\nrequest: [1]\nexpect: {decision: refused, failure: invalid_request, reason: object}",
    ] {
        let ran = case(keys);
        assert_eq!(ran.code, 0, "{keys}\n{}{}", ran.out, ran.err);
        assert!(ran.out.contains("1/1 passed"), "{keys}");
    }
}

#[test]
fn a_case_fails_when_anything_differs_and_says_how() {
    for (keys, says) in [
        ("subject: {id: bob}\nexpect: allow", "- allow\n        + deny"),
        ("subject: {id: alice}\nexpect: deny", "- deny\n        + allow"),
        ("subject: {id: bob}\nexpect: {decision: deny, reasons: [not the owner]}", "reasons differ ("),
        ("subject: {id: bob}\nexpect: {reasons: []}", "- none\n"),
        ("subject: {id: bob}\nreasons_at: app/nope\nexpect: {reasons: []}", "`app/nope` is undefined"),
        ("subject: {id: bob}\nentrypoint: app/year\nexpect: {result: 2025}", "- 2025\n        + 2026"),
        ("subject: {id: bob}\nentrypoint: app/year\nexpect: allow", "+ value"),
        (
            "subject: {id: bob}\nentrypoint: app/nope\nexpect: deny",
            "+ undefined: no rule and no data at this path",
        ),
        ("subject: {id: bob}\nentrypoint: app/nope\nexpect: {reason: because}", "reason differs"),
        ("credential: none\nexpect: deny", "+ refused (credential_missing)"),
        (
            "credential: expired\nexpect: {decision: refused, failure: credential_invalid}",
            "+ credential_expired",
        ),
        (
            "subject: {id: bob}\nentrypoint: app/broken\nrequest: {zero: 0}\nexpect: deny",
            "+ error (evaluation_failed)",
        ),
        (
            "subject: {id: bob}\nentrypoint: app/seen\nexpect: {result: {subject: {id: bob}}}",
            "+     \"issuer\": \"fixture\"",
        ),
    ] {
        let ran = case(keys).exits(2).says(says);
        assert!(ran.out.contains("at app/x.fixtures.yaml:4"), "{keys}\n{}", ran.out);
    }
}

#[test]
fn what_a_subject_and_a_token_give_to_policy() {
    let subject = "subject: {id: a, type: agent, issuer: i, roles: [r], scopes: [s], permissions: [p], tenant: t, claims: {x: [1]}, \
                   method: api_key, agent: b, act: {sub: b, act: {sub: c, iss: i}}, attributes: {y: [2]}, proof: bound}";
    let expected = "{id: a, type: agent, issuer: i, roles: [r], scopes: [s], permissions: [p], tenant: t, claims: {x: [1]}, \
                    method: api_key, agent: b, act: {sub: b, act: {sub: c, iss: i}}, attributes: {y: [2]}, proof: {type: bound}}";
    // Agents are also named as Relay and AgentPack know them.
    let agent = "asserted: {agent_id: z}, agent: {agent_id: b, org_id: t}, agent_id: b, org_id: t";
    case(&format!("{subject}\nentrypoint: app/seen\nrequest: {{agent_id: z}}\nexpect: {{result: {{subject: {expected}, {agent}}}}}"))
        .exits(0);
    let token = "credential: {token: {sub: a, type: agent, roles: [r], claims: {scope: s t, tenant: t}}}";
    let seen = |path: &str, value: &str| {
        case(&format!("{token}\nentrypoint: app/seen/subject/{path}\nexpect: {{result: {value}}}")).exits(0)
    };
    seen("id", "a");
    seen("type", "agent");
    seen("roles", "[r]");
    seen("scopes", "[s, t]");
    seen("tenant", "t");
    seen("claims/sub", "a");
}

/// What no policy can allow is refused here, too: limits and operations of the subject, and permissions that are required.
#[test]
fn the_gate_is_asked_before_policy() {
    let refused = "{decision: refused, failure: insufficient_permissions}";
    let limits = "limits: {allowed_providers: [stripe], max_amount: 5}";
    for (keys, expected) in [
        (format!("subject: {{id: alice, {limits}}}\nrequest: {{action: stripe:refund}}"), "allow"),
        (format!("subject: {{id: alice, {limits}}}\nrequest: {{action: aws:start}}"), refused),
        (format!("subject: {{id: alice, {limits}}}"), refused),
        (
            format!(
                "subject: {{id: alice, {limits}}}\nrequest: {{action: stripe:refund, resource: {{amount: 6}}}}"
            ),
            refused,
        ),
        ("subject: {id: alice, operations: ['a:*', b]}\nrequest: {action: a:x}".to_owned(), "allow"),
        ("subject: {id: alice, operations: ['a:*', b]}\nrequest: {action: c}".to_owned(), refused),
        ("subject: {id: alice, operations: []}\nrequest: {action: c}".to_owned(), refused),
    ] {
        let ran = case(&format!("{keys}\nexpect: {expected}"));
        assert!(ran.code == 0 && ran.out.contains("1/1 passed"), "{keys}\n{}{}", ran.out, ran.err);
    }
    let permissions = "{roles: [{name: admin, permissions: [deploy]}], required: [{operation: deploy, permissions: [deploy]}]}";
    for (caller, expected) in [
        ("subject: {id: alice, roles: [admin]}", "allow"),
        ("subject: {id: alice, permissions: ['*']}", "allow"),
        ("subject: {id: alice}", refused),
        ("subject: anonymous", "{decision: refused, failure: credential_missing}"),
        ("credential: {token: {sub: alice, roles: [admin]}}", "allow"),
        ("credential: {token: {sub: alice}}", refused),
    ] {
        let file = format!(
            "entrypoint: app/allow\npermissions: {permissions}\ncases:\n  - name: it\n    {caller}\n    \
             request: {{action: deploy}}\n    expect: {expected}\n"
        );
        test_file(&file).exits(0).says("1/1 passed");
    }
}

/// Credentials of every kind are minted and verified; several must agree.
#[test]
fn credentials_of_a_case_are_real() {
    let invalid = "{decision: refused, failure: credential_invalid}";
    let refused = "{decision: refused, failure: insufficient_permissions}";
    for (credential, expected) in [
        ("{capability: {agent: alice}}", "allow"),
        ("{capability: {agent: bob}}", "deny"),
        ("{capability: {agent: alice, scope: [read]}}", "allow"),
        ("{capability: {agent: alice, scope: [write]}}", refused),
        ("{capability: {agent: alice, scope: []}}", refused),
        ("{capability: {agent: alice, ttl: 16m}}", invalid),
        ("{capability: {agent: alice, bound_to: k}}", invalid),
        ("{capability: {agent: alice, bound_to: k}, api_key: {id: k, agent: alice}}", "allow"),
        ("{capability: {agent: alice, bound_to: k}, api_key: {id: l, agent: alice}}", invalid),
        ("{api_key: {id: k, agent: alice}}", "allow"),
        ("{api_key: {id: k, agent: bob}}", "deny"),
        ("{api_key: {id: k, agent: alice, limits: {allowed_methods: [write]}}}", refused),
        (
            "{api_key: {id: k, agent: alice, disabled: true}}",
            "{decision: refused, failure: credential_revoked}",
        ),
        ("{api_key: {id: k, agent: bob}, delegation: {from: alice, to: bob, scope: [read]}}", "allow"),
        ("{capability: {agent: bob}, delegation: {from: alice, to: bob, scope: [read]}}", "allow"),
        ("{api_key: {id: k, agent: bob}, delegation: {from: alice, to: bob, scope: [write]}}", refused),
        (
            "{api_key: {id: k, agent: bob}, delegation: {from: alice, to: carol, scope: [read]}}",
            "{decision: refused, failure: mismatch}",
        ),
        (
            "{api_key: {id: k, agent: bob}, delegation: {from: alice, to: bob, scope: [read], disabled: true}}",
            "{decision: refused, failure: credential_revoked}",
        ),
        ("{capability: {agent: alice}, api_key: {id: k, agent: bob}}", invalid),
        (
            "{token: {sub: alice, claims: {agent: planner}}, capability: {agent: planner, scope: [write]}}",
            refused,
        ),
        ("{token: {sub: alice}, capability: {agent: planner}}", invalid),
    ] {
        let ran = case(&format!("credential: {credential}\nrequest: {{action: read}}\nexpect: {expected}"));
        assert!(ran.code == 0 && ran.out.contains("1/1 passed"), "{credential}\n{}{}", ran.out, ran.err);
    }
    let seen = |credential: &str, path: &str, value: &str| {
        let keys = format!(
            "credential: {credential}\nrequest: {{action: read}}\nentrypoint: app/seen/subject/{path}"
        );
        case(&format!("{keys}\nexpect: {{result: {value}}}")).exits(0);
    };
    let capability = "{capability: {agent: a, organisation: acme, permissions: [p], act: [b, c]}}";
    seen(capability, "method", "capability");
    seen(capability, "tenant", "acme");
    seen(capability, "permissions", "[p]");
    seen(capability, "act", "{sub: b, act: {sub: c}}");
    let api_key = "{api_key: {id: k, organisation: acme, roles: [r], permissions: [p]}}";
    seen(api_key, "method", "api_key");
    seen(api_key, "tenant", "acme");
    seen(api_key, "roles", "[r]");
    seen(api_key, "permissions", "[p]");
    case("credential: {}\nexpect: allow").exits(1).complains("`credential` is empty");
}

#[test]
fn what_is_wrong_with_a_file_is_said_with_its_place() {
    let good = "  - name: one\n    subject: {id: alice}\n    expect: allow\n";
    for (cases, place, says) in [
        ("  - name: it\n    subjct: {id: a}\n    expect: allow\n", ":5:5", "did you mean `subject`?"),
        (
            "  - name: it\n    subject: {id: a, role: [b]}\n    expect: allow\n",
            ":5:22",
            "did you mean `roles`?",
        ),
        (
            "  - name: it\n    subject: {id: a}\n    expect: {decison: allow}\n",
            ":6:14",
            "did you mean `decision`?",
        ),
        ("  - name: it\n    subject: {id: a}\n    expect: alow\n", ":6:", "did you mean `allow`?"),
        (
            "  - name: it\n    credential: {token: {sub: a, rolse: []}}\n    expect: allow\n",
            ":5:34",
            "did you mean `roles`?",
        ),
        ("  - name: it\n    subject: {id: a}\n", ":4:", "missing field `expect`"),
        ("  - name: it\n    subject: {id: a}\n    expect: {}\n", ":4:1", "`expect` is empty"),
        ("  - name: it\n    expect: allow\n", ":4:1", "no caller"),
        (
            "  - name: it\n    subject: {id: a}\n    credential: none\n    expect: allow\n",
            ":4:1",
            "both `subject` and `credential`",
        ),
        (
            "  - name: it\n    identity: off\n    subject: {id: a}\n    expect: allow\n",
            ":4:1",
            "they are ignored",
        ),
        (
            "  - name: it\n    subject: {id: a}\n    entrypoint: data.app.allow\n    expect: allow\n",
            ":4:1",
            "write `app/allow`",
        ),
        ("  - name: it\n    subject: {id: a}\n    now: yesterday\n    expect: allow\n", ":4:1", "`now`"),
        (
            "  - name: it\n    subject: {id: a}\n    request: {a: 1, a: 2}\n    expect: allow\n",
            ":6:",
            "duplicate",
        ),
        (
            "  - name: it\n    subject: {id: a}\n    expect: {decision: allow, failure: credential_missing}\n",
            ":4:1",
            "`failure` requires",
        ),
        (
            "  - name: it\n    subject: {id: a}\n    expect: {decision: undefined, result: 1}\n",
            ":4:1",
            "`result` cannot be combined",
        ),
        (&format!("{good}{good}"), ":7:1", "two cases are named `one`"),
        ("  []\n", ":1:1", "no cases"),
    ] {
        let ran = test(cases).exits(1).complains(says);
        assert!(ran.err.contains(&format!("app/x.fixtures.yaml{place}")), "{cases}\n{}", ran.err);
    }
    test_file("entrypoint: app/allow\ncase: []\n").exits(1).complains("app/x.fixtures.yaml:2:1");
    test_file("cases:\n  - {name: it, subject: {id: a}, expect: allow}\n")
        .exits(1)
        .complains("no `entrypoint`");
    test_file("cases: [\n").exits(1).complains("app/x.fixtures.yaml:");
}

#[test]
fn a_fixture_file_alone_brings_its_bundle_and_runs_alone() {
    let case = r#"{"entrypoint": "app/allow", "cases": [{"name": "it", "subject": {"id": "alice"}, "expect": "allow"}]}"#;
    let folder = folder(&[
        ("b/.manifest", r#"{"roots": ["app"]}"#),
        ("b/app/policy.rego", POLICY),
        ("b/app/data.json", r#"{"owner": "alice"}"#),
        ("b/app/one.fixtures.json", case),
        ("b/app/two.fixtures.yaml", "broken"),
        ("b/app/policy_test.rego", "package app_test\n\ntest_it if false\n"),
    ]);
    verdict(folder.path(), &["test", "b/app/one.fixtures.json"]).exits(0).says("1/1 passed");
    verdict(folder.path(), &["test", "b"]).exits(1).complains("b/app/two.fixtures.yaml:1:1");
    std::fs::rename(
        folder.path().join("b/app/two.fixtures.yaml"),
        folder.path().join("b/app/two.fixture.yaml"),
    )
    .unwrap();
    verdict(folder.path(), &["test", "b"]).exits(1).complains("rename it to `….fixtures.yaml`");
}

#[test]
fn a_case_that_fails_says_why_the_policy_decided_so() {
    let ran = case("subject: {id: bob}\nexpect: allow").exits(2).says("        - allow\n        + deny\n");
    ran.says(
        "        data.app.allow is false, by default:
          fails  app/policy.rego:5
                 line 5: input.subject.id == data.app.owner
                   \"bob\", \"alice\"
",
    );
    // Of reasons that differ, it is the reasons that are explained.
    let ran = case("subject: {id: bob}\nexpect: {decision: deny, reasons: []}").exits(2);
    let ran = ran.says("reasons differ (").says("data.app.reasons is defined:\n");
    assert!(!ran.out.contains("data.app.allow is"), "{}", ran.out);
    // What passes, and what policy was not asked for, has nothing to explain.
    for keys in ["subject: {id: bob}\nexpect: deny", "identity: required\ncredential: none\nexpect: deny"] {
        let ran = case(keys);
        assert!(!ran.out.contains("data.app"), "{}", ran.out);
    }
    let file = "entrypoint: app/allow\ncases:\n  - {name: it, subject: {id: bob}, expect: allow}\n";
    let folder = folder(&[("policy.rego", POLICY), ("x.fixtures.yaml", file)]);
    let ran = verdict(folder.path(), &["test", ".", "-f", "json"]).exits(2);
    let report: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert!(report[0]["explanation"].as_str().unwrap().starts_with("data.app.allow is false"), "{report:#}");
    verdict(folder.path(), &["test", ".", "-f", "junit"])
        .exits(2)
        .says("data.app.allow is false, by default");
    let ran = verdict(folder.path(), &["test", ".", "--explain", "off"]).exits(2);
    assert!(!ran.out.contains("data.app.allow is"), "{}", ran.out);
}

#[test]
fn a_request_in_the_envelope_of_the_api_is_asked_about() {
    let file = "entrypoint: app/allow\ncases:\n  - name: one\n    subject: {id: bob}\n    request: {please: true}\n    expect: deny\n  \
                - name: two\n    subject: {id: bob}\n    request:\n      input: {please: true}\n    expect: deny\n";
    let folder = folder(&[("policy.rego", POLICY), ("x.fixtures.yaml", file)]);
    let warning = "x.fixtures.yaml:9:5: case `two`: the only member of the request is `input`";
    let ran = verdict(folder.path(), &["test", "."]).exits(0).complains(&format!("warning: {warning}"));
    assert_eq!(ran.err.matches("warning").count(), 1, "{}", ran.err);
    let ran = verdict(folder.path(), &["test", ".", "-r", "one"]).exits(0);
    assert!(ran.err.is_empty(), "{}", ran.err);
    verdict(folder.path(), &["check", "."])
        .exits(0)
        .complains("warning: 1 warning\nx.fixtures.yaml:9:5: fixture_warning: case `two`")
        .complains("hint: `request` is the input itself");
}
