//! What the configuration may say of a secret's source. [`super::check`] says whether it holds together.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::model::units::Period;
use crate::net::UrlText;

/// Where a secret comes from: exactly one of these is set.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SourceConfig {
    /// A file that only its owner can read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<PathBuf>,
    /// The name of an environment variable.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub env: Option<String>,
    /// The KV engine of HashiCorp Vault or OpenBao.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vault: Option<VaultConfig>,
    /// AWS Secrets Manager.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aws: Option<AwsConfig>,
    /// Azure Key Vault.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub azure: Option<AzureConfig>,
    /// Google Cloud Secret Manager.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gcp: Option<GcpConfig>,
}

/// Where the master key comes from: exactly one source is set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MasterKeyConfig {
    /// A file that only its owner can read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<PathBuf>,
    /// Whether the file is made, with a new key, where it is missing. Where nothing is said, `verdict dev` does so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub generate: Option<bool>,
    /// The name of an environment variable.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub env: Option<String>,
    /// The KV engine of HashiCorp Vault or OpenBao.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vault: Option<VaultConfig>,
    /// AWS Secrets Manager.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aws: Option<AwsConfig>,
    /// Azure Key Vault.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub azure: Option<AzureConfig>,
    /// Google Cloud Secret Manager.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gcp: Option<GcpConfig>,
    /// How long each call of a secrets manager may take.
    pub timeout: Period,
    /// Keys that open what they sealed before, and seal nothing.
    pub previous: Vec<SourceConfig>,
}

impl Default for MasterKeyConfig {
    fn default() -> Self {
        let SourceConfig { file, env, vault, aws, azure, gcp } = SourceConfig::default();
        let (timeout, previous) = (Period::secs(10), Vec::new());
        Self { file, generate: None, env, vault, aws, azure, gcp, timeout, previous }
    }
}

impl MasterKeyConfig {
    /// Where the current key comes from.
    pub fn current(&self) -> SourceConfig {
        let Self { file, generate: _, env, vault, aws, azure, gcp, timeout: _, previous: _ } = self.clone();
        SourceConfig { file, env, vault, aws, azure, gcp }
    }

    /// The files that it names, to be made absolute.
    pub fn files_mut(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        let Self { file, vault, azure, gcp, previous, .. } = self;
        files(file, vault, azure, gcp).chain(previous.iter_mut().flat_map(SourceConfig::files_mut))
    }
}

impl SourceConfig {
    /// The files that it names, to be made absolute.
    pub fn files_mut(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        let Self { file, vault, azure, gcp, .. } = self;
        files(file, vault, azure, gcp)
    }
}

fn files<'a>(
    file: &'a mut Option<PathBuf>,
    vault: &'a mut Option<VaultConfig>,
    azure: &'a mut Option<AzureConfig>,
    gcp: &'a mut Option<GcpConfig>,
) -> impl Iterator<Item = &'a mut PathBuf> {
    let vault = vault.iter_mut().flat_map(|vault| &mut vault.token_file);
    let azure = azure.iter_mut().flat_map(|azure| &mut azure.client_secret_file);
    file.iter_mut().chain(vault).chain(azure).chain(gcp.iter_mut().flat_map(|gcp| &mut gcp.credentials_file))
}

/// A field of a secret in Vault's KV engine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VaultConfig {
    /// Where Vault is, e.g. `https://vault.example.com:8200`.
    pub address: UrlText,
    /// Where the engine is mounted.
    #[serde(default = "default_mount")]
    pub mount: String,
    /// The path of the secret in the engine.
    pub path: String,
    /// The field of the secret.
    #[serde(default = "default_field")]
    pub field: String,
    /// The version of the engine: 1 or 2.
    #[serde(default = "default_kv_version")]
    pub kv_version: u8,
    /// The namespace, of Vault Enterprise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// The environment variable of the token: `VAULT_TOKEN`, if neither is set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_env: Option<String>,
    /// The file of the token, which is read for each fetch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_file: Option<PathBuf>,
}

fn default_mount() -> String {
    "secret".to_owned()
}

fn default_field() -> String {
    "value".to_owned()
}

fn default_kv_version() -> u8 {
    2
}

/// A secret in AWS Secrets Manager. The credentials are those of the standard environment variables.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AwsConfig {
    /// The region, e.g. `eu-central-1`.
    pub region: String,
    /// The name or the ARN of the secret.
    pub secret_id: String,
    /// The field of the secret, if it is a JSON object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// The stage of the version, e.g. `AWSPREVIOUS`; `AWSCURRENT`, if it is not set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version_stage: Option<String>,
    /// Where to call, if not at the region's own endpoint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<UrlText>,
}

/// A secret in Azure Key Vault, asked for as an application or with the managed identity of the machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AzureConfig {
    /// The vault, e.g. `https://example.vault.azure.net`.
    pub vault: UrlText,
    /// The name of the secret.
    pub secret: String,
    /// The version of the secret; the latest, if it is not set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Whether to ask with the managed identity.
    #[serde(default)]
    pub managed_identity: bool,
    /// The tenant of the application.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// The application; or which managed identity, where the machine has several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// The environment variable of the application's secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_secret_env: Option<String>,
    /// The file of the application's secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_secret_file: Option<PathBuf>,
    /// What tokens are for; another in clouds of their own.
    #[serde(default = "default_resource")]
    pub resource: UrlText,
    /// Where applications log in.
    #[serde(default = "default_login_endpoint")]
    pub login_endpoint: UrlText,
    /// The machine's metadata service.
    #[serde(default = "default_identity_endpoint")]
    pub identity_endpoint: UrlText,
}

fn default_resource() -> UrlText {
    "https://vault.azure.net".into()
}

fn default_login_endpoint() -> UrlText {
    "https://login.microsoftonline.com".into()
}

fn default_identity_endpoint() -> UrlText {
    "http://169.254.169.254".into()
}

/// A secret in Google Cloud Secret Manager, asked for as a service account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GcpConfig {
    /// The project.
    pub project: String,
    /// The name of the secret.
    pub secret: String,
    /// The version of the secret.
    #[serde(default = "default_version")]
    pub version: String,
    /// The key file of a service account; without it, the service account of the machine is used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credentials_file: Option<PathBuf>,
    /// Where Secret Manager is.
    #[serde(default = "default_endpoint")]
    pub endpoint: UrlText,
    /// The machine's metadata service.
    #[serde(default = "default_metadata_endpoint")]
    pub metadata_endpoint: UrlText,
}

fn default_version() -> String {
    "latest".to_owned()
}

fn default_endpoint() -> UrlText {
    "https://secretmanager.googleapis.com".into()
}

fn default_metadata_endpoint() -> UrlText {
    "http://metadata.google.internal".into()
}
