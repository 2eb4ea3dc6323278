//! Why a command of administration did not do what it was asked for.

use std::process::ExitCode;

use crate::cli::print::complain;

/// Why.
#[derive(Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The server says no.
    Refused(String),
    /// It could not be tried.
    Untried(String),
}

/// What is wrong before anything is asked.
impl From<String> for Trouble {
    fn from(message: String) -> Self {
        Self::Untried(message)
    }
}

impl Trouble {
    /// That it could not be tried.
    pub fn untried(message: impl Into<String>) -> Self {
        Self::Untried(message.into())
    }
}

/// The exit code of what was done or not, which is complained about.
pub fn ended(done: Result<(), Trouble>) -> ExitCode {
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(Trouble::Refused(message)) => {
            complain(&message);
            ExitCode::from(1)
        }
        Err(Trouble::Untried(message)) => {
            complain(&message);
            ExitCode::from(2)
        }
    }
}

/// A text without what a terminal would obey.
pub fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}
