//! `bundles.services:` and `bundles.remote:` in the configuration.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::bundle::signature::KeyText;
use crate::model::units::Period;
use crate::net::{OutboundTls, UrlText};

/// A server that has bundles. At most one of `bearer`, `basic`, `oauth2` and `s3` is set.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServiceConfig {
    /// Where it is; the resources of its bundles are below this.
    pub url: UrlText,
    /// What it speaks.
    #[serde(default)]
    pub r#type: ServiceType,
    /// How long an answer may take, the whole body included.
    #[serde(default = "default_timeout")]
    pub timeout: Period,
    /// When it is asked.
    #[serde(default)]
    pub polling: Polling,
    /// Headers besides: name to environment variable.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers_env: BTreeMap<String, String>,
    /// TLS of its own, in place of `outbound.tls`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<OutboundTls>,
    /// A token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bearer: Option<Bearer>,
    /// A user's name and password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub basic: Option<Basic>,
    /// Tokens of an authorization server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oauth2: Option<OAuth2>,
    /// Signatures as AWS has them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub s3: Option<S3>,
}

/// What a service speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ServiceType {
    /// Bundles are files.
    #[default]
    Http,
    /// Bundles are layers of images in a registry.
    Oci,
}

/// When a service is asked.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Polling {
    /// The shortest pause after an answer.
    pub min: Period,
    /// The longest pause, after failures, too.
    pub max: Period,
    /// How long the service may hold an answer back until there is something new; `0` asks for no such thing.
    pub wait: Period,
}

impl Default for Polling {
    fn default() -> Self {
        Self { min: Period::secs(60), max: Period::secs(120), wait: Period::secs(0) }
    }
}

/// A token in the header `Authorization`. Exactly one of `token`, `token_env` and `token_file` is set.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bearer {
    /// The token itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<KeyText>,
    /// The environment variable that holds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_env: Option<String>,
    /// The file that holds it, which is read for every request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_file: Option<PathBuf>,
    /// What stands before it.
    #[serde(default = "default_scheme")]
    pub scheme: String,
}

/// A user (RFC 7617). Exactly one of `password_env` and `password_file` is set.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Basic {
    /// The user's name.
    pub username: String,
    /// The environment variable of the password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_env: Option<String>,
    /// The file of the password, which is read for every request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_file: Option<PathBuf>,
}

/// The client credentials grant (RFC 6749 section 4.4). Exactly one of `client_secret_env` and `client_secret_file` is set.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OAuth2 {
    /// The token endpoint.
    pub token_url: UrlText,
    /// The client.
    pub client_id: String,
    /// The environment variable of its secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_secret_env: Option<String>,
    /// The file of its secret, which is read for every token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_secret_file: Option<PathBuf>,
    /// The scopes to ask for.
    #[serde(default)]
    pub scopes: Vec<String>,
}

/// Requests signed for S3 and what speaks its protocol (Signature Version 4).
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct S3 {
    /// The region, e.g. `eu-central-1`; that of `AWS_REGION`, if it is not set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// The environment variable of the access key's id.
    #[serde(default = "default_access_key_id")]
    pub access_key_id_env: String,
    /// The environment variable of the access key.
    #[serde(default = "default_secret_access_key")]
    pub secret_access_key_env: String,
    /// The environment variable of the session's token, where the key is a temporary one.
    #[serde(default = "default_session_token")]
    pub session_token_env: String,
}

/// A bundle that is fetched.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RemoteConfig {
    /// The name of the service that has it.
    pub service: String,
    /// Its path below the service's URL; of a registry, an image with a tag or a digest.
    pub resource: String,
    /// The lowest revision that is accepted. Revisions are then numbers that never fall.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minimum_revision: Option<String>,
}

impl ServiceConfig {
    /// The files that it names, to be made absolute.
    pub fn files_mut(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        let tls = self.tls.iter_mut().flat_map(|tls| [&mut tls.ca, &mut tls.cert, &mut tls.key]).flatten();
        let bearer = self.bearer.iter_mut().filter_map(|bearer| bearer.token_file.as_mut());
        let basic = self.basic.iter_mut().filter_map(|basic| basic.password_file.as_mut());
        let oauth2 = self.oauth2.iter_mut().filter_map(|oauth2| oauth2.client_secret_file.as_mut());
        tls.chain(bearer).chain(basic).chain(oauth2)
    }
}

const fn default_timeout() -> Period {
    Period::secs(60)
}

fn default_scheme() -> String {
    "Bearer".to_owned()
}

fn default_access_key_id() -> String {
    "AWS_ACCESS_KEY_ID".to_owned()
}

fn default_secret_access_key() -> String {
    "AWS_SECRET_ACCESS_KEY".to_owned()
}

fn default_session_token() -> String {
    "AWS_SESSION_TOKEN".to_owned()
}
