//! Whether a head says the length of its body twice.
//!
//! hyper takes `Content-Length` out where there is a `Transfer-Encoding`, serves the request, and then closes the connection,
//! as RFC 9112 section 6.3 allows. Such a request is an attempt to be understood in two ways, so it is refused where its
//! head is seen: in what arrives while no request is being answered. In what was pipelined behind another request hyper's way
//! remains, which lets nothing follow either.

/// Looks at the lines of a head as they arrive.
#[derive(Debug, Default)]
pub(super) struct Lengths {
    /// The beginning of the line that has not ended yet.
    line: Vec<u8>,
    lines: usize,
    coded: bool,
    counted: bool,
    ended: bool,
}

const CODED: &[u8] = b"transfer-encoding:";
const COUNTED: &[u8] = b"content-length:";

impl Lengths {
    /// Takes up more of the head; whether it has both.
    pub(super) fn look(&mut self, bytes: &[u8]) -> bool {
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            if self.ended {
                break;
            }
            let wanted = (CODED.len() + 1).saturating_sub(self.line.len());
            self.line.extend_from_slice(part.get(..wanted).unwrap_or(part));
            if part.ends_with(b"\n") {
                self.line_ended();
            }
        }
        self.coded && self.counted
    }

    fn line_ended(&mut self) {
        let line = self.line.trim_ascii_end();
        let is = |name: &[u8]| line.get(..name.len()).is_some_and(|begun| begun.eq_ignore_ascii_case(name));
        self.coded |= is(CODED);
        self.counted |= is(COUNTED);
        // Empty lines before a request are none of it (RFC 9112 section 2.2).
        self.ended = line.is_empty() && self.lines > 0;
        self.lines += usize::from(!line.is_empty());
        self.line.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_are_found_however_they_arrive() {
        for (head, expected) in [
            ("POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", true),
            ("POST / HTTP/1.1\ntransfer-encoding:chunked\nCONTENT-LENGTH:1\n\n", true),
            ("\r\n\r\nPOST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", true),
            ("POST / HTTP/1.1\r\nX-Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", false),
            ("POST / HTTP/1.1\r\nContent-Length: 1\r\n\r\nTransfer-Encoding: chunked\r\n\r\n", false),
        ] {
            for size in [1, 7, head.len()] {
                let mut lengths = Lengths::default();
                let found = head.as_bytes().chunks(size).map(|part| lengths.look(part)).last();
                assert_eq!(found, Some(expected), "{head} by {size}");
            }
        }
    }
}
