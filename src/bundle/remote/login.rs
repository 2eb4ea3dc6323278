//! What a service is shown besides the request: a token, a password, or a signature.
//!
//! INVARIANT (never shown): nothing here prints a secret, and no error repeats one. Headers that hold one are marked so.
//! INVARIANT (no stranger): what a service did not take is not used again where it can be had anew.

use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use tokio::sync::Mutex;
use zeroize::Zeroizing;

use super::config::{Basic, Bearer, OAuth2, S3, ServiceConfig};
use crate::bundle::folder;
use crate::model::clock::{Clock, Timestamp};
use crate::model::secret::Secret;
use crate::model::variables::Variables;
use crate::net::sigv4::{Credentials, Request, Scope, amz_date, authorization, hash};
use crate::net::{Call, Client, Endpoint};

/// The longest secret in a file, in bytes.
const MAX_SECRET: u64 = 64 << 10;
/// The longest answer of a token endpoint, in bytes.
const MAX_TOKEN_ANSWER: usize = 64 << 10;
/// How long before its end a token is no longer used.
const MARGIN: Duration = Duration::from_secs(30);

/// What is wrong with the configuration: the key below the service, and how.
pub(super) type Wrong = (&'static str, String);

/// How requests to one service are authenticated.
pub(super) enum Login {
    /// Not at all.
    Nobody,
    /// With a token.
    Bearer { scheme: String, token: Source },
    /// As a user.
    Basic { username: String, password: Source },
    /// With tokens that an authorization server gives.
    OAuth2(Box<TokenEndpoint>),
    /// With signatures.
    S3(Box<Signer>),
}

/// Where a secret is.
pub(super) enum Source {
    Value(Secret<Zeroizing<String>>),
    File(PathBuf),
}

/// Gives tokens for a client's own credentials.
pub(super) struct TokenEndpoint {
    endpoint: Endpoint,
    client_id: String,
    secret: Source,
    scopes: Vec<String>,
    client: Client,
    timeout: Duration,
    /// The last one, and until when it is used.
    token: Mutex<Option<(Secret<Zeroizing<String>>, Timestamp)>>,
}

/// Signs as AWS has it.
pub(super) struct Signer {
    region: String,
    id: String,
    key: Secret<Zeroizing<String>>,
    session: Option<Secret<Zeroizing<String>>>,
}

impl Login {
    /// # Errors
    /// A variable that is not set, or a token endpoint that is not called.
    pub(super) fn new(config: &ServiceConfig, variables: &Variables, client: &Client) -> Result<Self, Wrong> {
        let ServiceConfig { bearer, basic, oauth2, s3, timeout, .. } = config;
        Ok(match (bearer, basic, oauth2, s3) {
            (Some(Bearer { token, token_env, token_file, scheme }), ..) => {
                let token = match token {
                    Some(token) => Source::Value(Secret::new(Zeroizing::new(token.0.expose().clone()))),
                    None => Source::new(variables, token_env, token_file, "bearer.token_env")?,
                };
                Self::Bearer { scheme: scheme.clone(), token }
            }
            (_, Some(Basic { username, password_env, password_file }), ..) => {
                let password = Source::new(variables, password_env, password_file, "basic.password_env")?;
                Self::Basic { username: username.clone(), password }
            }
            (_, _, Some(config), _) => {
                let endpoint = Endpoint::parse(config.token_url.expose())
                    .map_err(|error| ("oauth2.token_url", error.to_string()))?;
                let OAuth2 { client_secret_env: env, client_secret_file: file, .. } = config;
                Self::OAuth2(Box::new(TokenEndpoint {
                    endpoint,
                    client_id: config.client_id.clone(),
                    secret: Source::new(variables, env, file, "oauth2.client_secret_env")?,
                    scopes: config.scopes.clone(),
                    client: client.clone(),
                    timeout: timeout.0,
                    token: Mutex::default(),
                }))
            }
            (_, _, _, Some(config)) => Self::S3(Box::new(Signer::new(config, variables)?)),
            (None, None, None, None) => Self::Nobody,
        })
    }

    /// The headers for a GET of `endpoint`.
    ///
    /// # Errors
    /// A file that cannot be read, or a token that cannot be had.
    pub(super) async fn headers(&self, endpoint: &Endpoint, clock: &Clock) -> Result<HeaderMap, String> {
        match self {
            Self::Nobody => Ok(HeaderMap::new()),
            Self::Bearer { scheme, token } => one(&format!("{scheme} {}", token.read()?.as_str())),
            Self::Basic { username, password } => {
                let pair = Zeroizing::new(format!("{username}:{}", password.read()?.as_str()));
                one(&format!("Basic {}", BASE64_STANDARD.encode(pair.as_bytes())))
            }
            Self::OAuth2(tokens) => one(&format!("Bearer {}", tokens.token(clock.now()).await?.as_str())),
            Self::S3(signer) => signer.headers(endpoint, clock.now()),
        }
    }

    /// The service did not take what it was shown.
    pub(super) async fn refused(&self) {
        if let Self::OAuth2(tokens) = self {
            *tokens.token.lock().await = None;
        }
    }
}

/// One header, `Authorization`.
fn one(text: &str) -> Result<HeaderMap, String> {
    Ok(HeaderMap::from_iter([(AUTHORIZATION, secret_value(text)?)]))
}

/// A header's value that is not printed.
pub(super) fn secret_value(text: &str) -> Result<HeaderValue, String> {
    let value = HeaderValue::try_from(text);
    let mut value = value.map_err(|_| "the credential has characters that no header can have".to_owned())?;
    value.set_sensitive(true);
    Ok(value)
}

impl Source {
    fn new(
        variables: &Variables,
        env: &Option<String>,
        file: &Option<PathBuf>,
        key: &'static str,
    ) -> Result<Self, Wrong> {
        match (env, file) {
            (_, Some(file)) => Ok(Self::File(file.clone())),
            (env, None) => variable(variables, env.as_deref().unwrap_or_default(), key).map(Self::Value),
        }
    }

    fn read(&self) -> Result<Zeroizing<String>, String> {
        match self {
            Self::Value(value) => Ok(value.expose().clone()),
            Self::File(path) => read_secret(path),
        }
    }
}

/// The value of a variable that must be set.
pub(super) fn variable(
    variables: &Variables,
    name: &str,
    key: &'static str,
) -> Result<Secret<Zeroizing<String>>, Wrong> {
    let value = variables.get(name);
    let value = value.ok_or_else(|| (key, format!("the environment variable `{name}` is not set")))?;
    Ok(Secret::new(Zeroizing::new(value.to_owned())))
}

fn read_secret(path: &Path) -> Result<Zeroizing<String>, String> {
    let bytes = folder::read_file(path, MAX_SECRET).map_err(|error| error.message)?;
    let bytes = Zeroizing::new(bytes);
    if bytes.len() as u64 > MAX_SECRET {
        return Err(format!("`{}` is too long for a secret", path.display()));
    }
    let text = std::str::from_utf8(&bytes).map_err(|_| format!("`{}` is not text", path.display()))?;
    match text.trim() {
        "" => Err(format!("`{}` is empty", path.display())),
        text => Ok(Zeroizing::new(text.to_owned())),
    }
}

#[derive(Deserialize)]
struct Granted {
    access_token: String,
    #[serde(default)]
    expires_in: u64,
}

impl TokenEndpoint {
    async fn token(&self, now: Timestamp) -> Result<Zeroizing<String>, String> {
        let mut kept = self.token.lock().await;
        if let Some((token, _)) = kept.as_ref().filter(|(_, until)| now < *until) {
            return Ok(token.expose().clone());
        }
        let (token, until) = self.ask(now).await.map_err(|why| format!("`oauth2.token_url`: {why}"))?;
        *kept = Some((Secret::new(token.clone()), until));
        Ok(token)
    }

    /// The request of RFC 6749 section 4.4.2, with the client's credentials as section 2.3.1 has them.
    async fn ask(&self, now: Timestamp) -> Result<(Zeroizing<String>, Timestamp), String> {
        let escaped = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let secret = self.secret.read()?;
        let pair = Zeroizing::new(format!("{}:{}", escaped(&self.client_id), escaped(&secret)));
        let mut headers = one(&format!("Basic {}", BASE64_STANDARD.encode(pair.as_bytes())))?;
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        let mut form = "grant_type=client_credentials".to_owned();
        if !self.scopes.is_empty() {
            form.push_str(&format!("&scope={}", escaped(&self.scopes.join(" "))));
        }
        let call = Call { endpoint: self.endpoint.clone(), headers, body: Some(form.into_bytes()) };
        let answer = self.client.send(call, MAX_TOKEN_ANSWER, self.timeout).await;
        let answer = answer.map_err(|error| error.to_string())?;
        if answer.status != 200 {
            return Err(format!(
                "answered {} instead of 200; check client id, secret and scopes",
                answer.status
            ));
        }
        let Granted { access_token, expires_in } = serde_json::from_slice(&answer.body)
            .map_err(|_| "the answer has no `access_token` (RFC 6749 section 5.1)".to_owned())?;
        let used = Duration::from_secs(expires_in).saturating_sub(MARGIN);
        let used = i64::try_from(used.as_nanos()).unwrap_or(i64::MAX);
        Ok((Zeroizing::new(access_token), Timestamp(now.0.saturating_add(used))))
    }
}

impl Signer {
    fn new(config: &S3, variables: &Variables) -> Result<Self, Wrong> {
        let S3 { region, access_key_id_env, secret_access_key_env, session_token_env } = config;
        let id = variable(variables, access_key_id_env, "s3.access_key_id_env")?;
        let session = variables.get(session_token_env);
        let region = region.as_deref().or_else(|| variables.get("AWS_REGION"));
        let no_region = || ("s3", "there is no `region`, and `AWS_REGION` is not set".to_owned());
        Ok(Self {
            region: region.ok_or_else(no_region)?.to_owned(),
            id: id.expose().to_string(),
            key: variable(variables, secret_access_key_env, "s3.secret_access_key_env")?,
            session: session.map(|token| Secret::new(Zeroizing::new(token.to_owned()))),
        })
    }

    fn headers(&self, endpoint: &Endpoint, now: Timestamp) -> Result<HeaderMap, String> {
        let (date, host, body) = (amz_date(now), endpoint.authority(), hash(b""));
        let mut signed = vec![
            ("host", host.as_str()),
            ("x-amz-content-sha256", body.as_str()),
            ("x-amz-date", date.as_str()),
        ];
        if let Some(token) = &self.session {
            signed.push(("x-amz-security-token", token.expose().as_str()));
        }
        let request = Request { method: "GET", path: endpoint.path(), headers: &signed, body: b"" };
        let credentials =
            Credentials { access_key_id: &self.id, secret_access_key: self.key.expose().as_str() };
        let scope = Scope { region: &self.region, service: "s3" };
        let mut headers = one(&authorization(&request, &credentials, &scope, &date))?;
        // The client writes `host` itself, the same that is signed.
        for (name, value) in signed.into_iter().filter(|(name, _)| *name != "host") {
            headers.insert(HeaderName::from_static(name), secret_value(value)?);
        }
        Ok(headers)
    }
}
