//! The webhooks of Kubernetes over real sockets: reviews as an API server sends them.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use verdict::identity::dev::TokenRequest;

use crate::harness::{Reply, Server, TestApp};

const AUTHORIZE: &str = "/kubernetes/authorize";
const ADMIT: &str = "/kubernetes/admit";

const POLICY: &str = r#"package k8s

# Developers read everything in their namespace, and nobody touches secrets.
authorize := {"allowed": false, "denied": true, "reason": "secrets are not for people"} if {
	input.resource.type == "secrets"
} else := {"allowed": true, "reason": "dev"} if {
	input.action.name in {"get", "list"}
	"dev" in input.subject.properties.groups
	input.resource.properties.namespace == "dev"
} else := {"allowed": true, "denied": true} if {
	input.resource.type == "both"
} else := to_number("x") if {
	input.resource.type == "error"
} else := true if {
	input.resource.type == "url"
} else := false if {
	input.spec.resourceAttributes.verb == "delete"
}

admit := {"allowed": true, "warnings": ["no limits"], "patch": patch} if {
	input.resource.type == "pods"
	input.action.name == "create"
	not input.request.object.metadata.labels.owner
} else := {"allowed": false, "reason": "privileged containers are not admitted"} if {
	some container in input.request.object.spec.containers
	container.securityContext.privileged
} else := {"allowed": true, "patch": [{"op": "nonsense"}]} if {
	input.resource.type == "broken"
} else := true if {
	input.action.name == "create"
}

patch := [{"op": "add", "path": "/metadata/labels", "value": {"owner": input.subject.id}}]
"#;

fn server(config: &str) -> Server {
    let config = format!(
        "{config}\ndoors: {{pep_role: api-server, kubernetes: {{authorize: k8s/authorize, admit: k8s/admit}}}}\n"
    );
    TestApp::new().config(&config).file("k8s/k8s/p.rego", POLICY).start()
}

fn open() -> Server {
    server("identity: {mode: \"off\"}")
}

fn post(server: &Server, path: &str, token: Option<&str>, body: &Value) -> Reply {
    let authorization = token.map(|token| format!("Bearer {token}"));
    let mut headers = vec![("Content-Type", "application/json")];
    headers.extend(authorization.as_deref().map(|value| ("Authorization", value)));
    server.send("POST", path, &headers, body.to_string().as_bytes())
}

fn access(version: &str, attributes: Value) -> Value {
    let groups = if version == "v1" { "groups" } else { "group" };
    json!({
        "apiVersion": format!("authorization.k8s.io/{version}"), "kind": "SubjectAccessReview", "metadata": {},
        "spec": {"resourceAttributes": attributes, "user": "jane", groups: ["dev"], "uid": "1"},
        "status": {"allowed": true},
    })
}

#[test]
fn a_review_of_access_is_allowed_denied_or_left_to_others() {
    let server = open();
    let at = |verb: &str, resource: &str| json!({"verb": verb, "resource": resource, "namespace": "dev", "group": "", "version": "v1"});
    for version in ["v1", "v1beta1"] {
        for (attributes, expected, outcome) in [
            (at("get", "pods"), json!({"allowed": true, "reason": "dev"}), "allow"),
            (
                at("get", "secrets"),
                json!({"allowed": false, "denied": true, "reason": "secrets are not for people"}),
                "deny",
            ),
            (at("delete", "pods"), json!({"allowed": false}), "deny"),
            (
                at("create", "pods"),
                json!({"allowed": false, "reason": "the document is undefined for this input"}),
                "undefined",
            ),
        ] {
            let body = access(version, attributes);
            let (reply, record) = server.recorded(|| post(&server, AUTHORIZE, None, &body));
            let answer = reply.json();
            assert_eq!(
                (reply.status, &answer["status"]["allowed"]),
                (200, &expected["allowed"]),
                "{body} {answer}"
            );
            assert_eq!(answer["status"].get("denied"), expected.get("denied"), "{body} {answer}");
            if outcome == "undefined" {
                assert!(answer["status"]["reason"].is_string(), "{answer}");
            } else {
                assert_eq!(answer["status"], expected, "{body}");
            }
            assert_eq!((&answer["apiVersion"], &answer["kind"]), (&body["apiVersion"], &body["kind"]));
            assert_eq!(
                (&record["outcome"], reply.header("verdict-outcome")),
                (&json!(outcome), Some(outcome))
            );
            assert_eq!(record["input"].get("status"), None, "{record:#}");
        }
    }
    let url = json!({"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview",
                     "spec": {"user": "jane", "nonResourceAttributes": {"path": "/healthz", "verb": "get"}}});
    assert_eq!(post(&server, AUTHORIZE, None, &url).json()["status"], json!({"allowed": true}));
}

#[test]
fn an_error_is_no_opinion_and_says_so() {
    let server = open();
    for (resource, why) in [("error", "to_number"), ("both", "both allowed and `denied`")] {
        let body = access("v1", json!({"verb": "get", "resource": resource}));
        let (reply, record) = server.recorded(|| post(&server, AUTHORIZE, None, &body));
        let status = reply.json()["status"].clone();
        assert_eq!((reply.status, &status["allowed"], status.get("denied")), (200, &json!(false), None));
        assert!(status["evaluationError"].as_str().unwrap().contains(why), "{status}");
        assert_eq!(record["outcome"], "error");
    }
}

fn admission(resource: &str, object: Value) -> Value {
    json!({
        "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
        "request": {
            "uid": "705ab4f5", "kind": {"group": "", "version": "v1", "kind": "Pod"},
            "resource": {"group": "", "version": "v1", "resource": resource}, "name": "web", "namespace": "dev",
            "operation": "CREATE", "userInfo": {"username": "jane", "groups": ["dev"]}, "object": object,
            "oldObject": null, "dryRun": false,
        },
    })
}

#[test]
fn an_object_is_admitted_changed_or_refused() {
    let server = open();
    let pod = |privileged: bool| json!({"metadata": {"labels": {"owner": "x"}}, "spec": {"containers": [{"securityContext": {"privileged": privileged}}]}});
    let admit = |resource: &str, object: Value| {
        let (reply, record) = server.recorded(|| post(&server, ADMIT, None, &admission(resource, object)));
        let answer = reply.json();
        assert_eq!((reply.status, &answer["apiVersion"]), (200, &json!("admission.k8s.io/v1")), "{answer}");
        assert_eq!(
            (&answer["kind"], &answer["response"]["uid"]),
            (&json!("AdmissionReview"), &json!("705ab4f5"))
        );
        assert_eq!(answer["response"]["allowed"] == true, record["outcome"] == "allow", "{record:#}");
        answer["response"].clone()
    };
    assert_eq!(admit("pods", pod(false)), json!({"uid": "705ab4f5", "allowed": true}));
    assert_eq!(
        admit("pods", pod(true)),
        json!({"uid": "705ab4f5", "allowed": false, "status": {"code": 403, "message": "privileged containers are not admitted"}})
    );
    let changed = admit("pods", json!({"metadata": {}}));
    assert_eq!((&changed["warnings"], &changed["patchType"]), (&json!(["no limits"]), &json!("JSONPatch")));
    let patch = BASE64_STANDARD.decode(changed["patch"].as_str().unwrap()).unwrap();
    let patch: Value = serde_json::from_slice(&patch).unwrap();
    assert_eq!(patch, json!([{"op": "add", "path": "/metadata/labels", "value": {"owner": "jane"}}]));
    // What could be answered with in half only is not admitted.
    let broken = admit("broken", json!({}));
    assert_eq!((&broken["allowed"], &broken["status"]["code"]), (&json!(false), &json!(500)));
    assert!(broken["status"]["message"].as_str().unwrap().contains("`patch[0]`"), "{broken}");
}

#[test]
fn what_is_no_review_is_answered_in_the_words_of_kubernetes() {
    let server = open();
    let mut other = access("v1", json!({"verb": "get", "resource": "pods"}));
    other["apiVersion"] = json!("authorization.k8s.io/v2");
    let mut without_uid = admission("pods", json!({}));
    without_uid["request"]["uid"] = Value::Null;
    for (path, body, why) in [
        (AUTHORIZE, json!([]), "not a JSON object"),
        (AUTHORIZE, json!({}), "`kind` is not `SubjectAccessReview`"),
        (AUTHORIZE, admission("pods", json!({})), "`kind` is not `SubjectAccessReview`"),
        (
            AUTHORIZE,
            other,
            "`apiVersion` is not one of authorization.k8s.io/v1, authorization.k8s.io/v1beta1",
        ),
        (ADMIT, access("v1", json!({})), "`kind` is not `AdmissionReview`"),
        (ADMIT, without_uid, "no `uid`"),
    ] {
        let (reply, record) = server.recorded(|| post(&server, path, None, &body));
        let answer = reply.json();
        assert_eq!(
            (reply.status, &answer["kind"], &answer["code"]),
            (400, &json!("Status"), &json!(400)),
            "{body}"
        );
        assert!(answer["message"].as_str().unwrap().contains(why), "{body}: {answer}");
        assert_eq!(record["outcome"], "refused");
    }
    assert_eq!(server.get(AUTHORIZE).status, 405);
}

#[test]
fn an_api_server_that_is_not_known_gets_a_status_that_makes_it_fall_back() {
    let server = server("identity: {mode: required}");
    let token = |sub: &str, roles: &[&str]| {
        let roles = roles.iter().map(|role| (*role).to_owned()).collect();
        let ttl = std::time::Duration::from_secs(600);
        server.token(&TokenRequest {
            sub: sub.to_owned(),
            kind: None,
            roles,
            claims: Default::default(),
            ttl,
        })
    };
    let body = access("v1", json!({"verb": "get", "resource": "pods", "namespace": "dev"}));
    let reply = post(&server, AUTHORIZE, None, &body);
    assert_eq!((reply.status, &reply.json()["kind"]), (401, &json!("Status")));
    assert!(reply.header("www-authenticate").is_some());
    assert_eq!(post(&server, AUTHORIZE, Some(&token("other", &["dev"])), &body).status, 403);
    let (reply, record) =
        server.recorded(|| post(&server, AUTHORIZE, Some(&token("api", &["api-server"])), &body));
    assert_eq!(reply.json()["status"], json!({"allowed": true, "reason": "dev"}));
    assert_eq!(
        (&record["input"]["subject"]["method"], &record["input"]["pep"]["id"]),
        (&json!("asserted"), &json!("api"))
    );
    // Jane could ask about herself, with her own credential; then she is who was verified, whatever groups the review says.
    assert_eq!(post(&server, AUTHORIZE, Some(&token("jane", &[])), &body).json()["status"]["allowed"], false);
}

#[test]
fn without_a_document_there_is_no_webhook() {
    let server = TestApp::new().start();
    for path in [AUTHORIZE, ADMIT] {
        assert_eq!(server.post(path, "{}").status, 404);
    }
}
