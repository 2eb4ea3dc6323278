//! The pipeline that every door uses: what is in force → who is calling → what is asked → input → decision → record.
//!
//! INVARIANT (one way to a decision): doors come in through [`Authorizer::authorize`], its batch form and its search, through
//! [`Authorizer::manage`] and [`Authorizer::administer`], or through [`Authorizer::refuse`] for what is not even a call. All of them end in the decision
//! log; there is no early return between taking what is in force and recording.
//! INVARIANT (before the body): who is calling is decided before the door is asked for the body.
//! INVARIANT (nobody waits for another): what policy may wait for, it waits for on a thread that serves nobody; how many
//! such threads there may be is configured.
//! INVARIANT (fail closed): whatever goes wrong on the way is a decision, too, with the outcome `refused` or `error`.
//!
//! Deliberately absent: anything of a protocol.
//!
//! Reading order: `call` → `in_force` → `admission` → this file → [`tool_calls`] → `rule` → `decider` → `schedule` → `separate_pool` → `search`
//! → [`adhoc`].

pub mod adhoc;
pub mod admission;
pub mod attest;
mod call;
mod decider;
pub mod in_force;
mod rule;
mod schedule;
mod search;
mod separate_pool;
pub mod tool_calls;

use std::sync::Arc;
use std::time::{Duration, Instant};
use std::{fmt, io};

use uuid::Uuid;

use self::admission::AdminLimits;
use self::call::Call;
use self::decider::Decider;
use self::in_force::{Current, InForce};
use self::separate_pool::SeparatePool;
use crate::decision_log::{DecisionLog, Unrecorded};
use crate::identity::Authenticator;
use crate::model::clock::{Clock, Timestamp};
use crate::model::decision::{Decision, Outcome, Recorded};
use crate::model::failure::{Failure, FailureKind};
use crate::model::presented::Presented;
use crate::model::principal::{AuthContext, IdentityMode};
use crate::model::rate::RateStanding;
use crate::model::request::{EntryPath, RequestContext};
use crate::telemetry::metrics::Metrics;
use verdict_rego::Value;

pub use self::call::{Arrival, Batch, Form, Item, Question, Until};
pub use self::search::Search;

/// A recorded decision.
#[derive(Debug)]
pub struct Authorized {
    /// The decision.
    pub decision: Recorded<Decision>,
    /// Whether the caller asked for an explanation that it may not have.
    pub explanation_denied: bool,
}

/// The answer to an item of a batch, by the item's name.
pub type Answered = (String, Result<Recorded<Decision>, Unrecorded>);

/// The answers to a batch, all from the same policy.
#[derive(Debug)]
pub struct AuthorizedBatch {
    /// The batch's id, which each record has, too.
    pub id: Uuid,
    /// A recorded answer to each input by its name, or the failure to record it; fewer than inputs where the batch ended early.
    pub answers: Vec<Answered>,
    /// Whether the caller asked for explanations that it may not have.
    pub explanation_denied: bool,
    /// How the caller stands with its rate limits.
    pub rate: Option<RateStanding>,
}

/// How somebody comes in to [`Authorizer::administer`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entrance {
    /// With a credential, always: also where identity is off.
    Credential,
    /// With something that is no credential, which the door looks at: before anybody can have one.
    Token,
    /// With the secret of a stream of events, which the door looks at. Its calls are not counted: an issuer sends as many events as
    /// there are, and wrong secrets are counted as guesses.
    Stream,
}

/// A recorded call of the admin API.
#[derive(Debug)]
pub struct Administered<A, T> {
    /// The record: what was attempted, or why it was refused.
    pub decision: Recorded<Decision>,
    /// Who may attempt it, and what; none where it was refused.
    pub attempt: Option<(A, T)>,
}

/// A role that a call of management asks for.
#[derive(Debug, Clone, Copy)]
pub struct Role<'r> {
    /// Its name.
    pub name: &'r str,
    /// The key of the configuration that says so.
    pub key: &'static str,
}

/// What a caller wants to do, once it is read.
#[derive(Debug)]
pub struct Attempt<T> {
    /// What it is.
    pub what: T,
    /// What the record says of it, as its input, besides the operation.
    pub recorded: Option<Value>,
}

/// A recorded attempt.
#[derive(Debug)]
pub struct Attempted<T> {
    /// The record: what was attempted, or why it was refused.
    pub decision: Recorded<Decision>,
    /// What may be done now; none where it was refused.
    pub what: Option<T>,
}

/// Why a batch is not answered item by item.
#[derive(Debug)]
pub enum BatchRefused {
    /// The whole batch is refused.
    Refused(Box<Recorded<Decision>>),
    /// And that could not be recorded.
    Unrecorded(Unrecorded),
}

/// Says whether reloads have failed for longer than a duration.
pub type Staleness = Box<dyn Fn(Timestamp, Duration) -> bool + Send + Sync>;

/// Everything that a decision needs. Shared by all doors and threads.
pub struct Authorizer {
    current: Arc<Current>,
    clock: Clock,
    is_stale: Staleness,
    decider: Arc<Decider>,
    /// Where evaluations run that are long.
    pool: Arc<SeparatePool>,
    admin_limits: AdminLimits,
}

impl Authorizer {
    /// Puts the parts together, with a separate pool on half of the processors. `is_stale` says whether what is in force is too old.
    ///
    /// # Errors
    /// The system has no thread to give.
    pub fn new(
        current: Arc<Current>,
        log: Arc<DecisionLog>,
        metrics: Arc<Metrics>,
        clock: Clock,
        is_stale: Staleness,
    ) -> io::Result<Self> {
        let processors = std::thread::available_parallelism().map_or(1, |count| count.get());
        let pool = Arc::new(SeparatePool::new((processors / 2).max(1))?);
        let decider = Arc::new(Decider::new(log, metrics));
        Ok(Self { current, clock, is_stale, decider, pool, admin_limits: AdminLimits::new() })
    }

    /// What is in force, for what is no decision (health, status).
    pub fn in_force(&self) -> Arc<InForce> {
        self.current.load()
    }

    /// The time, as decisions see it.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Decides one call and records the decision. `ask` reads what is asked, once it is known who is calling.
    ///
    /// # Errors
    /// [`Unrecorded`] when the log did not take the record: there is no decision to answer with.
    pub async fn authorize(
        &self,
        arrival: Arrival<'_>,
        ask: impl AsyncFnOnce() -> Result<Question, Failure>,
    ) -> Result<Authorized, Unrecorded> {
        let (mut call, admitted) = self.admit(arrival).await;
        let asked = match admitted {
            Ok(()) => ask().await,
            Err(failure) => Err(failure),
        };
        let question = match asked {
            Ok(question) => question,
            Err(failure) => {
                let decision = self.decider.record(call.refuse(failure)).await?;
                return Ok(Authorized { decision, explanation_denied: false });
            }
        };
        call.question = question;
        let explanation_denied = call.question.explain && !call.is_explained();
        let decision = self.ruled(call).await?;
        Ok(Authorized { decision, explanation_denied })
    }

    /// Decides a batch: the caller is authenticated once, every input is decided and recorded for itself.
    ///
    /// # Errors
    /// When the whole of it is refused: the caller, the body, or its size.
    pub async fn authorize_batch(
        &self,
        arrival: Arrival<'_>,
        ask: impl AsyncFnOnce() -> Result<Batch, Failure>,
    ) -> Result<AuthorizedBatch, BatchRefused> {
        self.authorize_batch_of(arrival, async |_: &AuthContext| ask().await).await
    }

    /// Decides a batch as [`Self::authorize_batch`] does, where what is asked depends on who is calling.
    ///
    /// # Errors
    /// As there.
    pub async fn authorize_batch_of(
        &self,
        arrival: Arrival<'_>,
        ask: impl AsyncFnOnce(&AuthContext) -> Result<Batch, Failure>,
    ) -> Result<AuthorizedBatch, BatchRefused> {
        let (mut call, admitted) = self.admit(arrival).await;
        let asked = match admitted {
            Ok(()) => self.ask_batch(&mut call, ask).await,
            Err(failure) => Err(failure),
        };
        let batch = match asked {
            Ok(batch) => batch,
            Err(failure) => {
                let recorded = self.decider.record(call.refuse(failure)).await;
                return Err(recorded.map_or_else(BatchRefused::Unrecorded, |decision| {
                    BatchRefused::Refused(Box::new(decision))
                }));
            }
        };
        let id = Uuid::new_v4();
        call.batch_id = Some(id);
        call.question = batch.question.clone();
        let explanation_denied = call.question.explain && !call.is_explained();
        let answers = self.decide_items(&call, batch).await;
        Ok(AuthorizedBatch { id, answers, explanation_denied, rate: call.rate })
    }

    /// Decides the items of a batch one after the other, as far as it goes.
    async fn decide_items(&self, call: &Call, batch: Batch) -> Vec<Answered> {
        let Batch { inputs, until, common, question } = batch;
        let (mut answers, mut allowed) = (Vec::with_capacity(inputs.len()), 0);
        for (name, input) in inputs {
            if until.is_reached(answers.len(), allowed) {
                break;
            }
            // A batch may be long: others get their turn between its items.
            tokio::task::yield_now().await;
            let answer = match input {
                Ok(input) => {
                    let input = Some(Batch::merged(common.as_ref(), input));
                    self.ruled(call.item(Question { input, ..question.clone() })).await
                }
                Err(failure) => self.decider.record(call.item(question.clone()).refuse(failure)).await,
            };
            allowed += usize::from(answer.as_ref().is_ok_and(|decision| decision.outcome == Outcome::Allow));
            answers.push((name, answer));
        }
        answers
    }

    /// Decides whether the caller may manage this server, and records that; `operation` names what it wants to do. Where
    /// identity is off, everybody may: then it is for the listener to say who can connect.
    ///
    /// # Errors
    /// [`Unrecorded`] when the log did not take the record.
    pub async fn manage(&self, arrival: Arrival<'_>) -> Result<Recorded<Decision>, Unrecorded> {
        let ask = async || Ok(Attempt { what: (), recorded: None });
        Ok(self.attempted(arrival, None, ask).await?.0)
    }

    /// The same for what takes a body, or a role of its own. `ask` reads what the caller wants, once it is known that it may.
    ///
    /// # Errors
    /// [`Unrecorded`] when the log did not take the record: nothing may be done.
    pub async fn attempt<T>(
        &self,
        arrival: Arrival<'_>,
        role: Option<Role<'_>>,
        ask: impl AsyncFnOnce() -> Result<Attempt<T>, Failure>,
    ) -> Result<Attempted<T>, Unrecorded> {
        let (decision, attempt) = self.attempted(arrival, role, ask).await?;
        Ok(Attempted { decision, what: attempt.map(|(what, _)| what) })
    }

    /// The record of an attempt; and, where it may be made, what it is and whose.
    async fn attempted<T>(
        &self,
        arrival: Arrival<'_>,
        role: Option<Role<'_>>,
        ask: impl AsyncFnOnce() -> Result<Attempt<T>, Failure>,
    ) -> Result<(Recorded<Decision>, Option<(T, Call)>), Unrecorded> {
        let Arrival { presented, path: _, context, started, counted: _ } = arrival;
        let mut call = Call::new(self.current.load(), self.clock.now(), context, started);
        let admitted = match self.authenticate(&mut call, IdentityMode::Required, &presented).await {
            Ok(()) => check_role(&call, role),
            Err(failure) => Err(failure),
        };
        let asked = match admitted {
            Ok(()) => ask().await,
            Err(failure) => Err(failure),
        };
        let Attempt { what, recorded } = match asked {
            Ok(attempt) => attempt,
            Err(failure) => return Ok((self.decider.record(call.refuse(failure)).await?, None)),
        };
        let decision = call.clone().into_decision(Uuid::new_v4(), Outcome::Allow, Duration::ZERO);
        let decision = self.decider.record(Decision { input: recorded, ..decision }).await?;
        Ok((decision, Some((what, call))))
    }

    /// Says who calls the admin API and records what it attempts. Then it may be done, and not before: a change without a
    /// record is impossible, and a record without a change is an attempt that came to nothing.
    ///
    /// `admit` says what a caller is there, and `ask` reads what it wants, once it is admitted and counted.
    ///
    /// # Errors
    /// [`Unrecorded`] when the log did not take the record: nothing may be done.
    pub async fn administer<A, T>(
        &self,
        arrival: Arrival<'_>,
        entrance: Entrance,
        admit: impl FnOnce(&AuthContext, &InForce) -> Result<A, Failure>,
        ask: impl AsyncFnOnce() -> Result<T, Failure>,
    ) -> Result<Administered<A, T>, Unrecorded> {
        let Arrival { presented, path: _, context, started, counted: _ } = arrival;
        let mut call = Call::new(self.current.load(), self.clock.now(), context, started);
        call.peer = presented.peer.map(|peer| peer.ip());
        let attempt = match self.admit_admin(&mut call, entrance, &presented).await {
            Ok(()) => match admit(call.auth(), &call.in_force) {
                Ok(actor) => ask().await.map(|asked| (actor, asked)),
                Err(failure) => Err(failure),
            },
            Err(failure) => Err(failure),
        };
        let (decision, attempt) = match attempt {
            Ok(attempt) => {
                (call.into_decision(Uuid::new_v4(), Outcome::Allow, Duration::ZERO), Some(attempt))
            }
            Err(failure) => (call.refuse(failure), None),
        };
        Ok(Administered { decision: self.decider.record(decision).await?, attempt })
    }

    /// Who is calling, and whether it may call once more.
    async fn admit_admin(
        &self,
        call: &mut Call,
        entrance: Entrance,
        presented: &Presented<'_>,
    ) -> Result<(), Failure> {
        match entrance {
            Entrance::Credential => {
                let authenticator = Arc::clone(&call.in_force.authenticator);
                self.verify(call, &authenticator, IdentityMode::Required, presented).await?;
                self.count(call, 1).await?;
            }
            Entrance::Token => call.caller_is(AuthContext::Anonymous),
            Entrance::Stream => {
                call.caller_is(AuthContext::Anonymous);
                return Ok(());
            }
        }
        self.admin_limits.count(call.auth(), call.peer, call.at)
    }

    /// Records that a request was refused before it became a call: not HTTP, from elsewhere, no such method.
    ///
    /// # Errors
    /// [`Unrecorded`], as with every decision.
    pub async fn refuse(
        &self,
        path: Option<EntryPath>,
        failure: Failure,
        context: RequestContext,
        started: Instant,
    ) -> Result<Recorded<Decision>, Unrecorded> {
        let mut call = Call::new(self.current.load(), self.clock.now(), context, started);
        call.path = path;
        self.decider.record(call.refuse(failure)).await
    }

    /// The questions of a batch: not too many of them, and each counted.
    async fn ask_batch(
        &self,
        call: &mut Call,
        ask: impl AsyncFnOnce(&AuthContext) -> Result<Batch, Failure>,
    ) -> Result<Batch, Failure> {
        let batch = check_size(ask(call.auth()).await?, &call.in_force)?;
        // The first was counted before the body was read.
        self.count(call, batch.inputs.len().saturating_sub(1)).await?;
        Ok(batch)
    }

    /// Counts a call as `cost` calls of its caller.
    async fn count(&self, call: &mut Call, cost: usize) -> Result<(), Failure> {
        let in_force = Arc::clone(&call.in_force);
        let Some(admission) = in_force.settings.admission.as_ref().filter(|_| cost > 0) else {
            return Ok(());
        };
        let caller = (call.auth(), call.peer);
        let (rate, counted) = admission.count(caller, cost, call.at, &self.decider.metrics.limits).await;
        call.rate = rate;
        counted
    }

    /// Whether there is policy to decide with, who is calling, and whether it may ask once more.
    async fn admit(&self, arrival: Arrival<'_>) -> (Call, Result<(), Failure>) {
        let Arrival { presented, path, context, started, counted } = arrival;
        let mut call = Call::new(self.current.load(), self.clock.now(), context, started);
        call.peer = presented.peer.map(|peer| peer.ip());
        let path = match path {
            Ok(path) => path,
            Err(failure) => return (call, Err(failure)),
        };
        let mode = call.in_force.authenticator.mode_for(&path);
        call.path = Some(path);
        let unavailable = |message| Err(Failure::new(FailureKind::PolicyUnavailable, message));
        if call.in_force.snapshot.generation == 0 {
            return (call, unavailable("no bundle is active yet"));
        }
        let settings = &call.in_force.settings;
        if settings.deny_when_stale && (self.is_stale)(call.at, settings.max_stale) {
            return (call, unavailable("the active policy is older than `bundles.max_stale` allows"));
        }
        let mut admitted = self.authenticate(&mut call, mode, &presented).await;
        if admitted.is_ok() && counted {
            admitted = self.count(&mut call, 1).await;
        }
        (call, admitted)
    }

    async fn authenticate(
        &self,
        call: &mut Call,
        mode: IdentityMode,
        presented: &Presented<'_>,
    ) -> Result<(), Failure> {
        let authenticator = Arc::clone(&call.in_force.authenticator);
        // Management is as open as the whole of policy is.
        let off = call.path.is_none() && authenticator.mode_for(&EntryPath::default()) == IdentityMode::Off;
        let mode = if off { IdentityMode::Off } else { mode };
        self.verify(call, &authenticator, mode, presented).await
    }

    async fn verify(
        &self,
        call: &mut Call,
        authenticator: &Authenticator,
        mode: IdentityMode,
        presented: &Presented<'_>,
    ) -> Result<(), Failure> {
        let begun = Instant::now();
        let authenticated = authenticator.authenticate(mode, presented).await;
        call.authenticate = begun.elapsed();
        match authenticated {
            Ok(auth) => {
                call.caller_is(auth);
                Ok(())
            }
            Err(failure) => {
                self.decider.metrics.identity.failed(failure.kind);
                Err(failure)
            }
        }
    }

    /// Decides and records a call that the AgentPolicies in force have nothing against.
    async fn ruled(&self, mut call: Call) -> Result<Recorded<Decision>, Unrecorded> {
        match self.rule(&mut call).await {
            Ok(()) => self.answer(call).await,
            Err(failure) => self.decider.record(call.refuse(failure)).await,
        }
    }

    /// Decides and records: on this thread, or on another where policy may wait for others or takes long.
    async fn answer(&self, call: Call) -> Result<Recorded<Decision>, Unrecorded> {
        let Some(path) = &call.path else {
            return self.decider.record(call.refuse(Failure::new(FailureKind::Internal, "no path"))).await;
        };
        let policy = call.policy();
        let (waits, long) =
            (policy.program.blocks(path), self.decider.schedule.is_long(policy, path) || call.is_explained());
        if !waits && !long {
            return self.decider.record(self.decider.decide(call)).await;
        }
        let (decider, pool) = (Arc::clone(&self.decider), Arc::clone(&self.pool));
        // A task of its own: the decision is recorded even if the caller has gone away meanwhile.
        let answer = tokio::spawn(async move {
            let decided = if waits {
                decide_waiting(&decider, call).await
            } else {
                decide_in(&decider, &pool, call).await
            };
            match decided {
                Some(decision) => decider.record(decision).await,
                None => Err(Unrecorded { id: Uuid::new_v4() }),
            }
        });
        answer.await.unwrap_or_else(|_| Err(Unrecorded { id: Uuid::new_v4() }))
    }
}

/// Decides on the separate pool; `None` where that panicked.
async fn decide_in(decider: &Arc<Decider>, pool: &SeparatePool, call: Call) -> Option<Decision> {
    let (begun, patience) = (Instant::now(), call.limits().deadline);
    let working = Arc::clone(decider);
    let decided = pool.run(call, patience, move |mut call: Call| {
        call.waited = begun.elapsed();
        working.decide(call)
    });
    match decided.await {
        Ok(decision) => decision,
        Err(call) => Some(decider.too_late(call, "others like it took all the time")),
    }
}

/// Decides on a thread that may wait for others; `None` where that panicked.
async fn decide_waiting(decider: &Arc<Decider>, mut call: Call) -> Option<Decision> {
    let begun = Instant::now();
    let places = Arc::clone(&call.in_force.settings.waiting);
    let Ok(Ok(place)) = tokio::time::timeout(call.limits().deadline, places.acquire_owned()).await else {
        let why = "too many decisions wait for others (`http_send.max_concurrent`)";
        return Some(decider.too_late(call, why));
    };
    call.waited = begun.elapsed();
    let working = Arc::clone(decider);
    let decided = tokio::task::spawn_blocking(move || {
        let decision = working.decide(call);
        drop(place);
        decision
    });
    decided.await.ok()
}

/// INVARIANT (bounded batches): what one body may make of log and answers is bounded before the first item is decided.
fn check_size(batch: Batch, in_force: &InForce) -> Result<Batch, Failure> {
    let limits = in_force.settings.batch;
    let too_large = |message| Err(Failure::new(FailureKind::TooLarge, message));
    if batch.inputs.len() > limits.items {
        return too_large(format!(
            "the batch has {} inputs; at most {} are allowed (`server.max_batch_items`)",
            batch.inputs.len(),
            limits.items
        ));
    }
    if batch.bytes(limits.bytes) > limits.bytes {
        return too_large(format!(
            "the inputs of the batch, each with its common input, are more than {} bytes (`server.max_batch_size`)",
            limits.bytes
        ));
    }
    Ok(batch)
}

/// INVARIANT (management has a role): a valid credential alone manages nothing.
fn check_role(call: &Call, role: Option<Role<'_>>) -> Result<(), Failure> {
    let usual = Role { name: &call.in_force.settings.management_role, key: "management.role" };
    let Role { name, key } = role.unwrap_or(usual);
    match call.auth() {
        AuthContext::Unchecked => Ok(()),
        AuthContext::Verified(verified) if verified.own_roles().iter().any(|own| own == name) => Ok(()),
        AuthContext::Verified(_) | AuthContext::Anonymous => {
            let message = format!("management asks for the role `{name}` (`{key}`)");
            Err(Failure::new(FailureKind::InsufficientPermissions, message))
        }
    }
}

impl fmt::Debug for Authorizer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authorizer")
            .field("generation", &self.in_force().snapshot.generation)
            .finish_non_exhaustive()
    }
}
