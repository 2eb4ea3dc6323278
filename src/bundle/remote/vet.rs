//! Whether what was fetched, or kept, may be activated at all: read, verified and parsed as it is when it is activated.

use super::revision::Revision;
use crate::bundle::archive;
use crate::bundle::contents::Limits;
use crate::bundle::load::{Reading, hold, parse};
use crate::bundle::signature::Verification;
use crate::model::clock::Timestamp;

/// What bundles must keep to.
#[derive(Debug, Clone)]
pub(super) struct Vetting {
    pub(super) limits: Limits,
    pub(super) verification: Verification,
}

impl Vetting {
    /// The revision of the bundle in this archive, which may not be lower than `lowest`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn revision(
        &self,
        name: &str,
        bytes: &[u8],
        lowest: Option<&Revision>,
        now: Timestamp,
    ) -> Result<String, String> {
        let contents = archive::read(bytes, self.limits).map_err(|error| error.to_string())?;
        let bundle = parse(name, name, contents, &Reading::all(&self.verification));
        let bundle = bundle.map_err(|error| error.to_string())?;
        hold(&bundle, &self.verification, now).map_err(|error| error.message)?;
        let revision = bundle.manifest.revision;
        if let Some(lowest) = lowest {
            let own: Revision = revision.parse()?;
            if own < *lowest {
                return Err(format!(
                    "is revision {own}, and {lowest} is the lowest that is accepted (`minimum_revision`, or what was in force); \
                     publish what is older under a higher number"
                ));
            }
        }
        Ok(revision)
    }
}
