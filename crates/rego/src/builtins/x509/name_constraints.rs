//! Parses name constraints (RFC 5280 section 4.2.1.10).

use std::net::IpAddr;

use x509_parser::extensions::{GeneralName, GeneralSubtree, NameConstraints as Parsed};

use super::der::{Refused, address};

/// What an authority may and may not vouch for.
#[derive(Default)]
pub struct NameConstraints {
    /// Whether the extension is critical.
    pub critical: bool,
    /// Where there are some of a kind, names of this kind have to be among them.
    pub permitted: Subtrees,
    /// Names that there must not be.
    pub excluded: Subtrees,
}

/// Names with all that are below them, by their kind.
#[derive(Default)]
pub struct Subtrees {
    pub dns: Vec<String>,
    pub emails: Vec<String>,
    pub uris: Vec<String>,
    pub addresses: Vec<Range>,
}

/// A range of addresses.
pub struct Range {
    pub address: IpAddr,
    /// As many bytes as the address.
    pub mask: Vec<u8>,
}

impl NameConstraints {
    /// Reads the extension; also whether all of it is understood.
    ///
    /// # Errors
    /// When a constraint is not of the form of its kind.
    pub fn of(parsed: &Parsed, critical: bool) -> Result<(Self, bool), Refused> {
        let mut handled = true;
        let mut read = |trees: Option<&Vec<GeneralSubtree>>| {
            let mut found = Subtrees::default();
            for tree in trees.into_iter().flatten() {
                handled &= found.add(&tree.base)?;
            }
            Ok::<_, Refused>(found)
        };
        let permitted = read(parsed.permitted_subtrees.as_ref())?;
        let excluded = read(parsed.excluded_subtrees.as_ref())?;
        Ok((Self { critical, permitted, excluded }, handled))
    }

    /// How many comparisons one name takes.
    pub const fn len(&self) -> usize {
        self.permitted.len() + self.excluded.len()
    }
}

impl Subtrees {
    pub const fn len(&self) -> usize {
        self.dns.len() + self.emails.len() + self.uris.len() + self.addresses.len()
    }

    fn add(&mut self, base: &GeneralName) -> Result<bool, Refused> {
        let wrong = "x509: invalid NameConstraints extension";
        match base {
            GeneralName::DNSName(domain) => {
                let bare = domain.strip_prefix('.').unwrap_or(domain);
                (is_domain(bare) && domain.is_ascii()).then_some(()).ok_or(wrong)?;
                self.dns.push((*domain).to_owned());
            }
            GeneralName::IPAddress(bytes) => {
                let (start, mask) = bytes.split_at_checked(bytes.len() / 2).ok_or(wrong)?;
                let address =
                    address(start).filter(|_| is_mask(mask) && start.len() == mask.len()).ok_or(wrong)?;
                self.addresses.push(Range { address, mask: mask.to_vec() });
            }
            GeneralName::RFC822Name(constraint) => {
                let valid = match mailbox(constraint) {
                    Some(_) => true,
                    None => is_domain(constraint.strip_prefix('.').unwrap_or(constraint)),
                };
                if !valid || !constraint.is_ascii() {
                    return Err(wrong);
                }
                self.emails.push((*constraint).to_owned());
            }
            GeneralName::URI(domain) => {
                let bare = domain.strip_prefix('.').unwrap_or(domain);
                if bare.parse::<IpAddr>().is_ok() || !is_domain(bare) || !domain.is_ascii() {
                    return Err(wrong);
                }
                self.uris.push((*domain).to_owned());
            }
            _ => return Ok(false),
        }
        Ok(true)
    }
}

/// Ones, and then zeros.
pub fn is_mask(mask: &[u8]) -> bool {
    let mut bits = mask.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1));
    bits.by_ref().find(|bit| *bit == 0);
    bits.all(|bit| bit == 0)
}

/// Whether all labels are there and have only characters that are printed. No domain at all is one.
pub fn is_domain(domain: &str) -> bool {
    let is_label = |label: &str| !label.is_empty() && label.bytes().all(|byte| (33..=126).contains(&byte));
    domain.is_empty() || domain.split('.').all(is_label)
}

/// The local part and the domain of an address of mail.
pub fn mailbox(address: &str) -> Option<(&str, &str)> {
    let (local, domain) = address.rsplit_once('@')?;
    let fitting = !local.is_empty() && local.bytes().all(|byte| (33..=126).contains(&byte) && byte != b'@');
    (fitting && !domain.is_empty() && is_domain(domain)).then_some((local, domain))
}
