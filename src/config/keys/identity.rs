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
    entry(
        "identity.resource",
        Kind::Section,
        "What is protected, as OAuth clients know it (RFC 9728): its metadata are at `/.well-known/oauth-protected-resource`, and challenges \
         name them ([identity.md](identity.md#what-oauth-clients-are-told)).",
    ),
    entry(
        "identity.resource.url",
        Kind::Text,
        "Its URL, e.g. `https://api.example/mcp`: what clients name as `resource` (RFC 8707), and tokens as `aud`. It is the audience of \
         every issuer of access tokens, and of the introspection endpoint, that has none of its own, save issuers with a `prefix` \
         and a secret. Written as clients write it: host in small letters, no default port.",
    ),
    entry(
        "identity.resource.scopes",
        Kind::Texts,
        "The scopes that tokens for it can have, for the metadata (`scopes_supported`).",
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
         other service are accepted, and `verdict run` refuses to start, unless the issuer has a `prefix` and a secret.",
    ),
    entry(
        "identity.issuers[].algorithms",
        Kind::Texts,
        "Accepted signature algorithms: RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, EdDSA \
         (RFC 7518 section 3.1, RFC 8037; `Ed25519` of RFC 9864 is the same as EdDSA). HS256, HS384 and HS512 are accepted with \
         `secret_env` or `secret_file` only, and no others are accepted with those.",
    ),
    entry(
        "identity.issuers[].prefix",
        Kind::Text,
        "What its tokens begin with, before the JWT, e.g. `relay_jwt_`: 1 to 64 letters, digits, `_` or `-`, not beginning with \
         `ey`. No prefix may begin with that of another issuer. A token with the prefix is judged by this issuer alone, and may \
         lack `iss`; one without the prefix is never accepted as this issuer's. With a prefix and a secret, `audience` may be \
         left out.",
    ),
    entry(
        "identity.issuers[].jwks_file",
        Kind::Path,
        "JWKS file with its keys (RFC 7517 section 5). An issuer has exactly one source of keys: `jwks_file`, `jwks_url`, \
         `discovery`, `public_key`, `public_key_file`, `public_key_env`, `secret_env` or `secret_file`.",
    ),
    entry(
        "identity.issuers[].jwks_url",
        Kind::Url,
        "URL of the JWKS with its keys, fetched in the background. Redirects are not followed, and the URL may not carry a user \
         name or a password. It is shown without its query.",
    ),
    entry(
        "identity.issuers[].discovery",
        Kind::Flag,
        "Whether to find the keys by the discovery document of the issuer, `<issuer>/.well-known/openid-configuration` (OpenID \
         Connect Discovery 1.0, RFC 8414). Its `issuer` must be exactly the configured one. The document and the JWKS at its \
         `jwks_uri` are fetched anew each time, as with `jwks_url`.",
    ),
    entry(
        "identity.issuers[].public_key",
        Kind::Text,
        "Its public keys in PEM (`-----BEGIN PUBLIC KEY-----`), at most 4: RSA, EC or Ed25519. The `kid` of a token does not \
         matter. Certificates are refused, because their validity would not be checked.",
    ),
    entry(
        "identity.issuers[].public_key_file",
        Kind::Path,
        "File with its public keys in PEM, as `public_key`. It is read again when it changes.",
    ),
    entry(
        "identity.issuers[].public_key_env",
        Kind::Text,
        "Name, in capitals, of the environment variable with its public keys in PEM, as `public_key`.",
    ),
    entry(
        "identity.issuers[].secret_env",
        Kind::Text,
        "Name, in capitals, of the environment variable with the secret that the issuer shares with Verdict, for HS256, HS384 and HS512: at \
         least 32, 48 and 64 bytes (RFC 7518 section 3.2), at most 4096; a line break at its end is not part of it. Whoever has \
         the secret can make tokens. Keys in PEM, JWK, SSH or DER form are refused.",
    ),
    entry(
        "identity.issuers[].secret_file",
        Kind::Path,
        "File with that secret, as `secret_env`. It is read again when it changes.",
    ),
    entry(
        "identity.issuers[].jwks_refresh",
        Kind::Duration,
        "How often keys are fetched from a URL; at least `10s`. A token that newer keys might verify (an unknown `kid`, a \
         signature that does not fit) also causes a fetch, at most one in 10 s.",
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
        "Path of the claim with the subject's type; by default `type`. Without it, the type is `agent` if the subject is the agent that the token names, else `user`. Tokens with the types \
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
        "Path of the claim with the subject's permissions; by default `permissions`, and for access tokens (RFC 9068) \
         `entitlements`, too.",
    ),
    entry(
        "identity.issuers[].claims.tenant",
        Kind::Text,
        "Path of the claim with the subject's tenant; by default `tenant`.",
    ),
    entry(
        "identity.issuers[].claims.agent",
        Kind::Text,
        "Path of the claim with the id of the agent that the token is for; by default none.",
    ),
    entry(
        "identity.issuers[].claims.session",
        Kind::Text,
        "Path of the claim with the session that the token belongs to; by default `sid`.",
    ),
    entry(
        "identity.issuers[].claims.attributes",
        Kind::TextMap,
        "Paths of other claims, of any type, by the name that policy sees them under, e.g. `{email: email, score: \
         reputation.score}`.",
    ),
    entry(
        "identity.issuers[].required_claims",
        Kind::Texts,
        "Paths of claims that every token must have, and not as null.",
    ),
    entry("identity.issuers[].leeway", Kind::Duration, "Allowed clock skew; at most `5m`."),
    entry(
        "identity.issuers[].max_lifetime",
        Kind::Duration,
        "Maximum time from `iat` to `exp`. With it, `iat` is required, and a token is not valid before it.",
    ),
    entry(
        "identity.issuers[].single_use",
        Kind::Flag,
        "Whether each token is accepted once only. Its `jti` is required and remembered until the token expires; \
         `max_lifetime` is required, too.",
    ),
    entry(
        "identity.issuers[].token_type",
        Kind::Word,
        "What its tokens are: `access`, which say who is calling, or `transaction`: transaction tokens, in the header \
         `Txn-Token`, whose `audience` is the trust domain. They become `input.subject.transaction`, beside a credential of the \
         caller. Such an issuer has no `types`, `prefix`, `claims` or `single_use`.",
    ),
    entry(
        "identity.issuers[].types",
        Kind::Texts,
        "Accepted `typ` header values, without `application/`; a token without `typ` counts as `JWT`. An `at+jwt` must be an \
         access token of RFC 9068: with `iss`, `exp`, `aud`, `sub`, `client_id`, `iat` and `jti`; `roles`, `groups` and \
         `entitlements` are lists where they are there. Types of tokens that are for something else are refused here, e.g. `oauth-id-jag+jwt`, \
         `dpop+jwt`, `logout+jwt`, `secevent+jwt`, `txntoken+jwt`.",
    ),
    entry(
        "identity.capabilities",
        Kind::Section,
        "Capability tokens: short-lived JWS of the type `agentpack-cap+jwt`, signed offline with Ed25519 (`verdict capability`). \
         They are verified without any look-up. Tokens of this type are accepted nowhere else.",
    ),
    entry(
        "identity.capabilities.issuer",
        Kind::Text,
        "The exact `iss` of the tokens (RFC 7519 section 4.1.1).",
    ),
    entry(
        "identity.capabilities.audience",
        Kind::Text,
        "Accepted audience; the `aud` of a token must name it (RFC 7519 section 4.1.3).",
    ),
    entry(
        "identity.capabilities.keys",
        Kind::Sections,
        "Public keys that tokens may be signed with; at least one.",
    ),
    entry(
        "identity.capabilities.keys[].kid",
        Kind::Text,
        "Name of the key, as in the header of the tokens. Must be unique.",
    ),
    entry(
        "identity.capabilities.keys[].public_key",
        Kind::Text,
        "The Ed25519 public key in PEM. `public_key` and `public_key_file` are mutually exclusive; one is required. A private \
         key is an error.",
    ),
    entry(
        "identity.capabilities.keys[].public_key_file",
        Kind::Path,
        "File with the public key in PEM. It is read at the start and on a reload.",
    ),
    entry(
        "identity.capabilities.max_ttl",
        Kind::Duration,
        "Maximum time from `iat` to `exp`; at most `1d`. A token that would be valid for longer is refused.",
    ),
    entry("identity.capabilities.leeway", Kind::Duration, "Allowed clock skew; at most `5m`."),
    entry(
        "identity.capabilities.single_use",
        Kind::Flag,
        "Whether each token is accepted once only. Its `jti` is remembered until the token expires.",
    ),
    entry(
        "identity.capabilities.header",
        Kind::Text,
        "Header that carries capabilities, besides `Authorization: Bearer`, e.g. `x-agentpack-capability`; by default none.",
    ),
    entry(
        "identity.partners",
        Kind::Sections,
        "Organisations elsewhere whose agents may call with assertions that their own Verdict signed \
         ([cross-organisation.md](cross-organisation.md)). Nobody is trusted who is not listed.",
    ),
    entry(
        "identity.partners[].organisation",
        Kind::Text,
        "What the organisation is called here: the tenant of its agents in policy. No organisation of our own may have the name, and \
         no other credential may have it as its tenant.",
    ),
    entry(
        "identity.partners[].issuer",
        Kind::Text,
        "The exact `iss` of its assertions, e.g. `https://verdict.nike.example/v1/orgs/nike`. Must be unique.",
    ),
    entry(
        "identity.partners[].audience",
        Kind::TextOrTexts,
        "Accepted audiences; the `aud` of an assertion must name one of them.",
    ),
    entry(
        "identity.partners[].jwks_url",
        Kind::Url,
        "URL of the JWKS with its keys, e.g. `https://verdict.nike.example/v1/orgs/nike/jwks.json`. A partner has exactly one of \
         `jwks_url` and `jwks_file`.",
    ),
    entry("identity.partners[].jwks_file", Kind::Path, "JWKS file with its keys."),
    entry(
        "identity.partners[].jwks_refresh",
        Kind::Duration,
        "How often keys are fetched from a URL; at least `10s`. What a partner has revoked is refused after this time at the latest, \
         while the partner can be reached.",
    ),
    entry(
        "identity.partners[].jwks_max_age",
        Kind::Duration,
        "How long keys are used after they were last read: the same for a partner that cannot be reached. At least twice \
         `jwks_refresh`.",
    ),
    entry("identity.partners[].leeway", Kind::Duration, "How far clocks may differ; at most `5m`."),
    entry(
        "identity.introspection",
        Kind::Section,
        "An authorization server that is asked about its tokens (OAuth 2.0 Token Introspection, RFC 7662). Only an answer with \
         `\"active\": true` is accepted. Tokens that are API keys by their form are never sent there.",
    ),
    entry(
        "identity.introspection.url",
        Kind::Url,
        "URL of its introspection endpoint; over plain HTTP only on this machine.",
    ),
    entry(
        "identity.introspection.issuer",
        Kind::Text,
        "Issuer of the subjects; an answer with another `iss` is refused. By default the origin of `url`, and `iss` is not looked at.",
    ),
    entry(
        "identity.introspection.client_id_env",
        Kind::Text,
        "Environment variable that holds the id of the client that Verdict is there. It authenticates with HTTP Basic (RFC 6749 section 2.3.1).",
    ),
    entry(
        "identity.introspection.client_secret_env",
        Kind::Text,
        "Environment variable that holds the secret of that client.",
    ),
    entry(
        "identity.introspection.audience",
        Kind::TextOrTexts,
        "Accepted audiences; the `aud` of an answer must name one of them. By default any, also none.",
    ),
    entry(
        "identity.introspection.required_scopes",
        Kind::Texts,
        "Scopes that every token must have, e.g. `[agent:invoke]`; one without is answered with 403.",
    ),
    entry(
        "identity.introspection.prefix",
        Kind::Text,
        "What its tokens begin with; required where there are API keys, too. Without it, opaque bearer tokens are asked about, and JWTs \
         if `identity.issuers` is empty.",
    ),
    entry(
        "identity.introspection.cache_ttl",
        Kind::Duration,
        "How long an answer is relied on, and never past its `exp`: a token that is revoked at its issuer is accepted as long. At \
         most `5m`; `0s` asks about every call.",
    ),
    entry(
        "identity.introspection.timeout",
        Kind::Duration,
        "How long an answer may take, waiting for a turn included: 64 questions are under way at a time. At most `30s`.",
    ),
    entry("identity.introspection.leeway", Kind::Duration, "How far clocks may differ; at most `5m`."),
    entry(
        "identity.introspection.claims.id",
        Kind::Text,
        "Path, in the answer, of the subject's id; by default `sub`, or, for a token that names none, `client_id`, which is then a `service`. Paths are as in `identity.issuers[].claims`.",
    ),
    entry(
        "identity.introspection.claims.type",
        Kind::Text,
        "Path, in the answer, of the subject's type; by default `type`. Paths are as in `identity.issuers[].claims`.",
    ),
    entry(
        "identity.introspection.claims.roles",
        Kind::Text,
        "Path, in the answer, of the subject's roles; by default `roles`. Paths are as in `identity.issuers[].claims`.",
    ),
    entry(
        "identity.introspection.claims.scopes",
        Kind::Text,
        "Path, in the answer, of the subject's scopes; by default `scope`. Paths are as in `identity.issuers[].claims`.",
    ),
    entry(
        "identity.introspection.claims.permissions",
        Kind::Text,
        "Path, in the answer, of the subject's permissions; by default `permissions`. Paths are as in `identity.issuers[].claims`.",
    ),
    entry(
        "identity.introspection.claims.tenant",
        Kind::Text,
        "Path, in the answer, of the subject's tenant; by default `tenant`. Paths are as in `identity.issuers[].claims`.",
    ),
    entry(
        "identity.introspection.claims.agent",
        Kind::Text,
        "Path, in the answer, of the id of the agent that the token is for; by default none. Paths are as in `identity.issuers[].claims`.",
    ),
    entry(
        "identity.introspection.claims.session",
        Kind::Text,
        "Path, in the answer, of the session that the token belongs to; by default `sid`. Paths are as in `identity.issuers[].claims`.",
    ),
    entry(
        "identity.introspection.claims.attributes",
        Kind::TextMap,
        "Paths of other members of the answer by the name that policy sees them under, e.g. `{name: username}`.",
    ),
    entry(
        "identity.client_certificates",
        Kind::Section,
        "Certificates of clients are credentials ([certificates.md](certificates.md)): those of the authorities in \
         `server.tls.client_ca`.",
    ),
    entry(
        "identity.client_certificates.subject",
        Kind::Word,
        "The name of a certificate that is its subject's. A certificate must have exactly one of them.",
    ),
    entry("identity.client_certificates.type", Kind::Text, "What the subjects are: `input.subject.type`."),
    entry(
        "identity.client_certificates.agent",
        Kind::Flag,
        "Whether the subjects are agents: the name is the id of an agent in the registry or the directory file.",
    ),
    entry(
        "identity.proxies",
        Kind::Texts,
        "Subjects of the certificates of proxies. A proxy's own certificate is nobody's credential, and what its \
         `X-Forwarded-Client-Cert` says of its client's counts instead ([certificates.md](certificates.md)). From others the \
         header is refused.",
    ),
    entry(
        "identity.delegations.headers",
        Kind::Texts,
        "Headers that name a delegation of the directory, beside the credential of the agent to whom it was granted.",
    ),
    entry(
        "identity.delegations.max_depth",
        Kind::Number,
        "How many delegations may stand in a chain, from 1 to 8. With `1`, an agent cannot pass on what was delegated to it.",
    ),
    entry(
        "identity.dockfile",
        Kind::Path,
        "Dockfile (Dockrion) whose `auth:` section is accepted as it stands: mode, keys, JWT, roles and rate limits. What it says \
         may not be said in the configuration, too.",
    ),
    entry(
        "identity.static",
        Kind::Path,
        "The directory: a YAML file with organisations, agents, keys, delegations, roles and revocations \
         ([directory-file.md](directory-file.md)). It is read again within about a second of a change, and on SIGHUP; a file \
         with an error changes nothing, and shows in log, metrics and `/v1/status`.",
    ),
    entry(
        "identity.api_keys.headers",
        Kind::Texts,
        "Headers in which API keys are looked for, besides bearer tokens without dots. They are looked at where there can be \
         a key: with `identity.static`, `env` or `env_prefix`. `x-agentpack-key` takes bridge keys and \
         `x-agentpack-device-key` device keys, and nothing else.",
    ),
    entry("identity.api_keys.env", Kind::Sections, "API keys in environment variables."),
    entry(
        "identity.api_keys.env[].variable",
        Kind::Text,
        "The variable with the key: at least 16 visible ASCII characters. Where it is not set, the server does not start.",
    ),
    entry("identity.api_keys.env[].id", Kind::Text, "The caller's id; by default the variable's name."),
    entry("identity.api_keys.env[].type", Kind::Text, "The caller's type."),
    entry("identity.api_keys.env[].roles", Kind::Texts, "The caller's roles."),
    entry("identity.api_keys.env[].scopes", Kind::Texts, "The caller's scopes."),
    entry(
        "identity.api_keys.env[].permissions",
        Kind::Texts,
        "The caller's permissions, besides those of its roles.",
    ),
    entry("identity.api_keys.env[].tenant", Kind::Text, "The caller's tenant."),
    entry(
        "identity.api_keys.env[].metadata",
        Kind::TextMap,
        "What else policy finds in `input.subject.attributes`.",
    ),
    entry(
        "identity.api_keys.env_prefix",
        Kind::Sections,
        "API keys in all environment variables whose names begin alike, a caller each.",
    ),
    entry(
        "identity.api_keys.env_prefix[].prefix",
        Kind::Text,
        "What the names begin with, e.g. `AGENT_KEY_`. The rest of a name is the caller's id: `PROD` for `AGENT_KEY_PROD`.",
    ),
    entry("identity.api_keys.env_prefix[].type", Kind::Text, "The callers' type."),
    entry("identity.api_keys.env_prefix[].roles", Kind::Texts, "The callers' roles."),
    entry("identity.api_keys.env_prefix[].scopes", Kind::Texts, "The callers' scopes."),
    entry(
        "identity.api_keys.env_prefix[].permissions",
        Kind::Texts,
        "The callers' permissions, besides those of their roles.",
    ),
    entry("identity.api_keys.env_prefix[].tenant", Kind::Text, "The callers' tenant."),
    entry(
        "identity.api_keys.env_prefix[].metadata",
        Kind::TextMap,
        "What else policy finds in `input.subject.attributes`.",
    ),
    entry(
        "identity.api_keys.guesses_per_peer",
        Kind::Text,
        "How many wrong API keys, or tokens that introspection calls inactive, an IPv4 address or an IPv6 network (/64) may try, e.g. \
         `60/minute`. Past it, every one that was not verified within the last hour is answered with 429.",
    ),
    entry(
        "identity.api_keys.guesses_per_prefix",
        Kind::Text,
        "The same for wrong API keys that begin alike, up to and including the last `_`, whoever tries them.",
    ),
    entry("identity.cache_entries", Kind::Number, "Maximum number of verified tokens to cache."),
    entry(
        "identity.cache_ttl",
        Kind::Duration,
        "How long a verified token is cached at most before it is verified again.",
    ),
];
