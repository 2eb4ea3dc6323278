//! A secret in AWS Secrets Manager.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use super::calls::{Caller, Hints, secret, zeroizing_option};
use super::config::AwsConfig;
use super::error::CustodyError;
use super::source::{Fetching, SecretSource};
use crate::model::clock::Clock;
use crate::model::secret::{Secret, SecretBytes};
use crate::model::variables::Variables;
use crate::net::sigv4::{Credentials, Request, Scope, amz_date, authorization};
use crate::net::{Call, Endpoint};

const HINTS: Hints = Hints {
    denied: "check the credentials of the environment and the clock, and that they may `secretsmanager:GetSecretValue`",
    missing: "check `region`, `secret_id` and `version_stage`",
    word: error_word,
};

/// A secret in Secrets Manager.
pub(super) struct Aws {
    pub(super) caller: Caller,
    pub(super) config: AwsConfig,
    pub(super) variables: Variables,
    pub(super) clock: Clock,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SecretValue {
    #[serde(default, deserialize_with = "zeroizing_option")]
    secret_string: Option<Zeroizing<String>>,
    #[serde(default, deserialize_with = "zeroizing_option")]
    secret_binary: Option<Zeroizing<String>>,
}

impl Aws {
    async fn read(&self) -> Result<SecretBytes, CustodyError> {
        let body = self.caller.call(self.request()?, &HINTS).await?;
        let SecretValue { secret_string, secret_binary } = self.caller.json(&body, "the answer")?;
        match (secret_string, secret_binary) {
            (Some(text), _) => match &self.config.field {
                None => Ok(secret(&text)),
                Some(field) => self.field(&text, field),
            },
            (None, Some(encoded)) => BASE64_STANDARD
                .decode(encoded.as_bytes())
                .map(|bytes| Secret::new(Zeroizing::new(bytes)))
                .map_err(|_| self.caller.error("`SecretBinary` is not base64", "check the endpoint")),
            (None, None) => Err(self.caller.error(
                "the answer has neither `SecretString` nor `SecretBinary`",
                "check that the secret has a value",
            )),
        }
    }

    /// A field of a secret that is a JSON object, as the console makes them.
    fn field(&self, text: &str, field: &str) -> Result<SecretBytes, CustodyError> {
        let mut fields: Map<String, Value> = self.caller.json(text.as_bytes(), "the secret")?;
        match fields.remove(field) {
            Some(Value::String(text)) => Ok(secret(&Zeroizing::new(text))),
            _ => Err(self.caller.error(
                format!("the secret has no field `{field}` that is text"),
                "set `field` to the field that holds the key",
            )),
        }
    }

    fn credential(&self, name: &str) -> Result<&str, CustodyError> {
        self.variables.get(name).ok_or_else(|| {
            self.caller.error(
                format!("the environment variable `{name}` is not set"),
                "set AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and, for temporary credentials, AWS_SESSION_TOKEN",
            )
        })
    }

    fn endpoint(&self) -> Result<Endpoint, CustodyError> {
        let region = &self.config.region;
        let domain = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
        let own = format!("https://secretsmanager.{region}.{domain}").as_str().into();
        self.caller.endpoint(self.config.endpoint.as_ref().unwrap_or(&own), "/")
    }

    fn request(&self) -> Result<Call, CustodyError> {
        let endpoint = self.endpoint()?;
        let mut wanted = json!({ "SecretId": self.config.secret_id });
        if let (Some(stage), Some(wanted)) = (&self.config.version_stage, wanted.as_object_mut()) {
            wanted.insert("VersionStage".to_owned(), stage.as_str().into());
        }
        let body = wanted.to_string().into_bytes();
        let credentials = Credentials {
            access_key_id: self.credential("AWS_ACCESS_KEY_ID")?,
            secret_access_key: self.credential("AWS_SECRET_ACCESS_KEY")?,
        };
        let (date, host) = (amz_date(self.clock.now()), endpoint.authority());
        let mut signed = vec![
            ("content-type", "application/x-amz-json-1.1"),
            ("host", host.as_str()),
            ("x-amz-date", date.as_str()),
        ];
        if let Some(token) = self.variables.get("AWS_SESSION_TOKEN") {
            signed.push(("x-amz-security-token", token));
        }
        signed.push(("x-amz-target", "secretsmanager.GetSecretValue"));
        let request = Request { method: "POST", path: "/", headers: &signed, body: &body };
        let scope = Scope { region: &self.config.region, service: "secretsmanager" };
        let authorization = authorization(&request, &credentials, &scope, &date);
        let mut headers = HeaderMap::new();
        // The client writes `host` itself, the same that is signed.
        for (name, value) in signed.into_iter().filter(|(name, _)| *name != "host") {
            headers.insert(HeaderName::from_static(name), self.caller.secret_header(value)?);
        }
        let authorization: HeaderValue = self.caller.secret_header(&authorization)?;
        headers.insert(http::header::AUTHORIZATION, authorization);
        Ok(Call { endpoint, headers, body: Some(body) })
    }
}

/// The name of an error, e.g. `ResourceNotFoundException`; there may be a namespace before it, and more behind a colon.
fn error_word(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Refused {
        #[serde(rename = "__type")]
        kind: String,
    }
    let kind = serde_json::from_slice::<Refused>(body).ok()?.kind;
    let name = kind.rsplit('#').next()?.split(':').next()?;
    let is_name = name.len() <= 60
        && name.bytes().all(|byte| byte.is_ascii_alphabetic())
        && ["Exception", "Failure", "Error", "Fault"].iter().any(|end| name.ends_with(end));
    is_name.then(|| name.to_owned())
}

impl std::fmt::Debug for Aws {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.config.fmt(f)
    }
}

impl SecretSource for Aws {
    fn fetch(&self) -> Fetching<'_> {
        Box::pin(self.read())
    }
}
