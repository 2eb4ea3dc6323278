//! All streams: which one a push belongs to, and which are to be asked.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use aws_lc_rs::{constant_time, digest};

use super::config::Config;
use super::poll::Poller;
use super::stream::Stream;
use crate::identity::{ConfigError, KeyRefresh, Setup};
use crate::model::clock::Timestamp;
use crate::model::variables::Variables;
use crate::registry::Registry;
use crate::telemetry::metrics::EventMetrics;

/// The shortest bearer token, in bytes: 128 bits, however they are written.
const SHORTEST_TOKEN: usize = 16;
/// How long a token that was right passes although its peer is throttled for wrong ones.
const RECENT_NANOS: i64 = 3_600 * 1_000_000_000;

/// The streams of a configuration.
#[derive(Default)]
pub struct Receiver {
    pushed: Vec<Pushed>,
    polled: Vec<Arc<Poller>>,
    refreshes: Vec<KeyRefresh>,
}

/// A stream that sends its events, with a token of which only the hash is kept.
struct Pushed {
    stream: Arc<Stream>,
    token: [u8; 32],
    /// When the token last came.
    last_right: AtomicI64,
}

/// A token that is a stream's.
pub struct Recognised {
    /// The stream.
    pub stream: Arc<Stream>,
    /// Whether the token came lately, too.
    pub recent: bool,
}

impl Receiver {
    /// Makes the streams ready in which [`super::check::check`] found nothing: reads files and the environment; fetches nothing.
    ///
    /// # Errors
    /// A file or a variable is not what it is to be. No error shows a secret.
    pub fn new(
        config: &Config,
        setup: &Setup<'_>,
        registry: &Arc<Registry>,
        metrics: &EventMetrics,
    ) -> Result<Self, ConfigError> {
        let mut receiver = Self::default();
        for (index, one) in config.streams.iter().enumerate() {
            let at = format!("events.streams[{index}]");
            let stream = Arc::new(Stream::new(&at, one, setup, registry, metrics)?);
            receiver.refreshes.extend(stream.key_refresh());
            if let Some(push) = &one.push {
                let at = format!("{at}.push.token_env");
                let token = hash_of(&token(&at, &push.token_env, &setup.variables)?);
                if receiver.pushed.iter().any(|other| other.token == token) {
                    let hint = "give each stream a token of its own";
                    return Err(ConfigError::new(at, "another stream has the same token", hint));
                }
                let last_right = AtomicI64::new(i64::MIN);
                receiver.pushed.push(Pushed { stream: Arc::clone(&stream), token, last_right });
            }
            if let Some(poll) = &one.poll {
                let token = token(&format!("{at}.poll.token_env"), &poll.token_env, &setup.variables)?;
                let poller = Poller::new(&at, poll, &token, stream, setup)?;
                receiver.polled.push(Arc::new(poller));
            }
        }
        Ok(receiver)
    }

    /// Whether any stream sends its events.
    pub fn takes_pushes(&self) -> bool {
        !self.pushed.is_empty()
    }

    /// The stream whose token this is. Takes the same time whichever it is, and for every text of the same length.
    pub fn recognise(&self, token: &str, now: Timestamp) -> Option<Recognised> {
        let presented = hash_of(token);
        let mut found = None;
        for pushed in &self.pushed {
            if constant_time::verify_slices_are_equal(&pushed.token, &presented).is_ok() {
                found = Some(pushed);
            }
        }
        let Pushed { stream, last_right, .. } = found?;
        let recent = now.0.saturating_sub(last_right.load(Ordering::Relaxed)) < RECENT_NANOS;
        Some(Recognised { stream: Arc::clone(stream), recent })
    }

    /// Notes that the token of a stream passed.
    pub fn passed(&self, stream: &Arc<Stream>, now: Timestamp) {
        if let Some(pushed) = self.pushed.iter().find(|pushed| Arc::ptr_eq(&pushed.stream, stream)) {
            pushed.last_right.store(now.0, Ordering::Relaxed);
        }
    }

    /// Those that are to be asked; for the supervisor to run.
    pub fn pollers(&self) -> impl Iterator<Item = &Arc<Poller>> {
        self.polled.iter()
    }

    /// What keeps the keys fresh; for the supervisor to run.
    pub fn key_refreshes(&self) -> impl Iterator<Item = &KeyRefresh> {
        self.refreshes.iter()
    }
}

/// How many there are.
impl std::fmt::Debug for Receiver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (pushed, polled) = (self.pushed.len(), self.polled.len());
        f.debug_struct("Receiver").field("pushed", &pushed).field("polled", &polled).finish_non_exhaustive()
    }
}

/// A bearer token (RFC 6750 section 2.1) that cannot be guessed.
fn token(at: &str, variable: &str, variables: &Variables) -> Result<String, ConfigError> {
    let wrong = |message: String, hint: &str| ConfigError::new(at, message, hint);
    let token = variables.get(variable).ok_or_else(|| {
        wrong(format!("the environment variable `{variable}` is not set, or empty"), "set it")
    })?;
    let token_char = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte);
    if token.len() < SHORTEST_TOKEN || !token.bytes().all(token_char) {
        let message = format!("`{variable}` holds no bearer token of at least {SHORTEST_TOKEN} characters");
        return Err(wrong(message, "use a long random token of letters and digits"));
    }
    Ok(token.to_owned())
}

fn hash_of(text: &str) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest::digest(&digest::SHA256, text.as_bytes()).as_ref());
    hash
}
