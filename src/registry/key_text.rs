//! What the keys look like that Verdict makes: `<prefix>_<30 characters><6 characters>`.
//!
//! The 30 are random (178 bits), the 6 their checksum: CRC-32 in base 62. A mistyped key is told from a wrong one without a
//! search, and scanners of source text find keys without false alarms:
//! `[A-Za-z0-9][A-Za-z0-9_-]*_[0-9A-Za-z]{36}`.

use crate::model::secret::Secret;

const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const RANDOM: usize = 30;
const CHECKSUM: usize = 6;
/// The longest prefix, in bytes.
pub const MAX_PREFIX_BYTES: usize = 40;

/// Whether a text is a key of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// It has the form, and the checksum is right.
    Ours,
    /// It has the form, and the checksum is wrong.
    Mistyped,
    /// It is something else.
    Other,
}

/// Which form a text has.
pub fn form(text: &str) -> Form {
    let Some((prefix, tail)) = text.rsplit_once('_') else { return Form::Other };
    let ours = !prefix.is_empty()
        && tail.len() == RANDOM + CHECKSUM
        && tail.bytes().all(|byte| byte.is_ascii_alphanumeric());
    match tail.split_at_checked(RANDOM) {
        Some((random, check)) if ours && check.as_bytes() == checksum(random.as_bytes()) => Form::Ours,
        Some(_) if ours => Form::Mistyped,
        _ => Form::Other,
    }
}

/// How a key begins, up to and including the last `_`; it is no secret, and is empty where there is none.
pub fn prefix(key: &str) -> &str {
    key.rfind('_').and_then(|at| key.get(..=at)).unwrap_or_default()
}

/// Makes a key.
///
/// # Errors
/// A prefix that is empty, too long, or has characters that a header or a scanner could not carry; or the system has no
/// random numbers.
pub fn generate(prefix: &str) -> Result<Secret<String>, String> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    if !prefix.starts_with(|c: char| c.is_ascii_alphanumeric()) || !prefix.bytes().all(allowed) {
        return Err(
            "the prefix must begin with a letter or a digit, and have letters, digits, `_` and `-` only"
                .to_owned(),
        );
    }
    if prefix.len() > MAX_PREFIX_BYTES {
        return Err(format!("the prefix is longer than {MAX_PREFIX_BYTES} characters"));
    }
    let mut random = Vec::with_capacity(RANDOM);
    while random.len() < RANDOM {
        let mut bytes = [0; 64];
        aws_lc_rs::rand::fill(&mut bytes).map_err(|_| "the system has no random numbers".to_owned())?;
        // 248 is four times 62: what is above would make the first digits likelier.
        let digits = bytes.iter().filter(|byte| **byte < 248);
        random.extend(
            digits.filter_map(|byte| DIGITS.get(usize::from(*byte % 62))).take(RANDOM - random.len()),
        );
    }
    random.extend(checksum(&random));
    let tail = String::from_utf8(random).map_err(|error| error.to_string())?;
    Ok(Secret::new(format!("{prefix}_{tail}")))
}

/// The CRC-32 in base 62, with leading zeros.
fn checksum(random: &[u8]) -> [u8; CHECKSUM] {
    let mut rest = crc32(random);
    let mut digits = [b'0'; CHECKSUM];
    for digit in digits.iter_mut().rev() {
        *digit = usize::try_from(rest % 62).ok().and_then(|n| DIGITS.get(n)).copied().unwrap_or(b'0');
        rest /= 62;
    }
    digits
}

/// CRC-32 as in ISO 3309 and gzip (RFC 1952 section 8).
fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg());
        }
    }
    !crc
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_the_one_that_everybody_knows() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        assert_eq!(checksum(b""), *b"000000");
    }

    #[test]
    fn keys_are_ours_mistyped_or_something_else() {
        for name in ["relay_sk_live", "sk-prod", "a"] {
            let key = generate(name).unwrap();
            let key = key.expose();
            assert_eq!((form(key), prefix(key)), (Form::Ours, format!("{name}_").as_str()), "{key}");
            assert_eq!(key.len(), name.len() + 37);
            let last = if key.ends_with('a') { 'b' } else { 'a' };
            assert_eq!(form(&format!("{}{last}", &key[..key.len() - 1])), Form::Mistyped);
            assert_eq!(form(&key[..key.len() - 1]), Form::Other);
            assert_ne!(key, generate(name).unwrap().expose());
        }
        for other in
            ["", "_", "secret", "relay_sk_", "a_b", &format!("_{}", "a".repeat(36)), &"é_".repeat(20)]
        {
            assert_eq!(form(other), Form::Other, "{other}");
        }
        assert_eq!((prefix("plain"), prefix("a_b_c"), prefix("_")), ("", "a_b_", "_"));
    }

    #[test]
    fn a_prefix_is_a_word() {
        for bad in ["", "_a", "-a", "a b", "é", "a.b", &"a".repeat(41)] {
            assert!(generate(bad).is_err(), "{bad}");
        }
    }
}
