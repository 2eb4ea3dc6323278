//! The JSON-RPC errors of AIP (v1alpha2 section 7), and the responses that are made of them.

use serde_json::{Value, json};

use crate::model::ruling::{Effect, RpcError, Ruling};

/// The tool may not be called.
pub const FORBIDDEN: RpcError = RpcError { code: -32001, message: "Forbidden" };
/// It was called too often.
pub const RATE_LIMITED: RpcError = RpcError { code: -32002, message: "Rate limit exceeded" };
/// The user said no.
pub const USER_DENIED: RpcError = RpcError { code: -32004, message: "User denied" };
/// The user said nothing.
pub const USER_TIMEOUT: RpcError = RpcError { code: -32005, message: "User approval timeout" };
/// The method may not be used.
pub const METHOD_NOT_ALLOWED: RpcError = RpcError { code: -32006, message: "Method not allowed" };
/// An argument names a protected path.
pub const PROTECTED_PATH: RpcError = RpcError { code: -32007, message: "Access denied: protected path" };
/// There is no token.
pub const TOKEN_REQUIRED: RpcError = RpcError { code: -32008, message: "Token required" };
/// The token is no good.
pub const TOKEN_INVALID: RpcError = RpcError { code: -32009, message: "Token invalid" };
/// The token or its session was revoked.
pub const TOKEN_REVOKED: RpcError = RpcError { code: -32011, message: "Token revoked" };
/// The token is for somebody else.
pub const AUDIENCE_MISMATCH: RpcError = RpcError { code: -32012, message: "Audience mismatch" };
/// The tool is not what the policy says.
pub const SCHEMA_MISMATCH: RpcError = RpcError { code: -32013, message: "Schema mismatch" };

/// The error of a blocked call, for its gateway: code, message, and what it is about.
pub fn error(ruling: &Ruling) -> Option<Value> {
    let error = ruling.error.filter(|_| ruling.effect == Effect::Block)?;
    let mut data = match &ruling.tool {
        Some(tool) => json!({ "tool": tool }),
        None => json!({ "method": ruling.method }),
    };
    if let Some(data) = data.as_object_mut() {
        data.insert("reason".to_owned(), ruling.reason.as_str().into());
    }
    Some(json!({ "code": error.code, "message": error.message, "data": data }))
}

/// The response to a JSON-RPC request with this id.
pub fn response(id: &Value, error: &Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "error": error })
}
