//! `verdict agent`: agents.
//!
//! Exit code: 0; 1 where the server says no; 2 for what could not be tried.

use std::process::ExitCode;

use http::Method;
use serde_json::Value;

use super::admin::api::Ask;
use super::admin::body::{Body, members};
use super::admin::connection::{ScopedArgs, Session};
use super::admin::limits::LimitArgs;
use super::admin::lists::{PageArgs, page};
use super::admin::show::{Column, text};
use super::admin::states::{IdArg, StateVerb, set};
use super::admin::trouble::{Trouble, ended};

/// Arguments of `verdict agent`.
#[derive(Debug, Clone, clap::Args)]
pub struct AgentArgs {
    #[command(subcommand)]
    verb: Verb,
    #[command(flatten)]
    scoped: ScopedArgs,
}

#[derive(Debug, Clone, clap::Subcommand)]
enum Verb {
    /// Make an agent
    Create {
        #[command(flatten)]
        agent: KnownArgs,
        #[command(flatten)]
        limits: LimitArgs,
        /// Make its first key with it
        #[arg(long)]
        key: bool,
    },
    /// List agents
    List(PageArgs),
    /// Show an agent
    Show(IdArg),
    /// Change what is known of an agent; what is not named stays as it is
    Update {
        /// Its id
        #[arg(value_name = "ID")]
        id: String,
        #[command(flatten)]
        agent: KnownArgs,
        /// Take away all roles
        #[arg(long, conflicts_with = "roles")]
        no_roles: bool,
        /// Take away all permissions
        #[arg(long, conflicts_with = "permissions")]
        no_permissions: bool,
    },
    #[command(flatten)]
    State(StateVerb),
}

/// What is known of an agent.
#[derive(Debug, Clone, clap::Args)]
struct KnownArgs {
    /// What people call it
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Role; repeatable, or separated by commas
    #[arg(long = "role", alias = "roles", value_name = "ROLE", value_delimiter = ',')]
    roles: Vec<String>,
    /// Permission, e.g. stripe:create_payment; repeatable, or separated by commas
    #[arg(long = "permission", alias = "permissions", value_name = "PERMISSION", value_delimiter = ',')]
    permissions: Vec<String>,
    /// What else policy may want to know; JSON if it parses as JSON, otherwise a text; repeatable
    #[arg(long = "attribute", value_name = "NAME=VALUE")]
    attributes: Vec<String>,
}

impl KnownArgs {
    fn body(&self) -> Result<Body, Trouble> {
        let body = Body::new().text("name", self.name.as_deref()).list("roles", &self.roles);
        let body = body.list("permissions", &self.permissions);
        Ok(body.map("attributes", members("--attribute", &self.attributes)?))
    }
}

const PATH: [&str; 2] = ["v1", "agents"];
const COLUMNS: &[Column] = &[
    Column::whole("id", |agent| text(agent, "id")),
    Column::cut("name", |agent| text(agent, "name")),
    Column::cut("organisation", |agent| text(agent, "organisation")),
    Column::cut("roles", |agent| text(agent, "roles")),
    Column::whole("state", |agent| text(agent, "state")),
];

/// Runs the command.
pub fn run(args: &AgentArgs) -> ExitCode {
    ended(args.scoped.open().and_then(|session| go(&session, &args.verb)))
}

fn go(session: &Session, verb: &Verb) -> Result<(), Trouble> {
    match verb {
        Verb::Create { agent, limits, key } => {
            let body = agent.body()?.text("organisation", session.org()).map("limits", limits.given());
            session.show(Ask::post(&PATH).body(body.with("key", key.then_some(true))))
        }
        Verb::List(which) => page(session, &PATH, None, which, "agents", COLUMNS),
        Verb::Show(IdArg { id }) => session.show(Ask::get(&["v1", "agents", id])),
        Verb::Update { id, agent, no_roles, no_permissions } => {
            let none = || Value::Array(Vec::new());
            let body = agent.body()?.with("roles", no_roles.then(none));
            let body = body.with("permissions", no_permissions.then(none));
            session.show(Ask::new(Method::PATCH, &["v1", "agents", id]).body(body))
        }
        Verb::State(verb) => set(session, "agents", verb),
    }
}
