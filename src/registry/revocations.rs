//! What is revoked, and whether that includes a credential.

use std::collections::HashMap;

use crate::model::clock::Timestamp;
use crate::model::revocation::RevocationFacts;

/// What a revocation names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Named {
    /// One credential, by its identifier (JWT `jti`).
    Jti(String),
    /// All credentials of a session (`sid`).
    Session(String),
    /// An API key by its id, or all that was signed by a key, by its `kid`.
    Key(String),
    /// All credentials of a subject, of one issuer or of any.
    Subject {
        /// Who vouches for the subject; none is anybody.
        issuer: Option<String>,
        /// The subject.
        id: String,
    },
    /// All credentials of an agent, and all by which it acts for others.
    Agent(String),
    /// All credentials of an organisation.
    Organisation(String),
}

/// One revocation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revocation {
    /// What it names.
    pub named: Named,
    /// Only what was issued before, or at an unknown time; none is all.
    pub issued_before: Option<Timestamp>,
}

type Before = Option<Timestamp>;

/// All revocations, by what they name.
#[derive(Debug, Default)]
pub struct RevocationIndex {
    len: usize,
    jtis: HashMap<String, Before>,
    sessions: HashMap<String, Before>,
    keys: HashMap<String, Before>,
    subjects: HashMap<String, Vec<(Option<String>, Before)>>,
    agents: HashMap<String, Before>,
    organisations: HashMap<String, Before>,
}

impl RevocationIndex {
    /// An index of these. Of two that name the same, the wider counts.
    pub fn new(revocations: impl IntoIterator<Item = Revocation>) -> Self {
        let mut index = Self::default();
        for Revocation { named, issued_before } in revocations {
            index.len += 1;
            let (map, name) = match named {
                Named::Jti(name) => (&mut index.jtis, name),
                Named::Session(name) => (&mut index.sessions, name),
                Named::Key(name) => (&mut index.keys, name),
                Named::Agent(name) => (&mut index.agents, name),
                Named::Organisation(name) => (&mut index.organisations, name),
                Named::Subject { issuer, id } => {
                    index.subjects.entry(id).or_default().push((issuer, issued_before));
                    continue;
                }
            };
            let before = map.entry(name).or_insert(issued_before);
            *before = wider(*before, issued_before);
        }
        index
    }

    /// How many there are.
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether nothing is revoked.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether a credential with these facts is revoked.
    pub fn covers(&self, facts: &RevocationFacts) -> bool {
        if self.is_empty() {
            return false;
        }
        let issued = facts.issued_at;
        let hit = |map: &HashMap<String, Before>, name: &Option<String>| {
            name.as_ref().and_then(|name| map.get(name)).is_some_and(|before| is_before(issued, *before))
        };
        hit(&self.jtis, &facts.jti)
            || hit(&self.sessions, &facts.session)
            || hit(&self.keys, &facts.key)
            || hit(&self.organisations, &facts.organisation)
            || facts
                .agents
                .iter()
                .filter_map(|agent| self.agents.get(agent))
                .any(|before| is_before(issued, *before))
            || self.covers_subject(facts)
    }

    fn covers_subject(&self, facts: &RevocationFacts) -> bool {
        let revoked = facts.subject.as_ref().and_then(|subject| self.subjects.get(subject));
        revoked.into_iter().flatten().any(|(issuer, before)| {
            (issuer.is_none() || *issuer == facts.issuer) && is_before(facts.issued_at, *before)
        })
    }
}

/// What has no time of issue may be as old as any.
fn is_before(issued: Option<Timestamp>, before: Before) -> bool {
    match (issued, before) {
        (Some(issued), Some(before)) => issued < before,
        _ => true,
    }
}

fn wider(one: Before, other: Before) -> Before {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.max(other)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> RevocationFacts {
        let text = |text: &str| Some(text.to_owned());
        RevocationFacts {
            jti: text("j1"),
            session: text("s1"),
            key: text("k1"),
            issuer: text("idp"),
            subject: text("alice"),
            agents: vec!["a1".to_owned(), "a2".to_owned()],
            organisation: text("acme"),
            issued_at: Some(Timestamp(100)),
        }
    }

    #[test]
    fn a_revocation_covers_what_it_names_and_nothing_else() {
        let name = |text: &str| text.to_owned();
        let subject = |issuer: Option<&str>, id: &str| Named::Subject {
            issuer: issuer.map(str::to_owned),
            id: id.to_owned(),
        };
        for (named, before, expected) in [
            (Named::Jti(name("j1")), None, true),
            (Named::Jti(name("j2")), None, false),
            (Named::Session(name("s1")), None, true),
            (Named::Key(name("k1")), None, true),
            (Named::Key(name("j1")), None, false),
            (Named::Agent(name("a2")), None, true),
            (Named::Agent(name("a3")), None, false),
            (Named::Organisation(name("acme")), None, true),
            (subject(None, "alice"), None, true),
            (subject(Some("idp"), "alice"), None, true),
            (subject(Some("other"), "alice"), None, false),
            (subject(None, "bob"), None, false),
            (Named::Jti(name("j1")), Some(101), true),
            (Named::Jti(name("j1")), Some(100), false),
            (subject(None, "alice"), Some(100), false),
        ] {
            let revocation = Revocation { named, issued_before: before.map(Timestamp) };
            let shown = format!("{revocation:?}");
            assert_eq!(RevocationIndex::new([revocation]).covers(&facts()), expected, "{shown}");
        }
        assert!(!RevocationIndex::default().covers(&facts()));
    }

    #[test]
    fn what_has_no_time_of_issue_is_covered_and_the_wider_of_two_counts() {
        let revoke = |before: Option<i64>| Revocation {
            named: Named::Jti("j1".to_owned()),
            issued_before: before.map(Timestamp),
        };
        let unknown = RevocationFacts { issued_at: None, ..facts() };
        assert!(RevocationIndex::new([revoke(Some(1))]).covers(&unknown));
        for order in [[Some(50), Some(101)], [Some(101), Some(50)], [None, Some(50)], [Some(50), None]] {
            assert!(RevocationIndex::new(order.map(revoke)).covers(&facts()), "{order:?}");
        }
    }
}
