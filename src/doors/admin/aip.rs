//! Revocation under AIP's name (v1alpha2 section 6.5): of a session, or of a token by its nonce.
//!
//! Deliberately absent: whether there was such a session, which nobody keeps a list of.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::asked::{Asked, Invalid};
use super::operation::{Dialect, Needs, Operation, Trouble, With, Work, shape};
use super::render::value;
use crate::model::clock::Timestamp;
use crate::registry::actor::Right;
use crate::registry::command::{Command, NewRevocation};
use crate::registry::revocations::Named;

pub(super) const OPERATIONS: &[Operation] = &[Operation::post("aipRevoke", "/v1/revoke", revoke)
    .says("AIP: revoke a session, or one token")
    .needs(Needs::Right(Right::Administer))
    .speaks(Dialect::Aip)
    .takes(shape::<Revoke>)
    .gives(shape::<Revoked>)];

/// What is to be revoked.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Revoke {
    /// What sort of thing it is.
    r#type: Sort,
    /// The session, where it is one.
    #[serde(default)]
    session_id: Option<String>,
    /// The token's nonce, where it is a token.
    #[serde(default)]
    token_nonce: Option<String>,
    /// Why, for the record.
    #[serde(default)]
    reason: Option<String>,
}

/// What can be revoked.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Sort {
    Session,
    Token,
}

/// What was revoked.
#[derive(Debug, Serialize, JsonSchema)]
struct Revoked {
    /// That it is.
    revoked: bool,
    /// What sort of thing it is.
    r#type: Sort,
    /// The session, or the token's nonce.
    target: String,
    /// Since when.
    revoked_at: Timestamp,
}

fn revoke(mut asked: Asked) -> Result<Work, Invalid> {
    let Revoke { r#type, session_id, token_nonce, reason } = asked.body()?;
    let (field, named, other) = match r#type {
        Sort::Session => ("session_id", session_id, token_nonce),
        Sort::Token => ("token_nonce", token_nonce, session_id),
    };
    let target = named.filter(|named| !named.is_empty()).ok_or_else(|| Invalid::new(field, "is missing"))?;
    if other.is_some() {
        return Err(Invalid::new(field, "is the only one of the two that goes with this type"));
    }
    let organisation = asked.organisation_or(None)?;
    let named = match r#type {
        Sort::Session => Named::Session(target.clone()),
        Sort::Token => Named::Jti(target.clone()),
    };
    let command = Command::Revoke(NewRevocation { organisation, named, issued_before: None, reason });
    Ok(Box::new(move |with: &With<'_>| {
        let done = with.registry.execute(with.actor, &command)?;
        let revoked_at =
            done.record.get("created_at").cloned().and_then(|at| serde_json::from_value(at).ok());
        let revoked_at = revoked_at.ok_or(Trouble::Panicked)?;
        Ok(value(&Revoked { revoked: true, r#type, target, revoked_at }))
    }))
}
