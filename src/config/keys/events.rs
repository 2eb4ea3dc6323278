//! The keys of `events`.

use super::entry::{Entry, Kind, entry};

pub(super) const ENTRIES: &[Entry] = &[
    entry(
        "events.streams",
        Kind::Sections,
        "Streams of security events (SSF and CAEP 1.0) by which issuers revoke what they vouch for \
         ([revocation-events.md](revocation-events.md)). Needs `registry.enabled`.",
    ),
    entry(
        "events.streams[].issuer",
        Kind::Text,
        "The exact `iss` of its events. Must be unique among the streams.",
    ),
    entry(
        "events.streams[].audience",
        Kind::TextOrTexts,
        "Accepted audiences; the `aud` of an event must name one of them.",
    ),
    entry(
        "events.streams[].algorithms",
        Kind::Texts,
        "Accepted signature algorithms, as in `identity.issuers[].algorithms`; none with a shared secret.",
    ),
    entry(
        "events.streams[].jwks_url",
        Kind::Url,
        "URL of the JWKS with the keys that sign events. A stream has exactly one of `jwks_url` and `jwks_file`.",
    ),
    entry("events.streams[].jwks_file", Kind::Path, "JWKS file with these keys."),
    entry(
        "events.streams[].jwks_refresh",
        Kind::Duration,
        "How often keys are fetched from a URL; at least `10s`.",
    ),
    entry(
        "events.streams[].jwks_max_age",
        Kind::Duration,
        "How long keys are used after they were last read. Past it, events are answered with 503, so that they are sent again. At \
         least twice `jwks_refresh`.",
    ),
    entry(
        "events.streams[].token_issuers",
        Kind::Texts,
        "Issuers of `identity` whose credentials the events may revoke, and no others; by default the stream's own `issuer`.",
    ),
    entry(
        "events.streams[].critical_subject_members",
        Kind::Texts,
        "What the transmitter's metadata have as `critical_subject_members`: an event with such a member of a complex subject that \
         is not understood here is passed over, instead of being applied without it.",
    ),
    entry(
        "events.streams[].verification_state",
        Kind::Text,
        "The `state` that an operator gives when asking the transmitter to verify the stream. A verification event with another one is \
         refused; one without `state` is always taken.",
    ),
    entry(
        "events.streams[].push",
        Kind::Section,
        "The transmitter sends its events to `POST /v1/events` on the decision listener (RFC 8935). A stream has exactly one of `push` \
         and `poll`.",
    ),
    entry(
        "events.streams[].push.token_env",
        Kind::Text,
        "Environment variable that holds the bearer token with which events are sent: at least 16 characters, and another one for each \
         stream.",
    ),
    entry("events.streams[].poll", Kind::Section, "Verdict asks the transmitter for its events (RFC 8936)."),
    entry(
        "events.streams[].poll.url",
        Kind::Url,
        "URL of the transmitter's poll endpoint; over plain HTTP only on this machine.",
    ),
    entry(
        "events.streams[].poll.token_env",
        Kind::Text,
        "Environment variable that holds the bearer token with which Verdict asks: at least 16 characters.",
    ),
    entry(
        "events.streams[].poll.interval",
        Kind::Duration,
        "How long after a question the next one is asked at the soonest, from `1s` to `1h`. The transmitter may hold an answer back \
         until there is an event, for at most 60 s.",
    ),
];
