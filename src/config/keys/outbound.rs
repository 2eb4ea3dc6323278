//! The keys of `outbound`.

use super::entry::{Entry, Kind, entry};

pub(super) const ENTRIES: &[Entry] = &[
    entry(
        "outbound.tls.ca",
        Kind::Path,
        "PEM file with authorities besides those of the system, for the servers that Verdict calls: issuers' keys, introspection, bundle \
         endpoints, events, secrets managers. Not for `http.send`, which names its own.",
    ),
    entry(
        "outbound.tls.cert",
        Kind::Path,
        "PEM file with the certificate that Verdict shows to servers that ask for one. It is read again when it changes.",
    ),
    entry("outbound.tls.key", Kind::Path, "PEM file with the certificate's private key."),
    entry("outbound.tls.min_version", Kind::Word, "Oldest version of TLS that is spoken, in quotes."),
];
