//! Secrets in what is printed: a configuration may carry them inside URLs.

use std::borrow::Cow;

const MASKED: &str = "***";

/// Parameters of a URL whose values are secrets more often than not.
const SECRET_PARAMETERS: [&str; 9] =
    ["token", "key", "secret", "password", "passwd", "pwd", "sig", "signature", "auth"];

/// `text` with the user information of every URL in it (RFC 3986 section 3.2.1), and the values of parameters that
/// sound secret, replaced by `***`.
pub(super) fn secrets(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("://") {
        masked.push_str(before);
        masked.push_str("://");
        let end = end_of_url(after);
        let (url, tail) = after.split_at_checked(end).unwrap_or((after, ""));
        masked.push_str(&without_secrets(url));
        rest = tail;
    }
    masked.push_str(rest);
    masked
}

/// Whether a line of the configuration may hold a key, or a part of one, and is not to be shown.
pub(super) fn holds_key(line: &str) -> bool {
    let named = line.match_indices("key").any(|(at, word)| {
        let bare = |c: char| matches!(c, '"' | '\'') || c.is_whitespace();
        let before = line.get(..at).unwrap_or_default().chars().next_back();
        let after = line.get(at + word.len()..).unwrap_or_default();
        !before.is_some_and(|c| c.is_alphanumeric() || c == '_')
            && after.trim_start_matches(bare).starts_with(':')
    });
    let word = line.trim();
    // A line of PEM in a text over several lines.
    named || word.contains("-----") || (word.len() >= 40 && !word.contains([' ', ':']))
}

fn ends_url(c: char) -> bool {
    c.is_whitespace() || matches!(c, '"' | '\'' | '`' | '<' | '>')
}

/// Where the URL ends of which `after` is what stands behind `://`.
fn end_of_url(after: &str) -> usize {
    let end = after.find(ends_url).unwrap_or(after.len());
    let line_end = after.find(['\n', '\r']).unwrap_or(after.len());
    let (Some(url), Some(line)) = (after.get(..end), after.get(..line_end)) else {
        return end;
    };
    // A password with a blank or a quote in it makes no valid URL, and is still a password.
    let cut_password = !url.contains(['@', '/', '[']) && !port_like(url);
    match line.rfind('@') {
        Some(at) if cut_password => {
            at + after.get(at..).and_then(|host| host.find(ends_url)).unwrap_or(line_end - at)
        }
        _ => end,
    }
}

/// Whether what follows the last colon, if anything does, can be a port.
fn port_like(authority: &str) -> bool {
    authority
        .rsplit_once(':')
        .is_none_or(|(_, port)| !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()))
}

/// `url` is what stands behind `://`.
fn without_secrets(url: &str) -> Cow<'_, str> {
    let mut authority_end = url.find(['/', '?', '#']).unwrap_or(url.len());
    // A password with a bare slash in it is no valid URL, and still a password.
    let odd = |text: &str| !text.contains(['@', '[']) && !port_like(text);
    if let Some((user, host)) = url.rsplit_once('@')
        && url.get(..authority_end).is_some_and(odd)
    {
        authority_end = user.len() + 1 + host.find(['/', '?', '#']).unwrap_or(host.len());
    }
    let (authority, rest) = url.split_at_checked(authority_end).unwrap_or((url, ""));
    let authority = match authority.rsplit_once('@') {
        Some((_, host)) => Cow::Owned(format!("{MASKED}@{host}")),
        None => Cow::Borrowed(authority),
    };
    let rest = match rest.split_once('?') {
        Some((path, query)) => Cow::Owned(format!("{path}?{}", query_without_secrets(query))),
        None => Cow::Borrowed(rest),
    };
    authority + rest
}

fn query_without_secrets(query: &str) -> String {
    let parameter = |pair: &str| match pair.split_once('=') {
        Some((name, _)) if sounds_secret(name) => format!("{name}={MASKED}"),
        _ => pair.to_owned(),
    };
    query.split('&').map(parameter).collect::<Vec<_>>().join("&")
}

fn sounds_secret(name: &str) -> bool {
    let name = name.to_lowercase();
    SECRET_PARAMETERS.iter().any(|word| name.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_with_keys_are_known() {
        for (line, expected) in [
            ("    key: s3cret", true),
            ("main: {algorithm: HS256, key: s3cret}", true),
            ("\"key\" : x", true),
            ("      -----BEGIN PUBLIC KEY-----", true),
            ("      MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE", false),
            ("      MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEx1yz", true),
            ("  key_id: main", false),
            ("  keys:", false),
            ("  api_key: x", false),
            ("  dir: bundles", false),
        ] {
            assert_eq!(holds_key(line), expected, "{line}");
        }
    }

    #[test]
    fn secrets_in_urls_are_masked_and_nothing_else() {
        for (text, masked) in [
            ("", ""),
            ("no url: a@b", "no url: a@b"),
            ("https://idp.example/jwks", "https://idp.example/jwks"),
            ("https://u:p@idp.example/jwks", "https://***@idp.example/jwks"),
            ("https://u:p/q@idp.example/x", "https://***@idp.example/x"),
            ("https://idp.example:80/u@x", "https://idp.example:80/u@x"),
            ("https://u:p@x@idp.example?p=1", "https://***@idp.example?p=1"),
            ("https://idp.example/a?v=1&api_key=s3&x=2", "https://idp.example/a?v=1&api_key=***&x=2"),
            ("jwks_url: \"http://u:p@h/\" # `ftp://k@h`", "jwks_url: \"http://***@h/\" # `ftp://***@h`"),
            ("a://b://c:d@e", "a://***@e"),
            ("`https://u:p w@idp.example/x` is no URL", "`https://***@idp.example/x` is no URL"),
            ("`https://u:p\"'w@idp.example`", "`https://***@idp.example`"),
            ("https://u:p w\nmail a@b", "https://u:p w\nmail a@b"),
            ("see https://idp.example:80 or ask a@b", "see https://idp.example:80 or ask a@b"),
        ] {
            assert_eq!(secrets(text), masked, "{text}");
        }
    }
}
