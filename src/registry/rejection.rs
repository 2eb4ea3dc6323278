//! Why a change or a look at the registry is refused, as a closed list.

/// What is wrong; doors map it to their statuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RejectionKind {
    /// What was sent is not right (400).
    Invalid,
    /// There is no such thing, or it is another tenant's (404).
    NotFound,
    /// The caller may not do this (403).
    Forbidden,
    /// It is there already, or in a state that does not allow it (409).
    Conflict,
}

/// Why it is refused, for whoever asked: lower case, no full stop, no secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Rejection {
    /// What is wrong.
    pub kind: RejectionKind,
    /// The member of the request that it is about, e.g. `expires_at`.
    pub field: Option<&'static str>,
    /// Says it.
    pub message: String,
}

impl Rejection {
    /// A member of the request is not right.
    pub fn invalid(field: &'static str, message: impl Into<String>) -> Self {
        Self { kind: RejectionKind::Invalid, field: Some(field), message: message.into() }
    }

    /// There is no such thing, as far as the caller may know.
    pub fn not_found(what: &str, id: &str) -> Self {
        Self { kind: RejectionKind::NotFound, field: None, message: format!("there is no {what} `{id}`") }
    }

    /// The caller may not do this.
    pub fn forbidden(message: impl Into<String>) -> Self {
        Self { kind: RejectionKind::Forbidden, field: None, message: message.into() }
    }

    /// It is there already, or in a state that does not allow it.
    pub fn conflict(message: impl Into<String>) -> Self {
        Self { kind: RejectionKind::Conflict, field: None, message: message.into() }
    }
}
