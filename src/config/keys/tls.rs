//! The keys of TLS on either listener.

use super::entry::{Entry, Kind, entry};

pub(super) const ENTRIES: &[Entry] = &[
    entry(
        "server.tls",
        Kind::Section,
        "Serves calls by TLS ([tls.md](tls.md)), and by nothing else. Without it, plain HTTP is spoken.",
    ),
    entry(
        "server.tls.cert",
        Kind::Path,
        "PEM file with the certificate, and with those between it and its authority. The files are read again when they change, and \
         on SIGHUP.",
    ),
    entry(
        "server.tls.key",
        Kind::Path,
        "PEM file with the private key, which only its owner may read (mode 0600).",
    ),
    entry("server.tls.client_ca", Kind::Path, "PEM file with the authorities that vouch for clients."),
    entry(
        "server.tls.client_crl",
        Kind::Path,
        "PEM file with the revocation lists (CRLs) of those authorities. Every authority of a path must have one, and one that has \
         ended refuses all of its authority's clients.",
    ),
    entry(
        "server.tls.client_spiffe",
        Kind::Flag,
        "Whether clients may show an X.509-SVID of a trust domain in `identity.spiffe`. A certificate that names a workload is then \
         verified by its trust domain alone.",
    ),
    entry(
        "server.tls.client_auth",
        Kind::Word,
        "Whether clients show a certificate; by default `required` with `client_ca` or `client_spiffe`, else `none`.",
    ),
    entry("server.tls.min_version", Kind::Word, "Oldest version of TLS that is spoken, in quotes."),
    entry(
        "management.tls",
        Kind::Section,
        "Serves management by TLS ([tls.md](tls.md)), and by nothing else. Without it, plain HTTP is spoken.",
    ),
    entry(
        "management.tls.cert",
        Kind::Path,
        "PEM file with the certificate, and with those between it and its authority. The files are read again when they change, and \
         on SIGHUP.",
    ),
    entry(
        "management.tls.key",
        Kind::Path,
        "PEM file with the private key, which only its owner may read (mode 0600).",
    ),
    entry("management.tls.client_ca", Kind::Path, "PEM file with the authorities that vouch for clients."),
    entry(
        "management.tls.client_crl",
        Kind::Path,
        "PEM file with the revocation lists (CRLs) of those authorities. Every authority of a path must have one, and one that has \
         ended refuses all of its authority's clients.",
    ),
    entry(
        "management.tls.client_spiffe",
        Kind::Flag,
        "Whether clients may show an X.509-SVID of a trust domain in `identity.spiffe`. A certificate that names a workload is then \
         verified by its trust domain alone.",
    ),
    entry(
        "management.tls.client_auth",
        Kind::Word,
        "Whether clients show a certificate; by default `required` with `client_ca` or `client_spiffe`, else `none`.",
    ),
    entry("management.tls.min_version", Kind::Word, "Oldest version of TLS that is spoken, in quotes."),
];
