//! Hard limits and scopes: what a caller may ask at most.

use super::operation::Operation;
use crate::model::failure::Failure;
use crate::model::limits::{HardLimits, Restrictions};
use crate::model::roles::covers;
use verdict_rego::Value;

/// Where an input may say how much an action moves. Each of them that is there counts.
const AMOUNTS: [&[&str]; 5] = [
    &["action", "parameters", "amount"],
    &["action", "amount"],
    &["parameters", "amount"],
    &["resource", "amount"],
    &["context", "amount"],
];

/// Checks every restriction; the hard limits only where `enforced`.
///
/// # Errors
/// The first one that does not allow the operation.
pub(super) fn check(
    restrictions: &Restrictions,
    enforced: bool,
    operation: &Operation,
    input: Option<&Value>,
) -> Result<(), Failure> {
    for scope in &restrictions.scopes {
        if operation.names.is_empty() {
            let message = "the credential is for certain operations, and the input names none in `action`";
            return Err(Failure::insufficient(message));
        }
        if !operation.is_all(|name| scope.iter().any(|allowed| covers(allowed, name))) {
            return Err(Failure::insufficient("the credential is not for this operation"));
        }
    }
    if enforced {
        restrictions.limits.iter().try_for_each(|limits| check_limits(limits, operation, input))?;
    }
    Ok(())
}

fn check_limits(limits: &HardLimits, operation: &Operation, input: Option<&Value>) -> Result<(), Failure> {
    let HardLimits { allowed_providers, allowed_methods, max_amount } = limits;
    if let Some(allowed) = allowed_providers {
        let providers = &operation.providers;
        if providers.is_empty() || !providers.iter().all(|provider| allowed.contains(provider)) {
            return Err(Failure::insufficient("the provider is not among the caller's `allowed_providers`"));
        }
    }
    if let Some(allowed) = allowed_methods
        && !operation.is_all(|name| allowed.iter().any(|method| covers(method, name)))
    {
        return Err(Failure::insufficient("the operation is not among the caller's `allowed_methods`"));
    }
    let (Some(most), Some(input)) = (max_amount, input) else { return Ok(()) };
    let (zero, most) = (Value::from(0), Value::from_serialize(most).unwrap_or_else(|_| Value::from(0)));
    for amount in AMOUNTS.iter().filter_map(|path| input.at(path.iter().copied())) {
        // A text or a negative number may mean more than it says.
        if !matches!(amount, Value::Number(_)) || *amount < zero || *amount > most {
            return Err(Failure::insufficient(
                "the amount is over the caller's `max_amount`, or not a number from 0 up",
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn allowed(limits: &str, input: &str) -> bool {
        let input = Value::from_json(input.as_bytes()).unwrap();
        let mut restrictions = Restrictions::default();
        restrictions.limit(&Arc::new(serde_json::from_str(limits).unwrap()));
        check(&restrictions, true, &Operation::of(&input), Some(&input)).is_ok()
    }

    #[test]
    fn each_limit_is_checked_and_what_cannot_be_judged_is_denied() {
        let providers = r#"{"allowed_providers": ["stripe", "aws"]}"#;
        let methods = r#"{"allowed_methods": ["stripe:create_payment", "aws:*"]}"#;
        let amount = r#"{"max_amount": 10000}"#;
        let both = r#"{"allowed_providers": ["stripe"], "max_amount": 1}"#;
        for (limits, input, expected) in [
            ("{}", r#"{}"#, true),
            (providers, r#"{"action": {"provider": "stripe", "method": "x"}}"#, true),
            (providers, r#"{"action": "aws:start"}"#, true),
            (providers, r#"{"action": {"provider": "gcp", "method": "x"}}"#, false),
            (providers, r#"{"action": {"provider": "Stripe", "method": "x"}}"#, false),
            (providers, r#"{"action": "read"}"#, false),
            (providers, r#"{}"#, false),
            (methods, r#"{"action": {"provider": "aws", "method": "x", "name": "stripe:refund"}}"#, false),
            (providers, r#"{"action": {"provider": "aws", "method": "x", "name": "gcp:x"}}"#, false),
            (r#"{"allowed_providers": []}"#, r#"{"action": "aws:start"}"#, false),
            (methods, r#"{"action": {"provider": "stripe", "method": "create_payment"}}"#, true),
            (methods, r#"{"action": {"provider": "stripe", "method": "refund"}}"#, false),
            (methods, r#"{"action": "aws:anything"}"#, true),
            (methods, r#"{"action": {"provider": "stripe"}}"#, false),
            (amount, r#"{"action": {"parameters": {"amount": 10000}}}"#, true),
            (amount, r#"{"action": {"parameters": {"amount": 10000.01}}}"#, false),
            (amount, r#"{"action": {"parameters": {"amount": 1e300}}}"#, false),
            (amount, r#"{"action": {"parameters": {"amount": "5"}}}"#, false),
            (amount, r#"{"action": {"parameters": {"amount": -5}}}"#, false),
            (amount, r#"{"action": {"parameters": {"amount": null}}}"#, false),
            (amount, r#"{"action": {"amount": 5}, "resource": {"amount": 20000}}"#, false),
            (amount, r#"{"action": "read"}"#, true),
            (
                both,
                r#"{"action": {"provider": "stripe", "method": "x", "parameters": {"amount": 2}}}"#,
                false,
            ),
            (both, r#"{"action": {"provider": "stripe", "method": "x", "parameters": {"amount": 1}}}"#, true),
        ] {
            assert_eq!(allowed(limits, input), expected, "{limits} {input}");
        }
    }

    #[test]
    fn every_scope_must_cover_the_operation() {
        let scope =
            |items: &[&str]| -> Arc<[String]> { items.iter().map(|item| (*item).to_owned()).collect() };
        let restrictions = Restrictions {
            limits: Vec::new(),
            scopes: vec![scope(&["secrets:*", "read"]), scope(&["secrets:get"])],
        };
        for (input, expected) in [
            (r#"{"action": "secrets:get"}"#, true),
            (r#"{"action": "secrets:put"}"#, false),
            (r#"{"action": "read"}"#, false),
            (r#"{"action": {"name": "secrets:put", "provider": "secrets", "method": "get"}}"#, false),
            (r#"{"action": {"name": "secrets:get", "provider": "secrets", "method": "get"}}"#, true),
            (r#"{}"#, false),
        ] {
            let input = Value::from_json(input.as_bytes()).unwrap();
            let outcome = check(&restrictions, false, &Operation::of(&input), Some(&input));
            assert_eq!(outcome.is_ok(), expected, "{input}");
        }
    }
}
