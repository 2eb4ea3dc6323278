//! Proxies that may pass on the certificates of their clients (`identity.proxies`).

use std::collections::BTreeSet;

use http::HeaderName;

use super::forwarded;
use super::shown::Shown;
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

    /// What the header says of certificates, the nearest proxy's word last; nothing where there is no header.
    ///
    /// # Errors
    /// It cannot be read, or comes more than once.
    pub(in crate::identity) fn passed_on(&self, presented: &Presented<'_>) -> Result<Vec<Shown>, Refusal> {
        let mut values = presented.header(&HEADER);
        let Some(value) = values.next() else { return Ok(Vec::new()) };
        match values.next() {
            Some(_) => Err(Refusal::Duplicate(HEADER.as_str().to_owned())),
            None => forwarded::read(value),
        }
    }
}
