//! AgentPolicies beside Rego, what is recorded, and revocation.

use serde_json::{Value, json};

use super::tokens::policy;
use super::world::{GATEWAY, World, next_token, payload, standing};
use crate::harness::Reply;

const TOOLS: &str = "apiVersion: aip.io/v1alpha1\nkind: AgentPolicy\nmetadata: {name: tools}\nspec: {allowed_tools: [read, write], \
                     tool_rules: [{tool: pay, action: ask}, {tool: slow, rate_limit: 1/minute}]}\n";

fn data(world: &World, path: &str, input: &Value) -> Reply {
    world.server.post(&format!("/v1/data/{path}"), &json!({ "input": input }).to_string())
}

#[test]
fn both_must_allow_and_the_policy_only_narrows() {
    let world = World::of(TOOLS);
    world.server.write("aip/aip.rego", "package aip\ndefault allow := false\nallow if input.resource.id != \"write\"\nallow if input.action == \"read\"\n");
    world.server.wait_generation(2);
    for (tool, decision, reason) in [
        ("read", "allow", "Tool and arguments permitted"),
        ("write", "block", "Policy does not allow the call"),
        ("rm", "block", "Tool not in allowed_tools list"),
        ("pay", "ask", "Tool requires user approval"),
    ] {
        let body = json!({ "tool": tool, "arguments": {} }).to_string();
        let (reply, record) = world.server.recorded(|| world.server.post("/v1/validate", &body));
        assert_eq!(
            (reply.json()["decision"].clone(), reply.json()["reason"].clone()),
            (json!(decision), json!(reason)),
            "{tool}"
        );
        let outcome = match tool {
            "read" => "allow",
            "rm" => "refused",
            _ => "deny",
        };
        assert_eq!(record["outcome"], outcome, "{record}");
        assert_eq!(record["agent_policy"]["decision"], decision);
        assert_eq!(record["agent_policy"]["name"], "tools");
        assert_eq!(record["protocol"], "aip");
    }
    // The same by any other door.
    for (input, status) in [
        (json!({ "action": "read" }), 200),
        (json!({ "action": "rm" }), 403),
        (json!({ "action": "pay" }), 403),
        (json!({ "action": "call", "resource": { "type": "tool", "id": "rm" } }), 403),
        (json!({ "action": { "provider": "x", "method": "read" } }), 403),
        (json!({}), 403),
    ] {
        let (reply, record) = world.server.recorded(|| data(&world, "aip/allow", &input));
        assert_eq!(reply.status, status, "{input}");
        let reason = record["agent_policy"]["reason"].as_str().unwrap();
        assert!(status == 200 || record["reason"].as_str().unwrap().ends_with(reason), "{record}");
    }
    assert_eq!(
        world.server.post("/", r#"{"action": "rm"}"#).status,
        403,
        "the default decision, which is system/main"
    );
    for path in ["system/main", "system/log/mask", ""] {
        assert_eq!(data(&world, path, &json!({ "action": "rm" })).status, 403, "{path}");
    }
    assert_eq!(world.server.get("/health/live").status, 200);
    let batch = json!({ "inputs": { "a": { "action": "read" }, "b": { "action": "rm" } } }).to_string();
    let answers = world.server.post("/v1/batch/data/aip/allow", &batch).json();
    assert_eq!(answers["responses"]["a"]["result"], true, "{answers}");
    assert!(answers["responses"]["b"]["result"].is_null(), "{answers}");
}

#[test]
fn a_tools_rate_is_that_of_the_policy_whatever_the_door() {
    let world = World::of(TOOLS);
    let slow = json!({ "tool": "SLOW", "arguments": {} }).to_string();
    assert_eq!(world.server.post("/v1/validate", &slow).json()["decision"], "allow");
    let refused = world.server.post("/v1/validate", &slow);
    assert_eq!(
        (refused.status, &refused.json()["error"], &refused.json()["rpc_error"]["code"]),
        (429, &json!("rate_limited"), &json!(-32002))
    );
    assert_eq!(refused.header("retry-after"), Some("60"));
    assert_eq!(data(&world, "aip/allow", &json!({ "action": "slow" })).status, 429);
    world.wait(60);
    assert_eq!(world.server.post("/v1/validate", &slow).json()["decision"], "allow");
}

#[test]
fn what_a_policy_only_watches_is_recorded_and_counted() {
    let world = World::of(&TOOLS.replace("spec: {", "spec: {mode: monitor, "));
    let rm = json!({ "tool": "rm", "arguments": {} }).to_string();
    let (reply, record) = world.server.recorded(|| world.server.post("/v1/validate", &rm));
    assert_eq!(
        (&reply.json()["decision"], &reply.json()["violations"][0]["type"]),
        (&json!("allow"), &json!("tool_not_allowed"))
    );
    assert_eq!(record["agent_policy"]["violations"][0]["type"], "tool_not_allowed");
    assert_eq!(world.server.metric("aip_violations_total{type=\"tool_not_allowed\"}"), 1.0);
    assert_eq!(world.server.metric("aip_decisions_total{decision=\"allow\"}"), 1.0);
    assert_eq!(world.server.metric("aip_requests_total"), 1.0);
}

#[test]
fn the_token_in_the_body_counts_where_there_is_none_in_the_head_and_none_is_ever_recorded() {
    let world = World::of(&policy("a", ""));
    let token = world.first_token(None);
    let body = json!({ "tool": "read", "arguments": {}, "token": token }).to_string();
    let (reply, record) = world.server.recorded(|| world.server.post("/v1/validate", &body));
    assert_eq!(
        (reply.json()["decision"].clone(), record["subject"]["method"].clone()),
        (json!("allow"), json!("aip"))
    );
    assert_eq!(record["subject"]["agent"], "a");
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    let next = next_token(&reply).unwrap();
    let bad = json!({ "tool": "read", "arguments": {}, "token": "a\nb" }).to_string();
    assert_eq!(world.server.post("/v1/validate", &bad).json()["token_error"], "malformed");
    let large = format!("{{\"tool\": \"read\", \"arguments\": {{\"x\": \"{}\"}}}}", "y".repeat(80 << 10));
    assert_eq!(
        world.server.post("/v1/validate", &large).status,
        413,
        "of a stranger's body, so much is read and no more"
    );
    assert_eq!(world.server.ask("/v1/validate", &next, &large).status, 200);
    for file in ["decisions.jsonl", "decisions.refused.jsonl"] {
        let text = std::fs::read_to_string(world.server.dir.path().join(file)).unwrap();
        for token in [&token, &next] {
            assert!(!text.contains(token.rsplit('.').next().unwrap()), "{file}");
        }
    }
    let opened = world.open(None);
    assert_eq!(
        (opened.header("cache-control"), opened.json()["expires_in"].clone()),
        (Some("no-store"), json!(300))
    );
}

#[test]
fn a_session_of_an_agent_is_seen_by_rego_and_gives_no_right() {
    let world = World::of(&policy("a", ""));
    world
        .server
        .write("aip/aip.rego", "package aip\nallow := input.subject.agent == \"a\"\nwho := input.subject\n");
    world.server.wait_generation(2);
    let token = world.first_token(None);
    let session = payload(&token)["session_id"].clone();
    let reply = world.server.ask("/v1/data/aip/who", &token, r#"{"input": {"action": "read"}}"#);
    let subject = reply.json()["result"].clone();
    assert_eq!(
        (&subject["id"], &subject["method"], &subject["issuer"]),
        (&json!("a"), &json!("aip"), &json!("aip"))
    );
    assert_eq!(
        (&subject["roles"], &subject["permissions"], &subject["claims"]["session_id"]),
        (&json!([]), &json!([]), &session)
    );
    assert!(next_token(&reply).is_some(), "by every door");
}

#[test]
fn a_policy_file_that_changes_is_taken_up() {
    let world = World::of(TOOLS);
    let rm = json!({ "tool": "rm", "arguments": {} }).to_string();
    let decision = || world.server.post("/v1/validate", &rm).json()["decision"].clone();
    assert_eq!(decision(), "block");
    std::fs::write(world.server.dir.path().join("agent.yaml"), "kind: nothing\n").unwrap();
    let error = world.server.app.live.reload().unwrap_err();
    assert!(error.contains("agent.yaml:1:") && error.contains("aip.policies"), "{error}");
    assert_eq!(decision(), "block", "the old one stays in force");
    world.change(&TOOLS.replace("[read,", "[rm, read,"));
    assert_eq!(decision(), "allow");
    let files = world.server.app.live.config_files();
    assert!(files.iter().any(|file| file.ends_with("agent.yaml")), "{files:?}");
}

fn manage(world: &World, path: &str, key: &str, body: &Value) -> (u16, Value) {
    let url = format!("http://{}{path}", world.server.app.management.unwrap());
    let request = world.server.client.post(url).bearer_auth(key).body(body.to_string());
    world.server.block_on(async {
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        (status, serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap())
    })
}

#[test]
fn a_session_and_a_token_are_revoked_with_the_next_call() {
    let more = "management: {listen: '127.0.0.1:0'}\nregistry: {enabled: true}\n";
    let world = World::new(&[("agent.yaml".to_owned(), policy("a", ""))].into(), standing(), more);
    let bootstrap = std::fs::read_to_string(world.server.dir.path().join("state/bootstrap-token")).unwrap();
    let begin = json!({ "organisation": { "id": "acme", "name": "Acme" } });
    let (status, begun) = manage(&world, "/v1/bootstrap", bootstrap.trim(), &begin);
    assert_eq!(status, 201, "{begun}");
    let operator = begun["operator_key"].as_str().unwrap();
    let read = json!({ "tool": "read", "arguments": {} });
    let (first, other) = (world.first_token(None), world.first_token(None));
    let next = next_token(&world.validate(&first, &read)).unwrap();
    let session = payload(&first)["session_id"].clone();
    let revoke = json!({ "type": "session", "session_id": session, "reason": "test" });
    let (status, body) = manage(&world, "/v1/revoke", operator, &revoke);
    assert_eq!(
        (status, &body["revoked"], &body["type"], &body["target"]),
        (200, &json!(true), &json!("session"), &session),
        "{body}"
    );
    assert!(body["revoked_at"].is_string());
    let reply = world.validate(&next, &read).json();
    assert_eq!(
        (&reply["token_error"], &reply["rpc_error"]["code"], &reply["message"]),
        (&json!("token_revoked"), &json!(-32011), &json!("the session was revoked"))
    );
    let revoke = json!({ "type": "token", "token_nonce": payload(&other)["nonce"] });
    assert_eq!(manage(&world, "/v1/revoke", operator, &revoke).0, 200);
    world.wait(600);
    assert_eq!(
        world.validate(&other, &read).json()["message"],
        "the token was revoked",
        "before it is looked at whether it has expired"
    );
    assert_eq!(world.validate(&world.first_token(None), &read).json()["decision"], "allow", "others are not");
    for (key, body, status, error) in [
        (operator, json!({ "type": "session" }), 400, "invalid_request"),
        (
            operator,
            json!({ "type": "session", "session_id": "s", "token_nonce": "n" }),
            400,
            "invalid_request",
        ),
        (operator, json!({ "type": "all" }), 400, "invalid_request"),
        ("nobody", revoke.clone(), 401, "unauthorized"),
        (GATEWAY.1, revoke.clone(), 403, "forbidden"),
    ] {
        let (got, said) = manage(&world, "/v1/revoke", key, &body);
        assert_eq!((got, &said["error"]), (status, &json!(error)), "{body}: {said}");
    }
    let token = world.first_token(None);
    assert_eq!(manage(&world, "/v1/revoke", &token, &revoke).0, 403, "no agent revokes");
    let here = |path: &str, key: &str| world.server.ask(path, key, &revoke.to_string()).status;
    assert_eq!(here("/v1/revoke", operator), 404, "where no AIP server is asked for");
    let served = policy("a", "") + "  server: {enabled: true, endpoints: {revoke: /aip/revoke}}\n";
    world.change(&served);
    for path in ["/v1/revoke", "/aip/revoke"] {
        assert_eq!(
            (here(path, operator), here(path, "nobody"), here(path, GATEWAY.1)),
            (200, 401, 403),
            "{path}"
        );
    }
}
