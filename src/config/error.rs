//! Why there is no configuration, and what the configuration's own table of keys can suggest.

use super::{keys, variables};
pub use crate::document::Problem;
use crate::document::flaw::{Flaw, Known};
pub(crate) use crate::document::suggest::closest;
use crate::document::suggest::did_you_mean;
use crate::document::tree::{Origin, Step};

/// Why there is no configuration. Never without a problem in it.
#[derive(Debug, thiserror::Error)]
#[error("{}", .problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
pub struct ConfigError {
    /// Everything that was found, in the order of the search.
    pub problems: Vec<Problem>,
}

impl From<Problem> for ConfigError {
    fn from(problem: Problem) -> Self {
        Self { problems: vec![problem] }
    }
}

/// The flaw with a hint that needs the names of keys and variables, where one does.
pub(super) fn with_hint(mut flaw: Flaw) -> Flaw {
    if flaw.hint.is_none() {
        flaw.hint = hint(&flaw);
    }
    flaw
}

fn hint(flaw: &Flaw) -> Option<String> {
    let (Some(Known::Keys(known)), Some(Step::Key(given))) = (flaw.known, flaw.path.0.last()) else {
        return None;
    };
    if let Origin::Env(name) = &flaw.origin {
        let guess = variables::suggestion(name);
        return Some(did_you_mean(guess.as_deref(), "`verdict config --reference` lists the names"));
    }
    match (closest(given, known.iter().copied()), keys::home_of(given)) {
        (None, Some(home)) => Some(did_you_mean(Some(home), &flaw.known_keys(known))),
        _ => None,
    }
}
