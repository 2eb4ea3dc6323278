//! What a session token says.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::identity::jwt::claims::{Claims, wrong};
use crate::identity::refusal::Refusal;
use crate::model::clock::Timestamp;

/// The version of the payload.
pub(super) const VERSION: &str = "aip/v1alpha2";
/// The longest that a token may live, in nanoseconds: an hour.
const LONGEST: i64 = 3_600_000_000_000;

/// The payload, which has these members and no others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Payload {
    pub(super) version: String,
    pub(super) aud: String,
    pub(super) policy_hash: String,
    pub(super) session_id: String,
    pub(super) agent_id: String,
    /// When the lifetime began, which the session's tokens share.
    pub(super) issued_at: Timestamp,
    pub(super) expires_at: Timestamp,
    pub(super) nonce: String,
    pub(super) binding: Bound,
}

/// Where the session was opened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Bound {
    pub(super) process_id: u32,
    pub(super) policy_path: String,
    pub(super) hostname: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) container_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) pod_uid: Option<String>,
}

impl Payload {
    /// Reads a payload whose signature has been checked.
    ///
    /// # Errors
    /// A member is missing, is of a wrong form, or is not one of a session token's.
    pub(super) fn read(claims: &Claims) -> Result<Self, Refusal> {
        const FORM: Refusal = Refusal::Malformed("its payload is not that of a session token");
        // Times are texts; `null` is no absence.
        if claims.values().any(Value::is_null) {
            return Err(FORM);
        }
        let payload: Self = serde_json::from_value(Value::Object(claims.clone())).map_err(|_| FORM)?;
        let hex = |text: &str, length| {
            text.len() == length && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        };
        let Self { version, policy_hash, session_id, issued_at, expires_at, nonce, .. } = &payload;
        let lifetime = expires_at.0.saturating_sub(issued_at.0);
        for (name, right) in [
            ("version", version == VERSION),
            ("policy_hash", hex(policy_hash, 64)),
            ("nonce", hex(nonce, 32)),
            ("session_id", Uuid::parse_str(session_id).is_ok_and(|id| id.to_string() == *session_id)),
            ("expires_at", lifetime > 0 && lifetime <= LONGEST),
        ] {
            if !right {
                return Err(wrong(name, "is not that of a session token"));
            }
        }
        Ok(payload)
    }
}
