//! Exact decimal numbers, for bounds.

use std::cmp::Ordering;

use num_bigint::BigInt;

use crate::value::Number;

/// `digits` times ten to the power of `exponent`, without zeros at the end of the digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decimal {
    negative: bool,
    digits: String,
    exponent: i64,
}

/// The greatest exponent between two numbers that are compared or divided digit by digit.
const FAR: i64 = 2000;

impl Decimal {
    /// Of a number.
    pub fn new(number: &Number) -> Option<Self> {
        let text = number.to_string();
        let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((&text, "0"));
        let exponent: i64 = exponent.parse().ok()?;
        let (negative, mantissa) = mantissa.strip_prefix('-').map_or((false, mantissa), |rest| (true, rest));
        let (whole, part) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all = format!("{whole}{part}");
        let all = all.trim_start_matches('0');
        let digits = all.trim_end_matches('0').to_string();
        let exponent = exponent.checked_sub(i64::try_from(part.len()).ok()?)?;
        let exponent = exponent.checked_add(i64::try_from(all.len() - digits.len()).ok()?)?;
        let exponent = if digits.is_empty() { 0 } else { exponent };
        Some(Self { negative: negative && !digits.is_empty(), digits, exponent })
    }

    /// Whether it is whole.
    pub const fn is_whole(&self) -> bool {
        self.exponent >= 0
    }

    /// Whether it is more than zero.
    pub const fn is_positive(&self) -> bool {
        !self.negative && !self.digits.is_empty()
    }

    /// The exponent of the first digit.
    fn order(&self) -> i64 {
        self.exponent.saturating_add(i64::try_from(self.digits.len()).unwrap_or(i64::MAX))
    }

    fn compare_size(&self, other: &Self) -> Ordering {
        match (self.digits.is_empty(), other.digits.is_empty()) {
            (true, true) => Ordering::Equal,
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
            (false, false) => self.order().cmp(&other.order()).then_with(|| self.digits.cmp(&other.digits)),
        }
    }

    /// Compares two numbers.
    pub fn compare(&self, other: &Self) -> Ordering {
        match (self.negative, other.negative) {
            (false, true) => Ordering::Greater,
            (true, false) => Ordering::Less,
            (false, false) => self.compare_size(other),
            (true, true) => other.compare_size(self),
        }
    }

    /// Whether it is a whole multiple of another; far too different numbers count as such only if that is sure.
    pub fn is_multiple_of(&self, other: &Self) -> bool {
        if self.digits.is_empty() {
            return true;
        }
        let least = self.exponent.min(other.exponent);
        let (up, down) = (self.exponent.saturating_sub(least), other.exponent.saturating_sub(least));
        if up > FAR || down > FAR || self.digits.len() > 2000 || other.digits.len() > 2000 {
            return false;
        }
        let whole = |digits: &str, power: i64| {
            let digits: BigInt = digits.parse().unwrap_or_default();
            digits * BigInt::from(10).pow(u32::try_from(power).unwrap_or(0))
        };
        let divisor = whole(&other.digits, down);
        divisor != BigInt::ZERO && whole(&self.digits, up) % divisor == BigInt::ZERO
    }
}

/// As Go writes floats of 64 bits in messages: the shortest text, with an exponent from six digits on.
impl std::fmt::Display for Decimal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let sign = if self.negative { "-" } else { "" };
        let Some((first, rest)) = self.digits.split_at_checked(1) else { return f.write_str("0") };
        let exponent = self.order().saturating_sub(1);
        if !(-4..6).contains(&exponent) {
            let point = if rest.is_empty() { "" } else { "." };
            let side = if exponent < 0 { '-' } else { '+' };
            return write!(f, "{sign}{first}{point}{rest}e{side}{:02}", exponent.unsigned_abs());
        }
        if exponent < 0 {
            let zeros = usize::try_from(-exponent - 1).unwrap_or(0);
            return write!(f, "{sign}0.{}{}", "0".repeat(zeros), self.digits);
        }
        let whole = usize::try_from(exponent + 1).unwrap_or(1);
        match self.digits.split_at_checked(whole) {
            Some((whole, "")) => write!(f, "{sign}{whole}"),
            Some((whole, part)) => write!(f, "{sign}{whole}.{part}"),
            None => write!(f, "{sign}{}{}", self.digits, "0".repeat(whole - self.digits.len())),
        }
    }
}
