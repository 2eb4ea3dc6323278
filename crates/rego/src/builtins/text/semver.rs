//! `semver.*`

use std::cmp::Ordering;

use crate::builtins::context::{Context, argument, text};
use crate::builtins::error::Error;
use crate::value::Value;

/// A version. What is said of the build counts for nothing.
struct Version<'a> {
    numbers: [i64; 3],
    pre_release: &'a str,
}

impl<'a> Version<'a> {
    fn read(text: &'a str) -> Option<Self> {
        let (text, build) = part(text, '+')?;
        let (text, pre_release) = part(text, '-')?;
        let mut numbers = [0; 3];
        let mut parts = text.split('.');
        for number in &mut numbers {
            *number = parts.next().filter(|part| is_number(part))?.parse().ok()?;
        }
        let identifiers = |text: &str| text.is_empty() || text.split('.').all(is_identifier);
        let leading_zero = |part: &str| is_digits(part) && !is_number(part);
        let whole = parts.next().is_none() && identifiers(build) && identifiers(pre_release);
        (whole && !pre_release.split('.').any(leading_zero)).then_some(Self { numbers, pre_release })
    }

    fn compare(&self, other: &Self) -> Ordering {
        self.numbers.cmp(&other.numbers).then_with(|| match (self.pre_release, other.pre_release) {
            (a, b) if a == b => Ordering::Equal,
            ("", _) => Ordering::Greater,
            (_, "") => Ordering::Less,
            (a, b) => compare_identifiers(a, b),
        })
    }
}

/// A text before a sign and what follows it, which is not empty where the sign is there.
fn part(text: &str, sign: char) -> Option<(&str, &str)> {
    match text.split_once(sign) {
        Some((_, "")) => None,
        Some(parts) => Some(parts),
        None => Some((text, "")),
    }
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Digits without a leading zero.
fn is_number(text: &str) -> bool {
    is_digits(text) && (text == "0" || !text.starts_with('0'))
}

fn is_identifier(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

fn compare_identifiers(a: &str, b: &str) -> Ordering {
    // Numbers that are too large count as the largest one.
    let number = |text: &str| is_digits(text).then(|| text.parse::<i64>().unwrap_or(i64::MAX));
    let (mut a, mut b) = (a.split('.'), b.split('.'));
    loop {
        let order = match (a.next(), b.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some(a), Some(b)) => match (number(a), number(b)) {
                (Some(a), Some(b)) => a.cmp(&b),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (None, None) => a.cmp(b),
            },
        };
        if order != Ordering::Equal {
            return order;
        }
    }
}

pub fn compare(_: &mut Context, args: &[Value]) -> Result<Option<Value>, Error> {
    let (a, b) = (text(args, 1)?, text(args, 2)?);
    let read = |position: u8, text: &'_ str| {
        Error::failed(format!("operand {position}: string {} is not a valid SemVer", quoted(text)))
    };
    let a = Version::read(a).ok_or_else(|| read(1, a))?;
    let b = Version::read(b).ok_or_else(|| read(2, b))?;
    Ok(Some(Value::from(a.compare(&b) as i64)))
}

pub fn is_valid(_: &mut Context, args: &[Value]) -> Result<Option<Value>, Error> {
    Ok(Some(Value::from(argument(args, 1)?.as_str().is_some_and(|text| Version::read(text).is_some()))))
}

/// The text as it would stand in a policy.
fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_strictly() {
        for good in ["0.0.0", "1.2.3-0", "1.2.3-0a.-", "1.2.3+001", "1.2.3--+-", "1.2.3-a+b.c"] {
            assert!(Version::read(good).is_some(), "{good}");
        }
        for bad in [
            "01.2.3",
            "1.02.3",
            "1.2.03",
            "1.2.3-01",
            "1.2.3-a.01",
            "1.2.3-",
            "1.2.3+",
            "1.2.3-+a",
            "1.2.3-a+",
            "1.2",
            "1.2.3.4",
            "+1.2.3",
            "1.2.3-a..b",
            "v1.2.3",
            "1.2.3 ",
            "",
        ] {
            assert!(Version::read(bad).is_none(), "{bad}");
        }
    }
}
