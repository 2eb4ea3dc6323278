//! HTTP/1.1 (RFC 9112) on one connection.
//!
//! hyper bounds what it reads ahead, but not what it has still to write: with `pipeline_flush` it writes nothing while
//! requests keep coming. Without it, a request is read only when the answer before it is written, save where that answer
//! came before the end of its request's body; hence [`super::service::answer`] waits for it, too.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use axum::body::to_bytes;
use axum::extract::Request;
use http::Version;
use http::header::{CONNECTION, CONTENT_LENGTH};
use hyper::server::conn::http1::Builder;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::activity::{Activity, Phase, Watch};
use super::drive::{Event, Shared, event, told};
use super::guard::Guarded;
use super::malformed::Malformed;
use super::peer::Peer;
use super::service::{answer, call};

/// How much is read ahead, and thus how long a head may be.
const READ_AHEAD: usize = 64 << 10;
/// The longest answer to what is no request.
const LONGEST_REFUSAL: usize = 64 << 10;
/// How much, and for how long, is still read from a peer that was refused: were it left unread, the system would reset the
/// connection, and the peer might never see why.
const DISCARDED: u64 = 256 << 10;
const DISCARDING: Duration = Duration::from_secs(1);

pub(super) fn builder() -> Builder {
    let mut builder = Builder::new();
    // One piece of memory for an answer, and one system call.
    builder.max_buf_size(READ_AHEAD).max_header_size(READ_AHEAD).pipeline_flush(false).writev(false);
    builder
}

/// Serves a connection until either side ends it.
pub(super) async fn serve<Io>(with: &Shared, builder: &Builder, io: Io, peer: Peer, activity: Arc<Activity>)
where
    Io: AsyncRead + AsyncWrite + Unpin,
{
    let service = {
        let (doors, activity) = (with.doors.clone(), Arc::clone(&activity));
        service_fn(move |request| answer(doors.clone(), peer, request, Arc::clone(&activity)))
    };
    let mut watch = Watch::new(Arc::clone(&activity), with.patience, true);
    let mut connection = builder.serve_connection(TokioIo::new(Guarded::new(io, activity, true)), service);
    let mut stopping = with.stopping.clone();
    let (mut stopped, mut closing) = (pin!(told(&mut stopping)), false);
    let malformed = loop {
        let stopped = (!closing).then_some(stopped.as_mut());
        match event(Pin::new(&mut connection), stopped, &mut watch).await {
            Event::Ended(Ok(())) => break None,
            Event::Ended(Err(error)) => {
                // How a connection ends is the peer's business: resets and timeouts are no news.
                tracing::debug!(%error, %peer, "connection ended");
                break Malformed::of(&error);
            }
            Event::Stopping => {
                closing = true;
                Pin::new(&mut connection).graceful_shutdown();
            }
            Event::TooLong(Phase::Idle) if !closing => {
                closing = true;
                Pin::new(&mut connection).graceful_shutdown();
            }
            Event::TooLong(Phase::Head) => break Some(Malformed::TOO_SLOW),
            Event::TooLong(_) => break None,
        }
    };
    let Some(malformed) = malformed else { return };
    let parts = connection.into_parts();
    let malformed = malformed.seen(&parts.read_buf);
    let io = parts.io.into_inner().unanswered();
    refuse(with, io, peer, malformed).await;
}

/// Has what is no request recorded, and answers it if nobody has.
async fn refuse<Io: AsyncRead + AsyncWrite + Unpin>(
    with: &Shared,
    io: Option<Io>,
    peer: Peer,
    malformed: Malformed,
) {
    let response = call(with.doors.clone(), peer, Request::default(), Some(malformed)).await;
    let Some(mut io) = io else { return };
    let (mut head, body) = response.into_parts();
    let Ok(body) = to_bytes(body, LONGEST_REFUSAL).await else { return };
    head.headers.remove(CONNECTION);
    head.headers.remove(CONTENT_LENGTH);
    let reason = head.status.canonical_reason().unwrap_or_default();
    let mut text = format!("{:?} {} {reason}\r\n", Version::HTTP_11, head.status.as_str()).into_bytes();
    for (name, value) in &head.headers {
        text.extend_from_slice(name.as_str().as_bytes());
        text.extend_from_slice(b": ");
        text.extend_from_slice(value.as_bytes());
        text.extend_from_slice(b"\r\n");
    }
    text.extend_from_slice(format!("connection: close\r\ncontent-length: {}\r\n\r\n", body.len()).as_bytes());
    text.extend_from_slice(&body);
    let send = async {
        io.write_all(&text).await?;
        io.shutdown().await
    };
    if matches!(tokio::time::timeout(with.patience.write, send).await, Ok(Ok(()))) {
        discard(io).await;
    }
}

async fn discard(io: impl AsyncRead + Unpin) {
    let (mut rest, mut nowhere) = (io.take(DISCARDED), tokio::io::sink());
    let _ = tokio::time::timeout(DISCARDING, tokio::io::copy(&mut rest, &mut nowhere)).await;
}
