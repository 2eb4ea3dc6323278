//! `verdict org`: organisations.
//!
//! Exit code: 0; 1 where the server says no; 2 for what could not be tried.

use std::process::ExitCode;

use http::Method;

use super::admin::api::Ask;
use super::admin::body::Body;
use super::admin::connection::{ConnectionArgs, Session};
use super::admin::lists::{PageArgs, page};
use super::admin::show::{Column, minute, text};
use super::admin::states::{IdArg, StateVerb, set};
use super::admin::trouble::{Trouble, ended};

/// Arguments of `verdict org`.
#[derive(Debug, Clone, clap::Args)]
pub struct OrgArgs {
    #[command(subcommand)]
    verb: Verb,
    #[command(flatten)]
    connection: ConnectionArgs,
}

#[derive(Debug, Clone, clap::Subcommand)]
enum Verb {
    /// Make an organisation, with an admin key
    Create {
        /// Its id, e.g. acme-corp [default: made up]
        #[arg(long, value_name = "ID")]
        id: Option<String>,
        /// What people call it
        #[arg(long, value_name = "NAME")]
        name: Option<String>,
        /// Make no admin key
        #[arg(long)]
        no_admin_key: bool,
    },
    /// List organisations
    List(PageArgs),
    /// Show an organisation
    Show(IdArg),
    /// Rename an organisation
    Update {
        /// Its id
        #[arg(value_name = "ID")]
        id: String,
        /// What people call it
        #[arg(long, value_name = "NAME")]
        name: String,
    },
    #[command(flatten)]
    State(StateVerb),
}

const COLUMNS: &[Column] = &[
    Column::whole("id", |org| text(org, "id")),
    Column::cut("name", |org| text(org, "name")),
    Column::whole("state", |org| text(org, "state")),
    Column::whole("created (UTC)", |org| minute(org, "created_at")),
];

/// Runs the command.
pub fn run(args: &OrgArgs) -> ExitCode {
    ended(args.connection.open_as_operator().and_then(|session| go(&session, &args.verb)))
}

fn go(session: &Session, verb: &Verb) -> Result<(), Trouble> {
    match verb {
        Verb::Create { id, name, no_admin_key } => {
            let body = Body::new().text("id", id.as_deref()).text("name", name.as_deref());
            let body = body.with("admin_key", (!no_admin_key).then_some(true));
            session.show(Ask::post(&["v1", "orgs"]).body(body))
        }
        Verb::List(which) => page(session, &["v1", "orgs"], None, which, "organisations", COLUMNS),
        Verb::Show(IdArg { id }) => session.show(Ask::get(&["v1", "orgs", id])),
        Verb::Update { id, name } => {
            let body = Body::new().text("name", Some(name));
            session.show(Ask::new(Method::PATCH, &["v1", "orgs", id]).body(body))
        }
        Verb::State(verb) => set(session, "orgs", verb),
    }
}
