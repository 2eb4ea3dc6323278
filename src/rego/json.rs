//! What a JSON text must be before it is read: bounded in depth, and free of numbers that would change.
//!
//! The reader proper is `serde_json`; it takes 128 levels, and rounds integers beyond 64 bits to the nearest double, so
//! that two different numbers compare equal. One pass over the bytes finds both before anything is built.

/// The most levels of arrays and objects that a document may have.
pub const MAX_DEPTH: usize = 64;

/// Why a JSON text was refused, and where (counted from 1).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message} at line {line}, column {col}")]
pub struct JsonError {
    /// The line, from 1.
    pub line: usize,
    /// The column in bytes, from 1.
    pub col: usize,
    /// What was wrong: lower case, no full stop.
    pub message: String,
}

impl JsonError {
    fn at(text: &[u8], offset: usize, message: String) -> Self {
        let before = text.get(..offset).unwrap_or(text);
        let line = before.iter().filter(|b| **b == b'\n').count() + 1;
        let col = before.iter().rev().take_while(|b| **b != b'\n').count() + 1;
        Self { line, col, message }
    }
}

impl From<serde_json::Error> for JsonError {
    fn from(error: serde_json::Error) -> Self {
        let text = error.to_string();
        // serde_json appends its position to the message; ours stands in fields.
        let message = text.rsplit_once(" at line ").map_or(text.as_str(), |(message, _)| message);
        let message = match message {
            "trailing characters" => "trailing bytes after the document",
            other => other,
        };
        Self { line: error.line(), col: error.column(), message: message.to_owned() }
    }
}

/// Checks depth and numbers; leaves all other syntax to the reader.
///
/// # Errors
/// More than [`MAX_DEPTH`] levels, or a number that a reader with 64-bit integers and doubles cannot keep.
pub fn check(text: &[u8]) -> Result<(), JsonError> {
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        match byte {
            b'"' => at = end_of_string(text, at + 1),
            b'{' | b'[' => {
                depth += 1;
                if depth > MAX_DEPTH {
                    return Err(JsonError::at(text, at, format!("nested more than {MAX_DEPTH} levels deep")));
                }
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            b'-' | b'0'..=b'9' => {
                let rest = text.get(at..).unwrap_or_default();
                let length = rest
                    .iter()
                    .take_while(|b| matches!(b, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E'))
                    .count();
                let token = rest.get(..length).unwrap_or_default();
                if let Some(token) = std::str::from_utf8(token).ok().filter(|token| !is_kept(token)) {
                    let message = format!(
                        "the number `{}` would not keep its value (64-bit integers and doubles do)",
                        shorten(token)
                    );
                    return Err(JsonError::at(text, at, message));
                }
                at += length - 1;
            }
            _ => {}
        }
        at += 1;
    }
    Ok(())
}

/// The offset of the closing quote, or the end of the text.
fn end_of_string(text: &[u8], mut at: usize) -> usize {
    while let Some(&byte) = text.get(at) {
        match byte {
            b'"' => return at,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    at
}

/// Whether a number means the same once it has been read.
///
/// Integers must fit 64 bits. What has a fraction names its nearest double up to 17 significant digits, which is what
/// printers of doubles write at the most. All else must have the same decimal value as the double that it is read as.
fn is_kept(token: &str) -> bool {
    if token.len() <= 15 && !token.contains(['e', 'E']) {
        return true;
    }
    if !token.contains(['.', 'e', 'E']) && (token.parse::<u64>().is_ok() || token.parse::<i64>().is_ok()) {
        return true;
    }
    let Ok(double) = token.parse::<f64>() else { return true };
    if !double.is_finite() {
        return false;
    }
    let Some((digits, exponent)) = decimal(token) else { return false };
    if token.contains('.') && digits.len() <= 17 && (double != 0.0 || digits.is_empty()) {
        return true;
    }
    decimal(&format!("{double:e}")).is_some_and(|read| read == (digits, exponent))
}

/// Significant digits without zeros at either end, and the power of ten of the last of them.
fn decimal(token: &str) -> Option<(String, i64)> {
    let token = token.strip_prefix('-').unwrap_or(token);
    let (mantissa, exponent) = match token.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()?),
        None => (token, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all = format!("{whole}{fraction}");
    let exponent = exponent.checked_sub(i64::try_from(fraction.len()).ok()?)?;
    let digits = all.trim_start_matches('0');
    let significant = digits.trim_end_matches('0');
    let trailing = i64::try_from(digits.len() - significant.len()).ok()?;
    let exponent = if significant.is_empty() { 0 } else { exponent.checked_add(trailing)? };
    Some((significant.to_owned(), exponent))
}

fn shorten(token: &str) -> String {
    match token.get(..40) {
        Some(start) if token.len() > 40 => format!("{start}…"),
        _ => token.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_keep_their_value_or_are_refused() {
        for kept in [
            "0",
            "-0",
            "-0.0",
            "42",
            "1e3",
            "1.0",
            "1E+2",
            "0.1",
            "1e22",
            "1e23",
            "1e308",
            "18446744073709551615",
            "-9223372036854775808",
            "0.30000000000000004",
            "0.10000000000000001",
            "3.141592653589793",
            "100000000000000000000",
            "1e-5",
            "12345678.123456789",
            "5e-324",
            "0e999",
            "0.0000000000000000000000",
        ] {
            assert_eq!(check(kept.as_bytes()), Ok(()), "{kept}");
        }
        for changed in [
            "18446744073709551616",
            "-9223372036854775809",
            "100000000000000000001",
            "1e400",
            "1e-400",
            "-1e999999999999",
            "3.14159265358979323846",
            "9007199254740993e0",
            "1e99999999999999999999",
        ] {
            assert!(check(changed.as_bytes()).is_err(), "{changed}");
        }
        assert_eq!(check(br#"{"a": "18446744073709551616 \" 1e999"}"#), Ok(()), "text is not a number");
    }

    #[test]
    fn depth_is_bounded_and_positions_count_from_one() {
        let nest = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
        assert_eq!(check(nest(64).as_bytes()), Ok(()));
        assert!(check(nest(65).as_bytes()).is_err());
        assert_eq!(check(br#""[[[[""#), Ok(()));
        let error = check(b"{\n  \"a\": 1e999\n}").unwrap_err();
        assert_eq!((error.line, error.col), (2, 8));
    }

    proptest! {
        #[test]
        fn never_panics(text in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = check(&text);
        }

        #[test]
        fn every_double_is_kept_as_printed(double in any::<f64>().prop_filter("finite", |d| d.is_finite())) {
            prop_assert!(is_kept(&format!("{double}")), "{}", double);
            prop_assert!(is_kept(&format!("{double:e}")), "{:e}", double);
        }

        #[test]
        fn a_kept_number_reads_back_as_the_same_decimal(digits in "[1-9][0-9]{0,30}(e-?[0-9]{1,2})?") {
            if is_kept(&digits) {
                let exact = digits.parse::<u64>().map(|n| n.to_string())
                    .unwrap_or_else(|_| format!("{:e}", digits.parse::<f64>().unwrap()));
                prop_assert_eq!(decimal(&digits), decimal(&exact));
            }
        }
    }
}
