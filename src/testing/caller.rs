//! The caller of a case: a subject, or the caller that the credential identifies.
//!
//! Credentials are real: minted by an issuer for this run, and verified by `identity` at the case's time.

use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use super::fixture_caller::Caller;
use super::mint::Mint;
use crate::identity::{Authenticator, Setup};
use crate::model::clock::{Clock, Timestamp};
use crate::model::failure::Failure;
use crate::model::presented::Presented as Shown;
use crate::model::principal::AuthContext;
use crate::model::roles::Roles;

/// Makes callers; whoever vouches for them is created for the first credential.
#[derive(Default)]
pub(super) struct Callers {
    verifier: Option<Verifier>,
}

/// Mints credentials, and verifies them.
struct Verifier {
    mint: Mint,
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
        let headers = verifier.mint.headers(presented, at)?;
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
        let mint = Mint::new()?;
        let clock = Clock::fixed(at);
        let client =
            crate::net::Client::new(&crate::net::Config::default()).map_err(|error| error.to_string())?;
        let setup = Setup {
            roles: Arc::clone(&roles),
            directory: Some(Arc::clone(&mint.directory) as _),
            ..Setup::new(Path::new("."), clock.clone(), client)
        };
        let authenticator =
            Authenticator::new(&mint.trusted()?, &setup).map_err(|error| error.to_string())?;
        Ok(Self { mint, authenticator, clock, roles })
    }
}
