//! `verdict key`: API keys of the registry.
//!
//! Exit code: 0; 1 where the server says no; 2 for what could not be tried.

use std::process::ExitCode;

use super::admin::api::Ask;
use super::admin::body::{Body, members};
use super::admin::connection::{ScopedArgs, Session};
use super::admin::limits::LimitArgs;
use super::admin::lists::{PageArgs, page};
use super::admin::show::{Column, minute, text};
use super::admin::states::{IdArg, StateVerb, set};
use super::admin::times::{EndArgs, OverlapArgs};
use super::admin::trouble::{Trouble, ended};

/// Arguments of `verdict key`.
#[derive(Debug, Clone, clap::Args)]
pub struct KeyArgs {
    #[command(subcommand)]
    verb: Verb,
    #[command(flatten)]
    scoped: ScopedArgs,
}

#[derive(Debug, Clone, clap::Subcommand)]
enum Verb {
    /// Make a key
    Create(Box<CreateArgs>),
    /// List keys
    List {
        /// Those of this agent alone
        #[arg(long, value_name = "ID")]
        agent: Option<String>,
        #[command(flatten)]
        page: PageArgs,
    },
    /// Show a key's record, and when it was last used
    Show(IdArg),
    /// Make a key in the place of another, which stays valid for a while
    Rotate {
        /// Id of the key
        #[arg(value_name = "ID")]
        id: String,
        #[command(flatten)]
        overlap: OverlapArgs,
    },
    #[command(flatten)]
    State(StateVerb),
}

#[derive(Debug, Clone, clap::Args)]
struct CreateArgs {
    /// What calls with it: an agent or one installation (device) of it, a service, a bridge that provisions agents, an admin
    /// of the organisation or, without one, of the registry [default: agent with --agent, else service]
    #[arg(long, value_enum, value_name = "KIND")]
    kind: Option<Kind>,
    /// Agent that calls with it, for keys of agents and devices
    #[arg(long, value_name = "ID")]
    agent: Option<String>,
    /// What people call it
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// What it begins with [default: after its kind, e.g. sk_agent]
    #[arg(long, value_name = "PREFIX")]
    prefix: Option<String>,
    /// Role besides those of its agent; repeatable, or separated by commas
    #[arg(long = "role", alias = "roles", value_name = "ROLE", value_delimiter = ',')]
    roles: Vec<String>,
    /// Permission besides those of its agent; repeatable, or separated by commas
    #[arg(long = "permission", alias = "permissions", value_name = "PERMISSION", value_delimiter = ',')]
    permissions: Vec<String>,
    /// What else policy may want to know; JSON if it parses as JSON, otherwise a text; repeatable
    #[arg(long = "metadata", value_name = "NAME=VALUE")]
    metadata: Vec<String>,
    #[command(flatten)]
    limits: LimitArgs,
    #[command(flatten)]
    end: EndArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Kind {
    Agent,
    Service,
    Bridge,
    Device,
    Admin,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Service => "service",
            Self::Bridge => "bridge",
            Self::Device => "device",
            Self::Admin => "admin",
        }
    }
}

const PATH: [&str; 2] = ["v1", "keys"];
/// The columns of lists of keys.
pub const COLUMNS: &[Column] = &[
    Column::whole("id", |key| text(key, "id")),
    Column::whole("kind", |key| text(key, "kind")),
    Column::cut("of", |key| match text(key, "agent").as_str() {
        "-" => text(key, "organisation"),
        agent => agent.to_owned(),
    }),
    Column::whole("state", |key| text(key, "state")),
    Column::whole("expires (UTC)", |key| minute(key, "expires_at")),
];

/// Runs the command.
pub fn run(args: &KeyArgs) -> ExitCode {
    ended(args.scoped.open().and_then(|session| go(&session, &args.verb)))
}

fn go(session: &Session, verb: &Verb) -> Result<(), Trouble> {
    match verb {
        Verb::Create(new) => create(session, new),
        Verb::List { agent, page } => listed(session, agent.as_deref(), page),
        Verb::Show(IdArg { id }) => session.show(Ask::get(&["v1", "keys", id])),
        Verb::Rotate { id, overlap } => rotate(session, id, overlap),
        Verb::State(verb) => set(session, "keys", verb),
    }
}

fn create(session: &Session, new: &CreateArgs) -> Result<(), Trouble> {
    let kind = new.kind.unwrap_or(if new.agent.is_some() { Kind::Agent } else { Kind::Service });
    // What belongs to an agent is where the agent is.
    let organisation = session.org().filter(|_| new.agent.is_none());
    let body = Body::new().text("kind", Some(kind.name())).text("agent", new.agent.as_deref());
    let body = body.text("organisation", organisation).text("name", new.name.as_deref());
    let body = body.text("prefix", new.prefix.as_deref()).list("roles", &new.roles);
    let body = body.list("permissions", &new.permissions).map("limits", new.limits.given());
    let body = body.map("metadata", members("--metadata", &new.metadata)?);
    session.show(Ask::post(&PATH).body(body.with("expires_at", new.end.end())))
}

/// Lists keys.
///
/// # Errors
/// The server says no, or cannot be asked.
pub fn listed(session: &Session, agent: Option<&str>, which: &PageArgs) -> Result<(), Trouble> {
    page(session, &PATH, agent, which, "keys", COLUMNS)
}

/// Makes a key in the place of another.
///
/// # Errors
/// The server says no, or cannot be asked.
pub fn rotate(session: &Session, id: &str, overlap: &OverlapArgs) -> Result<(), Trouble> {
    let body = Body::new().text("overlap", Some(&overlap.text()));
    session.show(Ask::post(&["v1", "keys", id, "rotate"]).body(body))
}
