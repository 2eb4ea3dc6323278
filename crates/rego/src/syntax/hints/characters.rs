//! Characters that Rego does not have, and texts that do not end.

use super::place::Place;

pub(super) fn hint(place: &Place<'_>) -> Option<String> {
    match place.message {
        "illegal token" | "illegal ! character" | "illegal $ character" | "illegal byte-order mark" => {
            let rest = place.rest_of_line();
            character(rest.chars().next()?, rest)
        }
        "illegal null character" => Some("save the file as text in UTF-8".to_owned()),
        "illegal escape sequence" => {
            let text = place.source.slice(place.span);
            bad_escape(text).map(|escape| {
                format!("`{escape}` is not an escape sequence: write `\\{escape}`, or put the string between backticks")
            })
        }
        "non-terminated string" => Some(
            match place.rest_of_line().chars().next() {
                Some('`') => "the string that begins here has no closing backtick",
                _ => "close the string with `\"` on the same line, or write strings of several lines between backticks",
            }
            .to_owned(),
        ),
        "expected fraction" => Some("a number has digits after its point; for a range write `numbers.range(1, 10)`".to_owned()),
        "illegal number format" => number(place.source.slice(place.span)),
        // Where a name has letters of other alphabets, the error is about what precedes them.
        _ if place.says("var cannot be used for rule name") => {
            let after = place.after();
            let rest = after.source.text.get(after.token(0).span.start as usize..)?;
            let found = rest.chars().next().filter(|found| !found.is_ascii() && !after.token(0).spaced)?;
            character(found, rest)
        }
        _ => None,
    }
}

/// The first escape in a text that there is not.
fn bad_escape(text: &str) -> Option<&str> {
    let mut from = 0;
    loop {
        let at = from + text.get(from..)?.find('\\')?;
        let next = text.get(at + 1..)?.chars().next()?;
        let end = at + 1 + next.len_utf8();
        let known = match next {
            '"' | '\\' | '/' | 'b' | 'f' | 'n' | 'r' | 't' => true,
            '{' => text.starts_with('$'),
            'u' => text.get(end..end + 4).is_some_and(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit())),
            _ => false,
        };
        if !known {
            return text.get(at..end);
        }
        from = end;
    }
}

fn number(text: &str) -> Option<String> {
    let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
    if let Some(value) = digits.and_then(|digits| u64::from_str_radix(digits, 16).ok()) {
        return Some(format!("numbers are decimal: write `{value}`"));
    }
    let plain = text.replace('_', "");
    if plain.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(format!("write the number without `_`: `{plain}`"));
    }
    Some("a name begins with a letter or `_`; a string is written in double quotes".to_owned())
}

/// What to write instead of a character; `rest` is the line from it on.
fn character(found: char, rest: &str) -> Option<String> {
    Some(match found {
        '!' => "write `not x` instead of `!x`".to_owned(),
        '\'' => match rest.get(1..).and_then(|rest| rest.split_once('\'')) {
            Some((text, _)) if !text.contains('"') => {
                format!("strings are written in double quotes: `\"{text}\"`")
            }
            _ => "strings are written in double quotes or between backticks".to_owned(),
        },
        '?' if rest.starts_with("?.") => {
            "write `.` instead of `?.`: a reference to what is not there is undefined, and no error".to_owned()
        }
        '?' if rest.starts_with("??") => {
            "for a default write `object.get(input, [\"a\", \"b\"], \"default\")`".to_owned()
        }
        '?' => "Rego has no `? :`: write `x := 1 if condition`, and `x := 2 if not condition` or `else := 2`".to_owned(),
        '$' => "only template strings begin with `$`: `$\"Hello {name}\"`".to_owned(),
        '^' => "Rego has no `^`: multiply for a power, or write `bits.xor(x, y)`".to_owned(),
        '~' => "to match a pattern write `regex.match(pattern, text)`".to_owned(),
        '\\' => "a condition can continue on the next line without a backslash".to_owned(),
        '@' => "annotations are comments: `# METADATA`".to_owned(),
        '“' | '”' | '„' | '«' | '»' | '‟' => named(found, "a typographic quotation mark: write `\"`"),
        '‘' | '’' | '‚' | '‛' => named(found, "a typographic quotation mark: write `\"`"),
        '–' | '—' | '−' | '‐' | '‑' => named(found, "a typographic dash: write `-`"),
        '≤' => "write `<=`".to_owned(),
        '≥' => "write `>=`".to_owned(),
        '≠' => "write `!=`".to_owned(),
        '×' => "write `*`".to_owned(),
        '…' => named(found, "an ellipsis: fill in what is left out"),
        '\u{a0}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{3000}' => {
            named(found, "a special space: replace it with an ordinary one")
        }
        '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}' | '\u{feff}' => {
            named(found, "an invisible character: remove it")
        }
        _ if found.is_ascii() => return None,
        _ if found.is_alphabetic() => {
            "names consist of the letters a to z and A to Z, digits and `_`; other letters need quotes, as in `input[\"größe\"]`".to_owned()
        }
        _ => named(found, "a character that may stand only in quotes and comments"),
    })
}

fn named(found: char, what: &str) -> String {
    format!("U+{:04X} is {what}", u32::from(found))
}
