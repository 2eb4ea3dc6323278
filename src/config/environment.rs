//! The layer of the environment: `VERDICT_SECTION__KEY`.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::sync::Arc;

use super::variables::{self, OTHER_VARIABLES, PREFIX};
use crate::document::flaw::Flaw;
use crate::document::tree::{Node, Origin, Part, Path, Step};
use crate::document::yaml;

/// The environment of the process, read once.
#[derive(Clone, Default)]
pub struct Environment {
    variables: BTreeMap<String, String>,
    /// Names whose values are not UTF-8.
    not_text: Vec<String>,
}

/// Names alone: values may be secrets.
impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.variables.keys()).entries(&self.not_text).finish()
    }
}

impl Environment {
    /// The variable that names the configuration file where no `--config` does.
    pub const CONFIG_FILE: &str = variables::CONFIG_FILE;
    /// The variable that says which diagnostics are shown, e.g. `info` or `verdict=debug`.
    pub const LOG_FILTER: &str = variables::LOG_FILTER;
    /// The variable that names the file of credentials that the commands of administration call with.
    pub const CREDENTIALS: &str = variables::CREDENTIALS;
    /// The variable that has the key that they call with.
    pub const API_KEY: &str = variables::API_KEY;

    /// The environment of this process.
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the environment")]
    pub fn capture() -> Self {
        Self::from_os(std::env::vars_os())
    }

    fn from_os(variables: impl Iterator<Item = (OsString, OsString)>) -> Self {
        let mut environment = Self::default();
        for (name, value) in variables {
            let name = name.to_string_lossy().into_owned();
            match value.into_string() {
                Ok(value) => {
                    environment.variables.insert(name, value);
                }
                Err(_) => environment.not_text.push(name),
            }
        }
        environment
    }

    /// The value of a variable; an empty one counts as not set.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// All variables that are text.
    pub fn all(&self) -> &BTreeMap<String, String> {
        &self.variables
    }

    /// The names of variables that are not text.
    pub fn not_text(&self) -> &[String] {
        &self.not_text
    }

    /// The variables that are meant for the configuration.
    fn configuration(&self) -> impl Iterator<Item = (&str, &str)> {
        let all = self.variables.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        all.filter(|(name, value)| is_configuration(name) && !value.is_empty())
    }

    /// Puts what the variables say over what `tree` says.
    pub(super) fn set(&self, tree: &mut Node) -> Vec<Flaw> {
        let mut flaws = Vec::new();
        for name in self.not_text.iter().filter(|name| name.starts_with(PREFIX)) {
            flaws.push(flaw(name, "the value is not UTF-8".to_owned(), None));
        }
        for (name, value) in self.configuration() {
            if let Some(hint) = not_ours(name, value) {
                flaws.push(flaw(name, "no key of the configuration has this name".to_owned(), Some(hint)));
                continue;
            }
            let origin = Origin::Env(Arc::from(name));
            if let Err(in_the_way) = tree.set(&path_of(name), yaml::parse_value(value, &origin)) {
                let whole = variables::environment_name(&in_the_way.to_string());
                let message = format!("`{in_the_way}` cannot be set in parts; set `{whole}` as a whole");
                flaws.push(flaw(name, message, None));
            }
        }
        flaws
    }
}

fn flaw(name: &str, message: String, hint: Option<String>) -> Flaw {
    Flaw {
        path: Path::default(),
        part: Part::Value,
        origin: Origin::Env(name.into()),
        message,
        hint,
        known: None,
    }
}

fn path_of(name: &str) -> Path {
    let keys = name.strip_prefix(PREFIX).unwrap_or(name).split("__").map(str::to_lowercase);
    Path(keys.map(Step::Key).collect())
}

/// Why a variable is not meant for a key, where its name alone says so: what to do about it.
fn not_ours(name: &str, value: &str) -> Option<String> {
    let upper = name.to_uppercase();
    if upper != name {
        // Two spellings of one name could contradict each other.
        return Some(format!("write it in capitals: `{upper}`"));
    }
    is_service_link(name, value).then(|| {
        "Kubernetes sets it for a Service whose name begins with `verdict`; give the pod \
         `enableServiceLinks: false`, or the Service another name"
            .to_owned()
    })
}

/// The variables that Kubernetes gives every pod for each Service of its namespace, e.g. `VERDICT_PORT_8181_TCP_ADDR`.
/// A key's name has `__` below its section, so that none of them can be one.
fn is_service_link(name: &str, value: &str) -> bool {
    let docker_style = |rest: &str| {
        let (number, rest) = rest.split_once('_').unwrap_or((rest, ""));
        !number.is_empty()
            && number.bytes().all(|b| b.is_ascii_digit())
            && ["TCP", "UDP"].iter().any(|p| rest.starts_with(p))
    };
    !name.contains("__")
        && (name.ends_with("_SERVICE_HOST")
            || name.ends_with("_SERVICE_PORT")
            || name.contains("_SERVICE_PORT_")
            || (name.ends_with("_PORT") && value.contains("://"))
            || name.split_once("_PORT_").is_some_and(|(_, rest)| docker_style(rest)))
}

fn is_configuration(name: &str) -> bool {
    name.starts_with(PREFIX) && !OTHER_VARIABLES.contains(&name)
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Environment {
    fn from_iter<T: IntoIterator<Item = (N, V)>>(variables: T) -> Self {
        let variables = variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        Self { variables, not_text: Vec::new() }
    }
}
