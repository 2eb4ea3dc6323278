//! X.509-SVIDs as credentials: the kind of credential for the certificates of workloads.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::X509_METHOD;
use super::id::SpiffeId;
use super::leaf::id_of;
use super::path::{EXPIRED, Side, claims_svid, is_spiffe, verify};
use super::principal::workload;
use super::store::{Bundles, Domain};
use crate::identity::candidate::{Candidate, Place};
use crate::identity::certificate::names::Names;
use crate::identity::certificate::shown::Shown;
use crate::identity::kind::{
    Accepted, Basis, CredentialKind, Key, Lasting, Statement, Subject, Validity, Verifying,
};
use crate::identity::refusal::Refusal;
use crate::model::client_certificate::ClientCertificate;
use crate::model::clock::Timestamp;
use crate::model::principal::Proof;
use crate::model::revocation::RevocationFacts;

/// X.509-SVIDs of the configured trust domains; of none, where there are none.
#[derive(Default)]
pub(in crate::identity) struct X509Svids(Bundles);

impl CredentialKind for X509Svids {
    fn name(&self) -> &'static str {
        X509_METHOD
    }

    /// INVARIANT (no way around): where trust domains are configured, a certificate that names a workload is that or nothing, whoever
    /// has issued it.
    fn recognises(&self, candidate: &Candidate<'_>) -> bool {
        let Place::Certificate(shown) = candidate.place else { return false };
        !self.0.all().is_empty()
            && match shown {
                Shown::Whole(certificate) => claims_svid(certificate.leaf()),
                Shown::Told { uris, .. } => uris.iter().any(|uri| is_spiffe(uri)),
            }
    }

    fn verify<'a>(&'a self, candidate: &'a Candidate<'a>, now: Timestamp) -> Verifying<'a> {
        Box::pin(std::future::ready(match candidate.place {
            Place::Certificate(Shown::Whole(certificate)) => self.verify_whole(certificate, now),
            Place::Certificate(Shown::Told { uris, thumbprint }) => self.told(uris, thumbprint.as_deref()),
            _ => Err(Refusal::UnknownKind),
        }))
    }
}

/// The bundle by which a path was verified: it must still be the one in force.
struct VerifiedBy {
    domain: Arc<Domain>,
    generation: u64,
}

impl Basis for VerifiedBy {
    fn holds(&self, now: Timestamp) -> bool {
        self.domain.at(now).is_ok_and(|current| current.number == self.generation)
    }
}

impl X509Svids {
    pub(in crate::identity) const fn new(bundles: Bundles) -> Self {
        Self(bundles)
    }

    pub(in crate::identity) fn adopt(&mut self, previous: &Bundles) {
        self.0 = self.0.adopting(previous);
    }

    fn domain(&self, id: &SpiffeId) -> Result<&Arc<Domain>, Refusal> {
        self.0.of(id.trust_domain()).ok_or(Refusal::UnknownTrustDomain)
    }

    /// Verifies a certificate and its path.
    ///
    /// # Errors
    /// Why its trust domain does not vouch for it.
    pub(in crate::identity) fn verify_whole(
        &self,
        certificate: &ClientCertificate,
        now: Timestamp,
    ) -> Result<Accepted, Refusal> {
        let id = id_of(certificate.leaf()).map_err(Refusal::Certificate)?;
        let domain = self.domain(&id)?;
        let current = domain.at(now)?;
        let chain: Vec<_> = certificate.chain().map(Into::into).collect();
        let until = verify(&chain, &current.bundle, Side::Client, now).map_err(|problem| match problem {
            EXPIRED => Refusal::CertificateExpired,
            problem => Refusal::Certificate(problem),
        })?;
        let names = Names::read(certificate.leaf())?;
        let thumbprint = certificate.thumbprint();
        let end = Timestamp::from_unix_seconds(until);
        // The last second is within (RFC 5280 section 4.1.2.5).
        let after = Timestamp::from_unix_seconds(until.saturating_add(1));
        let validity = Validity { from: names.validity().from, until: Some(after.0) };
        let basis = VerifiedBy { domain: Arc::clone(domain), generation: current.number };
        Ok(Accepted {
            validity,
            expires_at: Some(end),
            basis: Box::new(basis),
            kept: true,
            ..accepted(&id, names.claims(thumbprint), Some(thumbprint))
        })
    }

    /// What a configured proxy says of a certificate that it has verified itself.
    fn told(&self, uris: &[String], thumbprint: Option<&str>) -> Result<Accepted, Refusal> {
        let [uri] = uris else { return Err(Refusal::Certificate("has more than one URI among its names")) };
        let id = SpiffeId::parse(uri).map_err(Refusal::Certificate)?;
        self.domain(&id)?;
        let mut claims = Map::from_iter([("uri".to_owned(), Value::from(vec![uri.clone()]))]);
        if let Some(thumbprint) = thumbprint {
            claims.insert("x5t#S256".to_owned(), thumbprint.into());
        }
        Ok(accepted(&id, claims, thumbprint))
    }
}

fn accepted(id: &SpiffeId, claims: Map<String, Value>, thumbprint: Option<&str>) -> Accepted {
    let principal = workload(id, X509_METHOD, claims, Proof::Mtls);
    let facts = RevocationFacts {
        key: thumbprint.map(str::to_owned),
        issuer: Some(principal.issuer.clone()),
        subject: Some(principal.id.clone()),
        agents: vec![principal.id.clone()],
        ..RevocationFacts::default()
    };
    Accepted {
        says: Statement::Subject(Subject { principal: Arc::new(principal), limits: None, scope: None }),
        validity: Validity { from: None, until: None },
        expires_at: None,
        basis: Box::new(Lasting),
        facts,
        bound_to: None,
        proves: thumbprint.map(|thumbprint| Key::CertificateThumbprint(thumbprint.to_owned())),
        single_use: None,
        kept: false,
    }
}
