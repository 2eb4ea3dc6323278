//! What the registry writes down of callers, and what policy sees of them: over real HTTP, from a registry in SQLite.

mod attempts;
mod flood;
mod forged;
mod subject;
mod uses;

use serde_json::{Value, json};
use verdict::model::clock::{Clock, Timestamp};
use verdict::registry::actor::Actor;
use verdict::registry::command::{Command, NewAgent, NewDelegation, NewKey, NewOrganisation};
use verdict::registry::row::{AuthEvent, SelectEvents};
use verdict::registry::sqlite::{PATIENCE, SqliteStore};
use verdict::registry::store::Store as _;
use verdict::registry::{KeyKind, Registry};

use crate::harness::{Server, TestApp};

const POLICY: &str = "package app\n\necho := input\n\nallow := true\n";

/// A server with a registry, and all that the configuration says besides.
fn start(more: &str) -> Server {
    let config = format!(
        "identity: {{mode: required}}\nregistry: {{enabled: true, auth_events: {{keep: 5000}}}}\n{more}"
    );
    TestApp::new().config(&config).file("app/app.rego", POLICY).start()
}

fn registry(server: &Server) -> &Registry {
    server.app.registry.as_ref().unwrap()
}

fn execute(registry: &Registry, command: Command) -> (String, String) {
    let done = registry.execute(&Actor::system(), &command).unwrap();
    let text = done.once.map(|text| text.expose().clone());
    (done.record["id"].as_str().unwrap_or_default().to_owned(), text.unwrap_or_default())
}

fn organisation(registry: &Registry, id: &str) {
    let new = NewOrganisation {
        id: Some(id.to_owned()),
        name: Some(format!("The {id}")),
        ..NewOrganisation::default()
    };
    execute(registry, Command::CreateOrganisation(new));
}

/// An agent and the text of its key.
struct Caller {
    id: String,
    key_id: String,
    key: String,
}

fn agent(registry: &Registry, organisation: &str, what: Value) -> Caller {
    let mut new: NewAgent = serde_json::from_value(what).unwrap();
    new.organisation = Some(organisation.to_owned());
    let (id, _) = execute(registry, Command::CreateAgent(new));
    let (key_id, key) = key(registry, json!({ "kind": KeyKind::Agent, "agent": id }));
    Caller { id, key_id, key }
}

/// The id and the text of a key.
fn key(registry: &Registry, what: Value) -> (String, String) {
    let new: NewKey = serde_json::from_value(what).unwrap();
    execute(registry, Command::CreateKey(new))
}

fn delegation(registry: &Registry, from: &str, to: &str, scope: &[&str]) -> String {
    let new = NewDelegation {
        from: Some(from.to_owned()),
        to: to.to_owned(),
        scope: scope.iter().map(|&word| word.to_owned()).collect(),
        expires_at: Timestamp::parse_rfc3339("2035-01-01T00:00:00Z").unwrap(),
        parent: None,
    };
    execute(registry, Command::Delegate(new)).0
}

/// The database of a server, as another process has it.
fn database(folder: &std::path::Path) -> SqliteStore {
    SqliteStore::open(&folder.join("state/registry.db"), PATIENCE, &Clock::System).unwrap()
}

/// All events that are stored, the first ones first.
fn events(store: &SqliteStore) -> Vec<AuthEvent> {
    let which = SelectEvents { limit: 1_000_000, ..SelectEvents::default() };
    let events = store.events(&which).unwrap();
    events.into_iter().rev().map(|(_, event)| event).collect()
}

fn total<'a>(events: impl IntoIterator<Item = &'a AuthEvent>) -> u64 {
    events.into_iter().map(|event| event.count).sum()
}
