//! A sidecar with a registry, and what is made in it.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use verdict::model::units::Period;
use verdict::registry::actor::Actor;
use verdict::registry::command::{Command, NewAgent, NewKey, NewOrganisation, SigningKeyChange};
use verdict::registry::{KeyKind, Registry, State};

use crate::harness::{Reply, Server, TestApp};

/// Everybody is let in whose tenant is a partner here.
pub const POLICY: &str = "package app\n\nallow if {\n\tinput.subject.type == \"partner_agent\"\n\tinput.subject.tenant in {\"nike\", \"salesforce\"}\n}\n\nwho := input.subject\n";
pub const PATH: &str = "/v1/data/app/allow";

/// A sidecar of one organisation, with an agent.
pub struct World {
    pub server: Server,
    pub organisation: &'static str,
    pub agent: String,
    pub key: String,
}

/// The configuration of `identity` and `registry` of an organisation with these partners.
pub fn config(organisation: &str, partners: &str) -> String {
    format!(
        "identity: {{partners: [{partners}]}}\n\
         registry: {{enabled: true, public_url: 'https://{organisation}.example', trust_domain: {organisation}.example, \
         token_audiences: [teg, other]}}\n"
    )
}

impl World {
    /// One whose organisation signs already, so that others can have its keys.
    pub fn start(organisation: &'static str, partners: &str) -> Self {
        let app = TestApp::new().config(&config(organisation, partners));
        let server = app.file("app/app.rego", POLICY).start();
        let new = NewOrganisation { id: Some(organisation.to_owned()), ..NewOrganisation::default() };
        execute(&server, &Command::CreateOrganisation(new));
        let (agent, key) = agent(&server, organisation, NewAgent::default());
        execute(&server, &signing(organisation.to_owned(), SigningKeyChange::Create));
        Self { server, organisation, agent, key }
    }

    /// How another one trusts this one, under a name of its own.
    pub fn as_partner(&self, name: &str, audience: &str) -> String {
        let url = self.server.url(&format!("/v1/orgs/{}/jwks.json", self.organisation));
        format!(
            "{{organisation: {name}, issuer: '{}', audience: {audience}, jwks_url: '{url}'}}",
            self.issuer()
        )
    }

    pub fn issuer(&self) -> String {
        format!("https://{0}.example/v1/orgs/{0}", self.organisation)
    }

    /// Trusts others from now on.
    pub fn trust(&self, partners: &str) {
        let file = self.server.dir.path().join("verdict.yaml");
        let text = std::fs::read_to_string(&file).unwrap();
        let changed = text.replace("partners: []", &format!("partners: [{partners}]"));
        assert_ne!(text, changed);
        std::fs::write(&file, changed).unwrap();
        self.server.block_on(async { self.server.app.live.reload() }).unwrap();
    }

    /// The agent asks for an assertion for somebody.
    pub fn ask_assertion(&self, body: &Value) -> Reply {
        self.server.ask("/v1/assertions", &self.key, &body.to_string())
    }

    pub fn assertion(&self, audience: &str) -> String {
        let reply = self.ask_assertion(&json!({ "audience": audience }));
        assert_eq!(reply.status, 200, "{reply:?}");
        reply.json()["assertion"].as_str().unwrap().to_owned()
    }

    pub fn registry(&self) -> &Registry {
        self.server.app.registry.as_ref().unwrap()
    }

    pub fn rotate(&self, overlap: Period) -> String {
        let organisation = self.organisation.to_owned();
        let done = execute(&self.server, &signing(organisation, SigningKeyChange::Rotate { overlap }));
        done["id"].as_str().unwrap().to_owned()
    }

    pub fn revoke(&self, kid: &str) {
        let (organisation, id) = (self.organisation.to_owned(), kid.to_owned());
        execute(&self.server, &signing(organisation, SigningKeyChange::Revoke { id }));
    }

    /// The ids of the keys that are published.
    pub fn published(&self) -> Vec<String> {
        let keys = self.server.get(&format!("/v1/orgs/{}/jwks.json", self.organisation)).json();
        keys["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
    }

    pub fn set_agent(&self, state: State) {
        execute(&self.server, &Command::SetAgentState { id: self.agent.clone(), state });
    }
}

/// A change of the signing keys of an organisation.
pub const fn signing(organisation: String, change: SigningKeyChange) -> Command {
    Command::SigningKey { organisation, change }
}

/// Carries a command out as an operator, and gives the record.
#[track_caller]
pub fn execute(server: &Server, command: &Command) -> Value {
    let registry = server.app.registry.as_ref().unwrap();
    registry.execute(&Actor::system(), command).unwrap().record
}

/// Makes an agent, and a key for it.
pub fn agent(server: &Server, organisation: &str, new: NewAgent) -> (String, String) {
    let new = NewAgent { organisation: Some(organisation.to_owned()), ..new };
    let agent = execute(server, &Command::CreateAgent(new))["id"].as_str().unwrap().to_owned();
    let key = json!({ "kind": KeyKind::Agent, "agent": agent });
    let key: NewKey = serde_json::from_value(key).unwrap();
    let registry = server.app.registry.as_ref().unwrap();
    let done = registry.execute(&Actor::system(), &Command::CreateKey(key)).unwrap();
    (agent, done.once.unwrap().expose().clone())
}

/// What a token's header and payload say.
pub fn said(token: &str) -> (Value, Value) {
    let mut parts = token.split('.').map(|part| {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(part).unwrap();
        serde_json::from_slice(&bytes).unwrap_or_default()
    });
    (parts.next().unwrap(), parts.next().unwrap())
}

/// Asks for a decision with a token: status, and the kind of failure in the record.
#[track_caller]
pub fn ask(server: &Server, token: &str) -> (u16, Value, Value) {
    let (reply, record) = server.recorded(|| server.ask(PATH, token, "{}"));
    (reply.status, reply.json()["result"].clone(), record["error"]["kind"].clone())
}
