//! Where a bundle is: a file over HTTP, in OPA's protocol, or an image in a registry; and how it is asked for.

use std::time::Duration;

use http::header::{CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use http::{HeaderName, HeaderValue};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::config::{RemoteConfig, ServiceConfig, ServiceType};
use super::oci::{Image, Registry};
use super::service::{Answered, Known, Service, refusal, too_large};
use crate::net::{Answer, Endpoint};

/// The content type by which a service says that it holds answers back.
const BUNDLES: &str = "application/vnd.openpolicyagent.bundles";
/// The longest entity tag that is kept, in bytes.
const LONGEST_TAG: usize = 1024;
/// What stands in a path of S3 as it is (RFC 3986 section 2.3).
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Where a bundle is.
pub(super) enum Resource {
    File(Endpoint),
    Image(Image, Registry),
}

impl Resource {
    /// # Errors
    /// What is wrong with `resource`.
    pub(super) fn new(config: &RemoteConfig, service: &ServiceConfig) -> Result<Self, String> {
        let base = Endpoint::parse(service.url.expose()).map_err(|error| error.to_string())?;
        if service.r#type == ServiceType::Oci {
            let image = Image::parse(&config.resource, &base.authority())?;
            return Ok(Self::Image(image, Registry::new(service.url.expose())?));
        }
        let resource = config.resource.trim_start_matches('/');
        if resource.is_empty() {
            return Err("it is empty".to_owned());
        }
        let signed = service.s3.is_some();
        if signed && resource.contains(['?', '#']) {
            return Err("it has a query, and requests to S3 are signed without one".to_owned());
        }
        let segment = |text: &str| utf8_percent_encode(text, UNRESERVED).to_string();
        let resource = match signed {
            true => resource.split('/').map(segment).collect::<Vec<_>>().join("/"),
            false => resource.to_owned(),
        };
        let text = format!("{}/{resource}", service.url.expose().trim_end_matches('/'));
        Endpoint::parse(&text).map(Self::File).map_err(|error| error.to_string())
    }

    /// Where it comes from, for people: without secrets.
    pub(super) fn shown(&self, service: &ServiceConfig) -> String {
        match self {
            Self::File(endpoint) => endpoint.to_string(),
            Self::Image(image, _) => format!("{}/{image}", service.url),
        }
    }

    /// What came of asking for it. The service may hold its answer back for `wait`, until it is another than the one that is known.
    ///
    /// # Errors
    /// Why there is none.
    pub(super) async fn fetch(
        &self,
        service: &Service,
        known: Known<'_>,
        wait: Option<Duration>,
    ) -> Result<Answered, String> {
        match self {
            Self::Image(image, registry) => registry.pull(service, image, known).await,
            Self::File(endpoint) => file(service, endpoint, known, wait).await,
        }
    }
}

async fn file(
    service: &Service,
    endpoint: &Endpoint,
    known: Known<'_>,
    wait: Option<Duration>,
) -> Result<Answered, String> {
    let mut headers = service.own_headers();
    headers.extend(service.login.headers(endpoint, &service.clock).await?);
    let mut prefer = "modes=snapshot".to_owned();
    if let Some(wait) = wait {
        prefer.push_str(&format!(";wait={}", wait.as_secs()));
    }
    headers
        .extend(HeaderValue::try_from(prefer).ok().map(|value| (HeaderName::from_static("prefer"), value)));
    let tag = known.etag.and_then(|tag| HeaderValue::try_from(tag).ok());
    let conditional = tag.is_some();
    headers.extend(tag.map(|tag| (IF_NONE_MATCH, tag)));
    let timeout = service.timeout.saturating_add(wait.unwrap_or_default());
    let answer = service.client.ask(endpoint, headers, service.max_bytes, timeout).await;
    let answer = answer.map_err(too_large)?;
    match answer.status {
        200 => Ok(content(answer)),
        304 if conditional => Ok(Answered::Unchanged),
        status => {
            if matches!(status, 401 | 403) {
                service.login.refused().await;
            }
            Err(refusal(status))
        }
    }
}

fn content(answer: Answer) -> Answered {
    let header = |name: HeaderName| answer.headers.get(name).and_then(|value| value.to_str().ok());
    let holds = header(CONTENT_TYPE) == Some(BUNDLES);
    let etag = header(ETAG).filter(|tag| !tag.is_empty() && tag.len() <= LONGEST_TAG).map(str::to_owned);
    Answered::Content { bytes: answer.body, etag, holds }
}
