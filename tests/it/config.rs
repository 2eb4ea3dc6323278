//! The configuration: its layers, what is refused and how that is said, and what is printed of it.

use std::path::Path;

use tempfile::TempDir;
use verdict::config::{ConfigError, Environment, Insecure, Loaded, Overrides, Profile, Sources, load};

mod arbitrary;
mod errors;
mod files;
mod from_opa;
mod insecure;
mod layers;
mod printed;
mod reload;
mod verification;

/// A configuration file in a folder of its own.
struct File {
    folder: TempDir,
}

impl File {
    fn new(text: impl AsRef<[u8]>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("verdict.yaml"), text).unwrap();
        Self { folder }
    }

    fn path(&self) -> std::path::PathBuf {
        self.folder.path().join("verdict.yaml")
    }

    fn sources(&self) -> Sources {
        Sources { file: Some(self.path()), ..Sources::default() }
    }

    fn load(&self) -> Result<Loaded, ConfigError> {
        load(self.sources())
    }
}

/// What `text` is refused for, with `verdict.yaml` for the file's full name.
#[track_caller]
fn refusal(text: impl AsRef<[u8]>) -> String {
    let file = File::new(text.as_ref());
    match file.load() {
        Ok(_) => panic!("taken:\n{}", String::from_utf8_lossy(text.as_ref())),
        Err(error) => told(&error, file.folder.path()),
    }
}

fn told(error: &ConfigError, folder: &Path) -> String {
    assert!(!error.problems.is_empty());
    error.to_string().replace(&format!("{}/", folder.display()), "")
}

/// Loads without a file.
fn with_environment(variables: &[(&str, &str)]) -> Result<Loaded, ConfigError> {
    load(Sources { env: variables.iter().copied().collect(), ..Sources::default() })
}

fn json(loaded: &Loaded) -> serde_json::Value {
    serde_json::to_value(&loaded.config).unwrap()
}
