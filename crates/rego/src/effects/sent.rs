//! Failures of `http.send`.

use crate::builtins::error::Error;

/// Why a request has no response.
#[derive(Debug, Clone)]
pub enum Fault {
    /// An error of the built-in, as any has: `eval_http_send_internal_error` where it is not raised.
    Error(Error),
    /// `eval_http_send_network_error`: where, what, and what is said where it is raised.
    Network { message: String, raised: String },
    /// The deadline of the evaluation has passed.
    Deadline,
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}
