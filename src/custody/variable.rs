//! A secret in an environment variable.

use std::fmt;

use zeroize::Zeroizing;

use super::error::CustodyError;
use super::source::{Fetching, SecretSource};
use crate::model::secret::{Secret, SecretBytes};
use crate::model::variables::Variables;

/// A secret in an environment variable.
pub(super) struct Variable {
    pub(super) at: String,
    pub(super) name: String,
    pub(super) variables: Variables,
}

/// The value of an environment variable that holds a secret.
pub(super) fn read(variables: &Variables, name: &str, at: &str) -> Result<SecretBytes, CustodyError> {
    let value = variables.get(name).ok_or_else(|| {
        CustodyError::new(at, format!("the environment variable `{name}` is not set"), "set it to the secret")
    })?;
    Ok(Secret::new(Zeroizing::new(value.as_bytes().to_vec())))
}

impl fmt::Debug for Variable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Variable({})", self.name)
    }
}

impl SecretSource for Variable {
    fn fetch(&self) -> Fetching<'_> {
        Box::pin(std::future::ready(read(&self.variables, &self.name, &self.at)))
    }
}
