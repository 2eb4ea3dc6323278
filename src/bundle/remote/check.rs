//! Whether `bundles.services` and `bundles.remote` hold together, as far as it can be said without environment and network.

use std::collections::BTreeMap;

use super::config::{Basic, Bearer, OAuth2, RemoteConfig, S3, ServiceConfig, ServiceType};
use super::resource::Resource;
use super::revision::Revision;
use crate::bundle::config::Config;
use crate::bundle::name::check_name;
use crate::model::units::Period;
use crate::net::Endpoint;

/// The shortest pause, and the longest time that an answer may be held back or take.
const SHORTEST_PAUSE: Period = Period::millis(100);
const LONGEST: Period = Period::secs(24 * 3600);

/// A key below `bundles`, what is wrong with it, and what to do.
pub type Flaw = (Vec<String>, String, &'static str);

/// Everything that is wrong, in order of names.
pub fn check(config: &Config) -> Vec<Flaw> {
    let mut found = Vec::new();
    for (name, service) in &config.services {
        let mut wrong = |key: &str, message: String, hint| {
            let keys = ["services", name].into_iter().chain(key.split('.').filter(|key| !key.is_empty()));
            found.push((keys.map(str::to_owned).collect(), message, hint));
        };
        url(service, config, &mut wrong);
        login(service, &mut wrong);
        details(service, &mut wrong);
        polling(service, &mut wrong);
    }
    for (name, remote) in &config.remote {
        let mut wrong = |key: &str, message: String, hint| {
            let keys = ["remote", name].into_iter().chain(Some(key).filter(|key| !key.is_empty()));
            found.push((keys.map(str::to_owned).collect(), message, hint));
        };
        bundle(name, remote, &config.services, &mut wrong);
    }
    found
}

type Wrong<'a> = &'a mut dyn FnMut(&str, String, &'static str);

fn url(service: &ServiceConfig, config: &Config, wrong: Wrong<'_>) {
    let endpoint = match Endpoint::parse(service.url.expose()) {
        Ok(endpoint) => endpoint,
        Err(error) => {
            return wrong(
                "url",
                error.to_string(),
                "write an absolute url, e.g. `https://bundles.example.com`",
            );
        }
    };
    if endpoint.has_query() {
        wrong("url", "it has a query".to_owned(), "write the query into `resource`");
    }
    if service.r#type == ServiceType::Oci && !endpoint.is_root() {
        let message = "of a registry, only scheme, host and port are written".to_owned();
        wrong("url", message, "write the repository into `resource`");
    }
    if endpoint.is_private() {
        return;
    }
    let verified = config
        .verification
        .as_ref()
        .is_some_and(|verification| verification.required && !verification.skip_verify);
    if !verified {
        let message = "over plain http, anybody on the way can replace policy".to_owned();
        wrong("url", message, "use https, or require signatures (`bundles.verification`)");
    }
    let credentials = credentials(service).iter().any(|(_, set)| *set) || !service.headers_env.is_empty();
    if credentials {
        let message = "over plain http, credentials can be read by anybody on the way".to_owned();
        wrong("url", message, "use https");
    }
}

fn credentials(service: &ServiceConfig) -> [(&'static str, bool); 4] {
    let ServiceConfig { bearer, basic, oauth2, s3, .. } = service;
    [
        ("bearer", bearer.is_some()),
        ("basic", basic.is_some()),
        ("oauth2", oauth2.is_some()),
        ("s3", s3.is_some()),
    ]
}

fn login(service: &ServiceConfig, wrong: Wrong<'_>) {
    let set: Vec<&str> = credentials(service).iter().filter(|(_, set)| *set).map(|(key, _)| *key).collect();
    if let [first, second, ..] = set.as_slice() {
        let message = format!("`{first}` and `{second}` are mutually exclusive");
        wrong(second, message, "keep the one that the service asks for");
    }
    let mut one_of = |key: &str, sources: &[(&str, bool)]| {
        if sources.iter().filter(|(_, set)| *set).count() != 1 {
            let names: Vec<String> = sources.iter().map(|(name, _)| format!("`{name}`")).collect();
            wrong(key, format!("exactly one of {} is required", names.join(", ")), "say where the secret is");
        }
    };
    if let Some(Bearer { token, token_env, token_file, .. }) = &service.bearer {
        let sources = [
            ("token", token.is_some()),
            ("token_env", token_env.is_some()),
            ("token_file", token_file.is_some()),
        ];
        one_of("bearer", &sources);
    }
    if let Some(Basic { password_env, password_file, .. }) = &service.basic {
        one_of(
            "basic",
            &[("password_env", password_env.is_some()), ("password_file", password_file.is_some())],
        );
    }
    if let Some(OAuth2 { client_secret_env: env, client_secret_file: file, .. }) = &service.oauth2 {
        one_of("oauth2", &[("client_secret_env", env.is_some()), ("client_secret_file", file.is_some())]);
    }
}

/// What credentials say besides where their secret is.
fn details(service: &ServiceConfig, wrong: Wrong<'_>) {
    if let Some(Bearer { scheme, .. }) = &service.bearer
        && (scheme.is_empty()
            || !scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte)))
    {
        wrong("bearer.scheme", "it is no word".to_owned(), "write e.g. `Bearer`");
    }
    if let Some(Basic { username, .. }) = &service.basic
        && (username.is_empty() || username.contains(':'))
    {
        wrong("basic.username", "it is empty or has a colon".to_owned(), "write the user's name");
    }
    if let Some(OAuth2 { token_url, .. }) = &service.oauth2 {
        match Endpoint::parse(token_url.expose()) {
            Ok(endpoint) if endpoint.is_private() => {}
            Ok(_) => wrong(
                "oauth2.token_url",
                "it is not https".to_owned(),
                "the client's secret is sent there: use https",
            ),
            Err(error) => wrong("oauth2.token_url", error.to_string(), "write the token endpoint"),
        }
    }
    if let Some(S3 { region, .. }) = &service.s3 {
        let known = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let is_region = |region: &String| !region.is_empty() && region.bytes().all(known);
        if region.as_ref().is_some_and(|region| !is_region(region)) {
            wrong("s3.region", "it is no region".to_owned(), "write e.g. `eu-central-1`");
        }
        if service.r#type == ServiceType::Oci {
            wrong("s3", "requests to a registry are not signed".to_owned(), "use `basic` or `bearer`");
        }
    }
    if service.tls.as_ref().is_some_and(|tls| tls.cert.is_some() != tls.key.is_some()) {
        wrong("tls", "`cert` and `key` belong together".to_owned(), "name both, or neither");
    }
}

fn polling(service: &ServiceConfig, wrong: Wrong<'_>) {
    let ServiceConfig { polling, timeout, .. } = service;
    if polling.min < SHORTEST_PAUSE || polling.min > polling.max {
        let message = format!("it is {}, and must be from {SHORTEST_PAUSE} to `max`", polling.min);
        wrong("polling.min", message, "60s to 120s is what OPA does");
    }
    for (key, period, least) in [
        ("polling.max", polling.max, SHORTEST_PAUSE),
        ("polling.wait", polling.wait, Period::secs(0)),
        ("timeout", *timeout, SHORTEST_PAUSE),
    ] {
        if period > LONGEST || period < least {
            wrong(
                key,
                format!("it is {period}, and must be from {least} to {LONGEST}"),
                "take a shorter one",
            );
        }
    }
    if polling.wait.0.subsec_nanos() != 0 {
        wrong("polling.wait", "it is asked for in whole seconds".to_owned(), "write e.g. `30s`");
    }
    if !polling.wait.0.is_zero() && service.r#type == ServiceType::Oci {
        wrong("polling.wait", "a registry holds no answers back".to_owned(), "take it out");
    }
}

fn bundle(name: &str, remote: &RemoteConfig, services: &BTreeMap<String, ServiceConfig>, wrong: Wrong<'_>) {
    if let Err(message) = check_name(name) {
        wrong("", message, "call it as you would call its archive, without `.tar.gz`");
    }
    match services.get(&remote.service) {
        None => {
            let message = format!("`bundles.services` has no `{}`", remote.service);
            wrong("service", message, "name one of the services");
        }
        Some(service) => {
            // What is wrong with the URL itself has been said.
            if Endpoint::parse(service.url.expose()).is_ok()
                && let Err(message) = Resource::new(remote, service)
            {
                wrong("resource", message, "write where the bundle is, below the service's `url`");
            }
        }
    }
    if let Some(Err(message)) = remote.minimum_revision.as_ref().map(|text| text.parse::<Revision>()) {
        wrong("minimum_revision", message, "write the lowest revision, as the bundle's manifest has it");
    }
}
