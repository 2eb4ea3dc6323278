//! Every verifier that there is: the table of the kinds of credentials.

use http::HeaderName;

use super::aip::Sessions;
use super::api_key::ApiKeys;
use super::capability::Capabilities;
use super::certificate;
use super::certificate::verifier::Certificates;
use super::config::{Config, ConfigError};
use super::delegation::Delegations;
use super::introspection::Introspection;
use super::jwt::check::check;
use super::jwt::token_type::TokenType;
use super::jwt::verifier::{IssuerStatus, Tokens};
use super::key_refresh::KeyRefresh;
use super::kind::CredentialKind;
use super::partner::{self, Partners};
use super::resource;
use super::setup::Setup;
use super::spiffe::reach::Reach;
use super::spiffe::status::{self, SpiffeHealth};
use super::spiffe::upkeep::Upkeep;
use super::spiffe::{JwtSvids, X509Svids};
use super::transaction::Transactions;
use crate::model::client_certificate::{ClientCertificate, NotVouchedFor, VouchedBy};
use crate::model::clock::Timestamp;
use crate::model::units::Period;

/// The verifiers of one configuration.
pub(super) struct Verifiers {
    x509_svids: X509Svids,
    certificates: Certificates,
    delegations: Delegations,
    capabilities: Capabilities,
    pub(super) partners: Partners,
    pub(super) sessions: Sessions,
    pub(super) api_keys: ApiKeys,
    transactions: Transactions,
    jwt_svids: JwtSvids,
    introspection: Introspection,
    pub(super) tokens: Tokens,
    reach: Reach,
}

impl Verifiers {
    /// Every kind of credential, in the order in which they are asked whether a credential is theirs: the table of
    /// verifiers.
    pub(super) fn kinds(&self) -> [&dyn CredentialKind; 11] {
        [
            &self.x509_svids,
            &self.certificates,
            &self.delegations,
            &self.capabilities,
            &self.partners,
            &self.sessions,
            &self.api_keys,
            &self.transactions,
            &self.jwt_svids,
            &self.introspection,
            &self.tokens,
        ]
    }

    /// Checks the configuration and reads files; fetches nothing.
    ///
    /// # Errors
    /// What is wrong, with the key that says it.
    pub(super) fn new(config: &Config, setup: &Setup<'_>) -> Result<Self, ConfigError> {
        let issuers = &config.issuers;
        let api_keys = ApiKeys::new(&config.api_keys, config.token_prefixes(), setup)?;
        let asked = config.introspection.as_ref();
        let introspection = Introspection::new(asked, issuers.is_empty(), &api_keys, setup)?;
        check_all(config, setup)?;
        let jwt_svids = JwtSvids::new(config, setup)?;
        Ok(Self {
            x509_svids: X509Svids::new(jwt_svids.bundles().clone()),
            certificates: Certificates::new(config.client_certificates.as_ref()),
            delegations: Delegations::new(&config.delegations, setup)?,
            capabilities: Capabilities::new(config.capabilities.as_ref(), setup)?,
            partners: Partners::new(&config.partners, setup)?,
            sessions: Sessions::new(setup)?,
            api_keys,
            transactions: Transactions::new(issuers, setup)?,
            jwt_svids,
            introspection,
            tokens: Tokens::of_type(TokenType::Access, issuers, setup)?,
            reach: Reach::of(setup),
        })
    }

    /// The headers that carry credentials, besides `Authorization`.
    pub(super) fn places(&self) -> Vec<HeaderName> {
        let Self { capabilities, api_keys, delegations, transactions, .. } = self;
        let places = capabilities.header().into_iter().chain(api_keys.headers()).chain(delegations.headers());
        places.chain(transactions.header()).cloned().collect()
    }

    /// See [`super::Authenticator::adopt_keys`].
    pub(super) fn adopt(&mut self, previous: &Self, now: Timestamp) {
        self.tokens.adopt_keys(&previous.tokens);
        self.transactions.tokens.adopt_keys(&previous.transactions.tokens);
        self.partners.tokens.adopt_keys(&previous.partners.tokens);
        self.x509_svids.adopt(previous.jwt_svids.bundles());
        self.jwt_svids.adopt(previous.jwt_svids.bundles());
        self.api_keys.adopt(&previous.api_keys);
        self.introspection.adopt(self.api_keys.guesses());
        self.sessions.adopt(&previous.sessions, now);
    }

    /// Verifies the certificates that a workload has shown in a handshake, its own first.
    ///
    /// # Errors
    /// Why its trust domain does not vouch for it.
    pub(super) fn verify_workload(&self, chain: &[&[u8]], now: Timestamp) -> Result<(), NotVouchedFor> {
        let certificate = ClientCertificate::new(chain, VouchedBy::TrustDomain);
        let certificate = certificate.ok_or_else(|| NotVouchedFor("there is no certificate".to_owned()))?;
        let verified = self.x509_svids.verify_whole(&certificate, now);
        verified.map(drop).map_err(|refusal| NotVouchedFor(refusal.to_string()))
    }

    /// See [`super::Authenticator::key_refreshes`].
    pub(super) fn key_refreshes(&self) -> Vec<KeyRefresh> {
        self.all_tokens()
            .flat_map(Tokens::key_stores)
            .filter(|keys| keys.is_refreshed())
            .map(KeyRefresh::of_keys)
            .chain(self.upkeeps().into_iter().map(KeyRefresh::Bundles))
            .collect()
    }

    /// See [`super::Authenticator::refresh_now`].
    pub(super) async fn refresh_now(&self) {
        for tokens in self.all_tokens() {
            tokens.fetch_keys().await;
        }
        for upkeep in self.upkeeps() {
            upkeep.once().await;
        }
    }

    fn upkeeps(&self) -> Vec<Upkeep> {
        Upkeep::all(self.jwt_svids.bundles(), &self.reach)
    }

    /// See [`super::Authenticator::status`].
    pub(super) fn status(&self, now: Timestamp) -> Vec<IssuerStatus> {
        let bundles = status::of(self.jwt_svids.bundles(), now);
        self.all_tokens().flat_map(|tokens| tokens.status(now)).chain(bundles).collect()
    }

    /// See [`super::Authenticator::spiffe_health`].
    pub(super) fn spiffe_health(&self, now: Timestamp) -> Option<SpiffeHealth> {
        status::health(self.jwt_svids.bundles(), now)
    }

    /// All that has keys of issuers.
    fn all_tokens(&self) -> impl Iterator<Item = &Tokens> {
        [&self.tokens, &self.transactions.tokens, &self.partners.tokens].into_iter()
    }
}

/// The first thing that is wrong with issuers, partners, certificates or trust domains, but what may be insecure.
fn check_all(config: &Config, setup: &Setup<'_>) -> Result<(), ConfigError> {
    let shortest = Period(setup.pace.cooldown);
    let flaws = check(config, shortest).into_iter().chain(partner::check::check(&config.partners, shortest));
    let flaws = flaws.chain(certificate::check::check(config));
    let flaws = flaws.chain(config.resource.iter().flat_map(resource::check));
    let mut flaws = flaws.chain(config.spiffe.iter().flat_map(super::spiffe::check::check));
    let allowed = |error: &ConfigError| error.risk.is_some() && setup.allow_insecure_issuers;
    flaws.find(|error| !allowed(error)).map_or(Ok(()), Err)
}
