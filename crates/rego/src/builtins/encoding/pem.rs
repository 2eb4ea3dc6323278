//! Binary data as text: base64 and PEM, with the leniency and the error positions of Go's decoders.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use crate::builtins::error::Error;

/// The longest text that is taken for keys or certificates.
pub const MAX_TEXT: usize = 1 << 20;

/// How many lines that look like the begin of a block are tried before a text is given up.
const MAX_BEGINS: usize = 200;

/// Padded, and the bits after the last byte may be anything.
const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_allow_trailing_bits(true)
    .with_decode_padding_mode(DecodePaddingMode::RequireCanonical);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);

/// Decodes padded base64; line ends do not count.
///
/// # Errors
/// Where the first wrong byte is.
pub fn decode_base64(text: &[u8]) -> Result<Vec<u8>, Error> {
    decode_with(&STANDARD, text, |byte| matches!(byte, b'+' | b'/'))
}

/// Decodes base64url, padded or not; line ends do not count.
///
/// # Errors
/// Where the first wrong byte is.
pub fn decode_base64url(text: &str) -> Result<Vec<u8>, Error> {
    let missing = match (text.ends_with('='), text.len() % 4) {
        (true, _) | (false, 0) => "",
        (false, 2) => "==",
        (false, 3) => "=",
        // The text may be a secret: it is not repeated.
        (false, _) => return Err(Error::failed("illegal base64url string")),
    };
    let padded = format!("{text}{missing}");
    decode_with(&URL_SAFE, padded.as_bytes(), |byte| matches!(byte, b'-' | b'_'))
}

fn decode_with(engine: &GeneralPurpose, text: &[u8], special: fn(u8) -> bool) -> Result<Vec<u8>, Error> {
    let decoded = if text.iter().any(|byte| is_line_end(*byte)) {
        let kept: Vec<u8> = text.iter().copied().filter(|byte| !is_line_end(*byte)).collect();
        engine.decode(kept)
    } else {
        engine.decode(text)
    };
    decoded.map_err(|_| {
        let at = first_wrong(text, special);
        Error::failed(format_args!("illegal base64 data at input byte {at}"))
    })
}

const fn is_line_end(byte: u8) -> bool {
    matches!(byte, b'\r' | b'\n')
}

/// Where Go's decoder stops in a text that is not base64.
fn first_wrong(text: &[u8], special: fn(u8) -> bool) -> usize {
    let mut bytes = text.iter().copied().enumerate().filter(|(_, byte)| !is_line_end(*byte));
    let mut in_group = 0;
    while let Some((at, byte)) = bytes.next() {
        if byte.is_ascii_alphanumeric() || special(byte) {
            in_group = (in_group + 1) % 4;
            continue;
        }
        return match (byte, in_group) {
            (b'=', 2) => match bytes.next() {
                Some((_, b'=')) => bytes.next().map_or(text.len(), |(after, _)| after),
                Some((second, _)) => second.saturating_sub(1),
                None => text.len(),
            },
            (b'=', 3) => bytes.next().map_or(text.len(), |(after, _)| after),
            _ => at,
        };
    }
    text.len() - in_group
}

/// A block of PEM (RFC 7468, and the headers of RFC 1421, which are skipped).
#[derive(Debug, PartialEq, Eq)]
pub struct Block<'t> {
    /// As in `-----BEGIN CERTIFICATE-----`.
    pub label: &'t [u8],
    /// What is between.
    pub bytes: Vec<u8>,
}

const BEGIN: &[u8] = b"\n-----BEGIN ";
const END: &[u8] = b"\n-----END ";
const DASHES: &[u8] = b"-----";

/// The first block of a text, and what follows it.
pub fn first_block(text: &[u8]) -> Option<(Block<'_>, &[u8])> {
    if text.len() > MAX_TEXT {
        return None;
    }
    let mut rest = text;
    for _ in 0..MAX_BEGINS {
        // `rest` is the begin of a line.
        rest = match rest.strip_prefix(without_line_end(BEGIN)) {
            Some(after) => after,
            None => rest.get(find(rest, BEGIN)? + BEGIN.len()..)?,
        };
        let (line, after) = split_line(rest);
        rest = after;
        if let Some(label) = line.strip_suffix(DASHES)
            && let Some(found) = rest_of_block(label, rest)?
        {
            return Some(found);
        }
    }
    None
}

/// The block whose first line has been read. `None` ends the search; `Some(None)` lets it go on.
fn rest_of_block<'t>(label: &'t [u8], mut rest: &'t [u8]) -> Option<Option<(Block<'t>, &'t [u8])>> {
    let mut headers = false;
    loop {
        if rest.is_empty() {
            return None;
        }
        let (line, after) = split_line(rest);
        if !line.contains(&b':') {
            break;
        }
        headers = true;
        rest = after;
    }
    let bare_end = without_line_end(END);
    let (body, trailer) = if !headers && rest.starts_with(bare_end) {
        (rest.get(..0)?, rest.get(bare_end.len()..)?)
    } else {
        let at = find(rest, END)?;
        (rest.get(..at)?, rest.get(at + END.len()..)?)
    };
    let Some(after) = trailer.strip_prefix(label).and_then(|after| after.strip_prefix(DASHES)) else {
        return Some(None);
    };
    let (end_of_line, rest) = split_line(after);
    if !end_of_line.is_empty() {
        return Some(None);
    }
    let body: Vec<u8> = body.iter().copied().filter(|byte| !matches!(byte, b' ' | b'\t')).collect();
    Some(decode_base64(&body).ok().map(|bytes| (Block { label, bytes }, rest)))
}

fn without_line_end(mark: &[u8]) -> &[u8] {
    mark.strip_prefix(b"\n").unwrap_or(mark)
}

/// The first line without white space at its end, and what follows it.
fn split_line(text: &[u8]) -> (&[u8], &[u8]) {
    match text.iter().position(|byte| *byte == b'\n') {
        Some(at) => {
            let (line, rest) = text.split_at(at);
            (line.trim_ascii_end(), rest.get(1..).unwrap_or_default())
        }
        None => (text.trim_ascii_end(), &[]),
    }
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len()).position(|window| window == wanted)
}

/// Bytes as text, as Go's JSON has it: every byte that is not UTF-8 becomes U+FFFD.
pub fn lossy(mut bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    loop {
        match std::str::from_utf8(bytes) {
            Ok(rest) => {
                text.push_str(rest);
                return text;
            }
            Err(error) => {
                let (good, bad) = bytes.split_at(error.valid_up_to());
                text.push_str(&String::from_utf8_lossy(good));
                text.push(char::REPLACEMENT_CHARACTER);
                bytes = bad.get(1..).unwrap_or_default();
            }
        }
    }
}

/// Lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a `String` does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_where_go_has_them() {
        for (text, at) in [
            ("a", 0),
            ("abcde", 4),
            ("ab", 0),
            ("abcd!", 4),
            ("ab\ncd$", 6 - 1),
            ("ab=c", 2),
            ("ab=", 3),
            ("ab==c", 4),
            ("abc=d", 4),
            ("=abc", 0),
        ] {
            let wanted = format!("illegal base64 data at input byte {at}");
            assert_eq!(decode_base64(text.as_bytes()).unwrap_err().message, wanted, "{text}");
        }
    }

    #[test]
    fn base64url_needs_no_padding_and_ignores_line_ends() {
        assert_eq!(decode_base64url("-_8").unwrap(), [0xfb, 0xff]);
        assert_eq!(decode_base64url("-_8=").unwrap(), [0xfb, 0xff]);
        assert_eq!(decode_base64url("-_\n8=").unwrap(), [0xfb, 0xff]);
        // Bits after the last byte are ignored.
        assert_eq!(decode_base64url("-_9").unwrap(), [0xfb, 0xff]);
        assert!(decode_base64url("abcde").is_err());
    }

    #[test]
    fn blocks_are_found_between_other_lines() {
        let text = b"junk\n-----BEGIN A B-----\nKey: value\n\naGVs\n bG8=\n-----END A B-----\t\nrest";
        let (block, rest) = first_block(text).unwrap();
        assert_eq!((block.label, block.bytes.as_slice(), rest), (&b"A B"[..], &b"hello"[..], &b"rest"[..]));
        for text in [
            "",
            "-----BEGIN A-----",
            "-----BEGIN A-----\naGVs\n-----END B-----\n",
            "-----BEGIN A-----\na\n-----END A-----\n",
            "-----BEGIN A-----\naGVs\n-----END A-----x",
            "x-----BEGIN A-----\naGVs\n-----END A-----\n",
        ] {
            assert_eq!(first_block(text.as_bytes()), None, "{text}");
        }
        let empty = first_block(b"-----BEGIN A-----\n-----END A-----").unwrap();
        assert_eq!(empty.0.bytes, b"");
    }

    #[test]
    fn many_begins_end_soon() {
        let text = "-----BEGIN A-----\n".repeat(50_000);
        let started = std::time::Instant::now();
        assert_eq!(first_block(text.as_bytes()), None);
        assert!(started.elapsed().as_secs() < 5);
    }

    #[test]
    fn every_wrong_byte_is_replaced() {
        assert_eq!(lossy(b"a\xf0\x9f\x92b"), "a\u{fffd}\u{fffd}\u{fffd}b");
    }
}
