//! One attempt to authenticate, and what makes two of them alike.

use std::borrow::Borrow;
use std::hash::{Hash, Hasher};
use std::net::IpAddr;

use crate::model::clock::Timestamp;
use crate::model::failure::FailureKind;
use crate::registry::row::AuthEvent;

/// So many characters of a key are recorded.
const PREFIX: usize = 8;
/// What is no longer than this is recorded without any of its characters: too much of it would be known.
const SHORT: usize = 24;

/// How a key begins.
///
/// INVARIANT (no more): it has the first 8 characters, and none where the whole has 24 or fewer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyPrefix([u8; PREFIX]);

impl KeyPrefix {
    /// How this key begins, if that may be recorded.
    pub fn of(text: &str) -> Option<Self> {
        let first = text.as_bytes().first_chunk().filter(|_| text.len() > SHORT)?;
        first.iter().all(u8::is_ascii_graphic).then_some(Self(*first))
    }

    fn text(self) -> String {
        self.0.iter().copied().map(char::from).collect()
    }
}

/// What was attempted, and how it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// Somebody was recognised.
    Authenticated,
    /// Nobody was, or somebody who may not call.
    Failed(FailureKind),
    /// A secret of an agent was handed out.
    SecretRead,
}

impl Action {
    /// As it is stored.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Authenticated => "authenticated",
            Self::Failed(_) => "auth_failed",
            Self::SecretRead => "secret_read",
        }
    }

    /// Why it failed, if it did.
    pub const fn reason(self) -> Option<&'static str> {
        match self {
            Self::Failed(kind) => Some(kind.name()),
            Self::Authenticated | Self::SecretRead => None,
        }
    }
}

/// One attempt. Two that are equal are alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attempt<'a> {
    /// The organisation; none where nobody was recognised, or somebody who belongs to none.
    pub organisation: Option<&'a str>,
    /// The agent, where one was recognised.
    pub agent: Option<&'a str>,
    /// How the key begins that was presented.
    pub key_prefix: Option<KeyPrefix>,
    /// What was attempted, and how it ended.
    pub action: Action,
    /// The address that it came from.
    pub peer: Option<IpAddr>,
}

/// Agents have ids that no other agent has, so their organisation adds nothing.
impl Hash for Attempt<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.agent.or(self.organisation).hash(state);
        self.key_prefix.map(|prefix| u64::from_ne_bytes(prefix.0)).hash(state);
        self.action.hash(state);
        match self.peer {
            None => 0_u128,
            Some(IpAddr::V4(address)) => u128::from(u32::from(address)),
            Some(IpAddr::V6(address)) => u128::from(address),
        }
        .hash(state);
    }
}

impl<'a> Attempt<'a> {
    /// Whether it is of nobody that is known.
    pub(super) const fn is_of_stranger(&self) -> bool {
        self.organisation.is_none() && self.agent.is_none() && matches!(self.action, Action::Failed(_))
    }

    /// The same without what whoever fails can vary at will: a stranger, what is presented; others, where they call from.
    pub(super) const fn broader(self) -> Self {
        match self.action {
            Action::Failed(_) if self.is_of_stranger() => Self { key_prefix: None, ..self },
            Action::Failed(_) => Self { peer: None, ..self },
            Action::Authenticated | Action::SecretRead => self,
        }
    }

    /// The same with nothing but whose affair it is, and how it ended.
    pub(super) const fn of_organisation(self) -> Self {
        Self { agent: None, key_prefix: None, peer: None, ..self }
    }

    /// The same with nothing but how it ended.
    pub(super) const fn of_anybody(self) -> Self {
        Self { organisation: None, ..self.of_organisation() }
    }
}

/// What can be looked up among those that are kept, without being copied first.
pub(super) trait Alike {
    fn attempt(&self) -> Attempt<'_>;
}

impl Alike for Attempt<'_> {
    fn attempt(&self) -> Attempt<'_> {
        *self
    }
}

impl PartialEq for dyn Alike + '_ {
    fn eq(&self, other: &Self) -> bool {
        self.attempt() == other.attempt()
    }
}

impl Eq for dyn Alike + '_ {}

impl Hash for dyn Alike + '_ {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.attempt().hash(state);
    }
}

/// An attempt that is kept.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Kept {
    organisation: Option<Box<str>>,
    agent: Option<Box<str>>,
    key_prefix: Option<KeyPrefix>,
    action: Action,
    peer: Option<IpAddr>,
}

impl From<Attempt<'_>> for Kept {
    fn from(attempt: Attempt<'_>) -> Self {
        let Attempt { organisation, agent, key_prefix, action, peer } = attempt;
        Self {
            organisation: organisation.map(Box::from),
            agent: agent.map(Box::from),
            key_prefix,
            action,
            peer,
        }
    }
}

impl Kept {
    /// As it is stored.
    pub(super) fn event(&self, at: Timestamp, count: u64) -> AuthEvent {
        AuthEvent {
            at,
            organisation: self.organisation.as_deref().map(str::to_owned),
            agent: self.agent.as_deref().map(str::to_owned),
            key_prefix: self.key_prefix.map(KeyPrefix::text),
            action: self.action.name().to_owned(),
            reason: self.action.reason().map(str::to_owned),
            peer: self.peer.map(|peer| peer.to_string()),
            count,
        }
    }
}

impl Alike for Kept {
    fn attempt(&self) -> Attempt<'_> {
        Attempt {
            organisation: self.organisation.as_deref(),
            agent: self.agent.as_deref(),
            key_prefix: self.key_prefix,
            action: self.action,
            peer: self.peer,
        }
    }
}

impl Hash for Kept {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.attempt().hash(state);
    }
}

impl<'a> Borrow<dyn Alike + 'a> for Kept {
    fn borrow(&self) -> &(dyn Alike + 'a) {
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_key_eight_characters_are_recorded_at_most() {
        for (text, expected) in [
            ("sk_agent_0123456789abcdef", Some("sk_agent")),
            ("sk_agent_0123456789abcde", None),
            ("", None),
            ("short", None),
            ("ünïcödé_0123456789abcdefgh", None),
            ("with spaces in it 0123456789", None),
        ] {
            assert_eq!(KeyPrefix::of(text).map(KeyPrefix::text).as_deref(), expected, "{text}");
        }
    }
}
