//! What `doors.http` says, compiled: which action on which resource an HTTP request is, and which headers say who is calling.
//!
//! INVARIANT (once): templates, documents and names are read at the start; a request is one look-up.
//! INVARIANT (one route): of two routes that could match the same request the more specific one counts, and two that are equally
//! specific are an error at the start.
//!
//! Deliberately absent: what is decided. A route gives names; it allows and denies nothing, but a request that no route matches may be
//! refused (`unmatched: deny`).
//!
//! Reading order: [`config`] → [`template`] → [`table`] → [`openapi`] → [`names`].

mod config;
mod names;
mod openapi;
mod table;
mod template;

use http::HeaderName;

use self::names::{Patterns, Upstream};
use self::table::{Route, Table};

use super::flaw::Flaw;

pub use self::config::{HttpConfig, ResourceConfig, RouteConfig, Unmatched};
pub use self::table::Matched;

/// `doors.http`, compiled.
#[derive(Debug, Default)]
pub struct Routes {
    table: Table,
    unmatched: Unmatched,
    identity: Patterns,
    upstream: Vec<Upstream>,
}

impl Routes {
    /// Compiles the routes of the configuration, and those of the OpenAPI document, which is read.
    ///
    /// # Errors
    /// Everything that is wrong, by key.
    pub fn new(config: &HttpConfig) -> Result<Self, Vec<Flaw>> {
        let mut flaws = Vec::new();
        let mut routes = Vec::new();
        for (index, route) in config.routes.iter().enumerate() {
            match Route::read(route, &format!("doors.http.routes[{index}]")) {
                Ok(route) => routes.push(route),
                Err(flaw) => flaws.push(flaw),
            }
        }
        if let Some(path) = &config.openapi {
            match openapi::read(path) {
                Ok(described) => routes.extend(described),
                Err(flaw) => flaws.push(flaw),
            }
        }
        let identity = Patterns::new(&config.identity_headers).map_err(|flaw| flaws.push(flaw));
        let upstream = config.upstream_headers.clone().unwrap_or_else(HttpConfig::usual_upstream);
        let upstream = names::upstream(&upstream).map_err(|flaw| flaws.push(flaw));
        let table = Table::new(routes).map_err(|flaw| flaws.push(flaw));
        match (table, identity, upstream) {
            (Ok(table), Ok(identity), Ok(upstream)) if flaws.is_empty() => {
                Ok(Self { table, unmatched: config.unmatched, identity, upstream })
            }
            _ => Err(flaws),
        }
    }

    /// The route of a request, by its host in lower case, its method and its decoded segments.
    pub fn find(&self, host: Option<&str>, method: &str, segments: &[String]) -> Option<Matched<'_>> {
        self.table.find(host, method, segments)
    }

    /// Whether policy is asked about what no route matches.
    pub fn passes_unmatched(&self) -> bool {
        self.unmatched == Unmatched::Pass
    }

    /// Whether a header of a client's says who is calling, which is not for clients to say.
    pub fn names_identity(&self, name: &HeaderName) -> bool {
        self.identity.matches(name) || self.upstream.iter().any(|upstream| upstream.stands_for(name))
    }

    /// The headers that tell the service behind who is calling, and where in the input it is said.
    pub fn upstream(&self) -> &[Upstream] {
        &self.upstream
    }
}

#[cfg(test)]
mod tests;
