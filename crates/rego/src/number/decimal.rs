//! Decimal numbers in their original text, prepared for comparison.

use std::cmp::Ordering;
use std::hash::{Hash, Hasher};

use num_bigint::BigUint;

use super::bounds::{MAX_DIGITS, MAX_MAGNITUDE, MAX_TEXT};

/// How many digits `lead` has: as many as always fit 64 bits.
const LEAD: u32 = 19;
/// Texts up to this length are kept without an allocation of their own.
const SHORT: usize = 22;

pub(super) struct Decimal {
    text: Text,
    negative: bool,
    /// Whether digits other than zero follow those in `lead`.
    longer: bool,
    /// The power of ten of the first significant digit.
    magnitude: i32,
    /// The first 19 significant digits, filled up with zeros at the right; 0 only for zero.
    lead: u64,
}

enum Text {
    Short(u8, [u8; SHORT]),
    Long(Box<str>),
}

/// What is refused, so that no text costs more than its length.
pub(super) struct Limits {
    text: usize,
    digits: usize,
    magnitude: i32,
}

impl Limits {
    pub(super) const NORMAL: Self = Self { text: MAX_TEXT, digits: MAX_DIGITS, magnitude: MAX_MAGNITUDE };
    pub(super) const NONE: Self = Self { text: usize::MAX, digits: usize::MAX, magnitude: i32::MAX };
}

/// The value of a number in the order of what decides between two: sign, magnitude, digits.
pub(super) struct Key<'a> {
    sign: i8,
    magnitude: i32,
    lead: u64,
    /// Where digits beyond `lead` are found.
    rest: Option<&'a Decimal>,
}

impl Decimal {
    pub(super) fn parse(text: &str, limits: &Limits) -> Option<Self> {
        if text.len() > limits.text {
            return None;
        }
        let (negative, rest) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let (whole, rest) = split_digits(rest);
        if whole.is_empty() || (whole.len() > 1 && whole.starts_with('0')) {
            return None;
        }
        let (fraction, rest) = match rest.strip_prefix('.') {
            Some(rest) => Some(split_digits(rest)).filter(|(fraction, _)| !fraction.is_empty())?,
            None => ("", rest),
        };
        let exponent = match rest.strip_prefix(['e', 'E']) {
            Some(exponent) => read_exponent(exponent)?,
            None if rest.is_empty() => 0,
            None => return None,
        };

        let (mut zeros, mut lead, mut taken) = (0_i64, 0_u64, 0_u32);
        let (mut significant, mut last) = (0_usize, 0_usize);
        let mut longer = false;
        for byte in whole.bytes().chain(fraction.bytes()) {
            let digit = u64::from(byte.wrapping_sub(b'0'));
            if significant == 0 && digit == 0 {
                zeros += 1;
                continue;
            }
            significant += 1;
            if digit != 0 {
                last = significant;
            }
            if taken < LEAD {
                lead = lead * 10 + digit;
                taken += 1;
            } else {
                longer |= digit != 0;
            }
        }
        let text = Text::new(text);
        if lead == 0 {
            return Some(Self { text, negative, longer: false, magnitude: 0, lead: 0 });
        }
        let places = i64::try_from(whole.len()).ok()?;
        let magnitude = i32::try_from(places.checked_sub(1 + zeros)?.checked_add(exponent)?).ok()?;
        if last > limits.digits || !(-limits.magnitude..=limits.magnitude).contains(&magnitude) {
            return None;
        }
        lead *= 10_u64.pow(LEAD - taken);
        Some(Self { text, negative, longer, magnitude, lead })
    }

    pub(super) fn text(&self) -> &str {
        match &self.text {
            Text::Short(length, bytes) => bytes
                .get(..usize::from(*length))
                .and_then(|bytes| std::str::from_utf8(bytes).ok())
                .unwrap_or_default(),
            Text::Long(text) => text,
        }
    }

    pub(super) const fn is_negative(&self) -> bool {
        self.negative
    }

    pub(super) fn as_i64(&self) -> Option<i64> {
        if self.lead == 0 {
            return Some(0);
        }
        let places = LEAD - 1;
        let magnitude = u32::try_from(self.magnitude).ok().filter(|m| !self.longer && *m <= places)?;
        let unit = 10_u64.pow(places - magnitude);
        if !self.lead.is_multiple_of(unit) {
            return None;
        }
        let value = self.lead / unit;
        if self.negative { 0_i64.checked_sub_unsigned(value) } else { i64::try_from(value).ok() }
    }

    /// Whether no significant digit stands behind the point.
    pub(super) fn is_whole(&self) -> bool {
        self.lead == 0 || self.exponent() >= 0
    }

    /// The power of ten of the last digit that is not zero.
    fn exponent(&self) -> i32 {
        let count = if self.longer {
            let mut last = 0;
            for (at, digit) in (1..).zip(self.digits()) {
                if digit != b'0' {
                    last = at;
                }
            }
            last
        } else {
            let (mut count, mut rest) = (LEAD as i32, self.lead);
            while rest != 0 && rest.is_multiple_of(10) {
                rest /= 10;
                count -= 1;
            }
            count
        };
        self.magnitude.saturating_sub(count - 1)
    }

    /// The value without its sign as an integer that does not end in zero, and a power of ten; where it fits, in 64
    /// bits.
    pub(super) fn short(&self) -> Option<(u64, i32)> {
        if self.longer {
            return None;
        }
        let exponent = self.exponent();
        let zeros = exponent - (self.magnitude - (LEAD as i32 - 1));
        Some((self.lead / 10_u64.checked_pow(u32::try_from(zeros).ok()?)?, exponent))
    }

    /// The same at any size.
    pub(super) fn coefficient(&self) -> (BigUint, i32) {
        if let Some((value, exponent)) = self.short() {
            return (BigUint::from(value), exponent);
        }
        let mut digits: Vec<u8> = self.digits().collect();
        while digits.last() == Some(&b'0') {
            digits.pop();
        }
        (BigUint::parse_bytes(&digits, 10).unwrap_or_default(), self.exponent())
    }

    /// The significant digits, and zeros after them where they are written.
    fn digits(&self) -> impl Iterator<Item = u8> {
        self.text()
            .bytes()
            .take_while(|byte| !matches!(byte, b'e' | b'E'))
            .filter(u8::is_ascii_digit)
            .skip_while(|digit| *digit == b'0')
    }

    pub(super) fn key(&self) -> Key<'_> {
        let sign = match (self.lead, self.negative) {
            (0, _) => 0,
            (_, true) => -1,
            (_, false) => 1,
        };
        Key { sign, magnitude: self.magnitude, lead: self.lead, rest: self.longer.then_some(self) }
    }
}

impl<'a> Key<'a> {
    pub(super) fn of_integer(n: i64) -> Key<'a> {
        let value = n.unsigned_abs();
        // At most 18, as the greatest value has 19 digits.
        let magnitude = value.checked_ilog10().unwrap_or_default();
        let lead = value.wrapping_mul(10_u64.pow(LEAD - 1 - magnitude));
        Key { sign: n.signum() as i8, magnitude: magnitude as i32, lead, rest: None }
    }

    pub(super) fn compare(&self, other: &Self) -> Ordering {
        self.sign.cmp(&other.sign).then_with(|| {
            let by_size = self
                .magnitude
                .cmp(&other.magnitude)
                .then(self.lead.cmp(&other.lead))
                .then_with(|| self.compare_rest(other));
            match self.sign {
                0 => Ordering::Equal,
                1 => by_size,
                _ => by_size.reverse(),
            }
        })
    }

    fn compare_rest(&self, other: &Self) -> Ordering {
        if self.rest.is_none() && other.rest.is_none() {
            return Ordering::Equal;
        }
        let (mut a, mut b) = (self.rest_digits(), other.rest_digits());
        loop {
            let pair = (a.next(), b.next());
            if pair == (None, None) {
                return Ordering::Equal;
            }
            match pair.0.unwrap_or(b'0').cmp(&pair.1.unwrap_or(b'0')) {
                Ordering::Equal => {}
                different => return different,
            }
        }
    }

    fn rest_digits(&self) -> impl Iterator<Item = u8> {
        self.rest.into_iter().flat_map(Decimal::digits).skip(LEAD as usize)
    }
}

/// Equal for equal values, however they are written.
impl Hash for Key<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.sign, self.magnitude, self.lead).hash(state);
        let mut zeros = 0_u32;
        for digit in self.rest_digits() {
            if digit == b'0' {
                zeros += 1;
            } else {
                (zeros, digit).hash(state);
                zeros = 0;
            }
        }
    }
}

impl Text {
    fn new(text: &str) -> Self {
        let mut bytes = [0; SHORT];
        match (bytes.get_mut(..text.len()), u8::try_from(text.len())) {
            (Some(start), Ok(length)) => {
                start.copy_from_slice(text.as_bytes());
                Self::Short(length, bytes)
            }
            _ => Self::Long(Box::from(text)),
        }
    }
}

/// The digits at the start, and what follows them.
fn split_digits(text: &str) -> (&str, &str) {
    let end = text.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, ""))
}

/// A power of ten; one that is out of all bounds becomes one that is still out of bounds.
fn read_exponent(text: &str) -> Option<i64> {
    const FAR: i64 = 1 << 40;
    let (negative, digits) = match text.as_bytes() {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] | digits => (false, digits),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let value = digits.iter().fold(0_i64, |value, digit| (value * 10 + i64::from(digit - b'0')).min(FAR));
    Some(if negative { -value } else { value })
}
