//! What the configuration says of changes.

use std::fmt;
use std::sync::Arc;

use super::outward::Outward;
use super::store::{StoreError, StoreErrorKind};

/// Fills bytes with random numbers.
pub type Random = dyn Fn(&mut [u8]) -> Result<(), StoreError> + Send + Sync;

/// What the configuration says of changes.
#[derive(Clone)]
pub struct Rules {
    /// The settings that there may be.
    pub settings: Vec<String>,
    /// Roles that nobody of an organisation can have or give: they count for the whole server.
    pub reserved_roles: Vec<String>,
    /// The role of operators' keys.
    pub operator_role: Option<String>,
    /// Who the registry is to outsiders.
    pub outward: Outward,
    /// Where random numbers come from.
    pub random: Arc<Random>,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            settings: Vec::new(),
            reserved_roles: Vec::new(),
            operator_role: None,
            outward: Outward::default(),
            random: Arc::new(system),
        }
    }
}

fn system(bytes: &mut [u8]) -> Result<(), StoreError> {
    let none = || StoreError::new(StoreErrorKind::Other, "the system has no random numbers");
    aws_lc_rs::rand::fill(bytes).map_err(|_| none())
}

impl fmt::Debug for Rules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rules").field("settings", &self.settings).finish_non_exhaustive()
    }
}
