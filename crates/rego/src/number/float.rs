//! Binary floating point with 64 bits of mantissa, rounded to nearest, ties to even.

use std::cmp::Ordering;

use num_bigint::{BigInt, BigUint, Sign};

use super::decimal::Decimal;

/// The bits of a mantissa.
pub(super) const PRECISION: u32 = 64;

/// `mantissa` times 2 to the `exponent`. The highest bit of the mantissa is set, except in zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Float {
    pub(super) negative: bool,
    pub(super) mantissa: u64,
    pub(super) exponent: i32,
}

impl Float {
    pub(super) const ONE: Self = Self { negative: false, mantissa: 1 << 63, exponent: -63 };
    pub(super) const HALF: Self = Self { negative: false, mantissa: 1 << 63, exponent: -64 };

    pub(super) fn of_integer(n: i64) -> Self {
        round(n < 0, u128::from(n.unsigned_abs()), 0, false, PRECISION)
    }

    pub(super) fn of_decimal(decimal: &Decimal) -> Self {
        let negative = decimal.is_negative();
        if let Some((value, power)) = decimal.short() {
            if value == 0 {
                return Self { negative, mantissa: 0, exponent: 0 };
            }
            if let Some(float) = of_short(negative, value, power) {
                return float;
            }
        }
        let (value, power) = decimal.coefficient();
        let five = BigUint::from(5_u8).pow(power.unsigned_abs());
        if power >= 0 {
            let (top, shift, sticky) = top_bits(&(value * five));
            return round(negative, top, shift.saturating_add(power), sticky, PRECISION);
        }
        // The quotient shall have more bits than the mantissa, so that it can be rounded.
        let shift = (five.bits() + 2 + u64::from(PRECISION)).saturating_sub(value.bits());
        let dividend = value << shift;
        let quotient = &dividend / &five;
        let rest = dividend != &quotient * five;
        let (top, dropped, sticky) = top_bits(&quotient);
        let exponent = i64::from(dropped) + i64::from(power) - shift as i64;
        let exponent = i32::try_from(exponent).unwrap_or(i32::MIN / 2);
        round(negative, top, exponent, sticky || rest, PRECISION)
    }

    pub(super) const fn is_zero(&self) -> bool {
        self.mantissa == 0
    }

    pub(super) fn is_whole(&self) -> bool {
        self.is_zero() || self.exponent >= 0 || self.exponent.unsigned_abs() <= self.mantissa.trailing_zeros()
    }

    pub(super) fn negate(self) -> Self {
        Self { negative: !self.negative, ..self }
    }

    pub(super) fn add(self, other: Self) -> Self {
        if self.is_zero() || other.is_zero() {
            return match (self.is_zero(), other.is_zero()) {
                (true, true) => Self { negative: self.negative && other.negative, ..self },
                (true, false) => other,
                _ => self,
            };
        }
        // With their highest bits set, the greater exponent is of the greater number.
        let order = (self.exponent, self.mantissa).cmp(&(other.exponent, other.mantissa));
        let (great, small) = if order == Ordering::Less { (other, self) } else { (self, other) };
        let distance = great.exponent.abs_diff(small.exponent);
        let exponent = great.exponent.saturating_sub(63);
        let high = u128::from(great.mantissa) << 63;
        let full = u128::from(small.mantissa) << 63;
        let low = full.checked_shr(distance).unwrap_or(0);
        let sticky = low.checked_shl(distance).unwrap_or(0) != full;
        if great.negative == small.negative {
            return round(great.negative, high + low, exponent, sticky, PRECISION);
        }
        if order == Ordering::Equal {
            return Self { negative: false, mantissa: 0, exponent: 0 };
        }
        // What was shifted out is part of what is taken away.
        round(great.negative, high - low - u128::from(sticky), exponent, sticky, PRECISION)
    }

    pub(super) fn sub(self, other: Self) -> Self {
        self.add(other.negate())
    }

    /// The product, rounded to as many bits.
    pub(super) fn mul(self, other: Self, precision: u32) -> Self {
        let product = u128::from(self.mantissa) * u128::from(other.mantissa);
        let exponent = self.exponent.saturating_add(other.exponent);
        round(self.negative != other.negative, product, exponent, false, precision)
    }

    /// The quotient; the divisor is not zero.
    pub(super) fn quo(self, other: Self) -> Option<Self> {
        let divisor = u128::from(other.mantissa);
        let dividend = u128::from(self.mantissa) << 64;
        let (quotient, rest) = (dividend.checked_div(divisor)?, dividend.checked_rem(divisor)?);
        // Two bits more, as the quotient may have no more than the mantissa.
        let (more, rest) = ((rest << 2).checked_div(divisor)?, (rest << 2).checked_rem(divisor)?);
        let exponent = self.exponent.saturating_sub(other.exponent).saturating_sub(66);
        Some(round(self.negative != other.negative, (quotient << 2) | more, exponent, rest != 0, PRECISION))
    }

    /// Without what is behind the point.
    pub(super) fn truncate(&self) -> BigInt {
        let value = if self.exponent >= 0 {
            BigUint::from(self.mantissa) << self.exponent
        } else {
            BigUint::from(self.mantissa.checked_shr(self.exponent.unsigned_abs()).unwrap_or(0))
        };
        signed(self.negative, value)
    }

    /// The value, where it is whole and fits 64 bits; not of negative zero.
    pub(super) fn as_i64(&self) -> Option<i64> {
        if !self.is_whole() || self.exponent > 0 || (self.is_zero() && self.negative) {
            return None;
        }
        let value = self.mantissa.checked_shr(self.exponent.unsigned_abs()).unwrap_or(0);
        if self.negative { 0_i64.checked_sub_unsigned(value) } else { i64::try_from(value).ok() }
    }
}

/// What has few digits and a small power of ten, without an allocation.
fn of_short(negative: bool, value: u64, power: i32) -> Option<Float> {
    // The greatest power of five that fits 64 bits.
    let five = u128::from(5_u64.checked_pow(power.unsigned_abs())?);
    if power >= 0 {
        return Some(round(negative, u128::from(value) * five, power, false, PRECISION));
    }
    let shift = 64 + value.leading_zeros();
    let dividend = u128::from(value) << shift;
    let (quotient, rest) = (dividend.checked_div(five)?, dividend.checked_rem(five)?);
    // At least 64 bits, and more than that where `five` is not the greatest.
    if quotient.leading_zeros() > 127 - PRECISION {
        return None;
    }
    Some(round(negative, quotient, power - shift as i32, rest != 0, PRECISION))
}

/// The highest 128 bits, how many bits are below them, and whether one of these is set.
fn top_bits(value: &BigUint) -> (u128, i32, bool) {
    let below = value.bits().saturating_sub(128);
    let sticky = below > 0 && value.trailing_zeros().is_some_and(|zeros| zeros < below);
    let top = u128::try_from(value >> below).unwrap_or(u128::MAX);
    (top, i32::try_from(below).unwrap_or(i32::MAX / 2), sticky)
}

/// `value` times 2 to the `exponent`, rounded to `precision` bits. `sticky` says that the number is greater than `value`
/// by less than one; `value` then has more bits than `precision`.
fn round(negative: bool, value: u128, exponent: i32, sticky: bool, precision: u32) -> Float {
    if value == 0 {
        return Float { negative, mantissa: 0, exponent: 0 };
    }
    let drop = (128 - value.leading_zeros()).saturating_sub(precision);
    let mut kept = value.checked_shr(drop).unwrap_or(0);
    if drop > 0 {
        let half = 1_u128 << (drop - 1);
        let rest = value & ((half << 1).wrapping_sub(1));
        let up = match rest.cmp(&half) {
            Ordering::Greater => true,
            Ordering::Equal => sticky || kept & 1 == 1,
            Ordering::Less => false,
        };
        kept += u128::from(up);
    }
    // Up to 65 bits where rounding carried; then the lowest is zero.
    let mut exponent = exponent.saturating_add(drop as i32);
    if kept >> 64 != 0 {
        kept >>= 1;
        exponent = exponent.saturating_add(1);
    }
    let mantissa = u64::try_from(kept).unwrap_or(u64::MAX);
    let shift = mantissa.leading_zeros();
    Float { negative, mantissa: mantissa << shift, exponent: exponent.saturating_sub(shift as i32) }
}

/// An integer of this sign.
pub(super) fn signed(negative: bool, value: BigUint) -> BigInt {
    BigInt::from_biguint(if negative { Sign::Minus } else { Sign::Plus }, value)
}
