//! Verifies JWT-SVIDs: the kind of credential that this folder is about.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::Deserialize;
use serde_json::{Map, Value};
use verdict_jose::Algorithm;

use super::METHOD;
use super::bundle::ALGORITHMS;
use super::id::{SCHEME, SpiffeId};
use super::principal::workload;
use super::store::{Bundles, Domain};
use crate::identity::candidate::{Candidate, Place};
use crate::identity::config::{Config, ConfigError, IssuerConfig};
use crate::identity::jwt::claims::{self, Claims, numeric_date, required_text, wrong};
use crate::identity::jwt::issuer::{media_type, nanos};
use crate::identity::jwt::jws::{self, Jws};
use crate::identity::jwt::key::Thumbprint;
use crate::identity::jwt::{access_token, facts, strict_json};
use crate::identity::kind::{Accepted, Basis, CredentialKind, Statement, Subject, Verifying};
use crate::identity::refusal::Refusal;
use crate::identity::setup::Setup;
use crate::model::clock::Timestamp;
use crate::model::principal::Proof;
use crate::model::revocation::RevocationFacts;

/// JWT-SVIDs of the configured trust domains; of none, where there are none.
#[derive(Default)]
pub(in crate::identity) struct JwtSvids {
    bundles: Bundles,
    audience: Vec<String>,
    leeway_nanos: i64,
    /// Whose tokens are no JWT-SVIDs, whatever their subject is.
    issuers: Vec<String>,
}

impl CredentialKind for JwtSvids {
    fn name(&self) -> &'static str {
        METHOD
    }

    /// By its subject, a SPIFFE ID, unless it names an issuer of `identity.issuers`, whose keys then verify it. Nothing is verified
    /// yet: whichever way a token goes, it is verified by the keys of one trust domain or of one issuer.
    fn recognises(&self, candidate: &Candidate<'_>) -> bool {
        #[derive(Deserialize)]
        struct Peek<'j> {
            #[serde(borrow)]
            sub: Cow<'j, str>,
            #[serde(borrow, default)]
            iss: Option<Cow<'j, str>>,
        }
        if self.audience.is_empty() || candidate.place != Place::Bearer {
            return false;
        }
        let payload = jws::payload(candidate.text);
        let peek = payload.as_deref().and_then(|payload| serde_json::from_slice::<Peek<'_>>(payload).ok());
        peek.is_some_and(|Peek { sub, iss }| {
            sub.starts_with(SCHEME)
                && !iss.is_some_and(|iss| self.issuers.iter().any(|issuer| *issuer == iss))
        })
    }

    fn verify<'a>(&'a self, candidate: &'a Candidate<'a>, now: Timestamp) -> Verifying<'a> {
        Box::pin(std::future::ready(self.verify_now(candidate.text, now)))
    }
}

/// The key that signed a JWT-SVID: it must still be in the bundle of its trust domain.
struct SignedBy {
    domain: Arc<Domain>,
    key: Thumbprint,
    algorithm: Algorithm,
    /// The last generation of the bundle that is known to hold the key.
    generation: AtomicU64,
}

impl Basis for SignedBy {
    fn holds(&self, now: Timestamp) -> bool {
        let Ok(current) = self.domain.at(now) else { return false };
        if self.generation.load(Ordering::Relaxed) == current.number {
            return true;
        }
        let held = current.bundle.jwt_authorities.contains(&self.key, self.algorithm);
        if held {
            self.generation.store(current.number, Ordering::Relaxed);
        }
        held
    }
}

impl JwtSvids {
    /// Makes the trust domains ready: reads files; fetches nothing.
    ///
    /// # Errors
    /// A file cannot be read, or is no bundle.
    pub(in crate::identity) fn new(config: &Config, setup: &Setup<'_>) -> Result<Self, ConfigError> {
        let Some(spiffe) = &config.spiffe else { return Ok(Self::default()) };
        let name = |issuer: &IssuerConfig| issuer.issuer.clone();
        Ok(Self {
            bundles: Bundles::new(spiffe, setup.base_dir, setup.clock.now())?,
            audience: spiffe.audience.clone(),
            leeway_nanos: nanos(spiffe.leeway),
            issuers: config.issuers.iter().map(name).collect(),
        })
    }

    /// The bundles that it verifies with.
    pub(in crate::identity) const fn bundles(&self) -> &Bundles {
        &self.bundles
    }

    pub(in crate::identity) fn adopt(&mut self, previous: &Bundles) {
        self.bundles = self.bundles.adopting(previous);
    }

    /// The order matters: nothing of the payload but `sub`, which chooses the bundle, is judged before the signature is.
    fn verify_now(&self, token: &str, now: Timestamp) -> Result<Accepted, Refusal> {
        let jws = Jws::parse(token)?;
        check_header(&jws, &jws::header(token)?)?;
        let claims: Claims = strict_json::object(&jws.payload)
            .map_err(|_| Refusal::Malformed("its payload is not one strict json object"))?;
        let id = SpiffeId::parse(required_text(&claims, "sub")?).map_err(|problem| wrong("sub", problem))?;
        let domain = self.bundles.of(id.trust_domain()).ok_or(Refusal::UnknownTrustDomain)?;
        let current = domain.at(now)?;
        let key = current.bundle.jwt_authorities.verify(&jws).map_err(|refusal| match refusal {
            // The bundle that could not be read may have it.
            Refusal::UnknownKey if domain.last_error().is_some() => Refusal::KeysUnavailable,
            refusal => refusal,
        })?;
        let basis = SignedBy {
            domain: Arc::clone(domain),
            key,
            algorithm: jws.algorithm,
            generation: AtomicU64::new(current.number),
        };
        self.judge(claims, &id, jws.kid, basis, now)
    }

    /// Judges what a token says, once its signature is known to be its trust domain's.
    fn judge(
        &self,
        claims: Claims,
        id: &SpiffeId,
        kid: Option<String>,
        basis: SignedBy,
        now: Timestamp,
    ) -> Result<Accepted, Refusal> {
        claims::check_audience(&claims, &self.audience)?;
        let validity = claims::validity(&claims, self.leeway_nanos, None)?;
        validity.check(now)?;
        access_token::check_no_event(&claims)?;
        let principal = workload(id, METHOD, claims, Proof::Bearer);
        let claims = &principal.claims;
        Ok(Accepted {
            facts: RevocationFacts {
                jti: facts::jti(claims)?.map(str::to_owned),
                session: None,
                key: kid,
                issuer: Some(principal.issuer.clone()),
                subject: Some(principal.id.clone()),
                aliases: Vec::new(),
                agents: vec![principal.id.clone()],
                organisation: None,
                issued_at: numeric_date(claims, "iat")?.map(Timestamp),
            },
            expires_at: claims::expires_at(claims)?,
            bound_to: facts::binding(claims)?,
            says: Statement::Subject(Subject { principal: Arc::new(principal), limits: None, scope: None }),
            validity,
            basis: Box::new(basis),
            proves: None,
            single_use: None,
            kept: true,
        })
    }
}

/// The JWT-SVID standard, section 2: its algorithms, `kid` and `typ`, and no other member.
fn check_header(jws: &Jws<'_>, header: &Map<String, Value>) -> Result<(), Refusal> {
    if !ALGORITHMS.contains(&jws.algorithm) {
        return Err(Refusal::Algorithm);
    }
    if jws.typ.as_deref().is_some_and(|typ| !matches!(media_type(typ).as_str(), "jwt" | "jose")) {
        return Err(Refusal::Type);
    }
    match header.keys().all(|name| matches!(name.as_str(), "alg" | "kid" | "typ")) {
        true => Ok(()),
        false => Err(Refusal::Malformed("its header has a member besides `alg`, `kid` and `typ`")),
    }
}
