//! The keys of `decision` and `http_send`.

use super::entry::{Entry, Kind, entry};

pub(super) const ENTRIES: &[Entry] = &[
    entry(
        "decision.default_path",
        Kind::Text,
        "Document that `POST /` evaluates (OPA's `default_decision`).",
    ),
    entry(
        "decision.manifest_path",
        Kind::Text,
        "Document that `POST /v1/manifest/validate` evaluates for Relay's manifests: `{allow, reason}`, or a truth value.",
    ),
    entry(
        "decision.deadline",
        Kind::Duration,
        "Timeout of an evaluation; when it expires, the call is denied.",
    ),
    entry(
        "decision.explain.record",
        Kind::Word,
        "Which decisions have an `explanation` in their record: none (`off`), those that policy did not allow (`denials`), \
         or `all`. An explanation evaluates the rules a second time.",
    ),
    entry(
        "decision.explain.one_in",
        Kind::Number,
        "Explain one in this many of them; `1` explains every one.",
    ),
    entry(
        "decision.explain.roles",
        Kind::Texts,
        "Callers with one of these roles may request explanations (`?explain`). `verdict dev` allows them to everyone.",
    ),
    entry(
        "decision.explain.entrypoints",
        Kind::Texts,
        "For these documents, and everything below them, every caller may request explanations.",
    ),
    entry(
        "decision.depth",
        Kind::Number,
        "Maximum depth of nested rules and functions in an evaluation; beyond it, the call is denied. A bundle is not \
         activated if an entry point that the configuration or a manifest names may need more.",
    ),
    entry(
        "decision.memory",
        Kind::Size,
        "Approximate maximum of memory that an evaluation may allocate in total; beyond it, the call is denied.",
    ),
    entry(
        "decision.entrypoints",
        Kind::SectionMap,
        "Limits of a document and everything below it, e.g. `{\"app/report\": {deadline: 500ms, memory: 1GiB}}`; for \
         each limit, the longest matching path that sets it wins.",
    ),
    entry("decision.entrypoints{}.deadline", Kind::Duration, "As `decision.deadline`, for this document."),
    entry("decision.entrypoints{}.depth", Kind::Number, "As `decision.depth`, for this document."),
    entry("decision.entrypoints{}.memory", Kind::Size, "As `decision.memory`, for this document."),
    entry(
        "decision.builtin_errors",
        Kind::Word,
        "What an error of a built-in does (`time.parse_rfc3339_ns(\"today\")`): with `error` the evaluation fails, and nothing \
         is allowed because of it; with `undefined` the call is undefined, as in OPA, which `not` turns into true: for \
         policy that was written for OPA and relies on it. `strict-builtin-errors` in a request is `error` for that request. \
         Tests before activation use it, too.",
    ),
    entry(
        "decision.expose_env",
        Kind::Texts,
        "Environment variables to show to policy in `opa.runtime().env`, and to allow in `tls_…_env_variable` of `http.send`. \
         List no more than policy needs: it can disclose what it sees.",
    ),
    entry(
        "http_send.allow",
        Kind::Texts,
        "Hosts that policy may call with `http.send` and look up with `net.lookup_ip_addr`: `idp.example.com`, \
         `idp.example.com:8443` for one port, `*.example.com` for all names below it, `10.1.2.3`, `[fd00::1]:443`. Redirects \
         must lead to one of them, too. With an empty list, `verdict run` activates no policy that calls these built-ins, and \
         `verdict dev` allows all hosts.",
    ),
    entry(
        "http_send.private_addresses",
        Kind::Texts,
        "Networks, e.g. `10.0.0.0/8`, that host names may resolve to although their addresses are private, loopback or \
         link-local. Connections to other such addresses are refused. An address listed in `allow` needs no entry here.",
    ),
    entry(
        "http_send.timeout",
        Kind::Duration,
        "Default timeout of a call, for requests that set none. `decision.deadline` ends it in any case.",
    ),
    entry(
        "http_send.max_response_size",
        Kind::Size,
        "Maximum size of a response body; a larger one is an error.",
    ),
    entry(
        "http_send.max_concurrent",
        Kind::Number,
        "Maximum number of decisions that wait for other services at a time. They run on a separate pool; further ones queue \
         within `decision.deadline`.",
    ),
    entry(
        "http_send.cache.max_size",
        Kind::Size,
        "Maximum size of the cache for responses to requests with `cache` or `force_cache`; `0` disables the cache.",
    ),
];
