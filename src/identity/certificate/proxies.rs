//! Proxies that may pass on the certificates of their clients (`identity.proxies`).

use std::collections::BTreeSet;

use http::HeaderName;

use crate::identity::kind::{Accepted, Statement};
use crate::identity::refusal::Refusal;
use crate::model::presented::Presented;

static HEADER: HeaderName = HeaderName::from_static("x-forwarded-client-cert");

/// The configured proxies, by the subjects of their certificates.
pub(in crate::identity) struct Proxies(BTreeSet<String>);

impl Proxies {
    pub(in crate::identity) fn new(names: &[String]) -> Self {
        Self(names.iter().cloned().collect())
    }

    /// Whether there is none: then the header is one like any other.
    pub(in crate::identity) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a certificate's subject is a proxy.
    pub(in crate::identity) fn is_one(&self, accepted: &Accepted) -> bool {
        matches!(&accepted.says, Statement::Subject(subject) if self.0.contains(&subject.principal.id))
    }

    /// The header, as it was sent; none where there is none. It is read where it comes from a proxy.
    ///
    /// # Errors
    /// It comes more than once.
    pub(in crate::identity) fn header<'r>(
        &self,
        presented: &Presented<'r>,
    ) -> Result<Option<&'r [u8]>, Refusal> {
        let mut values = presented.header(&HEADER);
        let value = values.next();
        match values.next() {
            Some(_) => Err(Refusal::Duplicate(HEADER.as_str().to_owned())),
            None => Ok(value),
        }
    }
}
