//! The values inside a fixture file: expectations, and keys that take a word or an object.

use std::fmt;

use serde::Deserialize;
use serde::de::value::{MapAccessDeserializer, StrDeserializer};
use serde::de::{self, Deserializer, IntoDeserializer, MapAccess, Visitor};

use super::fixture_caller::{RawSubject, Subject};
use super::fixture_credential::{Credentials, Presented};
use super::fixture_document::{Document, present};
use crate::model::decision::Outcome;
use crate::model::failure::FailureKind;

/// The expected decision of a case. `expect: deny` is short for `expect: {decision: deny}`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Expectation {
    /// The expected outcome.
    pub decision: Option<Outcome>,
    /// Text that the reason in the record, or the message of the failure, must contain.
    pub reason: Option<String>,
    /// The expected failure.
    pub failure: Option<FailureKind>,
    /// The exact resulting document.
    pub result: Option<Document>,
    /// All reasons that the policy gives, in any order.
    pub reasons: Option<Vec<String>>,
}

impl Expectation {
    /// INVARIANT (nothing is guessed): an empty or impossible expectation is an error.
    pub(super) fn check(&self) -> Result<(), String> {
        if *self == Self::default() {
            return Err("`expect` is empty; give at least `decision`".to_owned());
        }
        let failing = matches!(self.decision, None | Some(Outcome::Refused | Outcome::Error));
        if self.failure.is_some() && !failing {
            return Err("`failure` requires `decision: refused` or `decision: error`".to_owned());
        }
        let undefined = matches!(self.decision, Some(Outcome::Refused | Outcome::Error | Outcome::Undefined));
        if self.result.is_some() && undefined {
            return Err(
                "`result` cannot be combined with `decision: refused`, `error` or `undefined`".to_owned()
            );
        }
        if self.reasons.is_some() && matches!(self.decision, Some(Outcome::Refused)) {
            return Err(
                "`reasons` come from policy, which a refused call never reaches; use `reason`".to_owned()
            );
        }
        Ok(())
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawExpectation {
    decision: Option<OutcomeName>,
    reason: Option<String>,
    failure: Option<FailureName>,
    #[serde(default, deserialize_with = "present")]
    result: Option<Document>,
    reasons: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum OutcomeName {
    Allow,
    Deny,
    Value,
    Undefined,
    Error,
    Refused,
}

impl From<OutcomeName> for Outcome {
    fn from(name: OutcomeName) -> Self {
        match name {
            OutcomeName::Allow => Self::Allow,
            OutcomeName::Deny => Self::Deny,
            OutcomeName::Value => Self::Value,
            OutcomeName::Undefined => Self::Undefined,
            OutcomeName::Error => Self::Error,
            OutcomeName::Refused => Self::Refused,
        }
    }
}

/// The failures that a fixture can cause.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum FailureName {
    InvalidRequest,
    CredentialMissing,
    CredentialInvalid,
    CredentialExpired,
    CredentialRevoked,
    Mismatch,
    InsufficientPermissions,
    VerifierUnavailable,
    EvaluationFailed,
    DeadlineExceeded,
}

impl From<FailureName> for FailureKind {
    fn from(name: FailureName) -> Self {
        match name {
            FailureName::InvalidRequest => Self::InvalidRequest,
            FailureName::CredentialMissing => Self::CredentialMissing,
            FailureName::CredentialInvalid => Self::CredentialInvalid,
            FailureName::CredentialExpired => Self::CredentialExpired,
            FailureName::CredentialRevoked => Self::CredentialRevoked,
            FailureName::Mismatch => Self::Mismatch,
            FailureName::InsufficientPermissions => Self::InsufficientPermissions,
            FailureName::VerifierUnavailable => Self::VerifierUnavailable,
            FailureName::EvaluationFailed => Self::EvaluationFailed,
            FailureName::DeadlineExceeded => Self::DeadlineExceeded,
        }
    }
}

/// A key that takes a word or an object.
trait WordOrObject: Sized {
    const EXPECTING: &'static str;
    const WORDS: &'static [&'static str];
    fn from_word(word: &str) -> Option<Self>;
    fn from_object<'de, D: Deserializer<'de>>(object: D) -> Result<Self, D::Error>;
}

struct WordOrObjectVisitor<T>(std::marker::PhantomData<T>);

impl<'de, T: WordOrObject> Visitor<'de> for WordOrObjectVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::EXPECTING)
    }

    fn visit_str<E: de::Error>(self, word: &str) -> Result<T, E> {
        T::from_word(word).ok_or_else(|| E::unknown_variant(word, T::WORDS))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        T::from_object(MapAccessDeserializer::new(map))
    }
}

macro_rules! word_or_object {
    ($type:ty) => {
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_any(WordOrObjectVisitor(std::marker::PhantomData))
            }
        }
    };
}

word_or_object!(Expectation);
word_or_object!(RawSubject);
word_or_object!(Presented);

impl WordOrObject for Expectation {
    const EXPECTING: &'static str =
        "a decision such as `allow`, or an object such as `{decision: deny, reasons: […]}`";
    const WORDS: &'static [&'static str] = &["allow", "deny", "value", "undefined", "error", "refused"];

    fn from_word(word: &str) -> Option<Self> {
        let name: StrDeserializer<'_, de::value::Error> = word.into_deserializer();
        let decision = OutcomeName::deserialize(name).ok()?.into();
        Some(Self { decision: Some(decision), ..Self::default() })
    }

    fn from_object<'de, D: Deserializer<'de>>(object: D) -> Result<Self, D::Error> {
        let RawExpectation { decision, reason, failure, result, reasons } =
            RawExpectation::deserialize(object)?;
        let (decision, failure) = (decision.map(Into::into), failure.map(Into::into));
        Ok(Self { decision, reason, failure, result, reasons })
    }
}

impl WordOrObject for RawSubject {
    const EXPECTING: &'static str = "`anonymous`, or an object such as `{id: alice, roles: [editor]}`";
    const WORDS: &'static [&'static str] = &["anonymous"];

    fn from_word(word: &str) -> Option<Self> {
        (word == "anonymous").then_some(Self::Anonymous)
    }

    fn from_object<'de, D: Deserializer<'de>>(object: D) -> Result<Self, D::Error> {
        Subject::deserialize(object).map(|subject| Self::Ready(Box::new(subject)))
    }
}

impl WordOrObject for Presented {
    const EXPECTING: &'static str =
        "`none`, `bad`, `expired`, `malformed`, or an object such as `{token: {sub: alice}}`";
    const WORDS: &'static [&'static str] = &["none", "bad", "expired", "malformed"];

    fn from_word(word: &str) -> Option<Self> {
        Some(match word {
            "none" => Self::Nothing,
            "bad" => Self::Bad,
            "expired" => Self::Expired,
            "malformed" => Self::Malformed,
            _ => return None,
        })
    }

    fn from_object<'de, D: Deserializer<'de>>(object: D) -> Result<Self, D::Error> {
        let credentials = Credentials::deserialize(object)?;
        if credentials.is_empty() {
            return Err(de::Error::custom(
                "`credential` is empty; give `token`, `capability`, `api_key` or `delegation`",
            ));
        }
        Ok(Self::Valid(Box::new(credentials)))
    }
}
