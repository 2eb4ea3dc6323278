//! Ranges of numbers, random numbers, and `format_int`.

use num_bigint::{BigInt, Sign};

use crate::builtins::context::{Context, number, text};
use crate::builtins::error::Error;
use crate::builtins::operand::{check_count, integer, round_to_64_bits, too_large, whole, wrong};
use crate::value::{Number, Value};

/// How many numbers a range may have.
const MAX_COUNT: usize = 1_000_000;

pub fn range(ctx: &mut Context, args: &[Value]) -> Result<Option<Value>, Error> {
    let (from, to) = (whole(args, 1)?, whole(args, 2)?);
    numbers(ctx, from, &to, BigInt::from(1)).map(Some)
}

pub fn range_step(ctx: &mut Context, args: &[Value]) -> Result<Option<Value>, Error> {
    let (from, to, step) = (whole(args, 1)?, whole(args, 2)?, whole(args, 3)?);
    if step.sign() != Sign::Plus {
        // The caller puts the name before it, and so there it is twice, as in OPA.
        return Err(Error::failed("numbers.range_step: step must be a positive integer"));
    }
    numbers(ctx, from, &to, step).map(Some)
}

/// From one number to another, both included, up or down.
fn numbers(ctx: &Context, from: BigInt, to: &BigInt, step: BigInt) -> Result<Value, Error> {
    let distance = BigInt::from((to - &from).magnitude().clone());
    let count = usize::try_from(distance / &step).ok().and_then(|steps| steps.checked_add(1));
    let Some(count) = count.filter(|&count| count <= MAX_COUNT) else {
        return Err(Error::failed(format!("the range has more than {MAX_COUNT} numbers")));
    };
    check_count(ctx, count)?;
    ctx.check_deadline()?;
    let step = if *to < from { -step } else { step };
    let mut items = Vec::with_capacity(count);
    if let (Ok(mut next), Ok(_), Ok(step)) = (i64::try_from(&from), i64::try_from(to), i64::try_from(&step)) {
        for _ in 0..count {
            items.push(Value::from(next));
            // Only the step after the last one can leave the range of the type.
            next = next.wrapping_add(step);
        }
    } else {
        let mut next = from;
        for at in 0..count {
            if at % 4096 == 0 {
                ctx.check_deadline()?;
            }
            items.push(Number::from(next.clone()).into());
            next += &step;
        }
    }
    Ok(items.into())
}

/// `rand.intn`: a number from zero up to, without, the second operand, or zero for zero. The machine asks once for each
/// pair of operands, so it is the same as long as the decision lasts.
pub fn random(_: &mut Context, args: &[Value]) -> Result<Option<Value>, Error> {
    text(args, 1)?;
    let bound = integer(args, 2)?.unsigned_abs();
    if bound == 0 {
        return Ok(Some(Value::from(0)));
    }
    // Some bits of each half say that it is random; none at the same place.
    let drawn = uuid::Uuid::new_v4().as_u64_pair();
    let drawn = drawn.0.rotate_left(32) ^ drawn.1;
    // The high half of the product: even enough, and without a loop.
    let scaled = (u128::from(drawn) * u128::from(bound)) >> 64;
    Ok(Some(Number::from(BigInt::from(scaled)).into()))
}

pub fn format_int(ctx: &mut Context, args: &[Value]) -> Result<Option<Value>, Error> {
    let input = number(args, 1)?;
    let base = match number(args, 2)?.as_plain_i64() {
        Some(base @ (2 | 8 | 10 | 16)) => base as u32,
        _ => return Err(wrong(2, "must be one of {2, 8, 10, 16}")),
    };
    let whole = match input.as_integer() {
        Some(whole) => whole,
        // A fraction is computed with as a float of 64 bits, and cut off towards zero.
        None => {
            let whole = truncate(&input.to_string());
            round_to_64_bits(whole.ok_or_else(|| Error::failed("the number is too large"))?)
        }
    };
    if whole.bits() > ctx.max_bytes as u64 {
        return Err(too_large(ctx));
    }
    Ok(Some(whole.to_str_radix(base).into()))
}

/// The whole number before the point of a decimal number with a fraction.
fn truncate(text: &str) -> Option<BigInt> {
    let (digits, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let exponent: i64 = exponent.parse().ok()?;
    let (before, after) = digits.split_once('.').unwrap_or((digits, ""));
    // A number that is not whole has digits behind the point, so its exponent says how many of them to take.
    let whole = match usize::try_from(exponent) {
        Ok(more) => format!("{before}{}", after.get(..more)?),
        Err(_) => {
            let fewer = usize::try_from(exponent.unsigned_abs()).ok()?;
            let kept = before.len().saturating_sub(fewer);
            before.get(..kept)?.to_owned()
        }
    };
    if matches!(whole.as_str(), "" | "-") { Some(BigInt::ZERO) } else { whole.parse().ok() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn truncation() {
        for (text, want) in
            [("3.9", 3), ("-3.9", -3), ("12.345e1", 123), ("-0.5", 0), ("5e-3", 0), ("1234.5e-2", 12)]
        {
            assert_eq!(truncate(text), Some(BigInt::from(want)), "{text}");
        }
    }

    #[test]
    fn integers_are_formatted_exactly() {
        let mut ctx = Context::new(1, std::time::Instant::now(), 1000);
        for (input, base, want) in [
            ("123456789012345678901234567890", 10, "123456789012345678901234567890"),
            ("1e30", 10, "1000000000000000000000000000000"),
            ("-18446744073709551617", 16, "-10000000000000001"),
            ("-3.9", 10, "-3"),
            ("2.0", 2, "10"),
        ] {
            let args = [Number::parse(input).unwrap().into(), Value::from(base)];
            assert_eq!(format_int(&mut ctx, &args).unwrap(), Some(want.into()), "{input}");
        }
    }

    #[test]
    fn chance_keeps_its_bounds() {
        let deadline = std::time::Instant::now();
        let mut ctx = Context::new(1, deadline, 1000);
        for key in ["a", "b", "c"] {
            let args = [Value::from(key), Value::from(-10)];
            let drawn = random(&mut ctx, &args).unwrap();
            let Some(Value::Number(n)) = &drawn else { panic!("not a number") };
            assert!((0..10).contains(&n.as_i64().unwrap()));
        }
    }
}
