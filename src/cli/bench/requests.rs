//! What a load consists of: requests rendered to bytes once, before the clock starts.

use std::collections::BTreeMap;
use std::fmt;

use http::{HeaderName, HeaderValue, Method, header};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::url::Url;
use crate::cli::eval::in_envelope;

/// One request as it goes over the wire.
pub struct PreparedRequest {
    bytes: Vec<u8>,
    head: bool,
}

impl PreparedRequest {
    /// Renders a request. `target` is the path with its query, `authority` the value of `Host`.
    pub fn new(
        method: &Method,
        target: &str,
        authority: &str,
        headers: &[(HeaderName, HeaderValue)],
        body: Option<&[u8]>,
    ) -> Self {
        let mut bytes = format!("{method} {target} HTTP/1.1\r\n").into_bytes();
        let mut line = |name: &str, value: &[u8]| {
            for part in [name.as_bytes(), b": ", value, b"\r\n"] {
                bytes.extend_from_slice(part);
            }
        };
        let given = |name| headers.iter().any(|(known, _)| known == name);
        if !given(header::HOST) {
            line("host", authority.as_bytes());
        }
        if !given(header::USER_AGENT) {
            line("user-agent", concat!("verdict-bench/", env!("CARGO_PKG_VERSION")).as_bytes());
        }
        if let Some(body) = body {
            if !given(header::CONTENT_TYPE) {
                line("content-type", b"application/json");
            }
            line("content-length", body.len().to_string().as_bytes());
        }
        for (name, value) in headers {
            line(name.as_str(), value.as_bytes());
        }
        bytes.extend_from_slice(b"\r\n");
        bytes.extend_from_slice(body.unwrap_or_default());
        Self { bytes, head: method == Method::HEAD }
    }

    /// The whole request.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether its answer has no body whatever the answer's headers say.
    pub const fn is_head(&self) -> bool {
        self.head
    }
}

/// Says how long it is and no more: the bytes carry the caller's token.
impl fmt::Debug for PreparedRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PreparedRequest({} bytes)", self.bytes.len())
    }
}

/// A request before it is known which server gets it.
#[derive(Debug)]
enum Template {
    /// A body for the path of the URL.
    Body(Box<RawValue>),
    /// An input, wrapped in the envelope that the path of the URL asks for.
    Input(Box<RawValue>),
    Full {
        method: Method,
        path: Option<String>,
        headers: Vec<(HeaderName, HeaderValue)>,
        body: Option<Box<RawValue>>,
    },
}

/// The requests that are sent in turn, again and again.
#[derive(Debug)]
pub struct RequestSet(Vec<Template>);

/// The keys that make an object a whole request rather than a body.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FullRequest {
    method: Option<String>,
    path: Option<String>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    body: Option<Box<RawValue>>,
}

impl RequestSet {
    /// One request: the input document in `json`, or an empty input.
    ///
    /// # Errors
    /// When the text is not one JSON document.
    pub fn of_input(json: Option<&str>) -> Result<Self, String> {
        let input: Box<RawValue> =
            serde_json::from_str(json.unwrap_or("{}")).map_err(|error| error.to_string())?;
        Ok(Self(vec![Template::Input(input)]))
    }

    /// Reads a JSON array, or JSON documents one after another (JSON lines). An object with `method`, `path`,
    /// `headers` or `body` is a whole request; anything else is a body.
    ///
    /// # Errors
    /// What cannot be read, with its place; an empty set.
    pub fn parse(text: &str) -> Result<Self, String> {
        let documents: Vec<Box<RawValue>> = if text.trim_start().starts_with('[') {
            serde_json::from_str(text).map_err(|error| error.to_string())?
        } else {
            serde_json::Deserializer::from_str(text)
                .into_iter()
                .collect::<Result<_, _>>()
                .map_err(|error: serde_json::Error| error.to_string())?
        };
        if documents.is_empty() {
            return Err("there is no request in it".to_owned());
        }
        let numbered = documents.into_iter().enumerate();
        numbered
            .map(|(index, document)| {
                template(document).map_err(|why| format!("request {}: {why}", index + 1))
            })
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Of the first request in `file` whose body does not look as its path wants it: what to say.
    pub fn warning(&self, file: &str, url: &Url) -> Option<String> {
        (1..).zip(&self.0).find_map(|(number, template)| template.warning(file, number, url))
    }

    /// Renders the requests for a server. The headers of a request come before `common` ones of the same name.
    pub fn prepare(&self, url: &Url, common: &[(HeaderName, HeaderValue)]) -> Vec<PreparedRequest> {
        self.0.iter().map(|template| template.prepare(url, common)).collect()
    }
}

impl Template {
    fn warning(&self, file: &str, number: usize, url: &Url) -> Option<String> {
        let (Self::Body(document) | Self::Input(document)) = self else { return None };
        let members: Option<BTreeMap<String, &RawValue>> = serde_json::from_str(document.get()).ok();
        let has_input = members.as_ref().is_some_and(|members| members.contains_key("input"));
        let only_input = has_input && members.is_some_and(|members| members.len() == 1);
        match self {
            Self::Input(_) if only_input => Some(in_envelope(&format!("`{file}`"))),
            Self::Body(_) if only_input && url.takes_bare_input() => Some(format!(
                "the only member of request {number} in `{file}` is `input`, so that policy sees `input.input`\n\
                 hint: a body for `{}` is the document itself; did you mean what is below `input`?",
                url.target()
            )),
            Self::Body(_) if !has_input && url.wraps_input() => Some(format!(
                "request {number} in `{file}` has no member `input`, so that policy sees no input\n\
                 hint: did you mean `{{\"input\": …}}`, with the document in it?"
            )),
            _ => None,
        }
    }

    fn prepare(&self, url: &Url, common: &[(HeaderName, HeaderValue)]) -> PreparedRequest {
        let post = |body: &str| {
            PreparedRequest::new(&Method::POST, url.target(), url.authority(), common, Some(body.as_bytes()))
        };
        match self {
            Self::Body(body) => post(body.get()),
            Self::Input(input) if url.takes_bare_input() => post(input.get()),
            Self::Input(input) => post(&format!("{{\"input\":{}}}", input.get())),
            Self::Full { method, path, headers, body } => {
                let mut all = headers.clone();
                all.extend(
                    common.iter().filter(|(name, _)| headers.iter().all(|(own, _)| own != name)).cloned(),
                );
                let target = path.as_deref().unwrap_or(url.target());
                let body = body.as_ref().map(|body| body.get().as_bytes());
                PreparedRequest::new(method, target, url.authority(), &all, body)
            }
        }
    }
}

fn template(document: Box<RawValue>) -> Result<Template, String> {
    let keys: BTreeMap<String, &RawValue> = serde_json::from_str(document.get()).unwrap_or_default();
    let whole = ["method", "path", "headers", "body"].into_iter().find(|key| keys.contains_key(*key));
    let Some(key) = whole else { return Ok(Template::Body(document)) };
    if keys.contains_key("input") {
        return Err(format!(
            "both `input` and `{key}`: it is either a body or a whole request; put the input into `body`"
        ));
    }
    let full: FullRequest = serde_json::from_str(document.get()).map_err(|error| error.to_string())?;
    let default = if full.body.is_some() { "POST" } else { "GET" };
    let method = full.method.as_deref().unwrap_or(default);
    let method = Method::from_bytes(method.as_bytes()).map_err(|_| format!("`{method}` is not a method"))?;
    if let Some(path) = &full.path {
        let readable = path.starts_with('/') && path.parse::<http::uri::PathAndQuery>().is_ok();
        if !readable {
            return Err(format!("`{path}` is not a path; write e.g. `/v1/data/app/allow`"));
        }
    }
    let headers =
        full.headers.iter().map(|(name, value)| parse_header(name, value)).collect::<Result<_, _>>()?;
    Ok(Template::Full { method, path: full.path, headers, body: full.body })
}

/// Checks a header that is to be sent. The value is a secret as far as anyone knows, so no error repeats it.
///
/// # Errors
/// What is no header, and the ones that frame the message, which bench writes itself.
pub fn parse_header(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), String> {
    let parsed: HeaderName = name.parse().map_err(|_| format!("`{name}` is not a header name"))?;
    if [header::CONTENT_LENGTH, header::TRANSFER_ENCODING, header::CONNECTION].contains(&parsed) {
        return Err(format!("header `{parsed}` frames the message; bench sets it itself"));
    }
    let mut value = HeaderValue::from_str(value)
        .map_err(|_| format!("the value of header `{parsed}` has characters that no header may have"))?;
    value.set_sensitive(true);
    Ok((parsed, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rendered(set: &RequestSet, url: &str, common: &[(HeaderName, HeaderValue)]) -> Vec<String> {
        let prepared = set.prepare(&Url::parse(url).unwrap(), common);
        prepared.iter().map(|request| String::from_utf8(request.bytes().to_vec()).unwrap()).collect()
    }

    fn first_and_body(request: &str) -> (&str, &str) {
        let (head, body) = request.split_once("\r\n\r\n").unwrap();
        (head.lines().next().unwrap(), body)
    }

    #[test]
    fn bodies_and_whole_requests_in_an_array_or_in_lines() {
        let items = [
            r#"{"input": {"a": 1}}"#,
            r#"{"method": "GET", "path": "/v1/data/x?pretty", "headers": {"X-One": "1"}}"#,
            r#"{"path": "/v1/batch/data/app", "body": {"inputs": {}}}"#,
            "[1]",
        ];
        let expected = [
            ("POST /v1/data/app HTTP/1.1", r#"{"input": {"a": 1}}"#),
            ("GET /v1/data/x?pretty HTTP/1.1", ""),
            ("POST /v1/batch/data/app HTTP/1.1", r#"{"inputs": {}}"#),
            ("POST /v1/data/app HTTP/1.1", "[1]"),
        ];
        let array = format!("\n[{}]", items.join(","));
        for text in [array, items.join("\n")] {
            let common = [parse_header("x-one", "common").unwrap(), parse_header("x-two", "2").unwrap()];
            let got = rendered(&RequestSet::parse(&text).unwrap(), "http://h:1/v1/data/app", &common);
            assert_eq!(got.iter().map(|r| first_and_body(r)).collect::<Vec<_>>(), expected);
            assert!(
                got[1].contains("\r\nx-one: 1\r\n")
                    && !got[1].contains("common")
                    && got[1].contains("x-two: 2")
            );
            assert!(got[0].contains("\r\nhost: h:1\r\n") && got[0].contains("\r\ncontent-length: 19\r\n"));
            assert!(!got[1].contains("content-length") && !got[1].contains("content-type"));
        }
    }

    #[test]
    fn what_cannot_be_sent_is_refused_with_its_place() {
        for (text, part) in [
            ("", "no request"),
            ("[]", "no request"),
            ("{\"input\": 1}\n{\"input\": ", "line 2"),
            ("[{\"input\":1}", "line 1"),
            (r#"{"input": 1, "path": "/x"}"#, "request 1: both `input` and `path`"),
            ("{\"input\":1}\n{\"path\": \"/x\", \"mehod\": \"GET\"}", "request 2: unknown field `mehod`"),
            (r#"{"path": "v1/data"}"#, "`v1/data` is not a path"),
            (r#"{"path": "/a b"}"#, "`/a b` is not a path"),
            (r#"{"method": "G T", "path": "/"}"#, "`G T` is not a method"),
            (r#"{"path": "/", "headers": {"content-length": "1"}}"#, "frames the message"),
            (r#"{"path": "/", "headers": {"x": "a\r\nb: c"}}"#, "characters"),
        ] {
            let error = RequestSet::parse(text).unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        }
    }

    #[test]
    fn the_input_takes_the_envelope_that_its_path_asks_for() {
        let set = RequestSet::of_input(Some("{\"a\":1}")).unwrap();
        for (url, body) in [
            ("http://h/v1/data/app", r#"{"input":{"a":1}}"#),
            ("http://h/v0/data/app", r#"{"a":1}"#),
            ("http://h", r#"{"a":1}"#),
            ("http://h/?pretty", r#"{"a":1}"#),
        ] {
            assert_eq!(first_and_body(&rendered(&set, url, &[])[0]).1, body, "{url}");
        }
        assert!(RequestSet::of_input(Some("{} {}")).is_err());
    }

    #[test]
    fn a_prepared_request_does_not_print_its_token() {
        let headers = [parse_header("authorization", "Bearer canary").unwrap()];
        let request = PreparedRequest::new(&Method::GET, "/", "h", &headers, None);
        assert!(!format!("{request:?} {headers:?}").contains("canary"));
    }
}
