//! Numbers against exact integers and fractions, and against what OPA answers.

use std::cmp::Ordering;
use std::hash::{BuildHasher, RandomState};

use num_bigint::BigInt;
use proptest::prelude::*;

use super::bounds::{MAX_DIGITS, MAX_TEXT};
use super::{Number, NumberError};

fn number(text: &str) -> Number {
    Number::parse(text).unwrap_or_else(|| panic!("{text}"))
}

#[test]
fn only_json_numbers_within_bounds_are_read() {
    let long = "9".repeat(MAX_DIGITS);
    let zeros = format!("0.{}1", "0".repeat(9_000));
    for kept in [
        "0",
        "-0",
        "-0.0",
        "7",
        "-9223372036854775808",
        "9223372036854775808",
        "1.0",
        "1e2",
        "1E+2",
        "0e999999999999999999999",
        "1e10000",
        "1e-10000",
        &long,
        &zeros,
    ] {
        assert_eq!(number(kept).to_string(), kept);
    }
    let too_long = "9".repeat(MAX_DIGITS + 1);
    let too_wide = format!("1{}", "0".repeat(MAX_TEXT));
    for refused in [
        "",
        "-",
        "+1",
        "01",
        "-01",
        "1.",
        ".5",
        "1e",
        "1e+",
        "0x10",
        "1_0",
        " 1",
        "1 ",
        "NaN",
        "Infinity",
        "1.e5",
        "--1",
        "1e10001",
        "1e-10001",
        "1e99999999999999999999999",
        "١",
        &too_long,
        &too_wide,
    ] {
        assert!(Number::parse(refused).is_none(), "{refused}");
    }
}

#[test]
fn values_compare_however_they_are_written() {
    let rising = [
        "-1e400",
        "-100.5",
        "-100",
        "-0.001",
        "0",
        "1e-9999",
        "0.30000000000000000000000000001",
        "0.3000000000000000000000000001",
        "1",
        "9007199254740993",
        "9223372036854775807",
        "9223372036854775808",
        "9223372036854775808.00000000000000000000001",
        "1e19",
        "1e9999",
    ];
    for pair in rising.windows(2) {
        assert_eq!(number(pair[0]).cmp(&number(pair[1])), Ordering::Less, "{pair:?}");
    }
    let hasher = RandomState::new();
    for (a, b) in [
        ("0", "-0.00e7"),
        ("1", "1.0"),
        ("100", "1e2"),
        ("-0.5", "-5E-1"),
        ("123456789012345678901234567890", "1234567890123456789012345678.90e2"),
        ("9223372036854775808", "9223372036854775808.0"),
    ] {
        assert_eq!(number(a), number(b));
        assert_eq!(hasher.hash_one(number(a)), hasher.hash_one(number(b)), "{a} {b}");
    }
}

#[test]
fn results_are_written_as_opa_does() {
    type Operation = fn(&Number, &Number) -> Result<Number, NumberError>;
    let table: &[(Operation, &str, &str, &str)] = &[
        (Number::add, "0.1", "0.2", "0.3"),
        (Number::add, "1.0", "2", "3"),
        (Number::add, "9223372036854775807", "1", "9223372036854775808"),
        (Number::add, "1e30", "1", "1000000000000000000000000000001"),
        (Number::add, "0", "1e9999", &format!("1{}", "0".repeat(9_999))),
        (Number::sub, "-9223372036854775808", "1", "-9223372036854775809"),
        (Number::sub, "0.75", "0.75", "0"),
        (Number::mul, "1234567.5", "1", "1.2345675e+06"),
        (Number::mul, "0.00001", "0.5", "5e-06"),
        (Number::mul, "-0.5", "0", "-0"),
        (Number::mul, "4294967296", "4294967296", "18446744073709551616"),
        (Number::div, "6", "3", "2"),
        (Number::div, "1", "3", "0.33333333333333333334"),
        (Number::div, "0", "-5", "-0"),
        (Number::div, "1e100", "1e90", "10000000000"),
        (Number::div, "-9223372036854775808", "-1", "9223372036854775808"),
        (Number::rem, "-7", "3", "-1"),
        (Number::rem, "7.0", "-4", "3"),
        (Number::rem, "-9223372036854775808", "-1", "0"),
        (Number::rem, "100000000000000000003", "10", "3"),
    ];
    for (operation, a, b, result) in table {
        assert_eq!(operation(&number(a), &number(b)).unwrap().to_string(), *result, "{a} {b}");
    }
    type Rounding = fn(&Number) -> Result<Number, NumberError>;
    let table: &[(Rounding, &str, &str)] = &[
        (Number::round, "2.5", "3"),
        (Number::round, "-2.5", "-3"),
        (Number::round, "-0.2", "0"),
        (Number::ceil, "1.01", "2"),
        (Number::ceil, "-1.5", "-1"),
        (Number::ceil, "-0.5", "1"),
        (Number::floor, "1.9", "1"),
        (Number::floor, "-1.5", "-2"),
        (Number::floor, "-0.5", "0"),
        (Number::abs, "-1.50", "1.5"),
        (Number::abs, "-9223372036854775808", "9223372036854775808"),
        (Number::abs, "-123456789012345678901234567890", "123456789012345678900000000000"),
        (Number::neg, "1.0", "-1"),
    ];
    for (operation, a, result) in table {
        assert_eq!(operation(&number(a)).unwrap().to_string(), *result, "{a}");
    }
    let all = ["0.1", "3", "0.5"].map(number);
    assert_eq!(Number::sum(all.iter()).unwrap().to_string(), "3.6");
    assert_eq!(Number::product(all.iter()).unwrap().to_string(), "0.15000000000000002");
    assert_eq!(Number::product([].iter()).unwrap().to_string(), "1");
    // Whole numbers of any size and form, in long lists.
    let whole = |text: &str, count: usize| vec![number(text); count];
    for (list, want) in [
        (
            [whole("1e2", 3), whole("2.0", 1), whole("12345678901234567890", 1)].concat(),
            Some("24691357802469135780000000"),
        ),
        ([whole("-1e0", 100_001), whole("7", 1)].concat(), Some("-7")),
        ([whole("1e30", 100_000), whole("0", 1)].concat(), Some("0")),
        (whole("1e30", 100_000), None),
        (whole("12345678901234567890123", 100_000), None),
        (whole("1e300", 10), Some(&*format!("1{}", "0".repeat(3000)))),
    ] {
        let got = Number::product(list.iter()).ok().map(|product| product.to_string());
        assert_eq!(got.as_deref(), want);
    }
}

#[test]
fn what_has_no_result_says_why() {
    let [one, half, zero] = ["1", "0.5", "0.0"].map(number);
    assert_eq!(one.div(&zero), Err(NumberError::DivideByZero));
    assert_eq!(one.rem(&zero), Err(NumberError::DivideByZero));
    assert_eq!(half.rem(&zero), Err(NumberError::NotWhole));
    let mut square = number("12345678901234567890");
    let error = loop {
        match square.mul(&square) {
            Ok(next) => square = next,
            Err(error) => break error,
        }
    };
    assert_eq!(error, NumberError::TooLarge);
    let (great, small) = (number("1.5e10000"), number("1.5e-10000"));
    assert_eq!(small.mul(&small), Err(NumberError::TooLarge));
    assert_eq!(great.mul(&great), Err(NumberError::TooLarge));
    assert_eq!(great.div(&small), Err(NumberError::TooLarge));
    assert_eq!(number("1e9999").add(&one), Err(NumberError::TooLarge));
    assert_eq!(great.add(&small), Ok(number("1.5e10000")));
    assert_eq!(Number::from_integer(&(BigInt::from(1) << 100_000)), Err(NumberError::TooLarge));
}

#[test]
fn conversions() {
    for (double, text) in [
        (1.0, "1"),
        (-0.5, "-0.5"),
        (1e20, "100000000000000000000"),
        (1e21, "1e+21"),
        (1e-6, "0.000001"),
        (1.5e-7, "1.5e-7"),
        (f64::MAX, "1.7976931348623157e+308"),
    ] {
        assert_eq!(Number::from_f64(double).unwrap().to_string(), text);
        assert_eq!(number(text).as_f64(), double);
    }
    assert!(Number::from_f64(f64::NAN).is_none());
    assert_eq!(Number::from_u64(u64::MAX).to_string(), "18446744073709551615");
    assert_eq!(number("1.0").as_i64(), Some(1));
    assert_eq!(number("1.0").as_plain_i64(), None);
    assert_eq!(number("-9223372036854775808.0").as_i64(), Some(i64::MIN));
    assert_eq!(number("9223372036854775808").as_i64(), None);
    assert_eq!(number("-1.2e1").as_integer(), Some(BigInt::from(-12)));
    assert_eq!(number("1.25").as_integer(), None);
    assert!(number("1.25e2").is_integer() && !number("1.25e1").is_integer());
    assert!(std::mem::size_of::<Number>() <= 16);
}

/// A fraction: numerator and a power of ten under it.
fn fraction(text: &str) -> (BigInt, u32) {
    let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
    let (whole, behind) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits: BigInt = format!("{whole}{behind}").parse().unwrap();
    let places = exponent.parse::<i32>().unwrap() - behind.len() as i32;
    let ten = |n: i32| BigInt::from(10).pow(n.max(0) as u32);
    (digits * ten(places), (-places).max(0) as u32)
}

fn compare(a: &str, b: &str) -> Ordering {
    let ((a, under_a), (b, under_b)) = (fraction(a), fraction(b));
    (a * BigInt::from(10).pow(under_b)).cmp(&(b * BigInt::from(10).pow(under_a)))
}

const DECIMAL: &str = "-?(0|[1-9][0-9]{0,30})(\\.[0-9]{1,25})?(e-?[0-9]{1,2})?";

proptest! {
    #[test]
    fn the_text_is_kept_and_the_value_compares(a in DECIMAL, b in DECIMAL) {
        prop_assert_eq!(number(&a).to_string(), a.clone());
        prop_assert_eq!(number(&a).cmp(&number(&b)), compare(&a, &b));
        let shifted = format!("{a}{}", if a.contains('.') || a.contains('e') { "" } else { ".000" });
        prop_assert_eq!(number(&shifted), number(&a));
    }

    #[test]
    fn whole_numbers_are_exact(a in "-?[1-9][0-9]{0,40}", b in "-?[1-9][0-9]{0,40}") {
        let (x, y) = (number(&a), number(&b));
        let (p, q): (BigInt, BigInt) = (a.parse().unwrap(), b.parse().unwrap());
        prop_assert_eq!(x.add(&y).unwrap().to_string(), (&p + &q).to_string());
        prop_assert_eq!(x.sub(&y).unwrap().to_string(), (&p - &q).to_string());
        prop_assert_eq!(x.mul(&y).unwrap().to_string(), (&p * &q).to_string());
        prop_assert_eq!(x.rem(&y).unwrap().to_string(), (&p % &q).to_string());
        prop_assert_eq!(x.cmp(&y), p.cmp(&q));
        prop_assert_eq!(x.as_integer(), Some(p));
    }

    #[test]
    fn fractions_are_within_a_64_bit_mantissa_of_the_exact_sum(a in DECIMAL, b in DECIMAL) {
        let ((p, under_p), (q, under_q)) = (fraction(&a), fraction(&b));
        let ten = |n: u32| BigInt::from(10).pow(n);
        let product = number(&a).mul(&number(&b)).unwrap().to_string();
        let (r, under_r) = fraction(&product);
        let exact = &p * &q * ten(under_r);
        let got = r * ten(under_p + under_q);
        // Both factors, the product and its text are rounded: four halves of the last bit.
        let difference = if exact > got { &exact - got } else { got - &exact };
        let size = if exact < BigInt::ZERO { -exact } else { exact };
        prop_assert!(difference << 62 <= size, "{} * {} = {}", a, b, product);
    }

    #[test]
    fn doubles_come_back(double in any::<f64>().prop_filter("finite", |d| d.is_finite())) {
        prop_assert_eq!(Number::from_f64(double).unwrap().as_f64(), double);
    }

    #[test]
    fn nothing_panics(a in "[-+0-9.eE]{0,12}", b in DECIMAL) {
        let Some(a) = Number::parse(&a) else { return Ok(()) };
        let b = number(&b);
        let _ = (a.add(&b), a.sub(&b), a.mul(&b), a.div(&b), b.div(&a), a.rem(&b), a.cmp(&b));
        let _ = (a.round(), a.ceil(), a.floor(), a.abs(), a.neg(), a.as_i64());
    }
}
