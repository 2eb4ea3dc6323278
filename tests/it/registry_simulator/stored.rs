//! What the database holds, against what it has to hold; and what becomes of it when somebody tampers with it.

use std::collections::BTreeSet;

use serde_json::Value;
use verdict::model::clock::Timestamp;
use verdict::registry::record::{
    Agent, Delegation, KeyRecord, Member, Organisation, OwnedRole, RevocationRecord, SecretRecord, Setting,
};
use verdict::registry::row::{Kind, Row};

use super::disk::Durable;
use super::random::Dice;
use super::world::{AgentOf, DelegationOf, KeyOf, RevocationOf, World};

impl World {
    /// The world that rows tell of.
    pub fn stored(durable: &Durable) -> Self {
        let mut world = Self::default();
        for row in durable.rows.values() {
            if let Some(body) = &row.body {
                world.take(row, body);
            }
        }
        world
    }

    fn take(&mut self, row: &Row, body: &str) {
        match row.kind {
            Kind::Organisation => {
                let one: Organisation = serde_json::from_str(body).unwrap();
                self.organisations.insert(one.id, (one.name, one.state));
            }
            Kind::Member => {
                let one: Member = serde_json::from_str(body).unwrap();
                self.members.insert((one.organisation, one.issuer, one.subject), one.role);
            }
            Kind::Agent => {
                let Agent { id, organisation, name, roles, state, .. } = serde_json::from_str(body).unwrap();
                let organisation = organisation.unwrap();
                self.agents.insert(id, AgentOf { organisation, name, roles, state });
            }
            Kind::Key => {
                let one: KeyRecord = serde_json::from_str(body).unwrap();
                let KeyRecord { kind, agent, organisation, state, replaces, .. } = one;
                let expires_at = one.expires_at.map(|end| end.0);
                self.keys.insert(one.id, KeyOf { kind, agent, organisation, state, expires_at, replaces });
            }
            Kind::Delegation => {
                let one: Delegation = serde_json::from_str(body).unwrap();
                let Delegation { from, to, scope, parent, state, .. } = one;
                let (organisation, expires_at) = (one.organisation.unwrap(), one.expires_at.0);
                let made = DelegationOf { organisation, from, to, scope, expires_at, parent, state };
                self.delegations.insert(one.id, made);
            }
            Kind::Role => {
                let one: OwnedRole = serde_json::from_str(body).unwrap();
                self.roles.insert((one.organisation, one.name), one.permissions);
            }
            Kind::Secret => {
                let one: SecretRecord = serde_json::from_str(body).unwrap();
                assert!(row.sealed.is_some(), "a secret without a value");
                self.secrets.insert((one.agent, one.name), (one.organisation, one.version));
            }
            Kind::Setting => {
                let one: Setting = serde_json::from_str(body).unwrap();
                self.settings.insert((one.organisation, one.key), one.value.to_string());
            }
            Kind::Revocation => {
                let one: RevocationRecord = serde_json::from_str(body).unwrap();
                let (organisation, named) = (one.revocation.organisation, one.revocation.named);
                let issued_before = one.revocation.issued_before.map(|before| before.0);
                self.revocations.insert(one.id, RevocationOf { organisation, named, issued_before });
            }
            Kind::SigningKey | Kind::Event | Kind::Root => {}
        }
    }
}

/// What is wrong with the last entry of the audit log, which is about what `actor` did.
pub fn last_entry(durable: &Durable, actor: &str) -> Option<String> {
    let Some(last) = durable.audit.last() else { return Some("there is no entry".into()) };
    let entry: Value = serde_json::from_str(&last.body).unwrap();
    if last.seq != durable.head.seq || entry["actor"]["id"] != actor {
        return Some(format!("the last entry is {entry}, of what {actor} did"));
    }
    let named: BTreeSet<(String, String)> = entry["changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|change| (text(&change["kind"]), text(&change["id"])))
        .collect();
    let of_commit = durable.rows.values().filter(|row| row.seq == last.seq);
    let changed: BTreeSet<_> =
        of_commit.clone().map(|row| (row.kind.name().into(), row.id.clone())).collect();
    if named != changed {
        return Some(format!("entry {} names {named:?}, and {changed:?} changed", last.seq));
    }
    let foreign = |row: &&Row| last.organisation.is_some() && row.organisation != last.organisation;
    let found = of_commit.clone().find(foreign);
    found.map(|row| {
        format!("entry {} of {:?} shows {} `{}`", last.seq, last.organisation, row.kind.name(), row.id)
    })
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// Changes something past Verdict, and says what.
pub fn tamper(durable: &mut Durable, dice: &mut Dice) -> String {
    let rows: Vec<(Kind, String)> = durable.rows.keys().cloned().collect();
    let live: Vec<(Kind, String)> =
        rows.iter().filter(|place| durable.rows[*place].body.is_some()).cloned().collect();
    let dead: Vec<(Kind, String)> = rows.iter().filter(|place| !live.contains(place)).cloned().collect();
    let place = dice.pick(&live).unwrap();
    let entry = dice.below(durable.audit.len());
    let what = dice.below(14);
    match what {
        0..8 => return tamper_with_row(durable, dice, &place, dice_of(what, &dead)),
        8 => {
            let body = &mut durable.audit[entry].body;
            *body = body.replacen("\"actor\":{\"id\":\"", "\"actor\":{\"id\":\"x", 1);
        }
        9 => drop(durable.audit.remove(entry)),
        10 => durable.audit[entry].organisation = Some("elsewhere".into()),
        11 => durable.audit[entry].at = Timestamp(1),
        12 => {
            durable.audit.pop();
            durable.head.seq -= 1;
            durable.head.audit_hash = durable.audit.last().map_or([0; 32], |last| last.hash);
        }
        _ => durable.head.audit_mac[3] ^= 1,
    }
    format!("entry {entry}, in the way {what}")
}

/// Where nothing was deleted, nothing is brought back to life.
fn dice_of(what: usize, dead: &[(Kind, String)]) -> (usize, Option<(Kind, String)>) {
    match dead.first() {
        None if what == 7 => (0, None),
        dead => (what, dead.cloned()),
    }
}

fn tamper_with_row(
    durable: &mut Durable,
    dice: &mut Dice,
    place: &(Kind, String),
    (what, dead): (usize, Option<(Kind, String)>),
) -> String {
    let newest = durable.head.seq;
    let row = durable.rows.get_mut(place).unwrap();
    match what {
        0 => row.body = row.body.as_ref().map(|body| format!("{body} ")),
        1 => row.organisation = Some("elsewhere".into()),
        2 => row.owner = Some("elsewhere".into()),
        3 => row.sealed = Some(vec![1, 2, 3]),
        // What is newer than the log is not passed over.
        4 => {
            row.seq = newest + 1 + dice.below(3) as u64;
            row.body = row.body.as_ref().map(|body| body.replace("revoked", "active"));
        }
        5 => drop(durable.rows.remove(place)),
        6 => {
            let made = Row { id: format!("{}x", row.id), ..row.clone() };
            durable.rows.insert((made.kind, made.id.clone()), made);
        }
        _ => {
            let row = durable.rows.get_mut(&dead.unwrap()).unwrap();
            row.body = Some("{}".into());
        }
    }
    format!("{} `{}`, in the way {what}", place.0.name(), place.1)
}
