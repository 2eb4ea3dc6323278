//! Asks a transmitter for its events (RFC 8936), and acknowledges them once they are in force.
//!
//! INVARIANT (nothing is lost): an event is acknowledged with the next question after it is in force, and refused only for good. One that
//! cannot be judged or stored now is left, and comes again.
//! INVARIANT (bounded): of an answer, so much is read and so many events of it are looked at. A transmitter that fails, lies
//! about more to come, or sends what is left over and over is asked ever less often.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::header::{ACCEPT, AUTHORIZATION, CONTENT_LANGUAGE, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue};
use serde::Deserialize;
use serde_json::{Value, json};

use super::config::PollConfig;
use super::refused::Refused;
use super::stream::Stream;
use crate::identity::{ConfigError, Setup};
use crate::model::secret::Secret;
use crate::net::{Call, Client, Endpoint, Error};

/// The most events of one answer.
const MOST_EVENTS: usize = 100;
/// The longest answer, in bytes.
const MAX_ANSWER: usize = 1 << 20;
/// How long an answer may take; a transmitter may hold it back until there is an event.
const TIMEOUT: Duration = Duration::from_secs(60);
/// The pause after an answer that calls for the next question at once.
const SHORT_PAUSE: Duration = Duration::from_millis(50);
/// The pause after a failure: the first time, and at the most.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Asks one transmitter.
pub struct Poller {
    stream: Arc<Stream>,
    endpoint: Endpoint,
    authorization: Secret<HeaderValue>,
    interval: Duration,
    client: Client,
}

/// What a transmitter answers.
#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    sets: BTreeMap<String, Value>,
    #[serde(default, rename = "moreAvailable")]
    more_available: bool,
}

/// What the transmitter is to be told with the next question.
#[derive(Debug, Default, PartialEq)]
struct Owed {
    ack: Vec<String>,
    errors: BTreeMap<String, Value>,
}

impl Owed {
    fn is_empty(&self) -> bool {
        self.ack.is_empty() && self.errors.is_empty()
    }

    /// The question (RFC 8936 section 2.2). What is owed is told at once; then the answer may wait for an event.
    fn question(&self) -> Value {
        let mut question = json!({ "maxEvents": MOST_EVENTS, "returnImmediately": false });
        if let Some(members) = question.as_object_mut() {
            if !self.ack.is_empty() {
                members.insert("ack".to_owned(), json!(self.ack));
            }
            if !self.errors.is_empty() {
                members.insert("setErrs".to_owned(), json!(self.errors));
            }
        }
        question
    }
}

/// What one question came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    /// There is more, and what came was dealt with.
    More,
    /// That was all for now.
    Quiet,
    /// Nothing came of it, or something was left.
    Stuck,
}

impl Poller {
    pub(super) fn new(
        at: &str,
        config: &PollConfig,
        token: &str,
        stream: Arc<Stream>,
        setup: &Setup<'_>,
    ) -> Result<Self, ConfigError> {
        let endpoint = Endpoint::parse(config.url.expose()).map_err(|error| {
            ConfigError::new(format!("{at}.poll.url"), error.to_string(), "write the endpoint of RFC 8936")
        })?;
        let value = HeaderValue::try_from(format!("Bearer {token}"));
        let mut value = value.map_err(|_| {
            ConfigError::new(format!("{at}.poll.token_env"), "cannot be sent", "set another token")
        })?;
        value.set_sensitive(true);
        Ok(Self {
            stream,
            endpoint,
            authorization: Secret::new(value),
            interval: config.interval.0,
            client: setup.client.clone(),
        })
    }

    /// Whom it asks, without secrets.
    pub fn source(&self) -> String {
        self.endpoint.to_string()
    }

    /// Asks for ever.
    pub async fn run(self: Arc<Self>) {
        let (mut owed, mut failures) = (Owed::default(), 0_u32);
        loop {
            let begun = Instant::now();
            let asked = self.ask(&mut owed).await;
            failures = if asked == Asked::Stuck { failures.saturating_add(1) } else { 0 };
            let pause = match asked {
                Asked::More => SHORT_PAUSE,
                // What is owed is told soon.
                Asked::Quiet if !owed.is_empty() => SHORT_PAUSE,
                Asked::Quiet => self.interval.saturating_sub(begun.elapsed()),
                Asked::Stuck => FIRST_PAUSE.saturating_mul(1 << (failures - 1).min(10)).min(LONGEST_PAUSE),
            };
            tokio::time::sleep(pause).await;
        }
    }

    async fn ask(&self, owed: &mut Owed) -> Asked {
        let answer = match self.send(owed.question()).await {
            Ok(answer) => answer,
            // It may have held the answer back for want of events, for longer than we wait.
            Err(Failed::Late) => return Asked::Quiet,
            Err(Failed::Otherwise(why)) => {
                tracing::warn!(endpoint = %self.endpoint, why, "events cannot be asked for; what they would revoke stays in force");
                return Asked::Stuck;
            }
        };
        let told = std::mem::take(owed);
        // What it was just told about does not come again, or it does not listen.
        let mut left = answer.sets.keys().any(|jti| told.ack.contains(jti) || told.errors.contains_key(jti));
        let asked = answer.sets.len();
        for (jti, set) in answer.sets.into_iter().take(MOST_EVENTS) {
            match self.take(&jti, &set).await {
                Ok(()) => owed.ack.push(jti),
                Err(refused) => match refused.code() {
                    Some(code) => {
                        tracing::warn!(endpoint = %self.endpoint, code, %refused, "an event is refused");
                        let error = json!({ "err": code, "description": refused.to_string() });
                        owed.errors.insert(jti, error);
                    }
                    None => left = true,
                },
            }
        }
        match (left, answer.more_available) {
            (true, _) => Asked::Stuck,
            (false, true) if asked > 0 => Asked::More,
            (false, _) => Asked::Quiet,
        }
    }

    /// One event, which is to have the name under which it came.
    async fn take(&self, jti: &str, set: &Value) -> Result<(), Refused> {
        let text = set.as_str().ok_or_else(|| Refused::invalid("the event is not a text"))?;
        let judged = self.stream.judge(text).await?;
        if judged.jti != jti {
            return Err(Refused::invalid("the event has another `jti` than the one under which it came"));
        }
        self.stream.apply(judged).await.map(drop)
    }

    async fn send(&self, question: Value) -> Result<Answer, Failed> {
        let mut headers = HeaderMap::with_capacity(4);
        headers.insert(AUTHORIZATION, self.authorization.expose().clone());
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(CONTENT_LANGUAGE, HeaderValue::from_static("en"));
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        let call =
            Call { endpoint: self.endpoint.clone(), headers, body: Some(question.to_string().into_bytes()) };
        let otherwise = |why: &dyn ToString| Failed::Otherwise(why.to_string());
        match self.client.send(call, MAX_ANSWER, TIMEOUT).await {
            Ok(answer) if answer.status == 200 => serde_json::from_slice(&answer.body)
                .map_err(|_| otherwise(&"the answer is not that of a transmitter (RFC 8936 section 2.5)")),
            // Nothing, in as many words.
            Ok(answer) if matches!(answer.status, 202 | 204) => {
                Ok(Answer { sets: BTreeMap::new(), more_available: false })
            }
            Ok(answer) => Err(otherwise(&Error::Status(answer.status))),
            Err(Error::Timeout(_)) => Err(Failed::Late),
            Err(error) => Err(otherwise(&error)),
        }
    }
}

/// Why there is no answer.
enum Failed {
    Late,
    Otherwise(String),
}
