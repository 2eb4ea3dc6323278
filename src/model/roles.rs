//! Which permissions a role gives, and which permission covers which operation.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

/// A role with its permissions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Role {
    /// The name that credentials and records use.
    pub name: String,
    /// What whoever has the role may do, e.g. `[invoke, "stripe:create_payment"]`.
    #[serde(default)]
    pub permissions: Vec<String>,
}

/// The permissions of every known role.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Roles(HashMap<String, Vec<String>>);

impl Roles {
    /// The table of these roles; of a role that is there twice, the permissions of both.
    pub fn new<'a>(roles: impl IntoIterator<Item = &'a Role>) -> Self {
        let mut table: HashMap<String, Vec<String>> = HashMap::new();
        for Role { name, permissions } in roles {
            table.entry(name.clone()).or_default().extend(permissions.iter().cloned());
        }
        Self(table)
    }

    /// Whether it knows no role.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds the permissions that `roles` give to `permissions`, each once. Roles that are not in the table give none.
    pub fn grant(&self, roles: &[String], permissions: &mut Vec<String>) {
        for role in roles {
            for permission in self.0.get(role).into_iter().flatten() {
                if !permissions.contains(permission) {
                    permissions.push(permission.clone());
                }
            }
        }
    }
}

/// Whether a permission covers an operation: it is the same text, `*`, or a prefix that ends with `:*`
/// (`stripe:*` covers `stripe:create_payment`, and not `stripe`).
pub fn covers(permission: &str, operation: &str) -> bool {
    permission == "*"
        || permission == operation
        || permission.strip_suffix('*').is_some_and(|prefix| {
            prefix.ends_with(':') && operation.len() > prefix.len() && operation.starts_with(prefix)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_permission_covers_itself_or_all_below_its_prefix() {
        for (permission, operation, expected) in [
            ("invoke", "invoke", true),
            ("invoke", "invoke2", false),
            ("*", "anything", true),
            ("stripe:*", "stripe:create_payment", true),
            ("stripe:*", "stripe:", false),
            ("stripe:*", "stripe", false),
            ("stripe:*", "stripes:create", false),
            ("str*", "stripe", false),
            ("", "", true),
            ("stripe:create_payment", "stripe:*", false),
        ] {
            assert_eq!(covers(permission, operation), expected, "{permission} {operation}");
        }
    }

    #[test]
    fn roles_give_each_permission_once() {
        let role = |name: &str, permissions: &[&str]| Role {
            name: name.to_owned(),
            permissions: permissions.iter().map(|text| (*text).to_owned()).collect(),
        };
        let roles = Roles::new(&[role("admin", &["invoke", "deploy"]), role("viewer", &["view", "invoke"])]);
        let mut permissions = vec!["view".to_owned()];
        roles.grant(&["viewer".to_owned(), "admin".to_owned(), "unknown".to_owned()], &mut permissions);
        assert_eq!(permissions, ["view", "invoke", "deploy"]);
    }
}
