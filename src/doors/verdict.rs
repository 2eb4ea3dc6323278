//! What an answer may say besides yes and no: headers, a status, a body, in the names of OPA's Envoy plugin.
//!
//! INVARIANT (only allow allows): [`Effects::allowed`] is the outcome `allow`, whatever else the document says.
//! INVARIANT (whole or not at all): a document that asks for what no answer can say allows nothing. The pipeline is told so before
//! the record is written ([`form`]), so that record and answer agree.
//!
//! Deliberately absent: how each gateway is told.

use http::header::{CONNECTION, CONTENT_LENGTH, HOST, LOCATION, TE, TRAILER, TRANSFER_ENCODING, UPGRADE};
use http::{HeaderName, HeaderValue, StatusCode};
use verdict_rego::Value;

use super::routing::Routes;
use crate::model::decision::{Decision, Outcome};

/// The most headers, and parameters, of one kind.
const MOST: usize = 64;
/// The longest body and the longest value of a header, in bytes.
const MAX_BODY: usize = 64 << 10;
const MAX_VALUE: usize = 8 << 10;

/// What a message is framed by (RFC 9112 section 6), and where it goes, which no policy says.
const FRAMING: [HeaderName; 8] = [
    CONNECTION,
    CONTENT_LENGTH,
    HOST,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
    HeaderName::from_static("keep-alive"),
];

type Headers = Vec<(HeaderName, HeaderValue)>;

/// What an answer says.
#[derive(Debug, Default)]
pub(super) struct Effects {
    /// Whether the request may go on.
    pub allowed: bool,
    /// The status of a denial: 401, 403, another error, or a redirection that says where to.
    pub status: Option<StatusCode>,
    /// For the service behind, if the request is allowed; else for the client.
    pub headers: Headers,
    /// For the client, if the request is allowed.
    pub response_headers_to_add: Headers,
    /// Not for the service behind.
    pub request_headers_to_remove: Vec<HeaderName>,
    pub query_parameters_to_set: Vec<(String, String)>,
    pub query_parameters_to_remove: Vec<String>,
    /// Of a denial.
    pub body: Option<String>,
    pub dynamic_metadata: Option<Value>,
    /// What the policy says about why.
    pub reason: Option<String>,
    /// Who is calling, for the service behind: every header of `doors.http.upstream_headers`, empty where there is nothing to say.
    pub identity: Headers,
}

impl Effects {
    /// What a decision says. What cannot be said is left out of a denial, and never of an allow: that is one no longer.
    pub(super) fn of(decision: &Decision, routes: &Routes) -> Self {
        Self::read(decision, routes).unwrap_or_default()
    }

    fn read(decision: &Decision, routes: &Routes) -> Result<Self, String> {
        // What is left of a document that failed says nothing.
        let result = decision.result.as_ref().filter(|_| decision.failure.is_none());
        let identity = identity(decision.input.as_ref(), routes);
        Ok(Self { identity, ..Self::said(decision.outcome == Outcome::Allow, result)? })
    }

    /// What a document says, whoever is calling.
    fn said(allowed: bool, result: Option<&Value>) -> Result<Self, String> {
        let Some(result) = result.filter(|result| result.is_object()) else {
            return Ok(Self { allowed, ..Self::default() });
        };
        let headers = headers(result, "headers")?;
        let status = status(result.get("http_status").filter(|_| !allowed), &headers);
        Ok(Self {
            allowed,
            status,
            headers,
            response_headers_to_add: self::headers(result, "response_headers_to_add")?,
            request_headers_to_remove: names(result, "request_headers_to_remove")?,
            query_parameters_to_set: parameters(result, "query_parameters_to_set")?,
            query_parameters_to_remove: texts(result, "query_parameters_to_remove")?,
            body: body(result)?,
            dynamic_metadata: metadata(result)?,
            reason: result.get("reason").and_then(Value::as_str).map(str::to_owned),
            identity: Headers::new(),
        })
    }
}

/// For the pipeline: what of a document cannot be said. A status that a denial cannot have becomes 403, and is none of that.
///
/// # Errors
/// What it is.
pub(super) fn form(result: &Value) -> Result<(), String> {
    Effects::said(false, Some(result)).map(drop)
}

/// What the service behind is told of the caller, of what was verified alone. What no header can say is not said, and the header is
/// empty: a part of it could name somebody else.
fn identity(input: Option<&Value>, routes: &Routes) -> Headers {
    let told = routes.upstream().iter().map(|upstream| {
        let said = input.and_then(|input| input.at(upstream.path.iter().map(String::as_str)));
        let value = text(said).and_then(|text| header_value(&text));
        (upstream.name.clone(), value.unwrap_or(HeaderValue::from_static("")))
    });
    told.collect()
}

/// A value in one text: lists with commas, which none of their elements has.
fn text(value: Option<&Value>) -> Result<String, String> {
    let scalar = |value: &Value| match value {
        Value::String(text) => Ok(text.to_string()),
        Value::Number(_) | Value::Bool(_) => Ok(value.to_string()),
        _ => Err("is no text, number or list of them".to_owned()),
    };
    match value {
        None | Some(Value::Null) => Ok(String::new()),
        Some(list @ (Value::Array(_) | Value::Set(_))) => {
            let parts: Vec<String> = list.elements().into_iter().map(scalar).collect::<Result<_, _>>()?;
            match parts.iter().any(|part| part.contains(',')) {
                true => Err("has an element with a comma, which would look like two".to_owned()),
                false => Ok(parts.join(",")),
            }
        }
        Some(value) => scalar(value),
    }
}

fn header_value(text: &str) -> Result<HeaderValue, String> {
    let value = HeaderValue::from_str(text).or_else(|_| HeaderValue::from_bytes(text.as_bytes()));
    let value = value.map_err(|_| "has a control character".to_owned())?;
    if value.len() > MAX_VALUE {
        return Err(format!("is longer than {MAX_VALUE} bytes"));
    }
    Ok(value)
}

fn header_name(member: &str, name: &str) -> Result<HeaderName, String> {
    let read = HeaderName::from_bytes(name.as_bytes());
    let read = read.map_err(|_| format!("`{member}` has {name:?}, which is not the name of a header"))?;
    match FRAMING.contains(&read) {
        true => Err(format!("`{member}` has `{read}`, which policy may not set")),
        false => Ok(read),
    }
}

/// An object of texts or lists of texts, or a list of such objects.
fn headers(result: &Value, member: &str) -> Result<Headers, String> {
    let mut read = Vec::new();
    let objects = match result.get(member) {
        None | Some(Value::Null) => return Ok(read),
        Some(object @ Value::Object(_)) => vec![object],
        Some(list @ (Value::Array(_) | Value::Set(_))) => list.elements(),
        Some(_) => return Err(format!("`{member}` is neither an object nor a list of objects")),
    };
    for object in objects {
        let Value::Object(entries) = object else {
            return Err(format!("`{member}` has an element that is no object"));
        };
        for (name, said) in entries.iter() {
            let name = header_name(member, name.as_str().unwrap_or_default())?;
            let values = match said {
                list @ (Value::Array(_) | Value::Set(_)) => list.elements(),
                one => vec![one],
            };
            for value in values {
                let text = value.as_str().ok_or_else(|| format!("`{member}.{name}` is not text"))?;
                let value = header_value(text).map_err(|why| format!("`{member}.{name}` {why}"))?;
                read.push((name.clone(), value));
            }
        }
    }
    bounded(read, member)
}

fn bounded<T>(list: Vec<T>, member: &str) -> Result<Vec<T>, String> {
    if list.len() > MOST { Err(format!("`{member}` has more than {MOST} elements")) } else { Ok(list) }
}

fn texts(result: &Value, member: &str) -> Result<Vec<String>, String> {
    let list = match result.get(member) {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(list @ (Value::Array(_) | Value::Set(_))) => list.elements(),
        Some(_) => return Err(format!("`{member}` is not a list")),
    };
    let texts = list.into_iter().map(|value| value.as_str().map(str::to_owned));
    let texts: Option<Vec<_>> = texts.collect();
    bounded(texts.ok_or_else(|| format!("`{member}` has an element that is not text"))?, member)
}

fn names(result: &Value, member: &str) -> Result<Vec<HeaderName>, String> {
    texts(result, member)?.iter().map(|name| header_name(member, name)).collect()
}

/// An object of texts or lists of texts.
fn parameters(result: &Value, member: &str) -> Result<Vec<(String, String)>, String> {
    let entries = match result.get(member) {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::Object(entries)) => entries,
        Some(_) => return Err(format!("`{member}` is not an object")),
    };
    let mut read = Vec::new();
    for (name, said) in entries.iter() {
        let values = match said {
            list @ (Value::Array(_) | Value::Set(_)) => list.elements(),
            one => vec![one],
        };
        for value in values {
            let (Some(name), Some(value)) = (name.as_str(), value.as_str()) else {
                return Err(format!("`{member}` has something that is not text"));
            };
            read.push((name.to_owned(), value.to_owned()));
        }
    }
    bounded(read, member)
}

/// The status of a denial. Whoever may go on gets its status from the service behind.
///
/// INVARIANT (a denial looks like one): it never has the status of a success; it may lead elsewhere if it says where.
fn status(said: Option<&Value>, headers: &Headers) -> Option<StatusCode> {
    let number = match said? {
        Value::Null => return None,
        Value::Number(number) => number.as_i64(),
        _ => None,
    };
    let status = number.and_then(|number| StatusCode::from_u16(u16::try_from(number).ok()?).ok());
    let leads = || headers.iter().any(|(name, _)| *name == LOCATION);
    let fits = |status: &StatusCode| match status.as_u16() {
        301 | 302 | 303 | 307 | 308 => leads(),
        code => (400..600).contains(&code),
    };
    Some(status.filter(fits).unwrap_or(StatusCode::FORBIDDEN))
}

fn body(result: &Value) -> Result<Option<String>, String> {
    match result.get("body") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.len() > MAX_BODY => {
            Err(format!("`body` is longer than {MAX_BODY} bytes"))
        }
        Some(Value::String(text)) => Ok(Some(text.to_string())),
        Some(_) => Err("`body` is not text".to_owned()),
    }
}

fn metadata(result: &Value) -> Result<Option<Value>, String> {
    match result.get("dynamic_metadata") {
        None | Some(Value::Null) => Ok(None),
        Some(object) if object.is_object() => Ok(Some(object.clone())),
        Some(_) => Err("`dynamic_metadata` is not an object".to_owned()),
    }
}

#[cfg(test)]
mod tests;
