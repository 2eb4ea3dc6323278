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
        let end = after.find(ends_url).unwrap_or(after.len());
        let (url, tail) = after.split_at_checked(end).unwrap_or((after, ""));
        masked.push_str(&without_secrets(url));
        rest = tail;
    }
    masked.push_str(rest);
    masked
}

fn ends_url(c: char) -> bool {
    c.is_whitespace() || matches!(c, '"' | '\'' | '`' | '<' | '>')
}

/// `url` is what stands behind `://`.
fn without_secrets(url: &str) -> Cow<'_, str> {
    let mut authority_end = url.find(['/', '?', '#']).unwrap_or(url.len());
    // A password with a bare slash in it is no valid URL, and still a password.
    let port_like =
        |text: &str| text.rsplit_once(':').is_none_or(|(_, port)| port.bytes().all(|b| b.is_ascii_digit()));
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
            ("a://b://c:d@e", "a://b://***@e"),
        ] {
            assert_eq!(secrets(text), masked, "{text}");
        }
    }
}
