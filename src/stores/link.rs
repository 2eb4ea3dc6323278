//! The connection to Redis: one, shared by all calls, made again when it is lost.
//!
//! INVARIANT (bounded wait): no operation takes longer than the timeout, whatever Redis does. While there is no connection,
//! calls are refused at once; the connection is made by a task of its own that does not depend on calls.

use std::fmt;
use std::future::Future;
use std::sync::{Arc, Weak};
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{
    AsyncConnectionConfig, Client, Cmd, ErrorKind, FromRedisValue, RedisError, ServerErrorKind, cmd,
};
use tokio::sync::watch;
use tokio::time::timeout;

use super::config::{ConfigError, RedisConfig, RedisUrl};
use super::key::Key;
use super::unavailable::Unavailable;

/// How long one attempt to connect may take.
const CONNECT: Duration = Duration::from_secs(2);
/// How many operations may wait to be sent.
const WAITING: usize = 1_024;
/// The pauses between attempts, from the first to the longest.
const PAUSE: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));

pub(super) struct Link {
    client: Client,
    url: RedisUrl,
    timeout: Duration,
    prefix: String,
    state: Arc<watch::Sender<State>>,
}

#[derive(Clone)]
enum State {
    /// Nobody has asked yet.
    Idle,
    /// The first attempt is under way.
    Connecting,
    Connected(Connection),
    /// The connection was lost or could not be made; it is being tried.
    Lost,
}

/// A connection and its number, so that one that was lost is not taken for its successor.
#[derive(Clone)]
struct Connection {
    number: u64,
    redis: MultiplexedConnection,
}

/// Why an attempt at an operation failed.
enum Failed {
    /// The connection broke: it may be tried on another one.
    Broken,
    /// Redis does not know the script by its hash.
    NoScript,
    Unavailable(Unavailable),
}

/// A script, and the hash by which Redis knows it.
#[derive(Debug)]
pub(super) struct Script {
    text: &'static str,
    hash: String,
}

impl Script {
    pub(super) fn new(text: &'static str) -> Self {
        Self { text, hash: redis::Script::new(text).get_hash().to_owned() }
    }
}

impl Link {
    /// A link to the Redis of a configuration; nothing is connected to yet.
    ///
    /// # Errors
    /// The URL is unusable.
    pub(super) fn new(config: &RedisConfig) -> Result<Self, ConfigError> {
        let at = "shared_store.redis.url";
        let hint = "write e.g. `redis://cache.example:6379/0`";
        let wrong = |message: &str| ConfigError { at, message: message.to_owned(), hint };
        let url = config.url.clone().ok_or_else(|| wrong("there is no url"))?;
        let client = Client::open(url.expose()).map_err(|_| wrong("not the url of a redis"))?;
        let (timeout, prefix) = (config.timeout.0, config.key_prefix.clone());
        Ok(Self { client, url, timeout, prefix, state: Arc::new(watch::Sender::new(State::Idle)) })
    }

    /// The name in Redis of what is kept under a key.
    pub(super) fn name(&self, what: &str, key: &Key) -> String {
        format!("{}{what}:{key}", self.prefix)
    }

    /// Runs a script, which Redis is sent once and knows by its hash after that.
    ///
    /// # Errors
    /// Redis did not answer in time, or answered with an error.
    pub(super) async fn run_script(
        &self,
        script: &Script,
        keys: &[String],
        arguments: &[u64],
    ) -> Result<Vec<i64>, Unavailable> {
        let call = |name: &str, script: &str| {
            let mut call = cmd(name);
            call.arg(script).arg(keys.len()).arg(keys).arg(arguments);
            call
        };
        let by_hash = call("EVALSHA", &script.hash);
        self.in_time(async {
            let mut answer = self.attempt(&by_hash).await;
            // A script that ran although its answer was lost charges twice: better than a refusal for a broken connection.
            if matches!(answer, Err(Failed::Broken)) {
                answer = self.attempt(&by_hash).await;
            }
            match answer {
                Err(Failed::NoScript) => self.attempt(&call("EVAL", script.text)).await,
                answer => answer,
            }
        })
        .await
    }

    /// Sets a key for a number of milliseconds, unless it is there already; `true` if it was not.
    ///
    /// # Errors
    /// Redis did not answer in time, or answered with an error.
    pub(super) async fn set_if_absent(&self, name: &str, millis: u64) -> Result<bool, Unavailable> {
        let mut set: Cmd = cmd("SET");
        set.arg(name).arg(1).arg("NX").arg("PX").arg(millis);
        self.in_time(async {
            match self.attempt::<Option<String>>(&set).await {
                Err(Failed::Broken) => match self.attempt::<Option<String>>(&set).await? {
                    Some(_) => Ok(true),
                    // By whom, this call's first attempt or another call, nobody knows.
                    None => Err(Failed::Unavailable(Unavailable::Down)),
                },
                answer => answer.map(|set| set.is_some()),
            }
        })
        .await
    }

    /// An operation within the timeout. A connection that does not answer in time is given up for the calls to come.
    async fn in_time<T>(&self, work: impl Future<Output = Result<T, Failed>>) -> Result<T, Unavailable> {
        let number = self.number();
        match timeout(self.timeout, work).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(Failed::Unavailable(unavailable))) => Err(unavailable),
            Ok(Err(Failed::Broken | Failed::NoScript)) => Err(Unavailable::Down),
            Err(_) => {
                if let Some(number) = number {
                    self.lose(number, "it did not answer in time");
                }
                Err(Unavailable::Down)
            }
        }
    }

    async fn attempt<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, Failed> {
        let Connection { number, mut redis } = self.connection().await?;
        command.query_async(&mut redis).await.map_err(|error| self.failed(number, &error))
    }

    fn failed(&self, number: u64, error: &RedisError) -> Failed {
        if error.is_unrecoverable_error() || error.is_io_error() {
            self.lose(number, error.category());
            return Failed::Broken;
        }
        if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) {
            return Failed::NoScript;
        }
        let denied = matches!(error.code(), Some("NOAUTH" | "WRONGPASS" | "NOPERM"));
        // Its own words may quote what it was sent.
        tracing::warn!(url = %self.url, error = error.code().unwrap_or(error.category()), "redis refused an operation");
        Failed::Unavailable(if denied { Unavailable::Denied } else { Unavailable::Down })
    }

    /// The number of the connection that there is.
    fn number(&self) -> Option<u64> {
        match &*self.state.borrow() {
            State::Connected(connection) => Some(connection.number),
            State::Idle | State::Connecting | State::Lost => None,
        }
    }

    /// The connection; the first call waits for it, and so do those that come meanwhile.
    async fn connection(&self) -> Result<Connection, Failed> {
        let first = |state: &mut State| {
            let idle = matches!(state, State::Idle);
            if idle {
                *state = State::Connecting;
            }
            idle
        };
        if let State::Connected(connection) = &*self.state.borrow() {
            return Ok(connection.clone());
        }
        let mut states = self.state.subscribe();
        if self.state.send_if_modified(first) {
            self.connect(0);
        }
        let settled = states.wait_for(|state| !matches!(state, State::Connecting)).await;
        match settled.as_deref() {
            Ok(State::Connected(connection)) => Ok(connection.clone()),
            _ => Err(Failed::Unavailable(Unavailable::Down)),
        }
    }

    /// Gives a connection up, unless it has a successor already.
    fn lose(&self, number: u64, why: &str) {
        let lost = self.state.send_if_modified(|state| match state {
            State::Connected(connection) if connection.number == number => {
                // Whoever finds the connection broken may wait for the first attempt at the next one.
                *state = State::Connecting;
                true
            }
            _ => false,
        });
        if lost {
            tracing::warn!(url = %self.url, %why, "the connection to redis is lost");
            self.connect(number + 1);
        }
    }

    /// Connects, however often it takes, as long as anybody has the link.
    fn connect(&self, number: u64) {
        let (client, url, state) = (self.client.clone(), self.url.clone(), Arc::downgrade(&self.state));
        tokio::spawn(async move {
            let mut pause = PAUSE.0;
            while let Some(error) = connect_once(&client, number, &state).await {
                if pause == PAUSE.0 {
                    tracing::warn!(%url, %error, "cannot connect to redis; it is tried again and again");
                }
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(PAUSE.1);
            }
            tracing::info!(%url, "connected to redis");
        });
    }
}

/// One attempt to connect; why it failed, unless it has not or nobody wants the connection any more.
async fn connect_once(client: &Client, number: u64, state: &Weak<watch::Sender<State>>) -> Option<String> {
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(CONNECT))
        .set_response_timeout(None)
        .set_pipeline_buffer_size(WAITING);
    let attempt = timeout(CONNECT, client.get_multiplexed_async_connection_with_config(&config)).await;
    let state = state.upgrade()?;
    let error = match attempt {
        Ok(Ok(redis)) => {
            warn_of_eviction(redis.clone()).await;
            state.send_replace(State::Connected(Connection { number, redis }));
            return None;
        }
        Ok(Err(error)) => error.to_string(),
        Err(_) => format!("no connection within {CONNECT:?}"),
    };
    state.send_replace(State::Lost);
    Some(error)
}

/// A Redis that drops keys when its memory is full forgets nonces that are still valid.
async fn warn_of_eviction(mut redis: MultiplexedConnection) {
    let mut ask = cmd("INFO");
    ask.arg("memory");
    // Not everybody may ask.
    let Ok(Ok(answer)) = timeout(CONNECT, ask.query_async::<String>(&mut redis)).await else { return };
    let policy = answer.lines().find_map(|line| line.strip_prefix("maxmemory_policy:")).map(str::trim);
    if let Some(policy) = policy.filter(|policy| *policy != "noeviction") {
        tracing::warn!(
            %policy,
            "redis drops keys when its memory is full, so nonces may be accepted twice; set `maxmemory-policy noeviction`"
        );
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").field("url", &self.url).finish_non_exhaustive()
    }
}
