//! The keys of `aip`.

use super::entry::{Entry, Kind, entry};

pub(super) const ENTRIES: &[Entry] = &[
    entry(
        "aip.policies",
        Kind::Paths,
        "AgentPolicy files (AIP), each of another name. With any, every decision is a tool call that one of them must allow, beside \
         Rego: that of the caller's agent, else the only one. They are read at the start and with every reload, and are looked at \
         for changes like the configuration file.",
    ),
    entry(
        "aip.signers",
        Kind::Paths,
        "Files of the Ed25519 public keys (PEM) that policies are signed with. With any, a policy must have a `metadata.signature` by \
         one of them. Without, a policy that has a signature is refused.",
    ),
    entry("aip.document", Kind::Text, "Document that must allow the calls of `POST /v1/validate`, too."),
];
