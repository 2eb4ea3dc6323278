//! The header of a token (RFC 7515 section 4).

use crate::builtins::error::Error;
use crate::value::{Object, Value};

/// The header parameters that matter for verifying; empty where there are none.
#[derive(Debug, Default)]
pub(super) struct Header {
    /// `alg`
    pub(super) algorithm: String,
    /// `kid`
    pub(super) key: String,
    /// `cty`
    pub(super) content: String,
    /// Whether `crit` names a parameter that is there and not understood.
    critical: bool,
}

impl Header {
    /// Reads a header.
    ///
    /// # Errors
    /// When a known parameter is of another type than it has to be.
    pub(super) fn parse(members: &Object) -> Result<Self, Error> {
        let mut header = Self::default();
        let mut named: Vec<&str> = Vec::new();
        let mut unknown: Vec<&str> = Vec::new();
        for (name, value) in members.iter() {
            let name = name.as_str().unwrap_or_default();
            let text = || match value {
                Value::String(text) => Ok(text.to_string()),
                _ => Err(Error::failed(format_args!("{name}: must be a string"))),
            };
            match name {
                "alg" => header.algorithm = text()?,
                "kid" => header.key = text()?,
                "cty" => header.content = text()?,
                "typ" => drop(text()?),
                "crit" => {
                    let Value::Array(names) = value else {
                        return Err(Error::failed("crit: must be a list"));
                    };
                    named = names.iter().map_while(Value::as_str).collect();
                    if named.is_empty() {
                        return Err(Error::failed("crit: must be a nonempty list"));
                    }
                }
                other => unknown.push(other),
            }
        }
        header.critical = unknown.iter().any(|name| named.contains(name));
        Ok(header)
    }

    /// Whether there is an algorithm, and nothing critical that is not understood.
    pub(super) fn is_valid(&self) -> bool {
        !self.algorithm.is_empty() && !self.critical
    }
}
