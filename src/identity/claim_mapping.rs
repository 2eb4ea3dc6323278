//! Where the attributes of a subject stand in what an issuer says of it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Paths into the claims, dotted or as JSON pointers (RFC 6901); an attribute without a path is looked for under the names
/// that are in common use.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ClaimMapping {
    /// The subject's id; `sub` unless it says otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The subject's type; `type`, else `user`.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The subject's roles; `roles`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub roles: Option<String>,
    /// The subject's scopes; `scope` (text, separated by spaces) or `scp`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scopes: Option<String>,
    /// The subject's permissions; `permissions`, and `entitlements` of an access token (RFC 9068).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub permissions: Option<String>,
    /// The subject's tenant; `tenant`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// The agent that the token is for; none unless it says which.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// The session that the token belongs to; `sid`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// Other attributes by name, of any form, e.g. `{email: email, reputation: score.value}`.
    pub attributes: BTreeMap<String, String>,
}
