//! `verdict delegation`: what one agent lets another do for it.
//!
//! Exit code: 0; 1 where the server says no; 2 for what could not be tried.

use std::process::ExitCode;

use super::admin::api::Ask;
use super::admin::body::Body;
use super::admin::connection::{ScopedArgs, Session};
use super::admin::lists::{PageArgs, page};
use super::admin::show::{Column, text};
use super::admin::states::{IdArg, StateVerb, set};
use super::admin::times::EndArgs;
use super::admin::trouble::{Trouble, ended};

/// Arguments of `verdict delegation`.
#[derive(Debug, Clone, clap::Args)]
pub struct DelegationArgs {
    #[command(subcommand)]
    verb: Verb,
    #[command(flatten)]
    scoped: ScopedArgs,
}

#[derive(Debug, Clone, clap::Subcommand)]
enum Verb {
    /// Let one agent act for another
    Create {
        /// Agent that is acted for [default: the agent whose key is used]
        #[arg(long, value_name = "ID")]
        from: Option<String>,
        /// Agent that may act
        #[arg(long, value_name = "ID")]
        to: String,
        /// Operation that it may be for, e.g. stripe:create_payment or stripe:*; repeatable, or separated by commas
        #[arg(long, value_name = "OPERATION", value_delimiter = ',', required = true)]
        scope: Vec<String>,
        /// Delegation that it passes on
        #[arg(long, value_name = "ID")]
        parent: Option<String>,
        #[command(flatten)]
        end: EndArgs,
    },
    /// List delegations
    List {
        /// Those from and to this agent alone
        #[arg(long, value_name = "ID")]
        agent: Option<String>,
        #[command(flatten)]
        page: PageArgs,
    },
    /// Show a delegation
    Show(IdArg),
    #[command(flatten)]
    State(StateVerb),
}

const PATH: [&str; 2] = ["v1", "delegations"];
const COLUMNS: &[Column] = &[
    Column::whole("id", |delegation| text(delegation, "id")),
    Column::whole("from", |delegation| text(delegation, "from")),
    Column::whole("to", |delegation| text(delegation, "to")),
    Column::whole("state", |delegation| text(delegation, "state")),
];

/// Runs the command.
pub fn run(args: &DelegationArgs) -> ExitCode {
    ended(args.scoped.open().and_then(|session| go(&session, &args.verb)))
}

fn go(session: &Session, verb: &Verb) -> Result<(), Trouble> {
    match verb {
        Verb::Create { from, to, scope, parent, end } => {
            let Some(end) = end.end() else {
                return Err(Trouble::untried("a delegation ends: give --expires-in or --expires-at"));
            };
            let body = Body::new().text("from", from.as_deref()).text("to", Some(to)).list("scope", scope);
            let body = body.text("parent", parent.as_deref()).with("expires_at", Some(end));
            session.show(Ask::post(&PATH).body(body))
        }
        Verb::List { agent, page: which } => {
            page(session, &PATH, agent.as_deref(), which, "delegations", COLUMNS)
        }
        Verb::Show(IdArg { id }) => session.show(Ask::get(&["v1", "delegations", id])),
        Verb::State(verb) => set(session, "delegations", verb),
    }
}
