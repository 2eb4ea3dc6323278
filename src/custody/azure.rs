//! A secret in Azure Key Vault.

use serde::Deserialize;
use zeroize::Zeroizing;

use super::calls::{Caller, Hints, Token, escaped, oauth_word, secret, zeroizing};
use super::config::AzureConfig;
use super::error::CustodyError;
use super::source::{Fetching, SecretSource};
use crate::model::secret::SecretBytes;
use crate::model::variables::Variables;
use crate::net::Call;

/// The version of Key Vault's interface.
const API_VERSION: &str = "7.4";

const LOGIN: Hints = Hints {
    denied: "check `tenant`, `client_id` and the application's secret, which may have expired",
    missing: "check `tenant` and `login_endpoint`",
    word: oauth_word,
};

const MACHINE: Hints = Hints {
    denied: "check that the machine has a managed identity",
    missing: "check `identity_endpoint`, and that this machine is one of Azure",
    word: oauth_word,
};

const READ: Hints = Hints {
    denied: "give the identity the role `Key Vault Secrets User`, or `get` in the vault's access policy, and let the \
             vault's firewall pass",
    missing: "check `vault`, `secret` and `version`",
    word: error_word,
};

/// A secret in a key vault.
pub(super) struct Azure {
    pub(super) caller: Caller,
    pub(super) config: AzureConfig,
    pub(super) variables: Variables,
}

#[derive(Deserialize)]
struct Bundle {
    #[serde(deserialize_with = "zeroizing")]
    value: Zeroizing<String>,
}

impl Azure {
    async fn read(&self) -> Result<SecretBytes, CustodyError> {
        let token = self.token().await?;
        let AzureConfig { vault, secret: name, version, .. } = &self.config;
        let version = version.as_ref().map(|version| format!("/{}", escaped(version))).unwrap_or_default();
        let path = format!("/secrets/{}{version}?api-version={API_VERSION}", escaped(name));
        let endpoint = self.caller.endpoint(vault, &path)?;
        let headers = self.caller.bearer(&token)?;
        let body = self.caller.call(Call { endpoint, headers, body: None }, &READ).await?;
        let Bundle { value } = self.caller.json(&body, "the answer")?;
        Ok(secret(&value))
    }

    async fn token(&self) -> Result<Token, CustodyError> {
        let AzureConfig { client_id, resource, .. } = &self.config;
        let resource = resource.expose().trim_end_matches('/');
        if self.config.managed_identity {
            let which =
                client_id.as_ref().map(|id| format!("&client_id={}", escaped(id))).unwrap_or_default();
            let path = format!(
                "/metadata/identity/oauth2/token?api-version=2018-02-01&resource={}{which}",
                escaped(resource)
            );
            let endpoint = self.caller.endpoint(&self.config.identity_endpoint, &path)?;
            return self.caller.machine_token(endpoint, ("metadata", "true"), &MACHINE).await;
        }
        let AzureConfig { tenant, client_secret_env, client_secret_file, .. } = &self.config;
        let (Some(tenant), Some(client_id)) = (tenant, client_id) else {
            return Err(self.caller.error("there is nothing to log in with", "set `tenant` and `client_id`"));
        };
        let (env, file) = (client_secret_env.as_deref(), client_secret_file.as_deref());
        let client_secret = self.caller.own_secret(&self.variables, env, file)?;
        let path = format!("/{}/oauth2/v2.0/token", escaped(tenant));
        let endpoint = self.caller.endpoint(&self.config.login_endpoint, &path)?;
        let fields = [
            ("grant_type", "client_credentials"),
            ("client_id", client_id),
            ("client_secret", client_secret.expose()),
            ("scope", &format!("{resource}/.default")),
        ];
        self.caller.token(endpoint, &fields, &LOGIN).await
    }
}

/// The code of an error, e.g. `SecretNotFound`: of letters alone, so that it is no token.
fn error_word(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Refused {
        error: Code,
    }
    #[derive(Deserialize)]
    struct Code {
        code: String,
    }
    let code = serde_json::from_slice::<Refused>(body).ok()?.error.code;
    (code.len() <= 40 && code.bytes().all(|byte| byte.is_ascii_alphabetic())).then_some(code)
}

impl std::fmt::Debug for Azure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.config.fmt(f)
    }
}

impl SecretSource for Azure {
    fn fetch(&self) -> Fetching<'_> {
        Box::pin(self.read())
    }
}
