//! One service: whom to call, how, and what answers can say. `resource` and `oci` call it.
//!
//! INVARIANT (bounded): an answer has a deadline and a size, whatever it announces.

use std::time::Duration;

use http::{HeaderMap, HeaderName};

use super::config::ServiceConfig;
use super::login::{Login, Wrong, secret_value, variable};
use crate::model::clock::Clock;
use crate::model::variables::Variables;
use crate::net::{Client, Error, OutboundConfig};

/// A server that has bundles.
pub(super) struct Service {
    pub(super) name: String,
    pub(super) client: Client,
    pub(super) login: Login,
    pub(super) clock: Clock,
    pub(super) timeout: Duration,
    /// The largest bundle, in bytes.
    pub(super) max_bytes: usize,
    headers: HeaderMap,
}

/// What is known of the service's last answer.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Known<'a> {
    pub(super) etag: Option<&'a str>,
}

/// What an answer says.
pub(super) enum Answered {
    /// The same as before.
    Unchanged,
    /// A bundle, which may be the same.
    Content {
        bytes: Vec<u8>,
        etag: Option<String>,
        /// Whether the service can hold an answer back until there is another.
        holds: bool,
    },
}

impl Service {
    /// # Errors
    /// What is wrong with the configuration: the key below the service, and how.
    pub(super) fn new(
        name: &str,
        config: &ServiceConfig,
        (client, variables, clock): (&Client, &Variables, &Clock),
        max_bytes: usize,
    ) -> Result<Self, Wrong> {
        let client = match &config.tls {
            None => client.clone(),
            Some(tls) => Client::outbound(&OutboundConfig { tls: tls.clone() }).map_err(|(key, error)| {
                let key = match key {
                    "ca" => "tls.ca",
                    "key" => "tls.key",
                    "min_version" => "tls.min_version",
                    _ => "tls.cert",
                };
                (key, error)
            })?,
        };
        let mut headers = HeaderMap::new();
        for (header, env) in &config.headers_env {
            let value = variable(variables, env, "headers_env")?;
            let header: HeaderName =
                header.parse().map_err(|_| ("headers_env", format!("`{header}` is not a header's name")))?;
            headers.insert(header, secret_value(value.expose()).map_err(|why| ("headers_env", why))?);
        }
        Ok(Self {
            name: name.to_owned(),
            login: Login::new(config, variables, &client)?,
            client,
            clock: clock.clone(),
            timeout: config.timeout.0,
            max_bytes,
            headers,
        })
    }

    /// Headers that every call has.
    pub(super) fn own_headers(&self) -> HeaderMap {
        self.headers.clone()
    }
}

/// Why an answer with this status is none.
pub(super) fn refusal(status: u16) -> String {
    match status {
        300..=399 => Error::Redirect(status).to_string(),
        401 | 403 => format!("answered {status} instead of 200; check the service's credentials"),
        404 => "answered 404 instead of 200; check `url` and `resource`".to_owned(),
        status => Error::Status(status).to_string(),
    }
}

pub(super) fn too_large(error: Error) -> String {
    match error {
        Error::TooLarge(_) => format!("{error}; make the bundle smaller, or raise `bundles.max_bundle_size`"),
        error => error.to_string(),
    }
}
