//! Segments of paths, as callers write them.

use crate::number::Number;

/// What a segment of a path may name besides the text that it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Segment {
    /// Nothing.
    Text,
    /// An index, or a key that is a number: in the only spelling that has one.
    Number(Number),
    /// A whole number in another spelling: `00`, `-0`, `+1`, `1.0`, `1e2`.
    Ambiguous,
}

impl Segment {
    /// Reads a segment.
    ///
    /// INVARIANT (one spelling): a number is `0`, or an optional `-` with digits of which the first is not 0, or either of
    /// these with a fraction that does not end in 0.
    pub fn of(text: &str) -> Self {
        let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
        let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => {
                (mantissa, Some(exponent.strip_prefix(['-', '+']).unwrap_or(exponent)))
            }
            None => (unsigned, None),
        };
        let (whole, fraction) = match mantissa.split_once('.') {
            Some((whole, fraction)) => (whole, Some(fraction)),
            None => (mantissa, None),
        };
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        if ![Some(whole), fraction, exponent].into_iter().flatten().all(digits) {
            return Self::Text;
        }
        let zero = |part: &str| part.bytes().all(|byte| byte == b'0');
        let padded = whole.len() > 1 && whole.starts_with('0');
        let negative_zero = text.starts_with('-') && fraction.is_none() && zero(whole);
        if exponent.is_some()
            || text.starts_with('+')
            || padded
            || negative_zero
            || fraction.is_some_and(zero)
        {
            return Self::Ambiguous;
        }
        match Number::parse(text) {
            Some(number) if !fraction.is_some_and(|fraction| fraction.ends_with('0')) => Self::Number(number),
            _ => Self::Text,
        }
    }
}
