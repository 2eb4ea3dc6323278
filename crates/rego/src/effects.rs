//! Access to the host during an evaluation, and a record of what it returned.
//!
//! INVARIANT (once per decision): a nondeterministic built-in is called once for the same arguments; every later call in
//! the same decision, and its explanation, gets the same result.
//! INVARIANT (replay): given the recorded results, an evaluation produces the same result without calling the host
//! again.

mod replay;
pub(crate) mod responses;
pub(crate) mod sent;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use serde_json::value::RawValue;

use crate::builtins::error::Error;
use crate::json;
use crate::outbound::Client;
use crate::value::{Object, Value};

pub use responses::Responses;
use sent::Fault;

/// The built-in that returns the current time; its recorded result is the time of the whole decision.
pub const CLOCK: &str = "time.now_ns";

/// What the embedding program provides to all evaluations: a client for outbound calls, and what policy may see of the
/// program.
#[derive(Debug, Default)]
pub struct Host {
    /// Makes outbound calls; `None` forbids them.
    pub client: Option<Arc<dyn Client>>,
    /// The version that `opa.runtime` returns.
    pub version: String,
    /// The commit that `opa.runtime` returns; empty if unknown.
    pub commit: String,
    /// The environment variables that policy may see.
    pub env: BTreeMap<String, String>,
    /// The configuration that policy may see, without secrets.
    pub config: Option<Value>,
    /// The cache of HTTP responses, shared by all evaluations.
    pub responses: Responses,
}

type Answer = Result<Option<Value>, Error>;

/// The host of one evaluation, and the results of its nondeterministic built-ins.
#[derive(Clone, Default)]
pub struct Effects {
    host: Option<Arc<Host>>,
    /// For whom responses are kept beyond the evaluation; all who are nobody share theirs.
    part: Option<Arc<str>>,
    /// Results by built-in and arguments.
    learned: BTreeMap<&'static str, BTreeMap<Value, Answer>>,
    /// Results from a record, by built-in and the JSON of the arguments.
    given: BTreeMap<String, BTreeMap<String, Value>>,
    /// Results of `http.send` by cache key: requests may be equivalent although their arguments differ.
    pub(crate) sent: BTreeMap<Value, Result<Value, Fault>>,
    /// The labels of the rules that have held.
    labels: BTreeSet<Value>,
}

impl Effects {
    /// Effects without recorded results.
    pub fn new(host: &Arc<Host>) -> Self {
        Self { host: Some(Arc::clone(host)), ..Self::default() }
    }

    /// The same, with a part of the cache of HTTP responses for itself: what is kept for one is never given to another.
    #[must_use]
    pub fn apart(mut self, part: Option<Arc<str>>) -> Self {
        self.part = part;
        self
    }

    /// What a response is kept by.
    pub(crate) fn kept_by(&self, request: &Value) -> Value {
        match &self.part {
            None => request.clone(),
            Some(part) => Value::from(vec![Value::from(&**part), request.clone()]),
        }
    }

    /// The host, if there is one.
    pub fn host(&self) -> Option<&Arc<Host>> {
        self.host.as_ref()
    }

    /// The client that makes calls, if there is one.
    pub fn client(&self) -> Option<Arc<dyn Client>> {
        self.host.as_ref()?.client.clone()
    }

    /// The recorded time, if there is one.
    pub(crate) fn recorded_time(&self) -> Option<i64> {
        match self.given.get(CLOCK)?.values().next()? {
            Value::Number(time) => time.as_i64(),
            _ => None,
        }
    }

    /// The result of an earlier call with these arguments.
    pub(crate) fn known(&mut self, name: &'static str, args: &[Value]) -> Option<Answer> {
        let key = Value::from(args.to_vec());
        if let Some(answer) = self.learned.get(name).and_then(|answers| answers.get(&key)) {
            return Some(answer.clone());
        }
        let given = self.given.get(name)?.get(&compact(&key))?.clone();
        self.learn(name, args, Ok(Some(given.clone())));
        Some(Ok(Some(given)))
    }

    /// Records the result of a call.
    pub(crate) fn learn(&mut self, name: &'static str, args: &[Value], answer: Answer) {
        self.learned.entry(name).or_default().insert(Value::from(args.to_vec()), answer);
    }

    /// Notes the labels of a rule that holds.
    pub(crate) fn label(&mut self, labels: &Value) {
        if !self.labels.contains(labels) {
            self.labels.insert(labels.clone());
        }
    }

    /// The labels of all rules that have held, each map once, as OPA's `rule_labels`; `None` if there are none.
    pub fn rule_labels(&self) -> Option<Box<RawValue>> {
        let all: Vec<Value> = self.labels.iter().cloned().collect();
        (!all.is_empty()).then(|| Value::from(all).to_raw())
    }

    /// The results, in the shape of OPA's `nd_builtin_cache`; `None` if there are none.
    ///
    /// INVARIANT (nothing secret): it contains no tokens and no keys; calls of `io.jwt.*` are left out, apart from the
    /// time they used.
    pub fn record(&self) -> Option<Box<RawValue>> {
        let mut builtins = Object::new();
        for (name, answers) in self.learned.iter().filter(|(name, _)| !name.starts_with("io.jwt.")) {
            let defined = answers.iter().filter_map(|(args, answer)| match answer {
                Ok(Some(value)) => Some((Value::from(compact(args)), value.clone())),
                _ => None,
            });
            let results = Object::from_entries(defined.collect());
            if !results.is_empty() {
                builtins.insert(Value::from(*name), Value::from(results));
            }
        }
        (!builtins.is_empty()).then(|| Value::from(builtins).to_raw())
    }
}

impl fmt::Debug for Effects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Effects").field("host", &self.host).finish_non_exhaustive()
    }
}

fn compact(value: &Value) -> String {
    let mut text = String::new();
    json::write(value, &mut text);
    text
}
