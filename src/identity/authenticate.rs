//! From a presented credential to what the pipeline may believe.

use std::net::IpAddr;
use std::sync::Arc;

use http::HeaderName;

use super::agreement::{Proofs, agreed};
use super::aip::sessions::may_open;
use super::aip::{self, Opened};
use super::api_key;
use super::attempt::{Attempts, Seen};
use super::cache::{CredentialCache, CredentialHash, Entry, hash_of};
use super::candidate::{Candidate, Place, candidates};
use super::certificate::forwarded;
use super::certificate::proxies::Proxies;
use super::certificate::shown::Shown;
use super::challenges::Challenges;
use super::config::{Config, ConfigError};
use super::dpop;
use super::jwt::verifier::IssuerStatus;
use super::key_refresh::KeyRefresh;
use super::kind::{Accepted, SingleUse, Statement};
use super::modes::Modes;
use super::refusal::Refusal;
use super::resource;
use super::setup::Setup;
use super::spiffe::path::claims_svid;
use super::spiffe::status::SpiffeHealth;
use super::standing;
use super::verifiers::Verifiers;
use crate::aip::Policy;
use crate::model::client_certificate::NotVouchedFor;
use crate::model::clock::{Clock, Timestamp};
use crate::model::failure::{Failure, FailureKind};
use crate::model::presented::Presented;
use crate::model::principal::{AuthContext, IdentityMode, Verified};
use crate::model::request::EntryPath;
use crate::registry::{self, Directory, Records, TooOld};
use crate::stores::{Remembered, ReplayStore};

/// Verifies credentials by one configuration. A changed configuration is another `Authenticator`, with a cache of its
/// own; [`Authenticator::adopt_keys`] spares it the fetches.
pub struct Authenticator {
    verifiers: Verifiers,
    proxies: Proxies,
    directory: Option<Arc<dyn Directory>>,
    role_permissions: bool,
    /// Where attempts are recorded, if anywhere.
    attempts: Option<Attempts>,
    modes: Modes,
    /// The headers that carry credentials, besides `Authorization`.
    places: Vec<HeaderName>,
    challenges: Challenges,
    cache: CredentialCache,
    replays: Arc<ReplayStore>,
    clock: Clock,
}

impl Authenticator {
    /// Checks the configuration and reads the JWKS files; fetches nothing.
    ///
    /// # Errors
    /// What is wrong, with the key that says it, e.g. `identity.issuers[1].algorithms`.
    pub fn new(config: &Config, setup: &Setup<'_>) -> Result<Self, ConfigError> {
        let config = &resource::with_audience(config);
        let modes = Modes::new(config.mode, &config.entrypoints)?;
        let anybody = config.trusts_anybody() || !setup.aip.is_empty() || setup.directory.is_some();
        if !anybody && modes.verify_any() {
            return Err(ConfigError::new(
                "identity.issuers",
                "callers must be verified, but there is no issuer and no key",
                "add one, or set `identity.mode: off`",
            ));
        }
        let verifiers = Verifiers::new(config, setup)?;
        Ok(Self {
            challenges: Challenges::new(&verifiers.api_keys, config),
            places: verifiers.places(),
            role_permissions: setup.role_permissions,
            verifiers,
            proxies: Proxies::new(&config.proxies),
            modes,
            directory: setup.directory.clone(),
            attempts: setup.directory.as_ref().and_then(Attempts::of),
            cache: CredentialCache::new(config.cache_entries, config.cache_ttl.0),
            replays: Arc::clone(&setup.replays),
            clock: setup.clock.clone(),
        })
    }

    /// Takes over the keys, and the time of the last fetch, of every issuer that has the same source in `previous`:
    /// a reload neither refuses calls until keys are fetched anew, nor lets anyone provoke more fetches.
    pub fn adopt_keys(&mut self, previous: &Self) {
        self.verifiers.adopt(&previous.verifiers, self.clock.now());
    }

    /// Whether a call for `path` must, may, or need not say who it is: what the longest configured path above it says,
    /// or what a stricter one below it says, whose answer would be part of the document.
    pub fn mode_for(&self, path: &EntryPath) -> IdentityMode {
        self.modes.mode_for(path.segments())
    }

    /// Whether a header carries credentials, besides `Authorization`.
    pub fn takes_from(&self, name: &HeaderName) -> bool {
        self.places.contains(name)
    }

    /// Whether any document is answered to anybody.
    pub fn is_open_for_some(&self) -> bool {
        self.modes.open_for_some()
    }

    /// Verifies what a call presents.
    ///
    /// INVARIANT (bad is never anonymous): only a call that presents nothing, and only where the mode says so, becomes
    /// [`AuthContext::Anonymous`].
    ///
    /// # Errors
    /// One of the closed list of failures about credentials; the kinds are in [`Refusal::kind`]. Waits for keys at most
    /// [`super::Pace::wait`].
    pub async fn authenticate(
        &self,
        mode: IdentityMode,
        presented: &Presented<'_>,
    ) -> Result<AuthContext, Failure> {
        match mode {
            IdentityMode::Off => return Ok(AuthContext::Unchecked),
            IdentityMode::None => return Ok(AuthContext::Anonymous),
            IdentityMode::Required | IdentityMode::Optional => {}
        }
        let mut seen = Seen::default();
        let verified = self.verify_all(presented, &mut seen).await;
        let attempts = self.attempts.as_ref();
        let failure = match verified {
            Ok(Some(verified)) => {
                attempts.inspect(|attempts| attempts.accepted(presented, &seen, &verified));
                return Ok(AuthContext::Verified(verified));
            }
            Ok(None) if mode == IdentityMode::Optional => return Ok(AuthContext::Anonymous),
            Ok(None) => {
                attempts.inspect(|attempts| attempts.missing(presented));
                Failure::new(FailureKind::CredentialMissing, "a credential is required")
            }
            Err(refusal) => {
                attempts.inspect(|attempts| attempts.refused(presented, &seen, &refusal));
                let challenges = self.challenges.refused(presented, &refusal);
                return Err(Failure { challenges, ..refusal.into() });
            }
        };
        Err(Failure { challenges: Arc::clone(self.challenges.missing()), ..failure })
    }

    /// What callers are told that would do instead.
    pub const fn challenges(&self) -> &Challenges {
        &self.challenges
    }

    async fn verify_all<'r>(
        &'r self,
        presented: &Presented<'r>,
        seen: &mut Seen<'r>,
    ) -> Result<Option<Verified>, Refusal> {
        let candidates = candidates(presented, &self.places)?;
        seen.accepted.reserve(candidates.len());
        for candidate in &candidates {
            let verified = self.verify(candidate, &mut seen.key).await?;
            seen.accepted.push(verified);
        }
        let certificate = self.certificate(presented).await?;
        if let Some(shown) = &certificate {
            seen.accepted.extend(self.verify_certificate(shown).await?);
        }
        let accepted = &seen.accepted;
        // Taken after the credentials were verified, which may have waited for keys: what was revoked meanwhile is.
        let records = self.records()?;
        accepted
            .iter()
            .try_for_each(|accepted| self.verifiers.partners.check_name(accepted, records.as_deref()))?;
        let proven = candidates.iter().zip(accepted).find(|(candidate, _)| candidate.dpop);
        let proof = proven.map(|(token, first)| dpop::check(presented, token.text, first, self.clock.now()));
        let proof = proof.transpose()?;
        let mut agreed = agreed(
            accepted,
            Proofs {
                dpop: proven.map(|(_, first)| first.as_ref()),
                certificate: certificate.as_ref().and_then(Shown::thumbprint),
            },
        )?;
        if let Some(records) = &records {
            accepted.iter().try_for_each(|accepted| standing::check(records, accepted))?;
            agreed.iter_mut().for_each(|verified| standing::limit(records, verified));
        }
        if let Some(proof) = &proof {
            self.consume(proof).await.map_err(|refusal| match refusal {
                Refusal::Replayed | Refusal::PerhapsReplayed => Refusal::ProofReplayed,
                other => other,
            })?;
        }
        for single_use in accepted.iter().filter_map(|credential| credential.single_use.as_ref()) {
            self.consume(single_use).await?;
        }
        if let Some(verified) = agreed.as_mut() {
            let session = accepted.iter().find_map(|accepted| match &accepted.says {
                Statement::Subject(subject) => {
                    Some(&subject.principal).filter(|one| one.method == aip::METHOD)
                }
                Statement::Delegation(_) | Statement::Transaction(_) => None,
            });
            let next =
                session.and_then(|principal| self.verifiers.sessions.next(principal, self.clock.now()));
            verified.next_token = next.map(Arc::new);
        }
        Ok(agreed)
    }

    /// The certificate of the caller, if there is one: the connection's, or what a proxy says of its client's. Proxies before that
    /// proxy are believed as far as they are configured, too.
    async fn certificate(&self, presented: &Presented<'_>) -> Result<Option<Shown>, Refusal> {
        let mut certificate = presented.certificate.cloned().map(Shown::Whole);
        if self.proxies.is_empty() {
            return Ok(certificate);
        }
        let header = self.proxies.header(presented)?;
        let connection = certificate.clone().or_else(|| presented.gateway.cloned().map(Shown::Whole));
        if !self.is_proxys(connection.as_ref()).await? {
            return if header.is_none() { Ok(certificate) } else { Err(Refusal::NotFromProxy) };
        }
        let mut passed_on = header.map(forwarded::read).transpose()?.unwrap_or_default();
        loop {
            certificate = passed_on.pop();
            if !self.is_proxys(certificate.as_ref()).await? {
                return Ok(certificate);
            }
        }
    }

    /// Whether a certificate is that of a configured proxy.
    async fn is_proxys(&self, certificate: Option<&Shown>) -> Result<bool, Refusal> {
        let Some(shown) = certificate else { return Ok(false) };
        let subject = self.verify_certificate(shown).await?;
        Ok(subject.is_some_and(|subject| self.proxies.is_one(&subject)))
    }

    /// What a certificate says of its subject; none where certificates of its kind are no credentials here.
    async fn verify_certificate(&self, shown: &Shown) -> Result<Option<Arc<Accepted>>, Refusal> {
        let candidate = Candidate { place: Place::Certificate(shown), text: "", peer: None, dpop: false };
        match self.verify(&candidate, &mut None).await {
            Ok(accepted) => Ok(Some(accepted)),
            Err(Refusal::UnknownKind) => Ok(None),
            Err(refusal) => Err(refusal),
        }
    }

    /// Opens a session of a policy for a caller who may, with its first token.
    ///
    /// # Errors
    /// The caller may not, or the policy has no tokens.
    pub fn open_session(&self, verified: &Verified, policy: &Policy) -> Result<Opened, Failure> {
        if !may_open(verified, &policy.name) {
            return Err(Failure::insufficient(
                "a session is opened by the agent of the policy's name, or with a permission for it",
            ));
        }
        self.verifiers
            .sessions
            .open(policy, self.clock.now())
            .map_err(|message| Failure::new(FailureKind::InvalidRequest, message))
    }

    /// The public keys of session tokens, as a JWKS.
    pub fn session_keys(&self) -> serde_json::Value {
        self.verifiers.sessions.jwks(self.clock.now())
    }

    /// The directory's records in force, if there is a directory.
    fn records(&self) -> Result<Option<Arc<Records>>, TooOld> {
        self.directory.as_ref().map(|directory| directory.records()).transpose()
    }

    /// INVARIANT (once): a single-use credential is remembered in the step that asks whether it was used, and only once
    /// nothing else speaks against the call.
    async fn consume(&self, SingleUse { nonce, until, issued_at }: &SingleUse) -> Result<(), Refusal> {
        if self.replays.may_have_forgotten(*issued_at) {
            return Err(Refusal::PerhapsReplayed);
        }
        match self.replays.remember(*nonce, *until, self.clock.now()).await? {
            Remembered::Fresh => Ok(()),
            Remembered::Replayed => Err(Refusal::Replayed),
        }
    }

    /// Verifies a credential, from the cache where it can. An API key is put into `key`.
    async fn verify<'r>(
        &self,
        candidate: &Candidate<'r>,
        key: &mut Option<&'r str>,
    ) -> Result<Arc<Accepted>, Refusal> {
        let now = self.clock.now();
        let hash = hash_of(candidate);
        let records = self.records()?;
        let roles_version = records.as_ref().map_or(0, |records| records.roles_version());
        if let Some(known) = self.recall(&hash, roles_version, now) {
            return known;
        }
        let kinds = self.verifiers.kinds();
        let kind = kinds.iter().find(|kind| kind.recognises(candidate)).ok_or(Refusal::UnknownKind)?;
        if kind.name() == api_key::METHOD {
            *key = Some(candidate.text);
        }
        let mut accepted = kind.verify(candidate, now).await?;
        if let Some(records) = &records {
            standing::place(records, &mut accepted);
        }
        if let Some(records) = records.filter(|_| self.role_permissions) {
            grant_roles(&mut accepted, &records);
        }
        let accepted = Arc::new(accepted);
        if accepted.kept {
            let entry = Entry {
                accepted: Arc::clone(&accepted),
                length: candidate.text.len(),
                inserted_at: now,
                roles_version,
            };
            self.cache.insert(hash, entry);
        }
        Ok(accepted)
    }

    /// What is known of a credential that was verified before: `None` where it must be verified from the beginning.
    fn recall(
        &self,
        hash: &CredentialHash,
        roles_version: u64,
        now: Timestamp,
    ) -> Option<Result<Arc<Accepted>, Refusal>> {
        // The permissions of other roles were granted.
        let entry = self.cache.get(hash, now).filter(|entry| entry.roles_version == roles_version)?;
        let accepted = &entry.accepted;
        // An entry whose basis is gone for now may hold again: what matters is that each use asks.
        if !accepted.basis.holds(now) {
            return None;
        }
        Some(accepted.validity.check(now).map(|()| Arc::clone(accepted)))
    }

    /// Judges a secret that a peer presented and that is no caller's credential: wrong ones are counted with the peer's other guesses.
    /// `recent` says that it is right and came lately, so that nobody can lock it out.
    ///
    /// # Errors
    /// It is wrong, or too many wrong ones came from the peer.
    pub fn judge_secret(&self, peer: Option<IpAddr>, right: bool, recent: bool) -> Result<(), Failure> {
        if right && recent {
            return Ok(());
        }
        let (now, guesses) = (self.clock.now(), self.verifiers.api_keys.guesses());
        let candidate = Candidate { place: Place::Bearer, text: "", peer, dpop: false };
        guesses.check_peer(&candidate, now)?;
        let wrong = Refusal::WrongUse("the bearer token is not that of a stream of events");
        if right { Ok(()) } else { Err(guesses.wrong_by_peer(&candidate, now, wrong).into()) }
    }

    /// What keeps the keys of every issuer fresh; for the supervisor to run. Keys held in memory need none.
    pub fn key_refreshes(&self) -> Vec<KeyRefresh> {
        self.verifiers.key_refreshes()
    }

    /// Reads every JWKS and bundle now, whatever the cooldown says: for an operator who asks (SIGHUP). Needs a Tokio runtime.
    pub async fn refresh_now(&self) {
        self.verifiers.refresh_now().await;
    }

    /// What is known of every issuer's keys, and of every trust domain's, in the order of the configuration.
    pub fn status(&self) -> Vec<IssuerStatus> {
        self.verifiers.status(self.clock.now())
    }

    /// How the trust domains are doing, if there are any.
    pub fn spiffe_health(&self) -> Option<SpiffeHealth> {
        self.verifiers.spiffe_health(self.clock.now())
    }

    /// Whether a certificate in DER names a workload of SPIFFE. Nothing of it is verified.
    pub fn names_workload(leaf: &[u8]) -> bool {
        claims_svid(leaf)
    }

    /// Verifies the certificates that a workload has shown in a handshake, its own first.
    ///
    /// # Errors
    /// Why its trust domain does not vouch for it.
    pub fn verify_workload(&self, chain: &[&[u8]]) -> Result<(), NotVouchedFor> {
        self.verifiers.verify_workload(chain, self.clock.now())
    }

    /// How the directory is doing, if there is one.
    pub fn directory_status(&self) -> Option<registry::Status> {
        self.directory.as_ref().map(|directory| directory.status())
    }

    /// How many verified tokens are kept.
    pub fn cached_tokens(&self) -> usize {
        self.cache.len()
    }
}

/// Names and counts only: no keys, no tokens.
impl std::fmt::Debug for Authenticator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authenticator")
            .field("issuers", &self.verifiers.tokens.names())
            .field("cached_tokens", &self.cache.len())
            .finish_non_exhaustive()
    }
}

/// Adds the permissions that the directory's roles give to a subject that was made for this call. One that is kept with its
/// record has them.
fn grant_roles(accepted: &mut Accepted, records: &Records) {
    if let Statement::Subject(subject) = &mut accepted.says
        && let Some(principal) = Arc::get_mut(&mut subject.principal)
    {
        let tenant = principal.tenant.clone();
        records.grant(tenant.as_deref(), &principal.roles, &mut principal.permissions);
    }
}
