//! One stream: judges events by its rules, and has the registry do what they say.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

use super::config::StreamConfig;
use super::event::{Event, Kind, Rules};
use super::refused::Refused;
use crate::identity::signed::Signer;
use crate::identity::{ConfigError, KeyRefresh, Setup};
use crate::registry::actor::{Actor, Power};
use crate::registry::command::{Command, NewEvent};
use crate::registry::store::WriteError;
use crate::registry::{Registry, RejectionKind};
use crate::telemetry::metrics::EventMetrics;

/// The longest event that is looked at, in bytes.
pub const LONGEST_EVENT: usize = 8 * 1024;
/// How many events are stored at a time, of all streams.
static PLACES: Semaphore = Semaphore::const_new(8);
/// How long an event waits for its turn.
const PATIENCE: Duration = Duration::from_secs(5);

/// A stream that is ready.
pub struct Stream {
    signer: Signer,
    token_issuers: Vec<String>,
    critical: Vec<String>,
    verification_state: Option<String>,
    registry: Arc<Registry>,
    metrics: EventMetrics,
}

/// An event that is what it is to be, and is not in force yet.
#[derive(Debug)]
pub struct Judged {
    /// Its name at its issuer.
    pub jti: String,
    event: Event,
}

/// What came of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It is in force.
    Applied,
    /// It was in force.
    Repeated,
    /// It is about nobody who could be found here.
    PassedOver,
    /// It takes nothing away.
    Ignored,
}

impl Outcome {
    const fn name(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Repeated => "repeated",
            Self::PassedOver => "passed_over",
            Self::Ignored => "ignored",
        }
    }
}

impl Stream {
    pub(super) fn new(
        at: &str,
        config: &StreamConfig,
        setup: &Setup<'_>,
        registry: &Arc<Registry>,
        metrics: &EventMetrics,
    ) -> Result<Self, ConfigError> {
        Ok(Self {
            signer: Signer::new(at, &config.signer(), setup)?,
            token_issuers: config.speaks_for(),
            critical: config.critical_subject_members.clone(),
            verification_state: config.verification_state.clone(),
            registry: Arc::clone(registry),
            metrics: metrics.clone(),
        })
    }

    /// Its issuer.
    pub fn issuer(&self) -> &str {
        self.signer.name()
    }

    /// What keeps its keys fresh.
    pub(super) fn key_refresh(&self) -> Option<KeyRefresh> {
        self.signer.key_refresh()
    }

    /// Judges an event; nothing is changed.
    ///
    /// # Errors
    /// Why it is not taken.
    pub async fn judge(&self, text: &str) -> Result<Judged, Refused> {
        let judged = self.judged(text).await;
        judged.inspect_err(|refused| self.metrics.refused(refused.code().unwrap_or("unavailable")))
    }

    async fn judged(&self, text: &str) -> Result<Judged, Refused> {
        if text.len() > LONGEST_EVENT {
            return Err(Refused::invalid("the event is longer than 8 KiB"));
        }
        let statement = self.signer.verify(text).await?;
        let rules = Rules {
            token_issuers: &self.token_issuers,
            critical: &self.critical,
            state: self.verification_state.as_deref(),
        };
        let event = Event::read(&statement, rules)?;
        Ok(Judged { jti: statement.jti, event })
    }

    /// Puts an event in force. When it returns, it may be acknowledged.
    ///
    /// # Errors
    /// [`Refused::Unavailable`]: it is to be sent again.
    pub async fn apply(&self, judged: Judged) -> Result<Outcome, Refused> {
        let Judged { jti, event: Event { kind, revokes } } = judged;
        let applied = match (kind, revokes.is_empty()) {
            (Kind::SessionRevoked | Kind::CredentialChange | Kind::TokenClaimsChange, true) => {
                tracing::warn!(
                    issuer = self.issuer(),
                    event = kind.name(),
                    "an event names nobody who could be found here"
                );
                Ok(Outcome::PassedOver)
            }
            (_, true) => Ok(Outcome::Ignored),
            (_, false) => {
                let issuer = self.issuer().to_owned();
                self.store(NewEvent { issuer, jti, event: kind.name(), revokes }).await
            }
        };
        match &applied {
            Ok(outcome) => self.metrics.taken(kind.name(), outcome.name()),
            Err(refused) => {
                tracing::error!(issuer = self.issuer(), %refused, "an event is not in force, and is not acknowledged");
                self.metrics.refused("unavailable");
            }
        }
        applied
    }

    async fn store(&self, event: NewEvent) -> Result<Outcome, Refused> {
        let unavailable = |why: &str| Refused::Unavailable(format!("the event cannot be stored now: {why}"));
        let Ok(Ok(place)) = tokio::time::timeout(PATIENCE, PLACES.acquire()).await else {
            return Err(unavailable("too many others are at it"));
        };
        let registry = Arc::clone(&self.registry);
        let actor = Actor { id: format!("events of {}", event.issuer), power: Power::Operator, peer: None };
        let stored = tokio::task::spawn_blocking(move || {
            let _place = place;
            match registry.execute(&actor, &Command::Receive(event)) {
                Ok(_) => Ok(Outcome::Applied),
                // Another sidecar may have stored it: then it is in force here only once that is known here.
                Err(WriteError::Rejected(rejection)) if rejection.kind == RejectionKind::Conflict => {
                    registry.catch_up().map(|_| Outcome::Repeated).map_err(WriteError::Store)
                }
                Err(error) => Err(error),
            }
        });
        match stored.await {
            Ok(Ok(outcome)) => Ok(outcome),
            Ok(Err(error)) => {
                tracing::error!(issuer = self.issuer(), %error, "the registry does not take an event");
                Err(unavailable("the registry does not take it"))
            }
            Err(_) => Err(unavailable("it panicked")),
        }
    }
}
