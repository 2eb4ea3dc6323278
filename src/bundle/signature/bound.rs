//! What a signature says of the bundle as a whole: which one it is, which revision, and until when it may be served.
//!
//! A signature over files alone fits the bundle of another name and an old one as well. These claims tie it down; what they
//! mean is Verdict's own, and OPA passes over them.

use crate::model::clock::Timestamp;

/// The claims `bundle`, `revision` and `exp` of a signature, as far as it has them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Bound {
    /// The bundle's name.
    pub bundle: Option<String>,
    /// Its revision, as its manifest has it.
    pub revision: Option<String>,
    /// From when on it is not to be served.
    pub expires: Option<Timestamp>,
}

impl Bound {
    /// Whether it fits the bundle `name` of this revision now. `all` asks for every claim.
    ///
    /// # Errors
    /// What does not fit, or is not there.
    pub(in crate::bundle) fn check(
        &self,
        (name, revision): (&str, &str),
        now: Timestamp,
        all: bool,
    ) -> Result<(), String> {
        let Self { bundle, revision: signed, expires } = self;
        let there =
            [("bundle", bundle.is_some()), ("revision", signed.is_some()), ("exp", expires.is_some())];
        if let Some((claim, _)) = there.iter().find(|(_, there)| all && !there) {
            return Err(format!(
                "the signature has no claim `{claim}`, which `bundles.verification.bound` asks for; sign with `--claims-file`"
            ));
        }
        if let Some(other) = bundle.as_ref().filter(|bundle| *bundle != name) {
            return Err(format!("is signed as the bundle `{}`", other.escape_debug()));
        }
        if let Some(other) = signed.as_ref().filter(|signed| *signed != revision) {
            let (other, own) = (other.escape_debug(), revision.escape_debug());
            return Err(format!("is signed as revision `{other}`, and its manifest has `{own}`"));
        }
        match expires {
            Some(at) if *at <= now => {
                Err(format!("its signature has expired at {}; publish it anew", at.rfc3339()))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claims_that_are_there_must_fit_and_all_can_be_asked_for() {
        let at = Timestamp::from_unix_seconds;
        let whole = || Bound {
            bundle: Some("authz".to_owned()),
            revision: Some("7".to_owned()),
            expires: Some(at(1000)),
        };
        let check =
            |bound: Bound, now, all| bound.check(("authz", "7"), at(now), all).err().unwrap_or_default();
        assert_eq!(check(whole(), 999, true), "");
        assert_eq!(check(Bound::default(), 999, false), "");
        for (bound, now, all, part) in [
            (whole(), 1000, false, "has expired at 1970-01-01T00:16:40"),
            (Bound { bundle: Some("users".to_owned()), ..whole() }, 1, false, "as the bundle `users`"),
            (Bound { revision: Some("6".to_owned()), ..whole() }, 1, false, "as revision `6`"),
            (Bound { bundle: None, ..whole() }, 1, true, "no claim `bundle`"),
            (Bound { revision: None, ..whole() }, 1, true, "no claim `revision`"),
            (Bound { expires: None, ..whole() }, 1, true, "no claim `exp`"),
        ] {
            let error = check(bound.clone(), now, all);
            assert!(error.contains(part), "{bound:?}: {error}");
        }
    }
}
