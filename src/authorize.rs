//! The pipeline that every protocol uses: snapshot → credential → input → decision → record.
//!
//! INVARIANT (one way to a decision): edges come in through [`Authorizer::authorize`] and its batch form, or through
//! [`Authorizer::refuse`] for what is not even a call; all of them end in the decision log, and there is no early return
//! between taking the snapshot and recording.
//! INVARIANT (nobody waits for another): what policy may wait for, it waits for on a thread that serves nobody; there are
//! not more of them than configured.
//! INVARIANT (fail closed): whatever goes wrong on the way is a decision, too, of the outcome `refused` or `error`.
//!
//! Deliberately absent: anything of a protocol.

mod beside;
mod lanes;

use std::sync::Arc;
use std::time::{Duration, Instant};
use std::{fmt, io};

use arc_swap::ArcSwap;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use uuid::Uuid;

use self::beside::Beside;
use self::lanes::Lanes;
use crate::decision_log::{DecisionLog, Unrecorded};
use crate::identity::Authenticator;
use crate::model::clock::{Clock, Timestamp};
use crate::model::credential::Credential;
use crate::model::decision::{Decision, Outcome, Recorded, Timings};
use crate::model::failure::{Failure, FailureKind};
use crate::model::principal::AuthContext;
use crate::model::request::{EntryPath, RequestContext};
use crate::pdp;
use crate::pdp::snapshot::{Snapshot, SnapshotStore};
use crate::telemetry::metrics::Metrics;
use verdict_rego::{Effects, EvalLimits, Host, UndefinedCause, Value};

/// One question, as an edge hands it over.
#[derive(Debug)]
pub struct Call {
    /// The document that is asked for.
    pub path: EntryPath,
    /// What was presented.
    pub credential: Credential,
    /// What the caller sent as input; nothing of it is verified.
    pub input: Option<Value>,
    /// What is known of the call besides.
    pub context: RequestContext,
    /// Whether a path that nothing declares is an error rather than undefined.
    pub strict_path: bool,
    /// Whether the answer is to be explained.
    pub explain: bool,
    /// When the edge took the request up.
    pub started: Instant,
    /// How long reading the input took.
    pub input_parse: Duration,
}

/// Several questions about one document, by one caller, answered from one snapshot.
#[derive(Debug)]
pub struct BatchCall {
    /// All but the input, which is left empty.
    pub call: Call,
    /// An input for each name.
    pub inputs: Vec<(String, Value)>,
}

/// A recorded answer to each input of a batch, by its name, or the failure to record it.
pub type BatchAnswers = Vec<(String, Result<Recorded<Decision>, Unrecorded>)>;

/// A recorded decision, and the snapshot that it came from.
#[derive(Debug)]
pub struct Authorized {
    /// The decision.
    pub decision: Recorded<Decision>,
    /// What answered.
    pub snapshot: Arc<Snapshot>,
}

/// Says whether the policy in force has become too old to decide with.
pub type Staleness = Box<dyn Fn(Timestamp) -> bool + Send + Sync>;

/// What decisions have around them.
#[derive(Debug, Clone, Default)]
pub struct Around {
    /// Whom they may ask, and what they see.
    pub surroundings: Arc<Host>,
    /// Whether what they learn from others is recorded.
    pub recorded: bool,
    /// How many may wait for others at a time.
    pub max_waiting: usize,
}

/// Everything that a decision needs. Shared by all edges and threads.
pub struct Authorizer {
    snapshots: Arc<SnapshotStore>,
    authenticator: ArcSwap<Authenticator>,
    clock: Clock,
    is_stale: Staleness,
    decider: Arc<Decider>,
    /// Where evaluations run that are long.
    beside: Beside,
    /// Taken by what may wait for others.
    waiting: ArcSwap<Semaphore>,
}

/// The part that decides and records, on whatever thread.
struct Decider {
    log: Arc<DecisionLog>,
    metrics: Arc<Metrics>,
    lanes: Lanes,
    explain: ArcSwap<pdp::explain::Config>,
    around: ArcSwap<Around>,
}

impl Authorizer {
    /// Puts the parts together, with threads for long evaluations on half of the processors. Calls are refused while
    /// `is_stale` says so.
    ///
    /// # Errors
    /// The system has no thread to give.
    pub fn new(
        snapshots: Arc<SnapshotStore>,
        authenticator: Authenticator,
        log: Arc<DecisionLog>,
        metrics: Arc<Metrics>,
        clock: Clock,
        is_stale: Staleness,
    ) -> io::Result<Self> {
        let authenticator = ArcSwap::from_pointee(authenticator);
        let explain = ArcSwap::from_pointee(pdp::explain::Config::default());
        let lanes = Lanes::default();
        let decider = Arc::new(Decider { log, metrics, lanes, explain, around: ArcSwap::default() });
        let waiting = ArcSwap::from_pointee(Semaphore::new(1));
        let processors = std::thread::available_parallelism().map_or(1, |count| count.get());
        let beside = Beside::new((processors / 2).max(1))?;
        Ok(Self { snapshots, authenticator, clock, is_stale, decider, beside, waiting })
    }

    /// The snapshot in force, for what is no decision (health, status, policies).
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.snapshots.load()
    }

    /// The verifier in force.
    pub fn authenticator(&self) -> Arc<Authenticator> {
        self.authenticator.load_full()
    }

    /// Puts another verifier in force; calls that are under way end with the one that they began with.
    pub fn replace_authenticator(&self, mut authenticator: Authenticator) {
        authenticator.adopt_keys(&self.authenticator.load());
        self.authenticator.store(Arc::new(authenticator));
    }

    /// Puts other limits in force.
    pub fn replace_limits(&self, limits: pdp::Limits) {
        self.snapshots.replace_limits(limits);
    }

    /// Says which decisions are explained from now on; none are before.
    pub fn replace_explain(&self, explain: pdp::explain::Config) {
        self.decider.explain.store(Arc::new(explain));
    }

    /// Says what decisions have around them from now on; nothing before.
    pub fn replace_around(&self, around: Around) {
        self.waiting.store(Arc::new(Semaphore::new(around.max_waiting.clamp(1, Semaphore::MAX_PERMITS))));
        self.decider.around.store(Arc::new(around));
    }

    /// The limits in force for the document at a path.
    pub fn limits(&self, path: &EntryPath) -> EvalLimits {
        self.snapshots.limits().of(path)
    }

    /// The time, as decisions see it.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Decides one call and records the decision.
    ///
    /// # Errors
    /// [`Unrecorded`] when the log did not take the record: there is no decision to answer with.
    pub async fn authorize(&self, call: Call) -> Result<Authorized, Unrecorded> {
        let Call { path, credential, input, context, strict_path, explain, started, input_parse } = call;
        let (snapshot, at) = (self.snapshots.load(), self.clock.now());
        let authenticating = Instant::now();
        let auth = self.admit(&snapshot, &path, &credential, at).await;
        let authenticate = authenticating.elapsed();
        let step = Step {
            snapshot: Arc::clone(&snapshot),
            at,
            strict_path,
            explain,
            started,
            input_parse,
            authenticate,
            batch_id: None,
        };
        let decision = self.answer(self.question(step, path, auth, input, context)).await?;
        Ok(Authorized { decision, snapshot })
    }

    /// Decides a batch: the caller is authenticated once, every input is decided and recorded for itself.
    pub async fn authorize_batch(&self, batch: BatchCall) -> (Uuid, BatchAnswers) {
        let BatchCall { call, inputs } = batch;
        let Call { path, credential, input: _, context, strict_path, explain, started: _, input_parse } =
            call;
        let (snapshot, at, id) = (self.snapshots.load(), self.clock.now(), Uuid::new_v4());
        let authenticating = Instant::now();
        let auth = self.admit(&snapshot, &path, &credential, at).await;
        let authenticate = authenticating.elapsed();
        let mut answers = Vec::with_capacity(inputs.len());
        for (name, input) in inputs {
            // A batch may be long: others get their turn between its items.
            tokio::task::yield_now().await;
            let (started, batch_id) = (Instant::now(), Some(id));
            let step = Step {
                snapshot: Arc::clone(&snapshot),
                at,
                strict_path,
                explain,
                started,
                input_parse,
                authenticate,
                batch_id,
            };
            let (path, auth, context) = (path.clone(), auth.clone(), context.clone());
            let question = self.question(step, path, auth, Some(input), context);
            answers.push((name, self.answer(question).await));
        }
        (id, answers)
    }

    /// Records that a request was refused before it became a call: malformed, too large.
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
        let (snapshot, at, zero) = (self.snapshots.load(), self.clock.now(), Duration::ZERO);
        let step = Step {
            snapshot,
            at,
            strict_path: false,
            explain: false,
            started,
            input_parse: zero,
            authenticate: zero,
            batch_id: None,
        };
        self.decider.record(step.refused(path, failure, AuthContext::Unchecked, None, context)).await
    }

    fn question(
        &self,
        step: Step,
        path: EntryPath,
        auth: Result<AuthContext, Failure>,
        input: Option<Value>,
        context: RequestContext,
    ) -> Question {
        let limits = self.limits(&path);
        Question { step, path, auth, input, context, limits, waited: Duration::ZERO, too_late: None }
    }

    /// Decides and records: here, or beside the threads that serve, where policy may wait for others or is long.
    async fn answer(&self, question: Question) -> Result<Recorded<Decision>, Unrecorded> {
        let (snapshot, path) = (&question.step.snapshot, &question.path);
        if question.auth.is_err() {
            self.decider.answer(question).await
        } else if snapshot.program.blocks(path) {
            self.answer_waiting(question).await
        } else if self.decider.lanes.is_long(snapshot, path) {
            self.answer_beside(question).await
        } else {
            self.decider.answer(question).await
        }
    }

    async fn answer_beside(&self, question: Question) -> Result<Recorded<Decision>, Unrecorded> {
        let (begun, patience) = (Instant::now(), question.limits.deadline);
        let (decider, runtime) = (Arc::clone(&self.decider), Handle::current());
        // The record is written there, too: whoever called may have gone away meanwhile.
        let answer = self.beside.run(question, patience, move |mut question| {
            question.waited = begun.elapsed();
            runtime.block_on(decider.answer(question))
        });
        match answer.await {
            Ok(answer) => answer.unwrap_or_else(|| Err(Unrecorded { id: Uuid::new_v4() })),
            Err(question) => self.decider.answer(question.too_late("others like it took all the time")).await,
        }
    }

    async fn answer_waiting(&self, mut question: Question) -> Result<Recorded<Decision>, Unrecorded> {
        let begun = Instant::now();
        let places = self.waiting.load_full();
        let Ok(Ok(place)) = tokio::time::timeout(question.limits.deadline, places.acquire_owned()).await
        else {
            let why = "too many decisions wait for others (`http_send.max_concurrent`)";
            return self.decider.answer(question.too_late(why)).await;
        };
        question.waited = begun.elapsed();
        let (decider, runtime) = (Arc::clone(&self.decider), Handle::current());
        let answer = tokio::task::spawn_blocking(move || {
            let answer = runtime.block_on(decider.answer(question));
            drop(place);
            answer
        });
        answer.await.unwrap_or_else(|_| Err(Unrecorded { id: Uuid::new_v4() }))
    }

    /// Whether there is policy to decide with, and who is calling.
    async fn admit(
        &self,
        snapshot: &Snapshot,
        path: &EntryPath,
        credential: &Credential,
        at: Timestamp,
    ) -> Result<AuthContext, Failure> {
        let unavailable = |message| Err(Failure::new(FailureKind::PolicyUnavailable, message));
        if snapshot.revision.generation == 0 {
            return unavailable("no bundle is active yet");
        }
        if (self.is_stale)(at) {
            return unavailable("the active policy is older than `bundles.max_stale` allows");
        }
        let authenticator = self.authenticator.load();
        let mode = authenticator.mode_for(path);
        let authenticated = authenticator.authenticate(mode, credential).await;
        authenticated.inspect_err(|failure| self.decider.metrics.identity.failed(failure.kind))
    }
}

impl Decider {
    async fn answer(&self, question: Question) -> Result<Recorded<Decision>, Unrecorded> {
        self.record(self.decide(question)).await
    }

    fn decide(&self, question: Question) -> Decision {
        let Question { step, path, auth, input, context, limits, waited, too_late } = question;
        let auth = match auth {
            Ok(auth) => auth,
            Err(failure) => return step.refused(Some(path), failure, AuthContext::Unchecked, input, context),
        };
        let input = match pdp::input::assemble(&auth, input) {
            Ok(input) => input,
            Err(failure) => return step.refused(Some(path), failure, auth, None, context),
        };
        let seen = input.clone();
        let (id, explain) = (Uuid::new_v4(), **self.explain.load());
        let kept = if step.explain || explain.any() { input.clone() } else { None };
        let around = self.around.load();
        let mut effects = Effects::new(&around.surroundings);
        let left = EvalLimits { deadline: limits.deadline.saturating_sub(waited), ..limits };
        let mut answer = match too_late {
            Some(why) => pdp::Answer::too_late(&limits, why),
            None => {
                let answer = pdp::decide_in(&step.snapshot, &path, input, step.at, &left, &mut effects);
                self.lanes.rate(&step.snapshot, &path, &answer);
                answer
            }
        };
        if answer.is_too_late() && !waited.is_zero() {
            answer = pdp::Answer { eval: answer.eval, ..pdp::Answer::too_late(&limits, "waiting included") };
        }
        let nd_builtin_cache = if around.recorded { effects.record() } else { None };
        let evaluated = answer.failure.is_none() || answer.result.is_some();
        let wanted = evaluated && (step.explain || explain.wants(id, answer.outcome));
        let mut explained = || {
            pdp::explain(&step.snapshot.program, &path, kept.as_ref(), step.at, &limits, false, &mut effects)
        };
        let explanation = if wanted { explained() } else { None };
        if step.strict_path && answer.undefined == Some(UndefinedCause::NoSuchPath) {
            answer.outcome = Outcome::Error;
            answer.failure =
                Some(Failure::new(FailureKind::UnknownPath, format!("nothing is declared at `{path}`")));
        }
        Decision {
            id,
            batch_id: step.batch_id,
            path: Some(path),
            revision: Arc::clone(&step.snapshot.revision),
            outcome: answer.outcome,
            reason: answer.reason,
            result: answer.result,
            input: seen,
            nd_builtin_cache,
            explanation,
            failure: answer.failure,
            auth,
            context,
            at: step.at,
            timings: step.timings(answer.eval),
        }
    }

    async fn record(&self, decision: Decision) -> Result<Recorded<Decision>, Unrecorded> {
        self.metrics.decisions.observe(decision.path.as_ref(), decision.outcome, &decision.timings);
        self.log.record(decision).await
    }
}

impl fmt::Debug for Authorizer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authorizer").field("revision", &self.snapshot().revision).finish_non_exhaustive()
    }
}

/// What is left to decide once the caller is known.
struct Question {
    step: Step,
    path: EntryPath,
    auth: Result<AuthContext, Failure>,
    input: Option<Value>,
    context: RequestContext,
    /// What the evaluation may take.
    limits: EvalLimits,
    /// How much of its time has gone by before it begins.
    waited: Duration,
    /// Why there is no time left for it.
    too_late: Option<&'static str>,
}

impl Question {
    fn too_late(self, why: &'static str) -> Self {
        Self { too_late: Some(why), ..self }
    }
}

/// What the steps of one call share.
struct Step {
    snapshot: Arc<Snapshot>,
    at: Timestamp,
    strict_path: bool,
    explain: bool,
    started: Instant,
    input_parse: Duration,
    authenticate: Duration,
    batch_id: Option<Uuid>,
}

impl Step {
    fn timings(&self, eval: Duration) -> Timings {
        let (input_parse, authenticate) = (self.input_parse, self.authenticate);
        Timings { input_parse, authenticate, eval, total: self.started.elapsed() }
    }

    fn refused(
        &self,
        path: Option<EntryPath>,
        failure: Failure,
        auth: AuthContext,
        input: Option<Value>,
        context: RequestContext,
    ) -> Decision {
        Decision {
            id: Uuid::new_v4(),
            batch_id: self.batch_id,
            path,
            revision: Arc::clone(&self.snapshot.revision),
            outcome: Outcome::Refused,
            reason: Some(failure.message.clone()),
            result: None,
            input,
            nd_builtin_cache: None,
            explanation: None,
            failure: Some(failure),
            auth,
            context,
            at: self.at,
            timings: self.timings(Duration::ZERO),
        }
    }
}
