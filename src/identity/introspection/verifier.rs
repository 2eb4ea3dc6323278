//! Asks the endpoint: the kind of credential that this folder is about.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use quick_cache::sync::Cache;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::METHOD;
use super::answer::Reading;
use super::check::check;
use super::config::IntrospectionConfig;
use crate::identity::api_key::{ApiKeys, Guesses};
use crate::identity::cache::{CredentialHash, hash_of};
use crate::identity::candidate::{Candidate, Place};
use crate::identity::config::ConfigError;
use crate::identity::kind::{Accepted, CredentialKind, Verifying};
use crate::identity::refusal::Refusal;
use crate::identity::setup::Setup;
use crate::model::clock::{Clock, Timestamp};
use crate::model::secret::Secret;
use crate::model::units::Period;
use crate::model::variables::Variables;
use crate::net::{self, Call, Client, Endpoint};

/// The longest answer, in bytes.
const MAX_ANSWER: usize = 64 << 10;
/// How many questions may be under way at a time; further ones wait for their turn, within the timeout.
const AT_A_TIME: usize = 64;
/// How many bad tokens are remembered, and how many good ones.
const KEPT: usize = 10_000;
/// How long a token that was good is asked about although its peer is throttled: long enough that callers at work are not locked
/// out by others behind the same gateway.
const RECENT_NANOS: i64 = 3_600 * 1_000_000_000;
/// How long failures are not logged after one that was.
const QUIET_NANOS: i64 = 60 * 1_000_000_000;

/// Tokens of the configured authorization server; of none, where there is none.
pub(in crate::identity) struct Introspection(Option<Server>);

struct Server {
    endpoint: Endpoint,
    /// `Basic` credentials (RFC 6749 section 2.3.1).
    authorization: Secret<HeaderValue>,
    client: Client,
    timeout: Duration,
    reading: Reading,
    prefix: Option<String>,
    /// Whether signed tokens are asked about, too: where nobody else verifies any.
    signed_too: bool,
    turns: Semaphore,
    /// Tokens that are not active, and until when that is relied on.
    bad: Cache<CredentialHash, Timestamp>,
    /// Tokens that were active, and until when that makes them known callers'.
    good: Cache<CredentialHash, Timestamp>,
    guesses: Arc<Guesses>,
    clock: Clock,
    /// When a question last had no answer and that was logged.
    complained: AtomicI64,
}

impl Introspection {
    /// Makes the server ready: reads the environment; asks nothing.
    ///
    /// # Errors
    /// What is wrong with the configuration or a variable. No error shows a secret.
    pub(in crate::identity) fn new(
        config: Option<&IntrospectionConfig>,
        signed_too: bool,
        api_keys: &ApiKeys,
        setup: &Setup<'_>,
    ) -> Result<Self, ConfigError> {
        let Some(config) = config else { return Ok(Self(None)) };
        let allowed = |error: &ConfigError| error.risk.is_some() && setup.allow_insecure_issuers;
        if let Some(error) = check(config).into_iter().find(|error| !allowed(error)) {
            return Err(error);
        }
        if config.prefix.is_none() && api_keys.is_used() {
            return Err(ConfigError::new(
                "identity.introspection",
                "there are API keys, too, and nothing tells tokens from them",
                "write what the tokens begin with as `identity.introspection.prefix`",
            ));
        }
        let wrong = |key: &str, message: String| {
            ConfigError::new(format!("identity.introspection.{key}"), message, "see docs/identity.md")
        };
        let endpoint =
            Endpoint::parse(config.url.expose()).map_err(|error| wrong("url", error.to_string()))?;
        let reading =
            Reading::new(config, &endpoint, &setup.roles).map_err(|why| wrong("claims", why.to_owned()))?;
        Ok(Self(Some(Server {
            endpoint,
            authorization: basic(config, &setup.variables)?,
            client: setup.client.clone(),
            timeout: config.timeout.0,
            reading,
            prefix: config.prefix.clone(),
            signed_too,
            turns: Semaphore::new(AT_A_TIME),
            bad: Cache::new(KEPT),
            good: Cache::new(KEPT),
            guesses: Arc::clone(api_keys.guesses()),
            clock: setup.clock.clone(),
            complained: AtomicI64::new(i64::MIN),
        })))
    }

    /// Takes over what is known of guesses.
    pub(in crate::identity) fn adopt(&mut self, guesses: &Arc<Guesses>) {
        if let Some(server) = &mut self.0 {
            server.guesses = Arc::clone(guesses);
        }
    }
}

/// The client's credentials, form-encoded and then in base64 (RFC 6749 section 2.3.1).
fn basic(config: &IntrospectionConfig, variables: &Variables) -> Result<Secret<HeaderValue>, ConfigError> {
    let of = |key: &str, name: &str| {
        let message = format!("the environment variable `{name}` is not set, or empty");
        let error = || ConfigError::new(format!("identity.introspection.{key}"), message, "set it");
        variables.get(name).map(encoded).ok_or_else(error)
    };
    let id = of("client_id_env", &config.client_id_env)?;
    let secret = of("client_secret_env", &config.client_secret_env)?;
    let text = format!("Basic {}", BASE64_STANDARD.encode(format!("{id}:{secret}")));
    let mut value = HeaderValue::try_from(text).map_err(|_| {
        ConfigError::new("identity.introspection.client_secret_env", "cannot be sent", "set another secret")
    })?;
    value.set_sensitive(true);
    Ok(Secret::new(value))
}

/// As in a form; what few servers decode stays as it is.
fn encoded(text: &str) -> String {
    const FORM: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'*');
    utf8_percent_encode(text, FORM).to_string()
}

impl CredentialKind for Introspection {
    fn name(&self) -> &'static str {
        METHOD
    }

    /// After API keys: what begins as its tokens do, or else every bearer token that nobody else can verify.
    fn recognises(&self, candidate: &Candidate<'_>) -> bool {
        self.0.as_ref().is_some_and(|server| match &server.prefix {
            Some(prefix) => candidate.text.starts_with(prefix.as_str()),
            None => candidate.place == Place::Bearer && (server.signed_too || !candidate.looks_signed()),
        })
    }

    fn verify<'a>(&'a self, candidate: &'a Candidate<'a>, now: Timestamp) -> Verifying<'a> {
        Box::pin(async move {
            match &self.0 {
                Some(server) => server.verify(candidate, now).await,
                None => Err(Refusal::UnknownKind),
            }
        })
    }
}

impl Server {
    async fn verify(&self, candidate: &Candidate<'_>, now: Timestamp) -> Result<Accepted, Refusal> {
        let hash = hash_of(candidate);
        let is_in =
            |known: &Cache<CredentialHash, Timestamp>| known.get(&hash).is_some_and(|until| now < until);
        if !is_in(&self.good) {
            self.guesses.check_peer(candidate, now)?;
        }
        if is_in(&self.bad) {
            return Err(self.guesses.wrong_by_peer(candidate, now, Refusal::Inactive));
        }
        let body = self.ask(candidate.text).await?;
        // It may have taken a while.
        let now = self.clock.now();
        match self.reading.judge(&body, now) {
            Err(Refusal::Inactive) => {
                self.good.remove(&hash);
                self.bad.insert(hash, Timestamp(now.0.saturating_add(self.reading.cache_nanos)));
                Err(self.guesses.wrong_by_peer(candidate, now, Refusal::Inactive))
            }
            Ok(accepted) => {
                self.good.insert(hash, Timestamp(now.0.saturating_add(RECENT_NANOS)));
                Ok(accepted)
            }
            Err(other) => Err(other),
        }
    }

    /// The body of the answer about a token (RFC 7662 section 2.1).
    async fn ask(&self, token: &str) -> Result<Vec<u8>, Refusal> {
        let ask = async {
            // It is never closed.
            let _turn = self.turns.acquire().await;
            let mut headers = HeaderMap::with_capacity(3);
            headers.insert(AUTHORIZATION, self.authorization.expose().clone());
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
            headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
            let body = Some(format!("token={}", encoded(token)).into_bytes());
            let call = Call { endpoint: self.endpoint.clone(), headers, body };
            match self.client.send(call, MAX_ANSWER, self.timeout).await {
                Ok(answer) if answer.status == 200 => Ok(answer.body),
                Ok(answer) => Err(net::Error::Status(answer.status)),
                Err(error) => Err(error),
            }
        };
        let answer = timeout(self.timeout, ask).await;
        let answer = answer.unwrap_or(Err(net::Error::Timeout(Period(self.timeout))));
        answer.map_err(|error| {
            self.complain(&error);
            Refusal::IntrospectionUnavailable
        })
    }

    /// Logs a failure, unless one was just logged: strangers choose how many questions there are.
    fn complain(&self, error: &net::Error) {
        let (now, before) = (self.clock.now().0, self.complained.load(Ordering::Relaxed));
        let is_due = now.saturating_sub(before) >= QUIET_NANOS;
        if is_due && self.complained.swap(now, Ordering::Relaxed) == before {
            tracing::warn!(endpoint = %self.endpoint, %error, "the introspection endpoint fails");
        }
    }
}
