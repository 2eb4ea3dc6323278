//! How all of these doors ask: through the one pipeline, or with a refusal, which is recorded, too.

use std::time::Instant;

use http::request::Parts;

use crate::authorize::{Arrival, Question};
use crate::decision_log::Unrecorded;
use crate::doors::context::request_context;
use crate::doors::edge::Edge;
use crate::doors::verdict;
use crate::doors::wire::{Canonical, Content};
use crate::listen::Peer;
use crate::model::decision::{Decision, Recorded};
use crate::model::failure::Failure;

/// The doors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::doors) enum Route {
    Nginx,
    Forward,
    Oathkeeper,
    Lambda,
}

impl Route {
    /// The name of the door in records.
    pub(super) const fn protocol(self) -> &'static str {
        match self {
            Self::Nginx => "nginx",
            Self::Forward => "forward-auth",
            Self::Oathkeeper => "oathkeeper",
            Self::Lambda => "aws-lambda",
        }
    }

    /// Whether the body is the caller's own question, and not a gateway's about a page that a browser shows.
    pub(in crate::doors) const fn asks_itself(self) -> bool {
        matches!(self, Self::Oathkeeper | Self::Lambda)
    }
}

/// Has a described request decided.
pub(super) async fn decide(
    edge: &Edge,
    route: Route,
    parts: &Parts,
    canonical: &Canonical,
    read: impl AsyncFnOnce() -> Result<Option<Content>, Failure>,
    started: Instant,
) -> Result<Recorded<Decision>, Unrecorded> {
    let document = &edge.forward_auth.document;
    let peer = parts.extensions.get::<Peer>().copied();
    let mut presented = canonical.presented();
    if presented.peer.is_none() {
        presented = presented.from_peer(peer.and_then(Peer::address));
    }
    let arrival = Arrival {
        presented,
        path: Ok(document.clone()),
        context: request_context(&parts.headers, peer, route.protocol()),
        started,
        counted: true,
    };
    let ask = async || {
        let content = read().await?;
        Ok(Question {
            input: Some(canonical.input_with(edge, document, content.as_ref())?),
            form: Some(verdict::form),
            input_parse: started.elapsed(),
            ..Question::default()
        })
    };
    edge.authorizer.authorize(arrival, ask).await.map(|authorized| authorized.decision)
}

/// Records that what was asked was no call.
pub(super) async fn refuse(
    edge: &Edge,
    route: Route,
    parts: &Parts,
    failure: Failure,
    started: Instant,
) -> Result<Recorded<Decision>, Unrecorded> {
    let peer = parts.extensions.get::<Peer>().copied();
    let context = request_context(&parts.headers, peer, route.protocol());
    edge.authorizer.refuse(Some(edge.forward_auth.document.clone()), failure, context, started).await
}
