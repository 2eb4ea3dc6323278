//! Envoy's external authorization: by a client of gRPC, by HTTP, and by a real Envoy.

mod health;
mod over_grpc;
mod over_http;
mod pages;
mod through_envoy;

use std::collections::HashMap;

use envoy_types::pb::envoy::service::auth::v3::attribute_context::{HttpRequest, Peer, Request};
use envoy_types::pb::envoy::service::auth::v3::authorization_client::AuthorizationClient;
use envoy_types::pb::envoy::service::auth::v3::check_response::HttpResponse;
use envoy_types::pb::envoy::service::auth::v3::{
    AttributeContext, CheckRequest, CheckResponse, DeniedHttpResponse, OkHttpResponse,
};
use envoy_types::pb::envoy::r#type::v3::HttpStatus;
use serde_json::Value;
use tonic::transport::Channel;
use verdict::identity::dev::TokenRequest;

use crate::harness::{Server, TestApp};

/// What the tests decide by: each path has its answer.
const POLICY: &str = include_str!("ext_authz/policy.rego");

/// A server that knows callers by tokens of its development issuer, and takes calls without one.
fn app() -> TestApp {
    configured("")
}

fn configured(more: &str) -> TestApp {
    TestApp::new().file("gateway/policy.rego", POLICY).config(&format!(
        "identity: {{mode: optional}}\ndecision: {{default_path: gateway/decision}}\n{more}"
    ))
}

fn token(server: &Server, sub: &str) -> String {
    server.token(&TokenRequest {
        sub: sub.to_owned(),
        kind: None,
        roles: vec!["reader".to_owned()],
        claims: serde_json::Map::new(),
        ttl: std::time::Duration::from_secs(3_600),
    })
}

/// A request for a path, as Envoy describes it.
fn described(method: &str, path: &str, headers: &[(&str, &str)]) -> CheckRequest {
    let pseudo = [(":method", method), (":path", path), (":authority", "shop.example"), (":scheme", "https")];
    let headers: HashMap<String, String> =
        pseudo.iter().chain(headers).map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let http = HttpRequest {
        id: "1".to_owned(),
        method: method.to_owned(),
        path: path.to_owned(),
        host: "shop.example".to_owned(),
        scheme: "https".to_owned(),
        protocol: "HTTP/1.1".to_owned(),
        size: -1,
        headers,
        ..HttpRequest::default()
    };
    let attributes = AttributeContext {
        source: Some(Peer::default()),
        request: Some(Request { time: None, http: Some(http) }),
        ..AttributeContext::default()
    };
    CheckRequest { attributes: Some(attributes) }
}

/// The request within a check, to change it.
fn http(check: &mut CheckRequest) -> &mut HttpRequest {
    let request = check.attributes.as_mut().unwrap().request.as_mut().unwrap();
    request.http.as_mut().unwrap()
}

fn channel(server: &Server) -> Channel {
    let endpoint = Channel::from_shared(format!("http://{}", server.app.address)).unwrap();
    server.block_on(endpoint.connect()).unwrap()
}

/// Asks, and must be answered.
fn check(server: &Server, check: CheckRequest) -> CheckResponse {
    server.block_on(AuthorizationClient::new(channel(server)).check(check)).unwrap().into_inner()
}

fn allowed(response: &CheckResponse) -> &OkHttpResponse {
    assert_eq!(response.status.as_ref().map(|status| status.code), Some(0), "{response:?}");
    match &response.http_response {
        Some(HttpResponse::OkResponse(ok)) => ok,
        other => panic!("{other:?}"),
    }
}

/// A denial, with its status and headers.
fn denied(response: &CheckResponse) -> (i32, &DeniedHttpResponse) {
    assert_eq!(response.status.as_ref().map(|status| status.code), Some(7), "{response:?}");
    match &response.http_response {
        Some(HttpResponse::DeniedResponse(
            denied @ DeniedHttpResponse { status: Some(HttpStatus { code }), .. },
        )) => (*code, denied),
        other => panic!("{other:?}"),
    }
}

/// The values of a header among others, in their order.
fn header(
    headers: &[envoy_types::pb::envoy::config::core::v3::HeaderValueOption],
    name: &str,
) -> Vec<String> {
    let headers = headers.iter().map(|option| option.header.as_ref().unwrap());
    headers.filter(|header| header.key == name).map(|header| header.value.clone()).collect()
}

/// A text among the metadata.
fn said(response: &CheckResponse, name: &str) -> Option<String> {
    use envoy_types::pb::google::protobuf::value::Kind;
    match &response.dynamic_metadata.as_ref()?.fields.get(name)?.kind {
        Some(Kind::StringValue(text)) => Some(text.clone()),
        _ => None,
    }
}

/// The input of a record.
fn input(record: &Value) -> &Value {
    &record["input"]
}
