//! How secrets managers are called, and how their answers are read.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use super::error::CustodyError;
use super::{file, variable};
use crate::model::secret::{Secret, SecretBytes};
use crate::model::variables::Variables;
use crate::net::{Answer, Call, Client, Endpoint, UrlText};

/// The largest answer: secrets of 64 KiB, as the largest are, in base64.
const MAX_ANSWER: usize = 256 << 10;
/// What stands in a path or a form as itself (RFC 3986 section 2.3).
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Calls for one secret.
pub(super) struct Caller {
    /// The key of the configuration that errors name.
    pub(super) at: String,
    pub(super) client: Client,
    pub(super) timeout: Duration,
}

/// What to do about answers, in the words of one protocol.
pub(super) struct Hints {
    /// Where the credential is refused (401, 403).
    pub(super) denied: &'static str,
    /// Where there is no such thing (404).
    pub(super) missing: &'static str,
    /// Finds the protocol's own word for an error.
    pub(super) word: fn(&[u8]) -> Option<String>,
}

impl Caller {
    pub(super) fn error(&self, message: impl Into<String>, hint: impl Into<String>) -> CustodyError {
        CustodyError::new(&self.at, message, hint)
    }

    /// The body of the answer with status 200.
    pub(super) async fn call(&self, call: Call, hints: &Hints) -> Result<Zeroizing<Vec<u8>>, CustodyError> {
        let to = call.endpoint.to_string();
        let answer = self.client.send(call, MAX_ANSWER, self.timeout).await.map_err(|error| {
            self.error(format!("`{to}`: {error}"), "check the address, and that it can be reached from here")
        })?;
        let Answer { status, body, headers: _ } = answer;
        let body = Zeroizing::new(body);
        if status == 200 {
            return Ok(body);
        }
        let word = (hints.word)(&body);
        let word = word.map(|word| format!(" (`{word}`)")).unwrap_or_default();
        let hint = match status {
            // AWS says all that is wrong with a request by 400, and tells by the word.
            400 if word.contains("NotFound") => hints.missing,
            400 if word.contains("AccessDenied")
                || word.contains("Token")
                || word.contains("Signature")
                || word.contains("Unrecognized") =>
            {
                hints.denied
            }
            401 | 403 => hints.denied,
            404 => hints.missing,
            429 => "it has had too many calls; try again later",
            500.. => "it is in trouble; try again later",
            _ => "check the configuration of this source",
        };
        Err(self.error(format!("`{to}` answered {status}{word} instead of 200"), hint))
    }

    /// Reads an answer. What is wrong with it is told by place alone: the reader's own words repeat what they found.
    pub(super) fn json<T: DeserializeOwned>(&self, body: &[u8], what: &str) -> Result<T, CustodyError> {
        serde_json::from_slice(body).map_err(|error| {
            let kind = match error.classify() {
                serde_json::error::Category::Data => "does not have the expected fields",
                _ => "is not json",
            };
            let place = format!("line {}, column {}", error.line(), error.column());
            self.error(
                format!("{what} {kind} ({place})"),
                "check that the address is that of the service, and not of something in between",
            )
        })
    }

    /// The secret that calls are made with, as text: from a variable or a file.
    pub(super) fn own_secret(
        &self,
        variables: &Variables,
        env: Option<&str>,
        path: Option<&Path>,
    ) -> Result<Secret<Zeroizing<String>>, CustodyError> {
        let bytes = match (env, path) {
            (Some(name), _) => variable::read(variables, name, &self.at)?,
            (None, Some(path)) => file::read(path, &self.at)?,
            (None, None) => {
                return Err(self.error("there is nothing to log in with", "name a variable or a file"));
            }
        };
        let text = std::str::from_utf8(bytes.expose()).map(str::trim).ok().filter(|text| !text.is_empty());
        let text = text.ok_or_else(|| {
            self.error(
                "what to log in with is empty, or not text",
                "check the variable or the file that holds it",
            )
        })?;
        Ok(Secret::new(Zeroizing::new(text.to_owned())))
    }

    /// A header whose value is not shown.
    pub(super) fn secret_header(&self, value: &str) -> Result<HeaderValue, CustodyError> {
        let mut value = HeaderValue::from_str(value).map_err(|_| {
            self.error(
                "what to log in with has characters that no header can have",
                "check that it is a token",
            )
        })?;
        value.set_sensitive(true);
        Ok(value)
    }

    /// The headers of a call with a bearer token.
    pub(super) fn bearer(&self, token: &Token) -> Result<HeaderMap, CustodyError> {
        let text = Zeroizing::new(format!("Bearer {}", token.access_token.as_str()));
        Ok(HeaderMap::from_iter([(AUTHORIZATION, self.secret_header(&text)?)]))
    }

    /// Asks for a token with a form (RFC 6749 section 4).
    pub(super) async fn token(
        &self,
        endpoint: Endpoint,
        fields: &[(&str, &str)],
        hints: &Hints,
    ) -> Result<Token, CustodyError> {
        let form: Vec<String> =
            fields.iter().map(|(name, value)| format!("{name}={}", escaped(value))).collect();
        let form_type = HeaderValue::from_static("application/x-www-form-urlencoded");
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, form_type)]);
        let call = Call { endpoint, headers, body: Some(form.join("&").into_bytes()) };
        self.json(&self.call(call, hints).await?, "the answer with a token")
    }

    /// Asks the machine's metadata service for a token, with the header that keeps others from doing so.
    pub(super) async fn machine_token(
        &self,
        endpoint: Endpoint,
        header: (&'static str, &'static str),
        hints: &Hints,
    ) -> Result<Token, CustodyError> {
        let (name, value) = (HeaderName::from_static(header.0), HeaderValue::from_static(header.1));
        let call = Call { endpoint, headers: HeaderMap::from_iter([(name, value)]), body: None };
        self.json(&self.call(call, hints).await?, "the answer with a token")
    }

    /// The endpoint at a path below a base.
    pub(super) fn endpoint(&self, base: &UrlText, path: &str) -> Result<Endpoint, CustodyError> {
        let text = format!("{}{path}", base.expose().trim_end_matches('/'));
        Endpoint::parse(&text).map_err(|error| self.error(error.to_string(), "write an absolute https url"))
    }
}

/// What a token endpoint answers (RFC 6749 section 5.1), as far as it is of interest.
#[derive(Deserialize)]
pub(super) struct Token {
    #[serde(deserialize_with = "zeroizing")]
    access_token: Zeroizing<String>,
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token")
    }
}

/// A text that is overwritten when it is dropped.
pub(super) fn zeroizing<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Zeroizing<String>, D::Error> {
    String::deserialize(from).map(Zeroizing::new)
}

/// The same, for a field that may be missing.
pub(super) fn zeroizing_option<'de, D: serde::Deserializer<'de>>(
    from: D,
) -> Result<Option<Zeroizing<String>>, D::Error> {
    Option::<String>::deserialize(from).map(|text| text.map(Zeroizing::new))
}

/// A text as a secret.
pub(super) fn secret(text: &str) -> SecretBytes {
    Secret::new(Zeroizing::new(text.as_bytes().to_vec()))
}

/// A text as it may stand in a path or a form.
pub(super) fn escaped(text: &str) -> String {
    utf8_percent_encode(text, ESCAPED).to_string()
}

/// The segments of a path, each escaped.
pub(super) fn escaped_path(path: &str) -> String {
    path.split('/').map(escaped).collect::<Vec<_>>().join("/")
}

/// The word for an error of OAuth (RFC 6749 section 5.2): of small letters, so that it is no token.
pub(super) fn oauth_word(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Refused {
        error: String,
    }
    let word = serde_json::from_slice::<Refused>(body).ok()?.error;
    let known = word.len() <= 40 && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    known.then_some(word)
}
