//! Secrets in what is printed: a document may carry them inside URLs.

use std::borrow::Cow;

const MASKED: &str = "***";

/// `text` with the user information (RFC 3986 section 3.2.1), the query and the fragment of every URL in it replaced by
/// `***`.
pub(crate) fn secrets(text: &str) -> String {
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

/// Whether a line of a document may hold a key, or a part of one, or a secret in what was meant to be a URL, and is
/// not to be shown.
pub(crate) fn holds_key(line: &str) -> bool {
    // `secret_env` names a variable; the mistake is to write there what the variable should hold.
    let words = ["key", "secret", "secret_env", "hash", "token", "password"];
    let named = words.iter().flat_map(|word| line.match_indices(word)).any(|(at, word)| {
        let bare = |c: char| matches!(c, '"' | '\'') || c.is_whitespace();
        let before = line.get(..at).unwrap_or_default().chars().next_back();
        let after = line.get(at + word.len()..).unwrap_or_default();
        !before.is_some_and(|c| c.is_alphanumeric() || c == '_')
            && after.trim_start_matches(bare).starts_with(':')
    });
    let word = line.trim();
    let url = line.split_once("url").is_some_and(|(_, value)| value.contains(['?', '@']));
    // A line of PEM in a text over several lines.
    named || url || word.contains("-----") || (word.len() >= 40 && !word.contains([' ', ':']))
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
    let rest = match rest.find(['?', '#']) {
        Some(end) => {
            let (path, secret) = rest.split_at_checked(end).unwrap_or((rest, "?"));
            Cow::Owned(format!("{path}{}{MASKED}", if secret.starts_with('#') { '#' } else { '?' }))
        }
        None => Cow::Borrowed(rest),
    };
    authority + rest
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
            ("  - hash: s3cret", true),
            ("{id: a, secret: s3cret}", true),
            ("  secret_env: s3cret", true),
            ("  key_id: main", false),
            ("  keys:", false),
            ("  jwks_url: idp.example/keys?s3cret", true),
            ("  jwks_url: user:s3cret@idp.example/keys", true),
            ("  jwks_url: https://idp.example/keys", false),
            ("  redis: {url: 'redis:s3cret@cache'}", true),
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
            ("https://u:p@x@idp.example?p=1", "https://***@idp.example?***"),
            ("https://idp.example/a?v=1&x=2", "https://idp.example/a?***"),
            ("https://idp.example/a?s3cr3t, and so on", "https://idp.example/a?*** and so on"),
            ("https://idp.example/a#s3cr3t", "https://idp.example/a#***"),
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
