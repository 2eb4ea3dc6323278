//! The shortest decimal text of a binary floating point number.
//!
//! The rules, and where they are not those of the nearest shortest decimal their oddities, are those of Go's
//! `math/big`, as numbers are shown to the reader.

use num_bigint::BigUint;

use super::float::Float;

/// More digits than any decision below looks at: 21 tell any two mantissas apart.
const ENOUGH: i32 = 24;

/// Digits with the point before the first of them, times ten to the `exponent`.
struct Digits {
    digits: Vec<u8>,
    exponent: i32,
}

impl Float {
    /// The shortest text that names this value and no other of `precision` bits: whole numbers in full, others with an
    /// exponent where they are less than 0.0001 or at least 1,000,000.
    pub(super) fn text(&self, precision: u32) -> String {
        text(self, precision)
    }
}

fn text(float: &Float, precision: u32) -> String {
    let sign = if float.negative { "-" } else { "" };
    if float.is_zero() {
        return format!("{sign}0");
    }
    let Digits { digits, exponent } = shortest(float, precision);
    let digits = String::from_utf8(digits).unwrap_or_default();
    let count = i32::try_from(digits.len()).unwrap_or(i32::MAX);
    let zeros = |n: i32| "0".repeat(usize::try_from(n).unwrap_or(0));
    if float.is_whole() {
        // A whole number may round to a shorter one, never to a fraction.
        return format!("{sign}{digits}{}", zeros(exponent - count));
    }
    if !(-4..6).contains(&(exponent - 1)) {
        let (first, rest) = digits.split_at_checked(1).unwrap_or((&digits, ""));
        let point = if rest.is_empty() { "" } else { "." };
        let (minus, power) = if exponent < 1 { ('-', 1 - exponent) } else { ('+', exponent - 1) };
        return format!("{sign}{first}{point}{rest}e{minus}{power:02}");
    }
    if exponent <= 0 {
        return format!("{sign}0.{}{digits}", zeros(-exponent));
    }
    match digits.split_at_checked(usize::try_from(exponent).unwrap_or(0)) {
        Some((whole, fraction)) if !fraction.is_empty() => format!("{sign}{whole}.{fraction}"),
        _ => format!("{sign}{digits}{}", zeros(exponent - count)),
    }
}

/// The least digits that name this number and no other of `precision` bits.
fn shortest(float: &Float, precision: u32) -> Digits {
    let unused = 64_u32.saturating_sub(precision);
    // In units of half the last bit of a 64-bit mantissa, of which half the last bit in use is a multiple.
    let value = u128::from(float.mantissa) << 1;
    let half = 1_u128 << unused;
    let power = float.exponent.saturating_sub(1);
    let lower = expand(value - half, power);
    let upper = expand(value + half, power);
    let mut exact = expand(value, power);
    // A number at the border is read as the one with the even mantissa.
    let inclusive = float.mantissa.checked_shr(unused).unwrap_or(0) & 1 == 0;

    let at = |bound: &Digits, at: usize| bound.digits.get(at).copied().unwrap_or(b'0');
    for (place, digit) in exact.digits.iter().copied().enumerate() {
        let (low, high) = (at(&lower, place), at(&upper, place));
        let down = low != digit || (inclusive && place + 1 == lower.digits.len());
        let up = digit != high && (inclusive || digit + 1 < high || place + 1 < upper.digits.len());
        let keep = place + 1;
        if down || up {
            if up && (!down || exact.is_nearer_above(keep)) {
                exact.round_up(keep);
            } else {
                exact.cut(keep);
            }
            break;
        }
    }
    exact
}

/// `value` times 2 to the `power`, in decimal. Where there are more digits than [`ENOUGH`], a last one that is not zero
/// stands for the others.
fn expand(value: u128, power: i32) -> Digits {
    let bits = i64::from(128 - value.leading_zeros());
    let magnitude = ((i64::from(power) + bits) as f64 * std::f64::consts::LOG10_2) as i32;
    let scale = ENOUGH.saturating_sub(magnitude);
    // Times ten to the scale: five to the scale, and two.
    let five = BigUint::from(5_u8).pow(scale.unsigned_abs());
    let shift = power.saturating_add(scale);
    let (left, right) = (u64::from(shift.max(0).unsigned_abs()), u64::from(shift.min(0).unsigned_abs()));
    let (dividend, divisor) = if scale >= 0 {
        ((BigUint::from(value) * five) << left, BigUint::from(1_u8) << right)
    } else {
        (BigUint::from(value) << left, five << right)
    };
    let quotient = &dividend / &divisor;
    let more = dividend != &quotient * divisor;
    let mut digits = quotient.to_string().into_bytes();
    let exponent = i32::try_from(digits.len()).unwrap_or(i32::MAX).saturating_sub(scale);
    if more {
        digits.push(b'1');
    }
    let mut expanded = Digits { digits, exponent };
    expanded.trim();
    expanded
}

impl Digits {
    /// Whether, of the two numbers with `keep` digits beside this one, the greater is the nearer; between equals the
    /// even one.
    fn is_nearer_above(&self, keep: usize) -> bool {
        let next = self.digits.get(keep).copied().unwrap_or(b'0');
        if next == b'5' && keep + 1 == self.digits.len() {
            let last = keep.checked_sub(1).and_then(|at| self.digits.get(at)).copied().unwrap_or(b'0');
            return last % 2 == 1;
        }
        next >= b'5'
    }

    fn cut(&mut self, keep: usize) {
        self.digits.truncate(keep);
        self.trim();
    }

    fn round_up(&mut self, keep: usize) {
        if keep >= self.digits.len() {
            return;
        }
        self.digits.truncate(keep);
        while self.digits.last() == Some(&b'9') {
            self.digits.pop();
        }
        match self.digits.last_mut() {
            Some(digit) => *digit += 1,
            None => {
                self.digits.push(b'1');
                self.exponent = self.exponent.saturating_add(1);
            }
        }
    }

    fn trim(&mut self) {
        while self.digits.last() == Some(&b'0') {
            self.digits.pop();
        }
    }
}
