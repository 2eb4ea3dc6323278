//! Permissions that a document or an operation requires, whatever policy says.

use serde::{Deserialize, Serialize};

use super::operation::Operation;
use crate::model::failure::{Failure, FailureKind};
use crate::model::principal::AuthContext;
use crate::model::request::EntryPath;
use crate::model::roles::covers;

/// One entry of `permissions.required`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// The document that it guards, with everything below it, e.g. `app/deploy`; every document without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The operation that it guards, e.g. `deploy` or `stripe:*`; every operation without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    /// The permissions that the caller must have, all of them.
    pub permissions: Vec<String>,
}

/// A [`Rule`], checked.
#[derive(Debug)]
pub(super) struct Required {
    path: EntryPath,
    operation: Option<String>,
    permissions: Vec<String>,
}

impl Required {
    pub(super) fn new(rule: &Rule) -> Result<Self, (&'static str, String)> {
        let Rule { path, operation, permissions } = rule;
        if permissions.is_empty() {
            return Err((".permissions", "it requires no permission; list at least one".to_owned()));
        }
        let path = EntryPath::parse(path.as_deref().unwrap_or_default()).map_err(|error| (".path", error))?;
        Ok(Self { path, operation: operation.clone(), permissions: permissions.clone() })
    }

    /// INVARIANT (the whole is as strict as its parts): a document holds the answers of all that is below it, so a rule
    /// for a part guards the whole, too.
    fn guards(&self, path: &EntryPath, operation: &Operation) -> bool {
        let (ours, theirs) = (self.path.segments(), path.segments());
        let same_branch = theirs.starts_with(ours) || ours.starts_with(theirs);
        let named = self
            .operation
            .as_deref()
            .is_none_or(|guarded| operation.names.iter().any(|name| covers(guarded, name)));
        same_branch && named
    }

    pub(super) fn check(
        &self,
        auth: &AuthContext,
        path: &EntryPath,
        operation: &Operation,
    ) -> Result<(), Failure> {
        if !self.guards(path, operation) {
            return Ok(());
        }
        let AuthContext::Verified(verified) = auth else {
            let message = "the operation requires permissions, and the caller is anonymous";
            return Err(Failure::new(FailureKind::CredentialMissing, message));
        };
        let held = &verified.principal.permissions;
        match self.permissions.iter().find(|wanted| !held.iter().any(|permission| covers(permission, wanted)))
        {
            None => Ok(()),
            Some(missing) => Err(Failure::insufficient(format!("the permission `{missing}` is required"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_guards_its_branch_and_its_operations() {
        for (path, operation, asked, named, expected) in [
            (None, None, "app/allow", None, true),
            (Some("app/deploy"), None, "app/deploy", None, true),
            (Some("app/deploy"), None, "app/deploy/reason", None, true),
            (Some("app/deploy"), None, "app", None, true),
            (Some("app/deploy"), None, "", None, true),
            (Some("app/deploy"), None, "app/deployed", None, false),
            (Some("app/deploy"), None, "app/allow", None, false),
            (None, Some("deploy"), "app/allow", Some("deploy"), true),
            (None, Some("deploy"), "app/allow", Some("invoke"), false),
            (None, Some("deploy"), "app/allow", None, false),
            (None, Some("stripe:*"), "app/allow", Some("stripe:refund"), true),
            (Some("app"), Some("deploy"), "other", Some("deploy"), false),
        ] {
            let rule = Rule {
                path: path.map(str::to_owned),
                operation: operation.map(str::to_owned),
                permissions: vec!["p".to_owned()],
            };
            let asked_path = EntryPath::parse(asked).unwrap();
            let operation =
                Operation { names: named.map(str::to_owned).into_iter().collect(), providers: Vec::new() };
            let guards = Required::new(&rule).unwrap().guards(&asked_path, &operation);
            assert_eq!(guards, expected, "{rule:?} {asked} {named:?}");
        }
    }

    #[test]
    fn an_anonymous_caller_lacks_a_credential_and_a_rule_needs_a_permission() {
        let rule = Rule { path: None, operation: None, permissions: vec!["p".to_owned()] };
        let (path, operation) = (EntryPath::default(), Operation::default());
        let refused = Required::new(&rule).unwrap().check(&AuthContext::Anonymous, &path, &operation);
        assert_eq!(refused.unwrap_err().kind, FailureKind::CredentialMissing);
        assert_eq!(Required::new(&Rule { permissions: Vec::new(), ..rule }).unwrap_err().0, ".permissions");
    }
}
