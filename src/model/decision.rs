//! The answer, and what is kept with it.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde_json::value::RawValue;
use uuid::Uuid;

use super::clock::Timestamp;
use super::failure::Failure;
use super::principal::AuthContext;
use super::rate::RateStanding;
use super::request::{EntryPath, RequestContext};
use super::revision::Revision;
use super::ruling::Ruling;
use verdict_rego::Value;
use verdict_rego::explanation::Explanation;

/// How a call ended, kept apart inside whatever a compatible body must look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// `true`, or an object whose `allow`, `allowed` or `decision` is `true`.
    Allow,
    /// `false`, or an object whose `allow`, `allowed` or `decision` is not `true`.
    Deny,
    /// Any other defined document: an answer, but neither allow nor deny.
    Value,
    /// The policy says nothing. Not an allow.
    Undefined,
    /// The policy failed. Not an allow.
    Error,
    /// The call was refused before policy was asked.
    Refused,
}

impl Outcome {
    /// The outcome's name, as records, metrics and headers carry it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
            Self::Value => "value",
            Self::Undefined => "undefined",
            Self::Error => "error",
            Self::Refused => "refused",
        }
    }
}

/// Where the time of one decision went.
#[derive(Debug, Clone, Copy, Default)]
pub struct Timings {
    /// Reading the body and assembling the input.
    pub input_parse: Duration,
    /// Verifying the credential.
    pub authenticate: Duration,
    /// Evaluating policy.
    pub eval: Duration,
    /// All of it, up to the record.
    pub total: Duration,
}

/// One decision, of whatever outcome, with all that its record says.
#[derive(Debug)]
pub struct Decision {
    /// Unique; a version 4 UUID (RFC 9562).
    pub id: Uuid,
    /// The batch it belongs to, if it came in one.
    pub batch_id: Option<Uuid>,
    /// The document that was asked for; `None` where the call did not get that far.
    pub path: Option<EntryPath>,
    /// Which policy answered.
    pub revision: Arc<Revision>,
    /// How it ended.
    pub outcome: Outcome,
    /// Why, for a person: why undefined, what failed; empty where the policy's answer says it all.
    pub reason: Option<String>,
    /// The document; `None` unless it is defined.
    pub result: Option<Value>,
    /// The input that policy saw, or what the caller of a refused call sent; `None` where there was none.
    pub input: Option<Value>,
    /// What the caller sent beside the input and is kept for the record alone.
    pub beside: Option<Value>,
    /// What built-ins gave whose arguments do not determine it, where that is recorded.
    pub nd_builtin_cache: Option<Box<RawValue>>,
    /// The labels of the rules that held, where rules have some.
    pub rule_labels: Option<Box<RawValue>>,
    /// Why policy answered as it did, where that was asked for.
    pub explanation: Option<Explanation>,
    /// Why there is no answer, where there is none.
    pub failure: Option<Failure>,
    /// What an AgentPolicy says of it, where one is for the caller.
    pub ruling: Option<Box<Ruling>>,
    /// Who asked, as far as it was verified.
    pub auth: AuthContext,
    /// How the caller stands with its rate limits, where it has any.
    pub rate: Option<RateStanding>,
    /// What is known of the call besides.
    pub context: RequestContext,
    /// When the call was taken up; also the time that policy saw.
    pub at: Timestamp,
    /// Where the time went.
    pub timings: Timings,
}

impl Decision {
    /// Whether the call was refused before policy was asked.
    pub fn is_refused(&self) -> bool {
        self.outcome == Outcome::Refused
    }
}

/// A decision whose record has been accepted: the only thing that an edge can answer with.
///
/// INVARIANT (no answer before its record): only `decision_log` makes one, after the journal has acknowledged the record.
#[derive(Debug)]
pub struct Recorded<T>(T);

impl<T> Recorded<T> {
    /// For `decision_log` alone; the fence test holds the rest of the code to it.
    pub(crate) const fn accepted(inner: T) -> Self {
        Self(inner)
    }
}

impl<T> std::ops::Deref for Recorded<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}
