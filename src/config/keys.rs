//! What every key means. The order is that of the reference page.

/// What serde asks for at a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// A text.
    Text,
    /// A text or a number, as its type understands it: durations and sizes.
    Scalar,
    /// A number.
    Number,
    /// True or false.
    Flag,
    /// One of a closed list of words.
    Word,
    /// A list.
    List,
    /// A map with free keys.
    Map,
    /// A map with known keys that may be absent as a whole.
    Section,
}

/// One key of the configuration.
pub(super) struct Entry {
    /// Dotted; `issuers[]` is each element of the list `issuers`, `keys{}` each value of the map `keys`.
    pub(super) key: &'static str,
    pub(super) kind: Kind,
    /// Whole sentences, in Markdown.
    pub(super) about: &'static str,
}

/// How a value is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    /// A text that is never printed.
    Secret,
    /// In the file, relative paths start at the file's folder.
    Path,
    Address,
    Url,
    Duration,
    Size,
    Number,
    Flag,
    Word,
    Texts,
    /// A text, or a list of texts.
    TextOrTexts,
    TextMap,
    ModeMap,
    Sections,
    /// A map of free names to sections.
    SectionMap,
    Section,
}

impl Kind {
    /// What the types ask for where a value of this kind stands.
    #[cfg(test)]
    pub(super) const fn shape(self) -> Shape {
        match self {
            Self::Text | Self::Secret | Self::Path | Self::Address | Self::Url => Shape::Text,
            Self::Duration | Self::Size | Self::TextOrTexts => Shape::Scalar,
            Self::Number => Shape::Number,
            Self::Flag => Shape::Flag,
            Self::Word => Shape::Word,
            Self::Texts | Self::Sections => Shape::List,
            Self::TextMap | Self::ModeMap | Self::SectionMap => Shape::Map,
            Self::Section => Shape::Section,
        }
    }

    /// For the reference page.
    pub(super) fn describe(self, words: &[&str]) -> String {
        let text = match self {
            Self::Text => "string",
            Self::Secret => "string, never printed",
            Self::Path => "path",
            Self::Address => "address and port",
            Self::Url => "URL",
            Self::Duration => "duration",
            Self::Size => "size",
            Self::Number => "number",
            Self::Flag => "`true` or `false`",
            Self::Word => {
                let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
                return format!("one of {}", quoted.join(", "));
            }
            Self::Texts => "list of strings",
            Self::TextOrTexts => "string, or list of strings",
            Self::TextMap => "map of strings",
            Self::ModeMap => "map of paths to modes",
            Self::Sections => "list of sections",
            Self::SectionMap => "map of names to sections",
            Self::Section => "section",
        };
        text.to_owned()
    }
}

/// The keys whose values are written in this way.
pub(super) fn of_kind(kind: Kind) -> impl Iterator<Item = &'static str> {
    ENTRIES.iter().filter(move |entry| entry.kind == kind).map(|entry| entry.key)
}

/// Where a key is known that was written in a place where it is not.
pub(super) fn home_of(name: &str) -> Option<&'static str> {
    let mut homes = ENTRIES.iter().filter(|entry| entry.key.rsplit('.').next() == Some(name));
    let first = homes.next()?;
    homes.next().is_none().then_some(first.key)
}

const fn entry(key: &'static str, kind: Kind, about: &'static str) -> Entry {
    Entry { key, kind, about }
}

/// Every key.
pub(super) const ENTRIES: &[Entry] = &[
    entry("state", Kind::Path, "Directory for the state of Verdict: the development issuer's key."),
    entry("server.listen", Kind::Address, "Address to listen on for HTTP."),
    entry(
        "server.max_body",
        Kind::Size,
        "Maximum size of a request body, also after decompression; a larger one is answered with 413.",
    ),
    entry(
        "server.max_batch_items",
        Kind::Number,
        "Maximum number of inputs in a batch; more are answered with 413.",
    ),
    entry(
        "server.max_batch_size",
        Kind::Size,
        "Maximum size of all inputs of a batch together, each with the common input; more is answered with 413.",
    ),
    entry(
        "server.gzip_min_size",
        Kind::Size,
        "Responses of at least this size are compressed for clients that accept gzip.",
    ),
    entry(
        "server.max_connections",
        Kind::Number,
        "The most connections at a time. Further ones wait; meanwhile the connection that has been idle, or blocked on its \
         client, for the longest time is closed, if that is at least 2 s.",
    ),
    entry(
        "server.max_connections_per_peer",
        Kind::Number,
        "The most connections of one client; further ones are closed at once. A client is an IPv4 address, or the first 64 \
         bits of an IPv6 address.",
    ),
    entry(
        "server.header_timeout",
        Kind::Duration,
        "How long a request's headers may take to arrive, from their first byte; a slower request is answered with 408. The \
         first byte on a connection must arrive within this time, too.",
    ),
    entry("server.body_timeout", Kind::Duration, "How long a request's body may take to arrive."),
    entry(
        "server.write_timeout",
        Kind::Duration,
        "How long a client may leave a response unread before its connection, or its HTTP/2 stream, is closed. In HTTP/1.1 \
         the time starts again with every 16 KiB that the client reads.",
    ),
    entry("server.idle_timeout", Kind::Duration, "How long a connection may stay open without a request."),
    entry(
        "server.shutdown_grace",
        Kind::Duration,
        "How long SIGTERM waits for in-flight requests before it closes their connections.",
    ),
    entry(
        "server.allowed_hosts",
        Kind::Texts,
        "Host names of this server besides `localhost`, without port. Where identity is off, a request whose `Host` is \
         another name is answered with 403 (protection against DNS rebinding).",
    ),
    entry(
        "server.allowed_origins",
        Kind::Texts,
        "Origins whose web pages may call where identity is off, e.g. `https://console.example`. Requests from other pages \
         than the server's own are answered with 403.",
    ),
    entry(
        "management.listen",
        Kind::Text,
        "Address of the management listener, `auto` (127.0.0.1:8282, or none if that is in use) or `off`. Anyone who can \
         connect to it reads metrics with the names of entry points; everything else requires the role.",
    ),
    entry(
        "management.role",
        Kind::Text,
        "Role that callers of `/v1/status`, `/v1/config` and `/v1/policies` must have, on either listener, unless identity \
         is off.",
    ),
    entry(
        "bundles.dir",
        Kind::Path,
        "Directory to watch; each entry is a bundle: a directory, or a `.tar.gz` file in OPA's bundle format.",
    ),
    entry(
        "bundles.poll_interval",
        Kind::Duration,
        "How often the directory is read even if no change was reported.",
    ),
    entry(
        "bundles.debounce",
        Kind::Duration,
        "How long the directory must be unchanged before it is read again.",
    ),
    entry(
        "bundles.max_stale",
        Kind::Duration,
        "How long the last good policy stays in force after failed reloads before the server reports not ready; `0` \
         disables the limit.",
    ),
    entry("bundles.deny_when_stale", Kind::Flag, "Whether calls are denied once `max_stale` has passed."),
    entry(
        "bundles.required_entrypoints",
        Kind::Texts,
        "Documents that policy must define, e.g. `app/allow`; bundles that lack one are not activated.",
    ),
    entry(
        "bundles.required_data",
        Kind::Texts,
        "Base data that must be defined, e.g. `app/users`, whatever its value; a snapshot that lacks it is not activated. \
         Documents that rules define do not count.",
    ),
    entry(
        "bundles.expected",
        Kind::Texts,
        "Bundles that must be in the directory, by name (`authz` for `authz.tar.gz`); without one of them nothing is \
         activated, at the start either.",
    ),
    entry(
        "bundles.on_removal",
        Kind::Word,
        "What happens when a bundle that is in force vanishes from the directory. `keep`: the last good snapshot stays in \
         force until the bundle comes back or an operator confirms its removal; a restart forgets it, unless it is in \
         `bundles.expected`. `deactivate`: the other bundles are activated without it, with a warning. Without this key, \
         `verdict run` keeps and `verdict dev` deactivates.",
    ),
    entry(
        "bundles.run_tests",
        Kind::Flag,
        "Whether to run the tests and fixtures in bundles, and to activate bundles only if they pass.",
    ),
    entry("bundles.max_bundle_size", Kind::Size, "Maximum size of a bundle, unpacked."),
    entry("bundles.max_bundle_files", Kind::Number, "Maximum number of files in a bundle."),
    entry(
        "bundles.verification",
        Kind::Section,
        "How signatures of bundles are verified (`.signatures.json`, as in OPA). Without this section, a signed bundle is \
         refused, because its signature cannot be verified.",
    ),
    entry(
        "bundles.verification.keys",
        Kind::SectionMap,
        "Trusted keys by id, e.g. `{release: {algorithm: ES256, file: release.pem}}`.",
    ),
    entry(
        "bundles.verification.keys{}.algorithm",
        Kind::Text,
        "Signature algorithm of the key: HS256, HS384, HS512, RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512. A \
         signature with any other is refused.",
    ),
    entry(
        "bundles.verification.keys{}.key",
        Kind::Secret,
        "The key itself: a public key or a certificate as PEM, or the secret for HMAC. Exactly one of `key` and \
         `file` is required.",
    ),
    entry(
        "bundles.verification.keys{}.file",
        Kind::Path,
        "File that contains the key. Of an HMAC secret every byte counts, including a trailing newline.",
    ),
    entry(
        "bundles.verification.key_id",
        Kind::Text,
        "Id of the key to verify with. Without it, the `kid` or `keyid` of the signature selects the key.",
    ),
    entry("bundles.verification.scope", Kind::Text, "Required `scope` of the signature."),
    entry(
        "bundles.verification.exclude_files",
        Kind::Texts,
        "Files to exclude from verification: patterns of their paths in the bundle, in which `*` does not match `/`.",
    ),
    entry("bundles.verification.required", Kind::Flag, "Whether unsigned bundles are refused."),
    entry(
        "bundles.verification.skip_verify",
        Kind::Flag,
        "INSECURE: accept signed bundles without verifying their signatures. `verdict run` also requires `--skip-verify`.",
    ),
    entry(
        "identity.mode",
        Kind::Word,
        "Whether callers must present a credential (`required`) or may (`optional`: without one they are anonymous, an invalid \
         one is refused), or credentials are ignored (`off`: the input is passed as it is, as in OPA).",
    ),
    entry(
        "identity.entrypoints",
        Kind::ModeMap,
        "Mode of a document and everything below it, e.g. `{\"app/allow\": optional}`; the longest matching path wins.",
    ),
    entry("identity.issuers", Kind::Sections, "Trusted issuers of tokens."),
    entry(
        "identity.issuers[].issuer",
        Kind::Text,
        "The exact `iss` of its tokens (RFC 7519 section 4.1.1). Must be unique.",
    ),
    entry(
        "identity.issuers[].audience",
        Kind::TextOrTexts,
        "Accepted audiences; the `aud` of a token must name one of them (RFC 7519 section 4.1.3). Without it, tokens for any \
         other service are accepted, and `verdict run` refuses to start.",
    ),
    entry(
        "identity.issuers[].algorithms",
        Kind::Texts,
        "Accepted signature algorithms: RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, EdDSA \
         (RFC 7518 section 3.1, RFC 8037).",
    ),
    entry(
        "identity.issuers[].jwks_file",
        Kind::Path,
        "JWKS file with its keys (RFC 7517 section 5). `jwks_file` and `jwks_url` are mutually exclusive; one is required.",
    ),
    entry(
        "identity.issuers[].jwks_url",
        Kind::Url,
        "URL of the JWKS with its keys, fetched in the background. Redirects are not followed, and the URL may not carry a user \
         name or a password. It is shown without its query.",
    ),
    entry(
        "identity.issuers[].jwks_refresh",
        Kind::Duration,
        "How often the JWKS is fetched; at least `10s`. A token that newer keys might verify (an unknown `kid`, a signature \
         that does not fit) also causes a fetch, at most one in 10 s.",
    ),
    entry(
        "identity.issuers[].jwks_max_age",
        Kind::Duration,
        "How long keys are used after they were last read, from a file or a URL. Past it the issuer's tokens are refused with \
         503, cached ones included, and the server reports not ready. At least twice `jwks_refresh`.",
    ),
    entry(
        "identity.issuers[].claims.id",
        Kind::Text,
        "Path of the claim with the subject's id; by default `sub`. A path is dotted (`realm_access.roles`), or a JSON pointer \
         (RFC 6901) that begins with a slash: `/https:~1~1example.com~1roles` is the claim `https://example.com/roles`. A \
         token with several members that a dotted path can mean is refused. An id must not be empty, longer than 2048 \
         bytes, `anonymous`, or have control characters.",
    ),
    entry(
        "identity.issuers[].claims.type",
        Kind::Text,
        "Path of the claim with the subject's type; by default `type`, else the type is `user`. Tokens with the types \
         `anonymous`, `none`, `unchecked` and `verdict` are refused.",
    ),
    entry(
        "identity.issuers[].claims.roles",
        Kind::Text,
        "Path of the claim with the subject's roles, e.g. `realm_access.roles`; by default `roles`.",
    ),
    entry(
        "identity.issuers[].claims.scopes",
        Kind::Text,
        "Path of the claim with the subject's scopes; by default `scope` (a space-separated string) or `scp`.",
    ),
    entry(
        "identity.issuers[].claims.permissions",
        Kind::Text,
        "Path of the claim with the subject's permissions; by default `permissions`.",
    ),
    entry(
        "identity.issuers[].claims.tenant",
        Kind::Text,
        "Path of the claim with the subject's tenant; by default `tenant`.",
    ),
    entry("identity.issuers[].leeway", Kind::Duration, "Allowed clock skew; at most `5m`."),
    entry(
        "identity.issuers[].types",
        Kind::Texts,
        "Accepted `typ` header values, without `application/`; a token without `typ` counts as `JWT`.",
    ),
    entry("identity.cache_entries", Kind::Number, "Maximum number of verified tokens to cache."),
    entry(
        "identity.cache_ttl",
        Kind::Duration,
        "How long a verified token is cached at most before it is verified again.",
    ),
    entry(
        "decision.default_path",
        Kind::Text,
        "Document that `POST /` evaluates (OPA's `default_decision`).",
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
    entry(
        "decision_log.console",
        Kind::Word,
        "How decisions are shown on standard output: human-readable on a terminal and JSON lines elsewhere (`auto`), always \
         human-readable (`pretty`), always JSON lines (`json`), or not at all (`off`).",
    ),
    entry("decision_log.file", Kind::Section, "File that decision records are written to."),
    entry("decision_log.file.path", Kind::Path, "Path of the file; it has one JSON document a line."),
    entry(
        "decision_log.file.max_size",
        Kind::Size,
        "The size at which the file is rotated: renamed to `<path>.1`, `.1` to `.2`, and so on.",
    ),
    entry("decision_log.file.keep", Kind::Number, "Number of rotated files to keep."),
    entry(
        "decision_log.refusals.path",
        Kind::Path,
        "Path of the file for calls that were refused before the caller was authenticated. By default it is next to \
         `decision_log.file.path`, with `.refused` before its extension; without a file, the console.",
    ),
    entry("decision_log.refusals.max_size", Kind::Size, "Size at which that file is rotated."),
    entry("decision_log.refusals.keep", Kind::Number, "Number of rotated files to keep."),
    entry(
        "decision_log.refusals.rate",
        Kind::Number,
        "Maximum number of such refusals to record a second. Further ones are counted, and a summary record has their number.",
    ),
    entry(
        "decision_log.allow_unmasked",
        Kind::Flag,
        "Whether to activate bundles that declare `data.system.log.mask` or `data.system.log.drop`. Verdict does not apply \
         them: what they hide is recorded. Otherwise such bundles are refused.",
    ),
    entry(
        "decision_log.claims",
        Kind::TextOrTexts,
        "Claims of the verified subject that records contain in `input.subject.claims`: `none`, or a list of names.",
    ),
    entry(
        "decision_log.nd_builtin_cache",
        Kind::Flag,
        "Whether records contain `nd_builtin_cache`: the results of `time.now_ns`, `rand.intn`, `uuid.rfc4122`, `opa.runtime`, \
         `net.lookup_ip_addr` and `http.send`, so that `verdict eval --nd-builtin-cache` can reproduce the decision. It contains \
         the requests of `http.send` with their headers, and the responses.",
    ),
    entry("decision_log.labels", Kind::TextMap, "Labels added to every record, besides `id` and `version`."),
];
