//! `verdict role`: roles with permissions, of an organisation or of all.
//!
//! Exit code: 0; 1 where the server says no; 2 for what could not be tried.

use std::process::ExitCode;

use http::Method;

use super::admin::api::Ask;
use super::admin::body::Body;
use super::admin::connection::{ScopedArgs, Session};
use super::admin::lists::{PageArgs, find, page};
use super::admin::show::{Column, done, found, text};
use super::admin::trouble::{Trouble, ended};

/// Arguments of `verdict role`.
#[derive(Debug, Clone, clap::Args)]
pub struct RoleArgs {
    #[command(subcommand)]
    verb: Verb,
    #[command(flatten)]
    scoped: ScopedArgs,
}

#[derive(Debug, Clone, clap::Subcommand)]
enum Verb {
    /// Make a role, or replace its permissions; an operator without --org makes one for all
    #[command(visible_alias = "update", alias = "set")]
    Create {
        /// Its name
        #[arg(value_name = "NAME")]
        name: String,
        /// Permission of whoever has the role; repeatable, or separated by commas
        #[arg(long = "permission", alias = "permissions", value_name = "PERMISSION", value_delimiter = ',')]
        permissions: Vec<String>,
    },
    /// List roles
    List(PageArgs),
    /// Show a role
    Show(NameArg),
    /// Delete a role
    Delete(NameArg),
}

#[derive(Debug, Clone, clap::Args)]
struct NameArg {
    /// Its name
    #[arg(value_name = "NAME")]
    name: String,
}

const PATH: [&str; 2] = ["v1", "roles"];
const COLUMNS: &[Column] = &[
    Column::whole("name", |role| text(role, "name")),
    Column::cut("organisation", |role| match text(role, "organisation").as_str() {
        "-" => "(all)".to_owned(),
        organisation => organisation.to_owned(),
    }),
    Column::cut("permissions", |role| text(role, "permissions")),
];

/// Runs the command.
pub fn run(args: &RoleArgs) -> ExitCode {
    ended(args.scoped.open().and_then(|session| go(&session, &args.verb)))
}

fn go(session: &Session, verb: &Verb) -> Result<(), Trouble> {
    match verb {
        Verb::Create { name, permissions } => {
            let body = Body::new().text("organisation", session.org()).text("name", Some(name));
            let body = body.with("permissions", Some(permissions.clone()));
            session.show(Ask::new(Method::PUT, &PATH).body(body))
        }
        Verb::List(which) => page(session, &PATH, None, which, "roles", COLUMNS),
        Verb::Show(NameArg { name }) => {
            let role =
                find(session, &PATH, |role| role.get("name").is_some_and(|other| other == name.as_str()))?;
            found(role, session.output, "role", name)
        }
        Verb::Delete(NameArg { name }) => {
            let ask = Ask::delete(&["v1", "roles", name]).query("organisation", session.org());
            done(&session.api.ask(ask)?, session.output, &format!("deleted {name}"));
            Ok(())
        }
    }
}
