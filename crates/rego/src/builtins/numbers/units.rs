//! `units.*`

use num_bigint::BigInt;

use crate::builtins::context::{Context, text};
use crate::builtins::error::Error;
use crate::value::{Number, Value};

/// The most characters of an amount, and the greatest exponent: more would only take time.
const LONGEST: usize = 1000;
const GREATEST_EXPONENT: i64 = 1000;

/// An amount: `digits` times ten to the power of `exponent`.
struct Decimal {
    digits: BigInt,
    exponent: i64,
}

enum Wrong {
    Form,
    Exponent,
}

impl Decimal {
    fn read(text: &str) -> Result<Self, Wrong> {
        let (mantissa, exponent) = match text.find(['e', 'E']) {
            Some(at) => {
                let (mantissa, exponent) = text.split_at_checked(at).ok_or(Wrong::Form)?;
                (mantissa, exponent.get(1..).unwrap_or_default())
            }
            None => (text, "0"),
        };
        let sign = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        if sign.is_empty() || !sign.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(Wrong::Form);
        }
        let exponent: i64 = exponent.parse().map_err(|_| Wrong::Exponent)?;
        if exponent.abs() > GREATEST_EXPONENT {
            return Err(Wrong::Exponent);
        }
        let unsigned = mantissa.strip_prefix(['+', '-']).unwrap_or(mantissa);
        let (whole, part) = unsigned.split_once('.').unwrap_or((unsigned, ""));
        let digits = format!("{whole}{part}");
        if digits.is_empty() || text.len() > LONGEST || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(Wrong::Form);
        }
        let digits: BigInt = digits.parse().map_err(|_| Wrong::Form)?;
        let digits = if mantissa.starts_with('-') { -digits } else { digits };
        Ok(Self { digits, exponent: exponent - part.len() as i64 })
    }

    /// The amount as a fraction.
    fn fraction(self) -> (BigInt, BigInt) {
        let power = BigInt::from(10).pow(u32::try_from(self.exponent.unsigned_abs()).unwrap_or(0));
        if self.exponent < 0 { (self.digits, power) } else { (self.digits * power, BigInt::from(1)) }
    }
}

/// The number and the unit of a text.
fn split(text: &str) -> (&str, &str) {
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'0'..=b'9' | b'.' | b'+' | b'-' => at += 1,
            // An exponent, if a number follows; else a unit.
            b'e' | b'E' => match bytes.get(at + 1) {
                Some(b'+' | b'-') => at += 2,
                Some(b'0'..=b'9') => at += 1,
                _ => break,
            },
            _ => break,
        }
    }
    text.split_at_checked(at).unwrap_or((text, ""))
}

/// Whether an exponent has more digits than OPA reads.
fn has_long_exponent(amount: &str) -> bool {
    amount.split_once(['e', 'E']).is_some_and(|(_, exponent)| exponent.trim_matches(['+', '-']).len() > 6)
}

/// The words of one of the two functions.
struct Words {
    function: &'static str,
    what: &'static str,
}

impl Words {
    // The name stands there twice, because the caller puts it before the message once more: so does OPA.
    fn error(&self, message: &str) -> Error {
        Error::failed(format!("{}: {message}", self.function))
    }

    fn read(&self, amount: &str) -> Result<(BigInt, BigInt), Error> {
        match Decimal::read(amount) {
            Ok(decimal) => Ok(decimal.fraction()),
            Err(Wrong::Form) => Err(self.error(&format!("could not parse {}amount to a number", self.what))),
            Err(Wrong::Exponent) => Err(self.error("exponent too large")),
        }
    }

    fn split<'a>(&self, text: &'a str) -> Result<(&'a str, &'a str), Error> {
        if text.contains(' ') {
            return Err(self.error("spaces not allowed in resource strings"));
        }
        match split(text) {
            ("", _) => Err(self.error(&format!("no {}amount provided", self.what))),
            // Told before an unknown unit.
            (amount, _) if has_long_exponent(amount) => Err(self.error("exponent too large")),
            parts => Ok(parts),
        }
    }
}

/// A unit by its letter: 1000 or 1024 to some power.
fn unit(letter: &str, base: u64) -> Option<BigInt> {
    let power = match letter {
        "" if base == 1000 => 0,
        "k" => 1,
        "m" => 2,
        "g" => 3,
        "t" => 4,
        "p" => 5,
        "e" => 6,
        _ => return None,
    };
    Some(BigInt::from(base).pow(power))
}

pub fn parse(_: &mut Context, args: &[Value]) -> Result<Option<Value>, Error> {
    let words = Words { function: "units.parse", what: "" };
    let text = text(args, 1)?.replace('"', "");
    let (amount, name) = words.split(&text)?;
    // Only the first letter's case counts, and it tells milli from mega.
    let mut letters = name.chars();
    let first = letters.next().map(String::from).unwrap_or_default();
    let name = format!("{first}{}", letters.as_str().to_lowercase());
    let ratio = match name.as_str() {
        // The double next to a thousandth, as in OPA.
        "m" => Some((BigInt::from(1_152_921_504_606_847_u64), BigInt::from(1) << 60)),
        "M" => unit("m", 1000).map(|unit| (unit, BigInt::from(1))),
        other => {
            let lower = other.to_lowercase();
            match lower.strip_suffix('i') {
                Some(letter) => unit(letter, 1024),
                None => unit(&lower, 1000),
            }
            .map(|unit| (unit, BigInt::from(1)))
        }
    };
    let (times, over) = ratio.ok_or_else(|| words.error(&format!("unit {name} not recognized")))?;
    let (above, below) = words.read(amount)?;
    let (above, below) = (above * times, below * over);
    if &above % &below == BigInt::ZERO {
        return Ok(Some(Value::from(Number::from(above / below))));
    }
    Ok(Number::parse(&ten_places(&above, &below)).map(Value::from))
}

/// A fraction with ten digits after the point, the last one rounded.
fn ten_places(above: &BigInt, below: &BigInt) -> String {
    let scaled = (above.magnitude() * 20_000_000_000_u64 + below.magnitude()) / (below.magnitude() * 2_u8);
    let digits = format!("{scaled:011}");
    let (whole, part) = digits.split_at_checked(digits.len() - 10).unwrap_or((&digits, ""));
    let sign = if *above < BigInt::ZERO { "-" } else { "" };
    format!("{sign}{whole}.{part}")
}

pub fn parse_bytes(_: &mut Context, args: &[Value]) -> Result<Option<Value>, Error> {
    let words = Words { function: "units.parse_bytes", what: "byte " };
    let text = text(args, 1)?.to_lowercase().replace('"', "");
    let (amount, name) = words.split(&text)?;
    let unknown = || words.error(&format!("byte unit {name} not recognized"));
    let unit = if name.is_empty() {
        BigInt::from(1)
    } else {
        let letter = name.strip_suffix('b').filter(|letter| !letter.is_empty()).unwrap_or(name);
        match letter.strip_suffix('i') {
            Some(letter) => unit(letter, 1024),
            None => unit(letter, 1000),
        }
        .ok_or_else(unknown)?
    };
    let (above, below) = words.read(amount)?;
    // Floats of 64 bits: the amount is rounded, and so is the product.
    let (mantissa, exponent) = round_64(above, &below);
    let (mantissa, product) = round_64(mantissa * unit, &BigInt::from(1));
    let total = shift(mantissa, exponent + product);
    Ok(Some(Value::from(Number::from(total))))
}

/// The nearest number of 64 significant bits to a fraction, of two equally near ones the even one: its bits, and the
/// power of two that they stand for.
fn round_64(above: BigInt, below: &BigInt) -> (BigInt, i64) {
    if above == BigInt::ZERO {
        return (above, 0);
    }
    let exponent = above.bits() as i64 - below.bits() as i64 - 66;
    let (top, bottom) = if exponent < 0 {
        (above << exponent.unsigned_abs(), below.clone())
    } else {
        (above, below << exponent.unsigned_abs())
    };
    // Two or three bits more than are wanted, and whether something is left over.
    let mut bits = &top / &bottom;
    if &top % &bottom != BigInt::ZERO {
        bits = (bits << 1) + if top < BigInt::ZERO { -1 } else { 1 };
    } else {
        bits <<= 1;
    }
    let exponent = exponent - 1;
    let surplus = bits.bits().saturating_sub(64);
    let negative = bits < BigInt::ZERO;
    let size = BigInt::from(bits.magnitude().clone());
    let unit = BigInt::from(1) << surplus;
    let half = &unit >> 1;
    let (mut kept, left) = (&size >> surplus, &size % &unit);
    if left > half || (left == half && kept.bit(0)) {
        kept += 1;
    }
    (if negative { -kept } else { kept }, exponent + surplus as i64)
}

/// Times a power of two; what is after the point is cut off.
fn shift(number: BigInt, exponent: i64) -> BigInt {
    if exponent >= 0 {
        number << exponent.unsigned_abs()
    } else {
        number / (BigInt::from(1) << exponent.unsigned_abs())
    }
}
