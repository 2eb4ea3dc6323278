//! Whether a certificate is vouched for by an authority, over others between them, as Go's `Certificate.Verify` has
//! it: any use of keys, revocation not looked at.

use crate::builtins::x509::constraints::{is_for_host, permits};
use crate::builtins::x509::json::usage_number;
use crate::builtins::x509::parse::Certificate;

/// The most signatures that are checked for one chain.
const MAX_CHECKS: usize = 100;

/// The most comparisons of the names below one authority with its constraints, where nothing else is asked for.
const MAX_COMPARISONS: usize = 250_000;

/// The most of them for all authorities that are tried.
const MAX_ALL_COMPARISONS: usize = 500_000;

/// The number of the use for servers, which is what is asked for where nothing is.
const SERVER: usize = 1;

/// What a chain has to satisfy.
pub struct Options {
    /// The host that the certificate is for; empty for any.
    pub host: String,
    /// In nanoseconds since 1970.
    pub now_ns: i128,
    /// The uses, one of which all certificates have to allow.
    pub usages: Vec<usize>,
    /// The most comparisons with constraints; 0 for the usual number.
    pub comparisons: usize,
    /// When to give up.
    pub deadline: std::time::Instant,
}

/// What a certificate is in a chain.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Leaf,
    Between,
    Root,
}

struct Search<'c, 'o> {
    root: &'c Certificate,
    between: &'c [Certificate],
    options: &'o Options,
    checks: usize,
    comparisons: usize,
    found: Vec<Vec<&'c Certificate>>,
}

/// The first chain from the last certificate to the first, over any of the others.
pub fn verify<'c>(certificates: &'c [Certificate], options: &Options) -> Option<Vec<&'c Certificate>> {
    let [root, between @ .., leaf] = certificates else { return None };
    is_valid(leaf, Role::Leaf, &[], options, &mut 0)?;
    if !options.host.is_empty() && !is_for_host(leaf, &options.host) {
        return None;
    }
    let found = if leaf.raw == root.raw {
        vec![vec![leaf]]
    } else {
        let mut search =
            Search { root, between, options, checks: 0, comparisons: MAX_ALL_COMPARISONS, found: Vec::new() };
        search.extend(&mut vec![leaf]);
        search.found
    };
    found.into_iter().find(|chain| allows(chain, &options.usages))
}

impl<'c> Search<'c, '_> {
    /// Looks for those who may have signed the last of a chain.
    fn extend(&mut self, chain: &mut Vec<&'c Certificate>) {
        let Some(child) = chain.last().copied() else { return };
        let (root, between) = (self.root, self.between);
        if root.raw_subject == child.raw_issuer && self.may_be_next(chain, child, root, Role::Root) {
            let whole = chain.iter().copied().chain([root]).collect();
            self.found.push(whole);
        }
        let mut parents: Vec<&Certificate> =
            between.iter().filter(|parent| parent.raw_subject == child.raw_issuer).collect();
        // Those first whose key is that which the child names, then those that cannot be compared.
        parents.sort_by_key(|parent| match (&child.details.authority_key, &parent.details.subject_key) {
            (Some(named), Some(own)) if named == own => 0,
            (Some(_), Some(_)) => 2,
            _ => 1,
        });
        for parent in parents {
            if self.may_be_next(chain, child, parent, Role::Between) {
                chain.push(parent);
                self.extend(chain);
                chain.pop();
            }
        }
    }

    fn may_be_next(
        &mut self,
        chain: &[&Certificate],
        child: &Certificate,
        parent: &Certificate,
        role: Role,
    ) -> bool {
        self.checks += 1;
        let late = std::time::Instant::now() > self.options.deadline;
        if late || self.checks > MAX_CHECKS || chain.iter().any(|other| is_same(other, parent)) {
            return false;
        }
        let Some(key) = &parent.public_key else { return false };
        let details = &parent.details;
        let is_authority = match details.basic {
            Some((is_authority, _)) => is_authority,
            None => parent.version != 3,
        };
        // Bit 5: the key may sign certificates.
        let may_sign = details.key_usage == 0 || details.key_usage & 1 << 5 != 0;
        is_authority
            && may_sign
            && child.is_signed_with(key)
            && is_valid(parent, role, chain, self.options, &mut self.comparisons).is_some()
    }
}

/// Whether two are the same authority: the same name with the same key.
fn is_same(one: &Certificate, other: &Certificate) -> bool {
    let names = |certificate: &Certificate| {
        let extension = |id: &[u64]| {
            let is = |arcs: Vec<u64>| arcs == id;
            let mut all = certificate.extensions.iter();
            all.find(|extension| is(extension.id.iter().into_iter().flatten().collect()))
                .map(|e| e.value.clone())
        };
        extension(&[2, 5, 29, 17])
    };
    one.raw_subject == other.raw_subject
        && one.raw_public_key == other.raw_public_key
        && names(one) == names(other)
}

/// Whether a certificate may stand above a chain, its signature apart.
fn is_valid(
    certificate: &Certificate,
    role: Role,
    chain: &[&Certificate],
    options: &Options,
    of_all: &mut usize,
) -> Option<()> {
    let details = &certificate.details;
    if !details.unhandled_critical.is_empty() {
        return None;
    }
    let second = 1_000_000_000;
    let (begin, end) =
        (i128::from(certificate.not_before) * second, i128::from(certificate.not_after) * second);
    if options.now_ns < begin || options.now_ns > end {
        return None;
    }
    if role != Role::Leaf
        && let Some(constraints) = &details.constraints
    {
        let most = if options.comparisons == 0 { MAX_COMPARISONS } else { options.comparisons };
        let before = most.min(*of_all);
        let mut left = before;
        let mut below = chain.iter().filter(|below| below.details.has_alternative_names);
        let permitted = below.all(|below| permits(constraints, &below.details.names, &mut left));
        *of_all -= before - left;
        if !permitted {
            return None;
        }
    }
    let authority = details.basic;
    if role == Role::Between && !matches!(authority, Some((true, _))) {
        return None;
    }
    match authority {
        Some((_, Some(most))) if chain.len().saturating_sub(1) > usize::try_from(most).ok()? => None,
        _ => Some(()),
    }
}

/// Whether all of a chain may be used for one of these.
fn allows(chain: &[&Certificate], usages: &[usize]) -> bool {
    // 0 stands for any use.
    if usages.contains(&0) {
        return true;
    }
    let server = [SERVER];
    let wanted = if usages.is_empty() { &server[..] } else { usages };
    wanted.iter().any(|usage| {
        chain.iter().rev().all(|certificate| {
            let allowed = &certificate.details.extended_key_usage;
            allowed.is_empty()
                || allowed
                    .iter()
                    .any(|id| matches!(usage_number(id), Some(0)) || usage_number(id) == Some(*usage))
        })
    })
}
