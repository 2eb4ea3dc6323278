//! One call on its way, from its arrival to its decision.
//!
//! INVARIANT (whole): a call is one value that is handed on; what is found out about it is added to it.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use uuid::Uuid;

use super::in_force::InForce;
use crate::aip::Approval;
use crate::model::clock::Timestamp;
use crate::model::decision::{Decision, Outcome, Timings};
use crate::model::failure::{Failure, FailureKind};
use crate::model::presented::Presented;
use crate::model::principal::AuthContext;
use crate::model::rate::RateStanding;
use crate::model::request::{EntryPath, RequestContext};
use crate::model::ruling::Ruling;
use crate::model::secret::Secret;
use crate::pdp;
use crate::pdp::filter::Wanted;
use crate::pdp::input::About;
use crate::pdp::snapshot::Policy;
use verdict_rego::{EvalLimits, Strict, Value};

/// What a door knows of a call before it reads the body.
#[derive(Debug)]
pub struct Arrival<'r> {
    /// All that can say who is calling.
    pub presented: Presented<'r>,
    /// The document that is asked for, or why the target names none.
    pub path: Result<EntryPath, Failure>,
    /// What is recorded of the request.
    pub context: RequestContext,
    /// When the door took the request up.
    pub started: Instant,
    /// Whether it counts against rate limits.
    pub counted: bool,
}

/// What the body asks.
#[derive(Debug, Clone, Default)]
pub struct Question {
    /// What the caller sent as input; nothing of it is verified.
    pub input: Option<Value>,
    /// Whether a path that nothing declares is an error rather than undefined.
    pub strict_path: bool,
    /// Whether the caller asks for an explanation.
    pub explain: bool,
    /// Whether errors of built-ins end the evaluation, whatever the configuration says.
    pub strict_builtin_errors: bool,
    /// Whether the input is a manifest: what it says of its sender must be true.
    pub manifest: bool,
    /// Whether policy has nothing to say of it: it is enough to be admitted, and to pass the gate and the AgentPolicies.
    pub passes: bool,
    /// Whether the door can say what becomes of a tool call: that a person must approve it, too.
    pub tool_call: bool,
    /// What the user said who was asked.
    pub approval: Option<Approval>,
    /// Whom the call is about.
    pub about: About,
    /// What the door asks of a result besides its verdict; where it fails, nothing is allowed.
    pub form: Option<Form>,
    /// The filter that is wanted of the document, rather than the document.
    pub filter: Option<Arc<Wanted>>,
    /// What the caller sent beside the input: for the record, and not for policy.
    pub beside: Option<Value>,
    /// How long reading the input took.
    pub input_parse: Duration,
}

/// Says what of a result cannot be told to the caller, so that what is recorded is what is answered.
pub type Form = fn(&Value) -> Result<(), String>;

/// When a batch ends before its last item.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Until {
    /// Every item is decided.
    #[default]
    End,
    /// As soon as so many are allowed.
    Allowed(usize),
    /// After the first one that is not allowed.
    Denied,
}

impl Until {
    /// Whether what follows is not decided any more.
    pub(super) const fn is_reached(self, decided: usize, allowed: usize) -> bool {
        match self {
            Self::End => false,
            Self::Allowed(enough) => allowed >= enough,
            Self::Denied => allowed < decided,
        }
    }
}

/// An item of a batch: its input, or why there is none. Then the item is refused, and the others are not.
pub type Item = Result<Value, Failure>;

/// Several questions about one document.
#[derive(Debug, Default)]
pub struct Batch {
    /// An input for each name.
    pub inputs: Vec<(String, Item)>,
    /// When it ends.
    pub until: Until,
    /// Members that every input has unless it has its own.
    pub common: Option<Value>,
    /// All that is the same for each of them; without input.
    pub question: Question,
}

impl Batch {
    /// An input with what is common: its own members stand over the common ones, which are shared, not copied.
    pub fn merged(common: Option<&Value>, input: Value) -> Value {
        let Some(common) = common.filter(|common| common.is_object() && input.is_object()) else {
            return input;
        };
        let mut merged = common.clone();
        for (key, value) in input.members() {
            merged.insert(key, value.clone());
        }
        merged
    }

    /// The bytes of all inputs as JSON, each with what is common; counts no further than past `limit`.
    pub fn bytes(&self, limit: usize) -> usize {
        let common = self.common.as_ref().map_or(0, |common| common.to_string().len());
        let mut bytes = common.saturating_mul(self.inputs.len());
        for input in self.inputs.iter().filter_map(|(_, input)| input.as_ref().ok()) {
            if bytes > limit {
                break;
            }
            bytes = bytes.saturating_add(input.to_string().len());
        }
        bytes
    }
}

/// One call, whole.
#[derive(Debug, Clone)]
pub(super) struct Call {
    pub(super) in_force: Arc<InForce>,
    /// When it was taken up; also the time that policy sees.
    pub(super) at: Timestamp,
    pub(super) path: Option<EntryPath>,
    /// Who is calling, once that is known.
    auth: AuthContext,
    /// What decides, if not what decides for everybody; goes with `auth`.
    own: Option<Arc<Policy>>,
    /// The peer's address, where there is one.
    pub(super) peer: Option<IpAddr>,
    /// How the caller stands with its rate limits.
    pub(super) rate: Option<RateStanding>,
    pub(super) question: Question,
    /// What an AgentPolicy says of it.
    pub(super) ruling: Option<Box<Ruling>>,
    pub(super) context: RequestContext,
    pub(super) batch_id: Option<Uuid>,
    pub(super) started: Instant,
    pub(super) authenticate: Duration,
    /// How much of the evaluation's time has gone by before it begins.
    pub(super) waited: Duration,
}

impl Call {
    pub(super) fn new(
        in_force: Arc<InForce>,
        at: Timestamp,
        context: RequestContext,
        started: Instant,
    ) -> Self {
        Self {
            in_force,
            at,
            path: None,
            auth: AuthContext::Unchecked,
            own: None,
            peer: None,
            rate: None,
            question: Question::default(),
            ruling: None,
            context,
            batch_id: None,
            started,
            authenticate: Duration::ZERO,
            waited: Duration::ZERO,
        }
    }

    /// It is known who is calling, and with that, which policy decides.
    ///
    /// INVARIANT (the caller's policy): nothing else chooses it.
    pub(super) fn caller_is(&mut self, auth: AuthContext) {
        self.own = self.in_force.snapshot.policy_of(&auth).cloned();
        self.auth = auth;
    }

    /// Gives a verified caller a session token with the answer.
    pub(super) fn next_token(&mut self, token: Secret<String>) {
        if let AuthContext::Verified(verified) = &mut self.auth {
            verified.next_token = Some(Arc::new(token));
        }
    }

    /// Who is calling.
    pub(super) const fn auth(&self) -> &AuthContext {
        &self.auth
    }

    /// The policy that decides.
    pub(super) fn policy(&self) -> &Arc<Policy> {
        self.own.as_ref().unwrap_or(&self.in_force.snapshot.shared)
    }

    /// One question of a batch, by the same caller.
    pub(super) fn item(&self, question: Question) -> Self {
        Self { question, started: Instant::now(), ..self.clone() }
    }

    /// The same about another document.
    pub(super) fn at(self, path: EntryPath) -> Self {
        Self { path: Some(path), ..self }
    }

    /// The limits of its evaluation.
    pub(super) fn limits(&self) -> EvalLimits {
        let root = EntryPath::default();
        let limits = self.in_force.settings.limits.of(self.path.as_ref().unwrap_or(&root));
        let strict = if self.question.strict_builtin_errors { Strict::Functions } else { limits.strict };
        EvalLimits { strict, ..limits }
    }

    /// Whether the caller asks for an explanation and may have it.
    pub(super) fn is_explained(&self) -> bool {
        let allowed = |path| self.in_force.settings.may_explain(&self.auth, path);
        self.question.explain && self.path.as_ref().is_some_and(allowed)
    }

    /// Takes the input, assembled for policy. What is refused stays with the call, to be recorded as sent.
    ///
    /// # Errors
    /// As [`pdp::input::assemble`].
    pub(super) fn assemble_input(&mut self) -> Result<Option<Value>, Failure> {
        let input = self.question.input.take();
        // A second handle to an object would have it copied, and most objects are not refused.
        let refusable = |input: &&Value| !input.is_object() || self.question.about != About::Caller;
        let sent = input.as_ref().filter(refusable).cloned();
        let assembled = pdp::input::assemble_about(&self.auth, input, &self.question.about);
        if assembled.is_err() {
            self.question.input = sent;
        }
        assembled
    }

    /// The decision not to ask policy at all, with what was sent.
    pub(super) fn refuse(mut self, mut failure: Failure) -> Decision {
        if failure.challenges.is_empty() {
            let challenges = self.in_force.authenticator.challenges();
            match failure.kind {
                FailureKind::CredentialMissing => failure.challenges = Arc::clone(challenges.missing()),
                FailureKind::InsufficientPermissions => {
                    failure.challenges = Arc::new([challenges.insufficient_scope([])]);
                }
                _ => {}
            }
        }
        let (reason, input) = (failure.message.clone(), self.question.input.take());
        Decision {
            reason: Some(reason),
            failure: Some(failure),
            input,
            ..self.into_decision(Uuid::new_v4(), Outcome::Refused, Duration::ZERO)
        }
    }

    /// A decision with all that is known of the call, and nothing of an answer.
    pub(super) fn into_decision(self, id: Uuid, outcome: Outcome, eval: Duration) -> Decision {
        let revision = Arc::clone(&self.policy().revision);
        let Self { at, path, auth, rate, question, ruling, context, batch_id, started, authenticate, .. } =
            self;
        let input_parse = question.input_parse;
        Decision {
            id,
            batch_id,
            path,
            revision,
            outcome,
            reason: None,
            result: None,
            input: None,
            beside: question.beside,
            nd_builtin_cache: None,
            rule_labels: None,
            explanation: None,
            failure: None,
            ruling,
            auth,
            rate,
            context,
            at,
            timings: Timings { input_parse, authenticate, eval, total: started.elapsed() },
        }
    }
}
