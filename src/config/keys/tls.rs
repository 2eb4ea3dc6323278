//! The keys of TLS on either listener.

use super::entry::{Entry, Kind, entry};

/// The keys of one listener, of which `$what` is served.
macro_rules! listener {
    ($listener:literal, $what:literal) => {
        &[
            entry(
                concat!($listener, ".tls"),
                Kind::Section,
                concat!(
                    "Serves ",
                    $what,
                    " by TLS ([tls.md](tls.md)), and by nothing else. Without it, plain HTTP is spoken."
                ),
            ),
            entry(
                concat!($listener, ".tls.cert"),
                Kind::Path,
                "PEM file with the certificate, and with those between it and its authority. The files are read again when they \
                 change, and on SIGHUP.",
            ),
            entry(
                concat!($listener, ".tls.key"),
                Kind::Path,
                "PEM file with the private key, which only its owner may read (mode 0600).",
            ),
            entry(
                concat!($listener, ".tls.client_ca"),
                Kind::Path,
                "PEM file with the authorities that vouch for clients.",
            ),
            entry(
                concat!($listener, ".tls.client_crl"),
                Kind::Path,
                "PEM file with the revocation lists (CRLs) of those authorities. Every authority of a path must have one, and one \
                 that has ended refuses all of its authority's clients.",
            ),
            entry(
                concat!($listener, ".tls.client_spiffe"),
                Kind::Flag,
                "Whether clients may show an X.509-SVID of a trust domain in `identity.spiffe`. A certificate that names a workload \
                 is then verified by its trust domain alone.",
            ),
            entry(
                concat!($listener, ".tls.client_auth"),
                Kind::Word,
                "Whether clients show a certificate; by default `required` with `client_ca` or `client_spiffe`, else `none`.",
            ),
            entry(
                concat!($listener, ".tls.min_version"),
                Kind::Word,
                "Oldest version of TLS that is spoken, in quotes.",
            ),
        ]
    };
}

pub(super) const SERVER: &[Entry] = listener!("server", "calls");
pub(super) const MANAGEMENT: &[Entry] = listener!("management", "management");
