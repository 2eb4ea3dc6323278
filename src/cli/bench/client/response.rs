//! Reads one HTTP/1.1 response (RFC 9112) from bytes as they arrive, and keeps only what a measurement needs.
//!
//! INVARIANT (split-proof): however the bytes are cut, the result is the same. Bodies are counted off, never stored.

use crate::model::decision::Outcome;

/// The longest head, or trailer section, that is read.
const MAX_HEAD: usize = 32 * 1024;
/// The longest line that announces a chunk.
const MAX_CHUNK_LINE: usize = 1024;
const MAX_HEADERS: usize = 64;

/// The most that is kept of a reason, in bytes.
const MAX_REASON: usize = 200;

/// What is kept of a response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The status code, 200 to 999.
    pub status: u16,
    /// What the header `Verdict-Outcome` says, where there is one.
    pub outcome: Option<Outcome>,
    /// What `Verdict-Reason` says of an answer that is no decision.
    pub reason: Option<Box<str>>,
    /// Whether the connection takes another request.
    pub keep_alive: bool,
}

impl Reply {
    /// Whether this is a decision: what its outcome says, or, from servers that do not tell, a status of success.
    pub fn decides(&self) -> bool {
        match self.outcome {
            Some(outcome) => matches!(outcome, Outcome::Allow | Outcome::Deny | Outcome::Value),
            None => (200..300).contains(&self.status),
        }
    }
}

/// Bytes that are not an HTTP/1.1 response.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the answer is not HTTP/1.1: {0}")]
pub struct Malformed(pub &'static str);

/// How a body ends (RFC 9112 section 6.3), or how far one has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Head,
    /// So many bytes of a body of known length are still to come.
    Length(u64),
    ChunkLine,
    /// So many bytes of this chunk are still to come.
    Chunk(u64),
    /// The line end behind a chunk.
    ChunkEnd,
    Trailers,
    UntilClose,
    Done,
}

/// The reader of one response after another on a connection.
#[derive(Debug)]
pub struct ResponseReader {
    state: State,
    to_head: bool,
    reply: Reply,
    /// A head or a line of which only a part has come; empty as a rule, as most answers come whole.
    pending: Vec<u8>,
    trailer_bytes: usize,
}

impl Default for ResponseReader {
    fn default() -> Self {
        Self {
            state: State::Head,
            to_head: false,
            reply: Reply { status: 0, outcome: None, reason: None, keep_alive: false },
            pending: Vec::new(),
            trailer_bytes: 0,
        }
    }
}

impl ResponseReader {
    /// Gets ready for the next response; `to_head` says that it answers a HEAD request and so has no body.
    pub fn begin(&mut self, to_head: bool) {
        self.state = State::Head;
        self.to_head = to_head;
        self.pending.clear();
        self.trailer_bytes = 0;
    }

    /// Takes the next bytes. `Some` when the response is complete; bytes behind its end, which nobody asked for, make
    /// the connection unfit for another request.
    ///
    /// # Errors
    /// [`Malformed`] when the bytes are not an HTTP/1.1 response; the connection is then of no use.
    pub fn feed(&mut self, mut bytes: &[u8]) -> Result<Option<Reply>, Malformed> {
        while self.state != State::Done {
            if bytes.is_empty() {
                return Ok(None);
            }
            bytes = match self.state {
                State::Head => self.head(bytes)?,
                State::Length(left) => {
                    let (left, rest) = skip(left, bytes);
                    self.state = if left == 0 { State::Done } else { State::Length(left) };
                    rest
                }
                State::ChunkLine => self.line(bytes, MAX_CHUNK_LINE, Self::chunk_line)?,
                State::Chunk(left) => {
                    let (left, rest) = skip(left, bytes);
                    self.state = if left == 0 { State::ChunkEnd } else { State::Chunk(left) };
                    rest
                }
                State::ChunkEnd => self.line(bytes, MAX_CHUNK_LINE, Self::chunk_end)?,
                State::Trailers => self.line(bytes, MAX_HEAD, Self::trailer)?,
                State::UntilClose | State::Done => &[],
            };
        }
        self.reply.keep_alive &= bytes.is_empty();
        Ok(Some(self.reply.clone()))
    }

    /// Takes the end of the stream: `Some` where that is what ends the response, `None` where it came too early.
    pub fn finish(&self) -> Option<Reply> {
        (self.state == State::UntilClose).then(|| Reply { keep_alive: false, ..self.reply.clone() })
    }

    fn head<'a>(&mut self, bytes: &'a [u8]) -> Result<&'a [u8], Malformed> {
        let held = self.pending.len();
        let parsed = if held == 0 {
            parse_head(bytes)?
        } else {
            self.pending.extend_from_slice(bytes);
            parse_head(&self.pending)?
        };
        if parsed.is_none() && held == 0 {
            self.pending.extend_from_slice(bytes);
        }
        if parsed.as_ref().map_or(self.pending.len(), |head| head.length) > MAX_HEAD {
            return Err(Malformed("its head is over 32 KiB"));
        }
        let Some(head) = parsed else { return Ok(&[]) };
        self.pending.clear();
        if head.reply.status >= 200 {
            self.reply = head.reply;
            self.state = if self.to_head { State::Done } else { head.body };
        } else if head.reply.status == 101 {
            return Err(Malformed("it switches protocols, which nobody asked for"));
        }
        // Any other 1xx is an interim response: the final one follows it.
        Ok(bytes.get(head.length.saturating_sub(held)..).unwrap_or_default())
    }

    /// Gathers a line, then hands it on without its end.
    fn line<'a>(
        &mut self,
        bytes: &'a [u8],
        limit: usize,
        take: fn(&mut Self, &[u8]) -> Result<(), Malformed>,
    ) -> Result<&'a [u8], Malformed> {
        let end = bytes.iter().position(|&byte| byte == b'\n');
        let (part, rest) = bytes.split_at(end.unwrap_or(bytes.len()));
        if self.pending.len() + part.len() > limit {
            return Err(Malformed("a chunk or trailer line is too long"));
        }
        self.pending.extend_from_slice(part);
        let Some((_, rest)) = end.and_then(|_| rest.split_first()) else { return Ok(&[]) };
        let mut line = std::mem::take(&mut self.pending);
        take(self, line.strip_suffix(b"\r").unwrap_or(&line))?;
        line.clear();
        self.pending = line;
        Ok(rest)
    }

    fn chunk_line(&mut self, line: &[u8]) -> Result<(), Malformed> {
        let digits = line.split(|&byte| byte == b';').next().unwrap_or_default().trim_ascii();
        let size = Some(digits)
            .filter(|digits| !digits.is_empty() && digits.iter().all(u8::is_ascii_hexdigit))
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u64::from_str_radix(digits, 16).ok())
            .ok_or(Malformed("a chunk does not start with its size"))?;
        self.state = if size == 0 { State::Trailers } else { State::Chunk(size) };
        Ok(())
    }

    fn chunk_end(&mut self, line: &[u8]) -> Result<(), Malformed> {
        self.state = State::ChunkLine;
        if line.is_empty() { Ok(()) } else { Err(Malformed("a chunk is longer than it says")) }
    }

    fn trailer(&mut self, line: &[u8]) -> Result<(), Malformed> {
        self.trailer_bytes += line.len();
        if self.trailer_bytes > MAX_HEAD {
            return Err(Malformed("its trailers are over 32 KiB"));
        }
        if line.is_empty() {
            self.state = State::Done;
        }
        Ok(())
    }
}

/// Drops up to `left` bytes; what is left then, and the rest of the bytes.
fn skip(left: u64, bytes: &[u8]) -> (u64, &[u8]) {
    let taken = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
    (left.saturating_sub(taken as u64), bytes.get(taken..).unwrap_or_default())
}

struct Head {
    length: usize,
    reply: Reply,
    body: State,
}

/// Parses a head if it is complete. `None`: more bytes are needed.
fn parse_head(bytes: &[u8]) -> Result<Option<Head>, Malformed> {
    let mut storage = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut response = httparse::Response::new(&mut storage);
    let length = match response.parse(bytes) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(httparse::Error::TooManyHeaders) => return Err(Malformed("it has over 64 headers")),
        Err(_) => return Err(Malformed("its head cannot be read")),
    };
    let status = response.code.unwrap_or_default();
    let mut reply = Reply { status, outcome: None, reason: None, keep_alive: response.version == Some(1) };
    let (mut content_length, mut coded, mut reason) = (None, None, None);
    for header in response.headers.iter() {
        if header.name.eq_ignore_ascii_case("content-length") {
            let value = parse_length(header.value)?;
            if content_length.is_some_and(|known| known != value) {
                return Err(Malformed("it has two different lengths"));
            }
            content_length = Some(value);
        } else if header.name.eq_ignore_ascii_case("transfer-encoding") {
            coded = Some(last_token_is(header.value, b"chunked"));
        } else if header.name.eq_ignore_ascii_case("connection") {
            if has_token(header.value, b"close") {
                reply.keep_alive = false;
            } else if has_token(header.value, b"keep-alive") {
                reply.keep_alive = true;
            }
        } else if header.name.eq_ignore_ascii_case("verdict-outcome") {
            reply.outcome = OUTCOMES.into_iter().find(|known| known.name().as_bytes() == header.value);
        } else if header.name.eq_ignore_ascii_case("verdict-reason") {
            reason = Some(header.value);
        }
    }
    // Of decisions, which are what a load is made of, nothing is copied.
    reply.reason = reason.filter(|_| !reply.decides()).map(|reason| {
        let kept = reason.get(..MAX_REASON).unwrap_or(reason);
        String::from_utf8_lossy(kept).into_owned().into_boxed_str()
    });
    let body = match (coded, content_length) {
        _ if matches!(status, 100..=199 | 204 | 304) => State::Done,
        (Some(true), length) => {
            // Both is what request smuggling looks like: RFC 9112 section 6.1 reads the chunks, then hangs up.
            reply.keep_alive &= length.is_none();
            State::ChunkLine
        }
        (Some(false), _) | (None, None) => State::UntilClose,
        (None, Some(0)) => State::Done,
        (None, Some(length)) => State::Length(length),
    };
    Ok(Some(Head { length, reply, body }))
}

/// Every outcome, in the order in which reports list them.
pub const OUTCOMES: [Outcome; 6] =
    [Outcome::Allow, Outcome::Deny, Outcome::Value, Outcome::Undefined, Outcome::Error, Outcome::Refused];

fn parse_length(value: &[u8]) -> Result<u64, Malformed> {
    Some(value)
        .filter(|value| !value.is_empty() && value.iter().all(u8::is_ascii_digit))
        .and_then(|value| std::str::from_utf8(value).ok())
        .and_then(|value| value.parse().ok())
        .ok_or(Malformed("its length is not a number"))
}

fn tokens(value: &[u8]) -> impl DoubleEndedIterator<Item = &[u8]> {
    value.split(|&byte| byte == b',').map(<[u8]>::trim_ascii)
}

fn has_token(value: &[u8], token: &[u8]) -> bool {
    tokens(value).any(|found| found.eq_ignore_ascii_case(token))
}

fn last_token_is(value: &[u8], token: &[u8]) -> bool {
    tokens(value).next_back().is_some_and(|found| found.eq_ignore_ascii_case(token))
}

#[cfg(test)]
mod tests;
