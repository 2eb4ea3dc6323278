//! Bundles in registries: the protocol for pulling images (OCI distribution specification 1.1), as far as one layer needs it.
//!
//! INVARIANT (by digest): of a manifest only the digest of a layer is believed, and a layer is what has that digest. So it does
//! not matter where a registry keeps its layers, and its redirects are followed, without credentials for anybody else.
//!
//! Deliberately absent: indexes (an image for each platform), and signatures of images: bundles have signatures of their own.

use std::collections::BTreeMap;
use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use http::header::{ACCEPT, AUTHORIZATION, LOCATION, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use tokio::sync::Mutex;

use super::keep::hex;
use super::login::secret_value;
use super::service::{Answered, Known, Service, refusal, too_large};
use crate::net::{Answer, Endpoint};

/// What a manifest may be.
const MANIFESTS: &str =
    "application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json";
/// What a layer with a bundle may be.
const LAYERS: [&str; 2] =
    ["application/vnd.oci.image.layer.v1.tar+gzip", "application/vnd.docker.image.rootfs.diff.tar.gzip"];
/// The largest manifest (the specification's own number), and the largest answer with a token, in bytes.
const MAX_MANIFEST: usize = 4 << 20;
const MAX_TOKEN: usize = 64 << 10;
/// The most redirects on the way to a layer.
const MOST_REDIRECTS: usize = 3;

/// An image, by tag or digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Image {
    repository: String,
    reference: Reference,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Reference {
    Tag(String),
    Digest(String),
}

/// A registry, for one image: tokens are good for one.
pub(super) struct Registry {
    base: String,
    /// What it took last.
    authorization: Mutex<Option<HeaderValue>>,
}

#[derive(Deserialize)]
struct Manifest {
    #[serde(default)]
    layers: Vec<Layer>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Layer {
    media_type: String,
    digest: String,
    size: u64,
}

/// A token under one of the two names that registries give it, or under both.
#[derive(Deserialize)]
struct Token {
    token: Option<String>,
    access_token: Option<String>,
}

impl Image {
    /// `repository:tag` or `repository@sha256:…`, with or without the registry's host before it.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn parse(text: &str, host: &str) -> Result<Self, String> {
        let path = text.strip_prefix(host).and_then(|rest| rest.strip_prefix('/')).unwrap_or(text);
        let (repository, reference) = match (path.split_once('@'), path.rsplit_once(':')) {
            (Some((repository, digest)), _) if is_digest(digest) => {
                (repository, Reference::Digest(digest.to_owned()))
            }
            (Some(_), _) => return Err("the digest is not `sha256:` and 64 digits".to_owned()),
            (None, Some((repository, tag))) if is_tag(tag) => (repository, Reference::Tag(tag.to_owned())),
            (None, _) => {
                return Err("there is no tag and no digest; write e.g. `policies/authz:1.0`".to_owned());
            }
        };
        let component = |part: &str| {
            let edge = |byte: Option<u8>| {
                byte.is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
            };
            let inner = |byte: u8| edge(Some(byte)) || b"._-".contains(&byte);
            edge(part.bytes().next()) && edge(part.bytes().last()) && part.bytes().all(inner)
        };
        if !repository.split('/').all(component) || repository.len() > 255 {
            return Err(format!(
                "`{}` is not a repository, such as `policies/authz`",
                repository.escape_debug()
            ));
        }
        Ok(Self { repository: repository.to_owned(), reference })
    }
}

impl fmt::Display for Image {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.reference {
            Reference::Tag(tag) => write!(f, "{}:{tag}", self.repository),
            Reference::Digest(digest) => write!(f, "{}@{digest}", self.repository),
        }
    }
}

fn is_digest(text: &str) -> bool {
    let digits = text.strip_prefix("sha256:").unwrap_or_default();
    digits.len() == 64 && digits.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

fn is_tag(text: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    text.bytes().next().is_some_and(word)
        && text.len() <= 128
        && text.bytes().all(|byte| word(byte) || b".-".contains(&byte))
}

/// The digest of these bytes, as registries write it.
fn digest_of(bytes: &[u8]) -> String {
    format!("sha256:{}", hex(digest(&SHA256, bytes).as_ref()))
}

impl Registry {
    /// # Errors
    /// What is wrong with the URL.
    pub(super) fn new(url: &str) -> Result<Self, String> {
        let base = Endpoint::parse(url).map_err(|error| error.to_string())?;
        if !base.is_root() {
            return Err(
                "of a registry, only the host is written; the rest belongs into `resource`".to_owned()
            );
        }
        Ok(Self { base: url.trim_end_matches('/').to_owned(), authorization: Mutex::default() })
    }

    /// The layer of an image that is a bundle.
    ///
    /// # Errors
    /// Why there is none.
    pub(super) async fn pull(
        &self,
        service: &Service,
        image: &Image,
        known: Known<'_>,
    ) -> Result<Answered, String> {
        let Image { repository, reference } = image;
        let (Reference::Tag(wanted) | Reference::Digest(wanted)) = reference;
        let answer = self.ask(service, &format!("/v2/{repository}/manifests/{wanted}"), MAX_MANIFEST).await?;
        if answer.status != 200 {
            return Err(format!("the manifest: {}", refusal(answer.status)));
        }
        let found = digest_of(&answer.body);
        if matches!(reference, Reference::Digest(wanted) if *wanted != found) {
            return Err(format!("the manifest has the digest {found}, and not the one that was asked for"));
        }
        let manifest: Manifest = serde_json::from_slice(&answer.body)
            .map_err(|_| "what the registry has under this name is no manifest of an image".to_owned())?;
        let layer = manifest.layers.iter().find(|layer| LAYERS.contains(&layer.media_type.as_str()));
        let Layer { digest, size, .. } =
            layer.ok_or_else(|| format!("the image has no layer of the type `{}`", LAYERS.join("` or `")))?;
        if known.etag == Some(digest) {
            return Ok(Answered::Unchanged);
        }
        if !is_digest(digest) {
            return Err("the digest of the layer is not `sha256:` and 64 digits".to_owned());
        }
        let bytes = self.layer(service, &format!("/v2/{repository}/blobs/{digest}")).await?;
        if digest_of(&bytes) != *digest || bytes.len() as u64 != *size {
            return Err(format!("the layer is not the one that the manifest names ({digest})"));
        }
        Ok(Answered::Content { bytes, etag: Some(digest.clone()), holds: false })
    }

    /// A layer, wherever the registry keeps it.
    async fn layer(&self, service: &Service, path: &str) -> Result<Vec<u8>, String> {
        let own = self.endpoint(path)?;
        let mut answer = self.ask(service, path, service.max_bytes).await?;
        let mut at = own.clone();
        for _ in 0..MOST_REDIRECTS {
            let location = answer.headers.get(LOCATION).and_then(|value| value.to_str().ok());
            let Some(location) = location.filter(|_| matches!(answer.status, 301 | 302 | 303 | 307 | 308))
            else {
                break;
            };
            at = at.at(location).map_err(|error| format!("the layer: {error}"))?;
            if !at.is_private() && at.origin() != own.origin() {
                return Err(format!("the layer is said to be at `{at}`, which is not https"));
            }
            let headers = match at.origin() == own.origin() {
                true => self.headers(service).await,
                false => HeaderMap::new(),
            };
            answer = service
                .client
                .ask(&at, headers, service.max_bytes, service.timeout)
                .await
                .map_err(too_large)?;
        }
        match answer.status {
            200 => Ok(answer.body),
            status => Err(format!("the layer: {}", refusal(status))),
        }
    }

    fn endpoint(&self, path: &str) -> Result<Endpoint, String> {
        Endpoint::parse(&format!("{}{path}", self.base)).map_err(|error| error.to_string())
    }

    async fn headers(&self, service: &Service) -> HeaderMap {
        let mut headers = service.own_headers();
        headers.insert(ACCEPT, HeaderValue::from_static(MANIFESTS));
        headers.extend(self.authorization.lock().await.clone().map(|value| (AUTHORIZATION, value)));
        headers
    }

    /// Asks with what was taken last, and where that is refused, once more with what the registry then asks for.
    async fn ask(&self, service: &Service, path: &str, max_bytes: usize) -> Result<Answer, String> {
        let endpoint = self.endpoint(path)?;
        let ask = async || {
            let headers = self.headers(service).await;
            service.client.ask(&endpoint, headers, max_bytes, service.timeout).await.map_err(too_large)
        };
        let answer = ask().await?;
        if answer.status != 401 {
            return Ok(answer);
        }
        let authorization = self.authorize(service, &endpoint, &answer.headers).await?;
        *self.authorization.lock().await = authorization;
        ask().await
    }

    /// What a challenge asks for: the credentials themselves, or a token that they are exchanged for.
    async fn authorize(
        &self,
        service: &Service,
        endpoint: &Endpoint,
        headers: &HeaderMap,
    ) -> Result<Option<HeaderValue>, String> {
        service.login.refused().await;
        let own = service.login.headers(endpoint, &service.clock).await?;
        let challenges = headers.get_all(WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok());
        let Some(challenge) = challenges.filter_map(bearer_challenge).next() else {
            return Ok(own.get(AUTHORIZATION).cloned());
        };
        let realm = challenge.get("realm").ok_or("the registry's challenge names no `realm`")?;
        let escaped = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let query: Vec<String> = ["service", "scope"]
            .into_iter()
            .filter_map(|name| Some(format!("{name}={}", escaped(challenge.get(name)?))))
            .collect();
        let join = if realm.contains('?') { '&' } else { '?' };
        let tokens = Endpoint::parse(&format!("{realm}{join}{}", query.join("&")));
        let tokens = tokens.map_err(|error| format!("the registry's challenge: {error}"))?;
        if !tokens.is_private() {
            return Err(format!("the registry gives tokens at `{tokens}`, which is not https"));
        }
        let answer = service.client.ask(&tokens, own, MAX_TOKEN, service.timeout).await.map_err(too_large)?;
        if answer.status != 200 {
            return Err(format!("the token for the registry: {}", refusal(answer.status)));
        }
        let token = serde_json::from_slice::<Token>(&answer.body).ok();
        let token = token.and_then(|token| token.token.or(token.access_token));
        let token = token.ok_or("the answer with the token for the registry has no `token`")?;
        secret_value(&format!("Bearer {token}")).map(Some)
    }
}

/// The parameters of a challenge for a token (RFC 6750 section 3); `None` where it is another.
fn bearer_challenge(text: &str) -> Option<BTreeMap<String, String>> {
    let (scheme, mut rest) = text.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return None;
    }
    let mut parameters = BTreeMap::new();
    while let Some((name, after)) = rest.split_once('=') {
        let (value, after) = match after.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"')?,
            None => after.split_once(',').unwrap_or((after, "")),
        };
        let name = name.trim_matches([',', ' ']).to_ascii_lowercase();
        parameters.insert(name, value.trim().to_owned());
        rest = after;
    }
    Some(parameters)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_has_a_repository_and_a_tag_or_a_digest() {
        let digest = format!("sha256:{}", "0a".repeat(32));
        for (text, expected) in [
            ("authz:1.0", Some("authz:1.0")),
            ("policies/authz:latest", Some("policies/authz:latest")),
            ("ghcr.io/policies/authz:latest", Some("policies/authz:latest")),
            (&format!("policies/authz@{digest}"), Some(&*format!("policies/authz@{digest}"))),
            ("authz", None),
            ("authz:", None),
            ("authz:a b", None),
            ("Authz:1", None),
            ("../authz:1", None),
            ("a//b:1", None),
            ("authz@sha256:12", None),
            (&format!("authz@{}", digest.to_uppercase()), None),
            (":1", None),
        ] {
            let image = Image::parse(text, "ghcr.io").ok().map(|image| image.to_string());
            assert_eq!(image.as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn a_challenge_has_parameters_with_and_without_quotes() {
        let text = r#"Bearer realm="https://auth.example/token",service="registry, the one",scope=pull"#;
        let parameters = bearer_challenge(text).unwrap();
        assert_eq!(parameters["realm"], "https://auth.example/token");
        assert_eq!(parameters["service"], "registry, the one");
        assert_eq!(parameters["scope"], "pull");
        assert_eq!(bearer_challenge(r#"Basic realm="x""#), None);
        assert_eq!(bearer_challenge(r#"Bearer realm="x"#), None);
    }
}
