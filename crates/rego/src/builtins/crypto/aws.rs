//! `providers.aws.sign_req`: requests to AWS, signed by its version 4.

use aws_lc_rs::{digest, hmac};
use jiff::Timestamp;

use crate::builtins::context::{Context, number, object};
use crate::builtins::encoding::go_url;
use crate::builtins::encoding::pem::hex;
use crate::builtins::error::{Error, Kind};
use crate::builtins::http::request::KEYS;
use crate::builtins::json::encoding::go_json;
use crate::value::{Object, Value};

/// Members that requests have to have.
const REQUIRED: [&str; 2] = ["method", "url"];

/// Members that the configuration has to have, in their order.
const CONFIGURED: [&str; 4] = ["aws_access_key", "aws_region", "aws_secret_access_key", "aws_service"];

/// Headers that change on the way, and so are not signed.
const UNSIGNED: [&str; 3] = ["authorization", "user-agent", "x-amzn-trace-id"];

fn refused(position: usize, why: impl std::fmt::Display) -> Error {
    Error::new(Kind::Type, format!("operand {position} {why}"))
}

/// Names as OPA writes a set of them.
fn listed<'n>(names: impl Iterator<Item = &'n str>) -> Option<String> {
    let names: Vec<String> = names.map(|name| go_json(&Value::from(name))).collect();
    (!names.is_empty()).then(|| format!("{{{}}}", names.join(", ")))
}

fn member<'o>(members: &'o Object, name: &str) -> &'o str {
    members.get_str(name).and_then(Value::as_str).unwrap_or_default()
}

fn is_text(members: &Object, name: &str) -> bool {
    matches!(members.get_str(name), Some(Value::String(_)))
}

pub fn sign_request(_: &mut Context, args: &[Value]) -> Result<Option<Value>, Error> {
    let request = object(args, 1)?;
    let config = object(args, 2)?;
    check_config(config)?;
    // Only what is written as a whole number: `1e9` is not.
    let time = number(args, 3)?.to_string().parse::<i64>().ok();
    let seconds = |time: i64| Timestamp::from_second(time.div_euclid(1_000_000_000)).ok();
    let wrong_time = || refused(3, "could not convert time_ns value into a unix timestamp");
    let time = time.and_then(seconds).ok_or_else(wrong_time)?;
    check_request(request)?;

    let headers = headers_of(request)?;
    let url = go_url::parse(member(request, "url")).map_err(|_| Error::failed("invalid URL"))?;
    let body = match (request.get_str("raw_body"), request.get_str("body")) {
        (Some(raw), _) => raw.as_str().unwrap_or_default().to_owned(),
        (None, Some(body)) => go_json(body),
        (None, None) => String::new(),
    };
    let payload_is_signed = match config.get_str("disable_payload_signing") {
        None => true,
        Some(Value::Bool(disabled)) => !disabled,
        Some(_) => return Err(refused(2, "invalid value for 'disable_payload_signing' in AWS config")),
    };

    let signing = Signing {
        config,
        date: time.strftime("%Y%m%d").to_string(),
        time: time.strftime("%Y%m%dT%H%M%SZ").to_string(),
    };
    let payload_hash =
        if payload_is_signed { sha256(body.as_bytes()) } else { "UNSIGNED-PAYLOAD".to_owned() };
    let added = signing.headers(&url.host, &payload_hash);
    let mut signed: Vec<(String, &str)> =
        added.iter().map(|(name, value)| ((*name).to_owned(), &**value)).collect();
    for (name, value) in &headers {
        let name = name.to_lowercase();
        if !UNSIGNED.contains(&name.as_str()) {
            // What the request has comes before what is added to it.
            signed.retain(|(other, _)| *other != name);
            signed.push((name, value));
        }
    }
    signed.sort();
    let request_line = format!("{}\n{}\n{}\n", member(request, "method"), url.escaped_path(), url.query);
    let authorization = signing.authorization(&request_line, &signed, &payload_hash);

    let texts = headers.iter().map(|(name, value)| (Value::from(name.as_str()), Value::from(value.as_str())));
    let authorization = (Value::from("Authorization"), Value::from(authorization));
    let added = added.iter().map(|(name, value)| (Value::from(*name), Value::from(value.as_str())));
    let mut answer = request.clone();
    let headers: Object = texts.chain([authorization]).chain(added).collect();
    answer.insert(Value::from("headers"), Value::from(headers));
    Ok(Some(Value::from(answer)))
}

fn headers_of(request: &Object) -> Result<Vec<(String, String)>, Error> {
    let mut headers: Vec<(String, String)> = Vec::new();
    match request.get_str("headers") {
        None => {}
        Some(Value::Object(members)) => {
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            headers.extend(members.iter().map(|(name, value)| (text(name), text(value))));
        }
        Some(other) => return Err(Error::operand(0, "object", other)),
    }
    Ok(headers)
}

fn check_config(config: &Object) -> Result<(), Error> {
    let missing = CONFIGURED.into_iter().filter(|name| config.get_str(name).is_none());
    if let Some(names) = listed(missing) {
        return Err(refused(2, format_args!("missing required AWS config parameters(s): {names}")));
    }
    match listed(CONFIGURED.into_iter().filter(|name| !is_text(config, name))) {
        Some(names) => {
            Err(refused(2, format_args!("invalid values for required AWS config parameters(s): {names}")))
        }
        None => Ok(()),
    }
}

fn check_request(request: &Object) -> Result<(), Error> {
    let is_known = |name: &str| KEYS.contains(&name);
    let unknown: Vec<String> =
        request.keys().filter(|name| !name.as_str().is_some_and(is_known)).map(go_json).collect();
    if !unknown.is_empty() {
        let names = unknown.join(", ");
        return Err(refused(1, format_args!("invalid request parameters(s): {{{names}}}")));
    }
    if let Some(names) = listed(REQUIRED.into_iter().filter(|name| request.get_str(name).is_none())) {
        return Err(refused(1, format_args!("missing required request parameters(s): {names}")));
    }
    match listed(REQUIRED.into_iter().filter(|name| !is_text(request, name))) {
        Some(names) => {
            Err(refused(1, format_args!("invalid values for required request parameters(s): {names}")))
        }
        None => Ok(()),
    }
}

fn sha256(bytes: &[u8]) -> String {
    hex(digest::digest(&digest::SHA256, bytes).as_ref())
}

struct Signing<'c> {
    config: &'c Object,
    date: String,
    time: String,
}

impl Signing<'_> {
    /// What is added to the headers of the request.
    fn headers(&self, host: &str, payload_hash: &str) -> Vec<(&'static str, String)> {
        let mut headers = vec![("host", host.to_owned()), ("x-amz-date", self.time.clone())];
        if matches!(member(self.config, "aws_service"), "s3" | "glacier") {
            headers.push(("x-amz-content-sha256", payload_hash.to_owned()));
        }
        let session = member(self.config, "aws_session_token");
        if !session.is_empty() {
            headers.push(("x-amz-security-token", session.to_owned()));
        }
        headers
    }

    fn authorization(&self, request_line: &str, headers: &[(String, &str)], payload_hash: &str) -> String {
        let lines: String = headers.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
        let names = headers.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(";");
        let request = format!("{request_line}{lines}\n{names}\n{payload_hash}");

        let (date, time) = (&self.date, &self.time);
        let [region, service] = ["aws_region", "aws_service"].map(|name| member(self.config, name));
        let scope = format!("{date}/{region}/{service}/aws4_request");
        let to_sign = format!("AWS4-HMAC-SHA256\n{time}\n{scope}\n{}", sha256(request.as_bytes()));

        let mac = |key: &[u8], message: &str| {
            hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), message.as_bytes()).as_ref().to_vec()
        };
        let secret = format!("AWS4{}", member(self.config, "aws_secret_access_key"));
        let key = [date, region, service, "aws4_request"]
            .iter()
            .fold(secret.into_bytes(), |key, part| mac(&key, part));
        let signature = hex(&mac(&key, &to_sign));
        let access = member(self.config, "aws_access_key");
        format!("AWS4-HMAC-SHA256 Credential={access}/{scope},SignedHeaders={names},Signature={signature}")
    }
}
