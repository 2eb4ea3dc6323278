//! Which kinds of tokens an issuer makes, and which are nobody's credential: a token that was made for one purpose is of no use
//! for another (RFC 8725 section 3.11).

use serde::{Deserialize, Serialize};

/// The `typ` of a transaction token (draft-ietf-oauth-transaction-tokens).
pub(in crate::identity) const TRANSACTION: &str = "txntoken+jwt";

/// What an issuer's tokens are (`identity.issuers[].token_type`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TokenType {
    /// Tokens that say who is calling.
    #[default]
    Access,
    /// Transaction tokens, which say on whose behalf and in which transaction a workload calls.
    Transaction,
}

/// Types of tokens that say something else than who is calling, and what they are.
const OTHERS: [(&str, &str); 14] = [
    ("client-authentication+jwt", "what a client shows to an authorization server"),
    ("dpop+jwt", "the proof of a key (RFC 9449), which comes in the header `DPoP`"),
    ("entity-statement+jwt", "a statement of a federation about its members"),
    ("jwk-set+jwt", "a signed set of keys"),
    ("kb+jwt", "the binding of a presentation to a key"),
    ("logout+jwt", "the notice of a logout"),
    ("oauth-authz-req+jwt", "a request to an authorization server (RFC 9101)"),
    ("oauth-id-jag+jwt", "a grant, which an authorization server exchanges for an access token"),
    ("secevent+jwt", "a security event (RFC 8417)"),
    ("statuslist+jwt", "a list of states of other tokens"),
    ("token-introspection+jwt", "an authorization server's answer (RFC 9701)"),
    (TRANSACTION, "a transaction token; an issuer of those has `token_type: transaction`"),
    ("wit+jwt", "a workload's identity, which its proof must come with"),
    ("wpt+jwt", "a workload's proof of a key"),
];

/// What tokens of a type are instead of access tokens; `None` where they may be some.
pub(in crate::identity) fn other_purpose(media_type: &str) -> Option<&'static str> {
    OTHERS.iter().find(|(name, _)| *name == media_type).map(|(_, purpose)| *purpose)
}
