//! Health in gRPC, and reflection.

use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use tonic::Code;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;

use super::{app, channel};
use crate::harness::{Server, TestApp};

const SERVICE: &str = "envoy.service.auth.v3.Authorization";

fn health(server: &Server, service: &str) -> Result<ServingStatus, Code> {
    let asked = HealthCheckRequest { service: service.to_owned() };
    let answer = server.block_on(HealthClient::new(channel(server)).check(asked));
    answer.map(|answer| answer.into_inner().status()).map_err(|status| status.code())
}

#[test]
fn who_has_no_policy_in_force_is_not_serving() {
    let server = app().start();
    for service in ["", SERVICE] {
        assert_eq!(health(&server, service), Ok(ServingStatus::Serving));
    }
    assert_eq!(health(&server, "other.Service"), Err(Code::NotFound));
    let empty = TestApp::new().start();
    for service in ["", SERVICE] {
        assert_eq!(health(&empty, service), Ok(ServingStatus::NotServing));
    }
}

#[test]
fn who_watches_sees_the_first_policy_come_into_force() {
    let server = TestApp::new().start();
    let asked = HealthCheckRequest { service: SERVICE.to_owned() };
    let mut watched = server.block_on(HealthClient::new(channel(&server)).watch(asked)).unwrap().into_inner();
    let mut next = || server.block_on(watched.message()).unwrap().unwrap().status();
    assert_eq!(next(), ServingStatus::NotServing);
    server.write("app/p.rego", "package app\n\nallow := true\n");
    assert_eq!(next(), ServingStatus::Serving);
}

/// A stream of one message.
struct Once(Option<ServerReflectionRequest>);

impl Stream for Once {
    type Item = ServerReflectionRequest;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Poll::Ready(self.0.take())
    }
}

#[test]
fn tools_can_ask_what_there_is_to_call() {
    let server = app().start();
    let channel = channel(&server);
    let ask = |message: MessageRequest| {
        let asked = ServerReflectionRequest { host: String::new(), message_request: Some(message) };
        server.block_on(async {
            let mut client = ServerReflectionClient::new(channel.clone());
            let mut answers = client.server_reflection_info(Once(Some(asked))).await.unwrap().into_inner();
            answers.message().await.unwrap().unwrap().message_response.unwrap()
        })
    };
    let MessageResponse::ListServicesResponse(listed) = ask(MessageRequest::ListServices(String::new()))
    else {
        panic!("no list")
    };
    let listed: Vec<&str> = listed.service.iter().map(|service| service.name.as_str()).collect();
    assert!(listed.contains(&SERVICE) && listed.contains(&"grpc.health.v1.Health"), "{listed:?}");
    let symbol = MessageRequest::FileContainingSymbol(SERVICE.to_owned());
    let MessageResponse::FileDescriptorResponse(file) = ask(symbol) else { panic!("no file") };
    let text = String::from_utf8_lossy(&file.file_descriptor_proto[0]).into_owned();
    assert!(text.contains("CheckResponse") && text.contains("error_response"), "{text}");
}
