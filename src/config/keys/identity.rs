//! The keys of `identity`.

use super::entry::{Entry, Kind, entry};

pub(super) const ENTRIES: &[Entry] = &[
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
];
