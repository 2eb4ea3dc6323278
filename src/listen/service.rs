//! From a request on a connection to the doors, and back.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use axum::Router;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::Request;
use axum::response::Response;
use http::HeaderValue;
use http::header::CONNECTION;
use hyper::body::{Frame, Incoming, SizeHint};
use tower::Service;

use super::activity::{Activity, UnderWay};
use super::malformed::{self, Malformed};
use super::peer::Peer;
use crate::model::client_certificate::ClientCertificate;

/// How much of an answer is handed over at a time in HTTP/2, where what is handed over waits in memory for the peer.
const PIECE: usize = 16 << 10;

/// Who answers the requests of a connection, and what every one of them brings along.
#[derive(Clone)]
pub(super) struct Doors {
    pub(super) router: Router,
    pub(super) certificate: Option<ClientCertificate>,
}

/// Hands a request over to the doors once the answers before it are taken, with what is wrong with it.
pub(super) async fn answer(
    doors: Doors,
    peer: Peer,
    request: Request<Incoming>,
    activity: Arc<Activity>,
) -> Result<Response<Answer>, Infallible> {
    let under_way = activity.begin();
    activity.writable().await;
    let malformed = malformed::check(&request, activity.takes_two_lengths());
    let mut response = call(doors, peer, request.map(Body::new), malformed).await;
    if malformed.is_some() && response.version() < http::Version::HTTP_2 {
        // What follows on the connection cannot be trusted to begin where it seems to.
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    Ok(response.map(|body| Answer { body, rest: Bytes::new(), pieces: false, _under_way: under_way }))
}

/// Asks the doors.
pub(super) async fn call(
    mut doors: Doors,
    peer: Peer,
    mut request: Request,
    malformed: Option<Malformed>,
) -> Response {
    let extensions = request.extensions_mut();
    extensions.insert(peer);
    if let Some(certificate) = doors.certificate {
        extensions.insert(certificate);
    }
    if let Some(malformed) = malformed {
        extensions.insert(malformed);
    }
    match doors.router.call(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}

/// An answer's body; its request is under way until this is dropped.
pub(super) struct Answer {
    body: Body,
    /// What is left of a piece of the body that was too long.
    rest: Bytes,
    pieces: bool,
    _under_way: UnderWay,
}

impl Answer {
    /// Gives the body in pieces of bounded length.
    pub(super) fn in_pieces(mut self) -> Self {
        self.pieces = true;
        self
    }

    fn piece(&mut self, mut data: Bytes) -> Frame<Bytes> {
        if self.pieces && data.len() > PIECE {
            self.rest = data.split_off(PIECE);
        }
        Frame::data(data)
    }
}

impl HttpBody for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = self.get_mut();
        if !this.rest.is_empty() {
            let rest = std::mem::take(&mut this.rest);
            return Poll::Ready(Some(Ok(this.piece(rest))));
        }
        let Some(frame) = ready!(Pin::new(&mut this.body).poll_frame(cx)) else { return Poll::Ready(None) };
        Poll::Ready(Some(frame.map(|frame| match frame.into_data() {
            Ok(data) => this.piece(data),
            Err(other) => other,
        })))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let rest = u64::try_from(self.rest.len()).unwrap_or(u64::MAX);
        let body = self.body.size_hint();
        let mut hint = SizeHint::new();
        hint.set_lower(body.lower().saturating_add(rest));
        if let Some(upper) = body.upper() {
            hint.set_upper(upper.saturating_add(rest));
        }
        hint
    }
}
