//! An HTTP/1.1 client as lean as a load generator needs: one buffer, no body kept, one system call each way.
//!
//! INVARIANT (nothing hidden): a request that was sent is never sent again. An answer cut short is an error, not a
//! retry; only a connection that the server closed while it was idle is replaced without a word.
//!
//! Deliberately absent: TLS, HTTP/2, redirects, pipelining, proxies, decompression.

use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep_until, timeout};

use super::requests::PreparedRequest;

pub mod response;

use response::{Malformed, Reply, ResponseReader};

/// Why a request has no answer.
#[derive(Debug, thiserror::Error)]
pub enum Failed {
    /// No connection could be made.
    #[error("cannot connect: {0}")]
    Connect(io::Error),
    /// No whole answer within the time allowed.
    #[error("no answer within the time allowed")]
    Timeout,
    /// The connection ended before the answer did.
    #[error("the connection was closed before the answer was complete ({0})")]
    Closed(io::ErrorKind),
    /// The answer is not HTTP/1.1.
    #[error(transparent)]
    Undecodable(#[from] Malformed),
}

/// One connection, kept open from request to request.
pub struct Connection {
    stream: TcpStream,
    reader: ResponseReader,
    buffer: Box<[u8]>,
    limit: Duration,
    /// Goes off at or before the time that the current request has; see [`Connection::exchange`].
    alarm: Pin<Box<Sleep>>,
}

impl Connection {
    /// Connects within `limit`, which then is the time that each exchange may take.
    ///
    /// # Errors
    /// [`Failed::Connect`] when the server refuses, cannot be reached, or takes too long.
    pub async fn open(target: SocketAddr, limit: Duration) -> Result<Self, Failed> {
        let stream = timeout(limit, TcpStream::connect(target))
            .await
            .map_err(|_| Failed::Connect(io::ErrorKind::TimedOut.into()))?
            .map_err(Failed::Connect)?;
        // Every request is one write: waiting to fill a segment could only delay it.
        stream.set_nodelay(true).map_err(Failed::Connect)?;
        Ok(Self {
            stream,
            reader: ResponseReader::default(),
            buffer: vec![0; 16 * 1024].into_boxed_slice(),
            limit,
            alarm: Box::pin(sleep_until(Instant::now() + limit)),
        })
    }

    /// Whether the server has closed this connection, or spoken unasked, since the last answer. Costs no system call
    /// unless something has arrived.
    pub fn is_spent(&self) -> bool {
        !matches!(self.stream.try_read(&mut [0]), Err(error) if error.kind() == io::ErrorKind::WouldBlock)
    }

    /// Sends a request and reads its answer. After an error, or a reply without `keep_alive`, the connection is spent.
    ///
    /// The alarm is not set anew for every request: it goes off once per `limit`, finds that a later request is under
    /// way, and is moved to that request's end. So the timer costs next to nothing, and yet no answer is late unseen.
    ///
    /// # Errors
    /// [`Failed`], never `Connect`.
    pub async fn exchange(&mut self, request: &PreparedRequest) -> Result<Reply, Failed> {
        let end = Instant::now() + self.limit;
        self.reader.begin(request.is_head());
        let mut work = pin!(exchange(&mut self.stream, &mut self.reader, &mut self.buffer, request.bytes()));
        loop {
            tokio::select! {
                biased;
                done = &mut work => return done,
                () = self.alarm.as_mut() => {
                    if Instant::now() >= end {
                        return Err(Failed::Timeout);
                    }
                    self.alarm.as_mut().reset(end);
                }
            }
        }
    }
}

async fn exchange(
    stream: &mut TcpStream,
    reader: &mut ResponseReader,
    buffer: &mut [u8],
    request: &[u8],
) -> Result<Reply, Failed> {
    let closed = |error: io::Error| Failed::Closed(error.kind());
    stream.write_all(request).await.map_err(closed)?;
    loop {
        let count = stream.read(buffer).await.map_err(closed)?;
        if count == 0 {
            return reader.finish().ok_or(Failed::Closed(io::ErrorKind::UnexpectedEof));
        }
        if let Some(reply) = reader.feed(buffer.get(..count).unwrap_or_default())? {
            return Ok(reply);
        }
    }
}
