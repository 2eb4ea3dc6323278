//! What an AgentPolicy file may say, by its keys.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;

use super::duration::{GoDuration, Size};
use crate::stores::Quota;

/// The whole file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    #[serde(rename = "apiVersion")]
    pub(super) api_version: ApiVersion,
    #[serde(rename = "kind")]
    pub(super) _kind: Kind,
    pub(super) metadata: Metadata,
    pub(super) spec: Spec,
}

/// The version of the format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum ApiVersion {
    /// Tools, methods, arguments and responses.
    #[serde(rename = "aip.io/v1alpha1")]
    V1Alpha1,
    /// Identity and servers, too.
    #[serde(rename = "aip.io/v1alpha2")]
    V1Alpha2,
}

#[derive(Debug, Deserialize)]
pub(super) enum Kind {
    AgentPolicy,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Metadata {
    pub(super) name: String,
    #[serde(rename = "version")]
    pub(super) _version: Option<String>,
    #[serde(rename = "owner")]
    pub(super) _owner: Option<String>,
    pub(super) signature: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Spec {
    pub(super) mode: Mode,
    pub(super) allowed_tools: Vec<String>,
    pub(super) denied_tools: Vec<String>,
    pub(super) allowed_methods: Vec<String>,
    pub(super) denied_methods: Vec<String>,
    pub(super) tool_rules: Vec<ToolRule>,
    pub(super) protected_paths: Vec<String>,
    pub(super) strict_args_default: bool,
    pub(super) dlp: Option<Dlp>,
    pub(super) identity: Option<Identity>,
    pub(super) server: Option<Server>,
}

/// What becomes of calls that do not keep the rules.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Mode {
    #[default]
    Enforce,
    Monitor,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ToolRule {
    pub(super) tool: String,
    #[serde(default)]
    pub(super) action: Action,
    pub(super) rate_limit: Option<Quota>,
    pub(super) strict_args: Option<bool>,
    pub(super) schema_hash: Option<String>,
    #[serde(default)]
    pub(super) allow_args: BTreeMap<String, String>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Action {
    #[default]
    Allow,
    Block,
    Ask,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Dlp {
    #[serde(default = "yes")]
    pub(super) enabled: bool,
    #[serde(default)]
    pub(super) scan_requests: bool,
    #[serde(default = "yes")]
    pub(super) scan_responses: bool,
    #[serde(default)]
    pub(super) detect_encoding: bool,
    /// A proxy's: Verdict starts no tools, and sees no error output.
    #[serde(default, rename = "filter_stderr")]
    pub(super) _filter_stderr: bool,
    pub(super) max_scan_size: Option<Size>,
    #[serde(default)]
    pub(super) on_request_match: OnMatch,
    pub(super) patterns: Vec<Pattern>,
}

const fn yes() -> bool {
    true
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum OnMatch {
    #[default]
    Block,
    Warn,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Pattern {
    pub(super) name: String,
    pub(super) regex: String,
    #[serde(default)]
    pub(super) scope: Scope,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Scope {
    #[default]
    All,
    Request,
    Response,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Identity {
    pub(super) enabled: bool,
    pub(super) token_ttl: Option<GoDuration>,
    pub(super) rotation_interval: Option<GoDuration>,
    pub(super) require_token: bool,
    pub(super) session_binding: Binding,
    pub(super) nonce_window: Option<GoDuration>,
    pub(super) policy_transition_grace: Option<GoDuration>,
    pub(super) audience: Option<String>,
    pub(super) nonce_storage: Option<NonceStorage>,
    pub(super) keys: Option<Keys>,
}

/// Where used nonces are. How a store is reached is said by `shared_store` of the configuration, and by nothing else.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct NonceStorage {
    r#type: Storage,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Storage {
    #[default]
    Memory,
    Redis,
}

impl NonceStorage {
    pub(super) fn is_shared(&self) -> bool {
        self.r#type == Storage::Redis
    }
}

/// What a session is bound to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Binding {
    /// The process that issued its first token.
    #[default]
    Process,
    /// The policy alone.
    Policy,
    /// Process, policy file, host, container and pod.
    Strict,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Keys {
    pub(super) signing_algorithm: SigningAlgorithm,
    pub(super) key_source: KeySource,
    pub(super) key_path: Option<PathBuf>,
    pub(super) rotation_period: Option<GoDuration>,
}

/// How session tokens are signed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Deserialize)]
pub enum SigningAlgorithm {
    /// ECDSA on P-256 with SHA-256.
    #[default]
    #[serde(rename = "ES256")]
    Es256,
    /// Ed25519.
    #[serde(rename = "EdDSA")]
    EdDsa,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum KeySource {
    #[default]
    Generate,
    File,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Server {
    pub(super) enabled: bool,
    pub(super) listen: Option<String>,
    pub(super) failover_mode: Failover,
    /// How long a client waits: the client's own affair.
    #[serde(rename = "timeout")]
    pub(super) _timeout: Option<GoDuration>,
    pub(super) tls: Option<Tls>,
    pub(super) endpoints: Endpoints,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Failover {
    #[default]
    FailClosed,
    LocalPolicy,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Tls {
    #[serde(rename = "cert")]
    pub(super) _cert: PathBuf,
    #[serde(rename = "key")]
    pub(super) _key: PathBuf,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Endpoints {
    pub(super) validate: Option<String>,
    pub(super) revoke: Option<String>,
    pub(super) jwks: Option<String>,
    pub(super) health: Option<String>,
    pub(super) metrics: Option<String>,
}
