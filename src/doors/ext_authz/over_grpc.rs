//! `envoy.service.auth.v3.Authorization/Check`.

use std::time::Instant;

use axum::extract::Request;
use axum::response::Response;
use envoy_types::pb::envoy::service::auth::v3::CheckRequest;

use super::asked::{Asked, refuse};
use super::{answer, attributes};
use crate::doors::body::Unread;
use crate::doors::edge::Edge;
use crate::doors::wire::Canonical;
use crate::doors::{grpc, mcp};

/// Answers a call.
pub(super) async fn check(edge: &Edge, request: Request, started: Instant) -> Response {
    let (parts, body) = request.into_parts();
    if let Some(refused) = grpc::not_a_call(&parts) {
        return refused;
    }
    let read = Unread::new(&parts.headers, body, edge.limits).bytes(usize::MAX).await;
    let asked = read.and_then(|body| {
        let message: CheckRequest = grpc::message(&parts.headers, &body)?;
        let canonical = Canonical::read(attributes::described(&message)?)?;
        Ok((message, canonical))
    });
    match asked {
        Ok((message, canonical)) => {
            let asked = Asked { parts: &parts, canonical: &canonical, started };
            let ask = async || {
                let mut input = canonical.input(edge, &edge.ext_authz.document)?;
                attributes::add_to(&mut input, &message);
                let whole = canonical.content.as_ref().filter(|content| !content.truncated);
                let body = whole.map(|content| content.bytes.as_ref());
                let passes =
                    mcp::described::describe(&mut input, &canonical.method, &canonical.headers, body)?;
                Ok((input, passes))
            };
            match asked.decide(edge, ask).await {
                Ok(decision) => answer::to_check(edge, &decision, Some(&canonical)),
                Err(unrecorded) => answer::unrecorded(&unrecorded),
            }
        }
        Err(failure) => match refuse(edge, &parts, failure, started).await {
            Ok(decision) => answer::to_check(edge, &decision, None),
            Err(unrecorded) => answer::unrecorded(&unrecorded),
        },
    }
}
