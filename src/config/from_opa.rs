//! OPA's configuration, said in Verdict's keys.
//!
//! INVARIANT (nothing is lost silently): every key of the file is translated, or named as one that has no equivalent.
//! INVARIANT (what is printed loads): the translation is read as a configuration before it is returned.
//!
//! Reading order: `table` → `translate` → `translator` → `services` → `bundles`; `recognise` (a file of OPA's that is given as ours).

mod bundles;
pub(super) mod recognise;
mod services;
mod table;
mod translate;
mod translator;

pub use self::table::markdown;
pub use self::translate::{Translation, translate};
