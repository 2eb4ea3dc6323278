//! What is wrong with `identity:` in the configuration.

/// What is wrong with `identity:` in the configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{at}: {message}; {hint}")]
pub struct ConfigError {
    /// The key, e.g. `identity.issuers[1].algorithms`.
    pub at: String,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub hint: String,
    /// Set where the value means something but is insecure, so that a flag can allow it.
    pub risk: Option<Risk>,
}

/// What can be allowed by a flag, though it is insecure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Risk {
    /// An issuer whose tokens are accepted whomever they are for.
    NoAudience,
    /// Keys, or what names them, that come over plain HTTP from another machine.
    HttpJwks,
}

impl ConfigError {
    /// An error at a key, with what to do about it.
    pub fn new(at: impl Into<String>, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { at: at.into(), message: message.into(), hint: hint.into(), risk: None }
    }
}
