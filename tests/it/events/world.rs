//! A server with a registry, two issuers of tokens, and a stream of the first one's events.

use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;
use verdict::model::clock::{Clock, Timestamp};

pub use crate::harness::{Reply, Server, TestApp};
pub use crate::identity::support::{ISSUER, NOW, Pair, b64, jwks, pair_for};

/// Another issuer, with the same subjects.
pub const OTHER: &str = "https://other.example";
/// Who we are to the transmitter.
pub const RECEIVER: &str = "https://verdict.example";
/// The bearer token of the stream.
pub const TOKEN: &str = "token-of-the-stream-0123456789";
pub const PUSH: &str = "push: {token_env: STREAM_TOKEN}";
pub const CAEP: &str = "https://schemas.openid.net/secevent/caep/event-type/";
pub const SSF: &str = "https://schemas.openid.net/secevent/ssf/event-type/";

/// A running server, its clock, and what outlives it.
pub struct World {
    pub server: Server,
    pub clock: Clock,
    pub kept: TempDir,
}

impl World {
    /// With this at the end of its stream.
    pub fn start(stream: &str) -> Self {
        Self::over(TempDir::new().unwrap(), stream)
    }

    /// Over a registry that is kept elsewhere.
    pub fn over(kept: TempDir, stream: &str) -> Self {
        let clock = Clock::fixed(Timestamp::from_unix_seconds(NOW));
        let app = TestApp::new().clock(clock.clone()).env(&[("STREAM_TOKEN", TOKEN)]);
        let keys = jwks(&[pair_for("ES256").jwk("k1", json!({}))]);
        std::fs::write(app.dir.path().join("keys.json"), keys).unwrap();
        let app = app.config(&config(kept.path(), stream));
        let server = app.file("app/app.rego", "package app\n\nallow := true\n").start();
        Self { server, clock, kept }
    }

    /// Ends the server, and starts another one over the same registry.
    pub fn restarted(self, stream: &str) -> Self {
        let Self { server, kept, .. } = self;
        assert!(server.shutdown());
        Self::over(kept, stream)
    }

    /// Sends an event as its issuer does.
    pub fn push(&self, set: &str) -> Reply {
        self.push_with(TOKEN, "application/secevent+jwt", set)
    }

    pub fn push_with(&self, token: &str, media_type: &str, set: &str) -> Reply {
        let authorization = format!("Bearer {token}");
        let headers = [("Authorization", authorization.as_str()), ("Content-Type", media_type)];
        self.server.send("POST", "/v1/events", &headers, set.as_bytes())
    }

    /// Sends an event that is taken.
    #[track_caller]
    pub fn tell(&self, claims: &Value) {
        let reply = self.push(&set(claims));
        assert_eq!((reply.status, reply.body.as_slice()), (202, &b""[..]), "{claims}: {reply:?}");
    }

    /// The status with which a token is answered.
    pub fn ask(&self, token: &str) -> u16 {
        self.server.ask("/v1/data/app/allow", token, "{}").status
    }

    pub fn revocations(&self) -> usize {
        use verdict::registry::Directory as _;
        self.server.app.registry.as_ref().unwrap().status().counts.revocations
    }

    /// Events that were acknowledged.
    pub fn taken(&self, event: &str, outcome: &str) -> f64 {
        let series = format!("verdict_security_events_total{{event=\"{event}\",outcome=\"{outcome}\"}}");
        self.server.metric(&series)
    }
}

fn config(kept: &Path, stream: &str) -> String {
    let state = kept.join("state");
    let issuer = |issuer: &str, more: &str| {
        format!("{{issuer: '{issuer}', audience: api, algorithms: [ES256], jwks_file: keys.json{more}}}")
    };
    format!(
        "state: '{}'\nregistry: {{enabled: true}}\nidentity:\n  issuers:\n    - {}\n    - {}\nevents:\n  streams:\n    \
         - {{issuer: '{ISSUER}', audience: '{RECEIVER}', algorithms: [ES256], jwks_file: keys.json, {stream}}}\n",
        state.display(),
        issuer(ISSUER, ""),
        issuer(OTHER, ", claims: {id: email}"),
    )
}

/// A token of `alice`, with these claims instead or besides; null takes one away.
pub fn token(more: &Value) -> String {
    let claims = json!({ "iss": ISSUER, "aud": "api", "sub": "alice", "email": "Alice@example.com", "iat": NOW - 10,
                         "exp": NOW + 3000, "jti": "t1", "sid": "s1", "tenant": "acme" });
    pair_for("ES256").typed("ES256", "JWT", &merged(claims, more))
}

/// The claims of an event about somebody.
pub fn event(jti: &str, name: &str, sub_id: Value, payload: Value) -> Value {
    let name = if name.starts_with("https:") { name.to_owned() } else { format!("{CAEP}{name}") };
    json!({ "iss": ISSUER, "aud": RECEIVER, "jti": jti, "iat": NOW, "sub_id": sub_id, "events": { name: payload } })
}

/// The end of all sessions of `alice`.
pub fn alice_revoked(jti: &str) -> Value {
    let alice = json!({ "format": "iss_sub", "iss": ISSUER, "sub": "alice" });
    event(jti, "session-revoked", alice, json!({ "event_timestamp": NOW }))
}

/// The same claims with these instead or besides; null takes one away.
pub fn merged(mut claims: Value, more: &Value) -> Value {
    let members = claims.as_object_mut().unwrap();
    for (name, value) in more.as_object().unwrap() {
        match value {
            Value::Null => drop(members.remove(name)),
            value => drop(members.insert(name.clone(), value.clone())),
        }
    }
    claims
}

/// A signed event.
pub fn set(claims: &Value) -> String {
    pair_for("ES256").typed("ES256", "secevent+jwt", claims)
}
