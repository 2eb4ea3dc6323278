//! Who changes or looks at the registry, and what it may do.
//!
//! INVARIANT (one line between tenants): what an actor sees is one question, [`Actor::sees`], asked of every record that is read
//! or changed. What it does not see is not there for it: the answer to a wrong guess says nothing.

use std::fmt;
use std::net::IpAddr;

use super::rejection::Rejection;

/// What somebody may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Power {
    /// Everything, in every organisation.
    Operator,
    /// Everything that is the own affair of this organisation.
    Admin(String),
    /// Look at everything in this organisation.
    Auditor(String),
    /// Provision agents, devices, delegations and secrets in this organisation.
    Bridge(String),
    /// What is this agent's own.
    Agent {
        /// Its organisation, if it has one.
        organisation: Option<String>,
        /// Its id.
        id: String,
    },
}

/// Somebody who was authenticated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// Who it is, for the audit log: the id of a key, or issuer and subject of a person.
    pub id: String,
    /// What it may do.
    pub power: Power,
    /// Where it calls from.
    pub peer: Option<IpAddr>,
}

/// What a command asks of its actor, within an organisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Right {
    /// To look.
    Read,
    /// To provision agents, devices, delegations and secrets, and to set what the configuration lists as settings.
    Provision,
    /// To manage the organisation.
    Administer,
    /// To manage organisations.
    Operate,
}

impl Actor {
    /// Verdict itself, or whoever started it.
    pub fn system() -> Self {
        Self { id: "verdict".to_owned(), power: Power::Operator, peer: None }
    }

    /// The one organisation that it can see; none where it sees all.
    pub fn organisation(&self) -> Option<&str> {
        match &self.power {
            Power::Operator => None,
            Power::Admin(id) | Power::Auditor(id) | Power::Bridge(id) => Some(id),
            Power::Agent { organisation, .. } => Some(organisation.as_deref().unwrap_or_default()),
        }
    }

    /// Whether records of this organisation, or, with none, those of everybody, are there for it.
    pub fn sees(&self, organisation: Option<&str>) -> bool {
        self.organisation().is_none_or(|own| organisation == Some(own))
    }

    /// The agent that it is, if it is one.
    pub fn agent(&self) -> Option<&str> {
        match &self.power {
            Power::Agent { id, .. } => Some(id),
            _ => None,
        }
    }

    /// Whether it may do something like this in an organisation that it sees.
    ///
    /// # Errors
    /// It may not.
    pub fn require(&self, right: Right, organisation: Option<&str>) -> Result<(), Rejection> {
        let enough = match &self.power {
            Power::Operator => true,
            Power::Admin(_) => right != Right::Operate,
            Power::Bridge(_) => matches!(right, Right::Read | Right::Provision),
            Power::Auditor(_) => right == Right::Read,
            Power::Agent { .. } => false,
        };
        if enough && self.sees(organisation) { Ok(()) } else { Err(self.lacks(right)) }
    }

    /// Whether there is anything that it may do this to.
    ///
    /// # Errors
    /// There is not.
    pub fn require_anywhere(&self, right: Right) -> Result<(), Rejection> {
        self.require(right, self.organisation())
    }

    /// That it may not do this.
    pub fn lacks(&self, right: Right) -> Rejection {
        let needed = match right {
            Right::Read => "a credential that may look at the organisation",
            Right::Provision => "a bridge key or an admin credential of the organisation",
            Right::Administer => "an admin credential of the organisation",
            Right::Operate => "an operator's credential",
        };
        Rejection::forbidden(format!("this needs {needed}; the caller is {self}"))
    }
}

/// What it is, without its id.
impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.power {
            Power::Operator => f.write_str("an operator"),
            Power::Admin(id) => write!(f, "an admin of `{id}`"),
            Power::Auditor(id) => write!(f, "an auditor of `{id}`"),
            Power::Bridge(id) => write!(f, "a bridge of `{id}`"),
            Power::Agent { id, .. } => write!(f, "the agent `{id}`"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn actor(power: Power) -> Actor {
        Actor { id: "k".to_owned(), power, peer: None }
    }

    #[test]
    fn who_may_do_what_where() {
        let acme = || "acme".to_owned();
        let agent = Power::Agent { organisation: Some(acme()), id: "a".to_owned() };
        let stray = Power::Agent { organisation: None, id: "a".to_owned() };
        for (power, own, common, rights) in [
            (Power::Operator, true, true, [true; 4]),
            (Power::Admin(acme()), true, false, [true, true, true, false]),
            (Power::Bridge(acme()), true, false, [true, true, false, false]),
            (Power::Auditor(acme()), true, false, [true, false, false, false]),
            (agent, true, false, [false; 4]),
            (stray, false, false, [false; 4]),
        ] {
            let actor = actor(power);
            assert_eq!(actor.sees(Some("acme")), own, "{actor}");
            assert_eq!(actor.sees(None), common, "{actor}");
            assert_eq!(actor.sees(Some("other")), actor.power == Power::Operator, "{actor}");
            let all = [Right::Read, Right::Provision, Right::Administer, Right::Operate];
            assert_eq!(all.map(|right| actor.require(right, Some("acme")).is_ok()), rights, "{actor}");
            let elsewhere = all.map(|right| actor.require(right, Some("other")).is_ok());
            assert_eq!(elsewhere, [actor.power == Power::Operator; 4], "{actor}");
        }
    }
}
