//! What `rate_limits:` may say in the configuration.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::quota::Quota;

/// The role whose limit is that of callers without a limited role.
pub const DEFAULT_ROLE: &str = "default";

/// `rate_limits:` in the configuration. What it does not name is not limited.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RateLimits {
    /// For each subject with a role, e.g. `{admin: 1000/minute, default: 100/minute}`.
    pub roles: BTreeMap<String, Quota>,
    /// For each API key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keys: Option<Quota>,
    /// For each subject.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub users: Option<Quota>,
    /// For each tenant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenants: Option<Quota>,
}

impl RateLimits {
    /// Whether nothing is limited.
    pub fn is_empty(&self) -> bool {
        let Self { roles, keys, users, tenants } = self;
        roles.is_empty() && keys.is_none() && users.is_none() && tenants.is_none()
    }

    /// The largest limit of these roles, else that of `default`, with its role.
    pub fn of_roles<'a>(&'a self, roles: &'a [String]) -> Option<(&'a str, Quota)> {
        let limited = roles.iter().filter_map(|role| Some((role.as_str(), *self.roles.get(role)?)));
        let largest = limited.reduce(|one, other| if other.1.is_more_than(one.1) { other } else { one });
        largest.or_else(|| Some((DEFAULT_ROLE, *self.roles.get(DEFAULT_ROLE)?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_several_roles_the_largest_limit_counts() {
        let limits: RateLimits = serde_json::from_value(serde_json::json!({
            "roles": {"admin": "1000/minute", "viewer": "10/m", "robot": "20/s", "default": "5/m"},
        }))
        .unwrap();
        for (roles, expected) in [
            (vec![], ("default", "5/m")),
            (vec!["stranger"], ("default", "5/m")),
            (vec!["viewer"], ("viewer", "10/m")),
            (vec!["viewer", "admin", "stranger"], ("admin", "1000/m")),
            (vec!["admin", "robot"], ("robot", "20/s")),
        ] {
            let roles: Vec<String> = roles.into_iter().map(str::to_owned).collect();
            assert_eq!(limits.of_roles(&roles), Some((expected.0, expected.1.parse().unwrap())), "{roles:?}");
        }
        assert!(RateLimits::default().of_roles(&["admin".to_owned()]).is_none());
        assert!(RateLimits::default().is_empty() && !limits.is_empty());
    }
}
