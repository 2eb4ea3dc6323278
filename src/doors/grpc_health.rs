//! `grpc.health.v1.Health`: whether decisions can be had, for those who ask in gRPC what others ask of `/health/ready`.
//!
//! Deliberately absent: what is wrong. `/health/ready` says that.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use futures_core::Stream;
use http_body_util::Full;
use tokio::time::{Interval, interval};
use tonic::Status;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_server::{Health, HealthServer};
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};
use tower::Service as _;

use super::body::Unread;
use super::edge::Edge;
use super::{ext_authz, grpc, health};

/// Below which path it is served.
pub(super) const PATH: &str = "/grpc.health.v1.Health/{method}";
/// The longest message that is read, in bytes.
const LONGEST: usize = 1 << 10;
/// How often whoever watches is looked after.
const EVERY: Duration = Duration::from_secs(1);

/// Answers a call: `Check`, or `Watch`, which ends when its answer has had its time (`server.write_timeout`).
pub(super) async fn handle(edge: &Arc<Edge>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    if let Some(refused) = grpc::not_a_call(&parts) {
        return refused;
    }
    let read = Unread::new(&parts.headers, body, edge.limits).bytes(LONGEST).await;
    match read {
        Ok(body) => {
            let mut server = HealthServer::new(Readiness(Arc::clone(edge)));
            let request = Request::from_parts(parts, Full::new(body));
            match server.call(request).await {
                Ok(response) => response.map(Body::new),
                Err(never) => match never {},
            }
        }
        Err(failure) => grpc::failed(Status::invalid_argument(failure.message)),
    }
}

#[derive(Debug)]
struct Readiness(Arc<Edge>);

impl Readiness {
    fn status(&self) -> ServingStatus {
        match health::is_ready(&self.0) {
            true => ServingStatus::Serving,
            false => ServingStatus::NotServing,
        }
    }
}

fn response(status: ServingStatus) -> HealthCheckResponse {
    HealthCheckResponse { status: status.into() }
}

/// Whether the server, or its service of this name, is one to ask about.
fn is_served(service: &str) -> bool {
    service.is_empty() || service == ext_authz::SERVICE
}

#[tonic::async_trait]
impl Health for Readiness {
    async fn check(
        &self,
        request: tonic::Request<HealthCheckRequest>,
    ) -> Result<tonic::Response<HealthCheckResponse>, Status> {
        if !is_served(&request.get_ref().service) {
            return Err(Status::not_found("there is no such service"));
        }
        Ok(tonic::Response::new(response(self.status())))
    }

    type WatchStream = Watch;

    async fn watch(
        &self,
        request: tonic::Request<HealthCheckRequest>,
    ) -> Result<tonic::Response<Watch>, Status> {
        let readiness = is_served(&request.get_ref().service).then(|| Self(Arc::clone(&self.0)));
        Ok(tonic::Response::new(Watch { readiness, last: None, ticks: interval(EVERY) }))
    }
}

/// The status now, and whenever it is another one.
#[derive(Debug)]
struct Watch {
    /// None where the service is unknown, which may change for others than this server, so that the call goes on.
    readiness: Option<Readiness>,
    last: Option<ServingStatus>,
    ticks: Interval,
}

impl Stream for Watch {
    type Item = Result<HealthCheckResponse, Status>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            ready!(self.ticks.poll_tick(cx));
            let status = self.readiness.as_ref().map_or(ServingStatus::ServiceUnknown, Readiness::status);
            if self.last.replace(status) != Some(status) {
                return Poll::Ready(Some(Ok(response(status))));
            }
        }
    }
}
