//! The routes of the systems that Verdict takes the place of, over sockets: their headers, bodies and codes.

mod agentpack;
mod delegated;
mod relay;
mod trail;

use serde_json::Value;

use crate::admin::support::{Admin, once};
use crate::harness::Reply;

/// Calls the management listener with one credential in one header.
fn call(admin: &Admin, method: &str, path: &str, credential: (&str, &str), body: &Value) -> Reply {
    let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
    once(&admin.server, method, path, &[credential], &body)
}

/// The same, for an answer with this status.
#[track_caller]
fn expect(
    admin: &Admin,
    status: u16,
    (method, path): (&str, &str),
    credential: (&str, &str),
    body: &Value,
) -> Value {
    let reply = call(admin, method, path, credential, body);
    assert_eq!(reply.status, status, "{method} {path} {body}: {}", String::from_utf8_lossy(&reply.body));
    reply.json()
}
