//! `verdict member`: the people who manage an organisation, by the tokens of an issuer.
//!
//! Exit code: 0; 1 where the server says no; 2 for what could not be tried.

use std::process::ExitCode;

use http::Method;

use super::admin::api::Ask;
use super::admin::body::Body;
use super::admin::connection::{ScopedArgs, Session};
use super::admin::lists::{PageArgs, page};
use super::admin::show::{Column, done, minute, text};
use super::admin::trouble::{Trouble, ended};

/// Arguments of `verdict member`.
#[derive(Debug, Clone, clap::Args)]
pub struct MemberArgs {
    #[command(subcommand)]
    verb: Verb,
    #[command(flatten)]
    scoped: ScopedArgs,
}

#[derive(Debug, Clone, clap::Subcommand)]
enum Verb {
    /// Make somebody a member, or change what a member may do
    #[command(visible_alias = "update", alias = "set")]
    Create {
        #[command(flatten)]
        who: WhoArgs,
        /// What it may do: everything in the organisation, or look
        #[arg(long, value_enum, value_name = "ROLE")]
        role: Role,
    },
    /// List members
    List(PageArgs),
    /// Take somebody off the members
    #[command(alias = "remove")]
    Delete(WhoArgs),
}

/// A person.
#[derive(Debug, Clone, clap::Args)]
struct WhoArgs {
    /// Issuer of the person's tokens (`iss`)
    #[arg(long, value_name = "URL")]
    issuer: String,
    /// The person (`sub`)
    #[arg(long, value_name = "ID")]
    subject: String,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Role {
    Admin,
    Auditor,
}

const PATH: [&str; 2] = ["v1", "members"];
const COLUMNS: &[Column] = &[
    Column::whole("subject", |member| text(member, "subject")),
    Column::cut("issuer", |member| text(member, "issuer")),
    Column::whole("role", |member| text(member, "role")),
    Column::cut("organisation", |member| text(member, "organisation")),
    Column::whole("since (UTC)", |member| minute(member, "created_at")),
];

/// Runs the command.
pub fn run(args: &MemberArgs) -> ExitCode {
    ended(args.scoped.open().and_then(|session| go(&session, &args.verb)))
}

fn go(session: &Session, verb: &Verb) -> Result<(), Trouble> {
    match verb {
        Verb::Create { who, role } => {
            let role = match role {
                Role::Admin => "admin",
                Role::Auditor => "auditor",
            };
            let body = Body::new().text("organisation", session.org()).text("issuer", Some(&who.issuer));
            let body = body.text("subject", Some(&who.subject)).text("role", Some(role));
            session.show(Ask::new(Method::PUT, &PATH).body(body))
        }
        Verb::List(which) => page(session, &PATH, None, which, "members", COLUMNS),
        Verb::Delete(WhoArgs { issuer, subject }) => {
            let ask = Ask::delete(&PATH).query("organisation", session.org()).query("issuer", Some(issuer));
            let reply = session.api.ask(ask.query("subject", Some(subject)))?;
            done(&reply, session.output, &format!("deleted {subject}"));
            Ok(())
        }
    }
}
