//! What the admin API can do, one value each: the routes and the OpenAPI document are both made of them.

use http::{Method, StatusCode};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::Value;

use super::asked::{Asked, Invalid};
use crate::registry::Registry;
use crate::registry::actor::{Actor, Power, Right};
use crate::registry::bootstrap_token::BootstrapToken;
use crate::registry::rejection::Rejection;
use crate::registry::store::{StoreError, WriteError};

/// Who may attempt something; what exactly it may do, the registry itself asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Needs {
    /// Whoever has the bootstrap token.
    Token,
    /// Whoever has any power.
    Power,
    /// A right; or, for what is an agent's own, the agent.
    OwnOr(Right),
    /// A right.
    Right(Right),
    /// To be a bridge.
    Bridge,
    /// To be a bridge, or the agent whose own it is; the registry says which of the others may not.
    Value,
}

impl Needs {
    /// Whether there is anything that somebody may do this to.
    ///
    /// # Errors
    /// Nothing.
    pub(super) fn check(self, actor: &Actor) -> Result<(), Rejection> {
        match self {
            Self::Token | Self::Power | Self::Value => Ok(()),
            Self::Bridge if matches!(actor.power, Power::Bridge(_)) => Ok(()),
            Self::Bridge => {
                Err(Rejection::forbidden(format!("this needs a bridge key; the caller is {actor}")))
            }
            Self::OwnOr(_) if actor.agent().is_some() => Ok(()),
            Self::OwnOr(right) | Self::Right(right) => actor.require_anywhere(right),
        }
    }

    /// For people.
    pub(super) const fn words(self) -> &'static str {
        match self {
            Self::Token => "The bootstrap token, as bearer token.",
            Self::Power => "Any credential with a power.",
            Self::Bridge => "A bridge key, and nothing else.",
            Self::Value => "A bridge key, or a key of the agent itself.",
            Self::OwnOr(Right::Read) => "Any credential with a power; an agent sees its own.",
            Self::OwnOr(Right::Provision) => "A bridge, an admin or an operator; an agent, for its own.",
            Self::OwnOr(_) => "An admin or an operator; an agent, for its own.",
            Self::Right(Right::Read) => "An auditor, a bridge, an admin or an operator.",
            Self::Right(Right::Provision) => "A bridge, an admin or an operator.",
            Self::Right(Right::Administer) => "An admin or an operator.",
            Self::Right(Right::Operate) => "An operator.",
        }
    }
}

/// Whose shapes an operation has: Verdict's own, or those of a system whose routes it has, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    Verdict,
    Relay,
    AgentPack,
    Aip,
}

/// What an operation is done with.
pub(super) struct With<'a> {
    pub(super) registry: &'a Registry,
    pub(super) token: Option<&'a BootstrapToken>,
    pub(super) actor: &'a Actor,
}

/// What is left to do once an attempt is recorded. It blocks.
pub(super) type Work = Box<dyn FnOnce(&With<'_>) -> Result<Value, Trouble> + Send>;

/// Why something was not done.
#[derive(Debug)]
pub(super) enum Trouble {
    /// It may not be done, or cannot.
    Rejected(Rejection),
    /// The database fails.
    Store(StoreError),
    /// Too many others are at it.
    Busy,
    /// A defect in Verdict.
    Panicked,
}

impl From<WriteError> for Trouble {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::Rejected(rejection) => Self::Rejected(rejection),
            WriteError::Store(error) => Self::Store(error),
        }
    }
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// Gives the schema of a type.
pub(super) type Shape = fn(&mut SchemaGenerator) -> Schema;

/// The schema of a type.
pub(super) fn shape<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

/// One operation.
#[derive(Clone, Copy)]
pub(super) struct Operation {
    /// Its name, which no other has, e.g. `createAgent`.
    pub(super) name: &'static str,
    pub(super) method: &'static str,
    /// With the names of what varies, e.g. `/v1/agents/{id}`.
    pub(super) path: &'static str,
    pub(super) summary: &'static str,
    pub(super) needs: Needs,
    /// The parameters that it takes besides `organisation` and `pretty`.
    pub(super) query: &'static [&'static str],
    pub(super) body: Option<Shape>,
    /// What it answers with; none for no content.
    pub(super) answer: Option<Shape>,
    pub(super) status: StatusCode,
    /// Whose shapes its answers have.
    pub(super) dialect: Dialect,
    /// What a delegation has to be for, so that who acts for an agent may do this in its place; none where nobody may.
    pub(super) delegated: Option<&'static str>,
    /// Whether it may not fit what is there (409).
    pub(super) conflicts: bool,
    /// Reads what is asked, without doing any of it.
    pub(super) prepare: fn(Asked) -> Result<Work, Invalid>,
}

type Prepare = fn(Asked) -> Result<Work, Invalid>;

impl Operation {
    const fn new(method: &'static str, name: &'static str, path: &'static str, prepare: Prepare) -> Self {
        Self {
            name,
            method,
            path,
            summary: "",
            needs: Needs::Right(Right::Operate),
            query: &[],
            body: None,
            answer: None,
            status: StatusCode::OK,
            dialect: Dialect::Verdict,
            delegated: None,
            conflicts: false,
            prepare,
        }
    }

    pub(super) const fn get(name: &'static str, path: &'static str, prepare: Prepare) -> Self {
        Self::new("GET", name, path, prepare)
    }

    pub(super) const fn put(name: &'static str, path: &'static str, prepare: Prepare) -> Self {
        let put = Self::new("PUT", name, path, prepare);
        Self { conflicts: true, ..put }
    }

    pub(super) const fn post(name: &'static str, path: &'static str, prepare: Prepare) -> Self {
        let post = Self::new("POST", name, path, prepare);
        Self { conflicts: true, ..post }
    }

    /// A `POST` that makes something.
    pub(super) const fn make(name: &'static str, path: &'static str, prepare: Prepare) -> Self {
        let post = Self::post(name, path, prepare);
        Self { status: StatusCode::CREATED, ..post }
    }

    pub(super) const fn patch(name: &'static str, path: &'static str, prepare: Prepare) -> Self {
        let patch = Self::new("PATCH", name, path, prepare);
        Self { conflicts: true, ..patch }
    }

    /// A `DELETE`, which answers with nothing.
    pub(super) const fn delete(name: &'static str, path: &'static str, prepare: Prepare) -> Self {
        let delete = Self::new("DELETE", name, path, prepare);
        Self { conflicts: true, status: StatusCode::NO_CONTENT, ..delete }
    }

    pub(super) const fn says(self, summary: &'static str) -> Self {
        Self { summary, ..self }
    }

    pub(super) const fn needs(self, needs: Needs) -> Self {
        Self { needs, ..self }
    }

    pub(super) const fn speaks(self, dialect: Dialect) -> Self {
        Self { dialect, ..self }
    }

    pub(super) const fn delegated(self, operation: &'static str) -> Self {
        Self { delegated: Some(operation), ..self }
    }

    pub(super) const fn query(self, query: &'static [&'static str]) -> Self {
        Self { query, ..self }
    }

    pub(super) const fn takes(self, body: Shape) -> Self {
        Self { body: Some(body), ..self }
    }

    pub(super) const fn gives(self, answer: Shape) -> Self {
        Self { answer: Some(answer), ..self }
    }

    /// Whether a request with this method asks for it.
    pub(super) fn is_asked_by(&self, method: &Method) -> bool {
        self.method == method.as_str() || (self.method == "GET" && method == Method::HEAD)
    }
}
