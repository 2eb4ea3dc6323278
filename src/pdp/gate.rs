//! What no policy can allow: the hard limits and scopes of the caller, and the permissions that an operation requires.
//!
//! INVARIANT (before policy): the gate is asked before the first rule is, and a denial by it is final. No Rego can
//! override it.
//! INVARIANT (cannot be judged is denied): where a limit applies and the input does not say what it limits, the call is
//! denied.
//!
//! Reading order: [`operation`] → [`limits`] → [`required`] → `manifest`.

pub mod limits;
mod manifest;
pub mod operation;
pub mod required;

use serde::{Deserialize, Serialize};

use self::operation::Operation;
use self::required::{Required, Rule};
use crate::model::failure::Failure;
use crate::model::principal::AuthContext;
use crate::model::request::EntryPath;
use crate::model::roles::{Role, Roles};
use verdict_rego::Value;

/// `permissions:` in the configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Whether the hard limits of agents and keys are enforced before policy.
    pub limits: bool,
    /// Whether roles give their permissions.
    pub role_permissions: bool,
    /// Roles and their permissions.
    pub roles: Vec<Role>,
    /// Permissions that documents and operations require.
    pub required: Vec<Rule>,
}

impl Default for Config {
    fn default() -> Self {
        Self { limits: true, role_permissions: true, roles: Vec::new(), required: Vec::new() }
    }
}

impl Config {
    /// The permissions that roles give by it.
    pub fn role_table(&self) -> Roles {
        let roles: &[Role] = if self.role_permissions { &self.roles } else { &[] };
        Roles::new(roles)
    }
}

/// The gate, ready to be asked.
#[derive(Debug, Default)]
pub struct Gate {
    limits: bool,
    /// Whether permissions and limits are a matter of this server, and not of policy alone.
    permissions: bool,
    required: Vec<Required>,
}

impl Gate {
    /// Makes it of its configuration.
    ///
    /// # Errors
    /// What is wrong, with the key below `permissions`, e.g. `required[0].path`.
    pub fn new(config: &Config) -> Result<Self, (String, String)> {
        let required = config.required.iter().enumerate().map(|(index, rule)| {
            Required::new(rule).map_err(|(key, message)| (format!("required[{index}]{key}"), message))
        });
        Ok(Self {
            limits: config.limits,
            permissions: config.limits || config.role_permissions,
            required: required.collect::<Result<_, _>>()?,
        })
    }

    /// Whether the caller may ask this at all; `input` is the assembled input.
    ///
    /// # Errors
    /// `InsufficientPermissions`, or `CredentialMissing` for an anonymous caller.
    pub fn check(&self, auth: &AuthContext, path: &EntryPath, input: Option<&Value>) -> Result<(), Failure> {
        let restrictions = match auth {
            AuthContext::Unchecked => return Ok(()),
            AuthContext::Anonymous => None,
            AuthContext::Verified(verified) => Some(&verified.restrictions).filter(|all| !all.is_empty()),
        };
        if restrictions.is_none() && self.required.is_empty() {
            return Ok(());
        }
        let operation = input.map(Operation::of).unwrap_or_default();
        if let Some(restrictions) = restrictions {
            limits::check(restrictions, self.limits, &operation, input)?;
        }
        self.required.iter().try_for_each(|rule| rule.check(auth, path, &operation))
    }

    /// Whether an assembled input that came as a manifest says of its sender what was verified, and asks for something that the
    /// sender has a permission for.
    ///
    /// # Errors
    /// `Mismatch` or `InsufficientPermissions`.
    pub fn check_manifest(&self, auth: &AuthContext, input: &Value) -> Result<(), Failure> {
        manifest::check(auth, self.permissions, &Operation::of(input), input)
    }
}
