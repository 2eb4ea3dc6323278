//! Who may ask about whom.

use serde_json::{Value, json};
use verdict::identity::dev::TokenRequest;

use super::{EVALUATION, EVALUATIONS, evaluation, ways};
use crate::harness::{Reply, Server, TestApp};

fn token(server: &Server, sub: &str, roles: &[&str]) -> String {
    let roles = roles.iter().map(|role| (*role).to_owned()).collect();
    let ttl = std::time::Duration::from_secs(600);
    server.token(&TokenRequest { sub: sub.to_owned(), kind: None, roles, claims: Default::default(), ttl })
}

fn ask(server: &Server, path: &str, authorization: Option<&str>, body: &Value) -> Reply {
    let mut headers = vec![("Content-Type", "application/json")];
    headers.extend(authorization.map(|value| ("Authorization", value)));
    server.send("POST", path, &headers, body.to_string().as_bytes())
}

#[test]
fn garbage_is_no_credential_where_nobody_looks_and_is_refused_where_somebody_does() {
    let yes = evaluation("alice", "yes", "r");
    for (mode, authorization, status) in [
        ("off", None, 200),
        ("off", Some("undefined"), 200),
        ("off", Some("Bearer nonsense"), 200),
        ("required", None, 401),
        ("required", Some("undefined"), 401),
        ("required", Some("Bearer nonsense"), 401),
        ("optional", Some("undefined"), 401),
        // Nobody may ask about somebody.
        ("optional", None, 401),
    ] {
        let server = ways(&format!("identity: {{mode: \"{mode}\"}}")).start();
        let (reply, record) = server.recorded(|| ask(&server, EVALUATION, authorization, &yes));
        assert_eq!(reply.status, status, "{mode} {authorization:?}");
        assert_eq!(reply.header("www-authenticate").is_some(), status == 401, "{mode} {authorization:?}");
        assert_eq!(record["outcome"] == "allow", status == 200, "{mode} {authorization:?}");
        assert_eq!(reply.json().is_string(), status == 401, "{mode} {authorization:?}");
    }
}

#[test]
fn a_caller_asks_about_itself_and_a_pep_about_anybody() {
    let server = ways("identity: {mode: required}").start();
    let bearer = |sub: &str, roles: &[&str]| format!("Bearer {}", token(&server, sub, roles));
    let (alice, pep, other) =
        (bearer("alice", &["staff"]), bearer("gateway", &["pep"]), bearer("gateway", &["staff"]));
    let about = |subject: &str| evaluation(subject, "echo", "r");

    // About herself: policy sees who was verified, and what the body said beside it.
    let mut asked = about("alice");
    asked["subject"]["type"] = json!("identity");
    asked["subject"]["properties"] = json!({"roles": ["root"]});
    asked["subject"]["roles"] = json!(["root"]);
    let input = ask(&server, EVALUATION, Some(&alice), &asked).json()["context"]["input"].clone();
    assert_eq!((&input["subject"]["type"], &input["subject"]["method"]), (&json!("user"), &json!("jwt")));
    assert_eq!(input["subject"]["roles"], json!(["staff"]));
    assert_eq!(
        input["asserted"]["subject"],
        json!({"type": "identity", "id": "alice", "properties": {"roles": ["root"]}})
    );
    assert_eq!(input.get("pep"), None);

    // A PEP about her: the subject is as it was asserted, says so, and has nothing that only the verified have.
    let (reply, record) = server.recorded(|| ask(&server, EVALUATION, Some(&pep), &asked));
    let input = reply.json()["context"]["input"].clone();
    assert_eq!(
        input["subject"],
        json!({"type": "identity", "id": "alice", "properties": {"roles": ["root"]}, "method": "asserted"})
    );
    assert_eq!((&input["pep"]["id"], &input["pep"]["method"]), (&json!("gateway"), &json!("jwt")));
    assert_eq!(record["input"]["pep"]["id"], "gateway", "{record:#}");

    // Others about her: refused, whole and item by item.
    let (reply, record) = server.recorded(|| ask(&server, EVALUATION, Some(&other), &about("alice")));
    assert_eq!(reply.status, 403);
    assert!(reply.json().as_str().unwrap().contains("doors.pep_role"), "{}", reply.json());
    assert_eq!(record["outcome"], "refused");
    let batch = json!({"evaluations": [evaluation("gateway", "yes", "r"), evaluation("alice", "yes", "r")]});
    let answer = ask(&server, EVALUATIONS, Some(&other), &batch).json();
    assert_eq!(answer["evaluations"][0], json!({"decision": true}));
    assert_eq!(answer["evaluations"][1]["decision"], false);
    assert_eq!(answer["evaluations"][1]["context"]["error"]["status"], 403);
}

#[test]
fn without_the_role_in_the_configuration_nobody_is_a_pep() {
    let server = ways("identity: {mode: required}");
    let server =
        server.config("identity: {mode: required}\ndoors: {authzen: {document: ways/main}}\n").start();
    let bearer = format!("Bearer {}", token(&server, "gateway", &["pep", "verdict-admin", ""]));
    assert_eq!(ask(&server, EVALUATION, Some(&bearer), &evaluation("alice", "yes", "r")).status, 403);
    assert_eq!(ask(&server, EVALUATION, Some(&bearer), &evaluation("gateway", "yes", "r")).status, 200);
}

/// A caller of OPA's API cannot make itself look like one that was asked about by a PEP.
#[test]
fn what_a_body_says_of_a_pep_is_moved_aside_everywhere() {
    let server = ways("identity: {mode: required}").start();
    let token = token(&server, "alice", &["pep"]);
    let body = json!({"input": {"pep": {"id": "gateway"}, "subject": {"id": "root", "method": "asserted"},
                                "action": {"name": "echo"}}});
    let input =
        server.ask("/v1/data/ways/main", &token, &body.to_string()).json()["result"]["context"]["input"]
            .clone();
    assert_eq!((&input["subject"]["id"], input.get("pep")), (&json!("alice"), None));
    assert_eq!(input["asserted"]["pep"]["id"], "gateway");
}

/// Who may search for subjects could ask about each of them.
#[test]
fn only_peps_search_for_subjects_and_everybody_for_what_it_may_do() {
    let policy = "package who\n\nallow if input.subject.id in {\"alice\", \"bob\"}\n\nlist := [\"alice\", \"bob\", \"eve\"]\n";
    let config = "identity: {mode: required}\ndoors:\n  pep_role: pep\n  authzen: {document: who/allow, search: {subjects: who/list, actions: who/list}}\n";
    let server = TestApp::new().config(config).file("who/who/p.rego", policy).start();
    let bearer = |sub: &str, roles: &[&str]| format!("Bearer {}", token(&server, sub, roles));
    let (alice, pep) = (bearer("alice", &[]), bearer("gateway", &["pep"]));
    let subjects = json!({"subject": {"type": "user"}, "action": {"name": "read"}, "resource": {"type": "r", "id": "1"}});
    let actions = json!({"subject": {"type": "user", "id": "alice"}, "resource": {"type": "r", "id": "1"}});
    let search = |bearer: &str, kind: &str, body: &Value| {
        ask(&server, &format!("/access/v1/search/{kind}"), Some(bearer), body)
    };
    assert_eq!(search(&alice, "subject", &subjects).status, 403);
    let found = search(&pep, "subject", &subjects).json();
    assert_eq!(found["results"], json!([{"type": "user", "id": "alice"}, {"type": "user", "id": "bob"}]));
    assert_eq!(search(&alice, "action", &actions).json()["results"].as_array().unwrap().len(), 3);
    let others = json!({"subject": {"type": "user", "id": "bob"}, "resource": {"type": "r", "id": "1"}});
    assert_eq!(search(&alice, "action", &others).status, 403);
    assert_eq!(search(&pep, "action", &others).status, 200);
}

/// The mode of the document that decides lets nobody in to one that lists candidates under another.
#[test]
fn a_search_is_refused_where_its_two_documents_let_different_callers_in() {
    let config = "identity: {mode: required, entrypoints: {who/allow: \"off\"}}\n\
                  doors: {authzen: {document: who/allow, search: {subjects: who/list}}}\n";
    let server = TestApp::new()
        .config(config)
        .file("who/who/p.rego", "package who\n\nallow := true\n\nlist := [\"a\"]\n")
        .start();
    let query = json!({"subject": {"type": "user"}, "action": {"name": "read"}, "resource": {"type": "r", "id": "1"}});
    let reply = ask(&server, "/access/v1/search/subject", None, &query);
    assert_eq!(reply.status, 500, "{}", String::from_utf8_lossy(&reply.body));
    assert!(reply.json().as_str().unwrap().contains("identity.entrypoints"));
}
