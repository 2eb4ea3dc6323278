//! Builds a request from the object that `http.send` takes.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::builtins::error::Error;
use crate::builtins::http::response::Decode;
use crate::builtins::json::encoding::go_json;
use crate::builtins::text::print::quote;
use crate::builtins::time::parse;
use crate::effects::responses::Keeping;
use crate::outbound::{Client, Request, Tls};
use crate::value::{Number, Object, Set, Value};

/// The members that a request may have.
pub const KEYS: [&str; 28] = [
    "method",
    "url",
    "body",
    "enable_redirect",
    "force_json_decode",
    "force_yaml_decode",
    "headers",
    "raw_body",
    "tls_use_system_certs",
    "tls_ca_cert",
    "tls_ca_cert_file",
    "tls_ca_cert_env_variable",
    "tls_client_cert",
    "tls_client_cert_file",
    "tls_client_cert_env_variable",
    "tls_client_key",
    "tls_client_key_file",
    "tls_client_key_env_variable",
    "tls_insecure_skip_verify",
    "tls_server_name",
    "timeout",
    "cache",
    "force_cache",
    "force_cache_duration_seconds",
    "raise_error",
    "caching_mode",
    "max_retry_attempts",
    "cache_ignored_headers",
];
const REQUIRED: [&str; 2] = ["method", "url"];
/// The most attempts after the first.
const MAX_RETRIES: u32 = 100;

/// Whether the members are those that a request has.
///
/// # Errors
/// In OPA's words, when one is missing or not known.
pub fn check_keys(asked: &Object) -> Result<(), Error> {
    let wrong = |what: &str, names: Set| {
        let names: Vec<String> = names.keys().map(ToString::to_string).collect();
        let message = format!("operand 1 {what} request parameters(s): {{{}}}", names.join(", "));
        Error::new(crate::builtins::error::Kind::Type, message)
    };
    let known = |name: &Value| name.as_str().is_some_and(|name| KEYS.contains(&name));
    let unknown: Set = asked.keys().filter(|name| !known(name)).cloned().collect();
    if !unknown.is_empty() {
        return Err(wrong("invalid", unknown));
    }
    let missing: Set =
        REQUIRED.into_iter().filter(|name| asked.get_str(name).is_none()).map(Value::from).collect();
    if missing.is_empty() { Ok(()) } else { Err(wrong("missing required", missing)) }
}

/// What makes two requests the same: all members, but the headers without those to be ignored.
///
/// # Errors
/// When the members that say so are not what they must be.
pub fn key(asked: &Object) -> Result<Value, Error> {
    let mut key = asked.clone();
    if let (Some(ignored), Some(headers)) = (asked.get_str("cache_ignored_headers"), asked.get_str("headers"))
    {
        let ignored = match ignored {
            Value::Null => Vec::new(),
            Value::Array(_) | Value::Set(_) => ignored.elements(),
            _ => return Err(invalid("cache_ignored_headers")),
        };
        let Value::Object(headers) = headers else {
            return Err(Error::failed("invalid type for headers key"));
        };
        let mut headers = Object::clone(headers);
        for name in ignored {
            if name.as_str().is_none() {
                return Err(invalid("cache_ignored_headers"));
            }
            headers.remove(name);
        }
        key.insert(Value::from("headers"), Value::from(headers));
    }
    key.insert(Value::from("cache_ignored_headers"), Value::Null);
    Ok(Value::from(key))
}

/// What is to be done with the answer.
pub struct Wanted {
    /// Whether it is kept beyond the evaluation, and how.
    pub keeping: Option<Keeping>,
    /// How its body is read.
    pub decode: Decode,
}

impl Wanted {
    /// # Errors
    /// When a member is not what it must be.
    pub fn read(asked: &Object) -> Result<Self, Error> {
        let flag = |name: &str| match asked.get_str(name) {
            None => Ok(false),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(_) => Err(invalid(name)),
        };
        let keeping = if flag("force_cache")? {
            let seconds = asked.get_str("force_cache_duration_seconds").ok_or_else(|| {
                Error::failed("'force_cache' set but 'force_cache_duration_seconds' parameter is missing")
            })?;
            let seconds = whole(seconds).ok_or_else(|| invalid("force_cache_duration_seconds"))?;
            Some(Keeping::Forced(seconds))
        } else {
            flag("cache")?.then_some(Keeping::AsHeadersSay)
        };
        // Both modes give the same answers; what is kept is what came over the wire.
        match asked.get_str("caching_mode") {
            None => {}
            Some(Value::String(mode)) if matches!(&**mode, "serialized" | "deserialized") => {}
            Some(Value::String(mode)) => {
                return Err(Error::failed(format!(
                    "invalid value specified for \"caching_mode\" field: {mode}"
                )));
            }
            Some(_) => return Err(invalid("caching_mode")),
        }
        let decode = Decode { json: flag("force_json_decode")?, yaml: flag("force_yaml_decode")? };
        Ok(Self { keeping, decode })
    }
}

fn invalid(name: &str) -> Error {
    Error::failed(format!("invalid value for {} field", quote(name)))
}

fn whole(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_plain_i64(),
        _ => None,
    }
}

/// The request that a checked object stands for.
///
/// # Errors
/// In OPA's words, when a member is not what it must be.
pub fn build(asked: &Object, client: &dyn Client, env: &BTreeMap<String, String>) -> Result<Request, Error> {
    let mut request = Request {
        method: String::new(),
        url: String::new(),
        headers: Vec::new(),
        body: Vec::new(),
        follow_redirects: false,
        timeout: None,
        retries: 0,
        tls: Tls::default(),
    };
    let mut raw_body = None;
    for (name, value) in asked.iter() {
        let name = name.as_str().unwrap_or_default();
        let text = || {
            let wrong = || Error::failed(format!("{} must be a string", quote(name)));
            value.as_str().map(|text| text.trim_matches('"')).ok_or_else(wrong)
        };
        match name {
            "method" => request.method = text()?.to_uppercase(),
            "url" => text()?.clone_into(&mut request.url),
            "body" => request.body = go_json(value).into_bytes(),
            "raw_body" => raw_body = Some(text()?.as_bytes().to_vec()),
            "headers" => request.headers = headers(value)?,
            "enable_redirect" => request.follow_redirects = flag(value)?,
            "timeout" => request.timeout = Some(timeout(value)?),
            "max_retry_attempts" => {
                let attempts = whole(value).ok_or_else(|| invalid(name))?;
                request.retries = u32::try_from(attempts.max(0)).unwrap_or(MAX_RETRIES).min(MAX_RETRIES);
            }
            _ => {}
        }
    }
    if let Some(raw) = raw_body {
        request.body = raw;
    }
    request.tls = tls(asked, client, env)?;
    let host = request.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("host"));
    if let (None, Some((_, host))) = (&request.tls.server_name, host) {
        request.tls.server_name = Some(host.clone());
    }
    Ok(request)
}

/// As Go reads truth values: numbers, too.
fn flag(value: &Value) -> Result<bool, Error> {
    let text = value.to_string();
    match text.as_str() {
        "true" | "1" => Ok(true),
        "false" | "0" => Ok(false),
        _ => Err(Error::failed(format!("strconv.ParseBool: parsing {}: invalid syntax", quote(&text)))),
    }
}

fn headers(value: &Value) -> Result<Vec<(String, String)>, Error> {
    let Value::Object(members) = value else { return Err(Error::failed("invalid type for headers key")) };
    let header = |(name, value): (&Value, &Value)| {
        let name = name.as_str().map_or_else(|| name.to_string(), str::to_owned);
        let text = value.as_str().map(str::to_owned);
        let wrong = || Error::failed(format!("invalid type for headers value {}", quote(&value.to_string())));
        Ok((name, text.ok_or_else(wrong)?))
    };
    members.iter().map(header).collect()
}

/// Nanoseconds, or a text such as `500ms`. Zero is no limit of its own.
fn timeout(value: &Value) -> Result<Duration, Error> {
    let nanoseconds = match value {
        Value::Number(number) => Number::as_plain_i64(number)
            .ok_or_else(|| Error::failed(format!("invalid timeout number value {value}, must be int64")))?,
        Value::String(text) => match text.parse() {
            Ok(nanoseconds) => nanoseconds,
            Err(_) => parse::duration(text).map_err(|error| {
                Error::failed(format!("invalid timeout value {value}: {}", error.message))
            })?,
        },
        other => {
            let got = other.type_name();
            let message = format!("operand 1 'timeout' must be one of {{string, number}} but got {got}");
            return Err(Error::new(crate::builtins::error::Kind::Type, message));
        }
    };
    // Go takes a negative one for a time that is over.
    Ok(match u64::try_from(nanoseconds) {
        Ok(nanoseconds) => Duration::from_nanos(nanoseconds),
        Err(_) => Duration::from_nanos(1),
    })
}

/// Certificates and keys: as text, from a file, or from an environment variable.
fn tls(asked: &Object, client: &dyn Client, env: &BTreeMap<String, String>) -> Result<Tls, Error> {
    let text = |name: &str| match asked.get_str(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.trim_matches('"')).filter(|text| !text.is_empty())),
        Some(_) => Err(Error::failed(format!("{} must be a string", quote(name)))),
    };
    let switch = |name: &str| asked.get_str(name).map(flag).transpose();
    let pem = |name: &str| -> Result<Option<Vec<u8>>, Error> {
        if let Some(pem) = text(name)? {
            return Ok(Some(pem.as_bytes().to_vec()));
        }
        if let Some(path) = text(&format!("{name}_file"))? {
            return client.read_file(path).map(Some).map_err(Error::failed);
        }
        let Some(variable) = text(&format!("{name}_env_variable"))? else { return Ok(None) };
        let value = env.get(variable).ok_or_else(|| {
            Error::failed(format!("the environment variable {variable} is not set, or may not be seen"))
        })?;
        Ok(Some(value.as_bytes().to_vec()))
    };
    let identity = match (pem("tls_client_cert")?, pem("tls_client_key")?) {
        (Some(certificate), Some(key)) => Some((certificate, key)),
        _ => None,
    };
    Ok(Tls {
        system_roots: switch("tls_use_system_certs")?,
        roots: pem("tls_ca_cert")?.into_iter().collect(),
        identity,
        unverified: switch("tls_insecure_skip_verify")?.unwrap_or(false),
        server_name: text("tls_server_name")?.map(str::to_owned),
    })
}
