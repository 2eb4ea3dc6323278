//! The one place that assembles the `input` document.
//!
//! INVARIANT (verified is not asserted): `input.subject` is what `identity` verified, or says that nobody was. What the
//! caller's body says of who is calling is moved to `input.asserted`, where a policy can see a mismatch, and where it
//! can never stand for the verified subject.

use std::sync::Arc;

use crate::model::failure::{Failure, FailureKind};
use crate::model::principal::{AuthContext, Principal};
use verdict_rego::Value;

/// The members of a body that claim to say who is calling, in any of the systems that Verdict serves.
pub const IDENTITY_KEYS: [&str; 5] = ["subject", "agent", "agent_id", "org_id", "asserted"];

/// Assembles the input document from what was verified and what the caller sent.
///
/// With identity off the caller's input passes as it is, absent included. Otherwise it must be an object or absent.
///
/// # Errors
/// [`FailureKind::InvalidRequest`] when it is another type.
pub fn assemble(auth: &AuthContext, input: Option<Value>) -> Result<Option<Value>, Failure> {
    let subject = match auth {
        AuthContext::Unchecked => return Ok(input),
        AuthContext::Anonymous => anonymous(),
        AuthContext::Verified(verified) => subject(&verified.principal),
    };
    with_subject(subject, input).map(Some)
}

/// Assembles the input document around a subject that is taken for verified: for fixtures, which bring one.
///
/// # Errors
/// [`FailureKind::InvalidRequest`] when the input is not an object.
pub fn with_subject(subject: Value, input: Option<Value>) -> Result<Value, Failure> {
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

/// The principal as policy sees it, made once for each verified token.
fn subject(principal: &Arc<Principal>) -> Value {
    // A principal is made of JSON; were one not to serialise, the call is anonymous to policy rather than anybody else.
    principal
        .prepared
        .get_or_make(|| Value::from_serialize(principal.as_ref()).unwrap_or_else(|_| anonymous()))
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
}
