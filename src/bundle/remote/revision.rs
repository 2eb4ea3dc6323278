//! Revisions that can be compared: whole numbers, or several with dots between, such as `42`, `1.10.0` and `20261129.3`.

use std::fmt;
use std::str::FromStr;

/// A revision in numbers. Later is greater: `1.10` comes after `1.9`, and `1.9.0` after `1.9`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Revision(Vec<u64>);

impl FromStr for Revision {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = |part: &str| {
            let digits = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
            part.parse().ok().filter(|_| digits)
        };
        let numbers: Option<Vec<u64>> = text.split('.').map(number).collect();
        numbers.map(Self).ok_or_else(|| {
            let shown = text.escape_debug();
            format!("the revision `{shown}` is no number, such as `42` or `1.10`, and cannot be compared")
        })
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts: Vec<String> = self.0.iter().map(u64::to_string).collect();
        f.write_str(&parts.join("."))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_compared_and_nothing_else_is_a_revision() {
        let rising = ["0", "1", "1.0", "1.9", "1.9.0", "1.10", "2", "10", "20261129", "20261129.3"];
        let read: Vec<Revision> = rising.iter().map(|text| text.parse().unwrap()).collect();
        assert!(read.is_sorted_by(|a, b| a < b), "{read:?}");
        for wrong in
            ["", "v1", "1.", ".1", "1..2", "+1", "-1", "1a", "cafe1234", "18446744073709551616", " 1"]
        {
            assert!(wrong.parse::<Revision>().is_err(), "{wrong}");
        }
        assert_eq!("1.10".parse::<Revision>().unwrap().to_string(), "1.10");
    }
}
