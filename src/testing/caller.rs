//! The caller of a case: a subject, or the caller that the credential identifies.
//!
//! Credentials are real: minted by an issuer for this run, and verified by `identity` at the case's time.

use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue};
use serde_json::Map;

use super::fixture_caller::{Caller, Presented, Token};
use crate::identity::dev::{DevIssuer, TokenRequest};
use crate::identity::{self, Authenticator, Setup};
use crate::model::clock::{Clock, Timestamp};
use crate::model::failure::Failure;
use crate::model::presented::Presented as Shown;
use crate::model::principal::AuthContext;
use crate::model::roles::Roles;
use crate::model::secret::Secret;

/// Makes callers; the issuer is created for the first credential.
#[derive(Default)]
pub(super) struct Callers {
    verifier: Option<Verifier>,
}

/// Mints credentials, and verifies them.
struct Verifier {
    issuer: DevIssuer,
    authenticator: Authenticator,
    clock: Clock,
    /// What the authenticator knows of roles.
    roles: Arc<Roles>,
}

impl Callers {
    /// The caller of a case at the time `at`, or why the call is refused.
    ///
    /// # Errors
    /// A subject that no credential can name, or a token that cannot be minted.
    pub(super) fn know(
        &mut self,
        caller: &Caller,
        roles: &Arc<Roles>,
        at: Timestamp,
    ) -> Result<Result<AuthContext, Failure>, String> {
        let (presented, mode) = match caller {
            Caller::Unchecked => return Ok(Ok(AuthContext::Unchecked)),
            Caller::Anonymous => return Ok(Ok(AuthContext::Anonymous)),
            Caller::Subject(subject) => return Ok(Ok(AuthContext::Verified(subject.verified(roles)?))),
            Caller::Credential(presented, mode) => (presented, *mode),
        };
        let known = self.verifier.take().filter(|verifier| verifier.roles == *roles);
        let verifier = self.verifier.insert(match known {
            Some(verifier) => verifier,
            None => Verifier::new(Arc::clone(roles), at)?,
        });
        verifier.clock.set(at);
        let headers = verifier.headers(presented, at)?;
        let shown = Shown::from(&headers);
        // The keys are in memory, so nothing has to be waited for.
        let mut verifying = pin!(verifier.authenticator.authenticate(mode, &shown));
        match verifying.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(known) => Ok(known),
            Poll::Pending => Err("the credential could not be verified without waiting".to_owned()),
        }
    }
}

impl Verifier {
    fn new(roles: Arc<Roles>, at: Timestamp) -> Result<Self, String> {
        let issuer = DevIssuer::in_memory().map_err(|error| error.to_string())?;
        let config =
            identity::Config { issuers: vec![issuer.issuer_config()], ..identity::Config::default() };
        let clock = Clock::fixed(at);
        let client =
            crate::net::Client::new(&crate::net::Config::default()).map_err(|error| error.to_string())?;
        let setup = Setup { roles: Arc::clone(&roles), ..Setup::new(Path::new("."), clock.clone(), client) };
        let authenticator = Authenticator::new(&config, &setup).map_err(|error| error.to_string())?;
        Ok(Self { issuer, authenticator, clock, roles })
    }

    /// The headers of a call that presents this.
    fn headers(&self, presented: &Presented, at: Timestamp) -> Result<HeaderMap, String> {
        let someone = |id: &str| Token {
            sub: id.to_owned(),
            kind: "user".to_owned(),
            roles: Vec::new(),
            claims: std::collections::BTreeMap::new(),
            ttl: crate::model::units::Period::secs(60),
        };
        let token = match presented {
            Presented::Nothing => return Ok(HeaderMap::new()),
            Presented::Malformed => Secret::default(),
            Presented::Token(token) => self.mint(token, at)?,
            Presented::Expired => {
                let hour_ago = Timestamp(at.0.saturating_sub(3_600_000_000_000));
                self.mint(&someone("expired"), hour_ago)?
            }
            // The contents of one token with the signature of another.
            Presented::Bad => {
                let (mine, other) = (self.mint(&someone("forged"), at)?, self.mint(&someone("honest"), at)?);
                let (contents, _) = mine.expose().rsplit_once('.').unwrap_or_default();
                let (_, signature) = other.expose().rsplit_once('.').unwrap_or_default();
                Secret::new(format!("{contents}.{signature}"))
            }
        };
        let bearer = HeaderValue::from_str(&format!("Bearer {}", token.expose()));
        let mut bearer = bearer.map_err(|error| error.to_string())?;
        bearer.set_sensitive(true);
        Ok(HeaderMap::from_iter([(AUTHORIZATION, bearer)]))
    }

    fn mint(&self, token: &Token, at: Timestamp) -> Result<Secret<String>, String> {
        let Token { sub, kind, roles, claims, ttl } = token;
        let request = TokenRequest {
            sub: sub.clone(),
            kind: Some(kind.clone()),
            roles: roles.clone(),
            claims: claims.iter().map(|(name, value)| (name.clone(), value.0.clone())).collect::<Map<_, _>>(),
            ttl: ttl.0,
        };
        self.issuer.mint(&request, at).map_err(|error| format!("`credential`: {error}"))
    }
}
