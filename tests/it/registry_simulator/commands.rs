//! Random commands of random actors.

use std::time::Duration;

use serde_json::json;
use verdict::model::clock::Timestamp;
use verdict::model::limits::HardLimits;
use verdict::model::secret::Secret;
use verdict::model::units::Period;
use verdict::registry::Named;
use verdict::registry::actor::{Actor, Power};
use verdict::registry::command::{
    AgentChange, Command, NewAgent, NewDelegation, NewKey, NewMember, NewOrganisation, NewRevocation,
    NewRole, NewSecret, NewSetting,
};
use verdict::registry::record::{KeyKind, MemberRole, State};

use super::allowed::RESERVED;
use super::random::Dice;
use super::world::{Presented, World};

pub const SECOND: i64 = 1_000_000_000;
pub const ORGANISATIONS: [&str; 3] = ["acme", "beta", "corp"];
pub const ISSUER: &str = "https://idp.test";
pub const PEOPLE: [&str; 2] = ["alice", "bob"];
const ROLES: [&str; 3] = ["payer", "viewer", "clerk"];
const SCOPES: [&str; 3] = ["pay:*", "pay:send", "pay:list"];
const STATES: [State; 3] = [State::Active, State::Disabled, State::Revoked];
const TOKENS: [&str; 2] = ["jti-1", "jti-2"];

/// Makes commands for a world, at a time.
pub struct Maker<'a> {
    pub dice: &'a mut Dice,
    pub world: &'a World,
    pub now: i64,
    /// Whether it is an operator who commands, and has to name organisations.
    pub operates: bool,
}

fn text(text: &str) -> String {
    text.to_owned()
}

impl Maker<'_> {
    /// One of these, or something that is not there.
    fn one_of<'k>(&mut self, known: impl Iterator<Item = &'k String>, ghost: &str) -> String {
        let known: Vec<&String> = known.collect();
        if self.dice.chance(6) {
            return text(ghost);
        }
        self.dice.pick(&known).cloned().unwrap_or_else(|| text(ghost))
    }

    fn organisation(&mut self) -> String {
        let known: Vec<String> = self.world.organisations.keys().cloned().collect();
        self.one_of(known.iter(), "nobody")
    }

    /// The organisation that is named, if one is.
    fn named(&mut self) -> Option<String> {
        let own = if self.operates { 15 } else { 60 };
        if self.dice.chance(own) { None } else { Some(self.organisation()) }
    }

    pub fn agent(&mut self) -> String {
        self.one_of(self.world.agents.keys(), "agent_0000000000000000")
    }

    pub fn key(&mut self) -> String {
        self.one_of(self.world.keys.keys(), "key_0000000000000000")
    }

    fn delegation(&mut self) -> String {
        self.one_of(self.world.delegations.keys(), "dlg_0000000000000000")
    }

    fn roles(&mut self) -> Vec<String> {
        if self.dice.chance(4) {
            return vec![text(RESERVED)];
        }
        ROLES.iter().filter(|_| self.dice.chance(40)).map(|role| text(role)).collect()
    }

    fn state(&mut self) -> State {
        // What is revoked is so for good, and the run would soon be over.
        let which = if self.dice.chance(75) { 2 } else { 3 };
        STATES[self.dice.below(which)]
    }

    /// A time soon, or already over.
    fn soon(&mut self) -> Timestamp {
        let seconds = i64::try_from(self.dice.below(40)).unwrap() - 3;
        Timestamp(self.now + seconds * SECOND)
    }

    /// Somebody: mostly one of an organisation that is there.
    pub fn actor(&mut self) -> Actor {
        let organisation = self.organisation();
        let power = match self.dice.below(100) {
            0..30 => Power::Operator,
            30..62 => Power::Admin(organisation),
            62..70 => Power::Auditor(organisation),
            70..83 => Power::Bridge(organisation),
            _ => {
                let id = self.agent();
                let of = self.world.agents.get(&id).map(|agent| agent.organisation.clone());
                Power::Agent { organisation: of.or(Some(organisation)), id }
            }
        };
        self.operates = power == Power::Operator;
        Actor { id: format!("actor-{}", self.dice.below(1000)), power, peer: None }
    }

    pub fn command(&mut self) -> Command {
        match self.dice.below(100) {
            0..3 => Command::CreateOrganisation(NewOrganisation {
                id: self.dice.pick(&ORGANISATIONS.map(text)).filter(|_| self.dice.chance(80)),
                ..NewOrganisation::default()
            }),
            3..5 => Command::RenameOrganisation { id: self.organisation(), name: Some(text("Renamed")) },
            5..9 => Command::SetOrganisationState {
                id: self.organisation(),
                state: if self.dice.chance(92) { STATES[self.dice.below(2)] } else { State::Revoked },
            },
            9..11 => Command::DeleteOrganisation { id: self.organisation() },
            11..24 => self.agent_command(),
            24..54 => self.key_command(),
            54..72 => self.delegation_command(),
            _ => self.small_command(),
        }
    }

    fn agent_command(&mut self) -> Command {
        let id = self.agent();
        match self.dice.below(10) {
            0..4 => Command::CreateAgent(NewAgent {
                organisation: self.named(),
                name: self.dice.chance(50).then(|| text("An agent")),
                roles: self.roles(),
                ..NewAgent::default()
            }),
            4..6 => {
                let name = self.dice.chance(40).then(|| Some(format!("Agent {}", self.dice.below(3))));
                let roles = if self.dice.chance(60) { Some(self.roles()) } else { None };
                Command::UpdateAgent { id, change: AgentChange { name, roles, ..AgentChange::default() } }
            }
            6..9 => Command::SetAgentState { id, state: self.state() },
            _ => Command::DeleteAgent { id },
        }
    }

    fn key_command(&mut self) -> Command {
        let id = self.key();
        match self.dice.below(10) {
            0..4 => self.create_key(),
            4..6 => {
                let overlap = if self.dice.chance(4) { 91 * 86_400 } else { self.dice.below(20) as u64 };
                Command::RotateKey { id, overlap: Period(Duration::from_secs(overlap)) }
            }
            6..9 => Command::SetKeyState { id, state: self.state() },
            _ => Command::DeleteKey { id },
        }
    }

    pub fn create_key(&mut self) -> Command {
        let kinds = [KeyKind::Agent, KeyKind::Device, KeyKind::Service, KeyKind::Bridge, KeyKind::Admin];
        let kind = kinds[self.dice.below(5)];
        let agent = if kind.is_of_agent() != self.dice.chance(5) { Some(self.agent()) } else { None };
        let organisation = if kind.is_of_agent() && self.dice.chance(85) { None } else { self.named() };
        let expires_at = if self.dice.chance(30) { Some(self.soon()) } else { None };
        Command::CreateKey(NewKey {
            kind,
            agent,
            organisation,
            name: None,
            prefix: None,
            roles: self.roles(),
            permissions: Vec::new(),
            limits: HardLimits::default(),
            metadata: serde_json::Map::new(),
            expires_at,
        })
    }

    fn delegation_command(&mut self) -> Command {
        let id = self.delegation();
        match self.dice.below(10) {
            0..6 => Command::Delegate(self.new_delegation()),
            6..9 => Command::SetDelegationState { id, state: self.state() },
            _ => Command::DeleteDelegation { id },
        }
    }

    fn new_delegation(&mut self) -> NewDelegation {
        let parent = if self.dice.chance(45) { Some(self.delegation()) } else { None };
        let received = parent.as_ref().and_then(|id| self.world.delegations.get(id));
        let from = received.map_or_else(|| self.agent(), |received| received.to.clone());
        let of = self.world.agents.get(&from).map(|agent| agent.organisation.clone());
        let near: Vec<String> = self
            .world
            .agents
            .iter()
            .filter(|(id, agent)| Some(&agent.organisation) == of.as_ref() && **id != from)
            .map(|(id, _)| id.clone())
            .collect();
        let near = self.dice.pick(&near).filter(|_| self.dice.chance(85));
        let to = near.unwrap_or_else(|| self.agent());
        let scope = self.dice.below(3);
        let expires_at = match received {
            Some(received) if self.dice.chance(80) => Timestamp(received.expires_at),
            _ => self.soon(),
        };
        let scope = if self.dice.chance(3) { Vec::new() } else { vec![text(SCOPES[scope])] };
        NewDelegation { from: Some(from), to, scope, expires_at, parent }
    }

    fn small_command(&mut self) -> Command {
        let subject = text(PEOPLE[self.dice.below(2)]);
        let name = text(ROLES[self.dice.below(2)]);
        let key = text(["limit", "mode", "other"][self.dice.below(100) / 49]);
        match self.dice.below(16) {
            0..2 => {
                let role = if self.dice.chance(60) { MemberRole::Admin } else { MemberRole::Auditor };
                Command::PutMember(NewMember {
                    organisation: self.named(),
                    issuer: text(ISSUER),
                    subject,
                    role,
                })
            }
            2 => Command::RemoveMember { organisation: self.named(), issuer: text(ISSUER), subject },
            3..5 => {
                let permissions = vec![text(SCOPES[self.dice.below(3)])];
                Command::PutRole(NewRole { organisation: self.named(), name, permissions })
            }
            5 => Command::DeleteRole { organisation: self.named(), name },
            6..8 => {
                let value = Secret::new(format!("value {}", self.dice.below(9)));
                let agent = if self.dice.chance(80) { Some(self.agent()) } else { None };
                Command::PutSecret(NewSecret { agent, name: text("token"), value })
            }
            8 => Command::DeleteSecret { agent: self.agent(), name: text("token") },
            9 => {
                let value = json!(self.dice.below(9));
                Command::PutSetting(NewSetting { organisation: self.named(), key, value })
            }
            10 => Command::DeleteSetting { organisation: self.named(), key },
            11..14 => self.revoke(),
            14 => {
                let id = self.one_of(self.world.revocations.keys(), "rev_0000000000000000");
                Command::DeleteRevocation { id }
            }
            _ => Command::Rewrap { after: None },
        }
    }

    fn revoke(&mut self) -> Command {
        let named = match self.dice.below(6) {
            0..2 => Named::Key(self.key()),
            2 => Named::Agent(self.agent()),
            3 => Named::Jti(if self.dice.chance(50) { self.delegation() } else { text(TOKENS[0]) }),
            4 => {
                let issuer = self.dice.chance(40).then(|| text("registry"));
                Named::Subject {
                    issuer,
                    id: if self.dice.chance(50) { self.agent() } else { text(PEOPLE[0]) },
                }
            }
            _ if self.dice.chance(15) => Named::Organisation(self.organisation()),
            _ => Named::Key(self.key()),
        };
        let issued_before = if self.dice.chance(30) { Some(self.soon()) } else { None };
        Command::Revoke(NewRevocation { organisation: self.named(), named, issued_before, reason: None })
    }

    /// What somebody presents.
    pub fn presented(&mut self) -> Presented {
        match self.dice.below(12) {
            0..7 => Presented::Key(self.key()),
            7..10 => Presented::Delegation(self.delegation()),
            10 => Presented::Token(
                text(TOKENS[self.dice.below(2)]),
                text(PEOPLE[self.dice.below(2)]),
                self.organisation(),
                self.now,
            ),
            _ => {
                let who = text(PEOPLE[self.dice.below(2)]);
                Presented::Member(self.organisation(), text(ISSUER), who)
            }
        }
    }
}
