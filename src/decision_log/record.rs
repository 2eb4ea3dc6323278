//! What one decision leaves behind: OPA's decision-log event, with subject, outcome and reason beside it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use uuid::Uuid;

use super::config::Claims;
use super::escape;
use super::input::{InputDigest, RecordedInput, Sent};
use crate::model::decision::{Decision, Outcome, Timings};
use crate::model::failure::Failure;
use crate::model::principal::{Actor, ActorChain, AuthContext};
use crate::model::request::{EntryPath, RequestContext};
use crate::model::revision::BundleRevision;
use crate::model::ruling::{Effect, Ruling, Violation};
use verdict_rego::explanation::Explanation;
use verdict_rego::{Location, Value};

/// The record of one decision, borrowed from it as far as possible.
///
/// INVARIANT (nothing secret): the subject is named by its identifier, kind, issuer and tenant. Its credential has no field
/// here, and its claims have one only below `input.subject`, as configured (`input.rs`).
#[derive(Debug, Serialize)]
pub struct Event<'a> {
    /// `id` and `version` of this instance, and the configured labels.
    pub labels: &'a RawValue,
    /// Unique to the decision.
    pub decision_id: Uuid,
    /// The batch that it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batch_decision_id: Option<Uuid>,
    /// The caller's trace (W3C Trace Context).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<&'a str>,
    /// The caller's span.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub span_id: Option<&'a str>,
    /// Every bundle that decides for the caller, with its revision.
    pub bundles: &'a BTreeMap<String, BundleRevision>,
    /// Counts activations; all decisions of one generation saw the same policy and data.
    pub generation: u64,
    /// The document that was asked for.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "path_text")]
    pub path: Option<&'a EntryPath>,
    /// What policy saw, with as many claims of the verified subject as are configured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input: Option<RecordedInput<'a>>,
    /// What an authenticated caller sent that policy did not see: the call was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asserted: Option<&'a Value>,
    /// What a stranger sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_digest: Option<InputDigest>,
    /// What the caller sent beside the input.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub custom: Option<CustomField<'a>>,
    /// What policy answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result: Option<&'a Value>,
    /// What built-ins gave whose arguments do not determine it, by name and arguments, where that is recorded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nd_builtin_cache: Option<&'a RawValue>,
    /// The labels of the rules that held, each map once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule_labels: Option<&'a RawValue>,
    /// How the call ended.
    pub outcome: Outcome,
    /// Why, for a person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<Cow<'a, str>>,
    /// Why policy answered as it did, where the configuration or the caller asks for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub explanation: Option<&'a Explanation>,
    /// What went wrong, for a program.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorField<'a>>,
    /// What an AgentPolicy says of the call, where one is for the caller.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent_policy: Option<RulingField<'a>>,
    /// Who asked, as far as it was verified; absent where identity is off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<SubjectField<'a>>,
    /// The edge that took the call.
    pub protocol: &'static str,
    /// What a call of management wanted to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operation: Option<&'a str>,
    /// The peer, as `address:port`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requested_by: Option<&'a str>,
    /// When the call was taken up, RFC 3339 with nanoseconds.
    pub timestamp: String,
    /// Where the time went.
    pub metrics: MetricsField,
    /// Counts the calls of this process.
    pub req_id: u64,
    /// The call's own headers, those that are recorded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_context: Option<ContextField<'a>>,
}

impl<'a> Event<'a> {
    /// The record of `decision`, before any mask.
    pub fn new(labels: &'a RawValue, claims: &'a Claims, decision: &'a Decision) -> Self {
        // Destructured without `..`: a new field of a decision must be recorded, or left out on purpose.
        let Decision {
            id,
            batch_id,
            path,
            revision,
            outcome,
            reason,
            result,
            input,
            beside,
            nd_builtin_cache,
            rule_labels,
            explanation,
            failure,
            ruling,
            auth,
            rate: _,
            context,
            at,
            timings,
        } = decision;
        let RequestContext { requested_by, protocol, req_id, operation, request_id, trace, user_agent } =
            context;
        let failure = failure.as_ref();
        let reason = reason.as_deref().or(failure.map(|f| f.message.as_str()));
        let Sent { input, asserted, input_digest } = Sent::new(*outcome, auth, input.as_ref(), claims);
        Self {
            labels,
            decision_id: *id,
            batch_decision_id: *batch_id,
            trace_id: trace.as_ref().map(|t| t.trace_id.as_str()),
            span_id: trace.as_ref().map(|t| t.span_id.as_str()),
            bundles: &revision.bundles,
            generation: revision.generation,
            path: path.as_ref(),
            input,
            asserted,
            custom: CustomField::of(beside.as_ref(), *outcome, auth),
            input_digest,
            result: result.as_ref(),
            nd_builtin_cache: nd_builtin_cache.as_deref(),
            rule_labels: rule_labels.as_deref(),
            outcome: *outcome,
            reason: reason.map(Cow::Borrowed),
            explanation: explanation.as_ref(),
            error: failure.map(ErrorField::new),
            agent_policy: ruling.as_deref().map(RulingField::new),
            subject: SubjectField::new(auth),
            protocol,
            operation: operation.as_deref(),
            requested_by: requested_by.as_deref(),
            timestamp: at.rfc3339(),
            metrics: MetricsField::new(*timings),
            req_id: *req_id,
            request_context: ContextField::new(user_agent.as_deref(), request_id.as_deref()),
        }
    }

    /// Appends the record to `line` as one line of JSON, its line feed included.
    ///
    /// # Errors
    /// When serde fails, which nothing in the event's types can make it do.
    pub fn write_line(&self, line: &mut Vec<u8>) -> Result<(), serde_json::Error> {
        serde_json::to_writer(&mut *line, self)?;
        escape::json_line(line);
        line.push(b'\n');
        Ok(())
    }
}

/// `custom`, in OPA's shape.
#[derive(Debug, Serialize)]
pub struct CustomField<'a> {
    /// The keys beside `input` in the body of the call, where they are recorded.
    pub incoming_metadata: &'a Value,
}

impl<'a> CustomField<'a> {
    /// Of what a stranger sent, only the digest is recorded.
    fn of(beside: Option<&'a Value>, outcome: Outcome, auth: &AuthContext) -> Option<Self> {
        let known = outcome != Outcome::Refused || matches!(auth, AuthContext::Verified(_));
        beside.filter(|_| known).map(|incoming_metadata| Self { incoming_metadata })
    }
}

/// Writes `app/allow` without building it first.
fn path_text<S: Serializer>(path: &Option<&EntryPath>, serializer: S) -> Result<S::Ok, S::Error> {
    match path {
        Some(path) => serializer.collect_str(&PathText(path)),
        None => serializer.serialize_none(),
    }
}

/// [`EntryPath`]'s `Display`, without its intermediate string.
struct PathText<'a>(&'a EntryPath);

impl fmt::Display for PathText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, segment) in self.0.segments().iter().enumerate() {
            if index > 0 {
                f.write_str("/")?;
            }
            f.write_str(segment)?;
        }
        Ok(())
    }
}

/// `error`: OPA's code, message and location where policy failed; our own code otherwise.
#[derive(Debug, Serialize)]
pub struct ErrorField<'a> {
    /// OPA's code of the policy error, or the kind again.
    pub code: &'a str,
    /// What went wrong.
    pub message: &'a str,
    /// Where in the policy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<&'a Location>,
    /// Which of Verdict's closed list of failures it is.
    pub kind: &'static str,
}

impl<'a> ErrorField<'a> {
    fn new(failure: &'a Failure) -> Self {
        let kind = failure.kind.name();
        match failure.policy.as_deref() {
            Some(error) => {
                Self { code: error.code, message: &error.message, location: error.location.as_ref(), kind }
            }
            None => Self { code: kind, message: &failure.message, location: None, kind },
        }
    }
}

/// `agent_policy`: what an AgentPolicy says of a tool call.
#[derive(Debug, Serialize)]
pub struct RulingField<'a> {
    /// The policy's name; absent where none is for the caller.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<&'a str>,
    /// `allow`, `block` or `ask`.
    pub decision: Effect,
    /// Which rule says so.
    pub reason: &'a str,
    /// The rules that were not kept.
    #[serde(skip_serializing_if = "<[Violation]>::is_empty")]
    pub violations: &'a [Violation],
}

impl<'a> RulingField<'a> {
    fn new(ruling: &'a Ruling) -> Self {
        let Ruling { policy, effect, reason, violations, .. } = ruling;
        Self { name: policy.as_deref(), decision: *effect, reason, violations }
    }
}

/// `subject`: who asked, as far as it was verified.
#[derive(Debug, Default, Serialize)]
pub struct SubjectField<'a> {
    /// The subject's identifier; absent for an anonymous caller.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<&'a str>,
    /// What the caller is; `anonymous` where it presented no credential and none was required.
    #[serde(rename = "type")]
    pub kind: &'a str,
    /// Who vouches for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issuer: Option<&'a str>,
    /// Its tenant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant: Option<&'a str>,
    /// By which kind of credential it was verified.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<&'static str>,
    /// The agent that called.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<&'a str>,
    /// Who acted for the subject (RFC 8693 section 4.1).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub act: Option<ActorChain<'a>>,
    /// The id of the API key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<&'a str>,
    /// The id of the delegation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delegation: Option<&'a str>,
}

impl<'a> SubjectField<'a> {
    fn new(auth: &'a AuthContext) -> Option<Self> {
        match auth {
            AuthContext::Unchecked => None,
            AuthContext::Anonymous => Some(Self { kind: "anonymous", ..Self::default() }),
            AuthContext::Verified(verified) => {
                let principal = &*verified.principal;
                Some(Self {
                    id: Some(&principal.id),
                    kind: &principal.kind,
                    issuer: Some(&principal.issuer),
                    tenant: principal.tenant.as_deref(),
                    method: Some(principal.method),
                    agent: principal.agent.as_deref(),
                    act: Some(principal.actors.as_slice())
                        .filter(|all: &&[Actor]| !all.is_empty())
                        .map(ActorChain),
                    key: verified.key.as_deref(),
                    delegation: verified.delegation.as_ref().map(|delegation| delegation.id.as_str()),
                })
            }
        }
    }
}

/// `metrics`: OPA's timers, in nanoseconds. A step that was not taken has none.
#[derive(Debug, Serialize)]
pub struct MetricsField {
    /// Verifying the credential.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timer_authenticate_ns: Option<u64>,
    /// Reading the body and assembling the input.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timer_rego_input_parse_ns: Option<u64>,
    /// Evaluating policy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timer_rego_query_eval_ns: Option<u64>,
    /// All of it, up to the record.
    pub timer_server_handler_ns: u64,
}

impl MetricsField {
    fn new(timings: Timings) -> Self {
        let nanos = |duration: Duration| u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        let taken = |duration| Some(nanos(duration)).filter(|nanos| *nanos > 0);
        let Timings { input_parse, authenticate, eval, total } = timings;
        Self {
            timer_authenticate_ns: taken(authenticate),
            timer_rego_input_parse_ns: taken(input_parse),
            timer_rego_query_eval_ns: taken(eval),
            timer_server_handler_ns: nanos(total),
        }
    }
}

/// `request_context`, in OPA's shape: `{"http": {"headers": {"User-Agent": ["curl/8"]}}}`.
#[derive(Debug, Serialize)]
pub struct ContextField<'a> {
    http: HttpField<'a>,
}

#[derive(Debug, Serialize)]
struct HttpField<'a> {
    headers: HeaderFields<'a>,
}

#[derive(Debug, Serialize)]
struct HeaderFields<'a> {
    #[serde(rename = "User-Agent", skip_serializing_if = "Option::is_none")]
    user_agent: Option<[&'a str; 1]>,
    #[serde(rename = "X-Request-ID", skip_serializing_if = "Option::is_none")]
    request_id: Option<[&'a str; 1]>,
}

impl<'a> ContextField<'a> {
    fn new(user_agent: Option<&'a str>, request_id: Option<&'a str>) -> Option<Self> {
        let given = user_agent.is_some() || request_id.is_some();
        let headers =
            HeaderFields { user_agent: user_agent.map(|v| [v]), request_id: request_id.map(|v| [v]) };
        given.then_some(Self { http: HttpField { headers } })
    }
}
