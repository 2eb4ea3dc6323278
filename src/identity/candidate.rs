//! The credentials that a call presents, before anything of them is verified.
//!
//! INVARIANT (absent is not malformed): where a credential stands, there is one well-formed credential, or the call is
//! refused. Only a call without any can become anonymous.

use std::fmt;
use std::net::IpAddr;

use http::HeaderName;
use http::header::AUTHORIZATION;

use super::certificate::shown::Shown;
use super::refusal::Refusal;
use crate::model::presented::Presented;

/// The longest credential that is looked at, in bytes.
pub const MAX_CREDENTIAL_BYTES: usize = 8 * 1024;

/// Where a credential stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place<'r> {
    /// `Authorization: Bearer …` (RFC 6750 section 2.1), or `DPoP …` (RFC 9449 section 7.1).
    Bearer,
    /// A header of its own.
    Header(&'r HeaderName),
    /// The connection's TLS, or what a proxy says of its own: this certificate. There is no text then.
    Certificate(&'r Shown),
}

/// A credential as it was presented.
#[derive(Clone, Copy)]
pub struct Candidate<'r> {
    /// Where it stands.
    pub place: Place<'r>,
    /// Its text: visible ASCII, at most [`MAX_CREDENTIAL_BYTES`]; empty for a certificate.
    pub text: &'r str,
    /// Who sent it, where that is known.
    pub peer: Option<IpAddr>,
    /// Whether it came with the scheme `DPoP` (RFC 9449 section 7.1), and so with a proof.
    pub dpop: bool,
}

impl Candidate<'_> {
    /// Whether it has the dots of a signed token (RFC 7515 section 7.1).
    pub fn looks_signed(&self) -> bool {
        self.text.contains('.')
    }
}

/// Credentials are secrets.
impl fmt::Debug for Candidate<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Candidate").field("place", &self.place).finish_non_exhaustive()
    }
}

/// Everything that a call presents: the bearer token, then the credentials of `headers`, in their order.
///
/// # Errors
/// Where one of these headers has more than one value, or a value that is no credential.
pub fn candidates<'r>(
    presented: &Presented<'r>,
    headers: &'r [HeaderName],
) -> Result<Vec<Candidate<'r>>, Refusal> {
    let peer = presented.peer.map(|peer| peer.ip());
    let mut found = Vec::new();
    if let Some((scheme, text)) = authorization(presented)? {
        found.push(Candidate { place: Place::Bearer, text, peer, dpop: matches!(scheme, Scheme::Dpop) });
    }
    for name in headers {
        let mut values = presented.header(name);
        let Some(value) = values.next() else { continue };
        if values.next().is_some() {
            return Err(Refusal::Duplicate(name.as_str().to_owned()));
        }
        let text = std::str::from_utf8(value).unwrap_or_default().trim_matches(' ');
        if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Refusal::NoCredential(name.as_str().to_owned()));
        }
        found.push(Candidate { place: Place::Header(name), text, peer, dpop: false });
    }
    if found.iter().any(|candidate| candidate.text.len() > MAX_CREDENTIAL_BYTES) {
        return Err(Refusal::TooLong);
    }
    Ok(found)
}

/// Whether a token is presented with the scheme `DPoP`.
pub(super) fn is_with_dpop(presented: &Presented<'_>) -> bool {
    matches!(authorization(presented), Ok(Some((Scheme::Dpop, _))))
}

/// A scheme of the `Authorization` header.
enum Scheme {
    Bearer,
    Dpop,
}

/// The token of the `Authorization` header (RFC 9110 section 11.6.2), and its scheme. More than one value, another scheme, an
/// empty or ill-formed token are refused.
fn authorization<'r>(presented: &Presented<'r>) -> Result<Option<(Scheme, &'r str)>, Refusal> {
    let mut values = presented.header(&AUTHORIZATION);
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(Refusal::Authorization("more than one Authorization header"));
    }
    let Ok(text) = std::str::from_utf8(value) else {
        return Err(Refusal::Authorization("the Authorization header is not UTF-8"));
    };
    let Some((scheme, token)) = text.split_once(' ') else {
        return Err(Refusal::Authorization("the Authorization header is not `Bearer <token>`"));
    };
    let scheme = match scheme {
        name if name.eq_ignore_ascii_case("bearer") => Scheme::Bearer,
        name if name.eq_ignore_ascii_case("dpop") => Scheme::Dpop,
        _ => return Err(Refusal::Scheme),
    };
    let token = token.trim_matches(' ');
    // b64token of RFC 6750 section 2.1; also keeps control characters and lists out.
    let token_char = |b: u8| b.is_ascii_alphanumeric() || b"-._~+/=".contains(&b);
    if token.is_empty() || !token.bytes().all(token_char) {
        return Err(Refusal::Authorization("the bearer token is empty or has characters that no token has"));
    }
    Ok(Some((scheme, token)))
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    use super::*;

    fn shown(pairs: &[(&'static str, &str)], places: &[HeaderName]) -> String {
        let headers: HeaderMap = pairs
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()))
            .collect();
        let presented = Presented::from(&headers);
        let shown = |candidate: &Candidate<'_>| match candidate.place {
            Place::Bearer => format!("bearer {}", candidate.text),
            Place::Header(name) => format!("{name} {}", candidate.text),
            Place::Certificate(_) => "certificate".to_owned(),
        };
        match candidates(&presented, places) {
            Ok(found) => found.iter().map(shown).collect::<Vec<_>>().join(", "),
            Err(_) => "refused".to_owned(),
        }
    }

    #[test]
    fn the_authorization_header_is_absent_bearer_or_refused() {
        for (values, expected) in [
            (&[][..], ""),
            (&["Bearer a.b.c"], "bearer a.b.c"),
            (&["bearer  a.b.c "], "bearer a.b.c"),
            (&["DPoP a.b.c"], "bearer a.b.c"),
            (&["DPoP "], "refused"),
            (&["DPoP a.b.c", "Bearer a.b.c"], "refused"),
            (&["Bearer"], "refused"),
            (&["Bearer "], "refused"),
            (&["Bearer a b"], "refused"),
            (&["Bearer a,b"], "refused"),
            (&["Basic dXNlcg=="], "refused"),
            (&["undefined"], "refused"),
            (&[""], "refused"),
            (&["Bearer a.b.c", "Bearer a.b.c"], "refused"),
        ] {
            let pairs: Vec<_> = values.iter().map(|value| ("authorization", *value)).collect();
            assert_eq!(shown(&pairs, &[]), expected, "{values:?}");
        }
    }

    #[test]
    fn a_header_has_one_credential_or_the_call_is_refused() {
        let places = [HeaderName::from_static("x-api-key"), HeaderName::from_static("x-agentpack-key")];
        let long = "k".repeat(MAX_CREDENTIAL_BYTES + 1);
        for (pairs, expected) in [
            (&[("x-api-key", "abc")][..], "x-api-key abc"),
            (&[("x-other", "abc")], ""),
            (&[("x-api-key", " abc ")], "x-api-key abc"),
            (&[("x-api-key", "")], "refused"),
            (&[("x-api-key", "a b")], "refused"),
            (&[("x-api-key", "a\tb")], "refused"),
            (&[("x-api-key", "abc"), ("x-api-key", "abc")], "refused"),
            (&[("x-api-key", &long)], "refused"),
            (&[("x-agentpack-key", "b"), ("x-api-key", "a")], "x-api-key a, x-agentpack-key b"),
            (&[("authorization", "Bearer t"), ("x-api-key", "a")], "bearer t, x-api-key a"),
        ] {
            assert_eq!(shown(pairs, &places), expected, "{pairs:?}");
        }
    }
}
