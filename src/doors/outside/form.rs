//! The parameters of a token request (RFC 6749 section 4, RFC 7523 section 2.1, RFC 8693 section 2.1).
//!
//! INVARIANT (one value each): a parameter that is given twice refuses the request (RFC 6749 section 3.2).

use std::collections::BTreeMap;

use percent_encoding::percent_decode;

use crate::model::secret::Secret;

const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
/// What a token can be said to be (RFC 8693 section 3).
pub(super) const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";

/// Why a token is not given (RFC 6749 section 5.2), and what to say about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wrong {
    pub(super) code: &'static str,
    pub(super) message: String,
}

impl Wrong {
    pub(super) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}

/// What is asked for.
#[derive(Debug)]
pub(super) struct Form {
    /// The token that says who asks.
    pub(super) token: Secret<String>,
    pub(super) audience: Option<String>,
    /// None where the request does not say which.
    pub(super) scopes: Option<Vec<String>>,
}

impl Form {
    /// Reads a body of the type `application/x-www-form-urlencoded`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn read(body: &[u8]) -> Result<Self, Wrong> {
        let mut given = parameters(body)?;
        let invalid = |message: String| Wrong::new("invalid_request", message);
        let mut needed = |name: &str| {
            let value = given.remove(name).filter(|value| !value.is_empty());
            value.ok_or_else(|| invalid(format!("`{name}` is missing")))
        };
        let token = match needed("grant_type")?.as_str() {
            BEARER => needed("assertion")?,
            EXCHANGE => {
                is_jwt("subject_token_type", &needed("subject_token_type")?)?;
                needed("subject_token")?
            }
            other => {
                let message = format!("`{}` is none of `{EXCHANGE}` and `{BEARER}`", printable(other));
                return Err(Wrong::new("unsupported_grant_type", message));
            }
        };
        if let Some(wanted) = given.get("requested_token_type") {
            is_jwt("requested_token_type", wanted)?;
        }
        if given.contains_key("actor_token") {
            return Err(invalid("`actor_token` is not supported".to_owned()));
        }
        if given.contains_key("resource") {
            return Err(Wrong::new("invalid_target", "name an `audience` instead of a `resource`"));
        }
        let words =
            |text: &String| text.split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect();
        Ok(Self {
            token: Secret::new(token),
            audience: given.get("audience").cloned(),
            scopes: given.get("scope").map(words),
        })
    }
}

fn is_jwt(name: &str, value: &str) -> Result<(), Wrong> {
    match value {
        JWT | ACCESS_TOKEN => Ok(()),
        _ => Err(Wrong::new("invalid_request", format!("`{name}` is none of `{JWT}` and `{ACCESS_TOKEN}`"))),
    }
}

fn parameters(body: &[u8]) -> Result<BTreeMap<String, String>, Wrong> {
    let mut given = BTreeMap::new();
    for pair in body.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()) {
        let mut parts = pair.splitn(2, |byte| *byte == b'=');
        let [name, value] = [parts.next(), parts.next()].map(|part| decoded(part.unwrap_or_default()));
        let (Some(name), Some(value)) = (name, value) else {
            return Err(Wrong::new("invalid_request", "the form is not UTF-8"));
        };
        if given.contains_key(&name) {
            let message = format!("`{}` is given twice", printable(&name));
            return Err(Wrong::new("invalid_request", message));
        }
        given.insert(name, value);
    }
    Ok(given)
}

fn decoded(part: &[u8]) -> Option<String> {
    let spaced: Vec<u8> = part.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
    percent_decode(&spaced).decode_utf8().ok().map(std::borrow::Cow::into_owned)
}

/// A word of the request, short and without what RFC 6749 section 5.2 does not allow in a description.
fn printable(text: &str) -> String {
    let plain = |c: char| matches!(c, ' '..='~') && !matches!(c, '"' | '\\');
    text.chars().take(64).map(|c| if plain(c) { c } else { '?' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Result<String, &'static str> {
        let form = Form::read(body.as_bytes()).map_err(|wrong| wrong.code)?;
        let scopes = form.scopes.map(|scopes| scopes.join(","));
        Ok(format!("{} {:?} {:?}", form.token.expose(), form.audience, scopes))
    }

    #[test]
    fn both_grants_are_read_and_nothing_is_guessed() {
        let bearer = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer";
        let exchange = "grant_type=urn:ietf:params:oauth:grant-type:token-exchange";
        let typed = "subject_token_type=urn:ietf:params:oauth:token-type:jwt";
        for (body, expected) in [
            (format!("{bearer}&assertion=t"), Ok("t None None".to_owned())),
            (
                format!("{bearer}&assertion=t&scope=agent%3Aeconomics+agent:reputation&client_id=x"),
                Ok("t None Some(\"agent:economics,agent:reputation\")".to_owned()),
            ),
            (
                format!("{exchange}&subject_token=t&{typed}&audience=teg"),
                Ok("t Some(\"teg\") None".to_owned()),
            ),
            (format!("{exchange}&subject_token=t"), Err("invalid_request")),
            (format!("{exchange}&subject_token=t&subject_token_type=saml"), Err("invalid_request")),
            (format!("{exchange}&subject_token=t&{typed}&actor_token=a"), Err("invalid_request")),
            (format!("{exchange}&subject_token=t&{typed}&resource=https://a"), Err("invalid_target")),
            (format!("{exchange}&subject_token=t&{typed}&requested_token_type=saml"), Err("invalid_request")),
            (format!("{bearer}&assertion=t&assertion=u"), Err("invalid_request")),
            (format!("{bearer}&assertion="), Err("invalid_request")),
            (format!("{bearer}&assertion=%ff"), Err("invalid_request")),
            ("grant_type=password&username=a".to_owned(), Err("unsupported_grant_type")),
            (String::new(), Err("invalid_request")),
        ] {
            assert_eq!(read(&body), expected, "{body}");
        }
    }
}
