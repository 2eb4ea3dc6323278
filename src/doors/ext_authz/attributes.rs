//! What Envoy says of a request (`envoy.service.auth.v3.CheckRequest`): the request as all doors describe it, and what Envoy alone knows.

use std::net::SocketAddr;

use bytes::Bytes;
use envoy_types::pb::envoy::config::core::v3::address::Address as Place;
use envoy_types::pb::envoy::config::core::v3::socket_address::PortSpecifier;
use envoy_types::pb::envoy::service::auth::v3::attribute_context::{HttpRequest, Peer};
use envoy_types::pb::envoy::service::auth::v3::{AttributeContext, CheckRequest};
use http::header::CONTENT_LENGTH;
use http::{HeaderMap, HeaderName, HeaderValue};

use super::protojson;
use crate::doors::wire::{Content, Described};
use crate::model::failure::{Failure, FailureKind};
use verdict_rego::Value;

/// Whether Envoy has passed on the beginning of a body alone.
const PARTIAL: HeaderName = HeaderName::from_static("x-envoy-auth-partial-body");
/// Where a proxy says which certificate its client has shown.
const CERTIFICATE: HeaderName = HeaderName::from_static("x-forwarded-client-cert");

fn invalid(message: impl Into<String>) -> Failure {
    Failure::new(FailureKind::InvalidRequest, message)
}

/// The request that Envoy asks about.
///
/// # Errors
/// There is none, or what is said of it contradicts itself.
pub(super) fn described(request: &CheckRequest) -> Result<Described<'_>, Failure> {
    let attributes = request.attributes.as_ref();
    let http = attributes.and_then(|attributes| attributes.request.as_ref()?.http.as_ref());
    let (Some(attributes), Some(http)) = (attributes, http) else {
        return Err(invalid("the check describes no HTTP request (`attributes.request.http`)"));
    };
    if !http.query.is_empty() || !http.fragment.is_empty() {
        return Err(invalid("ambiguous request: there is a `query` or a `fragment` beside the `path`"));
    }
    let mut headers = headers(http)?;
    if let Some(certificate) = certificate(attributes)? {
        // What the gateway itself says of its client stands over what the request says.
        headers.insert(CERTIFICATE, certificate);
    }
    Ok(Described {
        method: &http.method,
        target: &http.path,
        scheme: given(&http.scheme),
        authority: given(&http.host),
        protocol: given(&http.protocol),
        body: content(http, &headers),
        headers,
        source: attributes.source.as_ref().and_then(address),
        destination: attributes.destination.as_ref().and_then(address),
    })
}

fn given(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

/// The headers, in whichever of its two forms Envoy sends them. Pseudo-headers are no headers, and say what the attributes say.
fn headers(http: &HttpRequest) -> Result<HeaderMap, Failure> {
    let listed = http.header_map.iter().flat_map(|map| &map.headers).map(|header| {
        let value = if header.raw_value.is_empty() { header.value.as_bytes() } else { &header.raw_value };
        (header.key.as_str(), value)
    });
    let mapped = http.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
    let mut headers = HeaderMap::new();
    for (name, value) in listed.chain(mapped) {
        if let Some(pseudo) = name.strip_prefix(':') {
            let said = match pseudo {
                "method" => &http.method,
                "path" => &http.path,
                "authority" => &http.host,
                _ => continue,
            };
            if said.as_bytes() != value {
                return Err(invalid(format!("ambiguous request: `{name}` is not what the attributes say")));
            }
            continue;
        }
        let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::from_bytes(value)) else {
            return Err(invalid("the check has a header that no request can have"));
        };
        let added = headers.try_append(name, value);
        added.map_err(|_| invalid("the check has too many headers"))?;
    }
    Ok(headers)
}

/// The certificate of Envoy's client, as a proxy passes one on.
fn certificate(attributes: &AttributeContext) -> Result<Option<HeaderValue>, Failure> {
    let certificate =
        attributes.source.as_ref().map(|source| source.certificate.as_str()).unwrap_or_default();
    if certificate.is_empty() {
        return Ok(None);
    }
    // It is percent-encoded already; a quote would end what it stands in.
    let whole = Some(certificate).filter(|text| !text.contains(['"', '\\']));
    let value = whole.and_then(|text| HeaderValue::try_from(format!("Cert=\"{text}\"")).ok());
    value.map(Some).ok_or_else(|| invalid("`attributes.source.certificate` is not URL-encoded PEM"))
}

/// Whether Envoy says that it passes on the beginning of the body alone.
pub(super) fn is_partial(headers: &HeaderMap) -> bool {
    headers.get_all(PARTIAL).iter().any(|value| value != "false")
}

/// The body, where Envoy passes it on; whether it is all of it, its length says, and Envoy.
fn content(http: &HttpRequest, headers: &HeaderMap) -> Option<Content> {
    let bytes = if http.raw_body.is_empty() { http.body.as_bytes() } else { &http.raw_body };
    if bytes.is_empty() {
        return None;
    }
    let length = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    let truncated = is_partial(headers) || length.is_some_and(|length| length > bytes.len());
    Some(Content { bytes: Bytes::copy_from_slice(bytes), truncated })
}

fn address(peer: &Peer) -> Option<SocketAddr> {
    let Some(Place::SocketAddress(socket)) = peer.address.as_ref()?.address.as_ref() else { return None };
    let port = match socket.port_specifier {
        Some(PortSpecifier::PortValue(port)) => u16::try_from(port).ok()?,
        Some(PortSpecifier::NamedPort(_)) | None => 0,
    };
    Some(SocketAddr::new(socket.address.parse().ok()?, port))
}

/// Adds to the input of every door what Envoy alone knows, in the words of OPA's plugin for Envoy.
pub(super) fn add_to(input: &mut Value, request: &CheckRequest) {
    let Some(said) = &request.attributes else { return };
    let mut attributes = input.remove("attributes").unwrap_or_else(Value::object);
    for (name, peer) in [("source", &said.source), ("destination", &said.destination)] {
        let mut shown = attributes.remove(name).unwrap_or_else(Value::object);
        peer.iter().for_each(|peer| add_peer(&mut shown, peer));
        attributes.insert(name, shown);
    }
    if let Some(request) = &said.request {
        let mut shown = attributes.remove("request").unwrap_or_else(Value::object);
        if let Some(time) = request.time.as_ref().and_then(protojson::time) {
            shown.insert("time", Value::from(time));
        }
        if let Some(http) = &request.http {
            let mut members = shown.remove("http").unwrap_or_else(Value::object);
            members.insert("id", Value::from(http.id.as_str()));
            members.insert("size", Value::from(http.size.to_string()));
            shown.insert("http", members);
        }
        attributes.insert("request", shown);
    }
    attributes.insert("contextExtensions", texts(&said.context_extensions));
    for (name, metadata) in
        [("metadataContext", &said.metadata_context), ("routeMetadataContext", &said.route_metadata_context)]
    {
        if let Some(metadata) = metadata {
            attributes.insert(name, protojson::metadata(metadata));
        }
    }
    if let Some(session) = &said.tls_session {
        let mut shown = Value::object();
        shown.insert("sni", Value::from(session.sni.as_str()));
        attributes.insert("tlsSession", shown);
    }
    input.insert("attributes", attributes);
    let principal = said.source.as_ref().map(|source| source.principal.as_str()).unwrap_or_default();
    if !principal.is_empty() {
        input.insert("source_principal", Value::from(principal));
    }
}

/// What is said of a peer, but for its certificate: that counts where it is verified, as `input.subject`.
fn add_peer(shown: &mut Value, peer: &Peer) {
    let texts_of = [("principal", &peer.principal), ("service", &peer.service)];
    for (name, text) in texts_of.into_iter().filter(|(_, text)| !text.is_empty()) {
        shown.insert(name, Value::from(text.as_str()));
    }
    if !peer.labels.is_empty() {
        shown.insert("labels", texts(&peer.labels));
    }
}

fn texts(map: &std::collections::HashMap<String, String>) -> Value {
    let mut shown = Value::object();
    for (name, text) in map {
        shown.insert(name, Value::from(text.as_str()));
    }
    shown
}

#[cfg(test)]
mod tests {
    use envoy_types::pb::envoy::service::auth::v3::attribute_context::Request;

    use super::*;

    fn check(certificate: &str, headers: &[(&str, &str)]) -> CheckRequest {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let http = HttpRequest { path: "/".to_owned(), headers: headers.collect(), ..HttpRequest::default() };
        let source = Peer { certificate: certificate.to_owned(), ..Peer::default() };
        let attributes = AttributeContext {
            source: Some(source),
            request: Some(Request { time: None, http: Some(http) }),
            ..AttributeContext::default()
        };
        CheckRequest { attributes: Some(attributes) }
    }

    #[test]
    fn the_certificate_that_envoy_has_seen_stands_over_what_the_request_says() {
        let forged = [("x-forwarded-client-cert", "Cert=mallory")];
        for (certificate, headers, expected) in [
            ("-----BEGIN%20", &[][..], Ok(Some("Cert=\"-----BEGIN%20\""))),
            ("-----BEGIN%20", &forged, Ok(Some("Cert=\"-----BEGIN%20\""))),
            ("", &forged, Ok(Some("Cert=mallory"))),
            ("", &[], Ok(None)),
            ("a\";Hash=b", &[], Err(())),
            ("a\nb", &[], Err(())),
        ] {
            let check = check(certificate, headers);
            let read = described(&check).map_err(drop);
            let read = read.map(|read| {
                let values = read.headers.get_all(CERTIFICATE).iter();
                values.map(|value| value.to_str().unwrap().to_owned()).collect::<Vec<_>>().join(" and ")
            });
            assert_eq!(read, expected.map(|text| text.unwrap_or_default().to_owned()), "{certificate}");
        }
    }
}
