//! What is wrong with `doors:` in the configuration.

/// What is wrong at a key of `doors`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flaw {
    /// The key, e.g. `doors.http.routes[1].path`.
    pub at: String,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub hint: String,
}

impl Flaw {
    /// A flaw at a key, with what to do about it.
    pub fn new(at: impl Into<String>, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { at: at.into(), message: message.into(), hint: hint.into() }
    }
}
