//! Calls of the API.

use std::time::Duration;

use http::{HeaderMap, HeaderValue, Method, header};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use super::trouble::{Trouble, plain};
use crate::model::secret::Secret;
use crate::net::{self, Answer, Client, Endpoint};

/// The largest answer: a page of a thousand records.
const MAX_ANSWER: usize = 64 << 20;
/// The longest that a call may take.
const TIMEOUT: Duration = Duration::from_secs(60);
/// What is escaped in parts of a path and of a query.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// A server, and the key that it is called with.
pub struct Api {
    client: Client,
    server: String,
    key: Secret<HeaderValue>,
    /// Where the key comes from, for people.
    origin: String,
    runtime: tokio::runtime::Runtime,
}

/// What is asked.
pub struct Ask {
    method: Method,
    path: Vec<String>,
    query: Vec<(&'static str, String)>,
    body: Option<Value>,
}

/// What was answered.
pub struct Reply {
    /// As the server wrote it.
    pub text: String,
    /// What it says; null where it says nothing.
    pub value: Value,
}

impl Ask {
    /// A question about what is at this path, whose parts are not yet escaped.
    pub fn new(method: Method, path: &[&str]) -> Self {
        let path = path.iter().map(|part| (*part).to_owned()).collect();
        Self { method, path, query: Vec::new(), body: None }
    }

    /// To read.
    pub fn get(path: &[&str]) -> Self {
        Self::new(Method::GET, path)
    }

    /// To do something.
    pub fn post(path: &[&str]) -> Self {
        Self::new(Method::POST, path)
    }

    /// To delete.
    pub fn delete(path: &[&str]) -> Self {
        Self::new(Method::DELETE, path)
    }

    /// Adds a parameter, where it is given.
    pub fn query(mut self, name: &'static str, value: Option<impl ToString>) -> Self {
        self.query.extend(value.map(|value| (name, value.to_string())));
        self
    }

    /// Adds a body.
    pub fn body(mut self, body: impl Into<Value>) -> Self {
        self.body = Some(body.into());
        self
    }

    /// The path with its query.
    fn target(&self) -> Result<String, Trouble> {
        let mut target = String::new();
        for part in &self.path {
            // A URL has no way to write these as names.
            if matches!(part.as_str(), "" | "." | "..") {
                return Err(Trouble::untried(format!("`{part}` is no identifier and no name")));
            }
            target.push('/');
            target.extend(utf8_percent_encode(part, ESCAPED));
        }
        for (n, (name, value)) in self.query.iter().enumerate() {
            target.push(if n == 0 { '?' } else { '&' });
            target.push_str(name);
            target.push('=');
            target.extend(utf8_percent_encode(value, ESCAPED));
        }
        Ok(target)
    }
}

impl Api {
    /// Calls `server` with `key`, which comes from `origin`; opens no connection.
    ///
    /// # Errors
    /// The URL is none, or leads over the network in plain text and `insecure` does not allow that; the key is none.
    pub fn new(server: &str, key: &Secret<String>, origin: String, insecure: bool) -> Result<Self, Trouble> {
        let server = server.trim_end_matches('/').to_owned();
        let endpoint = Endpoint::parse(&server).map_err(|error| error.to_string())?;
        if !insecure && !endpoint.is_private() {
            return Err(Trouble::untried(format!(
                "`{endpoint}` is on another machine, and plain http would show the key to the network; \
                 use https, a tunnel, or --insecure-plain-http"
            )));
        }
        let value = HeaderValue::from_str(&format!("Bearer {}", key.expose()));
        let mut value = value.map_err(|_| format!("{origin} is no key and no token"))?;
        value.set_sensitive(true);
        let client = Client::new(&net::Config::default()).map_err(|error| error.to_string())?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| format!("cannot start: {error}"))?;
        Ok(Self { client, server, key: Secret::new(value), origin, runtime })
    }

    /// The URL of the server.
    pub fn server(&self) -> &str {
        &self.server
    }

    /// Asks, and waits for the answer.
    ///
    /// # Errors
    /// The server says no, or does not say anything.
    pub fn ask(&self, ask: Ask) -> Result<Reply, Trouble> {
        let url = format!("{}{}", self.server, ask.target()?);
        let endpoint = Endpoint::parse(&url).map_err(|error| error.to_string())?;
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, self.key.expose().clone());
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        let body = ask.body.as_ref().map(|body| body.to_string().into_bytes());
        if body.is_some() {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        let call = net::Call { endpoint, headers, body };
        let answer = self.runtime.block_on(self.client.send_by(ask.method, call, MAX_ANSWER, TIMEOUT));
        self.reply(answer.map_err(|error| self.unreachable(&error))?)
    }

    fn unreachable(&self, error: &net::Error) -> Trouble {
        let hint = match error {
            net::Error::Transport(_) => {
                "\nhint: is the server running? --server says where its management listener is"
            }
            _ => "",
        };
        Trouble::Untried(format!("cannot ask {}: {error}{hint}", self.server))
    }

    fn reply(&self, answer: Answer) -> Result<Reply, Trouble> {
        let Answer { status, body, headers: _ } = answer;
        let text = String::from_utf8_lossy(&body).into_owned();
        let value = if text.trim().is_empty() { Ok(Value::Null) } else { serde_json::from_str(&text) };
        match (status, value) {
            (200..=299, Ok(value)) => Ok(Reply { text, value }),
            (200..=299, Err(_)) => Err(Trouble::Untried(format!(
                "{} answers with something that is no JSON; is it the management listener of verdict?",
                self.server
            ))),
            (_, value) => Err(self.refused(status, &value.unwrap_or_default())),
        }
    }

    /// What an answer that is no success comes to.
    fn refused(&self, status: u16, problem: &Value) -> Trouble {
        let text = |name: &str| problem.get(name).and_then(Value::as_str);
        let mut message = match (text("field"), text("message")) {
            (Some(field), Some(message)) if !message.contains(field) => {
                format!("`{}` {}", plain(field), plain(message))
            }
            (_, Some(message)) => plain(message),
            (_, None) => "the server does not say why".to_owned(),
        };
        message = format!("{message} (status {status})");
        match status {
            401 => message.push_str(&format!("\nhint: the credential is that of {}", self.origin)),
            403 => message.push_str(&format!(
                "\nhint: the credential is that of {}; --as or --key-file take another",
                self.origin
            )),
            404 if text("message").is_none() => message.push_str(&format!(
                "\nhint: is {} the management listener of a server with a registry?",
                self.server
            )),
            _ => {}
        }
        if (400..500).contains(&status) { Trouble::Refused(message) } else { Trouble::Untried(message) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_escaped_and_those_that_cannot_be_are_refused() {
        let target = |path: &[&str]| Ask::get(path).query("after", Some("a&b=c")).target();
        assert_eq!(
            target(&["v1", "roles", "a/b é?"]).unwrap(),
            "/v1/roles/a%2Fb%20%C3%A9%3F?after=a%26b%3Dc"
        );
        for name in ["", ".", ".."] {
            assert!(matches!(target(&["v1", "roles", name]), Err(Trouble::Untried(_))), "{name}");
        }
    }

    #[test]
    fn a_key_does_not_leave_the_machine_in_plain_text() {
        let key = Secret::new("k".to_owned());
        let new = |server, insecure| Api::new(server, &key, "a test".to_owned(), insecure);
        for (server, insecure, good) in [
            ("http://127.0.0.1:8282", false, true),
            ("https://verdict.example", false, true),
            ("http://verdict.example", false, false),
            ("http://verdict.example", true, true),
            ("verdict.example", true, false),
        ] {
            assert_eq!(new(server, insecure).is_ok(), good, "{server}");
        }
        let broken = Secret::new("a\nb".to_owned());
        assert!(Api::new("http://127.0.0.1:1", &broken, "`k`".to_owned(), false).is_err());
    }
}
