//! Floating-point numbers as Go's format strings write them.

/// More digits than a double has: all behind them are zeros.
const MOST_DIGITS: usize = 1100;

/// `%f`
pub fn fixed(number: f64, precision: usize) -> String {
    let mut written = format!("{number:.*}", precision.min(MOST_DIGITS));
    written.extend(std::iter::repeat_n('0', precision.saturating_sub(MOST_DIGITS)));
    written
}

/// The digits without a point, and the power of ten of the first one.
fn scientific(number: f64, precision: Option<usize>) -> (String, i32) {
    let written = match precision {
        Some(precision) => format!("{:.*e}", precision.min(MOST_DIGITS), number.abs()),
        None => format!("{:e}", number.abs()),
    };
    let (digits, exponent) = written.split_once('e').unwrap_or((&written, "0"));
    (digits.replace('.', ""), exponent.parse().unwrap_or(0))
}

fn assemble_exponential(negative: bool, digits: &str, exponent: i32, upper: bool) -> String {
    let (first, rest) = digits.split_at_checked(1).unwrap_or(("0", ""));
    let point = if rest.is_empty() { "" } else { "." };
    let (sign, letter) = (if negative { "-" } else { "" }, if upper { 'E' } else { 'e' });
    let direction = if exponent < 0 { '-' } else { '+' };
    format!("{sign}{first}{point}{rest}{letter}{direction}{:02}", exponent.unsigned_abs())
}

/// `%e`
pub fn exponential(number: f64, precision: usize, upper: bool) -> String {
    let (mut digits, exponent) = scientific(number, Some(precision));
    digits.extend(std::iter::repeat_n('0', precision.saturating_sub(MOST_DIGITS)));
    assemble_exponential(number.is_sign_negative(), &digits, exponent, upper)
}

/// `%g`: the shorter of both notations, without zeros at the end.
pub fn general(number: f64, precision: Option<usize>, upper: bool) -> String {
    let (digits, exponent) = scientific(number, precision.map(|precision| precision.max(1) - 1));
    let digits = match digits.trim_end_matches('0') {
        "" => "0",
        digits => digits,
    };
    let negative = number.is_sign_negative();
    // Where the point is.
    let point = if number == 0.0 { 0 } else { exponent + 1 };
    let count = if number == 0.0 { 0 } else { digits.len() as i32 };
    let limit = match precision {
        None => 6,
        Some(precision) => {
            let precision = i32::try_from(precision.max(1)).unwrap_or(i32::MAX);
            if precision > count && count >= point { count } else { precision }
        }
    };
    if point - 1 < -4 || point > limit {
        return assemble_exponential(negative, digits, exponent, upper);
    }
    let sign = if negative { "-" } else { "" };
    match usize::try_from(point) {
        Ok(point) if point > 0 => match digits.split_at_checked(point) {
            Some((whole, "")) => format!("{sign}{whole}"),
            Some((whole, fraction)) => format!("{sign}{whole}.{fraction}"),
            None => format!("{sign}{digits}{}", "0".repeat(point - digits.len())),
        },
        _ if number == 0.0 => format!("{sign}0"),
        _ => format!("{sign}0.{}{digits}", "0".repeat(point.unsigned_abs() as usize)),
    }
}

/// `%b`: the mantissa, and the power of two.
pub fn binary(number: f64) -> String {
    let (negative, mantissa, exponent) = parts(number);
    format!("{}{mantissa}p{exponent:+}", if negative { "-" } else { "" })
}

/// Sign, mantissa, and the power of two that it is a multiple of.
fn parts(number: f64) -> (bool, u64, i32) {
    let bits = number.to_bits();
    let field = ((bits >> 52) & 0x7ff) as i32;
    let fraction = bits & ((1 << 52) - 1);
    let (mantissa, exponent) = if field == 0 { (fraction, 1) } else { (fraction | 1 << 52, field) };
    (number.is_sign_negative(), mantissa, exponent - 1075)
}

/// `%x`: hexadecimal digits, and the power of two.
pub fn hexadecimal(number: f64, precision: Option<usize>, upper: bool) -> String {
    let (negative, mantissa, exponent) = parts(number);
    let sign = if negative { "-" } else { "" };
    let (mut mantissa, mut power) = (mantissa, 0);
    if mantissa != 0 {
        // The first digit is a one, behind it are 13.
        let shift = mantissa.leading_zeros() - 11;
        mantissa <<= shift;
        power = exponent - shift as i32 + 52;
    }
    if let Some(kept) = precision.filter(|kept| *kept < 13) {
        let dropped = 4 * (13 - kept as u32);
        let (rest, half) = (mantissa & ((1 << dropped) - 1), 1 << (dropped - 1));
        mantissa >>= dropped;
        if rest > half || (rest == half && mantissa & 1 == 1) {
            mantissa += 1;
        }
        mantissa <<= dropped;
        if mantissa >> 53 != 0 {
            mantissa >>= 1;
            power += 1;
        }
    }
    let mut digits = format!("{:013x}", mantissa & ((1 << 52) - 1));
    match precision {
        None => digits.truncate(digits.trim_end_matches('0').len()),
        Some(precision) => {
            digits.truncate(precision);
            digits.extend(std::iter::repeat_n('0', precision.saturating_sub(13)));
        }
    }
    let point = if digits.is_empty() { "" } else { "." };
    let direction = if power < 0 { '-' } else { '+' };
    let written = format!("0x{}{point}{digits}p{direction}{:02}", mantissa >> 52, power.unsigned_abs());
    format!("{sign}{}", if upper { written.to_ascii_uppercase() } else { written })
}

/// With a point in any case and, for the shorter notation, with zeros up to the precision: the flag `#`.
pub fn with_point(written: &str, verb: char, precision: Option<usize>) -> String {
    let hexadecimal = matches!(verb, 'x' | 'X');
    let end = written.find(|c: char| matches!(c, 'p' | 'P') || (!hexadecimal && matches!(c, 'e' | 'E')));
    let (digits, tail) = written.split_at_checked(end.unwrap_or(written.len())).unwrap_or((written, ""));
    let mut left = if matches!(verb, 'g' | 'G' | 'x') { precision.unwrap_or(6) } else { 0 };
    let significant = digits.chars().filter(|c| *c != '.').skip_while(|c| *c == '0').count();
    left = left.saturating_sub(significant);
    let mut all = digits.to_owned();
    if !digits.contains('.') {
        if digits == "0" {
            left = left.saturating_sub(1);
        }
        all.push('.');
    }
    all.extend(std::iter::repeat_n('0', left));
    all.push_str(tail);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notations() {
        for (number, want) in [
            (0.0, "0"),
            (-0.0, "-0"),
            (100_000.0, "100000"),
            (1_234_567.0, "1.234567e+06"),
            (0.000_012, "1.2e-05"),
            (0.00012, "0.00012"),
            (1e100, "1e+100"),
            (12.5, "12.5"),
        ] {
            assert_eq!(general(number, None, false), want);
        }
        for (precision, want) in [(1, "1e+02"), (2, "1.2e+02"), (3, "124"), (4, "123.5"), (9, "123.5")] {
            assert_eq!(general(123.5, Some(precision), false), want);
        }
        assert_eq!(binary(1.0), "4503599627370496p-52");
        for (number, precision, want) in [
            (0.0, None, "0x0p+00"),
            (-1.0, None, "-0x1p+00"),
            (3.999, Some(1), "0x1.0p+02"),
            (1.5, Some(2), "0x1.80p+00"),
        ] {
            assert_eq!(hexadecimal(number, precision, false), want);
        }
        assert_eq!(exponential(0.0, 2, false), "0.00e+00");
    }
}
