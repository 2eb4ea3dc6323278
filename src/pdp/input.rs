//! The one place that assembles the `input` document.
//!
//! INVARIANT (verified is not asserted): `input.subject` is what `identity` verified, or says that nobody was. What the
//! caller's body says of who is calling is moved to `input.asserted`, where a policy can see a mismatch, and where it
//! can never stand for the verified subject. Where an agent is calling, `input.agent`, `input.agent_id` and `input.org_id`
//! are those that were verified, whatever the body says.
//! INVARIANT (asserted looks asserted): a PEP that may ask about others names the subject. Then `input.subject` has a type, an id
//! and properties, `asserted` as its method, and never roles, scopes, permissions or claims; `input.pep` is who was verified.

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use serde::Serialize;

use crate::model::failure::{Failure, FailureKind};
use crate::model::limits::{HardLimits, Restrictions};
use crate::model::principal::{AuthContext, Principal, Verified};
use verdict_rego::Value;

/// The members of a body that claim to say who is calling, in any of the systems that Verdict serves.
pub const IDENTITY_KEYS: [&str; 6] = ["subject", "agent", "agent_id", "org_id", "pep", "asserted"];

/// What a subject may have that was not verified.
const ASSERTED_MEMBERS: [&str; 3] = ["id", "properties", "type"];
/// The `method` of such a subject.
const ASSERTED: &str = "asserted";

/// Whom a call is about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum About {
    /// Whoever calls. What the input says of a subject is moved aside.
    #[default]
    Caller,
    /// The subject that the input names. Callers with this role are PEPs, which ask about anybody; the others about themselves.
    Named {
        /// The role; nobody is a PEP without one.
        pep_role: Option<Arc<str>>,
    },
}

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
    assemble_about(auth, input, &About::Caller)
}

/// The same for a call that may be about somebody else than its caller.
///
/// # Errors
/// As [`assemble`]; and where the input names a subject that the caller is not and may not ask about: [`FailureKind::Mismatch`], or
/// [`FailureKind::CredentialMissing`] of a caller that nobody knows.
pub fn assemble_about(
    auth: &AuthContext,
    input: Option<Value>,
    about: &About,
) -> Result<Option<Value>, Failure> {
    if let About::Named { pep_role } = about {
        match auth {
            AuthContext::Unchecked => {}
            AuthContext::Anonymous => {
                let message = "whoever asks about a subject has to say who it is";
                return Err(Failure::new(FailureKind::CredentialMissing, message));
            }
            AuthContext::Verified(verified) if is_pep(verified, pep_role.as_deref()) => {
                let pep = prepared(&verified.principal).subject(verified);
                return asked_by(pep, input).map(Some);
            }
            AuthContext::Verified(verified) => check_is_caller(verified, input.as_ref())?,
        }
    }
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

fn is_pep(verified: &Verified, pep_role: Option<&str>) -> bool {
    pep_role.is_some_and(|wanted| verified.own_roles().iter().any(|role| role == wanted))
}

/// Whether a caller that is no PEP asks about itself. The type that it says it has is not compared: policy sees the verified one.
fn check_is_caller(verified: &Verified, input: Option<&Value>) -> Result<(), Failure> {
    let named = input.and_then(|input| input.at(["subject", "id"])).and_then(Value::as_str);
    if named == Some(verified.principal.id.as_str()) {
        return Ok(());
    }
    let message = "the caller is not the subject that it asks about; who may ask about others has the role `doors.pep_role`";
    Err(Failure::new(FailureKind::Mismatch, message))
}

/// The input of a PEP that asks about somebody.
fn asked_by(pep: Value, mut input: Option<Value>) -> Result<Value, Failure> {
    let named = input.as_mut().and_then(|input| input.remove("subject"));
    let mut subject = Value::object();
    for (key, value) in ASSERTED_MEMBERS.into_iter().filter_map(|key| Some((key, named.as_ref()?.get(key)?)))
    {
        subject.insert(key, value.clone());
    }
    subject.insert("method", Value::from(ASSERTED));
    let mut input = with_subject(subject, input)?;
    input.insert("pep", pep);
    Ok(input)
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
                r#"{"subject":{"id":"root"},"agent_id":"x","pep":1,"asserted":{"subject":1},"other":2}"#,
                r#"{"asserted":{"agent_id":"x","asserted":{"subject":1},"pep":1,"subject":{"id":"root"}},"other":2,"subject":{"id":"alice"}}"#,
            ),
        ] {
            assert_eq!(with_subject(subject.clone(), Some(json(body))).unwrap(), json(expected), "{body}");
        }
        assert_eq!(with_subject(subject.clone(), None).unwrap(), json(r#"{"subject":{"id":"alice"}}"#));
        for body in ["[]", "null", "\"x\"", "1"] {
            assert!(with_subject(subject.clone(), Some(json(body))).is_err(), "{body}");
        }
    }

    fn caller(roles: &[&str], limited: bool) -> AuthContext {
        let principal = Principal {
            id: "alice".to_owned(),
            kind: "user".to_owned(),
            issuer: "i".to_owned(),
            method: "jwt",
            roles: roles.iter().map(|role| (*role).to_owned()).collect(),
            scopes: Vec::new(),
            permissions: Vec::new(),
            tenant: None,
            agent: Some("agent_1".to_owned()),
            actors: Vec::new(),
            attributes: serde_json::Map::new(),
            claims: serde_json::Map::new(),
            proof: crate::model::principal::Proof::Bearer,
            prepared: crate::model::principal::Prepared::default(),
        };
        let mut restrictions = Restrictions::default();
        if limited {
            restrictions.scopes.push(Arc::new(["read".to_owned()]));
        }
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

    #[test]
    fn only_a_pep_asks_about_others_and_what_it_says_looks_asserted() {
        let named = |role: Option<&str>| About::Named { pep_role: role.map(Arc::from) };
        let bob = r#"{"subject": {"id": "bob", "type": "x", "properties": {"a": 1}, "roles": ["admin"], "claims": {}},
                      "pep": {"id": "root"}, "agent_id": "agent_2", "action": "read"}"#;
        for (roles, limited, role, subject, expected) in [
            (&["pep"][..], false, Some("pep"), bob, Ok("bob")),
            // Who may do certain operations only has no roles of its own.
            (&["pep"], true, Some("pep"), bob, Err(FailureKind::Mismatch)),
            (&["pep"], false, None, bob, Err(FailureKind::Mismatch)),
            (&["staff"], false, Some("pep"), bob, Err(FailureKind::Mismatch)),
            (
                &["staff"],
                false,
                Some("pep"),
                r#"{"subject": {"id": "alice", "roles": ["admin"]}}"#,
                Ok("alice"),
            ),
            (&["staff"], false, Some("pep"), r#"{"subject": {"type": "user"}}"#, Err(FailureKind::Mismatch)),
            (&["staff"], false, Some("pep"), "{}", Err(FailureKind::Mismatch)),
            (&["pep"], false, Some("pep"), "[]", Err(FailureKind::InvalidRequest)),
        ] {
            let assembled = assemble_about(&caller(roles, limited), Some(json(subject)), &named(role))
                .map(Option::unwrap);
            let id = assembled.as_ref().map(|input| input.at(["subject", "id"]).unwrap().as_str().unwrap());
            assert_eq!(id.map_err(|failure| failure.kind), expected, "{roles:?} {role:?} {subject}");
            let Ok(input) = assembled else { continue };
            if expected == Ok("bob") {
                let subject = r#"{"id": "bob", "type": "x", "properties": {"a": 1}, "method": "asserted"}"#;
                assert_eq!(input.get("subject").unwrap(), &json(subject));
                assert_eq!(input.at(["pep", "id"]).unwrap().as_str(), Some("alice"));
                assert_eq!(input.at(["pep", "roles"]).unwrap(), &json(r#"["pep"]"#));
                let asserted = r#"{"pep": {"id": "root"}, "agent_id": "agent_2"}"#;
                assert_eq!(input.get("asserted").unwrap(), &json(asserted));
                assert_eq!(input.get("agent_id"), None, "the agent that calls is not whom the call is about");
            } else {
                assert_eq!(input.at(["subject", "method"]).unwrap().as_str(), Some("jwt"));
                assert_eq!(input.at(["subject", "roles"]).unwrap(), &json(r#"["staff"]"#));
                assert_eq!(input.get("pep"), None);
            }
        }
        let anonymous = assemble_about(&AuthContext::Anonymous, Some(json(bob)), &named(Some("pep")));
        assert_eq!(anonymous.unwrap_err().kind, FailureKind::CredentialMissing);
        let unchecked = assemble_about(&AuthContext::Unchecked, Some(json(bob)), &named(None)).unwrap();
        assert_eq!(unchecked, Some(json(bob)));
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
