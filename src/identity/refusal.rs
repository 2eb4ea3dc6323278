//! Why a token was refused: a closed list.
//!
//! INVARIANT (no oracle, no echo): a text says which class of thing is wrong, never what the token holds, nor how near
//! it came; what needs the issuer's word (times, audience, attributes) is judged only after the signature.

use crate::model::failure::{Failure, FailureKind};

/// Why a token was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Longer than [`super::jwt::jws::MAX_TOKEN_BYTES`].
    #[error("the token is longer than 8 KiB")]
    TooLong,
    /// Five parts: a JWE (RFC 7516), which nothing here decrypts.
    #[error("encrypted tokens are not accepted")]
    Encrypted,
    /// Not a signed token in compact form (RFC 7515 section 7.1).
    #[error("malformed token: {0}")]
    Malformed(&'static str),
    /// A header that changes how the token must be read (`crit`, `b64`).
    #[error("the token's header has `{0}`, which is not supported")]
    Header(&'static str),
    /// `typ` says that it is another kind of token (RFC 8725 section 3.11).
    #[error("the token's `typ` is not accepted for its issuer")]
    Type,
    /// An algorithm that is not among the issuer's (RFC 8725 section 3.1), or that nobody may use.
    #[error("the token's algorithm is not accepted")]
    Algorithm,
    /// `iss` is nobody we trust.
    #[error("unknown issuer")]
    UnknownIssuer,
    /// The issuer has no such key.
    #[error("unknown key")]
    UnknownKey,
    /// The key is the issuer's, but not for this algorithm.
    #[error("the key is not for the token's algorithm")]
    KeyMismatch,
    /// The issuer's keys could not be obtained, so nothing can be said of the token.
    #[error("the issuer's keys are not available")]
    KeysUnavailable,
    /// The issuer's keys were not confirmed for longer than `jwks_max_age`: they may have been revoked since.
    #[error("the issuer's keys are too old")]
    KeysTooOld,
    /// The signature does not fit.
    #[error("the signature is not valid")]
    Signature,
    /// A registered claim is missing or of a wrong form (RFC 7519 section 4.1).
    #[error("claim `{name}` {problem}")]
    Claim {
        /// Which claim.
        name: &'static str,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The token is for somebody else (RFC 8725 section 3.9).
    #[error("the audience does not match")]
    Audience,
    /// Several credentials name different subjects.
    #[error("the credentials name different subjects")]
    Disagreement,
    /// Past `exp` and leeway.
    #[error("the token has expired")]
    Expired,
    /// Before `nbf` and leeway.
    #[error("the token is not valid yet")]
    NotYet,
    /// A claim that the issuer's mapping reads cannot be used.
    #[error("claim `{path}` {problem}")]
    Attribute {
        /// The mapping's path: the configuration's text, not the token's.
        path: String,
        /// What is wrong with it.
        problem: &'static str,
    },
}

impl Refusal {
    /// Whether newer keys of the issuer could change the answer, so that fetching them is worth while: the key may be
    /// new, or another one under the same `kid`.
    pub(super) const fn newer_keys_may_help(&self) -> bool {
        matches!(self, Self::UnknownKey | Self::KeyMismatch | Self::Signature | Self::KeysTooOld)
    }

    /// Which of the closed list of failures it is.
    pub const fn kind(&self) -> FailureKind {
        match self {
            Self::Expired => FailureKind::CredentialExpired,
            Self::KeysUnavailable | Self::KeysTooOld => FailureKind::VerifierUnavailable,
            Self::TooLong
            | Self::Encrypted
            | Self::Malformed(_)
            | Self::Header(_)
            | Self::Type
            | Self::Algorithm
            | Self::UnknownIssuer
            | Self::UnknownKey
            | Self::KeyMismatch
            | Self::Signature
            | Self::Claim { .. }
            | Self::Audience
            | Self::Disagreement
            | Self::NotYet
            | Self::Attribute { .. } => FailureKind::CredentialInvalid,
        }
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::new(refusal.kind(), refusal.to_string())
    }
}
