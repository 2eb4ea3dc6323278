//! Docker's authorization plugin over real sockets: what a daemon sends, and what it is told.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use crate::harness::{Reply, Server, TestApp};

const POLICY: &str = r#"package docker

default authorize := {"allow": false, "reason": "not for you"}

authorize := true if {
	input.Method == "GET"
	not input.Response.Body.secret
}

authorize := to_number("x") if input.resource.id == "/error"

authorize := {"allow": true} if {
	input.resource.id == "/containers/create"
	input.Body.HostConfig.Privileged == false
	input.subject.id == "jane"
}
"#;

fn server() -> Server {
    let config = "identity: {mode: \"off\"}\ndoors: {docker: {document: docker/authorize}}\n";
    TestApp::new().config(config).file("docker/docker/p.rego", POLICY).start()
}

fn ask(server: &Server, which: &str, body: &Value) -> Reply {
    let headers =
        [("Host", "plugin.moby.localhost"), ("Content-Type", "application/vnd.docker.plugins.v1.2+json")];
    server.send("POST", &format!("/AuthZPlugin.AuthZ{which}"), &headers, body.to_string().as_bytes())
}

fn request(method: &str, uri: &str, body: &Value) -> Value {
    json!({
        "User": "jane", "UserAuthNMethod": "TLS", "RequestMethod": method, "RequestUri": uri,
        "RequestBody": BASE64_STANDARD.encode(body.to_string()),
        "RequestHeaders": {"Content-Type": "application/json", "X-Registry-Auth": "s3cret"},
    })
}

#[test]
fn a_daemon_is_told_what_a_client_may_do() {
    let server = server();
    let activated = server.send("POST", "/Plugin.Activate", &[("Host", "plugin.moby.localhost")], b"");
    assert_eq!(activated.json(), json!({"Implements": ["authz"]}));
    let create = |privileged: bool| {
        request("POST", "/v1.41/containers/create", &json!({"HostConfig": {"Privileged": privileged}}))
    };
    for (asked, expected) in [
        (request("GET", "/v1.41/info", &json!({})), json!({"Allow": true})),
        (create(false), json!({"Allow": true})),
        (create(true), json!({"Allow": false, "Msg": "not for you"})),
        (request("POST", "/containers/create", &json!({})), json!({"Allow": false, "Msg": "not for you"})),
    ] {
        let (reply, record) = server.recorded(|| ask(&server, "Req", &asked));
        assert_eq!((reply.status, reply.json()), (200, expected.clone()), "{asked}");
        assert_eq!(reply.header("content-type"), Some("application/vnd.docker.plugins.v1.1+json"));
        assert_eq!(record["outcome"] == "allow", expected["Allow"] == true, "{record:#}");
        assert!(!record.to_string().contains("s3cret"), "{record:#}");
    }
}

#[test]
fn what_came_of_a_request_is_asked_about_before_it_is_given_away() {
    let server = server();
    let mut asked = request("GET", "/v1.41/containers/1/json", &json!({}));
    asked["ResponseStatusCode"] = json!(200);
    asked["ResponseHeaders"] = json!({"Content-Type": "application/json"});
    for (body, allowed) in [(json!({}), true), (json!({"secret": true}), false)] {
        asked["ResponseBody"] = json!(BASE64_STANDARD.encode(body.to_string()));
        assert_eq!(ask(&server, "Res", &asked).json()["Allow"], allowed, "{body}");
    }
}

#[test]
fn whatever_goes_wrong_the_daemon_refuses() {
    let server = server();
    for (asked, status, why) in [
        (request("GET", "/error", &json!({})), 200, "to_number"),
        (request("GET", "//info", &json!({})), 400, "empty segment"),
        (json!({}), 400, "no `RequestMethod`"),
        (json!([]), 400, "not a JSON object"),
        (json!({"x": "y".repeat(2 << 20)}), 413, "too large"),
    ] {
        let (reply, record) = server.recorded(|| ask(&server, "Req", &asked));
        let answer = reply.json();
        assert_eq!((reply.status, &answer["Allow"]), (status, &json!(false)), "{answer}");
        assert!(answer["Err"].as_str().unwrap().contains(why), "{answer}");
        assert_ne!(record["outcome"], "allow");
    }
    assert_eq!(server.get("/Plugin.Activate").status, 405);
    let locked = TestApp::new()
        .config("identity: {mode: required}\ndoors: {docker: {document: docker/authorize}}\n")
        .file("docker/docker/p.rego", POLICY)
        .start();
    let reply = ask(&locked, "Req", &request("GET", "/v1.41/info", &json!({})));
    assert_eq!((reply.status, &reply.json()["Allow"]), (401, &json!(false)));
}

#[test]
fn without_a_document_there_is_no_plugin() {
    let server = TestApp::new().start();
    for path in ["/Plugin.Activate", "/AuthZPlugin.AuthZReq", "/AuthZPlugin.AuthZRes"] {
        assert_eq!(server.post(path, "{}").status, 404);
    }
}
