//! Escapes and named sets of characters in Go's regular expressions.

/// What is wrong, and with which part.
pub type Fault<'a> = (&'static str, &'a str);

/// An escape that is none.
pub const BAD_ESCAPE: &str = "invalid escape sequence";
/// A range or class that is none.
pub const BAD_RANGE: &str = "invalid character class range";

/// What was consumed between two rests of one text.
pub fn between<'a>(before: &'a str, after: &str) -> &'a str {
    before.get(..before.len().saturating_sub(after.len())).unwrap_or_default()
}

/// Writes a character so that it is nothing but itself, in a class as well.
pub fn write_literal(out: &mut String, c: char) {
    if c.is_ascii_alphanumeric() || !c.is_ascii() || matches!(c, '_' | '<' | '>') {
        out.push(c);
    } else {
        out.push_str(&format!("\\x{{{:x}}}", u32::from(c)));
    }
}

/// A character of a class.
///
/// # Errors
/// When there is none, as in all of these.
pub fn class_character<'a>(rest: &'a str, class: &'a str) -> Result<(char, &'a str), Fault<'a>> {
    match rest.chars().next() {
        None => Err(("missing closing ]", class)),
        Some('\\') => character(rest),
        Some(c) => Ok((c, rest.get(c.len_utf8()..).unwrap_or_default())),
    }
}

/// `[:alpha:]` and the like.
pub fn posix<'a>(rest: &'a str, out: &mut String) -> Result<&'a str, Fault<'a>> {
    let end = rest.get(2..).and_then(|inside| inside.find(":]")).map_or(rest.len(), |at| at + 4);
    let (name, after) = rest.split_at_checked(end).unwrap_or((rest, ""));
    let bare = name.trim_start_matches("[:").trim_start_matches('^').trim_end_matches(":]");
    const NAMES: [&str; 14] = [
        "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space",
        "upper", "word", "xdigit",
    ];
    if !NAMES.contains(&bare) || (name.len() != bare.len() + 4 && name.len() != bare.len() + 5) {
        return Err((BAD_RANGE, name));
    }
    out.push_str(name);
    Ok(after)
}

/// A set of characters by an escape, written as what may be within a class; `None` for other escapes.
pub fn set<'a>(rest: &'a str, out: &mut String) -> Result<Option<&'a str>, Fault<'a>> {
    let Some(escape) = rest.strip_prefix('\\') else { return Ok(None) };
    let text = match escape.chars().next() {
        Some('d') => "[0-9]",
        Some('D') => "[^0-9]",
        Some('s') => r"[\t\n\x0C\r ]",
        Some('S') => r"[^\t\n\x0C\r ]",
        Some('w') => "[0-9A-Za-z_]",
        Some('W') => "[^0-9A-Za-z_]",
        Some('p' | 'P') => return unicode(rest, out).map(Some),
        _ => return Ok(None),
    };
    out.push_str(text);
    Ok(escape.get(1..))
}

/// `\pL`, `\p{Greek}`, `\P{^Lu}`.
fn unicode<'a>(rest: &'a str, out: &mut String) -> Result<&'a str, Fault<'a>> {
    let inside = rest.get(2..).unwrap_or_default();
    let (name, after) = match inside.strip_prefix('{') {
        Some(braced) => braced.split_once('}').ok_or((BAD_RANGE, rest))?,
        None => inside.split_at_checked(inside.chars().next().map_or(0, char::len_utf8)).unwrap_or_default(),
    };
    let fault = Err((BAD_RANGE, between(rest, after)));
    let (inverted, name) = name.strip_prefix('^').map_or((false, name), |name| (true, name));
    let negative = rest.starts_with(r"\P") != inverted;
    const CATEGORIES: &str = " C Cc Cf Co L Ll Lm Lo Lt Lu M Mc Me Mn N Nd Nl No P Pc Pd Pe Pf Pi Po Ps S Sc Sk Sm So Z \
                              Zl Zp Zs Any ";
    let plain = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    let class = if !plain {
        return fault;
    } else if name == "C" {
        // Without what is not assigned.
        r"\p{Cc}\p{Cf}\p{Co}".to_owned()
    } else if CATEGORIES.contains(&format!(" {name} ")) {
        format!("\\p{{{name}}}")
    } else {
        let class = format!("\\p{{sc={name}}}");
        if !name.starts_with(|c: char| c.is_ascii_uppercase()) || regex::Regex::new(&class).is_err() {
            return fault;
        }
        class
    };
    out.push_str(if negative { "[^" } else { "[" });
    out.push_str(&class);
    out.push(']');
    Ok(after)
}

/// The one character that an escape stands for.
pub fn character(rest: &str) -> Result<(char, &str), Fault<'_>> {
    let escape = rest.get(1..).unwrap_or_default();
    let Some(c) = escape.chars().next() else {
        return Err(("trailing backslash at end of expression", ""));
    };
    let after = escape.get(c.len_utf8()..).unwrap_or_default();
    let plain = match c {
        'a' => Some('\u{7}'),
        'f' => Some('\u{c}'),
        'n' => Some('\n'),
        'r' => Some('\r'),
        't' => Some('\t'),
        'v' => Some('\u{b}'),
        c if c.is_ascii() && !c.is_ascii_alphanumeric() => Some(c),
        _ => None,
    };
    if let Some(c) = plain {
        return Ok((c, after));
    }
    let octal = |text: &str| text.bytes().take_while(|b| (b'0'..=b'7').contains(b)).count();
    let (code, after) = match c {
        // A digit alone would be a reference to a group.
        '0'..='7' if c == '0' || octal(after) > 0 => {
            let (digits, after) = escape.split_at_checked(1 + octal(after).min(2)).unwrap_or_default();
            (u32::from_str_radix(digits, 8).ok(), after)
        }
        'x' => {
            let (digits, after) = match after.strip_prefix('{') {
                Some(braced) => braced.split_once('}').unwrap_or(("", "")),
                None => after.split_at_checked(2).unwrap_or(("", after)),
            };
            let hexadecimal = digits.bytes().all(|b| b.is_ascii_hexdigit());
            (u32::from_str_radix(digits, 16).ok().filter(|_| hexadecimal), after)
        }
        _ => (None, after),
    };
    match code.and_then(char::from_u32) {
        Some(c) => Ok((c, after)),
        None => Err((BAD_ESCAPE, between(rest, after))),
    }
}
