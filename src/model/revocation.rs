//! What a revocation can name.

use super::clock::Timestamp;

/// The facts of a verified credential that a revocation can name. A later use of the credential asks again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RevocationFacts {
    /// The credential's own identifier (JWT `jti`).
    pub jti: Option<String>,
    /// The session that it belongs to (OpenID Connect `sid`).
    pub session: Option<String>,
    /// The key that it is, or that signed it: the id of an API key, the `kid` of a token.
    pub key: Option<String>,
    /// Who vouches for the subject.
    pub issuer: Option<String>,
    /// The subject.
    pub subject: Option<String>,
    /// What else its issuer calls the subject: the `sub` where policy knows it by another claim, and mail addresses in lower case.
    pub aliases: Vec<String>,
    /// The agents that the call is made by or for: the subject itself where it is one, and every actor.
    pub agents: Vec<String>,
    /// The organisation.
    pub organisation: Option<String>,
    /// When the credential was issued (JWT `iat`).
    pub issued_at: Option<Timestamp>,
}
