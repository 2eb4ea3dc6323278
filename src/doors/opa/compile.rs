//! `POST /v1/compile/{path}`: a filter that takes the rows a policy allows. `POST /v1/compile`: what is left of a query.
//!
//! A filter is a decision like any other: of the document at the path, for the verified caller, recorded with the filter as its result. A query
//! of the caller's own is for those who manage the server, where identity is on.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::Request;
use axum::response::Response;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, Method, StatusCode};

use super::{answered, failure, question, target};
use crate::authorize::{Authorized, Question};
use crate::doors::answer;
use crate::doors::body::{FromDocument, Unread};
use crate::doors::context::arrival;
use crate::doors::edge::Edge;
use crate::doors::params::Params;
use crate::model::failure::{Failure, FailureKind};
use crate::model::request::EntryPath;
use crate::pdp::filter::{Target, Targets, Wanted};
use tokio::sync::Semaphore;
use verdict_rego::partial::Unknown;
use verdict_rego::query::Scope;
use verdict_rego::{Diagnostic, Effects, EvalError, EvalLimits, PolicyError, Supposing, Value};

/// The path below which documents are named.
const COMPILE: &str = "/v1/compile";
/// OPA's media types: `application/vnd.opa.sql.postgresql+json`.
const VENDOR: &str = "application/vnd.opa.";
/// How many levels a document of syntax may have.
const MAX_DEPTH: usize = 10_000;
/// How long a query may be evaluated, and the most bytes of values that it may make.
const DEADLINE: Duration = Duration::from_secs(1);
const MEMORY: usize = 256 << 20;
/// The longest query, in bytes.
const MOST_QUERY: usize = 16 << 10;
/// How many queries are evaluated at a time.
static QUERIES: Semaphore = Semaphore::const_new(2);
/// The most languages of one filter.
const MOST_TARGETS: usize = 16;

/// The body of both.
#[derive(Debug, Default)]
struct Asked {
    input: Option<Value>,
    query: Option<String>,
    unknowns: Option<Vec<Unknown>>,
    options: Options,
}

/// Its `options`.
#[derive(Debug, Default)]
struct Options {
    mappings: Option<Value>,
    targets: Option<Vec<Target>>,
    mask_rule: Option<String>,
    nondeterministic: bool,
}

/// `POST /v1/compile/{path}`.
pub async fn filters(edge: &Edge, request: Request, started: Instant) -> Response {
    let (parts, request_body) = request.into_parts();
    if parts.method != Method::POST {
        return answer::empty(StatusCode::METHOD_NOT_ALLOWED);
    }
    let (arrival, params, well_formed) = target(&parts, COMPILE, started);
    let mut unread = Unread::new(&parts.headers, request_body, edge.limits);
    let ask = async || {
        well_formed?;
        let accepted = accepted(&parts.headers)?;
        let Asked { input, query, unknowns, options } = unread.parse().await?;
        if query.is_some() {
            return Err(invalid("the path names what is asked; there is no `query` beside it"));
        }
        let targets = match (accepted, options.targets) {
            (Some(target), _) => Targets::One(target),
            (None, Some(targets)) => Targets::Several(targets),
            (None, None) => {
                return Err(invalid(
                    "several targets are asked for, and `options.targetDialects` names none",
                ));
            }
        };
        let wanted = Wanted { targets, unknowns, mask_rule: options.mask_rule, mappings: options.mappings };
        Ok(Question { filter: Some(Arc::new(wanted)), explain: false, ..question(&params, input, started) })
    };
    let authorized = edge.authorizer.authorize(arrival, ask).await;
    answered(authorized, |authorized| rendered(edge, &parts.headers, &params, authorized))
}

fn rendered(edge: &Edge, headers: &HeaderMap, params: &Params, authorized: &Authorized) -> Response {
    let decision = &authorized.decision;
    let mut response = match &decision.failure {
        Some(failed) => unfiltered(failed, decision.id),
        None => {
            let mut body = Value::object();
            if let Some(filter) = &decision.result {
                body.insert("result", filter.clone());
            }
            let mut response = written(edge, headers, params, &body);
            if let Some(media_type) = headers.get(ACCEPT) {
                response.headers_mut().insert(CONTENT_TYPE, media_type.clone());
            }
            response
        }
    };
    answer::mark(&mut response, decision);
    answer::vary(&mut response);
    response
}

/// What cannot be said in the language of a database has OPA's code for it.
fn unfiltered(failed: &Failure, id: uuid::Uuid) -> Response {
    let of_policy = failed.kind == FailureKind::InvalidRequest && failed.policy.is_some();
    match of_policy {
        true => answer::problem((StatusCode::BAD_REQUEST, "evaluation_error"), failed, Some(id)),
        false => failure::problem(failed, Some(id)),
    }
}

fn written(edge: &Edge, headers: &HeaderMap, params: &Params, body: &Value) -> Response {
    let body = if params.pretty { answer::indent(&body.to_string()) } else { body.to_string() + "\n" };
    answer::negotiated(StatusCode::OK, body, answer::accepts_gzip(headers), edge.gzip_min_size)
}

/// The language that the caller takes; none where it takes several at once.
fn accepted(headers: &HeaderMap) -> Result<Option<Target>, Failure> {
    let mut values = headers.get_all(ACCEPT).iter();
    let wrong = |got: &str| {
        invalid(format!(
            "the header `Accept` is {got}: one of `{VENDOR}sql.<postgresql, mysql, sqlserver or sqlite>+json`, `{VENDOR}ucast.<all, minimal, \
             linq or prisma>+json` and `{VENDOR}multitarget+json` says what the filter is for"
        ))
    };
    let (Some(value), None) = (values.next(), values.next()) else {
        return Err(wrong("missing, or given twice"));
    };
    let text = value.to_str().unwrap_or_default();
    let named = text.strip_prefix(VENDOR).and_then(|rest| rest.strip_suffix("+json"));
    match named {
        Some("multitarget") => Ok(None),
        Some(name) => {
            let target = Target::named(&name.replacen('.', "+", 1));
            target.map(Some).ok_or_else(|| wrong("another media type"))
        }
        None => Err(wrong("another media type")),
    }
}

/// `POST /v1/compile`.
pub async fn compile(edge: &Edge, request: Request, started: Instant) -> Response {
    let (parts, request_body) = request.into_parts();
    if parts.method != Method::POST {
        return answer::empty(StatusCode::METHOD_NOT_ALLOWED);
    }
    let mut unread = Unread::new(&parts.headers, request_body, edge.limits);
    let mut arrival = arrival(&parts, super::PROTOCOL, Ok(EntryPath::default()), started);
    arrival.context.operation = Some(format!("{} {}", parts.method, parts.uri.path()));
    let recorded = match edge.authorizer.manage(arrival).await {
        Ok(recorded) => recorded,
        Err(unrecorded) => return failure::unrecorded(unrecorded),
    };
    let params = Params::parse(parts.uri.query()).map_err(invalid);
    let left = match (&recorded.failure, params) {
        (Some(refused), _) => Err(refused.clone()),
        (None, Err(wrong)) => Err(wrong),
        (None, Ok(params)) => {
            let asked = unread.parse::<Asked>().await;
            let left = match asked {
                Ok(asked) => left(edge, asked).await,
                Err(wrong) => Err(wrong),
            };
            left.map(|left| written(edge, &parts.headers, &params, &left))
        }
    };
    let mut response = left.unwrap_or_else(|failed| unfiltered(&failed, recorded.id));
    answer::mark(&mut response, &recorded);
    response
}

/// What is left of a query, on a thread that may take its time.
async fn left(edge: &Edge, asked: Asked) -> Result<Value, Failure> {
    let Asked { input, query, unknowns, options } = asked;
    let Some(query) = query else { return Err(invalid("`query` is missing")) };
    if query.len() > MOST_QUERY {
        return Err(invalid(format!("the query is longer than {MOST_QUERY} bytes")));
    }
    if options.mappings.is_some() || options.targets.is_some() || options.mask_rule.is_some() {
        return Err(invalid("mappings, dialects and masks are for filters: `POST /v1/compile/<path>`"));
    }
    let _place = QUERIES.acquire().await;
    let in_force = edge.authorizer.in_force();
    let now = edge.authorizer.now();
    let work = move || {
        let policy = &in_force.snapshot.shared;
        let conditions =
            policy.program.prepare_conditions(&query, &Scope::default()).map_err(|found| wrong(&found))?;
        let unknowns = unknowns.unwrap_or_else(|| vec![Unknown::input()]);
        let supposing = Supposing {
            input: input.as_ref(),
            unknowns: &unknowns,
            nondeterministic: options.nondeterministic,
            now_ns: now.0,
            limits: EvalLimits { memory: MEMORY, ..EvalLimits::within(DEADLINE) },
        };
        let mut effects = Effects::new(&in_force.settings.surroundings);
        let residual = policy.program.suppose(&conditions, &supposing, &mut effects).map_err(failed)?;
        let mut answer = Value::object();
        answer.insert("result", residual.to_ast(MAX_DEPTH).map_err(invalid)?);
        Ok(answer)
    };
    let internal = |_| Err(Failure::new(FailureKind::Internal, "the evaluation of the query panicked"));
    tokio::task::spawn_blocking(work).await.unwrap_or_else(internal)
}

fn wrong(found: &[Diagnostic]) -> Failure {
    let first: Option<PolicyError> = found.first().map(Diagnostic::to_policy_error);
    let message = first.as_ref().map_or("the query is wrong", |first| first.message.as_str()).to_owned();
    Failure { policy: first.map(Box::new), ..invalid(message) }
}

fn failed(error: EvalError) -> Failure {
    let unsupported =
        error.policy.as_ref().is_some_and(|policy| policy.code == verdict_rego::partial::UNSUPPORTED);
    let failure = Failure::from(error);
    match unsupported {
        true => Failure { kind: FailureKind::InvalidRequest, ..failure },
        false => failure,
    }
}

fn invalid(message: impl Into<String>) -> Failure {
    Failure::new(FailureKind::InvalidRequest, message)
}

impl FromDocument for Asked {
    fn from_document(document: Value) -> Result<Self, String> {
        let mut asked = Self::default();
        for (key, value) in members(&document, "the body")? {
            match key {
                "input" => asked.input = Some(value.clone()).filter(|input| *input != Value::Null),
                "query" => asked.query = Some(text(value, "query")?),
                "unknowns" if *value == Value::Null => {}
                "unknowns" => {
                    let all = texts(value, "unknowns")?;
                    asked.unknowns =
                        Some(all.iter().map(|one| Unknown::parse(one)).collect::<Result<_, _>>()?);
                }
                "options" => asked.options = options(value)?,
                other => {
                    return Err(format!(
                        "unknown field `{other}`, expected `input`, `query`, `unknowns` or `options`"
                    ));
                }
            }
        }
        Ok(asked)
    }
}

fn options(document: &Value) -> Result<Options, String> {
    let mut options = Options::default();
    for (key, value) in members(document, "`options`")? {
        match key {
            "targetSQLTableMappings" => options.mappings = Some(value.clone()).filter(Value::is_object),
            "maskRule" => {
                options.mask_rule = Some(text(value, "options.maskRule")?).filter(|rule| !rule.is_empty())
            }
            "nondeterministicBuiltins" => {
                let truth = value.as_bool().ok_or("`options.nondeterministicBuiltins` is no truth value")?;
                options.nondeterministic = truth;
            }
            "targetDialects" => {
                let named = |name: &String| {
                    Target::named(name).ok_or_else(|| {
                        format!("`{name}` is no target, such as `sql+postgresql` or `ucast+all`")
                    })
                };
                let all = texts(value, "options.targetDialects")?;
                if all.is_empty() || all.len() > MOST_TARGETS {
                    return Err(format!("`options.targetDialects` names 1 to {MOST_TARGETS} targets"));
                }
                options.targets = Some(all.iter().map(named).collect::<Result<_, _>>()?);
            }
            "disableInlining" if value.elements().is_empty() => {}
            "disableInlining" => {
                return Err("`options.disableInlining` is not supported: every rule is inlined".to_owned());
            }
            other => return Err(format!("unknown field `options.{other}`")),
        }
    }
    Ok(options)
}

fn members<'v>(document: &'v Value, what: &str) -> Result<Vec<(&'v str, &'v Value)>, String> {
    match document {
        Value::Object(_) => Ok(document.members().collect()),
        Value::Null => Ok(Vec::new()),
        _ => Err(format!("invalid type: {what} is no object")),
    }
}

fn text(value: &Value, what: &str) -> Result<String, String> {
    value.as_str().map(str::to_owned).ok_or_else(|| format!("`{what}` is no text"))
}

fn texts(value: &Value, what: &str) -> Result<Vec<String>, String> {
    let Value::Array(items) = value else { return Err(format!("`{what}` is no list of texts")) };
    items.iter().map(|item| text(item, what)).collect()
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn one_media_type_says_what_a_filter_is_for() {
        for (value, good) in [
            ("application/vnd.opa.sql.postgresql+json", true),
            ("application/vnd.opa.ucast.prisma+json", true),
            ("application/vnd.opa.multitarget+json", true),
            ("application/json", false),
            ("*/*", false),
            ("application/vnd.opa.sql.oracle+json", false),
            ("application/vnd.opa.sql.postgresql+json, application/json", false),
        ] {
            let headers = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static(value))]);
            assert_eq!(accepted(&headers).is_ok(), good, "{value}");
        }
        assert!(accepted(&HeaderMap::new()).is_err());
    }
}
