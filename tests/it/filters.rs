//! Data filters and partial evaluation over HTTP: what databases take by a filter is what policy allows, row by row.

use serde_json::{Value, json};

use crate::harness::{Reply, Server, TestApp};

mod compile;
mod rows;

const POSTGRESQL: &str = "application/vnd.opa.sql.postgresql+json";
const SQLITE: &str = "application/vnd.opa.sql.sqlite+json";

fn filter(server: &Server, path: &str, accept: &str, body: &Value) -> Reply {
    let headers = [("accept", accept), ("content-type", "application/json")];
    server.send("POST", &format!("/v1/compile/{path}"), &headers, body.to_string().as_bytes())
}

/// The query of a filter; `None` where no row is allowed.
fn query(server: &Server, path: &str, accept: &str, body: &Value) -> Option<String> {
    let reply = filter(server, path, accept, body);
    assert_eq!((reply.status, reply.header("content-type")), (200, Some(accept)), "{body}: {}", reply.json());
    reply.json().get("result").map(|result| result["query"].as_str().unwrap().to_owned())
}

fn policy(text: &str) -> TestApp {
    TestApp::new().file("rows/.manifest", r#"{"revision": "r1"}"#).file("rows/rows/policy.rego", text)
}

fn unknown(input: &Value) -> Value {
    json!({"input": input, "unknowns": ["input.t"]})
}
