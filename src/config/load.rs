//! The layers: defaults < file < environment < flags.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::File;
use std::io::Read;
use std::net::SocketAddr;
use std::path::{Path as FsPath, PathBuf};
use std::sync::Arc;

use super::error::{ConfigError, Flaw, Problem, SourceFile};
use super::tree::{Data, Node, Origin, Path, Step};
use super::validate::{self, Profile};
use super::yaml::{self, Part};
use super::{Config, reference, typed};

/// Larger than any configuration a person writes.
const LARGEST_FILE: u64 = 4 << 20;

const PREFIX: &str = "VERDICT_";

/// Variables that begin as the configuration's do and are something else: the file to read, and what the diagnostics
/// show.
const OTHER_VARIABLES: [&str; 2] = [Environment::CONFIG_FILE, Environment::LOG_FILTER];

/// The environment of the process, read once.
#[derive(Debug, Clone, Default)]
pub struct Environment {
    variables: BTreeMap<String, String>,
    /// Names whose values are not UTF-8.
    not_text: Vec<String>,
}

impl Environment {
    /// The variable that names the configuration file where no `--config` does.
    pub const CONFIG_FILE: &str = "VERDICT_CONFIG";
    /// The variable that says which diagnostics are shown, e.g. `info` or `verdict=debug`.
    pub const LOG_FILTER: &str = "VERDICT_LOG";

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

    /// The variables that are meant for the configuration.
    fn configuration(&self) -> impl Iterator<Item = (&str, &str)> {
        let all = self.variables.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        all.filter(|(name, value)| is_configuration(name) && !value.is_empty())
    }
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

/// What the flags of the command line say.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    /// `--state`
    pub state: Option<PathBuf>,
    /// `--bundles`
    pub bundles: Option<PathBuf>,
    /// `--listen`
    pub listen: Option<SocketAddr>,
}

/// Where the configuration comes from, and what it is for.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// The configuration file; without one, the one that `VERDICT_CONFIG` names, or none.
    pub file: Option<PathBuf>,
    /// The environment.
    pub env: Environment,
    /// The flags.
    pub overrides: Overrides,
    /// What is acceptable.
    pub profile: Profile,
}

/// A configuration that is complete and consistent, and acceptable to its profile.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The configuration in effect. Paths that the file gives are absolute.
    pub config: Config,
    /// What is allowed and still worth a loud line.
    pub warnings: Vec<String>,
    sources: Sources,
}

impl Loaded {
    /// Reads the same sources again (the environment and the flags as they were at the start).
    ///
    /// # Errors
    /// As [`load`]; this configuration stays as it is.
    pub fn reload(&self) -> Result<Self, ConfigError> {
        load(self.sources.clone())
    }

    /// The configuration file, if there is one.
    pub fn file(&self) -> Option<&FsPath> {
        self.sources.file.as_deref()
    }

    /// What the configuration was loaded for.
    pub const fn profile(&self) -> Profile {
        self.sources.profile
    }
}

/// Loads the configuration.
///
/// # Errors
/// Everything that is wrong with it, each with its place.
pub fn load(mut sources: Sources) -> Result<Loaded, ConfigError> {
    if sources.file.is_none() {
        sources.file = sources.env.get(Environment::CONFIG_FILE).map(PathBuf::from);
    }
    let file = sources.file.as_deref().map(read_file).transpose()?;
    let mut tree = match &file {
        Some(file) => from_file(file)?,
        None => Node::empty_map(Origin::Default),
    };
    let mut flaws = set_from_environment(&mut tree, &sources.env);
    flaws.extend(set_from_flags(&mut tree, &sources.overrides));
    let (config, warnings) = match typed::read(&tree) {
        Ok(config) if flaws.is_empty() => {
            let findings = validate::check(&config, &tree, sources.profile);
            flaws.extend(findings.flaws);
            (config, findings.warnings)
        }
        Ok(config) => (config, Vec::new()),
        Err(more) => {
            flaws.extend(more);
            (Config::default(), Vec::new())
        }
    };
    if flaws.is_empty() {
        return Ok(Loaded { config, warnings, sources });
    }
    let problems: Vec<Problem> = flaws.into_iter().map(|flaw| flaw.into_problem(file.as_ref())).collect();
    Err(ConfigError { problems })
}

fn read_file(path: &FsPath) -> Result<SourceFile, ConfigError> {
    let name = path.display();
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(LARGEST_FILE + 1).read_to_end(&mut bytes));
    if let Err(error) = read {
        let hint = match error.kind() {
            std::io::ErrorKind::NotFound => Some("`verdict config --reference` shows what a file may say"),
            std::io::ErrorKind::IsADirectory => Some("name the file in it"),
            _ => None,
        };
        return Err(ConfigError::one(format!("{name}: the configuration cannot be read: {error}"), hint));
    }
    if bytes.len() as u64 > LARGEST_FILE {
        let message = format!("{name}: over {} MiB is not a configuration", LARGEST_FILE >> 20);
        return Err(ConfigError::one(message, None));
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        ConfigError::one(format!("{name}: not UTF-8 at byte {at}"), Some("save the file as UTF-8"))
    })?;
    Ok(SourceFile { path: path.to_owned(), text })
}

fn from_file(file: &SourceFile) -> Result<Node, ConfigError> {
    let mut tree = yaml::parse(&file.text, &Origin::File).map_err(|malformed| {
        let message = malformed.message;
        ConfigError { problems: vec![file.problem(malformed.place, &message, None)] }
    })?;
    if !matches!(tree.data, Data::Map(_)) {
        let place = yaml::locate(&file.text, &Path::default(), Part::Value);
        let message = "the file must be a map of keys, e.g. `server: {listen: 127.0.0.1:8181}`";
        return Err(ConfigError { problems: vec![file.problem(place, message, None)] });
    }
    // Where the file can be found from here says nothing about where the process will look for what it names.
    if let Some(folder) = file.path.parent().and_then(|folder| match folder.as_os_str().is_empty() {
        true => std::path::absolute(".").ok(),
        false => std::path::absolute(folder).ok(),
    }) {
        for pattern in reference::path_keys() {
            each_match(&mut tree, pattern.split('.'), &mut |node| make_absolute(node, &folder));
        }
    }
    Ok(tree)
}

fn make_absolute(node: &mut Node, folder: &FsPath) {
    if let Data::Text(text) = &node.data
        && !text.is_empty()
        && let Some(path) = folder.join(text).to_str()
    {
        node.data = Data::Text(path.to_owned());
    }
}

/// Calls `change` for every node at a dotted pattern, in which `issuers[]` is each element of the list `issuers`.
fn each_match<'p>(
    node: &mut Node,
    mut steps: impl Iterator<Item = &'p str> + Clone,
    change: &mut impl FnMut(&mut Node),
) {
    let Some(step) = steps.next() else {
        return change(node);
    };
    let name = step.strip_suffix("[]");
    let key = Path::keys([name.unwrap_or(step)]);
    let Some(child) = node.get_mut(&key) else {
        return;
    };
    match (&mut child.data, name) {
        (Data::List(items), Some(_)) => {
            items.iter_mut().for_each(|item| each_match(item, steps.clone(), &mut *change));
        }
        _ => each_match(child, steps, change),
    }
}

fn set_from_environment(tree: &mut Node, env: &Environment) -> Vec<Flaw> {
    let mut flaws = Vec::new();
    let mut wrong = |name: &str, message: String| {
        flaws.push(Flaw {
            path: Path::default(),
            part: Part::Value,
            origin: Origin::Env(name.into()),
            message,
            hint: None,
            known: None,
        });
    };
    for name in env.not_text.iter().filter(|name| is_configuration(name)) {
        wrong(name, "the value is not UTF-8".to_owned());
    }
    for (name, value) in env.configuration() {
        let keys: Vec<String> =
            name.strip_prefix(PREFIX).unwrap_or(name).split("__").map(str::to_lowercase).collect();
        let origin = Origin::Env(Arc::from(name));
        let path = Path(keys.into_iter().map(Step::Key).collect());
        if let Err(in_the_way) = tree.set(&path, yaml::parse_value(value, &origin)) {
            let whole = reference::environment_name(&in_the_way.to_string());
            wrong(name, format!("`{in_the_way}` cannot be set in parts; set `{whole}` as a whole"));
        }
    }
    flaws
}

fn set_from_flags(tree: &mut Node, overrides: &Overrides) -> Vec<Flaw> {
    let Overrides { state, bundles, listen } = overrides;
    let path_text = |path: &PathBuf| path.to_str().map(str::to_owned);
    let flags = [
        ("--state", "state", state.as_ref().map(path_text)),
        ("--bundles", "bundles.dir", bundles.as_ref().map(path_text)),
        ("--listen", "server.listen", listen.map(|address| Some(address.to_string()))),
    ];
    let mut flaws = Vec::new();
    for (flag, key, given) in flags {
        let message = match given {
            None => continue,
            Some(None) => "the path is not UTF-8".to_owned(),
            Some(Some(text)) => {
                let node = Node::new(Data::Text(text), Origin::Flag(flag));
                match tree.set(&Path::dotted(key), node) {
                    Ok(()) => continue,
                    // What stands in the way has the wrong type, and is reported for that.
                    Err(_) => continue,
                }
            }
        };
        let path = Path::dotted(key);
        let (part, origin) = (Part::Value, Origin::Flag(flag));
        flaws.push(Flaw { path, part, origin, message, hint: None, known: None });
    }
    flaws
}
