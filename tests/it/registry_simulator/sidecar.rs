//! One process of a run: a registry with its own line, its own wall clock, and what is known of it from outside.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use verdict::model::clock::{Clock, Timestamp};
use verdict::model::revocation::RevocationFacts;
use verdict::registry::freshness::Monotonic;
use verdict::registry::rules::Rules;
use verdict::registry::service::{OpenError, Opening, Registry};
use verdict::registry::{Directory as _, ISSUER, KeyHash, Records, Standing, State, TooOld};
use verdict::sealing::{Keyring, MasterKey};

use super::allowed::{RESERVED, SETTINGS};
use super::disk::{Disk, Line, SimulatedStore};
use super::random::Dice;
use super::world::{Judgement, Presented};

/// How long what is known may go without being confirmed, in milliseconds.
pub const MAX_AGE: u64 = 1000;
const START: i64 = 1_800_000_000_000_000_000;

/// A sidecar.
pub struct Sidecar {
    pub line: Arc<Line>,
    /// None while it is down.
    pub registry: Option<Arc<Registry>>,
    clock: Clock,
    /// How much its wall clock is wrong, in milliseconds.
    pub wrong: i64,
    /// The latest version that it must know of.
    pub floor: usize,
    /// When it was last known to be up to date.
    pub confirmed: u64,
    /// The random bytes that it drew last.
    pub drawn: Arc<Mutex<Vec<u8>>>,
}

/// The first master key, and, after it was replaced, the second.
pub fn keyring(replaced: bool) -> Keyring {
    let key = |byte: u8| MasterKey::from_bytes(std::array::from_fn(|n| byte.wrapping_mul(n as u8 + 3)));
    if replaced { Keyring::new(key(7), vec![key(5)]) } else { Keyring::new(key(5), Vec::new()) }
}

impl Sidecar {
    pub fn new(disk: &Arc<Disk>) -> Self {
        Self {
            line: Line::new(disk),
            registry: None,
            clock: Clock::fixed(Timestamp(START)),
            wrong: 0,
            floor: 0,
            confirmed: 0,
            drawn: Arc::default(),
        }
    }

    /// Sets its wall clock, and says what it says.
    pub fn now(&self) -> i64 {
        let now = START + (i64::try_from(self.line.disk.now()).unwrap() + self.wrong) * 1_000_000;
        self.clock.set(Timestamp(now));
        now
    }

    /// Starts it.
    pub fn open(&mut self, dice: &Arc<Mutex<Dice>>, replaced: bool) -> Result<(), OpenError> {
        self.now();
        self.line.plan().opens = true;
        let (dice, drawn) = (Arc::clone(dice), Arc::clone(&self.drawn));
        let random = move |bytes: &mut [u8]| {
            dice.lock().unwrap().fill(bytes);
            *drawn.lock().unwrap() = bytes.to_vec();
            Ok(())
        };
        let opening = Opening {
            keyring: keyring(replaced),
            rules: Rules {
                settings: SETTINGS.map(str::to_owned).to_vec(),
                reserved_roles: vec![RESERVED.to_owned()],
                operator_role: Some(RESERVED.to_owned()),
                random: Arc::new(random),
                ..Rules::default()
            },
            clock: self.clock.clone(),
            monotonic: Monotonic::Fixed(Arc::clone(&self.line.disk.time)),
            max_age: Duration::from_millis(MAX_AGE),
        };
        let store = Box::new(SimulatedStore(Arc::clone(&self.line)));
        self.registry = Some(Arc::new(Registry::open(store, opening)?));
        self.confirmed = self.line.plan().seen.looked;
        Ok(())
    }

    /// The records for decisions.
    pub fn records(&self) -> Option<Result<Arc<Records>, TooOld>> {
        self.registry.as_ref().map(|registry| registry.records())
    }
}

/// Judges as `identity` does.
pub fn judge(records: &Records, presented: &Presented, text: Option<&str>, now: i64) -> Judgement {
    let counts = match presented {
        Presented::Key(id) => key_counts(records, id, text, now),
        Presented::Delegation(id) => delegation_counts(records, id, now),
        Presented::Token(jti, subject, organisation, issued_at) => Some(stands(
            records,
            &RevocationFacts {
                jti: Some(jti.clone()),
                issuer: Some("idp".into()),
                subject: Some(subject.clone()),
                organisation: Some(organisation.clone()),
                issued_at: Some(Timestamp(*issued_at)),
                ..RevocationFacts::default()
            },
        )),
        Presented::Member(organisation, issuer, subject) => {
            let role = records.member(organisation, issuer, subject);
            role.map(|role| role == verdict::registry::record::MemberRole::Admin)
        }
    };
    counts.map_or(Judgement::Unknown, |counts| if counts { Judgement::Accepted } else { Judgement::Refused })
}

/// Besides the kind of credential: revocations, organisation and agents.
fn stands(records: &Records, facts: &RevocationFacts) -> bool {
    let organisation = facts.organisation.as_deref().and_then(|id| records.organisation(id));
    let mut agents = facts.agents.iter().filter_map(|id| records.agent(id));
    !records.revocations().covers(facts)
        && organisation.is_none_or(|organisation| organisation.state == State::Active)
        && agents.all(|agent| records.agent_standing(agent) == Standing::InForce)
}

fn key_counts(records: &Records, id: &str, text: Option<&str>, now: i64) -> Option<bool> {
    // Where the text of the key was never seen, for the answer was lost, its id has to do.
    let key = match text {
        Some(text) => records.key_by_hash(&KeyHash::of(text)),
        None => records.key(id),
    }?;
    assert_eq!(key.id, id, "the hash of a key leads to another one");
    let in_force = records.key_standing(key) == Standing::InForce;
    let expired = key.expires_at.is_some_and(|end| now >= end.0);
    Some(in_force && !expired && stands(records, &key.facts()))
}

fn delegation_counts(records: &Records, id: &str, now: i64) -> Option<bool> {
    let leaf = records.delegation(id)?;
    if records.delegation_standing(leaf) != Standing::InForce {
        return Some(false);
    }
    let mut chain = vec![leaf];
    while let Some(parent) = &chain[chain.len() - 1].parent {
        chain.push(records.delegation(parent)?);
    }
    let root = chain[chain.len() - 1];
    let acting = chain.iter().map(|link| link.to.clone());
    let facts = RevocationFacts {
        jti: Some(leaf.id.clone()),
        issuer: Some(ISSUER.to_owned()),
        subject: Some(root.from.clone()),
        agents: std::iter::once(root.from.clone()).chain(acting).collect(),
        organisation: root.organisation.clone(),
        ..RevocationFacts::default()
    };
    Some(chain.iter().all(|link| now < link.expires_at.0) && stands(records, &facts))
}
