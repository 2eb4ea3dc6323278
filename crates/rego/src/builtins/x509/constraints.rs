//! Checks of name constraints (RFC 5280 section 4.2.1.10) and of host names.

use std::net::IpAddr;

use super::name_constraints::{NameConstraints, Range, is_domain, mailbox};
use super::parse::{AlternativeNames, Certificate};

/// The labels of a domain, from the top.
fn labels(domain: &str) -> impl Iterator<Item = &str> {
    domain.rsplit('.').filter(|label| !label.is_empty())
}

/// Whether a domain is a constraint's, or, as Go has it, below it. A constraint with a dot before it has only what is
/// below. `None` when it is no domain.
fn is_below(domain: &str, constraint: &str) -> Option<bool> {
    let (bare, below_only) = match constraint.strip_prefix('.') {
        Some(bare) => (bare, true),
        None => (constraint, false),
    };
    if !is_domain(domain) || !is_domain(bare) {
        return None;
    }
    let mut rest = labels(domain);
    let same = labels(bare).all(|wanted| rest.next().is_some_and(|label| label.eq_ignore_ascii_case(wanted)));
    Some(same && !(below_only && rest.next().is_none()))
}

fn email_matches(address: &str, constraint: &str) -> Option<bool> {
    let (local, domain) = mailbox(address)?;
    match mailbox(constraint) {
        Some((wanted, of)) => Some(local == wanted && domain.eq_ignore_ascii_case(of)),
        None => is_below(domain, constraint),
    }
}

fn uri_matches(host: &str, constraint: &str) -> Option<bool> {
    let bare = match host.rsplit_once(':') {
        Some((bare, _)) if !host.ends_with(']') => bare,
        _ => host,
    };
    let is_address = bare.starts_with('[') || bare.parse::<IpAddr>().is_ok();
    if bare.is_empty() || is_address {
        return None;
    }
    is_below(bare, constraint)
}

fn range_has(range: &Range, address: IpAddr) -> bool {
    let octets = |address: IpAddr| match address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    };
    let (one, other) = (octets(range.address), octets(address));
    one.len() == other.len()
        && one.iter().zip(&other).zip(&range.mask).all(|((one, other), mask)| one & mask == other & mask)
}

/// Whether an authority may vouch for all these names. `comparisons` is how many may still be made.
pub fn permits(constraints: &NameConstraints, names: &AlternativeNames, comparisons: &mut usize) -> bool {
    fn check<T>(
        names: impl Iterator<Item = T>,
        lists: [&[impl AsRef<str>]; 2],
        is_in: impl Fn(&T, &str) -> Option<bool>,
    ) -> bool {
        let [permitted, excluded] = lists;
        names.into_iter().all(|name| {
            // A name that cannot be compared is not vouched for.
            let excluded = excluded.iter().any(|one| is_in(&name, one.as_ref()) != Some(false));
            let permitted =
                permitted.is_empty() || permitted.iter().any(|one| is_in(&name, one.as_ref()) == Some(true));
            permitted && !excluded
        })
    }
    let count = names.dns.len() + names.emails.len() + names.uris.len() + names.addresses.len();
    match comparisons.checked_sub(count.saturating_mul(constraints.len())) {
        Some(left) => *comparisons = left,
        None => return false,
    }
    let (yes, no) = (&constraints.permitted, &constraints.excluded);
    check(names.dns.iter(), [&yes.dns, &no.dns], |name, one| is_below(name, one))
        && check(names.emails.iter(), [&yes.emails, &no.emails], |name, one| email_matches(name, one))
        && check(names.uris.iter(), [&yes.uris, &no.uris], |(_, url), one| uri_matches(&url.host, one))
        && names.addresses.iter().all(|address| {
            let in_any = |ranges: &[Range]| ranges.iter().any(|range| range_has(range, *address));
            (yes.addresses.is_empty() || in_any(&yes.addresses)) && !in_any(&no.addresses)
        })
}

/// Whether a certificate is for a host: a name, or an address, which may be in brackets.
pub fn is_for_host(certificate: &Certificate, host: &str) -> bool {
    let names = &certificate.details.names;
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    if let Ok(address) = bare.parse::<IpAddr>() {
        return names.addresses.iter().any(|other| other.to_canonical() == address.to_canonical());
    }
    let wanted = host.to_ascii_lowercase();
    let is_name = is_host_name(&wanted, false);
    names.dns.iter().any(|pattern| {
        if is_name && is_host_name(pattern, true) {
            host_matches(pattern, &wanted)
        } else {
            // What is no proper name has to be the same.
            !matches!(pattern.as_str(), "" | ".") && pattern.eq_ignore_ascii_case(&wanted)
        }
    })
}

/// Labels of letters, digits, hyphens and underscores; a pattern may have an asterisk for the first.
fn is_host_name(name: &str, is_pattern: bool) -> bool {
    let name = if is_pattern { name } else { name.strip_suffix('.').unwrap_or(name) };
    !name.is_empty()
        && name != "*"
        && name.split('.').enumerate().all(|(at, label)| {
            let fitting = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
            (is_pattern && at == 0 && label == "*")
                || (!label.is_empty() && label.bytes().all(fitting) && !label.starts_with('-'))
        })
}

fn host_matches(pattern: &str, host: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host);
    let (patterns, labels): (Vec<&str>, Vec<&str>) =
        (pattern.split('.').collect(), host.split('.').collect());
    patterns.len() == labels.len()
        && patterns
            .iter()
            .zip(&labels)
            .enumerate()
            .all(|(at, (pattern, label))| (at == 0 && *pattern == "*") || pattern.eq_ignore_ascii_case(label))
}

#[cfg(test)]
mod tests {
    use super::super::name_constraints::is_mask;
    use super::*;

    #[test]
    fn domains_are_compared_by_labels() {
        for (domain, constraint, wanted) in [
            ("a.example.org", "example.org", Some(true)),
            ("example.org", "example.org", Some(true)),
            ("example.org", ".example.org", Some(false)),
            ("A.Example.org", ".example.org", Some(true)),
            ("badexample.org", "example.org", Some(false)),
            ("a..b", "b", None),
            ("a.b", "", Some(true)),
        ] {
            assert_eq!(is_below(domain, constraint), wanted, "{domain} {constraint}");
        }
        assert_eq!(email_matches("me@mail.example.org", ".example.org"), Some(true));
        assert_eq!(email_matches("me@example.org", "You@example.org"), Some(false));
        assert_eq!(uri_matches("a.example.org:8080", "example.org"), Some(true));
        assert_eq!(uri_matches("[::1]:8080", "example.org"), None);
    }

    #[test]
    fn patterns_have_one_asterisk_for_one_label() {
        for (pattern, host, wanted) in [
            ("*.example.org", "a.example.org", true),
            ("*.example.org", "a.b.example.org", false),
            ("*.example.org", "example.org", false),
            ("Example.org", "example.org.", true),
        ] {
            assert_eq!(host_matches(pattern, host), wanted, "{pattern} {host}");
        }
        assert!(
            !is_host_name("a.*.b", true) && !is_host_name("*.b", false) && is_host_name("a_-1.b.", false)
        );
    }

    #[test]
    fn masks_are_prefixes() {
        assert!(is_mask(&[255, 254, 0]) && is_mask(&[0]) && is_mask(&[255]));
        assert!(!is_mask(&[255, 1]) && !is_mask(&[0, 255]));
    }
}
