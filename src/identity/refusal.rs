//! Why a credential was refused: a closed list.
//!
//! INVARIANT (no oracle, no echo): a text says which class of thing is wrong, never what the token holds, nor how near
//! it came; what needs the issuer's word (times, audience, attributes) is judged only after the signature.

use std::time::Duration;

use crate::model::failure::{Failure, FailureKind};
use crate::registry::TooOld;
use crate::stores::Unavailable;

/// Why a credential was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Longer than [`super::candidate::MAX_CREDENTIAL_BYTES`].
    #[error("the token is longer than 8 KiB")]
    TooLong,
    /// The `Authorization` header holds no bearer token.
    #[error("{0}")]
    Authorization(&'static str),
    /// The `Authorization` header is of another scheme.
    #[error("the Authorization scheme is not Bearer")]
    Scheme,
    /// A header of credentials has several values.
    #[error("more than one `{0}` header")]
    Duplicate(String),
    /// A header of credentials holds none.
    #[error("the `{0}` header is empty or has characters that no credential has")]
    NoCredential(String),
    /// No kind of credential that is accepted here looks like it.
    #[error("a credential of this kind is not accepted here")]
    UnknownKind,
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
    /// The subject is a workload of a trust domain that nobody configured.
    #[error("unknown trust domain")]
    UnknownTrustDomain,
    /// The issuer has no such key.
    #[error("unknown key")]
    UnknownKey,
    /// The token names the development issuer, and another one's key signed it: each `--state` has its own.
    #[error("signed by another development issuer; make the token with `--state` of this server")]
    OtherDevIssuer,
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
    /// A client's certificate cannot be taken as a credential.
    #[error("the client's certificate {0}")]
    Certificate(&'static str),
    /// A client's certificate past its end.
    #[error("the client's certificate has expired")]
    CertificateExpired,
    /// `X-Forwarded-Client-Cert` cannot be believed.
    #[error("the `x-forwarded-client-cert` header {0}")]
    Forwarded(&'static str),
    /// `X-Forwarded-Client-Cert` comes from somebody who is no configured proxy.
    #[error("the `x-forwarded-client-cert` header does not come from a proxy that may pass on certificates")]
    NotFromProxy,
    /// Several credentials name different subjects.
    #[error("the credentials name different subjects")]
    Disagreement,
    /// It is bound to a key (RFC 7800), and nothing proves that the caller holds it.
    #[error("the credential is bound to a key that the caller does not prove to hold")]
    Unproven,
    /// Its issuer says that it is not active (RFC 7662 section 2.2): expired, revoked, or never issued.
    #[error("the token is not active")]
    Inactive,
    /// It lacks a scope that every token of its issuer must have (RFC 6750 section 3.1).
    #[error("the token lacks the scope `{0}`")]
    Scope(String),
    /// Its issuer could not be asked about it, or answered what is no answer.
    #[error("the issuer cannot be asked about the token now")]
    IntrospectionUnavailable,
    /// It is bound to a key by its thumbprint, and comes without a proof (RFC 9449 section 7.2).
    #[error("the credential is bound to a key that the caller does not prove to hold")]
    WithoutProof,
    /// The scheme `DPoP` is for tokens that are bound to a key (RFC 9449 section 7.1).
    #[error("the token is presented with the scheme DPoP, and is not bound to a key that way")]
    NotBound,
    /// The proof does not hold (RFC 9449 section 4.3).
    #[error("the DPoP proof {0}")]
    Proof(&'static str),
    /// The proof was used, or perhaps was, before this process began to remember.
    #[error("the DPoP proof was used before, or is older than this server's memory of used ones")]
    ProofReplayed,
    /// A transaction token proves nothing of who presents it.
    #[error("a transaction token is used with a credential of the workload that presents it")]
    TransactionAlone,
    /// No key like it is known.
    #[error("unknown api key")]
    UnknownApiKey,
    /// It is a key for another use.
    #[error("{0}")]
    WrongUse(&'static str),
    /// There is no such delegation.
    #[error("unknown delegation")]
    UnknownDelegation,
    /// It names an agent that the directory does not have.
    #[error("unknown agent")]
    UnknownAgent,
    /// It names an agent together with an organisation that is not the agent's.
    #[error("the agent is of another organisation")]
    OtherOrganisation,
    /// Its organisation goes by a name that is another's here.
    #[error("the credential's organisation has a name that is another's here")]
    NameOfAnother,
    /// The delegation is not one that the caller can use.
    #[error("{0}")]
    Delegation(&'static str),
    /// It, or whom it names, was revoked or disabled.
    #[error("{0}")]
    Revoked(&'static str),
    /// What is known of agents and revocations is too old to rely on.
    #[error(transparent)]
    DirectoryTooOld(#[from] TooOld),
    /// It may be used once, and was.
    #[error("the credential was used before")]
    Replayed,
    /// It may be used once, and perhaps was, before this process began to remember.
    #[error("the credential is older than this server's memory of used ones; present a new one")]
    PerhapsReplayed,
    /// Whether it was used before cannot be found out now.
    #[error("whether the credential was used before cannot be found out: {0}")]
    StoreUnavailable(#[from] Unavailable),
    /// Too many wrong credentials came from this peer, or with this prefix.
    #[error("too many invalid credentials")]
    Throttled {
        /// When to try again.
        retry_after: Duration,
    },
    /// The AgentPolicy that a session token names is another now, or is not in force.
    #[error("the session's policy has changed")]
    PolicyChanged,
    /// The session was opened by another process.
    #[error("the session is another process's")]
    SessionMismatch,
    /// The session was opened elsewhere.
    #[error("the session was opened elsewhere")]
    BindingMismatch,
    /// Past `exp` and leeway.
    #[error("the token has expired")]
    Expired,
    /// An API key past its end.
    #[error("the api key has expired")]
    KeyExpired,
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
            Self::Expired | Self::KeyExpired | Self::CertificateExpired => FailureKind::CredentialExpired,
            Self::StoreUnavailable(Unavailable::Denied) => FailureKind::Misconfigured,
            Self::KeysUnavailable
            | Self::IntrospectionUnavailable
            | Self::KeysTooOld
            | Self::StoreUnavailable(_)
            | Self::DirectoryTooOld(_) => FailureKind::VerifierUnavailable,
            Self::Scope(_) => FailureKind::InsufficientPermissions,
            Self::Revoked(_) => FailureKind::CredentialRevoked,
            Self::Replayed | Self::PerhapsReplayed | Self::ProofReplayed => FailureKind::CredentialReplayed,
            Self::Throttled { .. } => FailureKind::RateLimited,
            Self::Delegation(_) | Self::OtherOrganisation | Self::NameOfAnother => FailureKind::Mismatch,
            Self::TooLong
            | Self::Authorization(_)
            | Self::Scheme
            | Self::PolicyChanged
            | Self::SessionMismatch
            | Self::BindingMismatch
            | Self::Duplicate(_)
            | Self::NoCredential(_)
            | Self::UnknownKind
            | Self::Encrypted
            | Self::Malformed(_)
            | Self::Header(_)
            | Self::Type
            | Self::Algorithm
            | Self::UnknownIssuer
            | Self::UnknownTrustDomain
            | Self::UnknownKey
            | Self::OtherDevIssuer
            | Self::KeyMismatch
            | Self::Signature
            | Self::Claim { .. }
            | Self::Audience
            | Self::Certificate(_)
            | Self::Forwarded(_)
            | Self::NotFromProxy
            | Self::Disagreement
            | Self::Unproven
            | Self::Inactive
            | Self::WithoutProof
            | Self::NotBound
            | Self::Proof(_)
            | Self::TransactionAlone
            | Self::UnknownApiKey
            | Self::UnknownDelegation
            | Self::UnknownAgent
            | Self::WrongUse(_)
            | Self::NotYet
            | Self::Attribute { .. } => FailureKind::CredentialInvalid,
        }
    }
}

impl Refusal {
    /// What AIP calls it (v1alpha2 section 7.2), where a session token was expected.
    const fn code(&self) -> Option<&'static str> {
        Some(match self {
            Self::Scheme => "token_required",
            Self::Expired => "token_expired",
            Self::PolicyChanged => "policy_changed",
            Self::SessionMismatch => "session_mismatch",
            Self::BindingMismatch => "binding_mismatch",
            Self::Replayed | Self::PerhapsReplayed => "replay_detected",
            Self::Audience => "audience_mismatch",
            Self::Revoked(_) => "token_revoked",
            _ if matches!(self.kind(), FailureKind::CredentialInvalid) => "malformed",
            _ => return None,
        })
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        let code = refusal.code();
        let failure = Self { code, ..Self::new(refusal.kind(), refusal.to_string()) };
        match refusal {
            Refusal::Throttled { retry_after } => failure.retry_after(retry_after),
            _ => failure,
        }
    }
}
