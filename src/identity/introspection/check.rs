//! Whether `identity.introspection` holds together: the one check, for the loader of the configuration (which adds file and line)
//! and for [`crate::identity::Authenticator::new`].

use super::config::IntrospectionConfig;
use crate::identity::config::{ConfigError, Risk};
use crate::identity::jwt::mapping::Mapping;
use crate::model::units::Period;
use crate::net::Endpoint;

/// The longest that an answer may be relied on, which is how late a revocation may bite.
const LONGEST_CACHE: Period = Period::secs(300);
const LONGEST_TIMEOUT: Period = Period::secs(30);
const LONGEST_LEEWAY: Period = Period::secs(300);

/// Everything that is wrong.
pub fn check(config: &IntrospectionConfig) -> Vec<ConfigError> {
    let mut found = Vec::new();
    let mut wrong = |key: &str, message: String, hint: &str| {
        found.push(ConfigError::new(format!("identity.introspection.{key}"), message, hint));
    };
    let empty = [
        ("issuer", config.issuer.as_ref().is_some_and(String::is_empty)),
        ("client_id_env", config.client_id_env.is_empty()),
        ("client_secret_env", config.client_secret_env.is_empty()),
        ("prefix", config.prefix.as_ref().is_some_and(String::is_empty)),
        ("audience", config.audience.iter().any(String::is_empty)),
    ];
    for (key, _) in empty.into_iter().filter(|(_, empty)| *empty) {
        wrong(key, "must not be empty".to_owned(), "write what the authorization server has for it");
    }
    let scopes = config.required_scopes.iter();
    if let Some(scope) = scopes.into_iter().find(|scope| scope.is_empty() || scope.contains([' ', '"', '\\']))
    {
        wrong(
            "required_scopes",
            format!("`{scope}` is no scope (RFC 6749 section 3.3)"),
            "write one scope an item",
        );
    }
    for (key, given, longest) in [
        ("cache_ttl", config.cache_ttl, LONGEST_CACHE),
        ("timeout", config.timeout, LONGEST_TIMEOUT),
        ("leeway", config.leeway, LONGEST_LEEWAY),
    ] {
        if given.0 > longest.0 {
            wrong(key, format!("{given} is longer than {longest}"), "write less");
        }
    }
    if config.timeout.0.is_zero() {
        wrong("timeout", "must not be zero".to_owned(), "2s is the default");
    }
    if let Err(problem) = Mapping::new(&config.claims) {
        wrong("claims", problem.to_owned(), "write a path such as `realm_access.roles`");
    }
    let at = "identity.introspection.url";
    match Endpoint::parse(config.url.expose()) {
        Err(error) => found.push(ConfigError::new(at, error.to_string(), "write the endpoint of RFC 7662")),
        Ok(endpoint) if !endpoint.is_private() => {
            let message = "tokens and the client's secret would cross the network in the clear";
            let error = ConfigError::new(at, message, "use https");
            found.push(ConfigError { risk: Some(Risk::HttpJwks), ..error });
        }
        Ok(_) => {}
    }
    found
}
