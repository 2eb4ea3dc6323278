//! Why an event is not taken: the codes of RFC 8935 section 2.4.

use crate::identity::Refusal;

/// Why an event is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It is no event, or not what its kind of event is to be.
    #[error("{0}")]
    Invalid(String),
    /// Its signature, its key or its algorithm is not one of its issuer's.
    #[error("{0}")]
    Key(String),
    /// It is of another issuer than its stream.
    #[error("the event is not of the stream's issuer")]
    Issuer,
    /// It is for somebody else.
    #[error("the event is for another audience")]
    Audience,
    /// It names a verification that nobody asked for.
    #[error("the verification has another `state` than the one that was asked for")]
    State,
    /// It is about somebody whom the stream does not speak for.
    #[error("the stream does not speak for the issuer of the subject")]
    Access,
    /// It cannot be judged or stored now, and may be sent again.
    #[error("{0}")]
    Unavailable(String),
}

impl Refused {
    /// An event that is not what it is to be.
    pub fn invalid(why: impl Into<String>) -> Self {
        Self::Invalid(why.into())
    }

    /// The code for whoever sent it; none where it may be sent again.
    pub const fn code(&self) -> Option<&'static str> {
        Some(match self {
            Self::Invalid(_) => "invalid_request",
            Self::Key(_) => "invalid_key",
            Self::Issuer => "invalid_issuer",
            Self::Audience => "invalid_audience",
            Self::State => "invalid_state",
            Self::Access => "access_denied",
            Self::Unavailable(_) => return None,
        })
    }
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::UnknownIssuer => Self::Issuer,
            Refusal::Audience => Self::Audience,
            Refusal::Algorithm | Refusal::UnknownKey | Refusal::KeyMismatch | Refusal::Signature => {
                Self::Key(refusal.to_string())
            }
            Refusal::KeysUnavailable | Refusal::KeysTooOld => Self::Unavailable(refusal.to_string()),
            other => Self::Invalid(other.to_string()),
        }
    }
}
