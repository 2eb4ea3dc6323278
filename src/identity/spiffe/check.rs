//! Whether `identity.spiffe` holds together: the one check, for the loader of the configuration (which adds file and line) and for
//! [`crate::identity::Authenticator::new`].

use super::config::{EndpointProfile, FederationConfig, SpiffeConfig, TrustDomainConfig};
use super::id::{SpiffeId, TrustDomain};
use crate::identity::config::ConfigError;
use crate::model::units::Period;
use crate::net::Endpoint;

const LONGEST_LEEWAY: Period = Period::secs(300);
/// A bundle is read again every 5 minutes at the latest that counts here.
const SHORTEST_MAX_AGE: Period = Period::secs(600);

/// Everything that is wrong.
pub fn check(config: &SpiffeConfig) -> Vec<ConfigError> {
    let SpiffeConfig { trust_domains, audience, bundle_max_age, leeway } = config;
    let mut found = Vec::new();
    let mut wrong = |key: &str, message: String, hint: &str| {
        found.push(ConfigError::new(format!("identity.spiffe.{key}"), message, hint));
    };
    if trust_domains.is_empty() {
        let message = "there is no trust domain, so that nobody is trusted".to_owned();
        wrong("trust_domains", message, "list one, or leave out `identity.spiffe`");
    }
    if audience.iter().any(String::is_empty) {
        wrong(
            "audience",
            "must not be empty".to_owned(),
            "write what JWT-SVIDs for this service have as `aud`",
        );
    }
    if *bundle_max_age < SHORTEST_MAX_AGE {
        let message = format!("{bundle_max_age} is less than {SHORTEST_MAX_AGE}");
        wrong("bundle_max_age", message, "one fetch that fails would refuse the domain's workloads");
    }
    if *leeway > LONGEST_LEEWAY {
        let message =
            format!("{leeway} is more than {LONGEST_LEEWAY}, and would keep expired credentials alive");
        wrong("leeway", message, "keep the clocks in step (NTP) and allow some seconds");
    }
    for (index, one) in trust_domains.iter().enumerate() {
        let before = trust_domains.get(..index).unwrap_or_default();
        let at = format!("trust_domains[{index}]");
        if let Some(first) = before.iter().position(|other| other.name == one.name) {
            let message =
                format!("duplicate trust domain `{}`, the same as trust_domains[{first}]", one.name);
            wrong(&format!("{at}.name"), message, "a trust domain has one bundle; remove one of the two");
        }
        for (key, message, hint) in domain(one, trust_domains) {
            wrong(&format!("{at}{key}"), message, hint);
        }
    }
    found
}

type Flaw = (&'static str, String, &'static str);

fn domain(one: &TrustDomainConfig, all: &[TrustDomainConfig]) -> Vec<Flaw> {
    let TrustDomainConfig { name, bundle_file, workload_api, federation } = one;
    let mut found = Vec::new();
    if let Err(problem) = TrustDomain::parse(name) {
        let hint = "write the name alone, e.g. `example.org`";
        found.push((".name", format!("the name {problem}"), hint));
    }
    let set = [bundle_file.is_some(), workload_api.is_some(), federation.is_some()];
    match set.into_iter().filter(|set| *set).count() {
        0 => {
            let hint = "add one of `bundle_file`, `workload_api`, `federation`";
            found.push(("", format!("trust domain `{name}` has no source of its bundle"), hint));
        }
        1 => {}
        // A file to begin with, which tells who the endpoint is.
        2 if bundle_file.is_some()
            && federation.as_ref().is_some_and(|it| it.profile == EndpointProfile::HttpsSpiffe) => {}
        _ => {
            let message =
                "`bundle_file`, `workload_api` and `federation` are mutually exclusive, but that a `bundle_file` begins what \
                 `profile: https_spiffe` goes on with"
                    .to_owned();
            found.push(("", message, "keep one of them"));
        }
    }
    if bundle_file.as_ref().is_some_and(|path| path.as_os_str().is_empty()) {
        found.push((".bundle_file", "the path is empty".to_owned(), "write the path of the bundle"));
    }
    if workload_api.as_ref().is_some_and(|endpoint| !is_socket(endpoint)) {
        let hint = "write e.g. `unix:///run/spire/agent-sockets/api.sock`";
        found.push((".workload_api", "it is not a Unix socket with an absolute path".to_owned(), hint));
    }
    found.extend(federation.iter().flat_map(|it| endpoint(it, one, all)));
    found
}

/// The form of `SPIFFE_ENDPOINT_SOCKET`, on a Unix socket: whoever answers at a port of TCP has shown nothing.
fn is_socket(endpoint: &str) -> bool {
    let path = endpoint.strip_prefix("unix://").or_else(|| endpoint.strip_prefix("unix:"));
    path.is_some_and(|path| path.starts_with('/') && !path.contains(['?', '#', '%']))
}

fn endpoint(config: &FederationConfig, one: &TrustDomainConfig, all: &[TrustDomainConfig]) -> Vec<Flaw> {
    const URL: &str = ".federation.endpoint_url";
    const ID: &str = ".federation.endpoint_spiffe_id";
    let FederationConfig { endpoint_url, profile, endpoint_spiffe_id } = config;
    let mut found = Vec::new();
    let private = match Endpoint::parse(endpoint_url.expose()) {
        Err(error) => Err(error.to_string()),
        Ok(endpoint)
            if *profile == EndpointProfile::HttpsSpiffe && !endpoint.origin().starts_with("https:") =>
        {
            Err("`profile: https_spiffe` needs https".to_owned())
        }
        Ok(endpoint) if !endpoint.is_private() => {
            Err("whoever is on the way could bring authorities of their own".to_owned())
        }
        Ok(_) => Ok(()),
    };
    if let Err(message) = private {
        found.push((URL, message, "write the endpoint as `https://…`"));
    }
    match (profile, endpoint_spiffe_id.as_deref().map(SpiffeId::parse)) {
        (EndpointProfile::HttpsWeb, None) => {}
        (EndpointProfile::HttpsWeb, Some(_)) => {
            found.push((ID, "is for `profile: https_spiffe`".to_owned(), "leave it out"));
        }
        (EndpointProfile::HttpsSpiffe, None) => {
            let hint = "write e.g. `spiffe://example.org/spire/server`";
            found.push((ID, "is required by `profile: https_spiffe`".to_owned(), hint));
        }
        (EndpointProfile::HttpsSpiffe, Some(Err(problem))) => {
            found.push((
                ID,
                format!("the SPIFFE ID {problem}"),
                "write e.g. `spiffe://example.org/spire/server`",
            ));
        }
        (EndpointProfile::HttpsSpiffe, Some(Ok(id))) => {
            let server = id.trust_domain().name();
            if server == one.name && one.bundle_file.is_none() {
                let message =
                    "nothing tells whether the endpoint is what it says: its bundle is what it is asked for"
                        .to_owned();
                found.push((ID, message, "write a `bundle_file` to begin with"));
            } else if !all.iter().any(|other| other.name == server) {
                let message =
                    format!("there is no trust domain `{server}`, which would vouch for the endpoint");
                found.push((ID, message, "add it to `identity.spiffe.trust_domains`"));
            }
        }
    }
    found
}
