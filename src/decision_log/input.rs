//! What of an input stands in a record.
//!
//! INVARIANT (seen is not sent): `input` is what policy saw. What the caller of a refused call sent, policy did not see: it is
//! under `asserted` where the caller is known, and only its size and hash are recorded where it is not.
//! INVARIANT (claims as configured): the claims of a verified subject are left out while the input is written, without making
//! another one.

use std::fmt;
use std::io;

use aws_lc_rs::digest::{self, SHA256};
use serde::{Serialize, Serializer};

use super::config::Claims;
use crate::model::decision::Outcome;
use crate::model::principal::AuthContext;
use verdict_rego::Value;

/// The three places, of which at most one is taken.
pub(super) struct Sent<'a> {
    pub(super) input: Option<RecordedInput<'a>>,
    pub(super) asserted: Option<&'a Value>,
    pub(super) input_digest: Option<InputDigest>,
}

impl<'a> Sent<'a> {
    pub(super) fn new(
        outcome: Outcome,
        auth: &AuthContext,
        input: Option<&'a Value>,
        claims: &'a Claims,
    ) -> Self {
        let none = Sent { input: None, asserted: None, input_digest: None };
        match (outcome, auth) {
            (Outcome::Refused, AuthContext::Verified(_)) => Sent { asserted: input, ..none },
            (Outcome::Refused, _) => Sent { input_digest: input.and_then(InputDigest::of), ..none },
            // The caller's own words, subject included.
            (_, AuthContext::Unchecked) => {
                Sent { input: input.map(|value| RecordedInput { value, claims: None }), ..none }
            }
            (_, AuthContext::Anonymous | AuthContext::Verified(_)) => {
                Sent { input: input.map(|value| RecordedInput { value, claims: Some(claims) }), ..none }
            }
        }
    }
}

/// An input as it is recorded.
#[derive(Clone, Copy)]
pub struct RecordedInput<'a> {
    pub(super) value: &'a Value,
    /// The claims that are kept; `None` where the subject is nobody's but the caller's own claim.
    claims: Option<&'a Claims>,
}

/// Without the claims that are not recorded.
impl fmt::Debug for RecordedInput<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&serde_json::to_string(self).unwrap_or_default())
    }
}

impl Serialize for RecordedInput<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { value, claims } = *self;
        match claims {
            None => value.serialize(serializer),
            Some(claims) => At { value, step: Step::Input, claims }.serialize(serializer),
        }
    }
}

/// Where in an input a value stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    Input,
    Subject,
    Claims,
    Elsewhere,
}

struct At<'a> {
    value: &'a Value,
    step: Step,
    claims: &'a Claims,
}

impl At<'_> {
    /// The step of a member; `None` where it is not recorded.
    fn member(&self, name: &str) -> Option<Step> {
        match (self.step, name) {
            (Step::Input, "subject") => Some(Step::Subject),
            (Step::Subject, "claims") => (!self.claims.names().is_empty()).then_some(Step::Claims),
            (Step::Claims, name) => {
                self.claims.names().iter().any(|kept| kept == name).then_some(Step::Elsewhere)
            }
            _ => Some(Step::Elsewhere),
        }
    }
}

impl Serialize for At<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.value {
            Value::Object(members) if self.step != Step::Elsewhere => {
                serializer.collect_map(members.iter().filter_map(|(key, value)| {
                    let step = self.member(key.as_str().unwrap_or_default())?;
                    Some((key, At { value, step, claims: self.claims }))
                }))
            }
            value => value.serialize(serializer),
        }
    }
}

/// The size and hash of an input whose text is not recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InputDigest {
    /// The length of the input as compact JSON, in bytes.
    pub bytes: u64,
    /// The SHA-256 of that JSON, in lower-case hex.
    pub sha256: String,
}

impl InputDigest {
    /// `None` when the input cannot be written as JSON.
    fn of(input: &Value) -> Option<Self> {
        let mut hashing = Hashing { bytes: 0, context: digest::Context::new(&SHA256) };
        serde_json::to_writer(&mut hashing, input).ok()?;
        let Hashing { bytes, context } = hashing;
        let sha256 = context.finish().as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        Some(Self { bytes, sha256 })
    }
}

/// Hashes what is written, and keeps nothing of it.
struct Hashing {
    bytes: u64,
    context: digest::Context,
}

impl io::Write for Hashing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes += bytes.len() as u64;
        self.context.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> Value {
        Value::from_json(text.as_bytes()).unwrap()
    }

    #[test]
    fn claims_are_recorded_as_configured() {
        let input = json(
            r#"{"a":{"subject":{"claims":{"x":1}}},"asserted":{"subject":{"claims":{"y":2}}},
                "claims":{"z":3},"subject":{"claims":{"email":"a@b.example","sub":"alice"},"id":"alice"}}"#,
        );
        for (names, expected) in [
            (&[][..], r#"{"id":"alice"}"#),
            (&["sub", "absent"], r#"{"claims":{"sub":"alice"},"id":"alice"}"#),
            (&["absent"], r#"{"claims":{},"id":"alice"}"#),
        ] {
            let claims = Claims::named(names.iter().map(|name| (*name).to_owned()).collect());
            let recorded = RecordedInput { value: &input, claims: Some(&claims) };
            // What is called so elsewhere is the caller's own.
            let others = r#"{"a":{"subject":{"claims":{"x":1}}},"asserted":{"subject":{"claims":{"y":2}}},"claims":{"z":3}"#;
            assert_eq!(
                serde_json::to_string(&recorded).unwrap(),
                format!(r#"{others},"subject":{expected}}}"#)
            );
            assert!(names.contains(&"email") || !format!("{recorded:?}").contains("a@b.example"));
        }
    }

    #[test]
    fn a_digest_is_of_compact_json() {
        let digest = InputDigest::of(&json("{\"a\" : [ 1, \"b\" ] }")).unwrap();
        // printf '{"a":[1,"b"]}' | sha256sum
        let sha256 = "ee70aef572200b15408cec63724334e0ccd6c2b5d1cd7225a7f6a3f2a9aa80a9";
        assert_eq!(digest, InputDigest { bytes: 13, sha256: sha256.to_owned() });
    }
}
