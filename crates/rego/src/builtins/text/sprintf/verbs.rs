//! The verbs of Go's format strings.

use std::fmt::Write as _;

use num_bigint::Sign;

use crate::builtins::error::Error;
use crate::builtins::operand::Output;
use crate::builtins::text::print::{printable, quote_as};
use crate::builtins::text::sprintf::Operand;
use crate::builtins::text::sprintf::floats::{binary, exponential, fixed, general, hexadecimal, with_point};

/// How something is to be written.
#[derive(Default, Clone)]
pub struct Flags {
    /// `#`
    pub sharp: bool,
    /// `0`
    pub zero: bool,
    /// `+`
    pub plus: bool,
    /// `-`
    pub minus: bool,
    /// A blank.
    pub space: bool,
    /// At least so many characters.
    pub width: Option<i64>,
    /// So many digits or characters.
    pub precision: Option<i64>,
}

impl Flags {
    fn width(&self) -> usize {
        self.width.and_then(|width| usize::try_from(width).ok()).unwrap_or(0)
    }

    fn precision(&self) -> Option<usize> {
        self.precision.and_then(|precision| usize::try_from(precision).ok())
    }
}

/// Writes an operand with a verb.
///
/// # Errors
/// When the text becomes too large, as in all of these.
pub fn write(operand: &Operand<'_>, verb: char, flags: &Flags, out: &mut Output) -> Result<(), Error> {
    if verb == 'T' {
        return text(operand.type_name(), 's', flags, out).map(drop);
    }
    // With this verb `#` and `+` mean other things, which only texts have.
    let mut plain = flags.clone();
    if verb == 'v' {
        (plain.sharp, plain.plus) = (false, false);
    }
    let done = match operand {
        Operand::Int(number) => integer(*number, verb, &plain, out)?,
        Operand::Float(number) => float(*number, verb, &plain, out)?,
        Operand::Text(value) => {
            text(value, if verb == 'v' && flags.sharp { 'q' } else { verb }, &plain, out)?
        }
        Operand::Made(value) => {
            text(value, if verb == 'v' && flags.sharp { 'q' } else { verb }, &plain, out)?
        }
        Operand::Big(number) => return big(number, verb, flags, out),
    };
    if done {
        return Ok(());
    }
    out.push("%!")?;
    out.push_char(verb)?;
    out.push("(")?;
    out.push(operand.type_name())?;
    out.push("=")?;
    write(operand, 'v', flags, out)?;
    out.push(")")
}

/// Fills up to the width.
fn pad(written: &str, flags: &Flags, out: &mut Output) -> Result<(), Error> {
    let missing = flags.width().saturating_sub(written.chars().count());
    if !flags.minus {
        out.fill(if flags.zero { '0' } else { ' ' }, missing)?;
    }
    out.push(written)?;
    if flags.minus { out.fill(' ', missing) } else { Ok(()) }
}

fn pad_with_blanks(written: &str, flags: &Flags, out: &mut Output) -> Result<(), Error> {
    pad(written, &Flags { zero: false, ..flags.clone() }, out)
}

fn digits(number: u64, verb: char) -> String {
    match verb {
        'b' => format!("{number:b}"),
        'o' | 'O' => format!("{number:o}"),
        'x' => format!("{number:x}"),
        'X' => format!("{number:X}"),
        _ => number.to_string(),
    }
}

/// Whether the verb is one for integers, as with the others for their types.
fn integer(number: i64, verb: char, flags: &Flags, out: &mut Output) -> Result<bool, Error> {
    match verb {
        'v' | 'd' | 'b' | 'o' | 'O' | 'x' | 'X' => (),
        'c' => return pad(&character(number).to_string(), flags, out).map(|()| true),
        'q' => {
            return pad(&quote_as(&character(number).to_string(), '\'', flags.plus), flags, out)
                .map(|()| true);
        }
        'U' => return code_point(number, flags, out).map(|()| true),
        _ => return Ok(false),
    }
    if number == 0 && flags.precision == Some(0) {
        out.fill(' ', flags.width())?;
        return Ok(true);
    }
    let magnitude = digits(number.unsigned_abs(), verb);
    let signed = number < 0 || flags.plus || flags.space;
    let least = match flags.precision() {
        Some(precision) => precision,
        None if flags.zero && !flags.minus => flags.width().saturating_sub(usize::from(signed)),
        None => 0,
    };
    let zeros = least.saturating_sub(magnitude.len());
    let mut written = String::new();
    written.push_str(match (number < 0, flags.plus, flags.space) {
        (true, ..) => "-",
        (_, true, _) => "+",
        (_, _, true) => " ",
        _ => "",
    });
    written.push_str(match verb {
        'O' => "0o",
        'b' if flags.sharp => "0b",
        'o' if flags.sharp && zeros == 0 && !magnitude.starts_with('0') => "0",
        'x' if flags.sharp => "0x",
        'X' if flags.sharp => "0X",
        _ => "",
    });
    written.extend(std::iter::repeat_n('0', zeros));
    written.push_str(&magnitude);
    pad_with_blanks(&written, flags, out)?;
    Ok(true)
}

fn character(number: i64) -> char {
    u32::try_from(number).ok().and_then(char::from_u32).unwrap_or(char::REPLACEMENT_CHARACTER)
}

fn code_point(number: i64, flags: &Flags, out: &mut Output) -> Result<(), Error> {
    // A negative number is taken as the unsigned one of the same bits.
    let bits = number as u64;
    let hexadecimal = format!("{bits:X}");
    let zeros = flags.precision().unwrap_or(0).max(4).saturating_sub(hexadecimal.len());
    let mut written = String::from("U+");
    written.extend(std::iter::repeat_n('0', zeros));
    written.push_str(&hexadecimal);
    if let Some(c) =
        u32::try_from(bits).ok().and_then(char::from_u32).filter(|c| flags.sharp && printable(*c))
    {
        let _ = write!(written, " '{c}'");
    }
    pad_with_blanks(&written, flags, out)
}

fn big(number: &num_bigint::BigInt, verb: char, flags: &Flags, out: &mut Output) -> Result<(), Error> {
    let radix = match verb {
        'b' => 2,
        'o' | 'O' => 8,
        'd' | 's' | 'v' => 10,
        'x' | 'X' => 16,
        _ => {
            out.push("%!")?;
            out.push_char(verb)?;
            return out.push(&format!("(big.Int={number})"));
        }
    };
    let mut magnitude = number.magnitude().to_str_radix(radix);
    if verb == 'X' {
        magnitude.make_ascii_uppercase();
    }
    let sign = match number.sign() {
        Sign::Minus => "-",
        _ if flags.plus => "+",
        _ if flags.space => " ",
        _ => "",
    };
    let prefix = match verb {
        'O' => "0o",
        'b' if flags.sharp => "0b",
        'o' if flags.sharp => "0",
        'x' if flags.sharp => "0x",
        'X' if flags.sharp => "0X",
        _ => "",
    };
    let mut zeros = flags.precision().unwrap_or(0).saturating_sub(magnitude.len());
    let length = sign.len() + prefix.len() + zeros + magnitude.len();
    let missing = flags.width().saturating_sub(length);
    let (mut left, mut right) = (0, 0);
    if flags.minus {
        right = missing;
    } else if flags.zero && flags.precision.is_none() {
        zeros = missing;
    } else {
        left = missing;
    }
    out.fill(' ', left)?;
    out.push(sign)?;
    out.push(prefix)?;
    out.fill('0', zeros)?;
    out.push(&magnitude)?;
    out.fill(' ', right)
}

fn text(value: &str, verb: char, flags: &Flags, out: &mut Output) -> Result<bool, Error> {
    let cut = |value: &str| match flags.precision() {
        Some(most) => value.chars().take(most).collect(),
        None => value.to_owned(),
    };
    match verb {
        'v' | 's' => match flags.precision {
            None => pad(value, flags, out)?,
            Some(_) => pad(&cut(value), flags, out)?,
        },
        'q' => {
            let value = cut(value);
            let raw = |c: char| c != '`' && c != '\u{feff}' && c != '\u{7f}' && (c >= ' ' || c == '\t');
            if flags.sharp && value.chars().all(raw) {
                pad(&format!("`{value}`"), flags, out)?;
            } else {
                pad(&quote_as(&value, '"', flags.plus), flags, out)?;
            }
        }
        'x' | 'X' => {
            let most = flags.precision().unwrap_or(usize::MAX);
            let prefix = match (flags.sharp, verb) {
                (true, 'x') => "0x",
                (true, _) => "0X",
                _ => "",
            };
            let mut written = String::new();
            for (at, byte) in value.bytes().take(most).enumerate() {
                if flags.space && at > 0 {
                    written.push(' ');
                }
                if at == 0 || flags.space {
                    written.push_str(prefix);
                }
                let _ =
                    if verb == 'x' { write!(written, "{byte:02x}") } else { write!(written, "{byte:02X}") };
            }
            pad(&written, flags, out)?;
        }
        _ => return Ok(false),
    }
    Ok(true)
}

fn float(number: f64, verb: char, flags: &Flags, out: &mut Output) -> Result<bool, Error> {
    let written = match verb {
        'v' => general(number, flags.precision(), false),
        'g' | 'G' => general(number, flags.precision(), verb == 'G'),
        'e' | 'E' => exponential(number, flags.precision().unwrap_or(6), verb == 'E'),
        'f' | 'F' => fixed(number, flags.precision().unwrap_or(6)),
        'b' => binary(number),
        'x' | 'X' => hexadecimal(number, flags.precision(), verb == 'X'),
        _ => return Ok(false),
    };
    let (negative, mut magnitude) = match written.strip_prefix('-') {
        Some(magnitude) => (true, magnitude.to_owned()),
        None => (false, written),
    };
    if flags.sharp && verb != 'b' {
        magnitude = with_point(&magnitude, verb, flags.precision());
    }
    let sign = match (negative, flags.plus, flags.space) {
        (true, ..) => "-",
        (_, true, _) => "+",
        (_, _, true) => " ",
        _ => "",
    };
    if !sign.is_empty() && flags.zero && !flags.minus && flags.width() > magnitude.len() + 1 {
        out.push(sign)?;
        out.fill('0', flags.width() - magnitude.len() - 1)?;
        out.push(&magnitude)?;
    } else {
        pad(&format!("{sign}{magnitude}"), flags, out)?;
    }
    Ok(true)
}
