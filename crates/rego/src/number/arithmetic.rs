//! Arithmetic.

use num_bigint::BigInt;

use super::bounds::{MAX_DIGITS, MAX_MAGNITUDE, NumberError};
use super::float::{Float, PRECISION, signed};
use super::repr::{Number, Repr};

/// The precision that OPA's `product` starts with and therefore keeps: a double's.
const PRODUCT_PRECISION: u32 = 53;

/// A whole number: an integer times a power of ten, so that `1e9000` is not written out to be computed with.
pub(super) struct Whole {
    value: BigInt,
    power: u32,
}

impl Whole {
    pub(super) fn into_integer(self) -> BigInt {
        self.value * BigInt::from(10_u8).pow(self.power)
    }

    fn into_number(self) -> Result<Number, NumberError> {
        if self.power == 0 {
            return Number::from_integer(&self.value);
        }
        if self.power > MAX_MAGNITUDE.unsigned_abs() {
            return Err(NumberError::TooLarge);
        }
        if self.value == BigInt::ZERO {
            return Ok(Number::from(0));
        }
        let mut text = self.value.to_string();
        text.extend(std::iter::repeat_n('0', self.power as usize));
        Number::parse(&text).ok_or(NumberError::TooLarge)
    }

    /// Both as multiples of the same power of ten.
    fn align(self, other: Self) -> Result<(BigInt, BigInt, u32), NumberError> {
        let power = match (self.value == BigInt::ZERO, other.value == BigInt::ZERO) {
            (true, _) => other.power,
            (_, true) => self.power,
            _ => self.power.min(other.power),
        };
        let widen = |whole: Self| {
            let places = whole.power.saturating_sub(power);
            // Three bits are less than a digit; what has clearly too many digits is not written out.
            let digits = whole.value.bits() / 4 + u64::from(places);
            if digits > 2 * MAX_DIGITS as u64 {
                return Err(NumberError::TooLarge);
            }
            Ok(whole.value * BigInt::from(10_u8).pow(places))
        };
        Ok((widen(self)?, widen(other)?, power))
    }

    fn add(self, other: Self) -> Result<Number, NumberError> {
        let (a, b, power) = self.align(other)?;
        Self { value: a + b, power }.into_number()
    }

    fn sub(self, other: Self) -> Result<Number, NumberError> {
        let (a, b, power) = self.align(other)?;
        Self { value: a - b, power }.into_number()
    }

    fn mul(self, other: Self) -> Result<Number, NumberError> {
        Self { value: self.value * other.value, power: self.power.saturating_add(other.power) }.into_number()
    }

    fn rem(self, other: Self) -> Result<Number, NumberError> {
        if other.value == BigInt::ZERO {
            return Err(NumberError::DivideByZero);
        }
        // The sign is that of the dividend, as with Rust's integers.
        Number::from_integer(&(self.into_integer() % other.into_integer()))
    }
}

impl Number {
    /// The whole number, where it is one.
    pub fn as_integer(&self) -> Option<BigInt> {
        match &self.0 {
            Repr::Int(n) => Some(BigInt::from(*n)),
            Repr::Decimal(_) => self.whole().map(Whole::into_integer),
        }
    }

    /// The sum.
    ///
    /// # Errors
    /// When it is beyond the bounds of numbers.
    #[inline]
    pub fn add(&self, other: &Self) -> Result<Self, NumberError> {
        if let (Repr::Int(a), Repr::Int(b)) = (&self.0, &other.0)
            && let Some(sum) = a.checked_add(*b)
        {
            return Ok(Self::from(sum));
        }
        self.compute(other, Whole::add, Float::add)
    }

    /// The difference.
    ///
    /// # Errors
    /// When it is beyond the bounds of numbers.
    #[inline]
    pub fn sub(&self, other: &Self) -> Result<Self, NumberError> {
        if let (Repr::Int(a), Repr::Int(b)) = (&self.0, &other.0)
            && let Some(difference) = a.checked_sub(*b)
        {
            return Ok(Self::from(difference));
        }
        self.compute(other, Whole::sub, Float::sub)
    }

    /// The product.
    ///
    /// # Errors
    /// When it is beyond the bounds of numbers.
    #[inline]
    pub fn mul(&self, other: &Self) -> Result<Self, NumberError> {
        if let (Repr::Int(a), Repr::Int(b)) = (&self.0, &other.0)
            && let Some(product) = a.checked_mul(*b)
        {
            return Ok(Self::from(product));
        }
        self.compute(other, Whole::mul, |a, b| a.mul(b, PRECISION))
    }

    /// The quotient.
    ///
    /// # Errors
    /// When the divisor is zero or the quotient is beyond the bounds of numbers.
    pub fn div(&self, other: &Self) -> Result<Self, NumberError> {
        // Zero by a negative number is negative zero, which is no integer.
        if let (Repr::Int(a), Repr::Int(b)) = (&self.0, &other.0)
            && *a != 0
            && a.checked_rem(*b) == Some(0)
            && let Some(quotient) = a.checked_div(*b)
        {
            return Ok(Self::from(quotient));
        }
        // Larger whole numbers are divided as floats, too: so does OPA.
        let quotient = self.float().quo(other.float()).ok_or(NumberError::DivideByZero)?;
        Self::from_float(quotient, PRECISION)
    }

    /// The remainder of two whole numbers, with the sign of the first.
    ///
    /// # Errors
    /// When one is not whole, or the second is zero.
    pub fn rem(&self, other: &Self) -> Result<Self, NumberError> {
        if let (Repr::Int(a), Repr::Int(b)) = (&self.0, &other.0) {
            // The one overflow is of a division by -1, which leaves nothing.
            return match b {
                0 => Err(NumberError::DivideByZero),
                _ => Ok(Self::from(a.checked_rem(*b).unwrap_or(0))),
            };
        }
        match (self.whole(), other.whole()) {
            (Some(a), Some(b)) => a.rem(b),
            _ => Err(NumberError::NotWhole),
        }
    }

    /// Zero minus this.
    ///
    /// # Errors
    /// When it is beyond the bounds of numbers, which no number that was read comes to.
    pub fn neg(&self) -> Result<Self, NumberError> {
        Self::from(0).sub(self)
    }

    /// Without its sign.
    ///
    /// # Errors
    /// When it is beyond the bounds of numbers, as in all of these.
    pub fn abs(&self) -> Result<Self, NumberError> {
        if let Repr::Int(n) = &self.0 {
            return Ok(n.checked_abs().map_or_else(|| Self::from_u64(n.unsigned_abs()), Self::from));
        }
        Self::from_float(Float { negative: false, ..self.float() }, PRECISION)
    }

    /// To the nearest whole number, halves away from zero.
    ///
    /// # Errors
    /// When it is beyond the bounds of numbers.
    pub fn round(&self) -> Result<Self, NumberError> {
        if let Repr::Int(_) = &self.0 {
            return Ok(self.clone());
        }
        let float = self.float();
        let moved = if float.negative { float.sub(Float::HALF) } else { float.add(Float::HALF) };
        Self::from_integer(&moved.truncate())
    }

    /// To a whole number that is not less. As in OPA, what lies between -1 and 0 becomes 1.
    ///
    /// # Errors
    /// When it is beyond the bounds of numbers.
    pub fn ceil(&self) -> Result<Self, NumberError> {
        if let Repr::Int(_) = &self.0 {
            return Ok(self.clone());
        }
        let float = self.float();
        let whole = float.truncate();
        if whole < BigInt::ZERO || float.is_whole() {
            return Self::from_integer(&whole);
        }
        Self::from_integer(&(whole + 1))
    }

    /// To a whole number that is not greater. As in OPA, what lies between -1 and 0 becomes 0.
    ///
    /// # Errors
    /// When it is beyond the bounds of numbers.
    pub fn floor(&self) -> Result<Self, NumberError> {
        if let Repr::Int(_) = &self.0 {
            return Ok(self.clone());
        }
        let float = self.float();
        let whole = float.truncate();
        if whole >= BigInt::ZERO || float.is_whole() {
            return Self::from_integer(&whole);
        }
        Self::from_integer(&(whole - 1))
    }

    /// The sum of all: exact where all are whole.
    ///
    /// # Errors
    /// When it is beyond the bounds of numbers.
    pub fn sum<'a>(numbers: impl Iterator<Item = &'a Self> + Clone) -> Result<Self, NumberError> {
        if numbers.clone().all(Self::counts_as_whole) {
            return numbers.into_iter().try_fold(Self::from(0), |sum, number| sum.add(number));
        }
        let sum = numbers.into_iter().fold(Float::of_integer(0), |sum, number| sum.add(number.float()));
        Self::from_float(sum, PRECISION)
    }

    /// The product of all: exact where all are whole, otherwise with the precision of a double.
    ///
    /// # Errors
    /// When it is beyond the bounds of numbers.
    pub fn product<'a>(numbers: impl Iterator<Item = &'a Self> + Clone) -> Result<Self, NumberError> {
        if numbers.clone().all(Self::counts_as_whole) {
            return Self::whole_product(numbers);
        }
        let multiply = |product: Float, number: &Self| product.mul(number.float(), PRODUCT_PRECISION);
        Self::from_float(numbers.into_iter().fold(Float::ONE, multiply), PRODUCT_PRECISION)
    }

    /// The product of whole numbers: what each step comes to is not made a number of its own.
    fn whole_product<'a>(numbers: impl Iterator<Item = &'a Self> + Clone) -> Result<Self, NumberError> {
        // More than a number has: a digit is more than three bits.
        const MOST: u64 = 4 * MAX_MAGNITUDE.unsigned_abs() as u64;
        let mut product = Whole { value: BigInt::from(1), power: 0 };
        for number in numbers.clone() {
            let Some(Whole { value, power }) = number.whole() else { return Err(NumberError::NotWhole) };
            if value == BigInt::ZERO {
                return Ok(Self::from(0));
            }
            product = Whole { value: product.value * value, power: product.power.saturating_add(power) };
            if product.value.bits() > MOST || u64::from(product.power) > MOST {
                let zero = Self::from(0);
                let any = numbers.clone().any(|number| *number == zero);
                return if any { Ok(zero) } else { Err(NumberError::TooLarge) };
            }
        }
        product.into_number()
    }

    #[cold]
    fn compute(
        &self,
        other: &Self,
        exact: impl Fn(Whole, Whole) -> Result<Self, NumberError>,
        rounded: impl Fn(Float, Float) -> Float,
    ) -> Result<Self, NumberError> {
        match (self.whole(), other.whole()) {
            (Some(a), Some(b)) => exact(a, b),
            _ => Self::from_float(rounded(self.float(), other.float()), PRECISION),
        }
    }

    fn float(&self) -> Float {
        match &self.0 {
            Repr::Int(n) => Float::of_integer(*n),
            Repr::Decimal(decimal) => Float::of_decimal(decimal),
        }
    }

    fn from_float(float: Float, precision: u32) -> Result<Self, NumberError> {
        if let Some(n) = float.as_i64() {
            return Ok(Self::from(n));
        }
        // Looked at before the text is made: a bit is less than a third of a digit.
        let most = MAX_MAGNITUDE.saturating_mul(4);
        if float.exponent.saturating_abs() > most {
            return Err(NumberError::TooLarge);
        }
        Self::parse(&float.text(precision)).ok_or(NumberError::TooLarge)
    }

    /// Whether it is whole, or so near that its float is.
    fn counts_as_whole(&self) -> bool {
        self.is_integer() || self.float().is_whole()
    }

    /// The whole number that it counts as.
    pub(super) fn whole(&self) -> Option<Whole> {
        match &self.0 {
            Repr::Int(n) => Some(Whole { value: BigInt::from(*n), power: 0 }),
            Repr::Decimal(decimal) if decimal.is_whole() => {
                let (value, power) = decimal.coefficient();
                let power = u32::try_from(power).unwrap_or(0);
                Some(Whole { value: signed(decimal.is_negative(), value), power })
            }
            Repr::Decimal(decimal) => {
                let float = Float::of_decimal(decimal);
                float.is_whole().then(|| Whole { value: float.truncate(), power: 0 })
            }
        }
    }
}
