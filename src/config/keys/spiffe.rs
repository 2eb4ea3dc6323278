//! The keys of `identity.spiffe`.

use super::entry::{Entry, Kind, entry};

pub(super) const ENTRIES: &[Entry] = &[
    entry(
        "identity.spiffe",
        Kind::Section,
        "SPIFFE trust domains whose workloads may call ([spiffe.md](spiffe.md)). Their subjects have the SPIFFE ID as \
         `id`, the trust domain as `issuer` (`spiffe://example.org`), and as `type` the first segment of the path where that is \
         `agent` or `service`, else `workload`.",
    ),
    entry(
        "identity.spiffe.trust_domains",
        Kind::Sections,
        "The trust domains; at least one. A credential is verified by the bundle of the trust domain of its SPIFFE ID, and by no \
         other.",
    ),
    entry(
        "identity.spiffe.trust_domains[].name",
        Kind::Text,
        "Name of the trust domain, e.g. `example.org`. Must be unique.",
    ),
    entry(
        "identity.spiffe.trust_domains[].bundle_file",
        Kind::Path,
        "File with its bundle, as `spire-server bundle show -format spiffe` writes it. It is read again when it changes. A trust \
         domain has exactly one of `bundle_file`, `workload_api` and `federation`; only with `profile: https_spiffe`, a \
         `bundle_file` may stand beside `federation`: it is read once, at the start.",
    ),
    entry(
        "identity.spiffe.trust_domains[].workload_api",
        Kind::Text,
        "Unix socket of the SPIFFE Workload API that has its bundle, e.g. `unix:///run/spire/agent-sockets/api.sock`. Changes \
         are in force as soon as the agent says so. A trust domain that the agent has no bundle of is not trusted.",
    ),
    entry(
        "identity.spiffe.trust_domains[].federation",
        Kind::Section,
        "Bundle endpoint that has its bundle (SPIFFE Federation). It is asked as often as the bundle says \
         (`spiffe_refresh_hint`), else every 5 minutes; at most every 10 s, and at least twice in `bundle_max_age`. Redirects are \
         not followed. A bundle with a lower `spiffe_sequence` than before is not taken.",
    ),
    entry(
        "identity.spiffe.trust_domains[].federation.endpoint_url",
        Kind::Url,
        "URL of the endpoint; over plain HTTP only on this machine.",
    ),
    entry(
        "identity.spiffe.trust_domains[].federation.profile",
        Kind::Word,
        "How the endpoint is authenticated: `https_web`, by a certificate of the operating system's authorities, or \
         `https_spiffe`, by an X.509-SVID.",
    ),
    entry(
        "identity.spiffe.trust_domains[].federation.endpoint_spiffe_id",
        Kind::Text,
        "SPIFFE ID of the endpoint, for `https_spiffe`. Its own trust domain vouches for it; where that is the one whose bundle \
         it has, a `bundle_file` is needed to begin with.",
    ),
    entry(
        "identity.spiffe.audience",
        Kind::TextOrTexts,
        "Accepted audiences; the `aud` of a JWT-SVID must name one of them. Without it, no JWT-SVID is accepted.",
    ),
    entry(
        "identity.spiffe.bundle_max_age",
        Kind::Duration,
        "How long a bundle is used after it was last read. Past it, credentials of its trust domain are refused with 503, cached \
         ones included, and the server reports not ready. At least `10m`.",
    ),
    entry("identity.spiffe.leeway", Kind::Duration, "How far clocks may differ; at most `5m`."),
];
