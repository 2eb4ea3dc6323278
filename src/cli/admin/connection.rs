//! Which server is asked, and with which credential: the flags that all commands of administration have.

use std::path::{Path, PathBuf};

use super::api::{Api, Ask};
use super::credentials::Credentials;
use super::given;
use super::show::{Output, record};
use super::trouble::Trouble;
use crate::config::{Environment, Sources, load};
use crate::model::secret::Secret;

/// Where and with what the server is asked.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Connection")]
pub struct ConnectionArgs {
    /// URL of the management listener [default: as in the credentials file, else as configured]
    #[arg(long, value_name = "URL", global = true)]
    pub server: Option<String>,
    /// File with credentials [default: VERDICT_CREDENTIALS, .verdict/credentials or ~/.config/verdict/credentials]
    #[arg(long, value_name = "FILE", global = true)]
    pub credentials: Option<PathBuf>,
    /// Which of its credentials to use [default: that of the organisation, else the first]
    #[arg(long = "as", value_name = "NAME", global = true, conflicts_with = "key_file")]
    pub as_name: Option<String>,
    /// File with the key or token to use instead, - for standard input [default: VERDICT_API_KEY]
    #[arg(long, value_name = "FILE", global = true)]
    pub key_file: Option<PathBuf>,
    /// Configuration file that says where the server listens [default: VERDICT_CONFIG]
    #[arg(long, value_name = "FILE", global = true)]
    pub config: Option<PathBuf>,
    /// INSECURE: send the key to another machine over plain HTTP
    #[arg(long, global = true)]
    pub insecure_plain_http: bool,
    /// Output: tables for people, or the JSON of the API
    #[arg(short, long, value_enum, value_name = "FORMAT", default_value_t = Output::Table, global = true)]
    pub output: Output,
}

/// The same, for what belongs to an organisation.
#[derive(Debug, Clone, clap::Args)]
pub struct ScopedArgs {
    /// Organisation [default: that of the credential]
    #[arg(long, alias = "org-id", value_name = "ID", global = true)]
    pub org: Option<String>,
    /// Where and with what the server is asked.
    #[command(flatten)]
    pub connection: ConnectionArgs,
}

/// A server that is about to be asked.
pub struct Session {
    /// The server.
    pub api: Api,
    /// The organisation that it is asked about; none for that of the credential, or all.
    pub organisation: Option<String>,
    /// How answers are shown.
    pub output: Output,
}

impl Session {
    /// The organisation, for parameters and bodies.
    pub fn org(&self) -> Option<&str> {
        self.organisation.as_deref()
    }

    /// Asks, and shows the record that is answered.
    ///
    /// # Errors
    /// The server says no, or cannot be asked.
    pub fn show(&self, ask: Ask) -> Result<(), Trouble> {
        record(&self.api.ask(ask)?, self.output);
        Ok(())
    }
}

/// A key, and where it comes from.
struct Found {
    key: Secret<String>,
    origin: String,
    server: Option<String>,
    organisation: Option<String>,
}

impl ScopedArgs {
    /// Makes ready to ask about an organisation.
    ///
    /// # Errors
    /// There is no credential, or no server.
    pub fn open(&self) -> Result<Session, Trouble> {
        self.connection.session(self.org.as_deref(), false)
    }

    /// Makes ready to ask about what an operator alone can see.
    ///
    /// # Errors
    /// There is no credential, or no server.
    pub fn open_as_operator(&self) -> Result<Session, Trouble> {
        self.connection.session(self.org.as_deref(), true)
    }
}

impl ConnectionArgs {
    /// Makes ready to ask as an operator.
    ///
    /// # Errors
    /// There is no credential, or no server.
    pub fn open_as_operator(&self) -> Result<Session, Trouble> {
        self.session(None, true)
    }

    /// Makes ready to ask.
    ///
    /// # Errors
    /// There is no credential, or no server.
    pub fn open(&self) -> Result<Session, Trouble> {
        self.session(None, false)
    }

    fn session(&self, organisation: Option<&str>, operator: bool) -> Result<Session, Trouble> {
        let env = Environment::capture();
        let Found { key, origin, server, organisation: own } = self.key(&env, organisation, operator)?;
        let server = match self.server.clone().or(server) {
            Some(server) => server,
            None => self.configured(env)?,
        };
        let api = Api::new(&server, &key, origin, self.insecure_plain_http)?;
        Ok(Session { api, organisation: organisation.map(str::to_owned).or(own), output: self.output })
    }

    /// Calls with this key, which comes from `origin`.
    ///
    /// # Errors
    /// There is no server.
    pub fn with_key(&self, key: &Secret<String>, origin: &str) -> Result<Api, Trouble> {
        let server = match self.server.clone() {
            Some(server) => server,
            None => self.configured(Environment::capture())?,
        };
        Api::new(&server, key, origin.to_owned(), self.insecure_plain_http)
    }

    fn key(&self, env: &Environment, organisation: Option<&str>, operator: bool) -> Result<Found, Trouble> {
        // A key that is given by itself goes to no server that only a file in the working directory names.
        let server = || {
            Ok::<_, String>(match self.named(env) {
                Some(path) => Credentials::read(&path)?.and_then(|credentials| credentials.server),
                None => None,
            })
        };
        let alone = |key, origin| Ok(Found { key, origin, server: server()?, organisation: None });
        if let Some(file) = &self.key_file {
            let origin = format!("`{}`", file.display());
            return alone(given::key(&given::text(Some(file), "the key")?, &origin)?, origin);
        }
        if self.credentials.is_none()
            && self.as_name.is_none()
            && let Some(key) = env.get(Environment::API_KEY)
        {
            let origin = format!("`{}`", Environment::API_KEY);
            return alone(given::key(&Secret::new(key.to_owned()), &origin)?, origin);
        }
        let (path, credentials) = self.file(env)?;
        let one = credentials.pick(self.as_name.as_deref(), organisation, operator)?;
        Ok(Found {
            key: one.key.clone(),
            origin: format!("`{}` in `{}`", one.name, path.display()),
            server: credentials.server.clone(),
            organisation: one.organisation.clone(),
        })
    }

    /// The file with credentials that somebody names.
    fn named(&self, env: &Environment) -> Option<PathBuf> {
        self.credentials.clone().or_else(|| env.get(Environment::CREDENTIALS).map(PathBuf::from))
    }

    /// The file with credentials: one that is named has to be there.
    fn file(&self, env: &Environment) -> Result<(PathBuf, Credentials), Trouble> {
        if let Some(path) = self.named(env) {
            let read = Credentials::read(&path)?;
            let credentials = read.ok_or_else(|| format!("there is no file `{}`", path.display()))?;
            return Ok((path, credentials));
        }
        let places = usual_places(env);
        for path in &places {
            if let Some(credentials) = Credentials::read(path)? {
                return Ok((path.clone(), credentials));
            }
        }
        let places: Vec<String> = places.iter().map(|path| format!("`{}`", path.display())).collect();
        Err(Trouble::untried(format!(
            "there are no credentials: neither --credentials, --key-file, {} nor {}\n\
             hint: `verdict init` makes the first ones; `verdict login` keeps a key that you have",
            Environment::API_KEY,
            places.join(" nor ")
        )))
    }

    /// Where the configuration says that management listens.
    fn configured(&self, env: Environment) -> Result<String, Trouble> {
        let sources = Sources { file: self.config.clone(), env, ..Sources::default() };
        let config = load(sources).map_err(|error| error.to_string())?.config;
        match config.management.reached_at(config.server.listen) {
            Some(url) => Ok(url),
            None => Err(Trouble::untried(
                "the configuration does not say where management listens (`management.listen`); name it with --server",
            )),
        }
    }
}

/// Where credentials are looked for, in this order.
fn usual_places(env: &Environment) -> Vec<PathBuf> {
    let home = env.get("HOME").map(|home| Path::new(home).join(".config/verdict/credentials"));
    [PathBuf::from(".verdict/credentials")].into_iter().chain(home).collect()
}

/// Where credentials are kept unless somebody says where.
pub fn usual_file(named: Option<&Path>) -> PathBuf {
    let env = Environment::capture();
    let named = named.map(Path::to_owned).or_else(|| env.get(Environment::CREDENTIALS).map(PathBuf::from));
    let places = usual_places(&env);
    let there = places.iter().find(|path| path.exists()).or(places.last());
    named.or_else(|| there.cloned()).unwrap_or_else(|| PathBuf::from(".verdict/credentials"))
}
