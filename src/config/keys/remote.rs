//! The keys of `bundles.services` and `bundles.remote`.

use super::entry::{Entry, Kind, entry};

pub(super) const ENTRIES: &[Entry] = &[
    entry(
        "bundles.services",
        Kind::SectionMap,
        "Servers that have bundles, by name ([remote-bundles.md](remote-bundles.md)). The bundles of one service come into force \
         together. At most one of `bearer`, `basic`, `oauth2` and `s3` is set.",
    ),
    entry(
        "bundles.services{}.url",
        Kind::Url,
        "Where the service is; its resources are below this URL. Over plain HTTP on other machines only without credentials, and only \
         where signatures are required.",
    ),
    entry(
        "bundles.services{}.type",
        Kind::Word,
        "`http`: files over HTTP, in OPA's bundle protocol. `oci`: images in a registry.",
    ),
    entry(
        "bundles.services{}.timeout",
        Kind::Duration,
        "How long an answer may take, the whole body included; `polling.wait` is added.",
    ),
    entry("bundles.services{}.polling.min", Kind::Duration, "Shortest pause between two questions."),
    entry(
        "bundles.services{}.polling.max",
        Kind::Duration,
        "Longest pause between two questions; chance chooses. After failures, pauses grow up to it.",
    ),
    entry(
        "bundles.services{}.polling.wait",
        Kind::Duration,
        "How long the service may hold its answer back until a bundle has changed, if it can (long polling); `0` asks for no such thing.",
    ),
    entry(
        "bundles.services{}.headers_env",
        Kind::TextMap,
        "Headers of requests, e.g. `{PRIVATE-TOKEN: GITLAB_TOKEN}`: name to the environment variable that holds the value.",
    ),
    entry("bundles.services{}.tls", Kind::Section, "TLS of this service, in place of `outbound.tls`."),
    entry("bundles.services{}.tls.ca", Kind::Path, "PEM file with authorities besides those of the system."),
    entry(
        "bundles.services{}.tls.cert",
        Kind::Path,
        "PEM file with the certificate that is shown to the service. It is read again when it changes.",
    ),
    entry("bundles.services{}.tls.key", Kind::Path, "PEM file with the certificate's private key."),
    entry(
        "bundles.services{}.tls.min_version",
        Kind::Word,
        "Oldest version of TLS that is spoken, in quotes.",
    ),
    entry(
        "bundles.services{}.bearer",
        Kind::Section,
        "A token in the header `Authorization`. Exactly one of `token`, `token_env` and `token_file` is required.",
    ),
    entry("bundles.services{}.bearer.token", Kind::Secret, "The token itself."),
    entry("bundles.services{}.bearer.token_env", Kind::Text, "Environment variable that holds the token."),
    entry(
        "bundles.services{}.bearer.token_file",
        Kind::Path,
        "File that holds the token. It is read for every request, without white space at its ends.",
    ),
    entry("bundles.services{}.bearer.scheme", Kind::Text, "The word before the token."),
    entry(
        "bundles.services{}.basic",
        Kind::Section,
        "User name and password (RFC 7617). Exactly one of `password_env` and `password_file` is required.",
    ),
    entry("bundles.services{}.basic.username", Kind::Text, "The user's name."),
    entry(
        "bundles.services{}.basic.password_env",
        Kind::Text,
        "Environment variable that holds the password.",
    ),
    entry(
        "bundles.services{}.basic.password_file",
        Kind::Path,
        "File that holds the password. It is read for every request, without white space at its ends.",
    ),
    entry(
        "bundles.services{}.oauth2",
        Kind::Section,
        "Tokens of an authorization server, for client credentials (RFC 6749 section 4.4). Exactly one of `client_secret_env` and \
         `client_secret_file` is required.",
    ),
    entry("bundles.services{}.oauth2.token_url", Kind::Url, "The token endpoint: https, or on this machine."),
    entry("bundles.services{}.oauth2.client_id", Kind::Text, "The client's id."),
    entry(
        "bundles.services{}.oauth2.client_secret_env",
        Kind::Text,
        "Environment variable that holds the client's secret.",
    ),
    entry(
        "bundles.services{}.oauth2.client_secret_file",
        Kind::Path,
        "File that holds the client's secret. It is read for every token, without white space at its ends.",
    ),
    entry("bundles.services{}.oauth2.scopes", Kind::Texts, "Scopes to ask for."),
    entry(
        "bundles.services{}.s3",
        Kind::Section,
        "Requests are signed for S3, or for what speaks its protocol (AWS Signature Version 4).",
    ),
    entry(
        "bundles.services{}.s3.region",
        Kind::Text,
        "The region, e.g. `eu-central-1`; without it, that of the environment variable `AWS_REGION`.",
    ),
    entry(
        "bundles.services{}.s3.access_key_id_env",
        Kind::Text,
        "Environment variable that holds the access key's id.",
    ),
    entry(
        "bundles.services{}.s3.secret_access_key_env",
        Kind::Text,
        "Environment variable that holds the secret access key.",
    ),
    entry(
        "bundles.services{}.s3.session_token_env",
        Kind::Text,
        "Environment variable that holds the session's token; not set where the key is no temporary one.",
    ),
    entry(
        "bundles.remote",
        Kind::SectionMap,
        "Bundles that are fetched, by name. Without one of them nothing is activated. What was in force last is kept below `state`, for \
         a start without the service.",
    ),
    entry(
        "bundles.remote{}.service",
        Kind::Text,
        "The service that has the bundle, one of `bundles.services`.",
    ),
    entry(
        "bundles.remote{}.resource",
        Kind::Text,
        "Path of the archive below the service's URL; of a registry, an image with a tag or a digest, e.g. `policies/authz:1.0`.",
    ),
    entry(
        "bundles.remote{}.minimum_revision",
        Kind::Text,
        "Lowest revision that is accepted, e.g. `42` or `1.10`. With it, revisions must be numbers, and none is accepted that is lower \
         than one that was in force.",
    ),
];
