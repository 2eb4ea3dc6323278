//! No organisation learns anything of another.
//!
//! Said in two ways: what somebody of an organisation is told never has a text that another one wrote; and it is told exactly the
//! same where the others never did anything, so that not even a refusal says whether something of theirs is there.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

use proptest::prelude::*;
use serde_json::{Value, json};
use verdict::model::secret::Secret;
use verdict::registry::actor::{Actor, Power};
use verdict::registry::command::{Command, NewAgent, NewOrganisation};
use verdict::registry::row::{Kind, Select, SelectAudit, SelectEvents};
use verdict::registry::store::{Store as _, WriteError};

use super::asked::{Answered, Asking, without_numbers};
use super::commands::{Maker, ORGANISATIONS};
use super::disk::{Disk, SimulatedStore};
use super::random::Dice;
use super::sidecar::Sidecar;
use super::world::World;

/// Somebody does something; the number decides what is random about it.
#[derive(Debug, Clone)]
struct Step {
    number: u64,
    by: Actor,
    command: Command,
}

/// What came of it: what is told, and, where it was committed, whose affair it was.
#[derive(Debug)]
struct Outcome {
    told: Value,
    committed: Option<Option<String>>,
}

struct Stage {
    disk: Arc<Disk>,
    sidecar: Sidecar,
    ids: Arc<Mutex<Dice>>,
}

impl Stage {
    fn new() -> Self {
        let disk = Disk::new();
        let (mut sidecar, ids) = (Sidecar::new(&disk), Arc::new(Mutex::new(Dice::new(0))));
        sidecar.open(&ids, false).unwrap();
        Self { disk, sidecar, ids }
    }

    fn perform(&self, step: &Step) -> Outcome {
        *self.ids.lock().unwrap() = Dice::new(step.number);
        self.disk.time.store(step.number % 1_000_000, Ordering::SeqCst);
        self.sidecar.now();
        let before = self.disk.durable().head.seq;
        let told = match self.sidecar.registry.as_ref().unwrap().execute(&step.by, &step.command) {
            Ok(done) => done.record,
            Err(WriteError::Rejected(no)) => json!([format!("{:?}", no.kind), no.field, no.message]),
            Err(WriteError::Store(error)) => panic!("{error}"),
        };
        let durable = self.disk.durable();
        let last = durable.audit.last().filter(|_| durable.head.seq > before);
        Outcome { told, committed: last.map(|entry| entry.organisation.clone()) }
    }

    fn store(&self) -> SimulatedStore {
        SimulatedStore(Arc::clone(&self.sidecar.line))
    }

    /// What its people are answered, whatever they ask of what is or was somewhere.
    fn answers(&self, own: &str, rows: &[(Kind, String)]) -> Vec<Answered> {
        self.disk.time.store(1_000_000, Ordering::SeqCst);
        self.sidecar.now();
        let registry = self.sidecar.registry.as_ref().unwrap();
        Asking { registry, rows }.all(own)
    }

    /// What there is to be read of one organisation, without the numbers of commits and what is made of them.
    fn shown_to(&self, organisation: &str) -> Vec<Value> {
        let (store, organisation) = (self.store(), Some(organisation.to_owned()));
        let mut shown = Vec::new();
        let which = SelectAudit { organisation: organisation.clone(), limit: u32::MAX, ..Default::default() };
        for entry in store.audit(&which).unwrap() {
            shown.push(without_numbers(serde_json::from_str(&entry.body).unwrap()));
        }
        let which =
            SelectEvents { organisation: organisation.clone(), limit: u32::MAX, ..Default::default() };
        for (_, event) in store.events(&which).unwrap() {
            shown.push(json!([event.organisation, event.agent, event.action, event.at]));
        }
        for kind in Kind::ALL {
            let which = Select { organisation: organisation.clone(), limit: 1000, ..Default::default() };
            for row in store.select(kind, &which).unwrap() {
                let mut body: Value = serde_json::from_str(&row.body.unwrap()).unwrap();
                body.as_object_mut().unwrap().remove("tag");
                shown.push(body);
            }
        }
        let records = self.sidecar.registry.as_ref().unwrap().known();
        let mut granted = Vec::new();
        let roles = ["payer", "viewer", "clerk"].map(str::to_owned);
        records.grant(organisation.as_deref(), &roles, &mut granted);
        shown.push(json!(granted));
        shown
    }
}

/// Writes a text of its own into whatever a command leaves room in.
fn sign(command: Command, mark: &str) -> Command {
    let map = || serde_json::Map::from_iter([("note".to_owned(), json!(mark))]);
    let name = || Some(mark.to_owned());
    match command {
        Command::CreateOrganisation(mut new) => {
            new.name = name();
            Command::CreateOrganisation(new)
        }
        Command::RenameOrganisation { id, .. } => Command::RenameOrganisation { id, name: name() },
        Command::CreateAgent(mut new) => {
            (new.name, new.attributes, new.permissions) = (name(), map(), vec![mark.to_owned()]);
            Command::CreateAgent(new)
        }
        Command::UpdateAgent { id, mut change } => {
            change.name = Some(name());
            Command::UpdateAgent { id, change }
        }
        Command::CreateKey(mut new) => {
            (new.name, new.metadata, new.permissions) = (name(), map(), vec![mark.to_owned()]);
            Command::CreateKey(new)
        }
        Command::PutRole(mut new) => {
            new.permissions = vec![mark.to_owned()];
            Command::PutRole(new)
        }
        Command::PutSetting(mut new) => {
            new.value = json!(mark);
            Command::PutSetting(new)
        }
        Command::PutSecret(mut new) => {
            new.value = Secret::new(format!("sealed-{mark}"));
            Command::PutSecret(new)
        }
        Command::Revoke(mut new) => {
            new.reason = name();
            Command::Revoke(new)
        }
        other => other,
    }
}

fn mark(number: u64) -> String {
    format!("mark{number:016x}")
}

/// Two organisations with agents, and then what the numbers say.
fn play(numbers: &[u64]) -> (Stage, Vec<(Step, Outcome)>) {
    let stage = Stage::new();
    let operator = Actor { id: "operator".into(), power: Power::Operator, peer: None };
    let mut played = Vec::new();
    let mut perform = |step: Step| {
        let outcome = stage.perform(&step);
        played.push((step, outcome));
    };
    for (n, id) in (1_u64..).zip(&ORGANISATIONS[..2]) {
        let id = Some((*id).to_owned());
        let new = NewOrganisation { id: id.clone(), ..NewOrganisation::default() };
        let command = sign(Command::CreateOrganisation(new), &mark(n));
        perform(Step { number: n, by: operator.clone(), command });
        for number in [n + 10, n + 20] {
            let new = NewAgent { organisation: id.clone(), ..NewAgent::default() };
            let command = sign(Command::CreateAgent(new), &mark(number));
            perform(Step { number, by: operator.clone(), command });
        }
    }
    for number in numbers {
        let world = World::stored(&stage.disk.durable());
        let mut dice = Dice::new(*number);
        let now = stage.sidecar.now();
        let mut maker = Maker { dice: &mut dice, world: &world, now, operates: true };
        let by = maker.actor();
        let command = sign(maker.command(), &mark(*number));
        perform(Step { number: *number, by, command });
    }
    (stage, played)
}

/// Nothing of what an organisation reads or is told was written by another, and no sealed value is anywhere.
fn check_marks(stage: &Stage, played: &[(Step, Outcome)]) -> Result<(), TestCaseError> {
    let written =
        played.iter().filter_map(|(step, outcome)| Some((mark(step.number), outcome.committed.clone()?)));
    let owners: BTreeMap<String, Option<String>> = written.collect();
    let foreign = |text: &str, own: &str| {
        let found = |(mark, owner): &(&String, &Option<String>)| {
            owner.as_ref().is_some_and(|owner| owner != own) && text.contains(mark.as_str())
        };
        owners.iter().find(found).map(|(mark, owner)| format!("{mark} of {owner:?}"))
    };
    for own in ORGANISATIONS {
        for shown in stage.shown_to(own) {
            let text = shown.to_string();
            prop_assert_eq!(foreign(&text, own), None, "{} reads {}", own, text);
            prop_assert!(!text.contains("sealed-"), "{} reads a sealed value: {}", own, text);
        }
    }
    let rows: Vec<(Kind, String)> = stage.disk.durable().rows.keys().cloned().collect();
    for own in &ORGANISATIONS[..2] {
        for (question, answer) in stage.answers(own, &rows) {
            let text = answer.to_string();
            prop_assert_eq!(foreign(&text, own), None, "{}: {}", question, text);
        }
    }
    for (step, outcome) in played {
        let text = outcome.told.to_string();
        prop_assert!(!text.contains("sealed-"), "a sealed value is told: {}", text);
        if let Some(own) = step.by.organisation() {
            prop_assert_eq!(
                foreign(&text, own),
                None,
                "{} is told {}, for {:?}",
                step.by,
                text,
                step.command
            );
        }
    }
    Ok(())
}

/// Plays again what concerns one organisation alone: it is told and reads the same.
fn check_alone(own: &str, stage: &Stage, played: &[(Step, Outcome)]) -> Result<(), TestCaseError> {
    let alone = Stage::new();
    for (step, outcome) in played {
        let is_own = step.by.organisation() == Some(own);
        let concerns = matches!(&outcome.committed, Some(of) if of.as_deref().is_none_or(|of| of == own));
        let by_operator = step.by.power == Power::Operator && concerns;
        if is_own || by_operator {
            let again = alone.perform(step);
            if is_own {
                prop_assert_eq!(&again.told, &outcome.told, "{}: {:?}", step.by, step.command);
            }
        }
    }
    let rows: Vec<(Kind, String)> = stage.disk.durable().rows.keys().cloned().collect();
    // Who uses a secret leaves an event, as often with others as without.
    alone.answers(own, &rows);
    prop_assert_eq!(alone.shown_to(own), stage.shown_to(own), "what {} reads", own);
    for (with, without) in stage.answers(own, &rows).iter().zip(&alone.answers(own, &rows)) {
        prop_assert_eq!(with, without);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_organisation_learns_anything_of_another(numbers in prop::collection::vec(1000_u64.., 30..90)) {
        let (stage, played) = play(&numbers);
        check_marks(&stage, &played)?;
        for own in &ORGANISATIONS[..2] {
            check_alone(own, &stage, &played)?;
        }
    }
}
