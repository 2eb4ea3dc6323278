//! A secret in Google Cloud Secret Manager.

mod crc32c;
mod service_account;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;
use serde_json::Value;
use zeroize::Zeroizing;

use self::crc32c::crc32c;
use self::service_account::ServiceAccount;
use super::calls::{Caller, Hints, Token, escaped, oauth_word, zeroizing};
use super::config::GcpConfig;
use super::error::CustodyError;
use super::file;
use super::source::{Fetching, SecretSource};
use crate::model::clock::Clock;
use crate::model::secret::{Secret, SecretBytes};
use crate::net::Call;

const LOGIN: Hints = Hints {
    denied: "check that the service account and its key are still there, and the clock",
    missing: "check `token_uri` in the key file",
    word: oauth_word,
};

const MACHINE: Hints = Hints {
    denied: "check that the machine has a service account",
    missing: "check `metadata_endpoint`, and that the machine has a service account",
    word: oauth_word,
};

const READ: Hints = Hints {
    denied: "give the service account the role `roles/secretmanager.secretAccessor`; a machine needs the scope \
             `cloud-platform`",
    missing: "check `project`, `secret` and `version`",
    word: error_word,
};

/// A secret in Secret Manager.
pub(super) struct Gcp {
    pub(super) caller: Caller,
    pub(super) config: GcpConfig,
    pub(super) clock: Clock,
}

#[derive(Deserialize)]
struct Accessed {
    payload: Payload,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Payload {
    /// In base64.
    #[serde(deserialize_with = "zeroizing")]
    data: Zeroizing<String>,
    /// A number, which JSON's mapping of 64 bits makes a text.
    #[serde(default)]
    data_crc32c: Option<Value>,
}

impl Gcp {
    async fn read(&self) -> Result<SecretBytes, CustodyError> {
        let token = self.token().await?;
        let GcpConfig { project, secret, version, endpoint, .. } = &self.config;
        let [project, secret, version] = [project, secret, version].map(|part| escaped(part));
        let path = format!("/v1/projects/{project}/secrets/{secret}/versions/{version}:access");
        let endpoint = self.caller.endpoint(endpoint, &path)?;
        let headers = self.caller.bearer(&token)?;
        let body = self.caller.call(Call { endpoint, headers, body: None }, &READ).await?;
        let Payload { data, data_crc32c } = self.caller.json::<Accessed>(&body, "the answer")?.payload;
        let data = BASE64_STANDARD
            .decode(data.as_bytes())
            .map(Zeroizing::new)
            .map_err(|_| self.caller.error("the data of the secret is not base64", "check `endpoint`"))?;
        let expected = data_crc32c.map(|value| match value {
            Value::String(digits) => digits.parse().ok(),
            other => other.as_u64(),
        });
        if expected.is_some_and(|expected| expected != Some(u64::from(crc32c(&data)))) {
            return Err(self
                .caller
                .error("the data of the secret does not have its checksum (`dataCrc32c`)", "try again"));
        }
        Ok(Secret::new(data))
    }

    async fn token(&self) -> Result<Token, CustodyError> {
        let Some(path) = &self.config.credentials_file else {
            let path = "/computeMetadata/v1/instance/service-accounts/default/token";
            let endpoint = self.caller.endpoint(&self.config.metadata_endpoint, path)?;
            return self.caller.machine_token(endpoint, ("metadata-flavor", "Google"), &MACHINE).await;
        };
        let content = file::read(path, &self.caller.at)?;
        let unusable = |why: &str| {
            let message = format!("`{}` is not the key file of a service account: {why}", path.display());
            self.caller.error(message, "download a key of the service account in json")
        };
        let account = ServiceAccount::read(content.expose()).map_err(unusable)?;
        let endpoint = account.token_endpoint().map_err(unusable)?;
        let assertion = account.assertion(self.clock.now()).map_err(unusable)?;
        let fields = [
            ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"),
            ("assertion", assertion.expose().as_str()),
        ];
        self.caller.token(endpoint, &fields, &LOGIN).await
    }
}

/// The status of an error, e.g. `PERMISSION_DENIED`: of capitals, so that it is no token.
fn error_word(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Refused {
        error: Status,
    }
    #[derive(Deserialize)]
    struct Status {
        status: String,
    }
    let status = serde_json::from_slice::<Refused>(body).ok()?.error.status;
    let known = status.len() <= 40 && status.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_');
    known.then_some(status)
}

impl std::fmt::Debug for Gcp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.config.fmt(f)
    }
}

impl SecretSource for Gcp {
    fn fetch(&self) -> Fetching<'_> {
        Box::pin(self.read())
    }
}
