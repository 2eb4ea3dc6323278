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
            Self::Text => "text",
            Self::Secret => "text, never printed",
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
            Self::Texts => "list of texts",
            Self::TextOrTexts => "text, or list of texts",
            Self::TextMap => "map of texts",
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
    entry("state", Kind::Path, "Where Verdict keeps its own state: the development issuer's key."),
    entry("server.listen", Kind::Address, "Where to listen for HTTP."),
    entry(
        "server.max_body",
        Kind::Size,
        "The largest request body, also after decompression; a longer one is answered with 413.",
    ),
    entry(
        "server.gzip_min_size",
        Kind::Size,
        "Answers at least this long are compressed for callers that accept gzip.",
    ),
    entry(
        "server.max_connections",
        Kind::Number,
        "The most connections at a time; further ones wait to be accepted.",
    ),
    entry(
        "server.header_timeout",
        Kind::Duration,
        "How long a connection may take to send a request's headers.",
    ),
    entry("server.body_timeout", Kind::Duration, "How long a request's body may take to arrive."),
    entry(
        "server.shutdown_grace",
        Kind::Duration,
        "How long a drain may take on SIGTERM before what is left is cut off.",
    ),
    entry(
        "bundles.dir",
        Kind::Path,
        "The watched directory; each entry is a bundle: a folder, or a `.tar.gz` file in OPA's bundle format.",
    ),
    entry(
        "bundles.poll_interval",
        Kind::Duration,
        "How often the directory is read again even when no change was reported.",
    ),
    entry(
        "bundles.debounce",
        Kind::Duration,
        "How long the directory must be quiet after a change before it is read.",
    ),
    entry(
        "bundles.max_stale",
        Kind::Duration,
        "How long a failed reload may leave the last good policy in force before the server reports not ready; `0` is \
         without end.",
    ),
    entry("bundles.deny_when_stale", Kind::Flag, "Whether calls are denied once `max_stale` has passed."),
    entry(
        "bundles.required_entrypoints",
        Kind::Texts,
        "Documents that must be defined by policy, e.g. `app/allow`; a snapshot that lacks one is not activated.",
    ),
    entry(
        "bundles.run_tests",
        Kind::Flag,
        "Whether the tests and fixtures that a bundle carries are run, and the bundle is activated only when they pass.",
    ),
    entry("bundles.max_bundle_size", Kind::Size, "The most that one bundle may hold, unpacked."),
    entry("bundles.max_bundle_files", Kind::Number, "The most files that one bundle may hold."),
    entry(
        "bundles.verification",
        Kind::Section,
        "Whose signatures bundles must have (`.signatures.json`, as OPA's signed bundles have it). Without this section a \
         bundle that is signed is refused, because nobody could verify it.",
    ),
    entry(
        "bundles.verification.keys",
        Kind::SectionMap,
        "The keys that may have signed, by their ids, e.g. `{release: {algorithm: ES256, file: release.pem}}`.",
    ),
    entry(
        "bundles.verification.keys{}.algorithm",
        Kind::Text,
        "What the key signs with: HS256, HS384, HS512, RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512. A \
         token that says another is refused.",
    ),
    entry(
        "bundles.verification.keys{}.key",
        Kind::Secret,
        "The key itself: a public key or a certificate as PEM, or the secret for HMAC. Never printed. Exactly one of `key` \
         and `file` must be there.",
    ),
    entry(
        "bundles.verification.keys{}.file",
        Kind::Path,
        "The file that holds the key; of a secret every byte counts, a line's end, too.",
    ),
    entry(
        "bundles.verification.key_id",
        Kind::Text,
        "The id of the key that must have signed. Without it the token says which of the keys it was, with `kid` or `keyid`.",
    ),
    entry("bundles.verification.scope", Kind::Text, "The `scope` that the signature must have."),
    entry(
        "bundles.verification.exclude_files",
        Kind::Texts,
        "Files that need not be as they were signed: patterns of their names in the bundle, in which `*` stops at `/`.",
    ),
    entry("bundles.verification.required", Kind::Flag, "Whether bundles that are not signed are refused."),
    entry(
        "bundles.verification.skip_verify",
        Kind::Flag,
        "INSECURE: whether signed bundles are taken without a look at their signatures. `verdict run` wants `--skip-verify`, \
         too.",
    ),
    entry(
        "identity.mode",
        Kind::Word,
        "Whether a call must present a credential (`required`), may (`optional`: absent is anonymous, bad is refused), or \
         need not (`off`: credentials are not looked at and the input passes as it is, as with plain OPA).",
    ),
    entry(
        "identity.entrypoints",
        Kind::ModeMap,
        "Another mode for a document and all below it, e.g. `{\"app/allow\": optional}`; the longest path wins.",
    ),
    entry("identity.issuers", Kind::Sections, "Who may vouch for callers."),
    entry(
        "identity.issuers[].issuer",
        Kind::Text,
        "The exact `iss` of its tokens (RFC 7519 section 4.1.1). No two entries may have the same.",
    ),
    entry(
        "identity.issuers[].audience",
        Kind::TextOrTexts,
        "What a token's `aud` must name, one of these (RFC 7519 section 4.1.3). Without it, tokens for any other service \
         are taken, and `verdict run` refuses to start.",
    ),
    entry(
        "identity.issuers[].algorithms",
        Kind::Texts,
        "The signature algorithms that its tokens may use: RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, EdDSA \
         (RFC 7518 section 3.1, RFC 8037).",
    ),
    entry(
        "identity.issuers[].jwks_file",
        Kind::Path,
        "Its keys, as a JWKS file (RFC 7517 section 5). Exactly one of `jwks_file` and `jwks_url` must be there.",
    ),
    entry(
        "identity.issuers[].jwks_url",
        Kind::Url,
        "Its keys, as the URL of a JWKS, fetched in the background. Redirects are not followed.",
    ),
    entry("identity.issuers[].jwks_refresh", Kind::Duration, "How often the JWKS is fetched again."),
    entry(
        "identity.issuers[].claims.id",
        Kind::Text,
        "The dotted path of the subject's id in the claims; without it, `sub`.",
    ),
    entry(
        "identity.issuers[].claims.type",
        Kind::Text,
        "The dotted path of the subject's type; without it, `type`, else the subject is a `user`.",
    ),
    entry(
        "identity.issuers[].claims.roles",
        Kind::Text,
        "The dotted path of the subject's roles, e.g. `realm_access.roles`; without it, `roles`.",
    ),
    entry(
        "identity.issuers[].claims.scopes",
        Kind::Text,
        "The dotted path of the subject's scopes; without it, `scope` (text, separated by spaces) or `scp`.",
    ),
    entry(
        "identity.issuers[].claims.permissions",
        Kind::Text,
        "The dotted path of the subject's permissions; without it, `permissions`.",
    ),
    entry(
        "identity.issuers[].claims.tenant",
        Kind::Text,
        "The dotted path of the subject's tenant; without it, `tenant`.",
    ),
    entry("identity.issuers[].leeway", Kind::Duration, "How far clocks may differ; at most `5m`."),
    entry(
        "identity.issuers[].types",
        Kind::Texts,
        "The header `typ` values that its tokens may have, without `application/`; a token without `typ` is a JWT.",
    ),
    entry("identity.cache_entries", Kind::Number, "How many verified tokens are kept."),
    entry(
        "identity.cache_ttl",
        Kind::Duration,
        "The longest that a verified token is kept before it is verified again.",
    ),
    entry(
        "decision.default_path",
        Kind::Text,
        "The document that `POST /` answers with (OPA's `default_decision`).",
    ),
    entry(
        "decision.deadline",
        Kind::Duration,
        "How long one evaluation may take; past it the call is denied.",
    ),
    entry(
        "decision.explain.record",
        Kind::Word,
        "Which decisions carry an `explanation` in their record: none (`off`), those that policy did not allow (`denials`), or `all`. An explanation evaluates the rules once more.",
    ),
    entry("decision.explain.one_in", Kind::Number, "Explain one in so many of these; `1` is every one."),
    entry(
        "decision.depth",
        Kind::Number,
        "How many rules and functions may be within each other in one evaluation; past it the call is denied. An entry \
         point that is named in the configuration or in a manifest, and that may need more, keeps its bundle from being \
         activated.",
    ),
    entry(
        "decision.memory",
        Kind::Size,
        "How many bytes of values one evaluation may make in all, roughly counted and whether they are still there or \
         not; past it the call is denied.",
    ),
    entry(
        "decision.entrypoints",
        Kind::SectionMap,
        "Other limits for a document and all below it, e.g. `{\"app/report\": {deadline: 500ms, memory: 1GiB}}`; for \
         each limit the longest path that names it wins.",
    ),
    entry("decision.entrypoints{}.deadline", Kind::Duration, "As `decision.deadline`, for this document."),
    entry("decision.entrypoints{}.depth", Kind::Number, "As `decision.depth`, for this document."),
    entry("decision.entrypoints{}.memory", Kind::Size, "As `decision.memory`, for this document."),
    entry(
        "decision.expose_env",
        Kind::Texts,
        "The environment variables that policy sees in `opa.runtime().env`, and that `tls_…_env_variable` of `http.send` \
         may name. Not more than policy needs: what it sees it can tell.",
    ),
    entry(
        "http_send.allow",
        Kind::Texts,
        "The hosts that policy may call with `http.send` and look up with `net.lookup_ip_addr`: `idp.example.com`, \
         `idp.example.com:8443` for one port, `*.example.com` for all names below it, `10.1.2.3`, `[fd00::1]:443`. Each \
         redirect must lead to one of them, too. With an empty list, `verdict run` activates no policy that calls these \
         built-ins, and in `verdict dev` policy may call everybody.",
    ),
    entry(
        "http_send.private_addresses",
        Kind::Texts,
        "The networks, e.g. `10.0.0.0/8`, in which names may lie although their addresses are private, loopback or \
         link-local; other such addresses are not connected to, whatever name leads there. An address that `allow` \
         lists itself needs no entry here.",
    ),
    entry(
        "http_send.timeout",
        Kind::Duration,
        "How long a call may take whose request sets no `timeout`. `decision.deadline` ends it in any case.",
    ),
    entry(
        "http_send.max_response_size",
        Kind::Size,
        "The largest body of a response; a longer one is an error.",
    ),
    entry(
        "http_send.max_concurrent",
        Kind::Number,
        "How many decisions may wait for others at a time. They run on threads of their own; further ones wait for their \
         turn within `decision.deadline`.",
    ),
    entry(
        "http_send.cache.max_size",
        Kind::Size,
        "How much is kept of responses to requests with `cache` or `force_cache`; `0` keeps none.",
    ),
    entry(
        "decision_log.console",
        Kind::Word,
        "How decisions appear on standard output: readable on a terminal and JSON lines elsewhere (`auto`), always \
         readable, always JSON lines, or not at all.",
    ),
    entry("decision_log.file", Kind::Section, "The file that takes every record, if one is wanted."),
    entry("decision_log.file.path", Kind::Path, "Where: one JSON document a line."),
    entry(
        "decision_log.file.max_size",
        Kind::Size,
        "The size at which the file is rotated: renamed to `<path>.1`, `.1` to `.2`, and so on.",
    ),
    entry("decision_log.file.keep", Kind::Number, "How many rotated files are kept."),
    entry(
        "decision_log.refusals.path",
        Kind::Path,
        "Their file. Without it, the one beside `decision_log.file.path` with `.refused` before its extension; without \
         that, the console.",
    ),
    entry("decision_log.refusals.max_size", Kind::Size, "The size at which their file is rotated."),
    entry("decision_log.refusals.keep", Kind::Number, "How many rotated files of theirs are kept."),
    entry(
        "decision_log.refusals.rate",
        Kind::Number,
        "How many refusals are recorded a second. Those above it are counted, and a summary says how many there were.",
    ),
    entry(
        "decision_log.nd_builtin_cache",
        Kind::Flag,
        "Whether records carry `nd_builtin_cache`: what `time.now_ns`, `rand.intn`, `uuid.rfc4122`, `opa.runtime`, \
         `net.lookup_ip_addr` and `http.send` gave, so that `verdict eval --nd-builtin-cache` comes to the same decision. \
         Requests of `http.send` are in it with their headers, and so are the responses.",
    ),
    entry("decision_log.labels", Kind::TextMap, "Added to every record, beside `id` and `version`."),
];
