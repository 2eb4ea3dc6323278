//! PEM (RFC 7468) of a single key.
//!
//! Not `rustls-pki-types`: it skips `RSA PUBLIC KEY` and encrypted keys as unknown, so the first would be lost and the
//! second be reported as no key at all.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

/// Longer than any key.
const MAX_TEXT: usize = 1 << 16;

/// One PEM block.
pub(super) struct Block {
    /// As in `-----BEGIN PUBLIC KEY-----`.
    pub(super) label: String,
    pub(super) bytes: Vec<u8>,
}

/// The first block of a key or certificate file; the parameters that OpenSSL writes before an EC key are skipped.
///
/// # Errors
/// Malformed PEM. The text, which may be a secret, is not repeated.
pub(super) fn first(text: &[u8]) -> Result<Block, String> {
    const NONE: &str = "not PEM (`-----BEGIN …`)";
    if text.len() > MAX_TEXT {
        return Err("too long for a key".to_owned());
    }
    let text = std::str::from_utf8(text).map_err(|_| NONE.to_owned())?;
    let mut lines = text.lines().map(str::trim);
    loop {
        let label = lines.find_map(|line| line.strip_prefix("-----BEGIN ")?.strip_suffix("-----"));
        let label = label.ok_or_else(|| NONE.to_owned())?;
        let end = format!("-----END {label}-----");
        let mut body = String::new();
        loop {
            match lines.next() {
                None => return Err(format!("the PEM block `{label}` does not end; copy the key again")),
                Some(line) if line == end => break,
                Some(line) if line.contains(':') => {
                    return Err(
                        "the PEM block has headers; decrypt the key, or write it as PKCS #8".to_owned()
                    );
                }
                Some(line) => body.push_str(line),
            }
        }
        if label == "EC PARAMETERS" {
            continue;
        }
        let bytes = BASE64_STANDARD.decode(&body);
        let bytes = bytes.map_err(|_| format!("the PEM block `{label}` is corrupt; copy the key again"))?;
        return Ok(Block { label: label.to_owned(), bytes });
    }
}
