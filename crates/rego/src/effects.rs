//! What an evaluation has of the world besides policy, data, input and time, and what it learned from it.
//!
//! INVARIANT (once a decision): a built-in whose result its arguments do not determine is asked once for the same
//! arguments; every later call of the decision, and its explanation, sees the same result.
//! INVARIANT (replay): with what was learned given back, an evaluation comes to the same answer without asking again.

mod replay;
pub(crate) mod responses;
pub(crate) mod sent;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde_json::value::RawValue;

use crate::builtins::error::Error;
use crate::json;
use crate::outbound::Client;
use crate::value::{Object, Value};

pub use responses::Responses;
use sent::Fault;

/// The built-in that says what time it is; its record is the time of the whole decision.
pub const CLOCK: &str = "time.now_ns";

/// What the host of the language gives all evaluations: a way to call other services, and what policy may see of it.
#[derive(Debug, Default)]
pub struct Host {
    /// Makes the calls; `None` where policy may make none.
    pub client: Option<Arc<dyn Client>>,
    /// The version of the program that evaluates, as `opa.runtime` shows it.
    pub version: String,
    /// The commit that it was built from; empty where that is not known.
    pub commit: String,
    /// The environment variables that policy may see.
    pub env: BTreeMap<String, String>,
    /// The configuration that policy may see, without secrets.
    pub config: Option<Value>,
    /// Responses that are kept beyond one evaluation.
    pub responses: Responses,
}

type Answer = Result<Option<Value>, Error>;

/// What one evaluation has of its host, and what it learned through it.
#[derive(Clone, Default)]
pub struct Effects {
    host: Option<Arc<Host>>,
    /// By name and arguments.
    learned: BTreeMap<&'static str, BTreeMap<Value, Answer>>,
    /// From a record: by name and the JSON of the arguments.
    given: BTreeMap<String, BTreeMap<String, Value>>,
    /// `http.send` takes some requests for the same although their arguments differ.
    pub(crate) sent: BTreeMap<Value, Result<Value, Fault>>,
}

impl Effects {
    /// Nothing learned yet.
    pub fn new(host: &Arc<Host>) -> Self {
        Self { host: Some(Arc::clone(host)), ..Self::default() }
    }

    /// The host, if there is one.
    pub fn host(&self) -> Option<&Arc<Host>> {
        self.host.as_ref()
    }

    /// The client that makes calls, if there is one.
    pub fn client(&self) -> Option<Arc<dyn Client>> {
        self.host.as_ref()?.client.clone()
    }

    /// The time that the record is of, if it says so.
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

    /// Keeps the result of a call.
    pub(crate) fn learn(&mut self, name: &'static str, args: &[Value], answer: Answer) {
        self.learned.entry(name).or_default().insert(Value::from(args.to_vec()), answer);
    }

    /// What was learned, in the shape of OPA's `nd_builtin_cache`; `None` where there is nothing.
    ///
    /// INVARIANT (nothing secret): tokens and the keys that they are verified or signed with are not in it; the time
    /// that they were looked at is.
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
