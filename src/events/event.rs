//! What an event says, and what that revokes.

use serde_json::{Map, Value};

use super::refused::Refused;
use super::subject::{Name, Subject};
use crate::identity::signed::Statement;
use crate::model::clock::Timestamp;
use crate::registry::{Named, Revocation};

const CAEP: &str = "https://schemas.openid.net/secevent/caep/event-type/";
const SSF: &str = "https://schemas.openid.net/secevent/ssf/event-type/";
/// The last second of the year 9999: a later one is no time in seconds.
const LAST_SECOND: f64 = 253_402_300_799.0;

/// What sort of event it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A session has ended.
    SessionRevoked,
    /// A credential was changed, other than by adding one.
    CredentialChange,
    /// A credential was added, which takes nothing away.
    CredentialAdded,
    /// What tokens say of their subject is no longer so.
    TokenClaimsChange,
    /// Whether the stream works.
    Verification,
    /// The stream was paused, disabled or enabled.
    StreamUpdated,
    /// Something else.
    Other,
}

impl Kind {
    /// Its name in metrics and records.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SessionRevoked => "session-revoked",
            Self::CredentialChange | Self::CredentialAdded => "credential-change",
            Self::TokenClaimsChange => "token-claims-change",
            Self::Verification => "verification",
            Self::StreamUpdated => "stream-updated",
            Self::Other => "other",
        }
    }

    /// Whether it takes something away from its subject.
    const fn revokes(self) -> bool {
        matches!(self, Self::SessionRevoked | Self::CredentialChange | Self::TokenClaimsChange)
    }
}

/// An event as it is understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// What it is.
    pub kind: Kind,
    /// What it revokes.
    pub revokes: Vec<Revocation>,
}

/// What is known of a stream when its events are read.
#[derive(Debug, Clone, Copy)]
pub struct Rules<'a> {
    /// The issuers that it speaks for.
    pub token_issuers: &'a [String],
    /// Members of complex subjects that must be understood.
    pub critical: &'a [String],
    /// The `state` of the verification that is expected, if any is.
    pub state: Option<&'a str>,
}

impl Event {
    /// Reads a statement as an event (RFC 8417 section 2.2, SSF 1.0 section 4).
    ///
    /// # Errors
    /// It is not what it is to be, or about somebody whom the stream does not speak for.
    pub fn read(statement: &Statement, rules: Rules<'_>) -> Result<Self, Refused> {
        let claims = &statement.claims;
        if let Some(name) = ["exp", "sub"].into_iter().find(|name| claims.contains_key(*name)) {
            return Err(Refused::invalid(format!("an event has no `{name}`")));
        }
        let events = claims.get("events").and_then(Value::as_object);
        let events = events.ok_or_else(|| Refused::invalid("`events` is not an object"))?;
        let mut all = events.iter();
        let (Some((uri, payload)), None) = (all.next(), all.next()) else {
            return Err(Refused::invalid("`events` does not have exactly one event"));
        };
        let payload = payload.as_object().ok_or_else(|| Refused::invalid("the event is not an object"))?;
        let kind = kind_of(uri, payload)?;
        match kind {
            Kind::Verification => check_state(payload, rules.state)?,
            Kind::StreamUpdated => log_update(payload),
            _ => {}
        }
        if !kind.revokes() {
            return Ok(Self { kind, revokes: Vec::new() });
        }
        let sub_id = claims.get("sub_id").ok_or_else(|| Refused::invalid("`sub_id` is missing"))?;
        let subject = Subject::read(sub_id, rules.critical)?;
        let until = until(time_of(payload, claims, statement.issued_at));
        Ok(Self { kind, revokes: revocations(kind, &subject, rules.token_issuers, until)? })
    }
}

fn kind_of(uri: &str, payload: &Map<String, Value>) -> Result<Kind, Refused> {
    if let Some(name) = uri.strip_prefix(SSF) {
        return Ok(match name {
            "verification" => Kind::Verification,
            "stream-updated" => Kind::StreamUpdated,
            _ => Kind::Other,
        });
    }
    let missing = |name: &str| Refused::invalid(format!("the event has no `{name}`"));
    Ok(match uri.strip_prefix(CAEP) {
        Some("session-revoked") => Kind::SessionRevoked,
        Some("credential-change") => match payload.get("change_type").and_then(Value::as_str) {
            Some("create") => Kind::CredentialAdded,
            Some(_) => Kind::CredentialChange,
            None => return Err(missing("change_type")),
        },
        Some("token-claims-change") => {
            payload.get("claims").and_then(Value::as_object).ok_or_else(|| missing("claims"))?;
            Kind::TokenClaimsChange
        }
        _ => Kind::Other,
    })
}

/// A verification that names a `state` is the answer to one that was asked for (SSF 1.0 section 8.1.4).
fn check_state(payload: &Map<String, Value>, expected: Option<&str>) -> Result<(), Refused> {
    match payload.get("state") {
        None => Ok(()),
        Some(Value::String(state)) if Some(state.as_str()) == expected => Ok(()),
        Some(_) => Err(Refused::State),
    }
}

fn log_update(payload: &Map<String, Value>) {
    match payload.get("status").and_then(Value::as_str) {
        Some("paused" | "disabled") => {
            tracing::warn!("a stream of events was paused or disabled: what it would revoke stays in force");
        }
        _ => tracing::info!("a stream of events was updated"),
    }
}

/// When it happened, as far as that can be believed: not after the event was issued.
fn time_of(payload: &Map<String, Value>, claims: &Map<String, Value>, issued_at: Timestamp) -> Timestamp {
    let seconds = [payload.get("event_timestamp"), claims.get("toe")].into_iter().flatten();
    // Early drafts have milliseconds, which are no time in seconds.
    let seconds = seconds.filter_map(Value::as_f64).find(|seconds| (0.0..=LAST_SECOND).contains(seconds));
    let happened = seconds.map(|seconds| Timestamp::from_unix_seconds(seconds as i64));
    happened.filter(|happened| happened.0 <= issued_at.0).unwrap_or(issued_at)
}

/// The end of its second: times of issue are whole seconds, and a token of that second may be older than the event.
fn until(happened: Timestamp) -> Timestamp {
    Timestamp::from_unix_seconds(happened.unix_seconds().saturating_add(1))
}

fn revocations(
    kind: Kind,
    subject: &Subject,
    issuers: &[String],
    until: Timestamp,
) -> Result<Vec<Revocation>, Refused> {
    let Subject { users, sessions, tokens, tenants } = subject;
    let before = Some(until);
    // A session that has ended is none any more; one whose user has changed goes on with newer tokens.
    let ended = if kind == Kind::SessionRevoked { None } else { before };
    let mut found = Vec::new();
    let mut add = |name: &Name, named: &dyn Fn(&str) -> Revocation| {
        for issuer in of_issuers(name, issuers)? {
            found.push(named(issuer));
        }
        Ok::<(), Refused>(())
    };
    let of = |named: Named, issuer: &str, issued_before| {
        let issuer = Some(issuer.to_owned());
        Revocation { issuer, issued_before, ..Revocation::of(named) }
    };
    for token in tokens {
        add(token, &|issuer| of(Named::Jti(token.id.clone()), issuer, None))?;
    }
    for session in sessions {
        add(session, &|issuer| of(Named::Session(session.id.clone()), issuer, ended))?;
    }
    for tenant in tenants {
        add(tenant, &|issuer| of(Named::Organisation(tenant.id.clone()), issuer, before))?;
    }
    // An opaque name stands among both, and is one of a user as much as of a session.
    let within: Vec<&Name> = sessions.iter().filter(|session| !users.contains(session)).collect();
    for user in users {
        let named = |issuer: &str| Named::Subject { issuer: Some(issuer.to_owned()), id: user.id.clone() };
        if within.is_empty() {
            add(user, &|issuer| of(named(issuer), issuer, before))?;
        }
        // Tokens of the user that do not say their session may be of this one.
        for session in &within {
            let session = Some(session.id.clone());
            add(user, &|issuer| Revocation {
                session: session.clone(),
                ..of(named(issuer), issuer, before)
            })?;
        }
    }
    Ok(found)
}

/// The issuers of whose credentials a name is: the one that the event says, or all that the stream speaks for.
fn of_issuers<'a>(name: &'a Name, issuers: &'a [String]) -> Result<Vec<&'a str>, Refused> {
    match &name.issuer {
        None => Ok(issuers.iter().map(String::as_str).collect()),
        Some(issuer) if issuers.contains(issuer) => Ok(vec![issuer]),
        Some(_) => Err(Refused::Access),
    }
}
