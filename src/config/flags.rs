//! The layer of the flags of the command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use crate::bundle::signature::{KeyConfig, KeyText};
use crate::document::flaw::Flaw;
use crate::document::tree::{Data, Node, Origin, Part, Path};

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

/// Puts what the flags say over what `tree` says.
pub(super) fn set_from_flags(tree: &mut Node, overrides: &Overrides) -> Vec<Flaw> {
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
                // What stands in the way has the wrong type, and is reported for that.
                let _ = tree.set(&Path::dotted(key), Node::new(Data::Text(text), Origin::Flag(flag)));
                continue;
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
