//! The representation of numbers: parsing and comparison.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use num_bigint::BigInt;

use super::bounds::{MAX_MAGNITUDE, NumberError};
use super::decimal::{Decimal, Key, Limits};

/// A number. Cheap to clone; one that fits 64 bits costs no memory beside itself.
#[derive(Clone)]
pub struct Number(pub(super) Repr);

#[derive(Clone)]
pub(super) enum Repr {
    /// Written as a plain integer.
    Int(i64),
    /// All others, `1.0` and `-0` among them.
    Decimal(Arc<Decimal>),
}

impl Number {
    /// Reads a JSON number (RFC 8259 section 6); `None` where it is not one, or is beyond `MAX_TEXT`,
    /// `MAX_DIGITS` or `MAX_MAGNITUDE`.
    pub fn parse(text: &str) -> Option<Self> {
        if let Some(n) = plain_integer(text.as_bytes()) {
            return Some(Self(Repr::Int(n)));
        }
        Decimal::parse(text, &Limits::NORMAL).map(Self::from_decimal)
    }

    /// The number as an integer, where it is whole and small enough; `1.0` is.
    pub fn as_i64(&self) -> Option<i64> {
        match &self.0 {
            Repr::Int(n) => Some(*n),
            Repr::Decimal(decimal) => decimal.as_i64(),
        }
    }

    /// The integer, where it is written as one and small enough; `1.0` and `1e2` are not. What OPA takes as an index
    /// or a count.
    pub const fn as_plain_i64(&self) -> Option<i64> {
        match &self.0 {
            Repr::Int(n) => Some(*n),
            Repr::Decimal(_) => None,
        }
    }

    /// The nearest double; infinite beyond its range.
    pub fn as_f64(&self) -> f64 {
        match &self.0 {
            Repr::Int(n) => *n as f64,
            Repr::Decimal(decimal) => decimal.text().parse().unwrap_or(f64::NAN),
        }
    }

    /// Whether it is whole; `1.0` is.
    pub fn is_integer(&self) -> bool {
        match &self.0 {
            Repr::Int(_) => true,
            Repr::Decimal(decimal) => decimal.is_whole(),
        }
    }

    /// From a double, written as Go's JSON encoder does; `None` for what is not finite.
    pub fn from_f64(value: f64) -> Option<Self> {
        if !value.is_finite() {
            return None;
        }
        let magnitude = value.abs();
        if value == 0.0 || (1e-6..1e21).contains(&magnitude) {
            return Self::parse(&value.to_string());
        }
        let text = format!("{value:e}");
        // An exponent that is not negative has its sign written.
        let signed = if text.contains("e-") { text } else { text.replace('e', "e+") };
        Self::parse(&signed)
    }

    /// From an unsigned integer.
    pub fn from_u64(value: u64) -> Self {
        i64::try_from(value).map_or_else(|_| Self::from(BigInt::from(value)), Self::from)
    }

    /// From a whole number of any size.
    ///
    /// # Errors
    /// When it is beyond `MAX_DIGITS` or `MAX_MAGNITUDE`.
    pub fn from_integer(value: &BigInt) -> Result<Self, NumberError> {
        if let Ok(n) = i64::try_from(value) {
            return Ok(Self::from(n));
        }
        // Looked at before the text is made, which takes time that grows with the square of the length.
        let most_bits = (MAX_MAGNITUDE.unsigned_abs() as u64 + 1) * 10 / 3;
        if value.bits() > most_bits {
            return Err(NumberError::TooLarge);
        }
        Self::parse(&value.to_string()).ok_or(NumberError::TooLarge)
    }

    fn from_decimal(decimal: Decimal) -> Self {
        Self(Repr::Decimal(Arc::new(decimal)))
    }

    /// What the value is made of, whichever way it is kept.
    fn key(&self) -> Key<'_> {
        match &self.0 {
            Repr::Int(n) => Key::of_integer(*n),
            Repr::Decimal(decimal) => decimal.key(),
        }
    }

    #[cold]
    fn compare_decimals(&self, other: &Self) -> Ordering {
        self.key().compare(&other.key())
    }
}

/// The value of what is written as an integer that fits 64 bits. Not `-0`, which keeps its sign.
fn plain_integer(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    match digits {
        [] => return None,
        [b'0'] => return (!negative).then_some(0),
        [b'0', ..] => return None,
        _ if digits.len() > 19 => return None,
        _ => {}
    }
    let mut value = 0_u64;
    for byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        // 19 digits are less than 2 to the 64.
        value = value.wrapping_mul(10).wrapping_add(u64::from(digit));
    }
    if negative { 0_i64.checked_sub_unsigned(value) } else { i64::try_from(value).ok() }
}

impl From<i64> for Number {
    fn from(n: i64) -> Self {
        Self(Repr::Int(n))
    }
}

/// For what is known to be of a reasonable size; [`Number::from_integer`] checks.
impl From<BigInt> for Number {
    fn from(n: BigInt) -> Self {
        if let Ok(n) = i64::try_from(&n) {
            return Self::from(n);
        }
        Decimal::parse(&n.to_string(), &Limits::NONE).map_or(Self(Repr::Int(0)), Self::from_decimal)
    }
}

impl Ord for Number {
    #[inline]
    fn cmp(&self, other: &Self) -> Ordering {
        match (&self.0, &other.0) {
            (Repr::Int(a), Repr::Int(b)) => a.cmp(b),
            _ => self.compare_decimals(other),
        }
    }
}

impl PartialOrd for Number {
    #[inline]
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Number {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Number {}

impl Hash for Number {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self.as_i64() {
            Some(n) => n.hash(state),
            None => self.key().hash(state),
        }
    }
}

/// As it was written.
impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Repr::Int(n) => n.fmt(f),
            Repr::Decimal(decimal) => f.pad(decimal.text()),
        }
    }
}

impl fmt::Debug for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
