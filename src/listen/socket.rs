//! The two kinds of sockets: TCP and Unix. All else serves a [`Stream`], whichever it is.

use std::io;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, Interest};
use tokio::net::{TcpListener, TcpStream, UnixStream};

use super::peer::Peer;
use super::unix::UnixSocket;

/// What accepts connections.
pub trait Acceptor: Send + Sync + 'static {
    /// A connection.
    type Stream: Stream;

    /// The next connection, and who is at its other end.
    ///
    /// # Errors
    /// The system's, e.g. when the process is out of file descriptors.
    fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<io::Result<(Self::Stream, Peer)>>;
}

/// A connection.
pub trait Stream: AsyncRead + AsyncWrite + Unpin + Send + Sync + 'static {
    /// Has small answers sent at once.
    fn set_prompt(&self);

    /// Looks at what has arrived and leaves it there; none is the peer's end.
    fn peek(&self, buffer: &mut [u8]) -> impl Future<Output = io::Result<usize>> + Send;
}

impl Acceptor for TcpListener {
    type Stream = TcpStream;

    fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<io::Result<(TcpStream, Peer)>> {
        Self::poll_accept(self, cx).map_ok(|(stream, address)| (stream, Peer::Address(address)))
    }
}

impl Stream for TcpStream {
    fn set_prompt(&self) {
        let _ = self.set_nodelay(true);
    }

    async fn peek(&self, buffer: &mut [u8]) -> io::Result<usize> {
        Self::peek(self, buffer).await
    }
}

impl Acceptor for UnixSocket {
    type Stream = UnixStream;

    fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<io::Result<(UnixStream, Peer)>> {
        self.listener().poll_accept(cx).map(|accepted| {
            let (stream, _) = accepted?;
            let uid = stream.peer_cred()?.uid();
            Ok((stream, Peer::Unix { uid }))
        })
    }
}

impl Stream for UnixStream {
    fn set_prompt(&self) {}

    async fn peek(&self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            self.readable().await?;
            let peeked = self.try_io(Interest::READABLE, || {
                let (length, _) = rustix::net::recv(self, &mut *buffer, rustix::net::RecvFlags::PEEK)?;
                Ok(length)
            });
            match peeked {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                peeked => return peeked,
            }
        }
    }
}
