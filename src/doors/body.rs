//! Request bodies: read within limits, decompressed, parsed strictly.

use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, HttpBody};
use bytes::Bytes;
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, EXPECT};
use http_body_util::{BodyExt, LengthLimitError, Limited};

use crate::model::failure::{Failure, FailureKind};
use tokio::sync::Semaphore;
use verdict_rego::{Value, yaml};

/// How much of a body that is too long is still read, in multiples of the limit.
const DISCARDED: usize = 16;

/// How much, and for how long, of a body is read.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// The most bytes, also after decompression.
    pub max: usize,
    /// How long it may take to arrive.
    pub timeout: Duration,
}

/// Reads a whole body and undoes its `Content-Encoding` (gzip, RFC 9110 section 8.4.1.3).
///
/// # Errors
/// [`FailureKind::TooLarge`] over the limit, else [`FailureKind::InvalidRequest`]: too slow, cut off, another encoding,
/// not gzip though it says so.
async fn read(headers: &HeaderMap, mut body: Body, limits: Limits) -> Result<Bytes, Failure> {
    let declared = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if declared.is_some_and(|length| length > limits.max) {
        // Who asks first (RFC 9110 section 10.1.1) has sent nothing yet, and need not.
        if !headers.contains_key(EXPECT) {
            discard(body, limits.max.saturating_mul(DISCARDED), limits.timeout);
        }
        return Err(too_large(limits.max));
    }
    let collected = tokio::time::timeout(limits.timeout, Limited::new(&mut body, limits.max).collect()).await;
    let bytes = match collected {
        Err(_) => {
            return Err(invalid(format!("the body did not arrive within {} ms", limits.timeout.as_millis())));
        }
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            discard(body, limits.max.saturating_mul(DISCARDED), limits.timeout);
            return Err(too_large(limits.max));
        }
        Ok(Err(_)) => return Err(invalid("the body was cut off")),
        Ok(Ok(collected)) => collected.to_bytes(),
    };
    let mut encodings = headers.get_all(CONTENT_ENCODING).iter();
    match (encodings.next().map(|value| value.as_bytes()), encodings.next()) {
        (None, _) => Ok(bytes),
        (Some(encoding), None) if encoding.eq_ignore_ascii_case(b"identity") => Ok(bytes),
        (Some(encoding), None) if encoding.eq_ignore_ascii_case(b"gzip") => gunzip(&bytes, limits.max),
        _ => Err(invalid("the content encoding is not one of `gzip` and `identity`")),
    }
}

/// A body that is read once it is known who is calling, or not at all.
pub struct Unread<'r> {
    headers: &'r HeaderMap,
    body: Option<Body>,
    limits: Limits,
}

impl<'r> Unread<'r> {
    /// A body of which nothing has been read.
    pub const fn new(headers: &'r HeaderMap, body: Body, limits: Limits) -> Self {
        Self { headers, body: Some(body), limits }
    }

    /// Reads it, up to `most` bytes.
    ///
    /// # Errors
    /// As [`read`].
    pub async fn bytes(&mut self, most: usize) -> Result<Bytes, Failure> {
        let body = self.body.take().unwrap_or_default();
        let limits = Limits { max: self.limits.max.min(most), ..self.limits };
        match read(self.headers, body, limits).await {
            Err(failure) if failure.kind == FailureKind::TooLarge => {
                let message = format!("request body too large: the limit is {} bytes", limits.max);
                Err(Failure::new(FailureKind::TooLarge, message))
            }
            read => read,
        }
    }

    /// Reads it as one JSON object, whatever its content type says.
    ///
    /// # Errors
    /// As [`read`], and what is wrong with it.
    pub async fn object(&mut self) -> Result<Value, Failure> {
        let body = self.body.take().unwrap_or_default();
        let bytes = read(self.headers, body, self.limits).await?;
        match Value::from_json(&bytes) {
            Ok(object) if object.is_object() => Ok(object),
            Ok(_) => Err(invalid("the body is not a JSON object")),
            Err(_) if bytes.iter().all(u8::is_ascii_whitespace) => {
                Err(invalid("the body is empty; it has to be a JSON object"))
            }
            Err(error) => Err(invalid(format!("the body is not JSON: {error}"))),
        }
    }

    /// Reads and parses it.
    ///
    /// # Errors
    /// As [`read`] and [`parse`].
    pub async fn parse<T: FromDocument>(&mut self) -> Result<T, Failure> {
        let body = self.body.take().unwrap_or_default();
        let bytes = read(self.headers, body, self.limits).await?;
        parse(self.headers, bytes).await
    }
}

/// A body that nobody wanted is taken off the connection: who was refused may ask again on the same one.
impl Drop for Unread<'_> {
    fn drop(&mut self) {
        // Who asks first has sent nothing yet, and need not.
        if let Some(body) = self.body.take().filter(|_| !self.headers.contains_key(EXPECT)) {
            discard(body, self.limits.max, self.limits.timeout);
        }
    }
}

/// Takes the rest of a refused body off the connection, beside the answer and within limits: were it left unread, the
/// system would reset the connection, and the caller might never see why it was refused.
fn discard(body: Body, most: usize, timeout: Duration) {
    if HttpBody::is_end_stream(&body) {
        return;
    }
    let mut rest = Limited::new(body, most);
    tokio::spawn(tokio::time::timeout(timeout, async move { while let Some(Ok(_)) = rest.frame().await {} }));
}

fn gunzip(bytes: &[u8], max: usize) -> Result<Bytes, Failure> {
    let mut plain = Vec::new();
    let limit = u64::try_from(max).unwrap_or(u64::MAX).saturating_add(1);
    let read = flate2::bufread::MultiGzDecoder::new(bytes).take(limit).read_to_end(&mut plain);
    match read {
        Err(error) => {
            Err(invalid(format!("the body is not valid gzip, though its content encoding says so: {error}")))
        }
        Ok(_) if plain.len() > max => Err(too_large(max)),
        Ok(_) => Ok(Bytes::from(plain)),
    }
}

fn too_large(max: usize) -> Failure {
    Failure::new(
        FailureKind::TooLarge,
        format!("request body too large: the limit is {max} bytes (`server.max_body`)"),
    )
}

fn invalid(message: impl Into<String>) -> Failure {
    Failure::new(FailureKind::InvalidRequest, message)
}

/// What a body can be read as.
pub trait FromDocument: Default {
    /// Takes a document apart.
    ///
    /// # Errors
    /// What does not belong into it, or is missing.
    fn from_document(document: Value) -> Result<Self, String>;
}

/// How many YAML bodies are read at a time: they take longer than JSON, and are read where nobody else is served.
static YAML_READERS: Semaphore = Semaphore::const_new(2);

/// Parses a body: YAML where the content type says so, else JSON, strictly. An empty body is `T::default()`.
///
/// # Errors
/// [`FailureKind::InvalidRequest`] with what was wrong and where.
async fn parse<T: FromDocument>(headers: &HeaderMap, body: Bytes) -> Result<T, Failure> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Ok(T::default());
    }
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let malformed = |message: String| invalid(format!("body contains malformed input document: {message}"));
    let document = if content_type.contains("yaml") {
        let _place = YAML_READERS.acquire().await;
        let read = tokio::task::spawn_blocking(move || read_yaml(&body)).await;
        read.unwrap_or_else(|_| Err("the reader panicked".to_owned())).map_err(malformed)?
    } else {
        Value::from_json(&body).map_err(|error| malformed(error.to_string()))?
    };
    T::from_document(document).map_err(malformed)
}

/// What YAML means is held to the limits of JSON: its own reader takes more, and anchors make much of little.
fn read_yaml(body: &[u8]) -> Result<Value, String> {
    let text = std::str::from_utf8(body).map_err(|_| "not UTF-8".to_owned())?;
    let document = yaml::read_exchanged(text).map_err(|error| error.to_string())?;
    Value::from_json(document.to_string().as_bytes()).map_err(|error| error.message)
}

/// The members of an envelope, which has no others than those that are known.
pub(super) fn members(document: Value, known: &[&str]) -> Result<Vec<(Value, Value)>, String> {
    let expected = || known.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(" or ");
    let Value::Object(members) = document else {
        let message = "invalid type: expected an object with the key";
        return Err(format!("{message} {}", expected()));
    };
    let members = Arc::unwrap_or_clone(members).into_entries();
    let is_known = |key: &Value| key.as_str().is_some_and(|key| known.contains(&key));
    match members.iter().find(|(key, _)| !is_known(key)) {
        Some((key, _)) => {
            let key = key.as_str().map_or_else(|| key.to_string(), str::to_owned);
            Err(format!("unknown field `{key}`, expected {}", expected()))
        }
        None => Ok(members),
    }
}

/// `{"input": …}`, the body of `POST /v1/data`; `null` and nothing at all are an envelope without input.
#[derive(Debug, Default, PartialEq)]
pub struct Envelope {
    /// The input document; `None` where the key is missing, or `null` as with OPA.
    pub input: Option<Value>,
}

impl FromDocument for Envelope {
    fn from_document(document: Value) -> Result<Self, String> {
        if document == Value::Null {
            return Ok(Self::default());
        }
        // Whoever sends the input itself is told of the envelope.
        let bare = matches!(document, Value::Object(_)) && document.get("input").is_none();
        let input = members(document, &["input"]).map_err(|message| match bare {
            true => format!("{message}: write `{{\"input\": {{…}}}}`"),
            false => message,
        })?;
        let input = input.into_iter().next_back().map(|(_, input)| input);
        Ok(Self { input: input.filter(|input| *input != Value::Null) })
    }
}

/// `{"input": …}` with whatever stands beside it, as OPA takes it.
#[derive(Debug, Default, PartialEq)]
pub struct OpenEnvelope {
    /// As in [`Envelope`].
    pub input: Option<Value>,
    /// All other members, if there are any.
    pub beside: Option<Value>,
}

impl FromDocument for OpenEnvelope {
    fn from_document(document: Value) -> Result<Self, String> {
        let Value::Object(members) = document else {
            return Envelope::from_document(document).map(Self::from);
        };
        let (input, beside): (Vec<_>, Vec<_>) = Arc::unwrap_or_clone(members)
            .into_entries()
            .into_iter()
            .partition(|(key, _)| key.as_str() == Some("input"));
        let input =
            input.into_iter().next_back().map(|(_, input)| input).filter(|input| *input != Value::Null);
        let beside = (!beside.is_empty()).then(|| Value::Object(Arc::new(beside.into_iter().collect())));
        Ok(Self { input, beside })
    }
}

impl From<Envelope> for OpenEnvelope {
    fn from(envelope: Envelope) -> Self {
        Self { input: envelope.input, beside: None }
    }
}

/// A whole body that is the input (`/v0/data`, `POST /`).
#[derive(Debug, Default)]
pub struct Bare(pub Option<Value>);

impl FromDocument for Bare {
    fn from_document(document: Value) -> Result<Self, String> {
        Ok(Self(Some(document)))
    }
}

/// `{"inputs": {name: input}, "common_input": …}`, the body of `POST /v1/batch/data`.
#[derive(Debug, Default)]
pub struct BatchEnvelope {
    /// Name and input, in order of the names.
    pub inputs: Vec<(String, Value)>,
    /// Members that every input has unless it has its own.
    pub common_input: Option<Value>,
}

impl FromDocument for BatchEnvelope {
    fn from_document(document: Value) -> Result<Self, String> {
        let (mut inputs, mut common_input) = (None, None);
        for (key, member) in members(document, &["inputs", "common_input"])? {
            *(if key.as_str() == Some("inputs") { &mut inputs } else { &mut common_input }) = Some(member);
        }
        let Some(Value::Object(inputs)) = inputs else {
            return Err(if inputs.is_none() {
                "missing field `inputs`"
            } else {
                "`inputs` is not an object"
            }
            .to_owned());
        };
        let named = |(key, input): (Value, Value)| (key.as_str().unwrap_or_default().to_owned(), input);
        Ok(Self {
            inputs: Arc::unwrap_or_clone(inputs).into_entries().into_iter().map(named).collect(),
            common_input,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn envelope(body: &'static str) -> Result<Option<String>, String> {
        parse::<Envelope>(&HeaderMap::new(), Bytes::from(body))
            .await
            .map(|envelope| envelope.input.map(|input| input.to_string()))
            .map_err(|failure| failure.message)
    }

    #[tokio::test]
    async fn the_envelope_has_one_exact_key_once() {
        for (body, input) in [
            (r#"{"input": {"a": 1}}"#, Some(r#"{"a":1}"#)),
            (r#"{"input": null}"#, None),
            ("{}", None),
            ("null", None),
            ("", None),
            (" \n", None),
        ] {
            assert_eq!(envelope(body).await.unwrap().as_deref(), input, "{body}");
        }
        for (body, why) in [
            ("[]", "expected an object"),
            ("\"x\"", "expected an object"),
            (r#"{"user": 1}"#, "unknown field `user`, expected `input`: write `{\"input\": {…}}`"),
            (r#"{"INPUT": 1}"#, "unknown field `INPUT`, expected `input`"),
            (r#"{"input": 1, "other": 2}"#, "unknown field `other`"),
            (r#"{"input": 1, "input": 1}"#, "duplicate key \"input\""),
            (r#"{"input": {"a": 1, "a": 2}}"#, "duplicate key \"a\""),
            (r#"{"input": {}} x"#, "trailing bytes"),
            (r#"{"input": 1e999}"#, "would not keep its value"),
            ("{", "EOF"),
        ] {
            let error = envelope(body).await.unwrap_err();
            assert!(error.contains(why) && error.starts_with("body contains malformed"), "{body}: {error}");
        }
    }

    #[tokio::test]
    async fn a_batch_has_inputs_by_name() {
        for bad in [
            r#"{"inputs": []}"#,
            r#"{"common_input": {}}"#,
            r#"{"inputs": {}, "x": 1}"#,
            r#"{"inputs": {}, "inputs": {}}"#,
        ] {
            assert!(parse::<BatchEnvelope>(&HeaderMap::new(), Bytes::from(bad)).await.is_err(), "{bad}");
        }
    }
}
