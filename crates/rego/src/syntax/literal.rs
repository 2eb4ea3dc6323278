//! Values of string and number literals.

/// The text between the quotes of a string, with JSON's escapes undone; `None` where JSON does not allow it, such as a
/// control character. Half a surrogate pair becomes U+FFFD, as in OPA.
pub fn unescape(inner: &str) -> Option<String> {
    if control_character(inner).is_none() && !inner.contains('\\') {
        return Some(inner.to_owned());
    }
    let mut out = String::with_capacity(inner.len());
    let mut rest = inner;
    while let Some(next) = rest.chars().next() {
        rest = rest.get(next.len_utf8()..)?;
        if next != '\\' {
            if next < ' ' {
                return None;
            }
            out.push(next);
            continue;
        }
        let escape = rest.chars().next()?;
        rest = rest.get(escape.len_utf8()..)?;
        out.push(match escape {
            '"' | '\\' | '/' => escape,
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => {
                let unit = code_unit(rest)?;
                rest = rest.get(4..)?;
                let low = rest.strip_prefix("\\u").and_then(code_unit);
                match (unit, low) {
                    (0xd800..=0xdbff, Some(low @ 0xdc00..=0xdfff)) => {
                        rest = rest.get(6..)?;
                        char::from_u32(0x1_0000 + ((unit - 0xd800) << 10) + (low - 0xdc00))?
                    }
                    _ => char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER),
                }
            }
            _ => return None,
        });
    }
    Some(out)
}

/// The first character that must be escaped between quotes.
fn control_character(inner: &str) -> Option<char> {
    inner.chars().find(|character| *character < ' ')
}

/// What to write instead of a control character, where a text has one between its quotes.
pub fn control_character_hint(inner: &str) -> Option<String> {
    let found = control_character(inner)?;
    let escape = match found {
        '\u{8}' => "\\b".to_owned(),
        '\t' => "\\t".to_owned(),
        '\n' => "\\n".to_owned(),
        '\u{c}' => "\\f".to_owned(),
        '\r' => "\\r".to_owned(),
        other => format!("\\u{:04x}", u32::from(other)),
    };
    Some(format!(
        "it has the control character U+{:04X}: write `{escape}`, or put the text between backticks",
        u32::from(found)
    ))
}

fn code_unit(text: &str) -> Option<u32> {
    let digits = text.get(..4)?;
    digits
        .bytes()
        .all(|byte| byte.is_ascii_hexdigit())
        .then(|| u32::from_str_radix(digits, 16).ok())
        .flatten()
}

/// The text of a part of a template: `\{` is a brace; in backticks nothing else is escaped.
pub fn template_text(inner: &str, raw: bool) -> Option<String> {
    if !inner.contains('\\') {
        return if raw { Some(inner.to_owned()) } else { unescape(inner) };
    }
    let mut out = String::with_capacity(inner.len());
    let mut chars = inner.chars().peekable();
    while let Some(next) = chars.next() {
        if next == '\\' && chars.peek() == Some(&'{') {
            continue;
        }
        out.push(next);
        // What follows a backslash is not the start of another escape.
        if next == '\\' && !raw {
            out.extend(chars.next());
        }
    }
    if raw { Some(out) } else { unescape(&out) }
}

/// Whether a number (digits, fraction and exponent) is within 2^±100000, beyond which OPA refuses it.
pub fn in_range(digits: &str) -> bool {
    let (mantissa, exponent) = digits.split_once(['e', 'E']).unwrap_or((digits, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let significant = || whole.bytes().chain(fraction.bytes());
    let Some(zeros) = significant().position(|digit| digit != b'0') else { return true };
    let Ok(exponent) = exponent.parse::<i64>() else { return false };
    let leading: f64 = significant()
        .skip(zeros)
        .take(17)
        .fold((0.0, 1.0), |(sum, scale), digit| {
            (sum + f64::from(digit.saturating_sub(b'0')) * scale, scale / 10.0)
        })
        .0;
    let Some(point) = (whole.len() as i64 - zeros as i64 - 1).checked_add(exponent) else { return false };
    let log2 = (leading.log10() + point as f64) * std::f64::consts::LOG2_10;
    (-100_001.0..100_000.0).contains(&log2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn undoes_escapes() {
        for (inner, want) in [
            ("état\u{7f}", Some("état\u{7f}")),
            ("tab\t", None),
            (r#"\"\\\/\b\f\n\r\t"#, Some("\"\\/\u{8}\u{c}\n\r\t")),
            (r"\u0041\u00e9", Some("Aé")),
            (r"\ud83e\udd80", Some("🦀")),
            (r"\ud83e!", Some("\u{fffd}!")),
            (r"\ud83e\u0041", Some("\u{fffd}A")),
            (r"\udd80", Some("\u{fffd}")),
            ("tab\t\\n", None),
            (r"\u+123", None),
        ] {
            assert_eq!(unescape(inner).as_deref(), want, "{inner}");
        }
    }

    #[test]
    fn undoes_escapes_of_templates() {
        for (inner, raw, want) in [
            (r"\{x}", false, "{x}"),
            (r"\\n\n", false, "\\n\n"),
            (r"\{\n", true, "{\\n"),
            (r"\\{", true, "\\{"),
            ("tab\t", true, "tab\t"),
        ] {
            assert_eq!(template_text(inner, raw).as_deref(), Some(want), "{inner}");
        }
        assert_eq!(template_text("tab\t", false), None);
    }

    #[test]
    fn bounds_numbers() {
        for (digits, want) in [
            ("0", true),
            ("0e99999999999", true),
            ("1e30102", true),
            ("9.9900e30102", true),
            ("9.9901e30102", false),
            ("1e-30102", true),
            ("1e-30104", false),
            ("1e99999999999999999999", false),
        ] {
            assert_eq!(in_range(digits), want, "{digits}");
        }
        assert!(!in_range(&"9".repeat(30_200)));
    }
}
