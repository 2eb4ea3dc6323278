//! `http.send`: HTTP requests made by policy.
//!
//! INVARIANT (bounded): the client observes the deadline of the evaluation, and limits the size of the response.
//! INVARIANT (once): equal requests are sent once in an evaluation, whatever the outcome.
//!
//! Reading order: here → `request` → `response` → `effects::responses` (the cache).

use crate::builtins::context::{Context, object};
use crate::builtins::error::{Error, Kind};
use crate::builtins::http::request::{self, Wanted};
use crate::builtins::http::response::to_value;
use crate::builtins::text::print::quote;
use crate::effects::responses::{Freshness, Kept};
use crate::effects::sent::Fault;
use crate::outbound::{self, Response};
use crate::value::{Object, Value};

pub fn send(context: &mut Context, args: &[Value]) -> Result<Option<Value>, Error> {
    let asked = object(args, 1)?;
    let raise = match asked.get_str("raise_error") {
        None => true,
        Some(Value::Bool(raise)) => *raise,
        Some(_) => return Err(Error::failed("invalid value for raise_error field")),
    };
    match request::check_keys(asked).map_err(Fault::from).and_then(|()| answer(context, asked)) {
        Ok(value) => Ok(Some(value)),
        Err(Fault::Deadline) => Err(Error::new(Kind::Cancelled, "http.send: timed out")),
        Err(Fault::Error(error)) if raise => Err(error),
        Err(Fault::Network { raised, .. }) if raise => Err(Error::failed(raised)),
        Err(Fault::Error(error)) => Ok(Some(not_raised("eval_http_send_internal_error", &error.message))),
        Err(Fault::Network { message, .. }) => Ok(Some(not_raised("eval_http_send_network_error", &message))),
    }
}

/// What policy sees of an error that it asked not to be raised.
fn not_raised(code: &str, message: &str) -> Value {
    let mut error = Value::object();
    error.insert("code", Value::from(code));
    error.insert("message", Value::from(message));
    let mut answer = Value::object();
    answer.insert("status_code", Value::from(0));
    answer.insert("error", error);
    answer
}

fn answer(context: &mut Context, asked: &Object) -> Result<Value, Fault> {
    let key = request::key(asked)?;
    if let Some(known) = context.effects.sent.get(&key) {
        return known.clone();
    }
    let answer = fresh(context, asked, &key);
    if !matches!(answer, Err(Fault::Deadline)) {
        context.effects.sent.insert(key, answer.clone());
    }
    answer
}

/// From what is kept beyond evaluations, or else from whom is asked.
fn fresh(context: &mut Context, asked: &Object, key: &Value) -> Result<Value, Fault> {
    context.check_deadline().map_err(|_| Fault::Deadline)?;
    let wanted = Wanted::read(asked)?;
    let off = || Error::failed("policy may not call others here");
    let (client, host) = match context.effects.host() {
        Some(host) => (host.client.clone().ok_or_else(off)?, host.clone()),
        None => return Err(off().into()),
    };
    let (now, deadline) = (context.now_ns, context.deadline);
    let request = request::build(asked, &*client, &host.env)?;
    let call = |request: &outbound::Request| {
        client.send(request, deadline).map_err(|fault| of_outbound(fault, &request.method))
    };
    let Some(keeping) = wanted.keeping else {
        return Ok(to_value(&call(&request)?, wanted.decode));
    };
    let key = &context.effects.kept_by(key);
    if let Some(kept) = host.responses.get(key) {
        if kept.is_fresh(now) {
            return Ok(to_value(&kept.response, wanted.decode));
        }
        if let Some(response) = revalidated(&request, &kept, call)? {
            let unchanged = response.status == 304;
            let headers = response.headers.clone();
            let response = if unchanged { kept.updated(&response) } else { response };
            let value = to_value(&response, wanted.decode);
            let freshness = Freshness::of(&headers, now, keeping);
            if unchanged || freshness.may_be_kept(response.status) {
                host.responses.keep(key, Kept { response, expires: freshness.expires });
            }
            return Ok(value);
        }
    }
    let response = call(&request)?;
    let value = to_value(&response, wanted.decode);
    let freshness = Freshness::of(&response.headers, now, keeping);
    if freshness.may_be_kept(response.status) {
        host.responses.keep(key, Kept { response, expires: freshness.expires });
    }
    Ok(value)
}

/// Asks whether what is kept still holds: the answer is 304, or another one that stands in for it.
fn revalidated(
    request: &outbound::Request,
    kept: &Kept,
    call: impl Fn(&outbound::Request) -> Result<Response, Fault>,
) -> Result<Option<Response>, Fault> {
    let (tag, modified) = (kept.header("etag"), kept.header("last-modified"));
    if tag.is_none() && modified.is_none() {
        return Ok(None);
    }
    let mut conditional = request.clone();
    for (name, value) in [("If-None-Match", tag), ("If-Modified-Since", modified)] {
        if let Some(value) = value {
            conditional.headers.push((name.to_owned(), value.to_owned()));
        }
    }
    let response = call(&conditional)?;
    Ok(matches!(response.status, 200 | 304).then_some(response))
}

/// In the words of Go's client.
fn of_outbound(fault: outbound::Fault, method: &str) -> Fault {
    let mut op = method.to_ascii_lowercase();
    if let Some(first) = op.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    match fault {
        outbound::Fault::Deadline => Fault::Deadline,
        outbound::Fault::Refused(why) => Fault::Error(Error::failed(why)),
        outbound::Fault::Network { url, cause } => {
            let message = format!("{op} {}: {cause}", quote(&url));
            Fault::Network { raised: message.clone(), message }
        }
        outbound::Fault::TimedOut { url } => Fault::Network {
            message: format!(
                "{op} {}: context deadline exceeded (Client.Timeout exceeded while awaiting headers)",
                quote(&url)
            ),
            raised: format!("{op} {url}: request timed out"),
        },
    }
}

#[cfg(test)]
mod tests;
