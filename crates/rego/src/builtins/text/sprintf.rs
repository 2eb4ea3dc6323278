//! `sprintf`: Go's format strings.

pub(crate) mod floats;
mod operand;
pub(crate) mod verbs;

use crate::builtins::context::{Context, array, text};
use crate::builtins::error::Error;
use crate::builtins::operand::Output;
use crate::builtins::text::print;
use crate::builtins::text::sprintf::verbs::{Flags, write};
use crate::value::Value;

pub use operand::Operand;

/// The greatest width and precision; Go's own bound.
const MAX_WIDTH: i64 = 1_000_000;

pub fn sprintf(ctx: &mut Context, args: &[Value]) -> Result<Option<Value>, Error> {
    let format = text(args, 1)?;
    let items = array(args, 2)?;
    if let ("%d", [Value::Number(number)]) = (format, items)
        && let Some(number) = number.as_plain_i64()
    {
        return Ok(Some(number.to_string().into()));
    }
    let operands = items.iter().map(|item| operand(ctx, item)).collect::<Result<Vec<_>, _>>()?;
    format_with(ctx, format, &operands).map(|text| Some(text.into()))
}

/// Formats operands with a format.
///
/// # Errors
/// When the text becomes too large.
pub fn format_with(ctx: &Context, format: &str, operands: &[Operand<'_>]) -> Result<String, Error> {
    let mut formatter =
        Formatter { ctx, out: Output::new(ctx), operands, next: 0, reordered: false, good_index: true };
    formatter.run(format)?;
    Ok(formatter.out.finish())
}

fn operand<'a>(ctx: &Context, item: &'a Value) -> Result<Operand<'a>, Error> {
    Ok(match item {
        Value::String(text) => Operand::Text(text),
        Value::Number(number) => {
            if let Some(number) = number.as_plain_i64() {
                return Ok(Operand::Int(number));
            }
            let written = number.to_string();
            match written.parse() {
                Ok(big) => Operand::Big(big),
                Err(_) => match number.as_f64() {
                    float if float.is_finite() => Operand::Float(float),
                    _ => Operand::Made(written),
                },
            }
        }
        other => {
            let mut out = Output::new(ctx);
            print::write(other, &mut out)?;
            Operand::Made(out.finish())
        }
    })
}

struct Formatter<'a> {
    ctx: &'a Context,
    out: Output,
    operands: &'a [Operand<'a>],
    /// The operand that is next.
    next: usize,
    /// Whether the format names operands by their positions, as in `%[2]d`.
    reordered: bool,
    good_index: bool,
}

impl Formatter<'_> {
    fn run(&mut self, format: &str) -> Result<(), Error> {
        let mut rest = format;
        while let Some((before, after)) = rest.split_once('%') {
            self.ctx.check_deadline()?;
            self.out.push(before)?;
            rest = self.verb(after)?;
        }
        self.out.push(rest)?;
        let extra = self.operands.get(self.next..).unwrap_or_default();
        if !self.reordered && !extra.is_empty() {
            self.out.push("%!(EXTRA ")?;
            for (at, operand) in extra.iter().enumerate() {
                if at > 0 {
                    self.out.push(", ")?;
                }
                self.out.push(operand.type_name())?;
                self.out.push("=")?;
                write(operand, 'v', &Flags::default(), &mut self.out)?;
            }
            self.out.push(")")?;
        }
        Ok(())
    }

    /// What is behind a percent sign; gives back what is behind that.
    fn verb<'f>(&mut self, format: &'f str) -> Result<&'f str, Error> {
        self.good_index = true;
        let (mut flags, mut rest) = flags(format);
        let mut after_index = self.index(&mut rest);
        if let Some(after) = rest.strip_prefix('*') {
            rest = after;
            flags.width = self.star();
            if flags.width.is_none() {
                self.out.push("%!(BADWIDTH)")?;
            }
            if let Some(width) = flags.width.filter(|width| *width < 0) {
                flags.width = Some(-width);
                flags.minus = true;
                flags.zero = false;
            }
            after_index = false;
        } else {
            flags.width = number(&mut rest);
            if after_index && flags.width.is_some() {
                self.good_index = false;
            }
        }
        if let Some(after) = rest.strip_prefix('.') {
            rest = after;
            if after_index {
                self.good_index = false;
            }
            after_index = self.index(&mut rest);
            if let Some(after) = rest.strip_prefix('*') {
                rest = after;
                flags.precision = self.star().filter(|precision| *precision >= 0);
                if flags.precision.is_none() {
                    self.out.push("%!(BADPREC)")?;
                }
                after_index = false;
            } else {
                flags.precision = Some(number(&mut rest).unwrap_or(0));
            }
        }
        if !after_index {
            self.index(&mut rest);
        }
        self.operand(rest, &flags)
    }

    /// The letter, and the operand that it is for.
    fn operand<'f>(&mut self, mut rest: &'f str, flags: &Flags) -> Result<&'f str, Error> {
        let Some(verb) = rest.chars().next() else {
            self.out.push("%!(NOVERB)")?;
            return Ok(rest);
        };
        rest = skip(rest, verb.len_utf8());
        if verb == '%' {
            self.out.push("%")?;
        } else if !self.good_index {
            self.fault(verb, "(BADINDEX)")?;
        } else if let Some(operand) = self.operands.get(self.next) {
            self.next += 1;
            write(operand, verb, flags, &mut self.out)?;
        } else {
            self.fault(verb, "(MISSING)")?;
        }
        Ok(rest)
    }

    fn fault(&mut self, verb: char, what: &str) -> Result<(), Error> {
        self.out.push("%!")?;
        self.out.push_char(verb)?;
        self.out.push(what)
    }

    /// `[2]`: the position of the operand that is next; whether there was one.
    fn index(&mut self, rest: &mut &str) -> bool {
        let Some(inside) = rest.strip_prefix('[') else { return false };
        self.reordered = true;
        let Some((digits, after)) = inside.split_once(']') else {
            self.good_index = false;
            *rest = inside;
            return false;
        };
        let mut left = digits;
        let index = number(&mut left).filter(|_| left.is_empty());
        *rest = after;
        match index.map(|index| usize::try_from(index - 1)) {
            Some(Ok(index)) if index < self.operands.len() => {
                self.next = index;
                true
            }
            found => {
                self.good_index = false;
                found.is_some()
            }
        }
    }

    /// A width or precision from the operands.
    fn star(&mut self) -> Option<i64> {
        let operand = self.operands.get(self.next)?;
        self.next += 1;
        match operand {
            Operand::Int(number) if (-MAX_WIDTH..=MAX_WIDTH).contains(number) => Some(*number),
            _ => None,
        }
    }
}

/// The flags of a verb, and what follows them.
fn flags(format: &str) -> (Flags, &str) {
    let mut flags = Flags::default();
    let mut rest = format;
    while let Some(c) = rest.chars().next() {
        match c {
            '#' => flags.sharp = true,
            '0' => flags.zero = true,
            '+' => flags.plus = true,
            '-' => flags.minus = true,
            ' ' => flags.space = true,
            _ => break,
        }
        rest = skip(rest, 1);
    }
    (flags, rest)
}

fn skip(text: &str, bytes: usize) -> &str {
    text.get(bytes..).unwrap_or_default()
}

/// Digits, if there are any. Behind a number that is too large nothing is left.
fn number(rest: &mut &str) -> Option<i64> {
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    let (digits, after) = rest.split_at_checked(end)?;
    if digits.is_empty() {
        return None;
    }
    match digits.parse::<i64>() {
        Ok(number) if number <= MAX_WIDTH => {
            *rest = after;
            Some(number)
        }
        _ => {
            *rest = "";
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Number;

    fn format(format: &str, items: &[Value]) -> String {
        let later = std::time::Instant::now() + std::time::Duration::from_secs(9);
        let mut ctx = Context::new(0, later, 10_000);
        let args = [Value::from(format), items.to_vec().into()];
        match sprintf(&mut ctx, &args) {
            Ok(Some(Value::String(text))) => text.to_string(),
            other => format!("{other:?}"),
        }
    }

    fn decimal(text: &str) -> Value {
        Number::parse(text).unwrap().into()
    }

    #[test]
    fn verbs() {
        let int = |n: i64| Value::from(n);
        let table: &[(&str, Value, &str)] = &[
            ("%5d|", int(-42), "  -42|"),
            ("%-5d|", int(42), "42   |"),
            ("%05d", int(-42), "-0042"),
            ("%+d", int(42), "+42"),
            ("% d", int(42), " 42"),
            ("%.3d", int(7), "007"),
            ("%x", int(-255), "-ff"),
            ("%#X", int(255), "0XFF"),
            ("%#o %[1]O", int(8), "010 0o10"),
            ("%b", int(5), "101"),
            ("%c", int(0x20ac), "€"),
            ("%q", int(10), r"'\n'"),
            ("%U", int(0x20ac), "U+20AC"),
            ("%#U", int(0x20ac), "U+20AC '€'"),
            ("%5s", int(5), "%!s(int=    5)"),
            ("%d", "a".into(), "%!d(string=a)"),
            ("%d", decimal("1.5"), "%!d(float64=1.5)"),
            ("%t", true.into(), "%!t(string=true)"),
            ("%T %[1]v", decimal("99999999999999999999"), "*big.Int 99999999999999999999"),
            ("%e", decimal("99999999999999999999"), "%!e(big.Int=99999999999999999999)"),
            ("%x", decimal("18446744073709551616"), "10000000000000000"),
            ("%v", decimal("1.0"), "1"),
            ("%v", decimal("1e6"), "1e+06"),
            ("%v", decimal("0.0001"), "0.0001"),
            ("%v", decimal("1.5e-7"), "1.5e-07"),
            ("%v", decimal("123456.5"), "123456.5"),
            ("%v", decimal("1e400"), "1e400"),
            ("%.2f", decimal("2.345"), "2.35"),
            ("%8.1f|", decimal("2.25"), "     2.2|"),
            ("%e", decimal("1234.5"), "1.234500e+03"),
            ("%.3g", decimal("1234.5"), "1.23e+03"),
            ("%G", decimal("1e-10"), "1E-10"),
            ("%#.4g", decimal("2.5"), "2.500"),
            ("%+08.2f", decimal("2.5"), "+0002.50"),
            ("%x", decimal("2.5"), "0x1.4p+01"),
            ("%6.2s|", "héllo".into(), "    hé|"),
            ("%q", "a\"\n".into(), r#""a\"\n""#),
            ("%#q", "a\"".into(), "`a\"`"),
            ("%+q", "é".into(), r#""\u00e9""#),
            ("%x", "hi".into(), "6869"),
            ("% X", "hi".into(), "68 69"),
            ("%#v", "hi".into(), "\"hi\""),
            ("%05s", "hi".into(), "000hi"),
            ("%v", vec![Value::Null, "x".into()].into(), r#"[null, "x"]"#),
            ("%!", int(1), "%!!(int=1)"),
        ];
        for (text, item, want) in table {
            assert_eq!(format(text, std::slice::from_ref(item)), *want, "{text}");
        }
    }

    #[test]
    fn faults_and_positions() {
        let two = [Value::from(1), Value::from(2)];
        for (text, want) in [
            ("%d", "1%!(EXTRA int=2)"),
            ("%d %d %d", "1 2 %!d(MISSING)"),
            ("%[2]d %[1]d", "2 1"),
            ("%[3]d", "%!d(BADINDEX)"),
            ("%[x]d", "%!d(BADINDEX)"),
            ("%*d|", "2|"),
            ("%d%%%d", "1%2"),
            ("%d %d %", "1 2 %!(NOVERB)"),
            ("%d %d %99999999d", "1 2 %!(NOVERB)"),
            ("%[1]*.[2]*[1]d", "01"),
            ("%d%.*d", "1%!d(MISSING)"),
        ] {
            assert_eq!(format(text, &two), want, "{text}");
        }
        assert!(format("%999999d", &two[..1]).contains("larger than"));
        assert!(format("%.999999f", &[decimal("0.5")]).contains("larger than"));
    }
}
