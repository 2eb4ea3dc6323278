//! The names of the environment variables.

use super::keys::{Entry, entries};
use crate::document::suggest::closest;

/// What all of them begin with.
pub(super) const PREFIX: &str = "VERDICT_";
/// The variable that names the configuration file where no `--config` does.
pub(super) const CONFIG_FILE: &str = "VERDICT_CONFIG";
/// The variable that says which diagnostics are shown.
pub(super) const LOG_FILTER: &str = "VERDICT_LOG";

/// The variable that names the file of credentials that the commands of administration call with.
pub(super) const CREDENTIALS: &str = "VERDICT_CREDENTIALS";
/// The variable that has the key itself.
pub(super) const API_KEY: &str = "VERDICT_API_KEY";

/// Variables that begin as the configuration's do and are something else.
pub(super) const OTHER_VARIABLES: [&str; 4] = [CONFIG_FILE, LOG_FILTER, CREDENTIALS, API_KEY];

/// The environment variable for a dotted key.
pub(super) fn environment_name(key: &str) -> String {
    format!("{PREFIX}{}", key.to_uppercase().replace('.', "__"))
}

/// Whether the key is one place, not one in each element of a list or a map, and so has a variable.
pub(super) fn stands_alone(entry: &Entry) -> bool {
    !entry.key.contains("[]") && !entry.key.contains("{}")
}

/// The variable that was probably meant.
pub(super) fn suggestion(name: &str) -> Option<String> {
    let names: Vec<String> =
        entries().filter(|entry| stands_alone(entry)).map(|entry| environment_name(entry.key)).collect();
    let known = names.iter().map(String::as_str).chain(OTHER_VARIABLES);
    // The prefix that all share would make them all alike.
    let guess = closest(name.strip_prefix(PREFIX)?, known.filter_map(|name| name.strip_prefix(PREFIX)))?;
    Some(format!("{PREFIX}{guess}"))
}
