//! JSON-RPC 2.0 errors, as MCP uses them.

use serde_json::{Value as Json, json};

use crate::model::failure::{Failure, FailureKind};

/// The text is no JSON.
pub(super) const PARSE_ERROR: i32 = -32700;
/// It is no message.
pub(super) const INVALID_REQUEST: i32 = -32600;
/// Its parameters are not what the method takes; also an error of a COAZ mapping.
pub(super) const INVALID_PARAMS: i32 = -32602;
/// There is no decision.
pub(super) const INTERNAL_ERROR: i32 = -32603;
/// Headers and message differ (MCP 2026-07-28).
pub(super) const HEADER_MISMATCH: i32 = -32020;
/// The protocol's version is not spoken here (MCP 2026-07-28).
pub(super) const UNSUPPORTED_VERSION: i32 = -32022;

/// Why a message is not decided by policy.
#[derive(Debug, PartialEq)]
pub(super) struct Fault {
    pub(super) kind: FailureKind,
    /// The error's code; none where it is the one of denials, which is configured.
    pub(super) code: Option<i32>,
    pub(super) message: String,
    pub(super) data: Option<Json>,
}

impl Fault {
    /// A message that is wrong.
    pub(super) fn new(code: i32, message: impl Into<String>) -> Self {
        Self { kind: FailureKind::InvalidRequest, code: Some(code), message: message.into(), data: None }
    }

    /// Parameters that are wrong.
    pub(super) fn params(message: impl Into<String>) -> Self {
        Self::new(INVALID_PARAMS, message)
    }

    /// A message that is denied whatever policy says.
    pub(super) fn denied(message: impl Into<String>) -> Self {
        Self { kind: FailureKind::InsufficientPermissions, code: None, message: message.into(), data: None }
    }

    /// For the record.
    pub(super) fn failure(&self) -> Failure {
        Failure::new(self.kind, self.message.as_str())
    }
}

/// An error response. `id` is that of the request, null where that is not known, and none for a notification.
pub(super) fn response(id: Option<&Json>, code: i32, message: &str, data: Option<Json>) -> Json {
    let mut error = json!({ "code": code, "message": message });
    let mut response = json!({ "jsonrpc": "2.0" });
    if let (Some(members), Some(data)) = (error.as_object_mut(), data) {
        members.insert("data".to_owned(), data);
    }
    if let Some(members) = response.as_object_mut() {
        if let Some(id) = id {
            members.insert("id".to_owned(), id.clone());
        }
        members.insert("error".to_owned(), error);
    }
    response
}
