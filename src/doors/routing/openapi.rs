//! Routes from an OpenAPI document (3.x): the operation's id is the action, its first tag the resource's type, or the last segment of
//! its path that is no variable; the path's last variable is the resource's id. `x-verdict: {action, resource: {type, id}}` of an
//! operation says otherwise.
//!
//! Deliberately absent: references to other documents, and all that describes bodies and parameters.

use std::path::Path;

use verdict_rego::{Value, yaml};

use super::config::{ResourceConfig, RouteConfig};
use super::table::Route;
use crate::doors::flaw::Flaw;

const KEY: &str = "doors.http.openapi";
/// The longest document that is read, in bytes.
const MAX_BYTES: u64 = 16 << 20;
/// The operations of a path (OpenAPI 3.1.1 section 4.8.9.1).
const METHODS: [&str; 8] = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];

/// Reads the document's routes.
///
/// # Errors
/// It cannot be read, is no OpenAPI document, or has an operation that is no route.
pub(super) fn read(path: &Path) -> Result<Vec<Route>, Flaw> {
    let wrong = |message: String| Flaw::new(KEY, message, "name an OpenAPI document (3.x) in YAML or JSON");
    let shown = path.display();
    let size = std::fs::metadata(path).map_err(|error| wrong(format!("`{shown}`: {error}")))?.len();
    if size > MAX_BYTES {
        return Err(wrong(format!("`{shown}` has more than {MAX_BYTES} bytes")));
    }
    let text = std::fs::read_to_string(path).map_err(|error| wrong(format!("`{shown}`: {error}")))?;
    let document = yaml::read_exchanged(&text).map_err(|error| wrong(format!("`{shown}`: {error}")))?;
    routes(&document).map_err(|(place, why)| {
        Flaw::new(KEY, format!("`{shown}`, {place}: {why}"), "correct it there, or say it with `x-verdict`")
    })
}

type Wrong = (String, String);

fn routes(document: &Value) -> Result<Vec<Route>, Wrong> {
    let version = document.get("openapi").and_then(Value::as_str).unwrap_or_default();
    if !version.starts_with("3.") {
        return Err(("`openapi`".to_owned(), "is not 3.x, which is what is read".to_owned()));
    }
    let bases = bases(document);
    let mut routes = Vec::new();
    for (template, item) in document.get("paths").into_iter().flat_map(Value::members) {
        if item.get("$ref").is_some() {
            return Err((
                format!("`{template}`"),
                "refers to another place, which is not followed".to_owned(),
            ));
        }
        for (method, operation) in item.members().filter(|(method, _)| METHODS.contains(method)) {
            let place = format!("`{} {template}`", method.to_ascii_uppercase());
            let config = described(template, method, operation).map_err(|why| (place.clone(), why))?;
            for base in &bases {
                let config = RouteConfig { path: format!("{base}{template}"), ..config.clone() };
                let route = Route::read(&config, &place);
                routes.push(route.map_err(|flaw| (place.clone(), flaw.message))?);
            }
        }
    }
    Ok(routes)
}

/// What the URLs of the servers have before every path; the same once.
fn bases(document: &Value) -> Vec<String> {
    let servers = document.get("servers").map(Value::elements).unwrap_or_default();
    let urls = servers.iter().filter_map(|server| server.get("url")?.as_str());
    let mut bases: Vec<String> = urls
        .map(|url| {
            let path = url
                .split_once("://")
                .map_or(url, |(_, rest)| rest.split_at(rest.find('/').unwrap_or(rest.len())).1);
            path.trim_end_matches('/').to_owned()
        })
        .collect();
    bases.sort();
    bases.dedup();
    if bases.is_empty() { vec![String::new()] } else { bases }
}

fn described(template: &str, method: &str, operation: &Value) -> Result<RouteConfig, String> {
    let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
    let name = text(operation.get("operationId"));
    let tag = operation.get("tags").map(Value::elements).unwrap_or_default();
    let tag = tag.first().and_then(|tag| tag.as_str()).map(str::to_owned);
    let literal = || template.rsplit('/').find(|segment| !segment.is_empty() && !segment.starts_with('{'));
    let mut action = name.clone().unwrap_or_else(|| method.to_owned());
    let mut kind = tag.or_else(|| literal().map(str::to_owned)).unwrap_or_else(|| "http".to_owned());
    let mut id = None;
    for (key, said) in operation.get("x-verdict").into_iter().flat_map(Value::members) {
        match (key, said.as_str()) {
            ("action", Some(said)) => said.clone_into(&mut action),
            ("resource", None) if said.is_object() => {
                for (key, said) in said.members() {
                    match (key, said.as_str()) {
                        ("type", Some(said)) => said.clone_into(&mut kind),
                        ("id", Some(said)) => id = Some(said.to_owned()),
                        _ => {
                            return Err(format!(
                                "`x-verdict.resource.{key}` is not `type` or `id` with a text"
                            ));
                        }
                    }
                }
            }
            _ => return Err(format!("`x-verdict.{key}` is neither an `action` nor a `resource`")),
        }
    }
    let resource = ResourceConfig { kind, id };
    let methods = vec![method.to_ascii_uppercase()];
    Ok(RouteConfig { name, host: None, methods, path: template.to_owned(), action, resource })
}
