//! Where the keys of an issuer come from, and in which form.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use verdict_jose::Algorithm;

use super::discovery::Discovery;
use super::jwks::{KeySet, MAX_JWKS_BYTES};
use crate::identity::config::IssuerConfig;
use crate::model::secret::Secret;
use crate::model::variables::Variables;
use crate::net::{Client, Endpoint};

/// Where keys come from, and how they are written there.
#[derive(Clone, PartialEq, Eq)]
pub(in crate::identity) struct Source {
    place: Place,
    form: Form,
}

#[derive(Clone, PartialEq, Eq)]
enum Place {
    /// At hand; under this name.
    Memory(String, Secret<Vec<u8>>),
    File(PathBuf),
    Url(Endpoint),
    Discovery(Discovery),
}

/// INVARIANT (no confusion): the configuration says what a text is; nothing is guessed from the text.
#[derive(Clone, PartialEq, Eq)]
enum Form {
    Jwks,
    Pem(Vec<Algorithm>),
    Secret(Vec<Algorithm>),
}

/// How a source is kept up to date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::identity) enum Upkeep {
    /// It cannot change.
    None,
    /// Read often: that troubles nobody.
    File,
    /// Fetched seldom.
    Remote,
}

impl Source {
    /// The one source of an issuer, and the key of the configuration that names it.
    ///
    /// # Errors
    /// The key, and what is wrong with it.
    pub(in crate::identity) fn from_config(
        config: &IssuerConfig,
        algorithms: &[Algorithm],
        around: &Around<'_>,
    ) -> Result<(&'static str, Self), (&'static str, String)> {
        let pem = || Form::Pem(algorithms.to_vec());
        let secret = || Form::Secret(algorithms.to_vec());
        let file = |path: &Path| Place::File(around.base_dir.join(path));
        let memory = |name: &str, text: &str| Place::Memory(name.to_owned(), Secret::new(text.into()));
        let variable = |name: &String| match around.variables.get(name) {
            Some(text) => Ok(memory(&format!("environment variable {name}"), text)),
            None => Err(format!("environment variable `{name}` is not set, or empty")),
        };
        let url = |url: &str| Endpoint::parse(url).map(Place::Url).map_err(|error| error.to_string());
        let found = Discovery::new(&config.issuer, around.allow_plain_http).map(Place::Discovery);
        let named = [
            (".jwks", config.jwks.as_ref().map(|text| (Ok(memory("memory", text)), Form::Jwks))),
            (".jwks_file", config.jwks_file.as_ref().map(|path| (Ok(file(path)), Form::Jwks))),
            (".jwks_url", config.jwks_url.as_ref().map(|text| (url(text.expose()), Form::Jwks))),
            (".discovery", config.discovery.then_some((found, Form::Jwks))),
            (".public_key", config.public_key.as_ref().map(|text| (Ok(memory("public_key", text)), pem()))),
            (".public_key_file", config.public_key_file.as_ref().map(|path| (Ok(file(path)), pem()))),
            (".public_key_env", config.public_key_env.as_ref().map(|name| (variable(name), pem()))),
            (".secret_env", config.secret_env.as_ref().map(|name| (variable(name), secret()))),
            (".secret_file", config.secret_file.as_ref().map(|path| (Ok(file(path)), secret()))),
        ];
        let mut named = named.into_iter().filter_map(|(key, source)| Some((key, source?)));
        match (named.next(), named.next()) {
            (Some((key, (place, form))), None) => {
                Ok((key, Self { place: place.map_err(|message| (key, message))?, form }))
            }
            _ => Err(("", "it needs one source of keys".to_owned())),
        }
    }

    pub(in crate::identity) const fn upkeep(&self) -> Upkeep {
        match self.place {
            Place::Memory(..) => Upkeep::None,
            Place::File(_) => Upkeep::File,
            Place::Url(_) | Place::Discovery(_) => Upkeep::Remote,
        }
    }

    /// What can be read without waiting for others; `None` for what must be fetched.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub(in crate::identity) fn at_hand(&self) -> Result<Option<Vec<u8>>, String> {
        match &self.place {
            Place::Memory(_, text) => Ok(Some(text.expose().clone())),
            Place::File(path) => read_file(path).map(Some),
            Place::Url(_) | Place::Discovery(_) => Ok(None),
        }
    }

    /// Reads or fetches the document.
    ///
    /// # Errors
    /// Why it cannot be had.
    pub(in crate::identity) async fn fetch(
        &self,
        client: &Client,
        timeout: Duration,
    ) -> Result<Vec<u8>, String> {
        match &self.place {
            Place::Memory(_, text) => Ok(text.expose().clone()),
            Place::Url(endpoint) => {
                client.get_limited(endpoint, MAX_JWKS_BYTES, timeout).await.map_err(|error| error.to_string())
            }
            Place::Discovery(discovery) => discovery.fetch(client, timeout).await,
            Place::File(path) => {
                let path = path.clone();
                tokio::task::spawn_blocking(move || read_file(&path))
                    .await
                    .map_err(|error| error.to_string())?
            }
        }
    }

    /// The keys that a document of this source holds.
    ///
    /// # Errors
    /// When it is not what it is to be. The error repeats no secret.
    pub(in crate::identity) fn read(&self, document: &[u8]) -> Result<KeySet, String> {
        match &self.form {
            Form::Jwks => KeySet::parse(document),
            Form::Pem(algorithms) => KeySet::from_pem(document, algorithms),
            Form::Secret(algorithms) => KeySet::from_secret(document, algorithms),
        }
    }
}

/// Without what may be secret.
impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::File(path) => write!(f, "{}", path.display()),
            Place::Url(endpoint) => write!(f, "{endpoint}"),
            Place::Discovery(discovery) => write!(f, "{}", discovery.document()),
            Place::Memory(name, _) => f.write_str(name),
        }
    }
}

/// What a source needs besides its configuration.
pub(in crate::identity) struct Around<'a> {
    pub(in crate::identity) base_dir: &'a Path,
    pub(in crate::identity) variables: &'a Variables,
    pub(in crate::identity) allow_plain_http: bool,
}

fn read_file(path: &Path) -> Result<Vec<u8>, String> {
    use std::io::Read as _;
    let failed = |error: std::io::Error| format!("cannot read `{}`: {error}", path.display());
    // A pipe or a device would block, or never end.
    if !std::fs::metadata(path).map_err(failed)?.is_file() {
        return Err(format!("`{}` is not a file", path.display()));
    }
    let mut content = Vec::new();
    let limit = MAX_JWKS_BYTES as u64 + 1;
    std::fs::File::open(path).map_err(failed)?.take(limit).read_to_end(&mut content).map_err(failed)?;
    Ok(content)
}
