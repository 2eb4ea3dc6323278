//! Which database, from a URL.
//!
//! INVARIANT (no password shown): neither what is displayed nor an error has anything of a password.
//! INVARIANT (nobody in between): a server that is not on this machine is spoken to with TLS, and its certificate and name are
//! verified, unless the URL says `sslmode=disable`.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr as _;
use std::time::Duration;

use postgres::Config;
use postgres::config::{Host, SslMode};

use super::tls::Tls;
use crate::model::secret::Secret;
use crate::registry::store::{StoreError, StoreErrorKind};

/// How long it may take to connect.
const CONNECT: Duration = Duration::from_secs(5);
/// When a connection that does not answer is given up.
const SILENCE: Duration = Duration::from_secs(15);
/// What names of PostgreSQL are at most, with room for what is made of them.
const LONGEST: usize = 40;

/// Which database of PostgreSQL, and what in it.
#[derive(Debug, Clone)]
pub struct PostgresOptions {
    /// `postgresql://user@host:5432/database?sslmode=verify-full&sslrootcert=/path/ca.pem`, with or without a password.
    pub url: Secret<String>,
    /// The password, where the URL has none.
    pub password: Option<Secret<String>>,
    /// The schema that has the tables.
    pub schema: String,
    /// How long a lock of others is waited for.
    pub patience: Duration,
}

impl PostgresOptions {
    /// With the schema `verdict`, and what is usual.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: Secret::new(url.into()),
            password: None,
            schema: "verdict".to_owned(),
            patience: Duration::from_secs(5),
        }
    }
}

/// How to connect.
#[derive(Clone)]
pub(super) struct Target {
    pub(super) config: Config,
    pub(super) tls: Option<Tls>,
    /// The schema's name, which is a plain word.
    pub(super) schema: String,
    pub(super) patience: Duration,
}

impl Target {
    /// What the options say.
    ///
    /// # Errors
    /// They are not right.
    pub(super) fn new(options: &PostgresOptions) -> Result<Self, StoreError> {
        let wrong = |detail: String| StoreError::new(StoreErrorKind::Other, detail);
        let schema = options.schema.clone();
        if !is_plain(&schema) {
            let form = format!("small letters, digits and `_`, at most {LONGEST}, and not `pg_…`");
            return Err(wrong(format!("`{schema}` cannot be the name of a schema: {form}")));
        }
        let (url, secure) = security(options.url.expose()).map_err(wrong)?;
        // The library's own words may repeat what is in the URL.
        let mut config =
            Config::from_str(&url).map_err(|_| wrong(format!("not a URL of PostgreSQL; {HINT}")))?;
        if config.get_hosts().is_empty() || config.get_user().is_none() {
            return Err(wrong(format!("the URL names no host or no user; {HINT}")));
        }
        if let Some(password) = options.password.as_ref().filter(|_| config.get_password().is_none()) {
            config.password(password.expose());
        }
        let secure = match secure {
            Asked::Tls(authorities) => Some(authorities),
            Asked::Nothing if !config.get_hosts().iter().all(is_local) => Some(None),
            Asked::Nothing | Asked::Plain => None,
        };
        let tls = secure.map(|authorities| Tls::new(authorities.as_deref())).transpose().map_err(wrong)?;
        config
            .ssl_mode(if tls.is_some() { SslMode::Require } else { SslMode::Disable })
            .application_name("verdict")
            .connect_timeout(CONNECT)
            .tcp_user_timeout(SILENCE)
            .keepalives(true)
            .keepalives_idle(SILENCE)
            .keepalives_interval(Duration::from_secs(5))
            .keepalives_retries(3);
        Ok(Self { config, tls, schema, patience: options.patience })
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let config = &self.config;
        write!(f, "postgres://{}@", config.get_user().unwrap_or_default())?;
        for (at, host) in config.get_hosts().iter().enumerate() {
            let comma = if at == 0 { "" } else { "," };
            let ports = config.get_ports();
            let port = ports.get(at).or_else(|| ports.first()).copied().unwrap_or(5432);
            match host {
                Host::Tcp(name) if name.contains(':') => write!(f, "{comma}[{name}]:{port}")?,
                Host::Tcp(name) => write!(f, "{comma}{name}:{port}")?,
                Host::Unix(path) => write!(f, "{comma}{}:{port}", path.display())?,
            }
        }
        let database = config.get_dbname().or(config.get_user()).unwrap_or_default();
        write!(f, "/{database} (schema {})", self.schema)
    }
}

const HINT: &str = "write e.g. `postgresql://verdict@db.example:5432/verdict?sslmode=verify-full`";

/// What a URL says about TLS.
#[derive(Debug, PartialEq, Eq)]
enum Asked {
    Nothing,
    Plain,
    /// With these authorities, or those of the system.
    Tls(Option<PathBuf>),
}

/// A URL without what it says about TLS, which the library knows less of.
fn security(url: &str) -> Result<(String, Asked), String> {
    if !["postgres://", "postgresql://"].iter().any(|scheme| url.starts_with(scheme)) {
        return Err(format!("the registry's url is not one of PostgreSQL; {HINT}"));
    }
    let (place, query) = url.split_once('?').unwrap_or((url, ""));
    let (mut mode, mut authorities, mut rest) = (None, None, Vec::new());
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        match pair.split_once('=') {
            Some(("sslmode", value)) => mode = Some(value),
            Some(("sslrootcert", value)) => {
                let path = percent_encoding::percent_decode_str(value)
                    .decode_utf8()
                    .map_err(|_| "sslrootcert is not UTF-8".to_owned())?;
                authorities = Some(Path::new(&*path).to_owned());
            }
            _ => rest.push(pair),
        }
    }
    let asked = match (mode, authorities) {
        (None, None) => Asked::Nothing,
        (Some("disable"), None) => Asked::Plain,
        (None | Some("require" | "verify-ca" | "verify-full"), authorities) => Asked::Tls(authorities),
        (Some("disable"), Some(_)) => return Err("sslrootcert means nothing with sslmode=disable".to_owned()),
        // `allow` and `prefer` would do without TLS where somebody in between wants that.
        (Some(_), _) => return Err("sslmode is neither `verify-full` nor `disable`".to_owned()),
    };
    let url = if rest.is_empty() { place.to_owned() } else { format!("{place}?{}", rest.join("&")) };
    Ok((url, asked))
}

fn is_local(host: &Host) -> bool {
    match host {
        Host::Unix(_) => true,
        Host::Tcp(name) => {
            name == "localhost" || name.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback())
        }
    }
}

fn is_plain(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    (1..=LONGEST).contains(&name.len())
        && name.bytes().all(fits)
        && !name.starts_with(|first: char| first.is_ascii_digit())
        && !name.starts_with("pg_")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(url: &str) -> Result<Target, StoreError> {
        Target::new(&PostgresOptions::new(url))
    }

    #[test]
    fn tls_is_verified_unless_it_is_disabled_or_the_server_is_local() {
        for (url, tls) in [
            ("postgresql://u:hunter2@db.example/d", true),
            ("postgresql://u:hunter2@db.example/d?sslmode=verify-full", true),
            ("postgresql://u:hunter2@db.example/d?sslmode=require&application_name=x", true),
            ("postgresql://u:hunter2@db.example/d?sslmode=disable", false),
            ("postgresql://u:hunter2@localhost/d", false),
            ("postgresql://u:hunter2@127.0.0.1:5433/d", false),
            ("postgresql://u:hunter2@127.0.0.1,db.example/d", true),
            ("postgresql://u:hunter2@%2Fvar%2Frun/d", false),
            ("postgresql://u:hunter2@localhost/d?sslmode=require", true),
        ] {
            let target = target(url).unwrap();
            assert_eq!(target.tls.is_some(), tls, "{url}");
            let mode = if tls { SslMode::Require } else { SslMode::Disable };
            assert_eq!(target.config.get_ssl_mode(), mode, "{url}");
            assert!(!target.to_string().contains("hunter2"), "{target}");
        }
    }

    #[test]
    fn what_is_wrong_is_said_without_the_password() {
        for (url, says) in [
            ("host=db user=u password=hunter2", "not one of PostgreSQL"),
            ("postgresql://u:hunter2@db.example/d?sslmode=prefer", "sslmode"),
            ("postgresql://u:hunter2@db.example/d?sslmode=disable&sslrootcert=x", "sslrootcert"),
            ("postgresql://u:hunter2@db.example/d?sslrootcert=%2Fno%2Fsuch", "/no/such"),
            ("postgresql://u:hunter2@db.example:hunter2/d", "not a URL"),
            ("postgresql://u:hunter2@db.example/d?hunter2=1", "not a URL"),
            ("postgresql://db.example/d", "no user"),
        ] {
            let Err(error) = target(url) else { panic!("{url}") };
            assert!(error.detail.contains(says) && !error.detail.contains("hunter2"), "{url}: {error}");
        }
        let options = PostgresOptions {
            password: Some(Secret::new("hunter2".into())),
            ..PostgresOptions::new("postgresql://u:hunter2@db/d")
        };
        assert!(!format!("{options:?}").contains("hunter2"));
        for schema in ["", "Verdict", "a-b", "1a", "pg_x", "a\"b", &"a".repeat(41)] {
            let options =
                PostgresOptions { schema: schema.into(), ..PostgresOptions::new("postgresql://u@db/d") };
            assert!(Target::new(&options).is_err(), "{schema}");
        }
    }

    #[test]
    fn a_password_of_the_url_goes_first() {
        let mut options = PostgresOptions::new("postgresql://u@localhost/d");
        options.password = Some(Secret::new("given".into()));
        assert_eq!(Target::new(&options).unwrap().config.get_password(), Some(&b"given"[..]));
        options.url = Secret::new("postgresql://u:own@[::1]:7000/d".into());
        let target = Target::new(&options).unwrap();
        assert_eq!(target.config.get_password(), Some(&b"own"[..]));
        assert_eq!(target.to_string(), "postgres://u@[::1]:7000/d (schema verdict)");
    }
}
