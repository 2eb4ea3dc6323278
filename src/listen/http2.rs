//! HTTP/2 (RFC 9113) on one connection.
//!
//! A peer that opens no window takes no answers while it answers every ping. So an answer has its time from when it is
//! there, after which its stream is reset; what was handed over by then is a piece of bounded length for each stream; and a
//! connection whose streams are all done is closed when nothing new begins.

use std::convert::Infallible;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::Request;
use axum::response::Response;
use hyper::body::Incoming;
use hyper::rt::Executor;
use hyper::server::conn::http2::Builder;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::Notify;

use super::activity::{Activity, Patience, Phase, Watch};
use super::drive::{Event, Shared, event, told};
use super::guard::Guarded;
use super::malformed::Malformed;
use super::peer::Peer;
use super::service::{Answer, Doors, answer, call};

/// The most streams at a time.
const STREAMS: u32 = 128;
/// The longest list of fields, decoded.
const FIELDS: u32 = 64 << 10;
/// How much of a stream's answer waits to be written.
const WAITING: usize = 64 << 10;
/// The most streams that a peer may reset before they are looked at.
const RESETS: usize = 20;
/// The most streams that are reset for what the peer did wrong.
const WRONGS: usize = 128;

pub(super) fn builder(patience: Patience) -> Builder<Streams> {
    let mut builder = Builder::new(Streams { write: patience.write });
    builder
        .timer(TokioTimer::new())
        .keep_alive_interval(patience.head)
        .keep_alive_timeout(patience.head)
        .max_concurrent_streams(STREAMS)
        .max_header_list_size(FIELDS)
        .max_send_buf_size(WAITING)
        .max_pending_accept_reset_streams(RESETS)
        .max_local_error_reset_streams(WRONGS);
    builder
}

tokio::task_local! {
    /// Told when a stream's answer is there.
    static ANSWERED: Arc<Notify>;
}

/// Runs each stream in a task of its own, until its peer has had its time to take the answer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Streams {
    write: Duration,
}

impl<F> Executor<F> for Streams
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    fn execute(&self, stream: F) {
        let (write, answered) = (self.write, Arc::new(Notify::new()));
        tokio::spawn(async move {
            let over = async {
                answered.notified().await;
                tokio::time::sleep(write).await;
            };
            tokio::select! {
                biased;
                _ = ANSWERED.scope(Arc::clone(&answered), stream) => {}
                () = over => {}
            }
        });
    }
}

async fn answer_stream(
    doors: Doors,
    peer: Peer,
    request: Request<Incoming>,
    activity: Arc<Activity>,
) -> Result<Response<Answer>, Infallible> {
    let answer = answer(doors, peer, request, activity).await;
    let _ = ANSWERED.try_with(|answered| answered.notify_one());
    answer.map(|response| response.map(Answer::in_pieces))
}

/// Serves a connection until either side ends it.
pub(super) async fn serve<Io>(
    with: &Shared,
    builder: &Builder<Streams>,
    io: Io,
    peer: Peer,
    activity: Arc<Activity>,
) where
    Io: AsyncRead + AsyncWrite + Unpin,
{
    let service = {
        let (doors, activity) = (with.doors.clone(), Arc::clone(&activity));
        service_fn(move |request| answer_stream(doors.clone(), peer, request, Arc::clone(&activity)))
    };
    let mut watch = Watch::new(Arc::clone(&activity), with.patience, false);
    let io = TokioIo::new(Guarded::new(io, activity, false));
    let mut connection = pin!(builder.serve_connection(io, service));
    let mut stopping = with.stopping.clone();
    let (mut stopped, mut closing) = (pin!(told(&mut stopping)), false);
    loop {
        let stopped = (!closing).then_some(stopped.as_mut());
        match event(connection.as_mut(), stopped, &mut watch).await {
            Event::Ended(Ok(())) => return,
            Event::Ended(Err(error)) => {
                tracing::debug!(%error, peer = %peer, "connection ended");
                if let Some(malformed) = Malformed::of(&error) {
                    // HTTP/2 has told the peer in its own way; what is left is the record.
                    let _ = call(with.doors.clone(), peer, Request::default(), Some(malformed)).await;
                }
                return;
            }
            Event::Stopping => {
                closing = true;
                connection.as_mut().graceful_shutdown();
            }
            Event::TooLong(Phase::Idle) if !closing => {
                connection.as_mut().graceful_shutdown();
                // What the peer has not taken by now, it will not take.
                let _ = tokio::time::timeout(with.patience.write, connection.as_mut()).await;
                return;
            }
            Event::TooLong(_) => return,
        }
    }
}
