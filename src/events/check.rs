//! Whether `events:` holds together, as far as it can be said without the environment.

use super::config::{Config, StreamConfig};
use crate::identity::{ConfigError, Risk, signed};
use crate::model::units::Period;
use crate::net::Endpoint;

/// The shortest pause between two questions, and the longest.
const SHORTEST_INTERVAL: Period = Period::secs(1);
const LONGEST_INTERVAL: Period = Period::secs(3600);
/// The most streams.
const MOST_STREAMS: usize = 64;

/// Everything that is wrong, in the order of the streams. `known` says whether an issuer of tokens is trusted.
pub fn check(config: &Config, known: &dyn Fn(&str) -> bool) -> Vec<ConfigError> {
    let mut found = Vec::new();
    if config.streams.len() > MOST_STREAMS {
        let message = format!("there are {}; at most {MOST_STREAMS} are allowed", config.streams.len());
        found.push(ConfigError::new("events.streams", message, "remove some"));
    }
    for (index, stream) in config.streams.iter().enumerate() {
        let at = format!("events.streams[{index}]");
        let before = config.streams.get(..index).unwrap_or_default();
        let own = flaws(stream, before).into_iter().chain(speaks_for(stream, known));
        found.extend(own.map(|(key, message, hint)| ConfigError::new(format!("{at}{key}"), message, hint)));
        found.extend(delivery(&at, stream));
        found.extend(signed::check(&at, &stream.signer()));
    }
    found
}

type Flaw = (String, String, &'static str);

fn flaws(stream: &StreamConfig, before: &[StreamConfig]) -> Vec<Flaw> {
    let StreamConfig { issuer, audience, critical_subject_members, verification_state, .. } = stream;
    let mut found: Vec<Flaw> = Vec::new();
    let mut wrong = |key: &str, message: &str, hint| found.push((key.to_owned(), message.to_owned(), hint));
    if issuer.is_empty() {
        wrong(".issuer", "must not be empty", "write the exact `iss` of its events");
    }
    if before.iter().any(|other| other.issuer == *issuer) {
        wrong(".issuer", "two streams have this issuer", "one stream of an issuer is enough");
    }
    if audience.is_empty() || audience.iter().any(String::is_empty) {
        wrong(
            ".audience",
            "must name us: events for anybody else would revoke here",
            "write what the issuer has as `aud` for this receiver",
        );
    }
    if critical_subject_members.iter().any(String::is_empty) {
        let hint = "write what the transmitter has as `critical_subject_members`";
        wrong(".critical_subject_members", "a member is empty", hint);
    }
    if verification_state.as_ref().is_some_and(String::is_empty) {
        wrong(
            ".verification_state",
            "must not be empty",
            "leave it out to take verifications without `state`",
        );
    }
    found
}

fn speaks_for(stream: &StreamConfig, known: &dyn Fn(&str) -> bool) -> Option<Flaw> {
    let nobody = stream.speaks_for().into_iter().find(|issuer| !known(issuer))?;
    let message = format!("no issuer of `identity` is `{nobody}`, so its events would revoke nothing");
    let hint = "list the issuers of the tokens that they are to revoke as `token_issuers`";
    let key = if stream.token_issuers.is_empty() { ".issuer" } else { ".token_issuers" };
    Some((key.to_owned(), message, hint))
}

fn delivery(at: &str, stream: &StreamConfig) -> Vec<ConfigError> {
    let wrong =
        |key: &str, message: String, hint: &str| ConfigError::new(format!("{at}{key}"), message, hint);
    let poll = match (&stream.push, &stream.poll) {
        (Some(push), None) if push.token_env.is_empty() => {
            return vec![wrong(".push.token_env", "must not be empty".to_owned(), "name a variable")];
        }
        (Some(_), None) => return Vec::new(),
        (None, Some(poll)) => poll,
        (None, None) => {
            let hint = "add `push: {token_env: NAME}`, or `poll: {url: https://…, token_env: NAME}`";
            return vec![wrong("", "nothing says how events come".to_owned(), hint)];
        }
        (Some(_), Some(_)) => {
            let message = "`push` and `poll` are mutually exclusive".to_owned();
            return vec![wrong(".poll", message, "keep one of the two")];
        }
    };
    let mut found = Vec::new();
    if poll.token_env.is_empty() {
        found.push(wrong(".poll.token_env", "must not be empty".to_owned(), "name a variable"));
    }
    if poll.interval.0 < SHORTEST_INTERVAL.0 || poll.interval.0 > LONGEST_INTERVAL.0 {
        let message = format!("must be from {SHORTEST_INTERVAL} to {LONGEST_INTERVAL}");
        found.push(wrong(".poll.interval", message, "10s is the default"));
    }
    match Endpoint::parse(poll.url.expose()) {
        Err(error) => found.push(wrong(".poll.url", error.to_string(), "write the endpoint of RFC 8936")),
        Ok(endpoint) if !endpoint.is_private() => {
            let message = "the token and the events would cross the network in the clear".to_owned();
            let error = wrong(".poll.url", message, "use https");
            found.push(ConfigError { risk: Some(Risk::HttpJwks), ..error });
        }
        Ok(_) => {}
    }
    found
}
