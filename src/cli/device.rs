//! `verdict device`: installations of agents, each with a key of its own.
//!
//! Exit code: 0; 1 where the server says no; 2 for what could not be tried.

use std::process::ExitCode;

use super::admin::api::Ask;
use super::admin::body::{Body, members};
use super::admin::connection::{ScopedArgs, Session};
use super::admin::lists::{PageArgs, kept};
use super::admin::states::{IdArg, StateVerb, set};
use super::admin::times::{EndArgs, OverlapArgs};
use super::admin::trouble::{Trouble, ended};
use super::key::{COLUMNS, rotate};

/// Arguments of `verdict device`.
#[derive(Debug, Clone, clap::Args)]
pub struct DeviceArgs {
    #[command(subcommand)]
    verb: Verb,
    #[command(flatten)]
    scoped: ScopedArgs,
}

#[derive(Debug, Clone, clap::Subcommand)]
enum Verb {
    /// Make a key for an installation
    #[command(visible_alias = "create")]
    Issue {
        /// Agent that is installed
        #[arg(long, value_name = "ID")]
        agent: String,
        /// What people call the installation
        #[arg(long, value_name = "NAME")]
        name: Option<String>,
        /// What else policy may want to know; JSON if it parses as JSON, otherwise a text; repeatable
        #[arg(long = "metadata", value_name = "NAME=VALUE")]
        metadata: Vec<String>,
        #[command(flatten)]
        end: EndArgs,
    },
    /// List keys of installations
    List {
        /// Those of this agent alone
        #[arg(long, value_name = "ID")]
        agent: Option<String>,
        #[command(flatten)]
        page: PageArgs,
    },
    /// Show the record of an installation's key, and when it was last used
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

/// Runs the command.
pub fn run(args: &DeviceArgs) -> ExitCode {
    ended(args.scoped.open().and_then(|session| go(&session, &args.verb)))
}

fn go(session: &Session, verb: &Verb) -> Result<(), Trouble> {
    match verb {
        Verb::Issue { agent, name, metadata, end } => {
            let body = Body::new().text("kind", Some("device")).text("agent", Some(agent));
            let body = body.text("name", name.as_deref()).map("metadata", members("--metadata", metadata)?);
            session.show(Ask::post(&["v1", "keys"]).body(body.with("expires_at", end.end())))
        }
        Verb::List { agent, page } => {
            let ask = Ask::get(&["v1", "keys"]).query("organisation", session.org());
            let device = |key: &serde_json::Value| key.get("kind").is_some_and(|kind| kind == "device");
            kept(session, ask.query("agent", agent.as_ref()), page, device, "devices", COLUMNS)
        }
        Verb::Show(IdArg { id }) => session.show(Ask::get(&["v1", "keys", id])),
        Verb::Rotate { id, overlap } => rotate(session, id, overlap),
        Verb::State(verb) => set(session, "keys", verb),
    }
}
