//! The table: routes by host and method, and a tree of paths for each.

use std::collections::HashMap;

use verdict_rego::{Object, Value};

use super::config::RouteConfig;
use super::template::{PathTemplate, TextTemplate};
use crate::doors::flaw::Flaw;

/// What a route says of a request.
#[derive(Debug)]
pub struct Matched<'a> {
    /// The route's name, where it has one.
    pub name: Option<&'a str>,
    /// What is to be done.
    pub action: &'a str,
    /// With what: `{type, id, properties?}`.
    pub resource: Value,
}

/// A route, read.
#[derive(Debug)]
pub(super) struct Route {
    name: Option<String>,
    host: Option<String>,
    methods: Vec<String>,
    path: PathTemplate,
    action: String,
    kind: TextTemplate,
    id: TextTemplate,
    /// Where it is configured, for messages.
    at: String,
}

impl Route {
    /// Reads a route; `at` is its key.
    ///
    /// # Errors
    /// What is wrong, and where.
    pub(super) fn read(config: &RouteConfig, at: &str) -> Result<Self, Flaw> {
        let RouteConfig { name, host, methods, path, action, resource } = config;
        let wrong = |key: &str, message: String, hint: &str| Flaw::new(format!("{at}.{key}"), message, hint);
        let path = PathTemplate::read(path).map_err(|why| {
            wrong("path", format!("`{path}` {why}"), "write it like `/invoices/{id}` or `/files/{*path}`")
        })?;
        let method = |byte: u8| byte.is_ascii_uppercase() || byte == b'-';
        if let Some(odd) = methods.iter().find(|name| name.is_empty() || !name.bytes().all(method)) {
            return Err(wrong(
                "methods",
                format!("`{odd}` is no method"),
                "write methods in capitals, e.g. `GET`",
            ));
        }
        let plain = |host: &String| !host.is_empty() && !host.contains(['/', ':', '*', '@']);
        if host.as_ref().is_some_and(|host| !plain(host)) {
            return Err(wrong(
                "host",
                "is no host".to_owned(),
                "write its name alone, e.g. `api.example.com`",
            ));
        }
        if action.is_empty() {
            return Err(wrong(
                "action",
                "must not be empty".to_owned(),
                "write what policy calls it, e.g. `read`",
            ));
        }
        let text = |key: &str, text: &str| {
            let read = TextTemplate::read(text, &path);
            read.map_err(|why| {
                wrong(key, format!("`{text}` {why}"), "write e.g. `type: invoice, id: \"{id}\"`")
            })
        };
        let id = match (&resource.id, path.variables.len().checked_sub(1)) {
            (Some(id), _) => text("resource.id", id)?,
            (None, Some(last)) => TextTemplate::variable(last),
            (None, None) => TextTemplate::text(&path.text),
        };
        Ok(Self {
            name: name.clone(),
            host: host.as_ref().map(|host| host.to_ascii_lowercase()),
            methods: methods.clone(),
            kind: text("resource.type", &resource.kind)?,
            id,
            action: action.clone(),
            path,
            at: at.to_owned(),
        })
    }

    fn matched(&self, values: &[&str]) -> Matched<'_> {
        let rest = self.path.variables.iter().zip(values).enumerate();
        let rest = rest.filter(|(place, _)| !self.id.has(*place) && !self.kind.has(*place));
        let properties: Vec<_> =
            rest.map(|(_, (name, value))| (Value::from(name.as_str()), Value::from(*value))).collect();
        let mut members = vec![
            (Value::from("type"), Value::from(self.kind.filled(values))),
            (Value::from("id"), Value::from(self.id.filled(values))),
        ];
        if !properties.is_empty() {
            members.push((Value::from("properties"), Object::from_entries(properties).into()));
        }
        Matched {
            name: self.name.as_deref(),
            action: &self.action,
            resource: Object::from_entries(members).into(),
        }
    }
}

/// The paths of one host and method; the values are places in [`Table::routes`].
type Paths = matchit::Router<usize>;

#[derive(Debug, Default)]
struct Host {
    /// For the methods that routes name: their routes, and those for all methods.
    named: HashMap<String, Paths>,
    /// For all others.
    any: Paths,
}

/// All routes.
#[derive(Debug, Default)]
pub(super) struct Table {
    routes: Vec<Route>,
    hosts: HashMap<String, Host>,
    anywhere: Host,
}

impl Table {
    /// Sorts the routes.
    ///
    /// # Errors
    /// Two of them match the same requests.
    pub(super) fn new(routes: Vec<Route>) -> Result<Self, Flaw> {
        check_conflicts(&routes)?;
        let mut by_host: HashMap<Option<&str>, Vec<(usize, &Route)>> = HashMap::new();
        for (place, route) in routes.iter().enumerate() {
            by_host.entry(route.host.as_deref()).or_default().push((place, route));
        }
        let (mut hosts, mut anywhere) = (HashMap::new(), Host::default());
        for (name, routes) in by_host {
            let host = Host::new(&routes)?;
            match name {
                Some(name) => drop(hosts.insert(name.to_owned(), host)),
                None => anywhere = host,
            }
        }
        Ok(Self { routes, hosts, anywhere })
    }

    pub(super) fn find(&self, host: Option<&str>, method: &str, segments: &[String]) -> Option<Matched<'_>> {
        if self.routes.is_empty() {
            return None;
        }
        let path = format!("/{}", segments.join("/"));
        let own = host.and_then(|host| self.hosts.get(host));
        own.into_iter().chain([&self.anywhere]).find_map(|host| {
            let found = host.paths(method).at(&path).ok()?;
            let values: Vec<&str> = found.params.iter().map(|(_, value)| value).collect();
            Some(self.routes.get(*found.value)?.matched(&values))
        })
    }
}

impl Host {
    fn new(routes: &[(usize, &Route)]) -> Result<Self, Flaw> {
        let mut host = Self::default();
        let for_all = || routes.iter().filter(|(_, route)| route.methods.is_empty());
        for (place, route) in for_all() {
            insert(&mut host.any, *place, route)?;
        }
        for method in routes.iter().flat_map(|(_, route)| &route.methods) {
            if host.named.contains_key(method) {
                continue;
            }
            let own = || routes.iter().filter(|(_, route)| route.methods.contains(method));
            let mut paths = Paths::new();
            for (place, route) in own() {
                insert(&mut paths, *place, route)?;
            }
            for (place, route) in for_all() {
                if !own().any(|(_, other)| other.path.shape == route.path.shape) {
                    insert(&mut paths, *place, route)?;
                }
            }
            host.named.insert(method.clone(), paths);
        }
        Ok(host)
    }

    /// `HEAD` is `GET` without a body (RFC 9110 section 9.3.2), unless a route is for it.
    fn paths(&self, method: &str) -> &Paths {
        let usual = || (method == "HEAD").then(|| self.named.get("GET")).flatten();
        self.named.get(method).or_else(usual).unwrap_or(&self.any)
    }
}

fn insert(paths: &mut Paths, place: usize, route: &Route) -> Result<(), Flaw> {
    paths.insert(route.path.shape.as_str(), place).map_err(|error| {
        let message = format!("`{}` cannot stand beside the other routes: {error}", route.path.text);
        Flaw::new(route.at.clone(), message, "write it in another way")
    })
}

fn check_conflicts(routes: &[Route]) -> Result<(), Flaw> {
    let mut seen = HashMap::new();
    for route in routes {
        let named = route.methods.iter().map(|method| Some(method.as_str()));
        let all = route.methods.is_empty().then_some(None);
        for method in named.chain(all) {
            let key = (route.host.as_deref(), method, route.path.shape.as_str());
            let Some(other) = seen.insert(key, route) else { continue };
            let (one, two) = (&other.path.text, &route.path.text);
            let method = method.unwrap_or("any method");
            let message = format!("`{two}` matches the same requests ({method}) as `{one}` ({})", other.at);
            return Err(Flaw::new(
                route.at.clone(),
                message,
                "leave one of them out, or give them different methods or hosts",
            ));
        }
    }
    Ok(())
}
