//! A field of a secret in the KV engine of HashiCorp Vault, or of OpenBao.

use std::collections::BTreeMap;

use http::{HeaderMap, HeaderName};
use serde::Deserialize;
use serde_json::Value;
use zeroize::Zeroizing;

use super::calls::{Caller, Hints, escaped_path, secret};
use super::config::VaultConfig;
use super::error::CustodyError;
use super::source::{Fetching, SecretSource};
use crate::model::secret::SecretBytes;
use crate::model::variables::Variables;
use crate::net::Call;

const HINTS: Hints = Hints {
    denied: "check the token and its expiry, and that its policy has `read` on this path",
    missing: "check `mount`, `path`, `kv_version` and `namespace`, and that the latest version was not deleted",
    word: |_| None,
};

/// A field of a secret in a KV engine.
pub(super) struct Vault {
    pub(super) caller: Caller,
    pub(super) config: VaultConfig,
    pub(super) variables: Variables,
}

/// What version 1 answers, and what version 2 has in its `data`.
#[derive(Deserialize)]
struct Data<T> {
    data: T,
}

type Fields = BTreeMap<String, Value>;

impl Vault {
    async fn read(&self) -> Result<SecretBytes, CustodyError> {
        let VaultConfig { mount, path, field, namespace, token_env, token_file, .. } = &self.config;
        let env = token_env.as_deref().or(token_file.is_none().then_some("VAULT_TOKEN"));
        let token = self.caller.own_secret(&self.variables, env, token_file.as_deref())?;
        let mut headers = HeaderMap::new();
        headers.insert(HeaderName::from_static("x-vault-token"), self.caller.secret_header(token.expose())?);
        // Guards against requests that somebody else's server is made to send; Vault may be set up to insist on it.
        headers
            .insert(HeaderName::from_static("x-vault-request"), "true".parse().map_err(|_| self.bad_name())?);
        if let Some(namespace) = namespace {
            let value = namespace.parse().map_err(|_| self.bad_name())?;
            headers.insert(HeaderName::from_static("x-vault-namespace"), value);
        }
        let (mount, path) = (escaped_path(mount.trim_matches('/')), escaped_path(path.trim_matches('/')));
        let of_two = self.config.kv_version == 2;
        let path = if of_two { format!("/v1/{mount}/data/{path}") } else { format!("/v1/{mount}/{path}") };
        let endpoint = self.caller.endpoint(&self.config.address, &path)?;
        let body = self.caller.call(Call { endpoint, headers, body: None }, &HINTS).await?;
        let mut fields = if of_two {
            self.caller
                .json::<Data<Data<Fields>>>(&body, "the answer of the kv engine, version 2,")?
                .data
                .data
        } else {
            self.caller.json::<Data<Fields>>(&body, "the answer of the kv engine, version 1,")?.data
        };
        match fields.remove(field) {
            Some(Value::String(text)) => Ok(secret(&Zeroizing::new(text))),
            Some(_) => Err(self
                .caller
                .error(format!("the field `{field}` of the secret is not text"), "store it as a string")),
            None => Err(self.caller.error(
                format!("the secret has no field `{field}`"),
                "set `field` to the field that holds the key",
            )),
        }
    }

    fn bad_name(&self) -> CustodyError {
        self.caller.error("`namespace` has characters that no header can have", "check its spelling")
    }
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.config.fmt(f)
    }
}

impl SecretSource for Vault {
    fn fetch(&self) -> Fetching<'_> {
        Box::pin(self.read())
    }
}
