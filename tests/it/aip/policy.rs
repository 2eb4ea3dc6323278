//! AgentPolicy files: what is read, what is refused, the hash, the signature, and what is decided.

use std::path::Path;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use verdict::aip::{Approval, Policy, ToolCall};
use verdict::model::ruling::Effect;
use verdict_jose::PublicKey;
use verdict_rego::Value;

fn read(text: &str) -> Result<Policy, String> {
    signed(text, &[])
}

fn signed(text: &str, signers: &[PublicKey]) -> Result<Policy, String> {
    Policy::parse(Path::new("agent.yaml"), text, signers)
        .map_err(|all| all.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
}

/// A policy of this `spec`, in flow style.
fn spec(spec: &str) -> String {
    format!("apiVersion: aip.io/v1alpha2\nkind: AgentPolicy\nmetadata: {{name: team-a}}\nspec: {spec}\n")
}

#[test]
fn what_is_wrong_with_a_file_is_said_with_its_place() {
    for (text, said) in [
        (spec("{allowed_tool: [a]}"), "agent.yaml:4:8: spec.allowed_tool: unknown key `allowed_tool`"),
        (spec("{mode: watch}"), "agent.yaml:4:14: spec.mode: unknown value `watch`"),
        (spec("{tool_rules: [{action: allow}]}"), "`tool` is missing"),
        (spec("{tool_rules: [{tool: a, allow_args: {x: \"(\"}}]}"), "agent.yaml:4:"),
        (spec("{tool_rules: [{tool: a, allow_args: {x: \"(\"}}]}"), "it is not a regular expression"),
        (
            spec("{tool_rules: [{tool: a, allow_args: {x: \"a{999}{999}{999}\"}}]}"),
            "it is not a regular expression",
        ),
        (spec("{tool_rules: [{tool: a, allow_args: {x: \"(?=a)\"}}]}"), "look-around"),
        (spec("{tool_rules: [{tool: a}, {tool: ' A '}]}"), "there are two rules for `a`"),
        (spec("{tool_rules: [{tool: a, rate_limit: 5/fortnight}]}"), "is not a rate limit"),
        (spec("{tool_rules: [{tool: a, schema_hash: 'md5:00'}]}"), "spec.tool_rules[0].schema_hash"),
        (spec("{protected_paths: [/]}"), "is everything, or nothing"),
        (spec("{dlp: {patterns: [{name: x, regex: '['}]}}"), "spec.dlp.patterns[0].regex"),
        (
            spec("{dlp: {scan_requests: true, on_request_match: redact, patterns: []}}"),
            "unknown value `redact`",
        ),
        (
            spec("{identity: {enabled: true, token_ttl: 5m, rotation_interval: 5m}}"),
            "rotation_interval (300s) must be less than token_ttl (300s)",
        ),
        (
            spec("{identity: {enabled: true, token_ttl: 5m, rotation_interval: 6m}}"),
            "spec.identity.rotation_interval",
        ),
        (spec("{identity: {enabled: true, token_ttl: 5m, nonce_window: 4m}}"), "spec.identity.nonce_window"),
        (spec("{identity: {enabled: true, token_ttl: 61m}}"), "at most an hour"),
        (spec("{identity: {enabled: true, token_ttl: 0s}}"), "spec.identity.token_ttl"),
        (spec("{identity: {enabled: true, token_ttl: soon}}"), "is not a duration"),
        (spec("{identity: {enabled: true, audience: 'https://*.example'}}"), "spec.identity.audience"),
        (spec("{identity: {enabled: true, audience: ''}}"), "spec.identity.audience"),
        (spec("{identity: {enabled: true, session_binding: loose}}"), "unknown value `loose`"),
        (spec("{identity: {enabled: true, keys: {signing_algorithm: HS256}}}"), "unknown value `HS256`"),
        (spec("{identity: {enabled: true, keys: {key_source: file}}}"), "needs `key_path`"),
        (spec("{server: {enabled: true, listen: '0.0.0.0:9443'}}"), "must speak TLS"),
        (spec("{server: {enabled: true, failover_mode: fail_open}}"), "unknown value `fail_open`"),
        (
            spec("{server: {enabled: true, endpoints: {validate: 'check it'}}}"),
            "spec.server.endpoints.validate",
        ),
        (spec("{}").replace("v1alpha2", "v2"), "unknown value `aip.io/v2`"),
        (spec("{}").replace("AgentPolicy", "Pod"), "unknown value `Pod`"),
        (spec("{}").replace("team-a", "''"), "metadata.name"),
        (
            spec("{identity: {enabled: true}}").replace("v1alpha2", "v1alpha1"),
            "`aip.io/v1alpha1` does not have this",
        ),
    ] {
        let error = read(&text).map(|_| ()).unwrap_err();
        assert!(error.contains(said), "{text}: {error}");
    }
}

#[test]
fn terms_have_the_defaults_of_the_specification() {
    let terms = |text: &str| read(&spec(text)).unwrap().identity;
    let seconds = |text: &str| {
        let terms = terms(text).unwrap();
        [terms.ttl, terms.rotation, terms.nonce_window, terms.grace].map(|one| one.as_secs())
    };
    assert_eq!(seconds("{identity: {enabled: true}}"), [300, 240, 300, 0]);
    assert_eq!(seconds("{identity: {enabled: true, token_ttl: 1m}}"), [60, 48, 60, 0]);
    assert_eq!(
        seconds("{identity: {enabled: true, token_ttl: 1h, rotation_interval: 0s}}"),
        [3600, 0, 3600, 0]
    );
    assert_eq!(terms("{identity: {enabled: true}}").unwrap().audience, "team-a");
    assert_eq!(terms("{identity: {enabled: false}}"), None);
    let warned =
        read(&spec("{identity: {enabled: true, token_ttl: 10m, rotation_interval: 9m30s}}")).unwrap();
    assert!(warned.warnings[0].contains("90 %"), "{:?}", warned.warnings);
    assert!(
        read(&spec("{identity: {enabled: true, token_ttl: 10m, rotation_interval: 9m}}"))
            .unwrap()
            .warnings
            .is_empty()
    );
}

#[test]
fn the_hash_is_that_of_what_is_said_and_not_of_how() {
    let one = read(&spec("{allowed_tools: [a, b], strict_args_default: false}")).unwrap();
    let same = "# a comment\n{\"spec\": {\"strict_args_default\": false, \"allowed_tools\": [\"a\", \"b\"]},\n \"kind\": \"AgentPolicy\",\n  \"metadata\": {\"name\": \"team-a\"}, \"apiVersion\": \"aip.io/v1alpha2\"}";
    assert_eq!(one.hash, read(same).unwrap().hash);
    // printf '%s' '{"apiVersion":…}' | sha256sum
    assert_eq!(one.hash, "0d1b07605fe3e66df6308887a6f1b68bb28ab334bae64e8ea1c4067f8c8c1a05");
    for other in ["{allowed_tools: [b, a], strict_args_default: false}", "{allowed_tools: [a, b]}"] {
        assert_ne!(one.hash, read(&spec(other)).unwrap().hash, "{other}");
    }
}

#[test]
fn a_signature_is_of_a_signer_or_the_policy_is_refused() {
    let pair = Ed25519KeyPair::generate().unwrap();
    let signer = || PublicKey::ed25519(pair.public_key().as_ref()).unwrap();
    let plain = spec("{allowed_tools: [a]}");
    let canonical = r#"{"apiVersion":"aip.io/v1alpha2","kind":"AgentPolicy","metadata":{"name":"team-a"},"spec":{"allowed_tools":["a"]}}"#;
    let signature = BASE64_STANDARD.encode(pair.sign(canonical.as_bytes()));
    let with = |text: &str, signature: &str| {
        text.replace("{name: team-a}", &format!("{{name: team-a, signature: '{signature}'}}"))
    };
    let good = with(&plain, &format!("ed25519:{signature}"));
    let policy = signed(&good, &[signer()]).unwrap();
    assert_eq!(policy.hash, read(&plain).unwrap().hash, "the signature is not part of the hash");
    for (text, signers, said) in [
        (good.clone(), vec![], "-32010"),
        (good.replace("[a]", "[a, b]"), vec![signer()], "-32010"),
        (
            good.clone(),
            vec![PublicKey::ed25519(Ed25519KeyPair::generate().unwrap().public_key().as_ref()).unwrap()],
            "-32010",
        ),
        (with(&plain, &signature), vec![signer()], "not of the form"),
        (with(&plain, "ed25519:!"), vec![signer()], "base64"),
        (with(&plain, "rsa:AAAA"), vec![signer()], "not of the form"),
        (plain, vec![signer()], "the policy is not signed"),
    ] {
        let error = signed(&text, &signers).map(|_| ()).unwrap_err();
        assert!(error.contains(said), "{text}: {error}");
    }
}

/// `EFFECT CODE`, and `!` where a rule was not kept.
fn decided(policy: &Policy, input: &str, approval: Option<Approval>) -> String {
    let input = Value::from_json(input.as_bytes()).unwrap();
    let ruling = policy.decide(&ToolCall::of(&input).answered(approval));
    let code = ruling.error.map(|error| format!(" {}", error.code)).unwrap_or_default();
    format!("{}{code}{}", ruling.effect.name(), if ruling.is_violation() { "!" } else { "" })
}

#[test]
fn calls_are_decided() {
    let tools = "{allowed_tools: [read, write], denied_tools: [write], tool_rules: [{tool: rm, action: block}, {tool: pay, action: ask, \
                 allow_args: {to: '^[a-z]+$'}}, {tool: get, allow_args: {n: '^[0-9]+$'}, strict_args: true}]}";
    let monitor = format!("{{mode: monitor, protected_paths: [~/.ssh], {}", &tools[1..]);
    let scanned = "{allowed_tools: [read], dlp: {scan_requests: true, detect_encoding: true, patterns: [{name: key, regex: 'AKIA[A-Z0-9]{16}'}]}}";
    let pinned = "{allowed_tools: [], tool_rules: [{tool: read, schema_hash: 'sha256:8a30d5bd28bd8ac0ac3cbb02ae9fbbbd0f5b7ae0e4a5e1ba6ab2bbdb0a1e6ba5'}]}";
    for (policy, input, expected) in [
        (tools, r#"{"action": "READ"}"#, "allow"),
        (tools, r#"{"action": "write"}"#, "block -32001!"),
        (tools, r#"{"action": "rm"}"#, "block -32001!"),
        (tools, r#"{"action": "unknown"}"#, "block -32001!"),
        (tools, r#"{}"#, "block -32001!"),
        (tools, r#"{"tool": "read", "action": "rm"}"#, "block -32001!"),
        (tools, r#"{"method": "prompts/get"}"#, "block -32006!"),
        (tools, r#"{"method": "tools/list"}"#, "allow"),
        (tools, r#"{"method": "ping", "action": "rm"}"#, "block -32001!"),
        (tools, r#"{"action": "pay", "arguments": {"to": "bob"}}"#, "ask"),
        (tools, r#"{"action": "pay", "arguments": {"to": "B0B"}}"#, "block -32001!"),
        (tools, r#"{"action": "pay"}"#, "block -32001!"),
        (tools, r#"{"action": "get", "arguments": {"n": 5}}"#, "allow"),
        (tools, r#"{"action": "get", "arguments": {"n": 1e3}}"#, "allow"),
        (tools, r#"{"action": "get", "arguments": {"n": 5, "m": 1}}"#, "block -32001!"),
        (
            tools,
            r#"{"action": "get", "arguments": {"n": 5}, "context": {"args": {"n": "x"}}}"#,
            "block -32001!",
        ),
        (tools, r#"{"action": "get", "arguments": [5]}"#, "block -32001!"),
        (&monitor, r#"{"action": "rm"}"#, "allow!"),
        (&monitor, r#"{"action": "unknown"}"#, "allow!"),
        (&monitor, r#"{"method": "prompts/get"}"#, "allow!"),
        (&monitor, r#"{"action": "pay", "arguments": {"to": "bob"}}"#, "ask"),
        (&monitor, r#"{"action": "read", "arguments": {"x": [{"y": "~/.ssh/id_rsa"}]}}"#, "block -32007!"),
        (
            &monitor,
            r#"{"action": "read", "arguments": {"/root/.ssh": 1, "deep": {"/root/.ssh": 1}}}"#,
            "block -32007!",
        ),
        ("{allowed_tools: [read]}", r#"{"action": "read", "arguments": {"path": "agent.yaml"}}"#, "allow"),
        (scanned, r#"{"action": "read", "arguments": {"q": ["AKIAIOSFODNN7EXAMPLE"]}}"#, "block -32001!"),
        (
            scanned,
            r#"{"action": "read", "arguments": {"q": "QUtJQUlPU0ZPRE5ON0VYQU1QTEU="}}"#,
            "block -32001!",
        ),
        (scanned, r#"{"action": "read", "arguments": {"q": "nothing"}}"#, "allow"),
        (pinned, r#"{"action": "read"}"#, "block -32013!"),
        (pinned, r#"{"action": "read", "context": {"tool_schema": {"name": "read"}}}"#, "block -32013!"),
    ] {
        let policy = read(&spec(policy)).unwrap();
        assert_eq!(decided(&policy, input, None), expected, "{input}");
    }
    let policy = read(&spec(tools)).unwrap();
    let pay = r#"{"action": "pay", "arguments": {"to": "bob"}}"#;
    assert_eq!(decided(&policy, pay, Some(Approval::Denied)), "block -32004!");
    assert_eq!(decided(&policy, pay, Some(Approval::TimedOut)), "block -32005!");
    assert_eq!(
        decided(&policy, r#"{"action": "read"}"#, Some(Approval::Denied)),
        "allow",
        "nobody was asked"
    );
}

#[test]
fn the_policy_file_itself_is_protected() {
    let policy =
        Policy::parse(Path::new("/etc/aip/agent.yaml"), &spec("{allowed_tools: [write]}"), &[]).unwrap();
    assert_eq!(
        decided(&policy, r#"{"action": "write", "arguments": {"path": "/etc/aip/agent.yaml"}}"#, None),
        "block -32007!"
    );
}

#[test]
fn a_pinned_tool_is_the_one_that_was_pinned() {
    let schema = r#"{"name": "read", "description": "Reads", "inputSchema": {"type": "object"}}"#;
    let hash =
        verdict::aip::canonical::schema_hash("sha256", &serde_json::from_str(schema).unwrap()).unwrap();
    let policy = read(&spec(&format!("{{tool_rules: [{{tool: read, schema_hash: '{hash}'}}]}}"))).unwrap();
    let input = |schema: &str| format!(r#"{{"action": "read", "context": {{"tool_schema": {schema}}}}}"#);
    assert_eq!(decided(&policy, &input(schema), None), "allow");
    assert_eq!(decided(&policy, &input(&schema.replace("Reads", "Deletes")), None), "block -32013!");
}

#[test]
fn responses_are_redacted() {
    let policy = read(&spec(
        "{dlp: {detect_encoding: true, max_scan_size: 1KB, patterns: [{name: Key, regex: 'AKIA[A-Z0-9]{16}'}, {name: $1, regex: 'b(o)b', scope: \
         response}, {name: Q, regex: query, scope: request}]}}",
    ))
    .unwrap();
    let (text, found) = policy.redact("AKIAIOSFODNN7EXAMPLE bob QUtJQUlPU0ZPRE5ON0VYQU1QTEU= query");
    assert_eq!(text, "[REDACTED:Key] [REDACTED:$1] [REDACTED:Key] query");
    let counts: Vec<_> = found.iter().map(|found| (found.rule.as_str(), found.count)).collect();
    assert_eq!(counts, [("Key", 2), ("$1", 1)]);
    let (long, _) = policy.redact(&"é".repeat(1_000));
    assert!(long.ends_with("é[REDACTED:too long to be scanned]") && long.len() < 1_100);
    assert_eq!(Effect::Ask.name(), "ask");
}
