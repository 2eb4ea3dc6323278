//! Gateways that ask about HTTP requests: each door by hand, and real gateways with a service behind that must see allowed requests
//! alone.

use std::time::Duration;

use verdict::identity::dev::TokenRequest;

use crate::harness::{Server, TestApp};

mod caddy;
mod cases;
mod command;
mod doors;
mod haproxy;
mod lambda;
mod nginx;
mod oathkeeper;
mod service;
mod variants;

/// One path for each way in which a call can end.
const POLICY: &str = r#"package http

first := input.parsed_path[0]

decision := {"allowed": true} if first == "public"

decision := {"allowed": input.action == "read", "reason": "only alice reads"} if {
	first == "invoices"
	object.get(input, ["subject", "id"], "") == "alice"
}

decision := {"allowed": false, "reason": "only alice reads"} if {
	first == "invoices"
	object.get(input, ["subject", "id"], "") != "alice"
}

decision := {
	"allowed": true,
	"headers": {"x-policy": "yes"},
	"response_headers_to_add": {"x-seen": ["1", "2"]},
	"request_headers_to_remove": ["x-secret"],
} if first == "headers"

decision := {"allowed": true, "headers": {"x-policy": "a\r\nx-auth-user: root"}} if first == "broken"

decision := {"allowed": false, "http_status": 418, "body": "short and stout", "headers": {"x-tea": "green"}} if {
	first == "teapot"
}

decision := {"allowed": false, "http_status": 302, "headers": {"location": "https://login.example/"}} if {
	first == "login"
}

decision := {"allowed": false, "http_status": 200} if first == "sly"

decision := {"allowed": false, "http_status": 401} if first == "who"

decision := 1 if first == "error"

decision := 2 if first == "error"
"#;

const CONFIG: &str = "identity: {mode: optional}
doors:
  forward_auth: {document: http/decision}
  http:
    routes:
      - {name: read-invoice, path: '/invoices/{id}', methods: [GET], action: read, resource: {type: invoice, id: '{id}'}}
";

fn server() -> Server {
    TestApp::new().config(CONFIG).file("http/http.rego", POLICY).start()
}

fn alice(server: &Server) -> String {
    let request =
        TokenRequest { sub: "alice".to_owned(), ttl: Duration::from_secs(600), ..TokenRequest::default() };
    format!("Bearer {}", server.token(&request))
}
