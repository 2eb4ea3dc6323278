//! `verdict setting`: tunables of an organisation or of all, as far as the configuration allows them.
//!
//! Exit code: 0; 1 where the server says no; 2 for what could not be tried.

use std::process::ExitCode;

use http::Method;

use super::admin::api::Ask;
use super::admin::body::{Body, json_or_text};
use super::admin::connection::{ScopedArgs, Session};
use super::admin::lists::{PageArgs, find, page};
use super::admin::show::{Column, done, found, minute, text};
use super::admin::trouble::{Trouble, ended};

/// Arguments of `verdict setting`.
#[derive(Debug, Clone, clap::Args)]
pub struct SettingArgs {
    #[command(subcommand)]
    verb: Verb,
    #[command(flatten)]
    scoped: ScopedArgs,
}

#[derive(Debug, Clone, clap::Subcommand)]
enum Verb {
    /// Set a setting; an operator without --org sets it for all
    #[command(visible_aliases = ["create", "update"])]
    Set {
        /// Its name
        #[arg(value_name = "KEY")]
        key: String,
        /// Its value; JSON if it parses as JSON, otherwise a text
        #[arg(value_name = "VALUE")]
        value: String,
    },
    /// List settings
    List(PageArgs),
    /// Show a setting
    Show(NameArg),
    /// Delete a setting
    Delete(NameArg),
}

#[derive(Debug, Clone, clap::Args)]
struct NameArg {
    /// Its name
    #[arg(value_name = "KEY")]
    key: String,
}

const PATH: [&str; 2] = ["v1", "settings"];
const COLUMNS: &[Column] = &[
    Column::whole("key", |setting| text(setting, "key")),
    Column::cut("value", |setting| text(setting, "value")),
    Column::cut("organisation", |setting| match text(setting, "organisation").as_str() {
        "-" => "(all)".to_owned(),
        organisation => organisation.to_owned(),
    }),
    Column::whole("set (UTC)", |setting| minute(setting, "updated_at")),
];

/// Runs the command.
pub fn run(args: &SettingArgs) -> ExitCode {
    ended(args.scoped.open().and_then(|session| go(&session, &args.verb)))
}

fn go(session: &Session, verb: &Verb) -> Result<(), Trouble> {
    match verb {
        Verb::Set { key, value } => {
            let body =
                Body::new().text("organisation", session.org()).with("value", Some(json_or_text(value)));
            session.show(Ask::new(Method::PUT, &["v1", "settings", key]).body(body))
        }
        Verb::List(which) => page(session, &PATH, None, which, "settings", COLUMNS),
        Verb::Show(NameArg { key }) => {
            let is =
                |setting: &serde_json::Value| setting.get("key").is_some_and(|other| other == key.as_str());
            found(find(session, &PATH, is)?, session.output, "setting", key)
        }
        Verb::Delete(NameArg { key }) => {
            let ask = Ask::delete(&["v1", "settings", key]).query("organisation", session.org());
            done(&session.api.ask(ask)?, session.output, &format!("deleted {key}"));
            Ok(())
        }
    }
}
