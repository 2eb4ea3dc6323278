//! Whether `identity.issuers` holds together: the one check, for the loader of the configuration (which adds file and line)
//! and for [`crate::identity::Authenticator::new`].

use super::claim_path::ClaimPath;
use super::jws;
use crate::identity::config::{ClaimMapping, Config, ConfigError, IssuerConfig, Risk};
use crate::model::units::Period;
use crate::net::Endpoint;

/// The most by which clocks may be allowed to differ; more would keep expired tokens alive.
const MAX_LEEWAY: Period = Period::secs(300);

/// Everything that is wrong with the issuers, in their order; `shortest_refresh` is what fetches are kept apart by.
///
/// Does not read files and fetches nothing.
pub fn check(config: &Config, shortest_refresh: Period) -> Vec<ConfigError> {
    let mut found = Vec::new();
    for (index, issuer) in config.issuers.iter().enumerate() {
        let mut entry = Entry { at: format!("identity.issuers[{index}]"), found: &mut found };
        if let Some(first) = config.issuers.iter().take(index).position(|other| other.issuer == issuer.issuer)
        {
            entry.wrong(
                ".issuer",
                format!("duplicate issuer `{}`, the same as identity.issuers[{first}]", issuer.issuer),
                "one entry can have several audiences, and several keys in its JWKS",
            );
        }
        entry.values(issuer);
        entry.algorithms(&issuer.algorithms);
        entry.source(issuer);
        entry.periods(issuer, shortest_refresh);
        entry.claims(&issuer.claims);
    }
    found
}

/// One entry of the list, and what was found so far.
struct Entry<'a> {
    at: String,
    found: &'a mut Vec<ConfigError>,
}

impl Entry<'_> {
    /// `key` is below the entry, with a dot before it.
    fn wrong(&mut self, key: &str, message: impl Into<String>, hint: impl Into<String>) {
        self.found.push(ConfigError::new(format!("{}{key}", self.at), message, hint));
    }

    fn insecure(&mut self, key: &str, risk: Risk, message: String, hint: &str) {
        let error = ConfigError::new(format!("{}{key}", self.at), message, hint);
        self.found.push(ConfigError { risk: Some(risk), ..error });
    }

    fn values(&mut self, config: &IssuerConfig) {
        let IssuerConfig { issuer, audience, types, .. } = config;
        if issuer.is_empty() {
            self.wrong(".issuer", "must not be empty", "write the exact `iss` of the issuer's tokens");
        }
        if audience.is_empty() {
            let message =
                format!("issuer `{issuer}` has no audience: its tokens for any other service are accepted");
            self.insecure(
                ".audience",
                Risk::NoAudience,
                message,
                "list what its tokens for this service have as `aud`",
            );
        }
        if audience.iter().any(String::is_empty) {
            self.wrong(
                ".audience",
                "an audience is empty",
                "remove it, or write the name that it stands for",
            );
        }
        if types.is_empty() || types.iter().any(String::is_empty) {
            let hint = "write e.g. `[JWT, at+jwt]`, which is the default";
            self.wrong(".types", "must list types of tokens, none of them empty", hint);
        }
    }

    fn algorithms(&mut self, names: &[String]) {
        let known = || jws::ALGORITHMS.map(|(name, _)| format!("`{name}`")).join(", ");
        if names.is_empty() {
            let hint = format!("list those that the issuer signs with, of {}", known());
            self.wrong(".algorithms", "no algorithm is allowed, so no token can be valid", hint);
        }
        for (index, name) in names.iter().enumerate() {
            if jws::algorithm(name).is_some() {
                continue;
            }
            let plain = |name: &str| name.replace(['-', '_'], "").to_ascii_uppercase();
            let (key, upper) = (format!(".algorithms[{index}]"), plain(name));
            if matches!(upper.as_str(), "HS256" | "HS384" | "HS512") {
                let message =
                    format!("`{name}` is symmetric: whoever can verify a token could also forge one");
                self.wrong(
                    &key,
                    message,
                    format!("let the issuer sign with a key pair; supported are {}", known()),
                );
            } else if upper == "NONE" {
                let message = format!("`{name}` is not a signature: anyone could be anyone");
                self.wrong(&key, message, format!("supported are {}", known()));
            } else {
                let near = jws::ALGORITHMS.iter().find(|(other, _)| plain(other) == upper);
                let near = near.map(|(other, _)| format!("did you mean `{other}`? ")).unwrap_or_default();
                let message = format!("unknown algorithm `{name}`");
                self.wrong(&key, message, format!("{near}supported are {}", known()));
            }
        }
    }

    fn source(&mut self, config: &IssuerConfig) {
        let IssuerConfig { issuer, jwks_file, jwks_url, jwks, .. } = config;
        match (jwks_file, jwks_url, jwks) {
            (Some(file), None, None) if file.as_os_str().is_empty() => {
                self.wrong(".jwks_file", "the path is empty", "write the path of a JWKS file");
            }
            (Some(_), None, None) | (None, None, Some(_)) => {}
            (None, Some(url), None) => self.url(url.expose()),
            (None, None, None) => {
                let hint = "add `jwks_file: PATH` or `jwks_url: https://…`";
                self.wrong("", format!("issuer `{issuer}` has no keys"), hint);
            }
            (_, Some(_), _) => {
                let message = "`jwks_file` and `jwks_url` are mutually exclusive";
                self.wrong(".jwks_url", message, "keep one of the two");
            }
            (Some(_), None, Some(_)) => {
                self.wrong(".jwks_file", "the issuer has its keys in memory", "remove the file");
            }
        }
    }

    fn url(&mut self, url: &str) {
        let endpoint = match Endpoint::parse(url) {
            Ok(endpoint) => endpoint,
            Err(error) => {
                let hint = "write e.g. `https://idp.example/.well-known/jwks.json`";
                return self.wrong(".jwks_url", error.to_string(), hint);
            }
        };
        if !endpoint.is_private() {
            let message = format!(
                "the keys come from `{}` over plain http: whoever is on the way could bring keys of their own",
                endpoint.host()
            );
            self.insecure(".jwks_url", Risk::HttpJwks, message, "use https");
        }
    }

    fn periods(&mut self, config: &IssuerConfig, shortest_refresh: Period) {
        let IssuerConfig { jwks_url, jwks_refresh, jwks_max_age, leeway, .. } = config;
        if *jwks_refresh < shortest_refresh {
            let message = format!("{jwks_refresh} is less than {shortest_refresh}");
            let hint = "keys are fetched in the background, and for an unknown key at once; `5m` is common";
            self.wrong(".jwks_refresh", message, hint);
        }
        let twice = Period(jwks_refresh.0.saturating_mul(2));
        if jwks_max_age.0.is_zero() {
            let hint = "write e.g. `24h`; a long period is as good as none, e.g. `3650d`";
            self.wrong(".jwks_max_age", "must be more than 0", hint);
        } else if jwks_url.is_some() && *jwks_max_age < twice {
            let message = format!("{jwks_max_age} is less than twice `jwks_refresh` ({jwks_refresh})");
            let hint = "one fetch that fails would refuse the issuer's tokens";
            self.wrong(".jwks_max_age", message, hint);
        }
        if *leeway > MAX_LEEWAY {
            let message = format!("{leeway} is more than {MAX_LEEWAY}, and would keep expired tokens alive");
            self.wrong(".leeway", message, "keep the clocks in step (NTP) and allow some seconds");
        }
    }

    fn claims(&mut self, mapping: &ClaimMapping) {
        let ClaimMapping { id, kind, roles, scopes, permissions, tenant } = mapping;
        for (key, path) in [
            ("id", id),
            ("type", kind),
            ("roles", roles),
            ("scopes", scopes),
            ("permissions", permissions),
            ("tenant", tenant),
        ] {
            if let Some(Err(problem)) = path.as_deref().map(ClaimPath::parse) {
                let hint = "write a path such as `realm_access.roles`, or a json pointer such as \
                            `/https:~1~1example.com~1roles` (a `/` in a name is `~1`)";
                self.wrong(&format!(".claims.{key}"), problem, hint);
            }
        }
    }
}
