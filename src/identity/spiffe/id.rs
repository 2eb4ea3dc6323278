//! SPIFFE IDs and the names of trust domains (the SPIFFE-ID standard), in their canonical form.
//!
//! The standard lets a reader take a scheme or a trust domain in capitals for the same in small letters. Here it is refused: an ID that
//! policy compares as text must have one spelling.

use std::fmt;

/// The longest SPIFFE ID, in bytes.
pub const MAX_ID: usize = 2048;
/// The longest name of a trust domain, in bytes.
pub const MAX_TRUST_DOMAIN: usize = 255;
/// What every SPIFFE ID begins with.
pub const SCHEME: &str = "spiffe://";

/// The name of a trust domain, e.g. `example.org`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TrustDomain(String);

impl TrustDomain {
    /// Reads a name.
    ///
    /// # Errors
    /// What is wrong with it. The text is not repeated.
    pub fn parse(name: &str) -> Result<Self, &'static str> {
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-".contains(&byte);
        if name.is_empty() {
            return Err("has no trust domain");
        }
        if name.len() > MAX_TRUST_DOMAIN {
            return Err("has a trust domain of more than 255 bytes");
        }
        match name.bytes().all(allowed) {
            true => Ok(Self(name.to_owned())),
            false => {
                Err("has a trust domain with characters other than small letters, digits, `.`, `-` and `_`")
            }
        }
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.0
    }

    /// The SPIFFE ID of the domain itself, e.g. `spiffe://example.org`.
    pub fn id(&self) -> String {
        format!("{SCHEME}{}", self.0)
    }
}

impl fmt::Display for TrustDomain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The SPIFFE ID of a workload, e.g. `spiffe://example.org/service/api`: it has a path.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SpiffeId {
    text: String,
    trust_domain: TrustDomain,
}

impl SpiffeId {
    /// Reads the SPIFFE ID of a workload. That of a trust domain alone names no workload and is refused.
    ///
    /// # Errors
    /// What is wrong with it. The text is not repeated.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        if text.len() > MAX_ID {
            return Err("is longer than 2048 bytes");
        }
        let rest = text.strip_prefix(SCHEME).ok_or("does not begin with `spiffe://`")?;
        let (domain, path) = rest.split_once('/').unwrap_or((rest, ""));
        let trust_domain = TrustDomain::parse(domain)?;
        if rest.len() == domain.len() {
            return Err("has no path, and so names no workload");
        }
        path.split('/').try_for_each(check_segment)?;
        Ok(Self { text: text.to_owned(), trust_domain })
    }

    /// The whole ID.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whose workload it is.
    pub const fn trust_domain(&self) -> &TrustDomain {
        &self.trust_domain
    }

    /// The path, which begins with a slash.
    pub fn path(&self) -> &str {
        self.text.get(SCHEME.len() + self.trust_domain.0.len()..).unwrap_or_default()
    }

    /// What the workload is (`input.subject.type`): `agent` or `service` where that is the first segment of the path, else
    /// `workload`.
    pub fn kind(&self) -> &'static str {
        match self.path().split('/').nth(1) {
            Some("agent") => "agent",
            Some("service") => "service",
            _ => "workload",
        }
    }
}

fn check_segment(segment: &str) -> Result<(), &'static str> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    match segment {
        "" => Err("has a path with an empty segment, or a slash at its end"),
        "." | ".." => Err("has a path with a segment `.` or `..`"),
        other if other.bytes().all(allowed) => Ok(()),
        _ => Err("has a path with characters other than letters, digits, `.`, `-`, `_` and `/`"),
    }
}

impl fmt::Display for SpiffeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_canonical_or_refused() {
        let long_domain = format!("spiffe://{}/x", "d".repeat(255));
        let longest = format!("spiffe://td/{}", "p".repeat(2048 - "spiffe://td/".len()));
        let good = [
            ("spiffe://example.org/service/api", "example.org", "/service/api", "service"),
            ("spiffe://agentvault.com/agent/agent123", "agentvault.com", "/agent/agent123", "agent"),
            (
                "spiffe://agentvault.com/agent/executor/python",
                "agentvault.com",
                "/agent/executor/python",
                "agent",
            ),
            ("spiffe://agentvault.com/spire-agent", "agentvault.com", "/spire-agent", "workload"),
            ("spiffe://1.2.3.4/agents/x", "1.2.3.4", "/agents/x", "workload"),
            ("spiffe://a_b-c.d/A.b_c-9/...", "a_b-c.d", "/A.b_c-9/...", "workload"),
        ];
        for (text, domain, path, kind) in good {
            let id = SpiffeId::parse(text).unwrap();
            assert_eq!((id.trust_domain().name(), id.path(), id.kind()), (domain, path, kind), "{text}");
            assert_eq!((id.as_str(), id.to_string()), (text, text.to_owned()));
        }
        assert!(SpiffeId::parse(&long_domain).is_ok());
        assert!(SpiffeId::parse(&longest).is_ok());
        for text in [
            "",
            "example.org/x",
            "http://example.org/x",
            "spiffe:/example.org/x",
            "spiffe:example.org/x",
            "SPIFFE://example.org/x",
            "Spiffe://example.org/x",
            " spiffe://example.org/x",
            "spiffe://",
            "spiffe:///x",
            "spiffe://example.org",
            "spiffe://example.org/",
            "spiffe://example.org/x/",
            "spiffe://example.org//x",
            "spiffe://example.org/x//y",
            "spiffe://example.org/.",
            "spiffe://example.org/..",
            "spiffe://example.org/x/./y",
            "spiffe://example.org/x/../y",
            "spiffe://Example.org/x",
            "spiffe://exämple.org/x",
            "spiffe://example.org:443/x",
            "spiffe://user@example.org/x",
            "spiffe://user:pass@example.org/x",
            "spiffe://[::1]/x",
            "spiffe://example%2eorg/x",
            "spiffe://example.org/x%20y",
            "spiffe://example.org/alice@example.com",
            "spiffe://example.org/x?y=z",
            "spiffe://example.org/x#y",
            "spiffe://example.org?x",
            "spiffe://example.org#x",
            "spiffe://example.org/x y",
            "spiffe://example.org/x\n",
            "spiffe://example.org/ü",
            "spiffe://example.org/x\0",
            "spiffe://example.org/x,spiffe://example.org/y",
            &long_domain.replace("://d", "://dd"),
            &format!("{longest}p"),
        ] {
            assert!(SpiffeId::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_trust_domain_is_a_name_and_no_id() {
        assert_eq!(TrustDomain::parse("example.org").unwrap().id(), "spiffe://example.org");
        for text in ["", "spiffe://example.org", "example.org/", "Example.org", "a b", &"d".repeat(256)] {
            assert!(TrustDomain::parse(text).is_err(), "{text}");
        }
    }
}
