//! The seam between a record and the places that keep it.

use std::fmt;
use std::io::{self, Write};

use super::record::Event;

/// A place that takes records: the console, a file; later a collector.
///
/// INVARIANT (masked first): a sink is given the event and its line, never the decision, so that whatever a mask takes
/// out of the event is out of every sink.
pub trait Sink: Send + Sync + fmt::Debug {
    /// What the sink is, for diagnostics, e.g. the file's path.
    fn name(&self) -> String;

    /// Takes one record. When this returns, the record has left the process's memory: `kill -9` does not lose it.
    ///
    /// # Errors
    /// When the record was not taken. The sink then holds nothing of it, or nothing that would damage the next one.
    fn write(&self, entry: &Entry<'_>) -> io::Result<()>;

    /// Lets go of what was renamed or deleted from outside and opens it anew (SIGHUP).
    ///
    /// # Errors
    /// When it cannot be opened; the sink then keeps what it had.
    fn reopen(&self) -> io::Result<()> {
        Ok(())
    }
}

/// One record, in the forms that sinks want it in.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'a> {
    /// The record itself.
    pub event: &'a Event<'a>,
    /// The same as one line of JSON, its line feed included.
    pub line: &'a [u8],
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
