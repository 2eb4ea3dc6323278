//! The seam between a record and the place that keeps it.

use std::fmt;
use std::io::{self, Write};
use std::pin::Pin;
use std::task::{Context, Poll};

use super::record::Event;

/// The place that acknowledges records: a file; where there is none, the console; later a group commit.
///
/// INVARIANT (masked first): a journal is given the event and its line, never the decision, so that whatever a mask takes
/// out of the event is out of every place alike.
pub trait Journal: Send + Sync + fmt::Debug {
    /// What the journal is, for diagnostics, e.g. the file's path.
    fn name(&self) -> String;

    /// Takes one record, and says when it is kept: the record has then left the process's memory, and `kill -9` does not
    /// lose it. The entry is copied or written before this returns; only its acknowledgement may come later.
    ///
    /// An error says that the record is not kept. The journal then holds nothing of it, or nothing that would damage the
    /// next one.
    fn append(&self, entry: &Entry<'_>) -> Appending;

    /// Lets go of what was renamed or deleted from outside and opens it anew (SIGHUP).
    ///
    /// # Errors
    /// When it cannot be opened; the journal then keeps what it had.
    fn reopen(&self) -> io::Result<()> {
        Ok(())
    }
}

/// One line of the log, in the forms that journals and the console want it in.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'a> {
    /// The record; `None` for a notice of the log about itself.
    pub event: Option<&'a Event<'a>>,
    /// The same as one line of JSON, its line feed included.
    pub line: &'a [u8],
    /// When it came about (RFC 3339).
    pub timestamp: &'a str,
}

/// The outcome of an append, known at once or awaited. What is known at once costs no allocation.
pub struct Appending(State);

enum State {
    Done(Option<io::Result<()>>),
    Pending(Pin<Box<dyn Future<Output = io::Result<()>> + Send>>),
}

impl Appending {
    /// An outcome that is known.
    pub const fn done(result: io::Result<()>) -> Self {
        Self(State::Done(Some(result)))
    }

    /// An outcome that is still to come.
    pub fn pending(result: impl Future<Output = io::Result<()>> + Send + 'static) -> Self {
        Self(State::Pending(Box::pin(result)))
    }

    /// The error, if one is known already.
    pub(super) fn failed(self) -> Option<io::Error> {
        match self.0 {
            State::Done(result) => result.and_then(Result::err),
            State::Pending(_) => None,
        }
    }
}

impl Future for Appending {
    type Output = io::Result<()>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            State::Done(result) => Poll::Ready(
                result.take().unwrap_or_else(|| Err(io::Error::other("the outcome was taken already"))),
            ),
            State::Pending(result) => result.as_mut().poll(context),
        }
    }
}

impl fmt::Debug for Appending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            State::Done(_) => "Appending(done)",
            State::Pending(_) => "Appending(pending)",
        })
    }
}

/// Writes all of `bytes`; in an error, how many of them had been written before it.
///
/// `Write::write_all` does not say how far it got, and a torn line can only be repaired by who knows of it.
pub(super) fn write_counted(writer: &mut dyn Write, bytes: &[u8]) -> Result<(), (usize, io::Error)> {
    let mut written = 0;
    while let Some(rest) = bytes.get(written..).filter(|rest| !rest.is_empty()) {
        match writer.write(rest) {
            Ok(0) => return Err((written, io::ErrorKind::WriteZero.into())),
            Ok(more) => written += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err((written, error)),
        }
    }
    Ok(())
}
