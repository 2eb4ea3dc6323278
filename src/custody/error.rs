//! Why there is no secret.

/// Why there is no secret, or why a configuration cannot lead to one. Shows neither secrets nor tokens.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{at}: {message}; {hint}")]
pub struct CustodyError {
    /// The key of the configuration, e.g. `registry.master_key.vault`.
    pub at: String,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub hint: String,
}

impl CustodyError {
    pub(super) fn new(at: impl Into<String>, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { at: at.into(), message: message.into(), hint: hint.into() }
    }
}
