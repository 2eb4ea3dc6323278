//! The handshake itself, over a connection, until a deadline.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use tokio_rustls::rustls::{ClientConnection, Error};

/// How long a server that takes a client's certificate is waited for before it is told that nothing follows. One that refuses it says so
/// by then, or with the end.
const REFUSAL: Duration = Duration::from_millis(500);
/// How much of a server's answer is kept, to tell what it speaks.
const KEPT: usize = 16;

/// How it ended.
#[derive(Debug)]
pub(super) enum End {
    /// As it should. Whether the server has gone on after the client's part; none where it has not been asked.
    Done { accepted: Option<bool> },
    /// The server ended the connection in the handshake.
    Closed,
    /// It ended the connection right after it.
    ClosedAfter,
    /// It said nothing more.
    TimedOut,
    /// What was said was no good.
    Failed(Error),
    /// The connection broke.
    Broken(io::Error),
}

/// A connection that knows its deadline, and keeps the beginning of what came.
pub(super) struct Wire {
    stream: TcpStream,
    deadline: Instant,
    pub(super) first: Vec<u8>,
}

impl Wire {
    pub(super) const fn new(stream: TcpStream, deadline: Instant) -> Self {
        Self { stream, deadline, first: Vec::new() }
    }

    fn left(&self) -> io::Result<Duration> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() { Err(ErrorKind::TimedOut.into()) } else { Ok(left) }
    }
}

impl Read for Wire {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.set_read_timeout(Some(self.left()?))?;
        let count = self.stream.read(buffer)?;
        let room = KEPT.saturating_sub(self.first.len());
        self.first.extend(buffer.iter().take(count.min(room)));
        Ok(count)
    }
}

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.set_write_timeout(Some(self.left()?))?;
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

/// Shakes hands, and hears whether the server takes the client's part where `asks` says that it has asked for a certificate.
pub(super) fn shake_hands(
    connection: &mut ClientConnection,
    wire: &mut Wire,
    asks: impl Fn() -> bool,
) -> End {
    while connection.is_handshaking() {
        match step(connection, wire) {
            Ok(Step::More | Step::Accepted) => {}
            Ok(Step::Closed) => return End::Closed,
            Err(end) => return end,
        }
    }
    let flushed = flush(connection, wire);
    match flushed {
        Err(end) => end,
        Ok(()) if asks() => heard(connection, wire),
        Ok(()) => {
            connection.send_close_notify();
            // Who is gone need not be told.
            let _ = flush(connection, wire);
            End::Done { accepted: None }
        }
    }
}

/// With TLS 1.3 a refusal comes after the handshake.
fn heard(connection: &mut ClientConnection, wire: &mut Wire) -> End {
    let until = wire.deadline;
    wire.deadline = until.min(Instant::now() + REFUSAL);
    let early = settled(connection, wire);
    wire.deadline = until;
    match early {
        Ok(Step::Closed) => return End::ClosedAfter,
        Ok(_) => return End::Done { accepted: Some(true) },
        Err(End::TimedOut) => {}
        Err(end) => return end,
    }
    connection.send_close_notify();
    match flush(connection, wire).and_then(|()| settled(connection, wire)) {
        Ok(_) => End::Done { accepted: Some(true) },
        // An alert would have come by now.
        Err(End::TimedOut | End::Broken(_)) => End::Done { accepted: None },
        Err(end) => end,
    }
}

enum Step {
    More,
    /// The server goes on: it sends what it sends to those whom it has accepted.
    Accepted,
    Closed,
}

fn settled(connection: &mut ClientConnection, wire: &mut Wire) -> Result<Step, End> {
    loop {
        match step(connection, wire)? {
            Step::More => {}
            end => return Ok(end),
        }
    }
}

fn step(connection: &mut ClientConnection, wire: &mut Wire) -> Result<Step, End> {
    flush(connection, wire)?;
    if connection.read_tls(wire).map_err(broken)? == 0 {
        return Ok(Step::Closed);
    }
    let state = connection.process_new_packets().map_err(|error| {
        // The alert that says why.
        let _ = flush(connection, wire);
        End::Failed(error)
    })?;
    let goes_on = state.plaintext_bytes_to_read() > 0
        || state.peer_has_closed()
        || connection.tls13_tickets_received() > 0;
    Ok(if goes_on { Step::Accepted } else { Step::More })
}

fn flush(connection: &mut ClientConnection, wire: &mut Wire) -> Result<(), End> {
    while connection.wants_write() {
        connection.write_tls(wire).map_err(broken)?;
    }
    Ok(())
}

fn broken(error: io::Error) -> End {
    match error.kind() {
        ErrorKind::TimedOut | ErrorKind::WouldBlock => End::TimedOut,
        _ => End::Broken(error),
    }
}
