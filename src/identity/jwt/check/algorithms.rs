//! The algorithms of an issuer: known ones, and those of its kind of key.

use verdict_jose::Algorithm;

use super::entry::Entry;
use crate::identity::config::IssuerConfig;

/// INVARIANT (no confusion): an issuer has algorithms of key pairs or of secrets, and never of both.
pub(super) fn check(entry: &mut Entry<'_>, config: &IssuerConfig) {
    let has_secret = config.has_secret();
    if config.algorithms.is_empty() {
        let hint = format!("list those that the issuer signs with, of {}", known(has_secret));
        entry.wrong(".algorithms", "no algorithm is allowed, so no token can be valid", hint);
    }
    for (index, name) in config.algorithms.iter().enumerate() {
        let key = format!(".algorithms[{index}]");
        match Algorithm::by_name(name) {
            Some(algorithm) if algorithm.is_shared() == has_secret => {}
            Some(_) if has_secret => {
                let message = format!("`{name}` needs a key pair, and the issuer has a secret");
                let hint = format!("with `secret_env` or `secret_file`, use {}", known(true));
                entry.wrong(&key, message, hint);
            }
            Some(_) => symmetric(entry, &key, name),
            None => unknown(entry, &key, name, has_secret),
        }
    }
}

fn symmetric(entry: &mut Entry<'_>, key: &str, name: &str) {
    let message = format!("`{name}` is symmetric: whoever can verify a token could also forge one");
    let hint = format!(
        "let the issuer sign with a key pair, by {}; or share a secret with it, by `secret_env` or `secret_file`",
        known(false)
    );
    entry.wrong(key, message, hint);
}

fn unknown(entry: &mut Entry<'_>, key: &str, name: &str, has_secret: bool) {
    let plain = |name: &str| name.replace(['-', '_'], "").to_ascii_uppercase();
    if plain(name) == "NONE" {
        let message = format!("`{name}` is not a signature: anyone could be anyone");
        return entry.wrong(key, message, format!("supported are {}", known(has_secret)));
    }
    let near = Algorithm::ALL.into_iter().find(|other| plain(other.name()) == plain(name));
    match near {
        Some(near) if near.is_shared() && !has_secret => symmetric(entry, key, name),
        near => {
            let near = near.map(|other| format!("did you mean `{}`? ", other.name())).unwrap_or_default();
            let hint = format!("{near}supported are {}", known(has_secret));
            entry.wrong(key, format!("unknown algorithm `{name}`"), hint);
        }
    }
}

/// Those of key pairs, or of secrets.
fn known(shared: bool) -> String {
    let all = Algorithm::ALL.into_iter().filter(|algorithm| algorithm.is_shared() == shared);
    all.map(|algorithm| format!("`{}`", algorithm.name())).collect::<Vec<_>>().join(", ")
}
