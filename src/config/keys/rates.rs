//! The keys of `rate_limits` and `shared_store`.

use super::entry::{Entry, Kind, entry};

pub(super) const ENTRIES: &[Entry] = &[
    entry(
        "rate_limits.roles",
        Kind::TextMap,
        "Rate limit of each subject by its role, e.g. `{admin: 1000/minute, default: 100/minute}`: a number of calls for each \
         `second`, `minute`, `hour` or `day` (`s`, `m`, `h`, `d`). Of several roles, the largest limit counts. `default` is for \
         subjects without a listed role, and for callers without a credential by their address. `docs/rate-limits.md` has the details.",
    ),
    entry("rate_limits.keys", Kind::Text, "Rate limit of each API key, e.g. `10/s`."),
    entry("rate_limits.users", Kind::Text, "Rate limit of each subject, whatever its roles."),
    entry("rate_limits.tenants", Kind::Text, "Rate limit of each tenant: of all its subjects together."),
    entry(
        "shared_store.backend",
        Kind::Word,
        "Where rate limits are counted and used nonces are remembered: in the process (`memory`), or in a Redis that several \
         sidecars share (`redis`).",
    ),
    entry(
        "shared_store.max_entries",
        Kind::Number,
        "Maximum number of rate limits in memory, and of nonces. When all of them are in use, calls that need another one are \
         answered with 503.",
    ),
    entry(
        "shared_store.redis.url",
        Kind::Url,
        "URL of the Redis: `redis://HOST:PORT/DB`, `rediss://…` for TLS, or `redis+unix:///PATH`. It may contain a user and a \
         password and is shown without them; to keep them out of the file, set the environment variable.",
    ),
    entry(
        "shared_store.redis.timeout",
        Kind::Duration,
        "Timeout of an operation, including the time to connect.",
    ),
    entry("shared_store.redis.key_prefix", Kind::Text, "Prefix of all keys in Redis."),
    entry(
        "shared_store.on_failure",
        Kind::Word,
        "What to do with calls while Redis cannot count them: answer them with 503 (`refuse`), or count them in the process \
         (`local`). Credentials that may be used once are refused in either case.",
    ),
];
