//! The forms of text that schemas name.

use std::net::{IpAddr, Ipv4Addr};

use crate::builtins::encoding::go_url;
use crate::builtins::pattern::regex_syntax;
use crate::builtins::time::parse::parse;

/// Whether a text is of a form. Unknown ones pass.
pub fn matches(format: &str, text: &str) -> bool {
    let any = |layouts: &[&str]| layouts.iter().any(|layout| parse(layout, text).is_ok());
    match format {
        "date" => any(&["2006-01-02"]),
        "time" => any(&["15:04:05", "15:04:05Z07:00"]),
        "date-time" => any(&["15:04:05", "15:04:05Z07:00", "2006-01-02", "2006-01-02T15:04:05Z07:00"]),
        "hostname" => text.len() < 256 && text.split('.').all(is_label),
        "email" | "idn-email" => is_email(text),
        "ipv4" => text.contains('.') && text.parse::<IpAddr>().is_ok(),
        "ipv6" => text.contains(':') && text.parse::<IpAddr>().is_ok(),
        "uri" | "iri" => is_url(text, true),
        "uri-reference" | "iri-reference" => is_url(text, false),
        "uri-template" => is_url(text, false) && is_template(text),
        "uuid" => {
            text.len() == 36
                && text.bytes().enumerate().all(|(at, byte)| match at {
                    8 | 13 | 18 | 23 => byte == b'-',
                    _ => byte.is_ascii_hexdigit(),
                })
        }
        "regex" => regex_syntax::translate(text).is_ok(),
        "json-pointer" => is_pointer(text),
        "relative-json-pointer" => {
            let digits = text.bytes().take_while(u8::is_ascii_digit).count();
            let (number, rest) = text.split_at_checked(digits).unwrap_or((text, ""));
            !number.is_empty()
                && (number == "0" || !number.starts_with('0'))
                && (rest == "#" || is_pointer(rest))
        }
        _ => true,
    }
}

fn is_label(label: &str) -> bool {
    let good = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    !label.is_empty()
        && label.len() <= 63
        && label.bytes().all(good)
        && !label.starts_with('-')
        && !label.ends_with('-')
}

fn is_pointer(text: &str) -> bool {
    let escapes =
        text.match_indices('~').all(|(at, _)| matches!(text.as_bytes().get(at + 1), Some(b'0' | b'1')));
    (text.is_empty() || text.starts_with('/')) && escapes
}

/// An address as in a header of a mail (RFC 5322), perhaps with a name before it.
fn is_email(text: &str) -> bool {
    let text = text.trim_matches([' ', '\t']);
    let address = match text.strip_suffix('>').and_then(|text| text.rsplit_once('<')) {
        Some((name, address)) => {
            let name = name.trim();
            let quoted = name.len() >= 2 && name.starts_with('"') && name.ends_with('"');
            if !quoted && !name.chars().all(|sign| is_atom_sign(sign) || matches!(sign, ' ' | '\t' | '.')) {
                return false;
            }
            address
        }
        None => text,
    };
    let Some((local, domain)) = address.rsplit_once('@') else { return false };
    let quoted = local.len() > 2 && local.starts_with('"') && local.ends_with('"');
    let literal = domain.strip_prefix('[').and_then(|domain| domain.strip_suffix(']'));
    let is_literal = literal.is_some_and(|address| {
        address.strip_prefix("IPv6:").unwrap_or(address).parse::<IpAddr>().is_ok()
            || address.parse::<Ipv4Addr>().is_ok()
    });
    (quoted || is_dotted(local)) && (is_literal || is_dotted(domain))
}

fn is_dotted(text: &str) -> bool {
    text.split('.').all(|part| !part.is_empty() && part.chars().all(is_atom_sign))
}

fn is_atom_sign(sign: char) -> bool {
    sign.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(sign) || !sign.is_ascii()
}

/// Whether Go takes a text for a URL, with a scheme where it must have one.
fn is_url(text: &str, with_scheme: bool) -> bool {
    !text.contains('\\') && go_url::parse(text).is_ok_and(|url| !with_scheme || url.has_scheme())
}

fn escapes_are_whole(text: &str) -> bool {
    let bytes = text.as_bytes();
    let digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_hexdigit);
    bytes.iter().enumerate().filter(|(_, byte)| **byte == b'%').all(|(at, _)| digit(at + 1) && digit(at + 2))
}

/// Whether what is opened in the path is closed, and nothing is closed alone... the library looks for the former only.
fn is_template(text: &str) -> bool {
    let mut rest = text.split(['#', '?']).next().unwrap_or_default();
    while let Some((_, after)) = rest.split_once('{') {
        let Some((_, after)) = after.split_once('}') else { return false };
        rest = after;
    }
    true
}

/// A text without its percent escapes.
pub fn percent_decoded(text: &str) -> String {
    if !text.contains('%') || !escapes_are_whole(text) {
        return text.to_string();
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut signs = text.bytes();
    while let Some(byte) = signs.next() {
        if byte == b'%' {
            let mut digit = || signs.next().and_then(|byte| char::from(byte).to_digit(16)).unwrap_or(0) as u8;
            bytes.push(digit() << 4 | digit());
        } else {
            bytes.push(byte);
        }
    }
    crate::builtins::encoding::base::lossy(&bytes)
}
