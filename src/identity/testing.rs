//! Verified credentials for unit tests.

use std::sync::Arc;

use serde_json::Map;

use super::kind::{Accepted, Lasting, Statement, Subject, Validity};
use crate::model::principal::{Prepared, Principal, Proof};
use crate::model::revocation::RevocationFacts;

/// A service of that name.
pub(super) fn principal(id: &str) -> Principal {
    Principal {
        id: id.to_owned(),
        kind: "service".to_owned(),
        issuer: "registry".to_owned(),
        method: "api_key",
        roles: Vec::new(),
        scopes: Vec::new(),
        permissions: Vec::new(),
        tenant: None,
        agent: None,
        actors: Vec::new(),
        attributes: Map::new(),
        claims: Map::new(),
        proof: Proof::Bearer,
        prepared: Prepared::default(),
    }
}

/// A credential of a subject, valid for ever.
pub(super) fn accepted(principal: Principal) -> Accepted {
    Accepted {
        says: Statement::Subject(Subject { principal: Arc::new(principal), limits: None, scope: None }),
        validity: Validity { from: None, until: None },
        expires_at: None,
        basis: Box::new(Lasting),
        facts: RevocationFacts::default(),
        bound_to: None,
        proves: None,
        single_use: None,
        kept: true,
    }
}

#[test]
fn the_worked_example_of_the_documentation_is_this_code_and_works() {
    use super::candidate::{Candidate, Place};
    use super::kind::CredentialKind as _;
    use super::refusal::Refusal;
    use super::worked_example::Badges;
    use crate::model::clock::Timestamp;

    let page = include_str!("../../docs/new-credential-kind.md");
    let (_, block) = page.split_once("```rust\n").unwrap();
    assert_eq!(block.split_once("```").unwrap().0, include_str!("worked_example.rs"));

    let (header, other) =
        (http::HeaderName::from_static("x-badge"), http::HeaderName::from_static("x-other"));
    let holders = [("17".to_owned(), Arc::new(principal("alice")))].into();
    let badges = Badges { header: header.clone(), holders };
    let at = |name, text| Candidate { place: Place::Header(name), text, peer: None, dpop: false };
    assert!(badges.recognises(&at(&header, "17")) && !badges.recognises(&at(&other, "17")));
    let verified = |text| {
        let candidate = at(&header, text);
        let mut verifying = badges.verify(&candidate, Timestamp(0));
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        match verifying.as_mut().poll(&mut context) {
            std::task::Poll::Ready(outcome) => outcome.map(|accepted| match accepted.says {
                Statement::Subject(subject) => subject.principal.id.clone(),
                _ => String::new(),
            }),
            std::task::Poll::Pending => panic!("nothing to wait for"),
        }
    };
    assert_eq!(verified("17").unwrap(), "alice");
    assert_eq!(verified("18").unwrap_err(), Refusal::UnknownApiKey);
}
