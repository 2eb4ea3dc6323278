//! The keys of `registry`.

use super::entry::{Entry, Kind, entry};

pub(super) const ENTRIES: &[Entry] = &[
    entry(
        "registry.enabled",
        Kind::Flag,
        "Whether Verdict keeps a registry of organisations, agents, keys, delegations and secrets \
         ([registry.md](registry.md)). It takes the place of `identity.static`.",
    ),
    entry(
        "registry.file",
        Kind::Path,
        "SQLite file of the registry; by default `registry.db` in `state`. It is made, with mode 0600, where it is missing. It must \
         not be on a network file system.",
    ),
    entry(
        "registry.postgres",
        Kind::Url,
        "URL of a PostgreSQL database that several sidecars share: `postgres://USER@HOST/DATABASE?sslmode=verify-full`. It may \
         contain a password and is shown without user and parameters; to keep it out of the file, set the environment variable. \
         Mutually exclusive with `registry.file`.",
    ),
    entry(
        "registry.poll",
        Kind::Duration,
        "How often to look whether other processes have changed the registry, besides when they say so; at least `50ms`. A change of \
         another sidecar is in force after this time at the latest, while the database answers.",
    ),
    entry(
        "registry.max_registry_age",
        Kind::Duration,
        "How long decisions rely on what is known of the registry while the database does not answer. Past it, all calls with \
         credentials are refused with 503. At least twice `registry.poll`.",
    ),
    entry(
        "registry.auth_events.keep",
        Kind::Number,
        "How many [auth events](auth-events.md) are kept: so many of those that name an organisation, and as many of those that name \
         none. The oldest go first.",
    ),
    entry(
        "registry.settings",
        Kind::Texts,
        "Names of the settings that may be set through the admin API; others are refused.",
    ),
    entry(
        "registry.public_url",
        Kind::Text,
        "Where outsiders reach the decision listener, e.g. `https://verdict.acme.example`. The issuer of what an organisation signs is \
         `<public_url>/v1/orgs/<id>` ([cross-organisation.md](cross-organisation.md)). Without it nothing is published or signed.",
    ),
    entry(
        "registry.trust_domain",
        Kind::Text,
        "Trust domain of the SPIFFE ids of agents, `spiffe://<trust_domain>/agent/<id>`.",
    ),
    entry(
        "registry.token_audiences",
        Kind::Texts,
        "Audiences for which an agent may exchange its token at `/oauth/token`; the first is the one of those who ask for none. \
         Needs `registry.public_url` and `registry.trust_domain`. While it is empty, nothing is exchanged.",
    ),
];
