//! The checks of `identity:`.

use std::collections::BTreeMap;
use std::path::{Component, Path as FsPath, PathBuf};

use super::{Checks, Danger, Profile, is_loopback};
use crate::config::error::closest;
use crate::config::tree::Path;
use crate::identity::IssuerConfig;
use crate::identity::dev::ISSUER;
use crate::model::principal::IdentityMode;
use crate::model::request::EntryPath;
use crate::model::units::Period;

/// The most by which clocks may be allowed to differ; more would keep expired tokens alive.
const MOST_LEEWAY: Period = Period::secs(300);

/// The signature algorithms that Verdict verifies (RFC 7518 section 3.1, RFC 8037 section 3.1).
const ALGORITHMS: [&str; 9] =
    ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"];

impl Checks<'_> {
    pub(super) fn identity(&mut self) {
        let identity = &self.config.identity;
        let at = Path::dotted("identity");
        for path in identity.entrypoints.keys() {
            self.document(at.key("entrypoints").key(path), path);
        }
        let asked =
            identity.entrypoints.values().chain([&identity.mode]).any(|mode| *mode != IdentityMode::Off);
        if asked && identity.issuers.is_empty() && !self.profile.trusts_dev_issuer() {
            self.no_issuers(at.key("issuers"));
        }
        if matches!(self.profile, Profile::Run(insecure) if insecure.dev_issuer) {
            let flag = Danger::DevIssuer.flag();
            self.findings.warnings.push(format!(
                "INSECURE, allowed by `{flag}`: the development issuer is trusted: whoever can read `{}` can be anyone",
                self.config.state.display()
            ));
        }
        self.entrypoints_once(&at.key("entrypoints"));
        for (n, issuer) in identity.issuers.iter().enumerate() {
            let at = at.key("issuers").index(n);
            if identity.issuers.iter().take(n).any(|before| before.issuer == issuer.issuer) {
                let message = format!("issuer `{}` stands in the list twice", issuer.issuer);
                let hint = "one entry may have several audiences, and several keys in its JWKS";
                self.flaw(at.key("issuer"), message, hint);
            }
            self.issuer(&at, issuer);
        }
    }

    /// Two spellings of one path would leave open which mode counts.
    fn entrypoints_once(&mut self, at: &Path) {
        let mut seen = BTreeMap::new();
        for text in self.config.identity.entrypoints.keys() {
            let Ok(path) = EntryPath::parse(text) else { continue };
            if let Some(before) = seen.insert(path.segments().to_vec(), text) {
                let message = format!("`{before}` is the same path");
                self.flaw(at.key(text), message, "keep one of the two");
            }
        }
    }

    fn no_issuers(&mut self, at: Path) {
        self.danger(
            Danger::DevIssuer,
            at,
            "nobody may vouch for callers, and identity is not off",
            "add the issuer of your tokens, or set `identity.mode: off` behind a loopback listener",
        );
    }

    fn issuer(&mut self, at: &Path, issuer: &IssuerConfig) {
        // Destructured wholly, so that a new key cannot be forgotten here.
        let IssuerConfig {
            issuer: name,
            audience,
            algorithms,
            jwks_file,
            jwks_url,
            jwks_refresh,
            claims: _,
            leeway,
            types,
            // Only the development issuer's own entry has one.
            jwks: _,
        } = issuer;
        if name.is_empty() {
            self.flaw(at.key("issuer"), "the name is empty", "write the exact `iss` of its tokens");
        }
        self.development(at, name, jwks_file.as_deref());
        if audience.is_empty() {
            let message =
                format!("issuer `{name}` has no audience: its tokens for any other service are taken, too");
            let remedy = "name what its tokens for this service carry as `aud`";
            self.danger(Danger::NoAudience, at.key("audience"), &message, remedy);
        }
        if audience.iter().any(String::is_empty) {
            self.flaw(at.key("audience"), "an audience is empty", "take it out, or name it");
        }
        self.algorithms(at, algorithms);
        match (jwks_file, jwks_url) {
            (Some(_), Some(_)) => {
                self.flaw(
                    at.key("jwks_url"),
                    "`jwks_file` and `jwks_url` are mutually exclusive",
                    "keep one of the two",
                );
            }
            (None, None) => {
                let hint = "add `jwks_file: PATH` or `jwks_url: https://…`";
                self.flaw(at.clone(), format!("issuer `{name}` has no keys"), hint);
            }
            (None, Some(url)) => self.jwks_url(at.key("jwks_url"), url),
            (Some(_), None) => {}
        }
        if *jwks_refresh == Period::secs(0) {
            let hint = "keys are fetched in the background; once in `5m` is common";
            self.flaw(at.key("jwks_refresh"), "must be more than 0", hint);
        }
        if *leeway > MOST_LEEWAY {
            let message = format!("{leeway} is more than {MOST_LEEWAY}, and would keep expired tokens alive");
            self.flaw(at.key("leeway"), message, "keep the clocks in step (NTP) and allow some seconds");
        }
        if types.is_empty() || types.iter().any(String::is_empty) {
            let hint = "write e.g. `[JWT, at+jwt]`; without the key that is the default";
            self.flaw(at.key("types"), "no type of token would be taken", hint);
        }
    }

    fn development(&mut self, at: &Path, name: &str, jwks_file: Option<&FsPath>) {
        let in_state = |file: &FsPath| plain(file).starts_with(plain(&self.config.state));
        if name == ISSUER || jwks_file.is_some_and(in_state) {
            self.danger(
                Danger::DevIssuer,
                at.clone(),
                "this is the development issuer: whoever can read the state folder can be anyone",
                "configure the issuer of your identity provider",
            );
        }
    }

    fn algorithms(&mut self, at: &Path, algorithms: &[String]) {
        let at = at.key("algorithms");
        if algorithms.is_empty() {
            let message = "no algorithm is allowed, so that no token can be valid";
            self.flaw(at.clone(), message, "pin the one that the issuer signs with, e.g. `[RS256]`");
        }
        for (n, algorithm) in algorithms.iter().enumerate() {
            if ALGORITHMS.contains(&algorithm.as_str()) {
                continue;
            }
            let known = ALGORITHMS.map(|known| format!("`{known}`")).join(", ");
            let upper = algorithm.to_ascii_uppercase();
            let (message, hint) = if matches!(upper.as_str(), "HS256" | "HS384" | "HS512") {
                let message = format!("`{algorithm}` signs with a secret that the verifier would share");
                (
                    message,
                    "whoever can verify could also forge; let the issuer sign with a key pair".to_owned(),
                )
            } else if upper == "NONE" {
                let message = "`none` is no signature: anyone could be anyone".to_owned();
                (message, format!("known are {known}"))
            } else {
                let guess = closest(algorithm, ALGORITHMS);
                let guess = guess.map_or_else(String::new, |guess| format!("did you mean `{guess}`? "));
                (format!("unknown algorithm `{algorithm}`"), format!("{guess}known are {known}"))
            };
            self.flaw(at.index(n), message, hint);
        }
    }

    fn jwks_url(&mut self, at: Path, url: &str) {
        const HINT: &str = "write e.g. `https://idp.example/.well-known/jwks.json`";
        let uri = match url.parse::<http::Uri>() {
            Ok(uri) => uri,
            Err(error) => return self.flaw(at, format!("`{url}` is not a URL: {error}"), HINT),
        };
        let host = uri.host().unwrap_or_default();
        match (uri.scheme_str(), host) {
            (Some("http" | "https"), "") | (None, _) => {
                self.flaw(at, format!("`{url}` is not a whole URL"), HINT);
            }
            (Some("https"), _) => {}
            (Some("http"), host) if is_this_machine(host) => {}
            (Some("http"), host) => self.danger(
                Danger::HttpJwks,
                at,
                &format!("the keys come from `{host}` over plain http: whoever is between can be anyone"),
                "use https",
            ),
            (Some(scheme), _) => self.flaw(at, format!("`{scheme}` is neither https nor http"), HINT),
        }
    }
}

/// A host that never leaves this machine: a loopback address, or `localhost` (RFC 6761 section 6.3).
fn is_this_machine(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare.eq_ignore_ascii_case("localhost") || bare.parse().is_ok_and(is_loopback)
}

/// Without `.` and `..`, as far as the text says.
fn plain(path: &FsPath) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                plain.pop();
            }
            Component::CurDir => {}
            part => plain.push(part),
        }
    }
    plain
}
