//! What a caller presents to say who it is: untrusted until `identity` has verified it.

use super::secret::Secret;

/// A presented credential, as an edge found it.
///
/// INVARIANT (absent is not invalid): a header that is there but unusable is [`Credential::Malformed`], never
/// [`Credential::Absent`]; only the latter can become anonymous.
#[derive(Debug, Clone)]
pub enum Credential {
    /// The call carries no credential at all.
    Absent,
    /// `Authorization: Bearer …` (RFC 6750 section 2.1): a JWT in compact form, still unverified.
    Bearer(Secret<String>),
    /// Something was presented that is no credential we accept; the text says what, without its content.
    Malformed(&'static str),
}

impl Credential {
    /// Reads every value of the `Authorization` header (RFC 9110 section 11.6.2).
    ///
    /// More than one value, another scheme, an empty or ill-formed token are [`Credential::Malformed`].
    pub fn from_authorization<'a>(mut values: impl Iterator<Item = &'a [u8]>) -> Self {
        let Some(value) = values.next() else { return Self::Absent };
        if values.next().is_some() {
            return Self::Malformed("more than one Authorization header");
        }
        let Ok(text) = std::str::from_utf8(value) else {
            return Self::Malformed("the Authorization header is not UTF-8");
        };
        let Some((scheme, token)) = text.split_once(' ') else {
            return Self::Malformed("the Authorization header is not `Bearer <token>`");
        };
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Self::Malformed("the Authorization scheme is not Bearer");
        }
        let token = token.trim_matches(' ');
        // b64token of RFC 6750 section 2.1; also keeps control characters and lists out.
        let token_char = |b: u8| b.is_ascii_alphanumeric() || b"-._~+/=".contains(&b);
        if token.is_empty() || !token.bytes().all(token_char) {
            return Self::Malformed("the bearer token is empty or has characters that no token has");
        }
        Self::Bearer(Secret::new(token.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(values: &[&str]) -> String {
        match Credential::from_authorization(values.iter().map(|v| v.as_bytes())) {
            Credential::Absent => "absent".into(),
            Credential::Bearer(token) => format!("bearer {}", token.expose()),
            Credential::Malformed(_) => "malformed".into(),
        }
    }

    #[test]
    fn authorization_header_is_absent_bearer_or_malformed() {
        for (values, expected) in [
            (&[][..], "absent"),
            (&["Bearer a.b.c"], "bearer a.b.c"),
            (&["bearer  a.b.c "], "bearer a.b.c"),
            (&["Bearer"], "malformed"),
            (&["Bearer "], "malformed"),
            (&["Bearer a b"], "malformed"),
            (&["Bearer a,b"], "malformed"),
            (&["Basic dXNlcg=="], "malformed"),
            (&["undefined"], "malformed"),
            (&[""], "malformed"),
            (&["Bearer a.b.c", "Bearer a.b.c"], "malformed"),
        ] {
            assert_eq!(read(values), expected, "{values:?}");
        }
    }

    #[test]
    fn debug_does_not_show_the_token() {
        let credential = Credential::from_authorization([b"Bearer s3cr3t".as_slice()].into_iter());
        assert!(!format!("{credential:?}").contains("s3cr3t"));
    }
}
