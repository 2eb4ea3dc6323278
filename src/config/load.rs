//! The layers: defaults < file < environment < flags.

use std::fs::File;
use std::io::Read;
use std::net::SocketAddr;
use std::path::{Path as FsPath, PathBuf};

use super::environment::Environment;
use super::error::{ConfigError, Flaw, Problem, SourceFile};
use super::tree::{Data, Node, Origin, Path};
use super::validate::{self, Profile};
use super::yaml::{self, Part};
use super::{Config, reference, typed};
use crate::bundle::signature::{KeyConfig, KeyText};

/// Larger than any configuration a person writes.
const LARGEST_FILE: u64 = 1 << 20;

/// What the flags of the command line say.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    /// `--state`
    pub state: Option<PathBuf>,
    /// `--bundles`
    pub bundles: Option<PathBuf>,
    /// `--listen`
    pub listen: Option<SocketAddr>,
    /// The flags about the signatures of bundles.
    pub verification: VerificationFlags,
}

/// What the flags say about the signatures of bundles.
#[derive(Debug, Clone, Default)]
pub struct VerificationFlags {
    /// `--verification-key`
    pub key: Option<KeyConfig>,
    /// `--verification-key-id`
    pub key_id: String,
    /// `--scope`
    pub scope: Option<String>,
    /// `--exclude-files-verify`
    pub exclude_files: Vec<String>,
    /// `--skip-verify`
    pub skip_verify: bool,
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
    /// The configuration in effect. Its paths are absolute.
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

    /// The environment that it was loaded in.
    pub const fn environment(&self) -> &Environment {
        &self.sources.env
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
    let mut flaws = sources.env.set(&mut tree);
    flaws.extend(set_from_flags(&mut tree, &sources.overrides));
    let (config, warnings) = match typed::read(&tree) {
        Ok(mut config) if flaws.is_empty() => {
            make_paths_absolute(&mut config);
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
        let tab = malformed.place.and_then(|place| file.character(place)) == Some('\t');
        let hint = tab.then(|| "indent with blanks, YAML takes no tabs".to_owned());
        ConfigError { problems: vec![file.problem(malformed.place, &message, hint)] }
    })?;
    if !matches!(tree.data, Data::Map(_)) {
        let place = yaml::locate(&file.text, &Path::default(), Part::Value);
        let message = "the file must be a map of keys, e.g. `server: {listen: 127.0.0.1:8181}`";
        return Err(ConfigError { problems: vec![file.problem(place, message, None)] });
    }
    // Where the file can be found from here says nothing about where the process will look for what it names.
    if let Some(folder) = std::path::absolute(&file.path).ok().as_deref().and_then(FsPath::parent) {
        for pattern in reference::path_keys() {
            each_match(&mut tree, pattern.split('.'), &mut |node| make_absolute(node, folder));
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

/// What no file says is relative to the working directory. Said in full, it means the same to whoever reads the
/// configuration in effect, and from wherever.
fn make_paths_absolute(config: &mut Config) {
    let Config { state, server: _, bundles, identity, decision: _, http_send: _, decision_log } = config;
    let keys = identity.issuers.iter_mut().filter_map(|issuer| issuer.jwks_file.as_mut());
    let log = decision_log.file.iter_mut().map(|file| &mut file.path).chain(&mut decision_log.refusals.path);
    let signers = bundles.verification.iter_mut().flat_map(|verification| verification.keys.values_mut());
    let signers = signers.filter_map(|key| key.file.as_mut());
    for path in [state, &mut bundles.dir].into_iter().chain(keys).chain(log).chain(signers) {
        // An empty path has no absolute form, and is refused later.
        if let Ok(absolute) = std::path::absolute(&*path) {
            *path = absolute;
        }
    }
}

/// Calls `change` for every node at a dotted pattern, in which `issuers[]` is each element of the list `issuers`, and
/// `keys{}` each value of the map `keys`.
fn each_match<'p>(
    node: &mut Node,
    mut steps: impl Iterator<Item = &'p str> + Clone,
    change: &mut impl FnMut(&mut Node),
) {
    let Some(step) = steps.next() else {
        return change(node);
    };
    let name = step.strip_suffix("[]").or_else(|| step.strip_suffix("{}"));
    let key = Path::keys([name.unwrap_or(step)]);
    let Some(child) = node.get_mut(&key) else {
        return;
    };
    match (&mut child.data, name) {
        (Data::List(items), Some(_)) => {
            items.iter_mut().for_each(|item| each_match(item, steps.clone(), &mut *change));
        }
        (Data::Map(entries), Some(_)) => {
            entries.iter_mut().for_each(|(_, value)| each_match(value, steps.clone(), &mut *change));
        }
        _ => each_match(child, steps, change),
    }
}

fn set_from_flags(tree: &mut Node, overrides: &Overrides) -> Vec<Flaw> {
    let Overrides { state, bundles, listen, verification } = overrides;
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
    set_verification(tree, verification);
    flaws
}

fn set_verification(tree: &mut Node, flags: &VerificationFlags) {
    let VerificationFlags { key, key_id, scope, exclude_files, skip_verify } = flags;
    let at = Path::dotted("bundles.verification");
    let mut set = |flag: &'static str, path: Path, data: Data| {
        // What stands in the way has the wrong type, and is reported for that.
        let _ = tree.set(&path, Node::new(data, Origin::Flag(flag)));
    };
    let text = |text: &str| Data::Text(text.to_owned());
    if let Some(KeyConfig { algorithm, key, file }) = key {
        let place = at.key("keys").key(key_id);
        set("--signing-alg", place.key("algorithm"), text(algorithm));
        if let Some(KeyText(key)) = key {
            set("--verification-key", place.key("key"), text(key.expose()));
        }
        if let Some(file) = file.as_ref().and_then(|file| file.to_str()) {
            set("--verification-key", place.key("file"), text(file));
        }
        set("--verification-key-id", at.key("key_id"), text(key_id));
    }
    if let Some(scope) = scope {
        set("--scope", at.key("scope"), text(scope));
    }
    if !exclude_files.is_empty() {
        const FLAG: &str = "--exclude-files-verify";
        let patterns = exclude_files.iter().map(|pattern| Node::new(text(pattern), Origin::Flag(FLAG)));
        set(FLAG, at.key("exclude_files"), Data::List(patterns.collect()));
    }
    if *skip_verify {
        set("--skip-verify", at.key("skip_verify"), Data::Bool(true));
    }
}
