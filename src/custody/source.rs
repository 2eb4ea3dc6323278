//! What all sources of secrets have in common.

use std::fmt;
use std::pin::Pin;

use super::error::CustodyError;
use crate::model::secret::SecretBytes;

/// A secret on its way.
pub type Fetching<'a> = Pin<Box<dyn Future<Output = Result<SecretBytes, CustodyError>> + Send + 'a>>;

/// Where one secret comes from.
pub trait SecretSource: fmt::Debug + Send + Sync {
    /// The secret as it is now, byte for byte.
    fn fetch(&self) -> Fetching<'_>;
}
