//! Manifests, as Relay has them: an agent says who it is and what it wants to do.
//!
//! INVARIANT (said is true, or nothing): what a manifest says of its sender is not believed, and not passed over either. It is
//! compared with what was verified, and the first difference refuses the call. The order is Relay's: agent, organisation,
//! permission.

use super::operation::Operation;
use crate::model::failure::{Failure, FailureKind};
use crate::model::principal::{AuthContext, Verified};
use crate::model::roles::covers;
use verdict_rego::Value;

/// What Relay's clients are told, to the letter.
const OTHER_AGENT: &str = "Agent ID mismatch";
const OTHER_ORGANISATION: &str = "Organization mismatch";

/// Checks an assembled input that came as a manifest. Whoever nobody has verified has nothing to be compared with; that is for
/// policy. A permission is asked for only where `permitted` says that permissions are a matter of this server.
///
/// # Errors
/// `Mismatch` or `InsufficientPermissions`.
pub(super) fn check(
    auth: &AuthContext,
    permitted: bool,
    operation: &Operation,
    input: &Value,
) -> Result<(), Failure> {
    let AuthContext::Verified(verified) = auth else { return Ok(()) };
    let principal = &*verified.principal;
    let is = |member: &str, verified: Option<&str>| match input.at(["asserted", "agent", member]) {
        None | Some(Value::Null) => true,
        Some(said) => said.as_str().is_some() && said.as_str() == verified,
    };
    if !is("agent_id", principal.agent.as_deref()) {
        return Err(Failure::new(FailureKind::Mismatch, OTHER_AGENT));
    }
    if !is("org_id", principal.tenant.as_deref()) {
        return Err(Failure::new(FailureKind::Mismatch, OTHER_ORGANISATION));
    }
    if permitted && !is_permitted(verified, operation) {
        let message = "neither a permission nor a limit of the caller names the operation or its provider";
        return Err(Failure::insufficient(message));
    }
    Ok(())
}

/// Whether the caller has anything to do with the provider: a permission for the operation or for the provider, or hard limits
/// that list what is allowed, which are checked next.
fn is_permitted(verified: &Verified, operation: &Operation) -> bool {
    let held = &verified.principal.permissions;
    let Operation { names, providers } = operation;
    let has = |wanted: &String| held.iter().any(|permission| covers(permission, wanted));
    let by_name = !names.is_empty() && names.iter().all(has);
    let by_provider = !providers.is_empty() && providers.iter().all(has);
    let listed = verified
        .restrictions
        .limits
        .iter()
        .any(|limits| limits.allowed_providers.is_some() || limits.allowed_methods.is_some());
    by_name || by_provider || listed
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::Map;

    use super::*;
    use crate::model::limits::Restrictions;
    use crate::model::principal::{Prepared, Principal, Proof};

    fn verified(permissions: &[&str], limits: &str) -> AuthContext {
        let principal = Principal {
            id: "agent_1".to_owned(),
            kind: "agent".to_owned(),
            issuer: "registry".to_owned(),
            method: "api_key",
            roles: Vec::new(),
            scopes: Vec::new(),
            permissions: permissions.iter().map(|text| (*text).to_owned()).collect(),
            tenant: Some("acme".to_owned()),
            agent: Some("agent_1".to_owned()),
            actors: Vec::new(),
            attributes: Map::new(),
            claims: Map::new(),
            proof: Proof::Bearer,
            prepared: Prepared::default(),
        };
        let mut restrictions = Restrictions::default();
        restrictions.limit(&Arc::new(serde_json::from_str(limits).unwrap()));
        AuthContext::Verified(Verified {
            next_token: None,
            principal: Arc::new(principal),
            expires_at: None,
            key: None,
            transaction: None,
            delegation: None,
            restrictions,
        })
    }

    fn said(auth: &AuthContext, permitted: bool, agent: &str) -> Result<(), String> {
        let text = format!(
            r#"{{"asserted": {{"agent": {agent}}}, "action": {{"provider": "stripe", "method": "pay"}}}}"#
        );
        let input = Value::from_json(text.as_bytes()).unwrap();
        check(auth, permitted, &Operation::of(&input), &input).map_err(|failure| failure.message)
    }

    #[test]
    fn what_it_says_of_its_sender_is_compared_in_relays_order() {
        let (able, unable) = (verified(&["stripe:pay"], "{}"), verified(&[], "{}"));
        for (agent, expected) in [
            (r#"{"agent_id": "agent_1", "org_id": "acme"}"#, Ok(())),
            (r#"{"agent_id": "agent_1", "org_id": "acme", "user_id": "u"}"#, Ok(())),
            (r#"{}"#, Ok(())),
            (r#"{"agent_id": null, "org_id": null}"#, Ok(())),
            (r#"{"agent_id": "agent_2", "org_id": "other"}"#, Err(OTHER_AGENT)),
            (r#"{"agent_id": "Agent_1", "org_id": "acme"}"#, Err(OTHER_AGENT)),
            (r#"{"agent_id": ["agent_1"], "org_id": "acme"}"#, Err(OTHER_AGENT)),
            (r#"{"agent_id": "agent_1", "org_id": "other"}"#, Err(OTHER_ORGANISATION)),
            (r#"{"agent_id": "agent_1", "org_id": 1}"#, Err(OTHER_ORGANISATION)),
        ] {
            assert_eq!(said(&able, true, agent), expected.map_err(str::to_owned), "{agent}");
            let refused = said(&unable, true, agent).unwrap_err();
            assert!(expected.err().is_none_or(|first| first == refused), "{agent}: {refused}");
        }
        assert_eq!(said(&AuthContext::Anonymous, true, r#"{"agent_id": "agent_2"}"#), Ok(()));
    }

    #[test]
    fn a_permission_or_a_limit_names_the_provider() {
        for (permissions, limits, expected) in [
            (&["stripe:pay"][..], "{}", true),
            (&["stripe:*"], "{}", true),
            (&["stripe"], "{}", true),
            (&["*"], "{}", true),
            (&["stripe:refund"], "{}", false),
            (&["aws:*"], "{}", false),
            (&[], "{}", false),
            (&[], r#"{"max_amount": 5}"#, false),
            (&[], r#"{"allowed_providers": ["stripe"]}"#, true),
        ] {
            let auth = verified(permissions, limits);
            assert_eq!(said(&auth, true, "{}").is_ok(), expected, "{permissions:?} {limits}");
            assert!(said(&auth, false, "{}").is_ok(), "policy alone decides");
        }
    }
}
