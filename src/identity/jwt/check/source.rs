//! Where the keys of an issuer come from: one place, and one that can be trusted.

use std::path::Path;

use verdict_jose::Algorithm;

use super::entry::Entry;
use crate::identity::config::{IssuerConfig, Risk};
use crate::identity::jwt::discovery::Discovery;
use crate::identity::jwt::jwks::KeySet;
use crate::net::Endpoint;

/// The longest name of an environment variable, in bytes.
const MAX_NAME: usize = 128;

pub(super) fn check(entry: &mut Entry<'_>, config: &IssuerConfig) {
    let sources = [
        ("jwks", config.jwks.is_some()),
        ("jwks_file", config.jwks_file.is_some()),
        ("jwks_url", config.jwks_url.is_some()),
        ("discovery", config.discovery),
        ("public_key", config.public_key.is_some()),
        ("public_key_file", config.public_key_file.is_some()),
        ("public_key_env", config.public_key_env.is_some()),
        ("secret_env", config.secret_env.is_some()),
        ("secret_file", config.secret_file.is_some()),
    ];
    let mut set = sources.into_iter().filter(|(_, set)| *set).map(|(key, _)| key);
    match (set.next(), set.next()) {
        (None, _) => {
            let hint = "add one of `discovery: true`, `jwks_url: https://…`, `jwks_file: PATH`, `public_key`, \
                        `public_key_file`, `public_key_env`; for a shared secret `secret_env` or `secret_file`";
            entry.wrong("", format!("issuer `{}` has no keys", config.issuer), hint);
        }
        (Some(first), Some(second)) => {
            let message = format!("`{first}` and `{second}` are mutually exclusive");
            entry.wrong(&format!(".{second}"), message, "keep one of the two");
        }
        (Some(_), None) => the_one(entry, config),
    }
}

/// Checks the sources, of which one is set.
fn the_one(entry: &mut Entry<'_>, config: &IssuerConfig) {
    for (key, path) in [
        (".jwks_file", &config.jwks_file),
        (".public_key_file", &config.public_key_file),
        (".secret_file", &config.secret_file),
    ] {
        if path.as_deref().is_some_and(|path| path == Path::new("")) {
            entry.wrong(key, "the path is empty", "write the path of a file with the issuer's keys");
        }
    }
    for (key, name) in [(".public_key_env", &config.public_key_env), (".secret_env", &config.secret_env)] {
        if name.as_deref().is_some_and(|name| !is_name(name)) {
            // Not repeated: it may be the secret itself.
            let hint =
                "write the variable's name in capitals, e.g. `RELAY_JWT_SECRET`, and not what it holds";
            entry.wrong(key, "it is not the name of an environment variable", hint);
        }
    }
    if let Some(url) = &config.jwks_url {
        match Endpoint::parse(url.expose()) {
            Ok(endpoint) => private(entry, ".jwks_url", &endpoint),
            Err(error) => {
                let hint = "write e.g. `https://idp.example/.well-known/jwks.json`";
                entry.wrong(".jwks_url", error.to_string(), hint);
            }
        }
    }
    if config.discovery && !config.issuer.is_empty() {
        match Discovery::new(&config.issuer, false) {
            Ok(discovery) => private(entry, ".issuer", discovery.document()),
            Err(error) => {
                let hint = "with `discovery`, the issuer is a URL, e.g. `https://idp.example`; without, name its keys";
                entry.wrong(".issuer", error, hint);
            }
        }
    }
    let algorithms: Option<Vec<Algorithm>> =
        config.algorithms.iter().map(|name| Algorithm::by_name(name)).collect();
    if let (Some(pem), Some(algorithms)) = (&config.public_key, algorithms)
        && let Err(error) = KeySet::from_pem(pem.as_bytes(), &algorithms)
    {
        entry.wrong(
            ".public_key",
            error,
            "write a public key (`-----BEGIN PUBLIC KEY-----`) over several lines",
        );
    }
}

/// Capitals, digits and `_` (POSIX.1-2017 section 8.1), so that few secrets look like a name.
fn is_name(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    text.len() <= MAX_NAME
        && text.bytes().all(plain)
        && text.bytes().next().is_some_and(|byte| !byte.is_ascii_digit())
}

fn private(entry: &mut Entry<'_>, key: &str, endpoint: &Endpoint) {
    if !endpoint.is_private() {
        let message = format!(
            "the keys come from `{}` over plain http: whoever is on the way could bring keys of their own",
            endpoint.host()
        );
        entry.insecure(key, Risk::HttpJwks, message, "use https");
    }
}
