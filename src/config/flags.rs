//! The layer of the flags of the command line.

use std::path::PathBuf;

use crate::bundle::signature::{KeyConfig, KeyText};
use crate::document::flaw::Flaw;
use crate::document::tree::{Data, Node, Origin, Part, Path};
use crate::document::yaml;

/// What the flags of the command line say.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    /// `--state`
    pub state: Option<PathBuf>,
    /// `--bundles`
    pub bundles: Option<PathBuf>,
    /// What is to be served as it is.
    pub paths: Vec<PathBuf>,
    /// `--listen`
    pub listen: Option<String>,
    /// The flags about the signatures of bundles.
    pub verification: VerificationFlags,
    /// `--set` and the like, in their order.
    pub settings: Vec<Setting>,
}

/// A key that a flag sets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// The flag, e.g. `--set`.
    pub flag: &'static str,
    /// The key, dotted.
    pub key: String,
    /// Its value.
    pub value: String,
    /// Whether the value is the text as it stands, rather than YAML.
    pub is_text: bool,
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

/// Puts what the flags say over what `tree` says.
pub(super) fn set_from_flags(tree: &mut Node, overrides: &Overrides) -> Vec<Flaw> {
    let Overrides { state, bundles, paths, listen, verification, settings } = overrides;
    let path_text = |path: &PathBuf| path.to_str().map(str::to_owned);
    let flags = [
        ("--state", "state", state.as_ref().map(path_text)),
        ("--bundles", "bundles.dir", bundles.as_ref().map(path_text)),
        ("--listen", "server.listen", listen.clone().map(Some)),
    ];
    let mut flaws: Vec<Flaw> = settings.iter().filter_map(|setting| set_key(tree, setting)).collect();
    if bundles.is_some() {
        tree.remove(&Path::dotted("bundles.paths"));
    }
    if !paths.is_empty() {
        let node = |path: &PathBuf| Node::new(Data::Text(path.display().to_string()), Origin::Flag("PATH"));
        let list = Node::new(Data::List(paths.iter().map(node).collect()), Origin::Flag("PATH"));
        let _ = tree.set(&Path::dotted("bundles.paths"), list);
    }
    for (flag, key, given) in flags {
        let message = match given {
            None => continue,
            Some(None) => "the path is not UTF-8".to_owned(),
            Some(Some(text)) => {
                // What stands in the way has the wrong type, and is reported for that.
                let _ = tree.set(&Path::dotted(key), Node::new(Data::Text(text), Origin::Flag(flag)));
                continue;
            }
        };
        flaws.push(flaw(flag, Path::dotted(key), message));
    }
    set_verification(tree, verification);
    flaws
}

fn flaw(flag: &'static str, path: Path, message: String) -> Flaw {
    Flaw { path, part: Part::Value, origin: Origin::Flag(flag), message, hint: None, known: None }
}

/// Sets one key; what is wrong is said where that cannot be done.
fn set_key(tree: &mut Node, setting: &Setting) -> Option<Flaw> {
    let Setting { flag, key, value, is_text } = setting;
    let (path, origin) = (Path::dotted(key), Origin::Flag(flag));
    let node = match is_text {
        true => Node::new(Data::Text(value.clone()), origin),
        false => yaml::parse_value(value, &origin),
    };
    let in_the_way = tree.set(&path, node).err()?;
    let message = format!("`{in_the_way}` cannot be set in parts; set `{in_the_way}` as a whole");
    Some(flaw(flag, path, message))
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
