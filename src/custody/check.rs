//! Whether a configuration can lead to a secret.

use std::net::IpAddr;
use std::time::Duration;

use super::config::{AwsConfig, AzureConfig, GcpConfig, MasterKeyConfig, SourceConfig, VaultConfig};
use super::error::CustodyError;
use crate::net::{Endpoint, UrlText};

/// The longest that a call may take.
const MAX_TIMEOUT: Duration = Duration::from_secs(120);
/// The most keys that only open.
const MAX_PREVIOUS: usize = 16;

/// What is wrong with `registry.master_key`, which stands at `at`.
pub fn check(at: &str, config: &MasterKeyConfig) -> Vec<CustodyError> {
    let mut problems = Problems { at: at.to_owned(), found: check_source(at, &config.current()) };
    problems.expect(
        config.generate.is_none() || config.file.is_some(),
        ".generate",
        "only files are made",
        "set `file`, or leave `generate` out",
    );
    problems.expect(
        !config.timeout.0.is_zero() && config.timeout.0 <= MAX_TIMEOUT,
        ".timeout",
        "it is not between 1ms and 2m",
        "set e.g. `10s`",
    );
    problems.expect(
        config.previous.len() <= MAX_PREVIOUS,
        ".previous",
        "there are more than 16 keys",
        "seal everything under the current key, and take out the others",
    );
    for (index, source) in config.previous.iter().enumerate() {
        problems.found.extend(check_source(&format!("{at}.previous[{index}]"), source));
    }
    problems.found
}

/// What is wrong with the source of a secret, which stands at `at`.
pub fn check_source(at: &str, config: &SourceConfig) -> Vec<CustodyError> {
    let SourceConfig { file, env, vault, aws, azure, gcp } = config;
    let mut problems = Problems { at: at.to_owned(), found: Vec::new() };
    let named = [
        ("file", file.is_some()),
        ("env", env.is_some()),
        ("vault", vault.is_some()),
        ("aws", aws.is_some()),
        ("azure", azure.is_some()),
        ("gcp", gcp.is_some()),
    ];
    let named: Vec<String> =
        named.iter().filter(|(_, set)| *set).map(|(name, _)| format!("`{name}`")).collect();
    match named.len() {
        0 => problems.add("", "it names no source", "set `file`, `env`, `vault`, `aws`, `azure` or `gcp`"),
        1 => {}
        _ => problems.add("", &format!("it names several sources: {}", named.join(", ")), "keep one of them"),
    }
    if let Some(file) = file {
        problems.expect(!file.as_os_str().is_empty(), ".file", "it is empty", "name a file");
    }
    if let Some(env) = env {
        problems.variable(".env", env);
    }
    if let Some(vault) = vault {
        check_vault(&mut problems, vault);
    }
    if let Some(aws) = aws {
        check_aws(&mut problems, aws);
    }
    if let Some(azure) = azure {
        check_azure(&mut problems, azure);
    }
    if let Some(gcp) = gcp {
        check_gcp(&mut problems, gcp);
    }
    problems.found
}

fn check_vault(problems: &mut Problems, config: &VaultConfig) {
    let VaultConfig { address, mount, path, field, kv_version, namespace, token_env, token_file } = config;
    problems.base(".vault.address", address);
    for (key, path) in [(".vault.mount", mount), (".vault.path", path)] {
        let is_path = path.trim_matches('/').split('/').all(|part| !matches!(part, "" | "." | ".."));
        problems.expect(is_path, key, "it is not a path", "write names with `/` between them");
    }
    problems.expect(!field.is_empty(), ".vault.field", "it is empty", "name the field that holds the secret");
    problems.expect(matches!(kv_version, 1 | 2), ".vault.kv_version", "it is neither 1 nor 2", "set 1 or 2");
    if let Some(namespace) = namespace {
        let fine = !namespace.is_empty() && namespace.bytes().all(|byte| byte.is_ascii_graphic());
        problems.expect(fine, ".vault.namespace", "it is not a name", "write e.g. `team/authz`");
    }
    if let Some(token_env) = token_env {
        problems.variable(".vault.token_env", token_env);
    }
    problems.expect(
        token_env.is_none() || token_file.is_none(),
        ".vault",
        "both `token_env` and `token_file` are set",
        "keep one of them",
    );
}

fn check_aws(problems: &mut Problems, config: &AwsConfig) {
    let AwsConfig { region, secret_id, field, version_stage, endpoint } = config;
    let lower = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    problems.word(".aws.region", region, lower, "write e.g. `eu-central-1`");
    problems.word(".aws.secret_id", secret_id, |byte| byte.is_ascii_graphic(), "write the name or the ARN");
    for (key, text) in [(".aws.field", field), (".aws.version_stage", version_stage)] {
        let given = text.as_ref().is_none_or(|text| !text.is_empty());
        problems.expect(given, key, "it is empty", "leave it out, or name one");
    }
    if let Some(endpoint) = endpoint {
        problems.base(".aws.endpoint", endpoint);
        let is_root = Endpoint::parse(endpoint.expose()).map_or(true, |endpoint| endpoint.is_root());
        problems.expect(is_root, ".aws.endpoint", "it has a path", "write scheme, host and port alone");
    }
}

fn check_azure(problems: &mut Problems, config: &AzureConfig) {
    let AzureConfig { vault, secret, version, tenant, client_id, .. } = config;
    let name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    let domain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
    problems.base(".azure.vault", vault);
    problems.base(".azure.resource", &config.resource);
    problems.word(".azure.secret", secret, name, "write the name of the secret, without the vault's");
    for (key, text) in [("version", version), ("tenant", tenant), ("client_id", client_id)] {
        if let Some(text) = text {
            problems.word(&format!(".azure.{key}"), text, domain, "write it as the portal shows it");
        }
    }
    let secrets =
        usize::from(config.client_secret_env.is_some()) + usize::from(config.client_secret_file.is_some());
    if let Some(name) = &config.client_secret_env {
        problems.variable(".azure.client_secret_env", name);
    }
    if config.managed_identity {
        problems.machine(".azure.identity_endpoint", &config.identity_endpoint);
        problems.expect(
            tenant.is_none() && secrets == 0,
            ".azure",
            "an application and the managed identity are both set",
            "keep `tenant`, `client_id` and the application's secret, or `managed_identity`",
        );
    } else {
        problems.base(".azure.login_endpoint", &config.login_endpoint);
        problems.expect(
            tenant.is_some() && client_id.is_some() && secrets == 1,
            ".azure",
            "it does not say how to log in",
            "set `managed_identity: true`; or `tenant`, `client_id`, and one of `client_secret_env` and \
             `client_secret_file`",
        );
    }
}

fn check_gcp(problems: &mut Problems, config: &GcpConfig) {
    let GcpConfig { project, secret, version, credentials_file, endpoint, metadata_endpoint } = config;
    let of_project = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b':');
    let name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    problems.word(".gcp.project", project, of_project, "write the id or the number of the project");
    problems.word(".gcp.secret", secret, name, "write the name of the secret, without the project's");
    problems.word(".gcp.version", version, name, "write `latest`, a number or an alias");
    problems.base(".gcp.endpoint", endpoint);
    if credentials_file.is_none() {
        problems.machine(".gcp.metadata_endpoint", metadata_endpoint);
    }
}

/// What is wrong with the keys below one.
struct Problems {
    at: String,
    found: Vec<CustodyError>,
}

impl Problems {
    fn add(&mut self, key: &str, message: &str, hint: &str) {
        self.found.push(CustodyError::new(format!("{}{key}", self.at), message, hint));
    }

    fn expect(&mut self, holds: bool, key: &str, message: &str, hint: &str) {
        if !holds {
            self.add(key, message, hint);
        }
    }

    fn variable(&mut self, key: &str, name: &str) {
        let is_name = !name.is_empty() && !name.contains(['=', '\0']) && !name.contains(char::is_whitespace);
        self.expect(
            is_name,
            key,
            "it is not the name of an environment variable",
            "write e.g. `VERDICT_MASTER_KEY`",
        );
    }

    fn word(&mut self, key: &str, text: &str, fits: impl Fn(u8) -> bool, hint: &str) {
        let is_word = !text.is_empty() && text.len() <= 2048 && text.bytes().all(fits);
        // A name with nothing but dots would lead elsewhere.
        let is_word = is_word && !text.bytes().all(|byte| byte == b'.');
        self.expect(is_word, key, "it is empty, or has characters that cannot be in it", hint);
    }

    /// The beginning of URLs that secrets travel to.
    fn base(&mut self, key: &str, url: &UrlText) {
        self.url(key, url, Endpoint::is_private);
    }

    /// The same for the metadata service of the machine, which speaks plain http.
    fn machine(&mut self, key: &str, url: &UrlText) {
        self.url(key, url, |endpoint| {
            let link_local =
                endpoint.host().trim_matches(['[', ']']).parse::<IpAddr>().is_ok_and(|address| match address
                    .to_canonical()
                {
                    IpAddr::V4(address) => address.is_link_local(),
                    IpAddr::V6(address) => address.is_unicast_link_local(),
                });
            endpoint.is_private() || link_local || endpoint.host() == "metadata.google.internal"
        });
    }

    fn url(&mut self, key: &str, url: &UrlText, is_private: impl Fn(&Endpoint) -> bool) {
        match Endpoint::parse(url.expose()) {
            Err(error) => self.add(key, &error.to_string(), "write e.g. `https://secrets.example.com`"),
            Ok(endpoint) if endpoint.has_query() => {
                self.add(key, &format!("`{endpoint}` has a query"), "leave out all from `?` on");
            }
            Ok(endpoint) if !is_private(&endpoint) => self.add(
                key,
                &format!(
                    "`{endpoint}` is plain http to another machine, which shows the secret to the network"
                ),
                "use https",
            ),
            Ok(_) => {}
        }
    }
}
