//! The one place that assembles the `input` document.
//!
//! INVARIANT (verified is not asserted): `input.subject` is what `identity` verified, or says that nobody was. What the
//! caller's body says of who is calling is moved to `input.asserted`, where a policy can see a mismatch, and where it
//! can never stand for the verified subject. Where an agent is calling, `input.agent`, `input.agent_id` and `input.org_id`
//! are those that were verified, whatever the body says.

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use serde::Serialize;

use crate::model::failure::{Failure, FailureKind};
use crate::model::limits::{HardLimits, Restrictions};
use crate::model::principal::{AuthContext, Principal, Verified};
use verdict_rego::Value;

/// The members of a body that claim to say who is calling, in any of the systems that Verdict serves.
pub const IDENTITY_KEYS: [&str; 5] = ["subject", "agent", "agent_id", "org_id", "asserted"];

/// The members of `input.subject`, in order of names.
pub const SUBJECT_MEMBERS: [&str; 16] = [
    "act",
    "agent",
    "attributes",
    "claims",
    "delegation",
    "id",
    "issuer",
    "limits",
    "method",
    "permissions",
    "proof",
    "roles",
    "scopes",
    "tenant",
    "transaction",
    "type",
];

/// Assembles the input document from what was verified and what the caller sent.
///
/// With identity off the caller's input passes as it is, absent included. Otherwise it must be an object or absent.
///
/// # Errors
/// [`FailureKind::InvalidRequest`] when it is another type.
pub fn assemble(auth: &AuthContext, input: Option<Value>) -> Result<Option<Value>, Failure> {
    match auth {
        AuthContext::Unchecked => Ok(input),
        AuthContext::Anonymous => with_subject(anonymous(), input).map(Some),
        AuthContext::Verified(verified) => {
            let prepared = prepared(&verified.principal);
            let mut input = with_subject(prepared.subject(verified), input)?;
            for (key, value) in prepared.agent.iter().flat_map(|agent| agent.iter()) {
                input.insert(key, value.clone());
            }
            Ok(Some(input))
        }
    }
}

fn with_subject(subject: Value, input: Option<Value>) -> Result<Value, Failure> {
    let mut input = input.unwrap_or_else(Value::object);
    if !input.is_object() {
        return Err(Failure::new(
            FailureKind::InvalidRequest,
            "input must be an object where identity is verified",
        ));
    }
    let mut asserted: Option<Value> = None;
    for key in IDENTITY_KEYS {
        if let Some(value) = input.remove(key) {
            asserted.get_or_insert_with(Value::object).insert(key, value);
        }
    }
    if let Some(asserted) = asserted {
        input.insert("asserted", asserted);
    }
    input.insert("subject", subject);
    Ok(input)
}

/// Nobody: a subject without an id, so that no comparison with an id holds.
pub fn anonymous() -> Value {
    let mut subject = Value::object();
    subject.insert("type", Value::from("anonymous"));
    for list in ["roles", "scopes", "permissions"] {
        subject.insert(list, Value::array());
    }
    subject.insert("claims", Value::object());
    subject
}

/// A principal as policy sees it.
struct Prepared {
    /// The principal by itself.
    subject: Value,
    /// The same with the hard limits of the last call that had any: those of the next are mostly the same.
    limited: ArcSwapOption<Limited>,
    /// The members that name the agent that calls; none where no agent does.
    agent: Option<Arc<[(&'static str, Value)]>>,
}

/// A subject with hard limits.
struct Limited {
    limits: Vec<Arc<HardLimits>>,
    subject: Value,
}

impl Prepared {
    /// The subject of one call: with the hard limits that hold for it, and the delegation that it acts by.
    fn subject(&self, verified: &Verified) -> Value {
        let mut subject = self.limited(&verified.restrictions);
        if let Some(delegation) = verified.delegation.as_deref() {
            subject = with(subject, "delegation", delegation);
        }
        if let Some(transaction) = verified.transaction.as_deref() {
            subject = with(subject, "transaction", transaction);
        }
        subject
    }

    fn limited(&self, restrictions: &Restrictions) -> Value {
        let limits = &restrictions.limits;
        if limits.is_empty() {
            return self.subject.clone();
        }
        if let Some(last) = self.limited.load().as_ref().filter(|last| are_same(&last.limits, limits)) {
            return last.subject.clone();
        }
        let subject = match restrictions.hard_limits() {
            Some(narrowest) => with(self.subject.clone(), "limits", &narrowest),
            None => self.subject.clone(),
        };
        self.limited.store(Some(Arc::new(Limited { limits: limits.clone(), subject: subject.clone() })));
        subject
    }
}

fn are_same(some: &[Arc<HardLimits>], others: &[Arc<HardLimits>]) -> bool {
    some.len() == others.len() && some.iter().zip(others).all(|(one, other)| Arc::ptr_eq(one, other))
}

/// A subject with another member. What policy sees of a caller is made of JSON; were a part of it not to serialise, the call is
/// anonymous to policy rather than less limited.
fn with(mut subject: Value, name: &str, member: &impl Serialize) -> Value {
    match Value::from_serialize(member) {
        Ok(member) => {
            subject.insert(name, member);
            subject
        }
        Err(_) => anonymous(),
    }
}

/// The principal as policy sees it, made once for each verified credential.
fn prepared(principal: &Arc<Principal>) -> Arc<Prepared> {
    principal.prepared.get_or_make(|| {
        Arc::new(Prepared {
            // A principal is made of JSON; were one not to serialise, the call is anonymous to policy rather than anybody else.
            subject: Value::from_serialize(principal.as_ref()).unwrap_or_else(|_| anonymous()),
            limited: ArcSwapOption::empty(),
            agent: principal.agent.as_deref().map(|id| agent(id, principal.tenant.as_deref())),
        })
    })
}

/// The agent under the names that Relay and AgentPack know it by.
fn agent(id: &str, organisation: Option<&str>) -> Arc<[(&'static str, Value)]> {
    let ids = [("agent_id", Some(id)), ("org_id", organisation)];
    let ids = ids.into_iter().filter_map(|(key, id)| Some((key, Value::from(id?))));
    let mut members: Vec<_> = ids.collect();
    let mut agent = Value::object();
    for (key, id) in &members {
        agent.insert(key, id.clone());
    }
    members.push(("agent", agent));
    members.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> Value {
        Value::from_json(text.as_bytes()).unwrap()
    }

    #[test]
    fn what_the_body_says_of_the_caller_never_stands_for_the_verified_subject() {
        let subject = json(r#"{"id": "alice"}"#);
        for (body, expected) in [
            ("{}", r#"{"subject":{"id":"alice"}}"#),
            (r#"{"action":"read"}"#, r#"{"action":"read","subject":{"id":"alice"}}"#),
            (
                r#"{"subject":{"id":"root"},"agent_id":"x","asserted":{"subject":1},"other":2}"#,
                r#"{"asserted":{"agent_id":"x","asserted":{"subject":1},"subject":{"id":"root"}},"other":2,"subject":{"id":"alice"}}"#,
            ),
        ] {
            assert_eq!(with_subject(subject.clone(), Some(json(body))).unwrap(), json(expected), "{body}");
        }
        assert_eq!(with_subject(subject.clone(), None).unwrap(), json(r#"{"subject":{"id":"alice"}}"#));
        for body in ["[]", "null", "\"x\"", "1"] {
            assert!(with_subject(subject.clone(), Some(json(body))).is_err(), "{body}");
        }
    }

    #[test]
    fn the_members_of_a_subject_are_known() {
        for member in anonymous().members().map(|(name, _)| name) {
            assert!(SUBJECT_MEMBERS.contains(&member), "{member}");
        }
        assert!(SUBJECT_MEMBERS.is_sorted());
    }

    #[test]
    fn with_identity_off_the_input_passes_as_it_is() {
        let body = json(r#"{"subject":{"id":"bob"}}"#);
        assert_eq!(assemble(&AuthContext::Unchecked, Some(body.clone())).unwrap(), Some(body));
        assert_eq!(assemble(&AuthContext::Unchecked, None).unwrap(), None);
        let anonymous =
            assemble(&AuthContext::Anonymous, Some(json(r#"{"subject":{"id":"bob"}}"#))).unwrap().unwrap();
        assert_eq!(anonymous.at(["subject", "type"]).unwrap(), &Value::from("anonymous"));
        assert_eq!(anonymous.at(["subject", "id"]), None);
        assert_eq!(anonymous.at(["asserted", "subject", "id"]).unwrap(), &Value::from("bob"));
    }

    #[test]
    fn an_agent_is_named_as_it_was_verified_whatever_the_body_says() {
        let named = |id, organisation| {
            let mut input = Value::object();
            for (key, value) in agent(id, organisation).iter() {
                input.insert(key, value.clone());
            }
            input
        };
        for (input, expected) in [
            (
                named("agent_1", Some("acme")),
                r#"{"agent":{"agent_id":"agent_1","org_id":"acme"},"agent_id":"agent_1","org_id":"acme"}"#,
            ),
            (named("agent_1", None), r#"{"agent":{"agent_id":"agent_1"},"agent_id":"agent_1"}"#),
        ] {
            assert_eq!(input, json(expected));
        }
    }
}
