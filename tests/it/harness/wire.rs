//! HTTP by hand, for what no client library would send.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use super::Reply;

/// One connection.
pub struct Wire {
    stream: TcpStream,
    /// What was read beyond the last answer.
    rest: Vec<u8>,
}

impl Wire {
    pub fn open(address: SocketAddr) -> Self {
        Self::try_open(address).unwrap()
    }

    pub fn try_open(address: SocketAddr) -> std::io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(Duration::from_secs(60)))?;
        stream.set_write_timeout(Some(Duration::from_secs(60)))?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, rest: Vec::new() })
    }

    pub fn send(&mut self, bytes: &[u8]) {
        self.try_send(bytes).unwrap();
    }

    pub fn try_send(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.stream.write_all(bytes)
    }

    /// Sends the same again and again, without reading, until the other side ends the connection.
    pub fn send_until_closed(&mut self, bytes: &[u8]) {
        loop {
            match self.try_send(bytes) {
                Ok(()) => {}
                Err(error) if matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset) => {
                    return;
                }
                Err(error) => panic!("nobody ended it: {error}"),
            }
        }
    }

    /// Says that nothing more will be sent.
    pub fn end(&self) {
        self.stream.shutdown(Shutdown::Write).unwrap();
    }

    /// The next answer, interim ones (100) included. `None` when the connection ends before its first byte; an answer
    /// that is cut off fails the test.
    pub fn reply(&mut self) -> Option<Reply> {
        loop {
            if let Some(reply) = self.parse() {
                return Some(reply);
            }
            if !self.fill() {
                assert!(self.rest.is_empty(), "cut off: {}", String::from_utf8_lossy(&self.rest));
                return None;
            }
        }
    }

    /// Whether something has come that was not read yet.
    pub fn is_answered(&self) -> bool {
        self.stream.set_nonblocking(true).unwrap();
        let peeked = self.stream.peek(&mut [0]);
        self.stream.set_nonblocking(false).unwrap();
        !matches!(peeked, Err(error) if error.kind() == ErrorKind::WouldBlock)
    }

    /// Waits for the end of the connection, whatever comes before it.
    pub fn wait_closed(&mut self) {
        while self.fill() {}
    }

    /// `false` at the end. A reset is an end, too; silence for a minute is none.
    fn fill(&mut self) -> bool {
        let mut buffer = [0; 64 << 10];
        match self.stream.read(&mut buffer) {
            Ok(0) => false,
            Ok(length) => {
                self.rest.extend_from_slice(&buffer[..length]);
                true
            }
            Err(error) if error.kind() == ErrorKind::ConnectionReset => false,
            Err(error) => panic!("{error}"),
        }
    }

    /// Reads one byte and forgets it; `false` at the end.
    pub fn read_byte(&mut self) -> bool {
        matches!(self.stream.read(&mut [0]), Ok(1))
    }

    fn parse(&mut self) -> Option<Reply> {
        let mut fields = [httparse::EMPTY_HEADER; 32];
        let mut head = httparse::Response::new(&mut fields);
        let httparse::Status::Complete(start) = head.parse(&self.rest).unwrap() else { return None };
        let headers: http::HeaderMap = head
            .headers
            .iter()
            .map(|field| {
                let name = http::HeaderName::try_from(field.name).unwrap();
                (name, http::HeaderValue::from_bytes(field.value).unwrap())
            })
            .collect();
        let status = head.code.unwrap();
        let length =
            headers.get("content-length").map_or(0, |value| value.to_str().unwrap().parse().unwrap());
        let body = self.rest.get(start..start + length)?.to_vec();
        self.rest.drain(..start + length);
        Some(Reply { status, headers, body })
    }
}

/// A request as text, with what every request needs.
pub fn request(method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut text = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\n");
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    let own_length = headers.iter().any(|(name, _)| {
        name.eq_ignore_ascii_case("content-length") || name.eq_ignore_ascii_case("transfer-encoding")
    });
    if !own_length && !body.is_empty() {
        text.push_str(&format!("Content-Length: {}\r\n", body.len()));
    }
    text.push_str("\r\n");
    [text.as_bytes(), body].concat()
}

/// A body in chunks of this many bytes (RFC 9112 section 7.1).
pub fn chunked(body: &[u8], size: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    for chunk in body.chunks(size) {
        bytes.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        bytes.extend_from_slice(chunk);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b"0\r\n\r\n");
    bytes
}
