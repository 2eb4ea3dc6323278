//! Badges: the worked example of `docs/new-credential-kind.md`. A badge is a number, in a header of its own.

use std::collections::HashMap;
use std::sync::Arc;

use http::HeaderName;

use super::candidate::{Candidate, Place};
use super::kind::{Accepted, CredentialKind, Lasting, Statement, Subject, Validity, Verifying};
use super::refusal::Refusal;
use crate::model::clock::Timestamp;
use crate::model::principal::Principal;
use crate::model::revocation::RevocationFacts;

/// The badges that are known, each with its holder.
pub(super) struct Badges {
    pub(super) header: HeaderName,
    pub(super) holders: HashMap<String, Arc<Principal>>,
}

impl CredentialKind for Badges {
    fn name(&self) -> &'static str {
        "badge"
    }

    /// Whatever stands in the header of badges is one, and nothing else is.
    fn recognises(&self, candidate: &Candidate<'_>) -> bool {
        candidate.place == Place::Header(&self.header)
    }

    fn verify<'a>(&'a self, candidate: &'a Candidate<'a>, _: Timestamp) -> Verifying<'a> {
        Box::pin(async move {
            let holder = self.holders.get(candidate.text).ok_or(Refusal::UnknownApiKey)?;
            Ok(Accepted {
                says: Statement::Subject(Subject {
                    principal: Arc::clone(holder),
                    limits: None,
                    scope: None,
                }),
                // A badge is valid until it is taken away.
                validity: Validity { from: None, until: None },
                expires_at: None,
                basis: Box::new(Lasting),
                // What a revocation can name.
                facts: RevocationFacts { subject: Some(holder.id.clone()), ..RevocationFacts::default() },
                bound_to: None,
                proves: None,
                single_use: None,
                // A look-up is as cheap as the cache, and a badge that is taken away is refused at once.
                kept: false,
            })
        })
    }
}
