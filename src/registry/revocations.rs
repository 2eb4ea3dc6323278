//! What is revoked, and whether that includes a credential.

use std::sync::Arc;

use rpds::HashTrieMapSync as Map;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::clock::Timestamp;
use crate::model::revocation::RevocationFacts;

/// What a revocation names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
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
        #[serde(default, skip_serializing_if = "Option::is_none")]
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Revocation {
    /// What it names.
    pub named: Named,
    /// The organisation whose it is: it covers the credentials of that one alone. None where it covers all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organisation: Option<String>,
    /// The issuer whose credentials it covers, and no others; none is any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    /// Only what belongs to this session, or does not say to which; none is all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// Only what was issued before, or at an unknown time; none is all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issued_before: Option<Timestamp>,
}

impl Revocation {
    /// One of all that has this name, of whatever issuer, organisation, session and age.
    pub const fn of(named: Named) -> Self {
        Self { named, organisation: None, issuer: None, session: None, issued_before: None }
    }

    /// What it is found by.
    fn place(&self) -> Place {
        match &self.named {
            Named::Jti(name) => (Sort::Jti, name.clone()),
            Named::Session(name) => (Sort::Session, name.clone()),
            Named::Key(name) => (Sort::Key, name.clone()),
            Named::Agent(name) => (Sort::Agent, name.clone()),
            Named::Organisation(name) => (Sort::Organisation, name.clone()),
            Named::Subject { id, .. } => (Sort::Subject, id.clone()),
        }
    }

    fn covers(&self, facts: &RevocationFacts) -> bool {
        let vouches = |issuer: &Option<String>| issuer.is_none() || *issuer == facts.issuer;
        let issuer = match &self.named {
            Named::Subject { issuer, .. } => vouches(issuer),
            _ => true,
        };
        let organisation = self.organisation.is_none() || self.organisation == facts.organisation;
        // What does not say its session may be of any.
        let session = match (&self.session, &facts.session) {
            (Some(asked), Some(said)) => asked == said,
            _ => true,
        };
        let own = issuer && vouches(&self.issuer) && organisation;
        own && session && is_before(facts.issued_at, self.issued_before)
    }
}

/// What sort of thing a revocation names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Sort {
    Jti,
    Session,
    Key,
    Subject,
    Agent,
    Organisation,
}

type Place = (Sort, String);

/// All revocations, by their ids and by what they name.
#[derive(Debug, Clone)]
pub struct RevocationIndex {
    by_id: Map<String, Arc<Revocation>>,
    by_place: Map<Place, Vec<Arc<Revocation>>>,
}

impl Default for RevocationIndex {
    fn default() -> Self {
        Self { by_id: Map::new_sync(), by_place: Map::new_sync() }
    }
}

impl RevocationIndex {
    /// An index of these. Of two that name the same, the wider counts.
    pub fn new(revocations: impl IntoIterator<Item = Revocation>) -> Self {
        let mut index = Self::default();
        for (number, revocation) in revocations.into_iter().enumerate() {
            index.put(number.to_string(), revocation);
        }
        index
    }

    /// Puts one in its place.
    pub fn put(&mut self, id: String, revocation: Revocation) {
        self.remove(&id);
        let (place, revocation) = (revocation.place(), Arc::new(revocation));
        let mut there = self.by_place.get(&place).cloned().unwrap_or_default();
        there.push(Arc::clone(&revocation));
        self.by_place.insert_mut(place, there);
        self.by_id.insert_mut(id, revocation);
    }

    /// Forgets one.
    pub fn remove(&mut self, id: &str) {
        let Some(revocation) = self.by_id.get(id).cloned() else { return };
        self.by_id.remove_mut(id);
        let place = revocation.place();
        let mut there = self.by_place.get(&place).cloned().unwrap_or_default();
        there.retain(|other| !Arc::ptr_eq(other, &revocation));
        if there.is_empty() {
            self.by_place.remove_mut(&place);
        } else {
            self.by_place.insert_mut(place, there);
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.by_id.size()
    }

    /// Whether nothing is revoked.
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    /// Whether a credential with these facts is revoked.
    pub fn covers(&self, facts: &RevocationFacts) -> bool {
        if self.is_empty() {
            return false;
        }
        let named = [
            (Sort::Jti, &facts.jti),
            (Sort::Session, &facts.session),
            (Sort::Key, &facts.key),
            (Sort::Subject, &facts.subject),
            (Sort::Organisation, &facts.organisation),
        ];
        let named = named.into_iter().filter_map(|(sort, name)| Some((sort, name.as_ref()?)));
        let agents = facts.agents.iter().map(|agent| (Sort::Agent, agent));
        let aliases = facts.aliases.iter().map(|alias| (Sort::Subject, alias));
        named
            .chain(agents)
            .chain(aliases)
            .filter_map(|(sort, name)| self.by_place.get(&(sort, name.clone())))
            .flatten()
            .any(|revocation| revocation.covers(facts))
    }
}

/// What has no time of issue may be as old as any.
fn is_before(issued: Option<Timestamp>, before: Option<Timestamp>) -> bool {
    match (issued, before) {
        (Some(issued), Some(before)) => issued < before,
        _ => true,
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
            aliases: vec!["alice@example.com".to_owned()],
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
            (subject(Some("idp"), "alice@example.com"), None, true),
            (subject(Some("other"), "alice@example.com"), None, false),
            (Named::Jti(name("j1")), Some(101), true),
            (Named::Jti(name("j1")), Some(100), false),
            (subject(None, "alice"), Some(100), false),
        ] {
            let revocation = Revocation { issued_before: before.map(Timestamp), ..Revocation::of(named) };
            let shown = format!("{revocation:?}");
            assert_eq!(RevocationIndex::new([revocation]).covers(&facts()), expected, "{shown}");
        }
        assert!(!RevocationIndex::default().covers(&facts()));
    }

    #[test]
    fn what_has_no_time_of_issue_is_covered_and_the_wider_of_two_counts() {
        let revoke = |before: Option<i64>| Revocation {
            issued_before: before.map(Timestamp),
            ..Revocation::of(Named::Jti("j1".to_owned()))
        };
        let unknown = RevocationFacts { issued_at: None, ..facts() };
        assert!(RevocationIndex::new([revoke(Some(1))]).covers(&unknown));
        for order in [[Some(50), Some(101)], [Some(101), Some(50)], [None, Some(50)], [Some(50), None]] {
            assert!(RevocationIndex::new(order.map(revoke)).covers(&facts()), "{order:?}");
        }
    }

    #[test]
    fn an_issuer_revokes_what_it_vouches_for_and_a_session_what_may_be_of_it() {
        let session = |name: &str| Named::Session(name.to_owned());
        let alice = || Named::Subject { issuer: Some("idp".to_owned()), id: "alice".to_owned() };
        let nowhere = RevocationFacts { session: None, ..facts() };
        for (named, issuer, within, facts, expected) in [
            (session("s1"), Some("idp"), None, facts(), true),
            (session("s1"), Some("other"), None, facts(), false),
            (session("s1"), None, None, facts(), true),
            (session("s1"), Some("idp"), None, RevocationFacts { issuer: None, ..facts() }, false),
            (alice(), Some("idp"), Some("s1"), facts(), true),
            (alice(), Some("idp"), Some("s2"), facts(), false),
            (alice(), Some("idp"), Some("s2"), nowhere, true),
        ] {
            let text = |text: Option<&str>| text.map(str::to_owned);
            let revocation =
                Revocation { issuer: text(issuer), session: text(within), ..Revocation::of(named) };
            let shown = format!("{revocation:?}");
            assert_eq!(RevocationIndex::new([revocation]).covers(&facts), expected, "{shown}");
        }
    }

    #[test]
    fn an_organisations_revocation_covers_its_own_credentials_alone_and_can_be_taken_back() {
        let revoke = |organisation: &str| Revocation {
            organisation: Some(organisation.to_owned()),
            ..Revocation::of(Named::Jti("j1".to_owned()))
        };
        let mut index = RevocationIndex::new([revoke("other")]);
        assert!(!index.covers(&facts()));
        index.put("own".to_owned(), revoke("acme"));
        let before = index.clone();
        assert!(index.covers(&facts()));
        index.remove("own");
        assert!(!index.covers(&facts()) && before.covers(&facts()));
        assert_eq!((index.len(), before.len()), (1, 2));
    }
}
