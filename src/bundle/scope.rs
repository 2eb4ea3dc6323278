//! Which bundles decide together: those that all callers share, and for an organisation, its own beside them.
//!
//! INVARIANT (the operator binds): a bundle's organisation is that of the configuration. Nothing in a bundle can say that
//! it is for all, or for another.

use std::collections::BTreeMap;

use super::error::{ErrorKind, LoadError};
use super::load::Bundle;

/// The bundles of one policy.
pub(super) struct Scope<'a> {
    /// Whose it is; none if it is what all callers share.
    pub(super) organisation: Option<&'a str>,
    /// All of them, shared ones first.
    pub(super) all: Vec<&'a Bundle>,
    /// How many of them are shared with other scopes and come first; none in the shared scope.
    shared: usize,
    /// Whether other bundles are bound, so that these are not all there are.
    others: bool,
}

impl<'a> Scope<'a> {
    /// The shared scope, and that of each organisation that bundles are bound to.
    pub(super) fn of(bundles: impl IntoIterator<Item = &'a Bundle>) -> (Self, Vec<Self>) {
        let mut shared = Vec::new();
        let mut bound: BTreeMap<&str, Vec<&Bundle>> = BTreeMap::new();
        for bundle in bundles {
            match &bundle.organisation {
                None => shared.push(bundle),
                Some(organisation) => bound.entry(organisation).or_default().push(bundle),
            }
        }
        let others = !bound.is_empty();
        let own = bound.into_iter().map(|(organisation, own)| Self {
            organisation: Some(organisation),
            all: shared.iter().copied().chain(own).collect(),
            shared: shared.len(),
            others,
        });
        let own = own.collect();
        (Self { organisation: None, all: shared, shared: 0, others }, own)
    }

    /// One scope of all these bundles, whatever they are bound to.
    pub(super) fn whole(bundles: &'a [Bundle]) -> Self {
        Self { organisation: None, all: bundles.iter().collect(), shared: 0, others: false }
    }

    /// The bundles that are in no other scope.
    pub(super) fn own(&self) -> &[&'a Bundle] {
        self.all.get(self.shared..).unwrap_or_default()
    }

    /// The error, with whose policy it is in.
    pub(super) fn explain(&self, mut error: LoadError) -> LoadError {
        let missing = matches!(error.kind, ErrorKind::EntryPoint | ErrorKind::MissingData);
        match self.organisation {
            Some(organisation) => {
                error.message = format!("for organisation `{organisation}`: {}", error.message);
            }
            None if self.others && missing => {
                error.message.push_str("; bundles that are bound to an organisation do not count");
            }
            None => {}
        }
        error
    }
}
