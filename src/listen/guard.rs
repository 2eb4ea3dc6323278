//! The stream of a connection, with what passes through it noted.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::activity::Activity;
use super::lengths::Lengths;

/// A stream whose bytes are counted.
pub(super) struct Guarded<Io> {
    io: Io,
    activity: Arc<Activity>,
    /// Whether HTTP/1 is spoken.
    http1: bool,
    /// What the head says that comes in now, and how many requests were answered before it.
    lengths: (Lengths, u64),
    /// Whether an answer of hyper's was held back.
    held_back: bool,
}

impl<Io> Guarded<Io> {
    pub(super) fn new(io: Io, activity: Arc<Activity>, http1: bool) -> Self {
        Self { io, activity, http1, lengths: (Lengths::default(), 0), held_back: false }
    }

    /// The stream, if the peer was sent no answer to what could not be parsed.
    pub(super) fn unanswered(self) -> Option<Io> {
        (self.held_back || !self.activity.owes()).then_some(self.io)
    }

    /// hyper answers what it cannot parse by itself: without a body, and without a record. Such an answer is all that is
    /// ever written while no answer of ours is due, so it is held back here, and ours is written in its place.
    fn holds_back(&mut self) -> bool {
        self.held_back |= self.http1 && !self.activity.owes();
        self.held_back
    }

    fn look(&mut self, bytes: &[u8]) {
        self.activity.note_read(bytes.len());
        if !self.http1 || self.activity.is_busy() {
            return;
        }
        let served = self.activity.served();
        if self.lengths.1 != served {
            self.lengths = (Lengths::default(), served);
        }
        if self.lengths.0.look(bytes) {
            self.activity.note_two_lengths();
        }
    }
}

impl<Io: AsyncRead + Unpin> AsyncRead for Guarded<Io> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        ready!(Pin::new(&mut this.io).poll_read(cx, buffer))?;
        this.look(buffer.filled().get(before..).unwrap_or_default());
        Poll::Ready(Ok(()))
    }
}

impl<Io: AsyncWrite + Unpin> AsyncWrite for Guarded<Io> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if this.holds_back() {
            return Poll::Ready(Ok(bytes.len()));
        }
        let written = Pin::new(&mut this.io).poll_write(cx, bytes);
        this.activity.note(bytes.len(), &written);
        written
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        match Pin::new(&mut this.io).poll_flush(cx) {
            Poll::Ready(Ok(())) => this.activity.note_flushed(),
            Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
            // With TLS, what was taken may still wait for the peer.
            Poll::Pending => {
                this.activity.note_written(0, None);
                return Poll::Pending;
            }
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.held_back { Poll::Ready(Ok(())) } else { Pin::new(&mut this.io).poll_shutdown(cx) }
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let offered = slices.iter().map(|slice| slice.len()).sum();
        if this.holds_back() {
            return Poll::Ready(Ok(offered));
        }
        let written = Pin::new(&mut this.io).poll_write_vectored(cx, slices);
        this.activity.note(offered, &written);
        written
    }
}

impl Activity {
    fn note(&self, offered: usize, written: &Poll<io::Result<usize>>) {
        match written {
            Poll::Ready(Ok(taken)) => self.note_written(offered, Some(*taken)),
            Poll::Ready(Err(_)) => {}
            Poll::Pending => self.note_written(offered, None),
        }
    }
}
