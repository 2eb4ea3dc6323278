//! Who is calling, for what is given to nobody but a verified caller, and is no decision of policy.

use std::sync::Arc;
use std::time::{Duration, Instant};

use uuid::Uuid;

use super::call::Call;
use super::{Arrival, Authorizer};
use crate::decision_log::Unrecorded;
use crate::model::decision::{Decision, Outcome, Recorded};
use crate::model::failure::Failure;
use crate::model::principal::{AuthContext, IdentityMode, Verified};

/// A recorded call of a verified caller.
#[derive(Debug)]
pub struct Attested<T> {
    /// The record: what was asked for, or why it was refused.
    pub decision: Recorded<Decision>,
    /// What it asks for; none where it was refused.
    pub asked: Option<T>,
}

impl Authorizer {
    /// Says who is calling, whatever `identity.mode` is, counts the call, and records what it asks for. Then it may be
    /// given, and not before. `ask` says whether this caller may ask for it.
    ///
    /// # Errors
    /// [`Unrecorded`] when the log did not take the record: nothing may be given.
    pub async fn attest<T>(
        &self,
        arrival: Arrival<'_>,
        ask: impl AsyncFnOnce(&Verified) -> Result<T, Failure>,
    ) -> Result<Attested<T>, Unrecorded> {
        let Arrival { presented, path: _, context, started, counted: _ } = arrival;
        let mut call = Call::new(self.current.load(), self.clock.now(), context, started);
        call.peer = presented.peer.map(|peer| peer.ip());
        let authenticator = Arc::clone(&call.in_force.authenticator);
        let begun = Instant::now();
        let authenticated = authenticator.authenticate(IdentityMode::Required, &presented).await;
        call.authenticate = begun.elapsed();
        let asked = match authenticated {
            Ok(AuthContext::Verified(verified)) => {
                call.caller_is(AuthContext::Verified(verified.clone()));
                match self.count(&mut call, 1).await {
                    Ok(()) => ask(&verified).await,
                    Err(failure) => Err(failure),
                }
            }
            Ok(AuthContext::Anonymous | AuthContext::Unchecked) => {
                Err(Failure::insufficient("this is for verified callers"))
            }
            Err(failure) => {
                self.decider.metrics.identity.failed(failure.kind);
                Err(failure)
            }
        };
        let (decision, asked) = match asked {
            Ok(asked) => (call.into_decision(Uuid::new_v4(), Outcome::Allow, Duration::ZERO), Some(asked)),
            Err(failure) => (call.refuse(failure), None),
        };
        Ok(Attested { decision: self.decider.record(decision).await?, asked })
    }
}
