//! Everything that somebody of an organisation can ask, with what is answered.

use serde_json::{Value, json};
use verdict::registry::actor::{Actor, Power};
use verdict::registry::reads::{Page, ReadError};
use verdict::registry::record::{
    Agent, Delegation, KeyRecord, Member, Organisation, OwnedRole, RevocationRecord, SecretRecord, Setting,
    Stored,
};
use verdict::registry::row::{Kind, SelectAudit, SelectEvents};
use verdict::registry::service::Registry;

use super::commands::ORGANISATIONS;

/// A question, and its answer.
pub type Answered = (String, Value);

/// Somebody of an organisation who asks about rows, of whomever they are.
pub struct Asking<'a> {
    pub registry: &'a Registry,
    pub rows: &'a [(Kind, String)],
}

fn refused(error: &ReadError) -> Value {
    match error {
        ReadError::Rejected(no) => json!([format!("{:?}", no.kind), no.field, no.message]),
        ReadError::Store(error) => panic!("{error}"),
    }
}

/// An entry of the audit log, without the numbers of commits and what is made of them, and of keys, which are random.
pub fn without_numbers(mut entry: Value) -> Value {
    for column in ["seq", "previous"] {
        entry.as_object_mut().unwrap().remove(column);
    }
    for change in entry["changes"].as_array_mut().unwrap() {
        change.as_object_mut().unwrap().remove("digest");
    }
    entry
}

impl Asking<'_> {
    fn ids(&self, kind: Kind) -> impl Iterator<Item = &String> {
        self.rows.iter().filter(move |(of, _)| *of == kind).map(|(_, id)| id)
    }

    /// All who may ask for an organisation, one of each sort, and all that they can ask.
    pub fn all(&self, own: &str) -> Vec<Answered> {
        let organisation = Some(own.to_owned());
        let mut powers =
            vec![Power::Admin(own.into()), Power::Auditor(own.into()), Power::Bridge(own.into())];
        let agents = self.ids(Kind::Agent).take(3).cloned();
        powers.extend(agents.map(|id| Power::Agent { organisation: organisation.clone(), id }));
        let mut answered = Vec::new();
        for power in powers {
            let actor = Actor { id: "reader".into(), power, peer: None };
            self.of_kind::<Organisation>(&actor, &mut answered);
            self.of_kind::<Member>(&actor, &mut answered);
            self.of_kind::<Agent>(&actor, &mut answered);
            self.of_kind::<KeyRecord>(&actor, &mut answered);
            self.of_kind::<Delegation>(&actor, &mut answered);
            self.of_kind::<OwnedRole>(&actor, &mut answered);
            self.of_kind::<SecretRecord>(&actor, &mut answered);
            self.of_kind::<Setting>(&actor, &mut answered);
            self.of_kind::<RevocationRecord>(&actor, &mut answered);
            self.logs(&actor, &mut answered);
            self.secrets(&actor, &mut answered);
        }
        answered
    }

    fn of_kind<T: Stored>(&self, actor: &Actor, answered: &mut Vec<Answered>) {
        for id in self.ids(T::KIND) {
            let answer = self.registry.get::<T>(actor, id);
            let answer = answer.map_or_else(|error| refused(&error), |record| record.shown());
            answered.push((format!("{actor} gets {} {id}", T::WORD), answer));
        }
        let mut pages = vec![Page { limit: 1000, ..Page::default() }];
        let named =
            ORGANISATIONS.iter().map(|id| Page { organisation: Some((*id).into()), ..pages[0].clone() });
        let of_agent =
            self.ids(Kind::Agent).take(4).map(|id| Page { agent: Some(id.clone()), ..pages[0].clone() });
        let more: Vec<Page> = named.chain(of_agent).collect();
        pages.extend(more);
        for page in pages {
            let answer = match self.registry.list::<T>(actor, &page) {
                Ok(listed) => {
                    json!([listed.items.iter().map(Stored::shown).collect::<Vec<_>>(), listed.next])
                }
                Err(error) => refused(&error),
            };
            answered.push((format!("{actor} lists {} with {page:?}", T::WORD), answer));
        }
    }

    fn logs(&self, actor: &Actor, answered: &mut Vec<Answered>) {
        for organisation in [None].into_iter().chain(ORGANISATIONS.map(|id| Some(id.to_owned()))) {
            let question = format!("{actor} reads the logs of {organisation:?}");
            let which = SelectAudit { organisation: organisation.clone(), limit: 1000, ..Default::default() };
            let answer = match self.registry.audit(actor, &which) {
                Ok((entries, _)) => entries.into_iter().map(without_numbers).collect(),
                Err(error) => refused(&error),
            };
            answered.push((question.clone(), answer));
            let which = SelectEvents { organisation, limit: 1000, ..Default::default() };
            let answer = match self.registry.auth_events(actor, &which) {
                Ok((events, _)) => json!(events.iter().map(|event| format!("{event:?}")).collect::<Vec<_>>()),
                Err(error) => refused(&error),
            };
            answered.push((question, answer));
        }
    }

    fn secrets(&self, actor: &Actor, answered: &mut Vec<Answered>) {
        for id in self.ids(Kind::Secret) {
            let (agent, name) = id.split_once('/').unwrap();
            let answer = match self.registry.secret(actor, agent, name) {
                Ok((record, value)) => json!([record.shown(), String::from_utf8_lossy(value.expose())]),
                Err(error) => refused(&error),
            };
            answered.push((format!("{actor} uses the secret {id}"), answer));
        }
    }
}
