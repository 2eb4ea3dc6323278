//! What policy would see of a request that somebody makes up.

use verdict_rego::Value;

use super::{Canonical, Described};
use crate::doors::routing::Routes;
use crate::model::failure::Failure;

/// What policy would see of a request.
#[derive(Debug)]
pub struct Shown {
    /// The input, but for the caller.
    pub input: Value,
    /// Whether a route matches.
    pub matched: bool,
}

/// Shows what policy would see of a request without headers and body.
///
/// # Errors
/// It would be refused for what it is.
pub fn shown(routes: &Routes, method: &str, target: &str, host: Option<&str>) -> Result<Shown, Failure> {
    let canonical = Canonical::read(Described { method, target, authority: host, ..Described::default() })?;
    let matched = routes.find(canonical.host.as_deref(), &canonical.method, &canonical.segments).is_some();
    Ok(Shown { input: canonical.assembled(routes, false, &|_| false, None)?, matched })
}
