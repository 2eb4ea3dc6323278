//! What both services ask of the pipeline: one decision, one record.

use std::time::Instant;

use http::request::Parts;

use crate::authorize::{Arrival, Question};
use crate::decision_log::Unrecorded;
use crate::doors::context::request_context;
use crate::doors::edge::Edge;
use crate::doors::verdict;
use crate::doors::wire::Canonical;
use crate::listen::Peer;
use crate::model::client_certificate::ClientCertificate;
use crate::model::decision::{Decision, Recorded};
use crate::model::failure::Failure;
use verdict_rego::Value;

/// The name of this door in records.
const PROTOCOL: &str = "ext_authz";

/// A described request, and the request that describes it.
pub(super) struct Asked<'r> {
    /// The gateway's.
    pub parts: &'r Parts,
    pub canonical: &'r Canonical,
    pub started: Instant,
}

impl Asked<'_> {
    /// Decides, by an input that is made once it is known who is calling; it comes with whether it passes without a question to policy.
    pub(super) async fn decide(
        &self,
        edge: &Edge,
        input: impl AsyncFnOnce() -> Result<(Value, bool), Failure>,
    ) -> Result<Recorded<Decision>, Unrecorded> {
        let Self { parts, canonical, started } = *self;
        let peer = parts.extensions.get::<Peer>().copied();
        let mut presented = canonical.presented().through(parts.extensions.get::<ClientCertificate>());
        // Nobody chooses by what address it is counted.
        if presented.peer.is_none() || !edge.forward_auth.believes(peer) {
            presented = presented.from_peer(peer.and_then(Peer::address));
        }
        let arrival = Arrival {
            presented,
            path: Ok(edge.ext_authz.document.clone()),
            context: request_context(&canonical.headers, peer, PROTOCOL),
            started,
            counted: true,
        };
        let ask = async || {
            let (input, passes) = input().await?;
            Ok(Question {
                input: Some(input),
                passes,
                form: Some(verdict::form),
                input_parse: started.elapsed(),
                ..Question::default()
            })
        };
        Ok(edge.authorizer.authorize(arrival, ask).await?.decision)
    }
}

/// Records that a check was no question.
pub(super) async fn refuse(
    edge: &Edge,
    parts: &Parts,
    failure: Failure,
    started: Instant,
) -> Result<Recorded<Decision>, Unrecorded> {
    let context = request_context(&parts.headers, parts.extensions.get::<Peer>().copied(), PROTOCOL);
    edge.authorizer.refuse(Some(edge.ext_authz.document.clone()), failure, context, started).await
}
