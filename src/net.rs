//! The one outbound HTTP client.
//!
//! INVARIANT (bounded calls): every call has a deadline and a size limit that holds while the body streams, so that no
//! peer can keep a task waiting or fill the memory.
//! INVARIANT (no redirects): what was configured is what is asked; an answer cannot send Verdict elsewhere. Policy may
//! ask for redirects, each of which is checked as the first call was; [`Client::ask`] hands them to a caller that knows the
//! digest of what it is to get.
//!
//! Deliberately absent: proxies from the environment (only `config` reads it), cookies, decompression, retries (the
//! caller knows what a retry means).
//!
//! Reading order: [`Client`] (keys of issuers, secrets managers, bundles) with [`sigv4`] → [`policy`] (calls of policy) → [`allow`] → `clients` → [`lookup`].

pub mod allow;
mod clients;
pub mod lookup;
pub mod policy;
pub mod sigv4;
mod tls;

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use http::{HeaderMap, Method};
use reqwest::redirect::Policy;
use serde::{Deserialize, Serialize};

pub use self::tls::{OutboundConfig, OutboundTls};
use crate::model::units::Period;

/// How long connections may take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// How long a connection may take to be made, TLS included.
    pub connect_timeout: Period,
    /// How long an unused connection is kept for the next call.
    pub idle_timeout: Period,
}

impl Default for Config {
    fn default() -> Self {
        Self { connect_timeout: Period::secs(5), idle_timeout: Period::secs(30) }
    }
}

/// Why an outbound call failed. Carries neither the body nor what can be secret in the URL.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The URL is not one that is ever called.
    #[error("`{url}` is not usable: {reason}")]
    Url {
        /// The URL, as far as it may be shown.
        url: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The client cannot be set up, e.g. for want of root certificates.
    #[error("cannot set up the http client: {0}")]
    Setup(String),
    /// No connection, or it broke.
    #[error("the call failed: {0}")]
    Transport(String),
    /// The deadline passed.
    #[error("no complete answer within {0}")]
    Timeout(Period),
    /// The answer is a redirect, and none is followed.
    #[error("answered {0}, a redirect, and redirects are not followed; configure the final url")]
    Redirect(u16),
    /// The answer is another status than 200.
    #[error("answered {0} instead of 200")]
    Status(u16),
    /// The body is over the limit.
    #[error("the body is longer than {0} bytes")]
    TooLarge(usize),
}

/// An absolute `http` or `https` URL without credentials or fragment.
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoint(reqwest::Url);

impl Endpoint {
    /// Reads a URL.
    ///
    /// # Errors
    /// When it is not absolute, another scheme than `http` or `https`, without host, or carries a user name, password
    /// or fragment. The error shows no part of the URL that can hold a secret.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let refuse = |reason| Err(Error::Url { url: redacted(text), reason });
        let Ok(url) = reqwest::Url::parse(text) else { return refuse("it is not an absolute url") };
        if !matches!(url.scheme(), "http" | "https") {
            return refuse("only http and https are supported");
        }
        if url.host_str().is_none_or(str::is_empty) {
            return refuse("it has no host");
        }
        if !url.username().is_empty() || url.password().is_some() {
            return refuse("it carries a user name or a password");
        }
        if url.fragment().is_some() {
            return refuse("it has a fragment (`#`)");
        }
        Ok(Self(url))
    }

    /// The host, as it stands in the URL.
    pub fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default()
    }

    /// What calls to it have as `host`: the port is left out where it is that of the scheme.
    pub fn authority(&self) -> String {
        let port = self.0.port().map(|port| format!(":{port}")).unwrap_or_default();
        format!("{}{port}", self.host())
    }

    /// Scheme, host and port (RFC 6454 section 6.2).
    pub fn origin(&self) -> String {
        self.0.origin().ascii_serialization()
    }

    /// The path, as it is sent.
    pub fn path(&self) -> &str {
        self.0.path()
    }

    /// Where a redirect from here leads.
    ///
    /// # Errors
    /// As [`Endpoint::parse`].
    pub fn at(&self, location: &str) -> Result<Self, Error> {
        let refused = || Error::Url { url: redacted(location), reason: "it is no url" };
        let url = self.0.join(location).map_err(|_| refused())?;
        Self::parse(url.as_str())
    }

    /// Whether it is a host alone, without path and query.
    pub fn is_root(&self) -> bool {
        self.0.path() == "/" && self.0.query().is_none()
    }

    /// Whether it has a query.
    pub fn has_query(&self) -> bool {
        self.0.query().is_some()
    }

    /// Whether calls to it are encrypted, or do not leave this machine.
    pub fn is_private(&self) -> bool {
        let host = self.0.host_str().unwrap_or_default().trim_matches(['[', ']']);
        let loopback =
            host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.to_canonical().is_loopback());
        self.0.scheme() == "https" || loopback
    }
}

/// `url` without what can hold a secret: user information, query and fragment are replaced by `***`.
///
/// Never longer on detail than it is sure of: of a text that is not a URL, less is shown.
pub fn redacted(url: &str) -> String {
    if let Ok(parsed) = reqwest::Url::parse(url)
        && parsed.has_host()
    {
        let has_user = !parsed.username().is_empty() || parsed.password().is_some();
        let user = if has_user { "***@" } else { "" };
        let port = parsed.port().map(|port| format!(":{port}")).unwrap_or_default();
        let host = parsed.host_str().unwrap_or_default();
        let query = if parsed.query().is_some() { "?***" } else { "" };
        let fragment = if parsed.fragment().is_some() { "#***" } else { "" };
        return format!("{}://{user}{host}{port}{}{query}{fragment}", parsed.scheme(), parsed.path());
    }
    let (scheme, rest) = url.split_once("://").map_or(("", url), |(scheme, rest)| (scheme, rest));
    let scheme = if scheme.is_empty() { String::new() } else { format!("{scheme}://") };
    // Where there is no URL to read, nobody can say where a password ends: it may hold any of these characters.
    match (rest.rsplit_once('@'), rest.find(['?', '#'])) {
        (Some((_, host)), _) => {
            let host = host.split(['/', '?', '#']).next().unwrap_or_default();
            format!("{scheme}***@{host}")
        }
        (None, Some(end)) => format!("{scheme}{}?***", rest.get(..end).unwrap_or_default()),
        (None, None) => format!("{scheme}{rest}"),
    }
}

/// A URL as somebody wrote it, not yet checked. Whatever prints it shows it [`redacted`].
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct UrlText(String);

impl UrlText {
    /// The whole text, secrets included: to be parsed, not to be shown.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<&str> for UrlText {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl fmt::Display for UrlText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&redacted(&self.0))
    }
}

impl fmt::Debug for UrlText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UrlText({self})")
    }
}

impl Serialize for UrlText {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Redacted, like everything that shows it.
impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&redacted(self.0.as_str()))
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Endpoint({self})")
    }
}

/// The client. Cheap to clone; clones share their connections.
#[derive(Debug, Clone)]
pub struct Client(reqwest::Client, Config);

impl Client {
    /// Sets the client up; opens no connection.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new(config: &Config) -> Result<Self, Error> {
        let client = builder(config).build().map_err(|error| Error::Setup(chain(&error)))?;
        Ok(Self(client, config.clone()))
    }

    /// A client for plain HTTP, which needs no authorities on the machine; calls over TLS fail.
    ///
    /// # Errors
    /// When it cannot be set up.
    pub fn plain(config: &Config) -> Result<Self, Error> {
        Self::with_tls(config, tls::trusting_nobody().map_err(Error::Setup)?)
    }

    /// A client for the calls of a server, with what its configuration says of TLS.
    ///
    /// # Errors
    /// The key of the configuration that is wrong, below `outbound.tls`, and how.
    pub fn outbound(config: &OutboundConfig) -> Result<Self, (&'static str, String)> {
        let tls = config.tls.client_config()?;
        Self::with_tls(&Config::default(), tls).map_err(|error| ("min_version", error.to_string()))
    }

    /// A client like this one, with connections of its own over this TLS: a configuration of rustls.
    ///
    /// # Errors
    /// When it is something else.
    pub fn over(&self, tls: impl std::any::Any) -> Result<Self, Error> {
        Self::with_tls(&self.1, tls)
    }

    fn with_tls(config: &Config, tls: impl std::any::Any) -> Result<Self, Error> {
        let client = builder(config).tls_backend_preconfigured(tls).build();
        Ok(Self(client.map_err(|error| Error::Setup(chain(&error)))?, config.clone()))
    }

    /// The body that `endpoint` answers with status 200, of at most `max_bytes`, all of it within `timeout`.
    ///
    /// # Errors
    /// On any other status, a redirect included, a body over the limit, a passed deadline, or a broken connection.
    pub async fn get_limited(
        &self,
        endpoint: &Endpoint,
        max_bytes: usize,
        timeout: Duration,
    ) -> Result<Vec<u8>, Error> {
        let response = begin(self.0.get(endpoint.0.clone()), timeout).await?;
        match response.status().as_u16() {
            200 => rest(response, max_bytes, timeout).await,
            other => Err(Error::Status(other)),
        }
    }

    /// Sends `call` and waits for the whole answer, of at most `max_bytes`, all of it within `timeout`. A status that is no
    /// success is an answer, too; if its body is over the limit, it is left out.
    ///
    /// # Errors
    /// On a redirect, a body over the limit, a passed deadline, or a broken connection.
    pub async fn send(&self, call: Call, max_bytes: usize, timeout: Duration) -> Result<Answer, Error> {
        let method = if call.body.is_some() { Method::POST } else { Method::GET };
        self.send_by(method, call, max_bytes, timeout).await
    }

    /// The same, by any method.
    ///
    /// # Errors
    /// As [`Client::send`].
    pub async fn send_by(
        &self,
        method: Method,
        call: Call,
        max_bytes: usize,
        timeout: Duration,
    ) -> Result<Answer, Error> {
        let Call { endpoint, headers, body } = call;
        let mut request = self.0.request(method, endpoint.0);
        if let Some(body) = body {
            request = request.body(body);
        }
        let response = begin(request.headers(headers), timeout).await?;
        whole(response, max_bytes, timeout).await
    }

    /// Sends a GET and waits for the whole answer, whatever its status: a redirect is an answer, too, and is not followed.
    ///
    /// # Errors
    /// On a body over the limit, a passed deadline, or a broken connection.
    pub async fn ask(
        &self,
        endpoint: &Endpoint,
        headers: HeaderMap,
        max_bytes: usize,
        timeout: Duration,
    ) -> Result<Answer, Error> {
        let request = self.0.get(endpoint.0.clone()).headers(headers).timeout(timeout);
        let response = request.send().await.map_err(|error| failed(error, timeout))?;
        whole(response, max_bytes, timeout).await
    }
}

/// A call with headers of its own, which may hold secrets.
pub struct Call {
    /// Whom to call.
    pub endpoint: Endpoint,
    /// What to send besides `host`, `user-agent` and `content-length`.
    pub headers: HeaderMap,
    /// What to POST; without it, the call is a GET.
    pub body: Option<Vec<u8>>,
}

/// What a [`Call`] was answered with. No debug text: its body may hold secrets.
pub struct Answer {
    /// The status; no redirect, unless it was asked for.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Vec<u8>,
}

fn failed(error: reqwest::Error, timeout: Duration) -> Error {
    match error.is_timeout() {
        true => Error::Timeout(Period(timeout)),
        false => Error::Transport(chain(&error.without_url())),
    }
}

/// The head of the answer, which is no redirect.
async fn begin(request: reqwest::RequestBuilder, timeout: Duration) -> Result<reqwest::Response, Error> {
    let response = request.timeout(timeout).send().await.map_err(|error| failed(error, timeout))?;
    let status = response.status();
    if status.is_redirection() {
        return Err(Error::Redirect(status.as_u16()));
    }
    Ok(response)
}

/// The whole answer. The body of one that is no success is left out where it is over the limit.
async fn whole(response: reqwest::Response, max_bytes: usize, timeout: Duration) -> Result<Answer, Error> {
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let body = match rest(response, max_bytes, timeout).await {
        Err(Error::TooLarge(_)) if !(200..300).contains(&status) => Vec::new(),
        body => body?,
    };
    Ok(Answer { status, headers, body })
}

/// The body of the answer.
async fn rest(
    mut response: reqwest::Response,
    max_bytes: usize,
    timeout: Duration,
) -> Result<Vec<u8>, Error> {
    // What the peer announces spares the transfer; what it sends is counted all the same.
    let announced = response.content_length().unwrap_or(0);
    if usize::try_from(announced).unwrap_or(usize::MAX) > max_bytes {
        return Err(Error::TooLarge(max_bytes));
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| failed(error, timeout))? {
        if chunk.len() > max_bytes.saturating_sub(body.len()) {
            return Err(Error::TooLarge(max_bytes));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// What all clients have in common, those of `identity` and those of policy.
#[expect(clippy::disallowed_methods, reason = "this is the one place that makes an http client")]
fn builder(config: &Config) -> reqwest::ClientBuilder {
    let Config { connect_timeout, idle_timeout } = config;
    reqwest::Client::builder()
        .redirect(Policy::none())
        .no_proxy()
        .referer(false)
        .connect_timeout(connect_timeout.0)
        .pool_idle_timeout(idle_timeout.0)
        .user_agent(concat!("verdict/", env!("CARGO_PKG_VERSION")))
}

/// reqwest's own text names only the outermost layer; the cause is what a person needs.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_http_without_credentials() {
        for (text, expected) in [
            ("https://idp.example.com/jwks.json", Ok(true)),
            ("http://127.0.0.1:9/jwks", Ok(true)),
            ("http://[::1]/jwks", Ok(true)),
            ("http://localhost/jwks", Ok(true)),
            ("http://idp.example.com/jwks", Ok(false)),
            ("http://localhost.example.com/jwks", Ok(false)),
            ("file:///etc/passwd", Err("only http and https are supported")),
            ("jwks.json", Err("it is not an absolute url")),
            ("https://u:hunter2@idp.example.com/", Err("it carries a user name or a password")),
            ("https://idp.example.com/#x", Err("it has a fragment (`#`)")),
        ] {
            let got = match Endpoint::parse(text) {
                Ok(endpoint) => Ok(endpoint.is_private()),
                Err(Error::Url { reason, url }) => {
                    assert!(!url.contains("hunter2"), "{url}");
                    Err(reason)
                }
                Err(other) => panic!("{text}: {other}"),
            };
            assert_eq!(got, expected, "{text}");
        }
    }

    #[test]
    fn what_can_be_secret_in_a_url_is_not_shown() {
        for (url, shown) in [
            ("https://idp.example.com/jwks", "https://idp.example.com/jwks"),
            ("https://idp.example.com:8443/a@b", "https://idp.example.com:8443/a@b"),
            ("https://idp.example.com/jwks?v=s3cr3t", "https://idp.example.com/jwks?***"),
            ("https://idp.example.com/jwks?s3cr3t", "https://idp.example.com/jwks?***"),
            ("https://idp.example.com/jwks#s3cr3t", "https://idp.example.com/jwks#***"),
            ("https://u:s3cr3t@idp.example.com/jwks?x=s3cr3t", "https://***@idp.example.com/jwks?***"),
            ("https://s3cr3t@idp.example.com/", "https://***@idp.example.com/"),
            ("https://u:s3cr3t/x@idp.example.com/", "https://***@idp.example.com"),
            ("https://u:s3cr3t?x@idp.example.com/", "https://***@idp.example.com"),
            ("https://u:s3cr3t@idp example.com/s3cr3t?s3cr3t", "https://***@idp example.com"),
            ("u:s3cr3t@idp.example.com", "***@idp.example.com"),
            ("/jwks?k=s3cr3t", "/jwks?***"),
            ("jwks.json", "jwks.json"),
        ] {
            assert_eq!(redacted(url), shown);
            let text = UrlText::from(url);
            let printed = format!("{text} {text:?} {}", serde_json::to_string(&text).unwrap());
            assert!(!printed.contains("s3cr3t"), "{printed}");
            match Endpoint::parse(url) {
                Ok(endpoint) => assert!(!format!("{endpoint} {endpoint:?}").contains("s3cr3t"), "{url}"),
                Err(error) => assert!(!format!("{error} {error:?}").contains("s3cr3t"), "{error:?}"),
            }
        }
    }
}
