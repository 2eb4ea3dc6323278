//! The keys by which an organisation signs, and assertions that are made with them.

use serde_json::json;

use super::asked::{Asked, Invalid};
use super::operation::{Needs, Operation, With, Work, shape};
use super::organisations::PAGE;
use super::render::{change, listed};
use super::shapes::{Assertion, Items, Rotation};
use crate::registry::actor::Right;
use crate::registry::command::{Command, SigningKeyChange};
use crate::registry::issue::{ASSERTION, NewAssertion};
use crate::registry::signing_key::SigningKey;

pub(super) const OPERATIONS: &[Operation] = &[
    Operation::make("createSigningKey", "/v1/orgs/{id}/signing-keys", |asked| {
        change_key(&asked, SigningKeyChange::Create)
    })
    .says("Make the first key by which an organisation signs")
    .needs(Needs::Right(Right::Administer))
    .gives(shape::<SigningKey>),
    Operation::get("listSigningKeys", "/v1/orgs/{id}/signing-keys", list)
        .says("List the keys by which an organisation signs, and has signed")
        .needs(Needs::Right(Right::Read))
        .query(PAGE)
        .gives(shape::<Items<SigningKey>>),
    Operation::make("rotateSigningKey", "/v1/orgs/{id}/signing-keys/rotate", rotate)
        .says("Make a key in the place of the one that signs, which stays published for a while")
        .needs(Needs::Right(Right::Administer))
        .takes(shape::<Rotation>)
        .gives(shape::<SigningKey>),
    Operation::post("revokeSigningKey", "/v1/orgs/{id}/signing-keys/{kid}/revoke", |asked| {
        change_key(&asked, SigningKeyChange::Revoke { id: asked.name() })
    })
    .says("Publish a signing key no more")
    .needs(Needs::Right(Right::Administer))
    .gives(shape::<SigningKey>),
    Operation::delete("deleteSigningKey", "/v1/orgs/{id}/signing-keys/{kid}", |asked| {
        change_key(&asked, SigningKeyChange::Delete { id: asked.name() })
    })
    .says("Delete what is known of a signing key that is not published")
    .needs(Needs::Right(Right::Administer)),
    Operation::post("createAssertion", "/v1/agents/{id}/assertions", assertion)
        .says("Make an assertion of an agent's identity for one audience")
        .needs(Needs::OwnOr(Right::Provision))
        .takes(shape::<NewAssertion>)
        .gives(shape::<Assertion>),
];

fn change_key(asked: &Asked, what: SigningKeyChange) -> Result<Work, Invalid> {
    change(Command::SigningKey { organisation: asked.id(), change: what })
}

fn rotate(mut asked: Asked) -> Result<Work, Invalid> {
    let Rotation { overlap } = asked.body()?;
    change_key(&asked, SigningKeyChange::Rotate { overlap })
}

fn list(asked: Asked) -> Result<Work, Invalid> {
    let mut page = asked.page()?;
    page.organisation = Some(asked.id());
    Ok(Box::new(move |with: &With<'_>| listed::<SigningKey>(with, &page)))
}

fn assertion(mut asked: Asked) -> Result<Work, Invalid> {
    let new: NewAssertion = asked.body()?;
    let id = asked.id();
    Ok(Box::new(move |with: &With<'_>| {
        let issued = with.registry.assertion(with.actor, &id, &new)?;
        Ok(json!({
            "assertion": issued.token.expose(), "type": ASSERTION, "expires_in": issued.expires_in,
            "jti": issued.id,
        }))
    }))
}
