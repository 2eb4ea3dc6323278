//! Who the registry is to outsiders: the names under which its organisations and agents are known elsewhere.

/// Who the registry is to outsiders.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outward {
    /// Where outsiders reach this server, e.g. `https://verdict.acme.example`; none where nothing is shown to them.
    pub url: Option<String>,
    /// The trust domain of SPIFFE ids, e.g. `acme.example`.
    pub trust_domain: Option<String>,
    /// For whom exchanged tokens may be; the first is who they are for unless they say so.
    pub audiences: Vec<String>,
}

impl Outward {
    /// The issuer (`iss`) of what an organisation signs.
    pub fn issuer(&self, organisation: &str) -> Option<String> {
        self.url.as_ref().map(|url| format!("{}/v1/orgs/{organisation}", url.trim_end_matches('/')))
    }

    /// The SPIFFE id of an agent (SPIFFE-ID section 2).
    pub fn spiffe_id(&self, agent: &str) -> Option<String> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
        let fits = !matches!(agent, "" | "." | "..") && agent.bytes().all(plain);
        let domain = self.trust_domain.as_ref().filter(|_| fits)?;
        Some(format!("spiffe://{domain}/agent/{agent}"))
    }
}

/// Whether this is the name of a trust domain (SPIFFE-ID section 2.1).
pub fn is_trust_domain(name: &str) -> bool {
    let plain =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'_');
    (1..=255).contains(&name.len()) && name.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_for_outsiders() {
        let outward = Outward {
            url: Some("https://v.example/".to_owned()),
            trust_domain: Some("acme.example".to_owned()),
            audiences: Vec::new(),
        };
        assert_eq!(outward.issuer("acme").unwrap(), "https://v.example/v1/orgs/acme");
        assert_eq!(outward.spiffe_id("agent_1").unwrap(), "spiffe://acme.example/agent/agent_1");
        for bad in ["", ".", "..", "a/b", "a%2f", "ä"] {
            assert_eq!(outward.spiffe_id(bad), None, "{bad}");
        }
        assert_eq!(Outward::default().issuer("acme"), None);
        for (name, fits) in
            [("acme.example", true), ("Acme", false), ("", false), ("a/b", false), ("a:1", false)]
        {
            assert_eq!(is_trust_domain(name), fits, "{name}");
        }
    }
}
