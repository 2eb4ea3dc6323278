//! The layers: defaults < file < environment < flags.

use std::path::{Path as FsPath, PathBuf};

use super::dockfile;
use super::environment::Environment;
use super::error::{ConfigError, Problem, with_hint};
use super::flags::{Overrides, set_from_flags};
use super::from_opa::recognise::keys_of_opa;
use super::keys::{Kind, of_kind};
use super::profile::Profile;
use super::restart::{self, Version};
use super::schema::Config;
use super::validate;
use crate::bundle::OnRemoval;
use crate::bundle::remote::ServiceConfig;
use crate::document::file::Sort;
use crate::document::flaw::Flaw;
use crate::document::problem::SourceFile;
use crate::document::tree::{Data, Node, Origin, Part, Path};
use crate::document::typed;

/// The file of the configuration.
const CONFIGURATION: Sort = Sort {
    called: "the configuration",
    largest: 1 << 20,
    if_missing: Some("`verdict config --reference` lists all keys"),
    example: "server: {listen: 127.0.0.1:8181}",
};

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
    tree: Node,
}

/// What a reload came to.
#[derive(Debug)]
pub struct Reloaded {
    /// What can be put in force: the new values of the keys that take effect on a reload, and the old ones of all others.
    pub loaded: Loaded,
    /// The keys whose new values need a restart.
    pub needs_restart: Vec<String>,
}

impl Loaded {
    /// Reads the same sources again (the environment and the flags as they were at the start).
    ///
    /// # Errors
    /// As [`load`], also when the new values of some keys are not acceptable together with the old ones of those that need
    /// a restart; this configuration stays as it is.
    pub fn reload(&self) -> Result<Reloaded, ConfigError> {
        let mut next = load(self.sources.clone())?;
        let old = Version { config: &self.config, tree: &self.tree };
        let changed = restart::needs_restart(old, Version { config: &next.config, tree: &next.tree });
        if changed.is_empty() {
            return Ok(Reloaded { loaded: next, needs_restart: Vec::new() });
        }
        for path in &changed {
            next.tree.remove(path);
            if let Some(kept) = self.tree.get(path) {
                // Only a scalar above it could be in the way, and then its key would have changed itself.
                let _ = next.tree.set(path, kept.clone().with_origin(&Origin::Kept));
            }
        }
        let (config, warnings) = finish(&next.tree, next.sources.profile, Vec::new())
            .map_err(|rejected| rejected.problems(&next.tree, None))?;
        let needs_restart = changed.iter().map(ToString::to_string).collect();
        Ok(Reloaded { loaded: Self { config, warnings, ..next }, needs_restart })
    }

    /// What went wrong with a key's value when it was used, with the place where the key was set.
    pub fn problem(&self, key: &str, message: &str) -> Problem {
        let path = Path::dotted(key);
        let file = self.sources.file.clone().map(|path| SourceFile { path, text: String::new() });
        let origin = self.tree.origin_of(&path);
        let flaw =
            Flaw { path, part: Part::Value, origin, message: message.to_owned(), hint: None, known: None };
        flaw.into_problem(&self.tree, file.as_ref())
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
/// What is wrong with it, with its place: the first wrong key or type, else every value that means nothing.
pub fn load(mut sources: Sources) -> Result<Loaded, ConfigError> {
    if sources.file.is_none() {
        sources.file = sources.env.get(Environment::CONFIG_FILE).map(PathBuf::from);
    }
    let file = sources.file.as_deref().map(|path| SourceFile::read(path, &CONFIGURATION)).transpose()?;
    let mut tree = match &file {
        Some(file) => from_file(file)?,
        None => Node::empty_map(Origin::Default),
    };
    let mut flaws = sources.env.set(&mut tree);
    flaws.extend(set_from_flags(&mut tree, &sources.overrides));
    match finish(&tree, sources.profile, flaws) {
        Ok((config, warnings)) => Ok(Loaded { config, warnings, sources, tree }),
        Err(rejected) => Err(rejected.problems(&tree, file.as_ref())),
    }
}

/// Why a tree is no configuration.
enum Rejected {
    /// What is wrong in the tree.
    Flaws(Vec<Flaw>),
    /// What is wrong in a file that it names.
    Problems(Vec<Problem>),
}

impl Rejected {
    fn problems(self, tree: &Node, file: Option<&SourceFile>) -> ConfigError {
        let problems = match self {
            Self::Flaws(flaws) => {
                flaws.into_iter().map(|flaw| with_hint(flaw).into_problem(tree, file)).collect()
            }
            Self::Problems(problems) => problems,
        };
        ConfigError { problems }
    }
}

/// Whether a tree reads as a configuration.
///
/// # Errors
/// What is wrong with it.
pub(super) fn readable(tree: &Node) -> Result<(), Vec<Flaw>> {
    match finish(tree, Profile::Inspect, Vec::new()) {
        Ok(_) | Err(Rejected::Problems(_)) => Ok(()),
        Err(Rejected::Flaws(flaws)) => Err(flaws),
    }
}

/// The configuration that a tree says, and what is worth a warning; `flaws` were found on the way to it.
fn finish(tree: &Node, profile: Profile, mut flaws: Vec<Flaw>) -> Result<(Config, Vec<String>), Rejected> {
    let mut config: Config = match typed::read(tree) {
        Ok(config) => config,
        Err(flaw) => {
            flaws.push(*flaw);
            return Err(Rejected::Flaws(flaws));
        }
    };
    if !flaws.is_empty() {
        return Err(Rejected::Flaws(flaws));
    }
    make_paths_absolute(&mut config);
    if let Some(path) = config.identity.dockfile.clone() {
        dockfile::apply(&path, &mut config).map_err(Rejected::Problems)?;
    }
    config.bundles.on_removal.get_or_insert(match profile {
        Profile::Dev => OnRemoval::Deactivate,
        Profile::Run(_) | Profile::Inspect => OnRemoval::Keep,
    });
    let findings = validate::check(&config, tree, profile);
    match findings.flaws {
        flaws if flaws.is_empty() => Ok((config, findings.warnings)),
        flaws => Err(Rejected::Flaws(flaws)),
    }
}

fn from_file(file: &SourceFile) -> Result<Node, ConfigError> {
    let mut tree = file.tree(&CONFIGURATION)?;
    let problems = keys_of_opa(&tree, file);
    if !problems.is_empty() {
        return Err(ConfigError { problems });
    }
    // Where the file can be found from here says nothing about where the process will look for what it names.
    if let Some(folder) = std::path::absolute(&file.path).ok().as_deref().and_then(FsPath::parent) {
        let lists = of_kind(Kind::Paths).map(|key| format!("{key}[]"));
        let patterns: Vec<String> = of_kind(Kind::Path).map(str::to_owned).chain(lists).collect();
        for path in patterns.iter().flat_map(|pattern| tree.matches(pattern)).collect::<Vec<_>>() {
            if let Some(node) = tree.get_mut(&path) {
                make_absolute(node, folder);
            }
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
    let Config {
        state,
        server,
        doors,
        management: _,
        bundles,
        identity,
        events,
        registry,
        permissions: _,
        aip,
        decision: _,
        http_send: _,
        outbound: _,
        rate_limits: _,
        shared_store: _,
        decision_log,
    } = config;
    let keys = identity.key_files_mut();
    let log = decision_log.file.iter_mut().map(|file| &mut file.path).chain(&mut decision_log.refusals.path);
    let signers = bundles.verification.iter_mut().flat_map(|verification| verification.keys.values_mut());
    let signers = signers.filter_map(|key| key.file.as_mut());
    for path in [state, &mut bundles.dir]
        .into_iter()
        .chain(&mut bundles.paths)
        .chain(keys)
        .chain(log)
        .chain(signers)
        .chain(registry.files_mut())
        .chain(aip.files_mut())
        .chain(bundles.services.values_mut().flat_map(ServiceConfig::files_mut))
        .chain(events.files_mut())
        .chain(server.unix.iter_mut().map(|unix| &mut unix.path))
        .chain(&mut doors.http.openapi)
        .chain(doors.mcp.files_mut())
    {
        // An empty path has no absolute form, and is refused later.
        if let Ok(absolute) = std::path::absolute(&*path) {
            *path = absolute;
        }
    }
}
