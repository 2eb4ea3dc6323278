//! Certificates as credentials: the kind of credential that this folder is about.

use std::sync::Arc;

use serde_json::Map;

use super::METHOD;
use super::config::ClientCertificatesConfig;
use super::names::Names;
use super::shown::Shown;
use crate::identity::candidate::{Candidate, Place};
use crate::identity::kind::{Accepted, CredentialKind, Key, Lasting, Statement, Subject, Verifying};
use crate::identity::refusal::Refusal;
use crate::model::client_certificate::{ClientCertificate, VouchedBy};
use crate::model::clock::Timestamp;
use crate::model::principal::{Prepared, Principal, Proof};
use crate::model::revocation::RevocationFacts;

/// Certificates of configured authorities.
pub(in crate::identity) struct Certificates(Option<ClientCertificatesConfig>);

impl CredentialKind for Certificates {
    fn name(&self) -> &'static str {
        METHOD
    }

    /// INVARIANT (one kind's): what a trust domain vouches for is no authority's.
    fn recognises(&self, candidate: &Candidate<'_>) -> bool {
        let Place::Certificate(Shown::Whole(certificate)) = candidate.place else { return false };
        self.0.is_some() && certificate.vouched_by() == VouchedBy::Authority
    }

    fn verify<'a>(&'a self, candidate: &'a Candidate<'a>, now: Timestamp) -> Verifying<'a> {
        Box::pin(async move {
            match (&self.0, candidate.place) {
                (Some(config), Place::Certificate(Shown::Whole(certificate))) => {
                    accept(config, certificate, now)
                }
                _ => Err(Refusal::UnknownKind),
            }
        })
    }
}

impl Certificates {
    pub(in crate::identity) fn new(config: Option<&ClientCertificatesConfig>) -> Self {
        Self(config.cloned())
    }
}

fn accept(
    config: &ClientCertificatesConfig,
    certificate: &ClientCertificate,
    now: Timestamp,
) -> Result<Accepted, Refusal> {
    let names = Names::read(certificate.leaf())?;
    let validity = names.validity();
    validity.check(now).map_err(|refusal| match refusal {
        Refusal::Expired => Refusal::CertificateExpired,
        _ => Refusal::Certificate("is not valid yet"),
    })?;
    let id = names.only(config.subject)?.to_owned();
    let agent = config.agent.then(|| id.clone());
    let thumbprint = certificate.thumbprint();
    let facts = RevocationFacts {
        key: Some(thumbprint.to_owned()),
        issuer: Some(names.issuer().to_owned()),
        subject: Some(id.clone()),
        agents: agent.iter().cloned().collect(),
        ..RevocationFacts::default()
    };
    let principal = Principal {
        id,
        kind: config.kind.clone(),
        issuer: names.issuer().to_owned(),
        method: METHOD,
        roles: Vec::new(),
        scopes: Vec::new(),
        permissions: Vec::new(),
        tenant: None,
        agent,
        actors: Vec::new(),
        attributes: Map::new(),
        claims: names.claims(thumbprint),
        proof: Proof::Mtls,
        prepared: Prepared::default(),
    };
    Ok(Accepted {
        says: Statement::Subject(Subject { principal: Arc::new(principal), limits: None, scope: None }),
        validity,
        expires_at: Some(names.expires_at()),
        basis: Box::new(Lasting),
        facts,
        bound_to: None,
        proves: Some(Key::CertificateThumbprint(thumbprint.to_owned())),
        single_use: None,
        kept: true,
    })
}
