//! The `auth:` section of a Dockfile (Dockrion), as it stands: from its words to this configuration's.
//!
//! INVARIANT (nothing is dropped): what the section says and cannot mean here is an error with file and line. The other
//! sections of a Dockfile are not about who may call, and are not looked at.
//! INVARIANT (one place says it): what a Dockfile says and the configuration says, too, is an error.
//!
//! Reading order: [`schema`] → this file.

mod schema;

use std::collections::BTreeMap;
use std::path::Path;

use self::schema::{ApiKeys, Auth, Backend, Dockfile, Jwt, Mode, Oauth2};
use super::schema::Config;
use crate::document::{Problem, Tree, read_file};
use crate::identity::{
    self, ApiKeysConfig, ClaimMapping, IntrospectionConfig, IssuerConfig, Pace, PrefixConfig, VariableConfig,
    introspection,
};
use crate::model::principal::IdentityMode;
use crate::model::roles::Role;
use crate::model::units::Period;
use crate::net::UrlText;
use crate::stores;

/// The roles and permissions of a caller with a key, unless something says otherwise (Dockrion's defaults).
const DEFAULT_ROLE: &str = "default";
const DEFAULT_PERMISSION: &str = "invoke";
/// The most by which clocks may differ, as Dockrion has it.
const MAX_LEEWAY_SECONDS: u64 = 300;

/// Adds what a Dockfile says to a configuration.
///
/// # Errors
/// Everything in the `auth:` section that cannot mean anything here.
pub(super) fn apply(path: &Path, config: &mut Config) -> Result<(), Vec<Problem>> {
    let (Dockfile { auth, .. }, tree) = read_file::<Dockfile>(path).map_err(|problem| vec![problem])?;
    let mut reading = Reading { tree: &tree, problems: Vec::new() };
    match auth {
        Some(auth) => reading.auth(auth, config),
        None => reading.wrong(
            "",
            "there is no `auth` section",
            "remove `identity.dockfile`, or add `auth: {mode: …}`",
        ),
    }
    if reading.problems.is_empty() { Ok(()) } else { Err(reading.problems) }
}

struct Reading<'a> {
    tree: &'a Tree,
    problems: Vec<Problem>,
}

impl Reading<'_> {
    fn wrong(&mut self, at: &str, message: impl AsRef<str>, hint: &str) {
        self.problems.push(self.tree.problem(at, message.as_ref(), Some(hint)));
    }

    fn auth(&mut self, auth: Auth, config: &mut Config) {
        let Auth { mode, api_keys, jwt, oauth2, roles, rate_limits, rate_limit_backend } = auth;
        match mode {
            Mode::None => config.identity.mode = IdentityMode::None,
            Mode::ApiKey => self.api_keys(api_keys.unwrap_or_default(), config),
            Mode::Jwt => match jwt {
                Some(jwt) => self.jwt(jwt, config),
                None => {
                    self.wrong("auth.mode", "`mode: jwt` needs a `jwt` section", "add `jwt: {jwks_url: …}`")
                }
            },
            Mode::Oauth2 => match oauth2 {
                Some(oauth2) => self.oauth2(oauth2, config),
                None => {
                    let hint = "add `oauth2: {introspection_url: …, client_id_env: …, client_secret_env: …}`";
                    self.wrong("auth.mode", "`mode: oauth2` needs an `oauth2` section", hint);
                }
            },
        }
        self.roles(roles, config);
        self.rate_limits(rate_limits, rate_limit_backend, config);
    }

    fn api_keys(&mut self, keys: ApiKeys, config: &mut Config) {
        let ApiKeys { env_var, prefix, header, allow_bearer } = keys;
        if !allow_bearer {
            let hint = "remove the key; a bearer token that is a key is always accepted as one";
            self.wrong("auth.api_keys.allow_bearer", "keys as bearer tokens cannot be turned off", hint);
        }
        let ApiKeysConfig { headers, env, env_prefix, .. } = &mut config.identity.api_keys;
        if !env.is_empty() || !env_prefix.is_empty() {
            let hint = "keep the keys in one of the two files";
            self.wrong("auth.api_keys", "the configuration has `identity.api_keys`, too", hint);
            return;
        }
        if let Some(header) = header {
            *headers = vec![header.to_ascii_lowercase()];
        }
        let (roles, permissions) = (vec![DEFAULT_ROLE.to_owned()], vec![DEFAULT_PERMISSION.to_owned()]);
        match (env_var, prefix) {
            (Some(variable), None) => {
                env.push(VariableConfig { roles, permissions, ..VariableConfig::of(variable) });
            }
            (None, Some(prefix)) => {
                env_prefix.push(PrefixConfig { roles, permissions, ..PrefixConfig::of(prefix) });
            }
            (Some(_), Some(_)) => {
                let message = "`env_var` and `prefix` are mutually exclusive";
                self.wrong("auth.api_keys.prefix", message, "keep one of the two");
            }
            (None, None) => {
                let hint = "add `env_var: MY_AGENT_KEY`, or `prefix: AGENT_KEY_`";
                self.wrong("auth.mode", "`mode: api_key` names no environment variable", hint);
            }
        }
    }

    fn jwt(&mut self, jwt: Jwt, config: &mut Config) {
        let Jwt { jwks_url, public_key_env, issuer, audience, algorithms, leeway_seconds, claims } = jwt;
        let Some(issuer) = issuer else {
            let hint = "write the exact `iss` of the tokens; without it, any issuer's tokens would do";
            return self.wrong("auth.jwt", "`issuer` is missing", hint);
        };
        if config.identity.issuers.iter().any(|other| other.issuer == issuer) {
            let hint = "keep it in one of the two files";
            return self.wrong("auth.jwt.issuer", "`identity.issuers` has this issuer, too", hint);
        }
        if audience.is_empty() {
            let hint =
                "write what the tokens have as `aud`; without it, tokens for any other service would do";
            self.wrong("auth.jwt", "`audience` is missing", hint);
        }
        if leeway_seconds > MAX_LEEWAY_SECONDS {
            self.wrong("auth.jwt.leeway_seconds", "must be from 0 to 300", "30 is the default");
        }
        if jwks_url.is_some() == public_key_env.is_some() {
            let hint = "name the issuer's keys in exactly one of the two ways";
            self.wrong("auth.jwt", "one of `jwks_url` and `public_key_env` is required", hint);
        }
        let symmetric = algorithms.iter().filter(|name| name.starts_with("HS")).count();
        if symmetric > 0 && (symmetric < algorithms.len() || jwks_url.is_some()) {
            let message = "HS256, HS384 and HS512 need a shared secret, and exclude all other algorithms";
            let hint = "name the variable with the secret in `public_key_env`, or remove them";
            self.wrong("auth.jwt.algorithms", message, hint);
        }
        let key = |wanted: bool| public_key_env.clone().filter(|_| wanted);
        config.identity.issuers.push(IssuerConfig {
            audience,
            jwks_url: jwks_url.as_deref().map(UrlText::from),
            public_key_env: key(symmetric == 0),
            secret_env: key(symmetric > 0),
            leeway: Period::secs(leeway_seconds),
            claims: mapping(claims),
            issuer,
            algorithms,
            ..IssuerConfig::default()
        });
        if self.problems.is_empty() {
            self.issuer(&config.identity);
        }
    }

    fn oauth2(&mut self, oauth2: Oauth2, config: &mut Config) {
        let Oauth2 { introspection_url, client_id_env, client_secret_env, required_scopes } = oauth2;
        if config.identity.introspection.is_some() {
            let hint = "keep it in one of the two files";
            return self.wrong("auth.oauth2", "the configuration has `identity.introspection`, too", hint);
        }
        let introspection = IntrospectionConfig {
            required_scopes,
            ..IntrospectionConfig::new(&introspection_url, client_id_env, client_secret_env)
        };
        for error in
            introspection::check::check(&introspection).into_iter().filter(|error| error.risk.is_none())
        {
            let key = error.at.trim_start_matches("identity.introspection.");
            let key = if key == "url" { "introspection_url" } else { key };
            self.wrong(&format!("auth.oauth2.{key}"), error.message, &error.hint);
        }
        config.identity.introspection = Some(introspection);
    }

    /// What the general checks find in the issuer that was added last. What is only insecure is for the profile to judge.
    fn issuer(&mut self, identity: &identity::Config) {
        let entry = format!("identity.issuers[{}]", identity.issuers.len().saturating_sub(1));
        let found = identity::check(identity, Period(Pace::default().cooldown)).into_iter();
        for error in found.filter(|error| error.risk.is_none()) {
            if let Some(key) = error.at.strip_prefix(&entry) {
                self.wrong(&place_of(key), error.message, &error.hint);
            }
        }
    }

    fn roles(&mut self, roles: Vec<Role>, config: &mut Config) {
        for (index, role) in roles.into_iter().enumerate() {
            if config.permissions.roles.iter().any(|other| other.name == role.name) {
                let message = format!("the role `{}` is there twice", role.name);
                self.wrong(&format!("auth.roles[{index}].name"), message, "keep one of them");
            }
            config.permissions.roles.push(role);
        }
    }

    fn rate_limits(
        &mut self,
        limits: BTreeMap<String, stores::Quota>,
        backend: Option<Backend>,
        config: &mut Config,
    ) {
        for (role, quota) in limits {
            if config.rate_limits.roles.insert(role.clone(), quota).is_some() {
                let message = format!("the configuration has `rate_limits.roles.{role}`, too");
                self.wrong(&format!("auth.rate_limits.{role}"), message, "keep it in one of the two files");
            }
        }
        let is_redis = config.shared_store.backend == stores::Backend::Redis;
        if backend == Some(Backend::Redis) && !is_redis {
            let hint = "add `shared_store: {backend: redis, redis: {url: \"redis://HOST:6379\"}}` to the configuration";
            self.wrong("auth.rate_limit_backend", "it does not say where Redis is", hint);
        }
    }
}

/// Where a Dockfile says what an issuer has at this key.
fn place_of(key: &str) -> String {
    let key = match key {
        ".claims.id" => ".claims.user_id",
        ".claims.tenant" => ".claims.tenant_id",
        ".leeway" => ".leeway_seconds",
        key => key,
    };
    format!("auth.jwt{}", key.replace(".claims.attributes.", ".claims."))
}

/// Dockrion's names of attributes, and where the claims have them.
fn mapping(claims: schema::Claims) -> ClaimMapping {
    let schema::Claims { user_id, email, name, roles, permissions, scopes, tenant_id } = claims;
    let attribute = |name: &str, path: Option<String>| path.map(|path| (name.to_owned(), path));
    ClaimMapping {
        id: user_id,
        roles,
        permissions,
        scopes,
        tenant: tenant_id,
        attributes: [attribute("email", email), attribute("name", name)].into_iter().flatten().collect(),
        ..ClaimMapping::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn applied(auth: &str) -> (Config, Vec<String>) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("Dockfile.yaml");
        std::fs::write(&path, format!("version: \"1.0\"\nagent: {{name: x}}\nauth:\n  {auth}\n")).unwrap();
        let mut config = Config::default();
        let problems = apply(&path, &mut config).err().unwrap_or_default();
        let shown = |problem: &Problem| problem.to_string().replace(&path.display().to_string(), "F");
        (config, problems.iter().map(shown).collect())
    }

    /// What the seed of Dockrion shows, as it stands.
    #[test]
    fn the_sections_of_dockrions_own_documents_are_accepted() {
        let (config, problems) = applied(
            "mode: jwt
  jwt:
    jwks_url: https://auth.company.com/.well-known/jwks.json
    issuer: https://auth.company.com/
    audience: my-agent-api
    algorithms: [\"RS256\"]
    leeway_seconds: 30
    claims:
      user_id: sub
      email: email
      roles: permissions
      tenant_id: org.tenant_id
  roles:
    - name: admin
      permissions: [invoke, view_metrics, deploy, rollback]
  rate_limits:
    admin: \"1000/minute\"
    viewer: \"10/m\"
  rate_limit_backend: memory",
        );
        assert_eq!(problems, Vec::<String>::new());
        let issuer = &config.identity.issuers[0];
        assert_eq!(
            (issuer.issuer.as_str(), issuer.audience.as_slice()),
            ("https://auth.company.com/", &["my-agent-api".to_owned()][..])
        );
        assert_eq!(issuer.claims.roles.as_deref(), Some("permissions"));
        assert_eq!(issuer.claims.tenant.as_deref(), Some("org.tenant_id"));
        assert_eq!(issuer.claims.attributes.get("email").map(String::as_str), Some("email"));
        assert_eq!(config.permissions.roles[0].name, "admin");
        assert_eq!(config.rate_limits.roles.len(), 2);

        let (config, problems) = applied("mode: api_key\n  api_keys:\n    env_var: MY_AGENT_KEY");
        assert_eq!((problems.len(), config.identity.api_keys.env[0].variable.as_str()), (0, "MY_AGENT_KEY"));
        let (config, _) = applied("mode: api_key\n  api_keys: {prefix: AGENT_KEY_, header: X-API-Key}");
        assert_eq!(config.identity.api_keys.env_prefix[0].prefix, "AGENT_KEY_");
        assert_eq!(config.identity.api_keys.headers, ["x-api-key"]);
        assert_eq!(applied("mode: none").0.identity.mode, IdentityMode::None);
    }

    #[test]
    fn what_cannot_be_meant_is_an_error_with_its_line() {
        for (auth, expected) in [
            ("mode: saml", "F:4:9"),
            ("mode: api_key", "F:4:9"),
            ("mode: jwt", "F:4:9"),
            ("mode: jwt\n  jwt: {jwks_url: 'https://a.example/k'}", "F:5:8"),
            ("mode: jwt\n  jwt: {issuer: a, audience: b}", "F:5:8"),
            ("mode: jwt\n  jwt: {issuer: a, audience: b, public_key_env: K, leeway_seconds: 301}", "F:5:"),
            (
                "mode: jwt\n  jwt: {issuer: a, audience: b, jwks_url: 'https://a.example', algorithms: [HS256]}",
                "F:5:",
            ),
            (
                "mode: jwt\n  jwt: {issuer: a, audience: b, jwks_url: 'https://a.example', algorithms: [RS257]}",
                "F:5:",
            ),
            ("mode: jwt\n  jwt: {issuer: a, audience: b, jwks_url: 'no url', algorithms: [RS256]}", "F:5:"),
            (
                "mode: jwt\n  jwt: {issuer: a, audience: b, jwks_url: 'https://a.example', claims: {user_id: ''}}",
                "F:5:",
            ),
            ("mode: oauth2", "F:4:9"),
            ("mode: oauth2\n  oauth2: {introspection_url: 'https://a.example', client_id_env: A}", "F:5:"),
            (
                "mode: oauth2\n  oauth2: {introspection_url: 'no url', client_id_env: A, client_secret_env: B}",
                "F:5:",
            ),
            ("mode: none\n  roles: [{name: a}, {name: a}]", "F:5:"),
            ("mode: none\n  rate_limits: {admin: 10/fortnight}", "F:5:"),
            ("mode: none\n  rate_limit_backend: redis", "F:5:"),
            ("mode: none\n  api_key: {}", "F:5:3"),
        ] {
            let (_, problems) = applied(auth);
            assert_eq!(problems.len(), 1, "{auth}: {problems:?}");
            assert!(problems[0].starts_with(expected), "{auth}: {}", problems[0]);
        }
    }
}
