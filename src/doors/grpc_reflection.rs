//! `grpc.reflection.v1.ServerReflection`: what can be called here in gRPC, for tools like `grpcurl`. It is the same for everybody, and
//! published.
//!
//! `external_auth.bin` is what `protoc --include_imports --descriptor_set_out` makes of `envoy/service/auth/v3/external_auth.proto`, of
//! the version of Envoy's API that `envoy_types` has.

use std::sync::LazyLock;

use axum::Router;
use axum::extract::Request;
use axum::response::Response;
use tonic::Status;
use tonic_reflection::server::Builder;
use tower::Service as _;

use super::grpc;

/// Below which path it is served.
pub(super) const PATH: &str = "/grpc.reflection.v1.ServerReflection/{method}";
/// The longest message that is read, in bytes.
const LONGEST: usize = 4 << 10;

const EXTERNAL_AUTH: &[u8] = include_bytes!("grpc_reflection/external_auth.bin");

static SERVICE: LazyLock<Router> = LazyLock::new(|| {
    let sets = [EXTERNAL_AUTH, tonic_health::pb::FILE_DESCRIPTOR_SET];
    let builder = sets.into_iter().fold(Builder::configure(), Builder::register_encoded_file_descriptor_set);
    match builder.build_v1() {
        Ok(service) => Router::new().route_service(PATH, service.max_decoding_message_size(LONGEST)),
        // A test asks it.
        Err(_) => Router::new(),
    }
});

/// Answers a call, which lasts as long as any answer may (`server.write_timeout`).
pub(super) async fn handle(request: Request) -> Response {
    let (parts, body) = request.into_parts();
    if let Some(refused) = grpc::not_a_call(&parts) {
        return refused;
    }
    match SERVICE.clone().call(Request::from_parts(parts, body)).await {
        Ok(response) => response,
        Err(_) => grpc::failed(Status::internal("there is no reflection")),
    }
}
