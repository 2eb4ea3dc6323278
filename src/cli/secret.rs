//! `verdict secret`: secrets of agents, which the server seals.
//!
//! INVARIANT (not in arguments): a value comes from a file or from standard input.
//!
//! Exit code: 0; 1 where the server says no; 2 for what could not be tried.

use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::process::ExitCode;

use http::Method;
use serde_json::Value;

use super::admin::api::Ask;
use super::admin::body::Body;
use super::admin::connection::{ScopedArgs, Session};
use super::admin::given;
use super::admin::lists::{PageArgs, page};
use super::admin::show::{Column, Output, done, minute, record, text};
use super::admin::trouble::{Trouble, ended};
use super::print::print;

/// Arguments of `verdict secret`.
#[derive(Debug, Clone, clap::Args)]
pub struct SecretArgs {
    #[command(subcommand)]
    verb: Verb,
    #[command(flatten)]
    scoped: ScopedArgs,
}

#[derive(Debug, Clone, clap::Subcommand)]
enum Verb {
    /// Keep a secret; its value is read from standard input
    #[command(visible_aliases = ["create", "update"])]
    Put {
        #[command(flatten)]
        which: WhichArgs,
        /// File with the value instead
        #[arg(long, value_name = "FILE")]
        value_file: Option<PathBuf>,
        /// Keep the line end at the end of the value, too
        #[arg(long)]
        exact: bool,
    },
    /// Print a secret, with a key of its agent or of a bridge
    #[command(visible_alias = "show")]
    Get(WhichArgs),
    /// List secrets, without their values
    List {
        #[command(flatten)]
        agent: AgentArg,
        #[command(flatten)]
        page: PageArgs,
    },
    /// Delete a secret
    Delete(WhichArgs),
    /// Seal everything under the current master key that is sealed under an earlier one
    Rewrap,
}

#[derive(Debug, Clone, clap::Args)]
struct AgentArg {
    /// Agent whose secrets they are
    #[arg(long, value_name = "ID")]
    agent: String,
}

#[derive(Debug, Clone, clap::Args)]
struct WhichArgs {
    /// Its name, e.g. STRIPE_API_KEY
    #[arg(value_name = "NAME")]
    name: String,
    /// Agent whose secret it is
    #[arg(long, value_name = "ID")]
    agent: String,
}

impl WhichArgs {
    fn path(&self) -> [&str; 5] {
        ["v1", "agents", &self.agent, "secrets", &self.name]
    }
}

const COLUMNS: &[Column] = &[
    Column::whole("name", |secret| text(secret, "name")),
    Column::whole("version", |secret| text(secret, "version")),
    Column::whole("put (UTC)", |secret| minute(secret, "updated_at")),
];

/// Runs the command.
pub fn run(args: &SecretArgs) -> ExitCode {
    ended(go(args))
}

fn go(args: &SecretArgs) -> Result<(), Trouble> {
    if matches!(args.verb, Verb::Rewrap) {
        let session = args.scoped.open_as_operator()?;
        let reply = session.api.ask(Ask::post(&["v1", "registry", "rewrap"]))?;
        done(&reply, session.output, &format!("sealed anew: {}", text(&reply.value, "rewrapped")));
        return Ok(());
    }
    let session = args.scoped.open()?;
    match &args.verb {
        Verb::Put { which, value_file, exact } => put(&session, which, value_file.as_ref(), *exact),
        Verb::Get(which) => get(&session, which),
        Verb::List { agent: AgentArg { agent }, page: which } => {
            page(&session, &["v1", "agents", agent, "secrets"], None, which, "secrets", COLUMNS)
        }
        Verb::Delete(which) => {
            let reply = session.api.ask(Ask::delete(&which.path()))?;
            done(&reply, session.output, &format!("deleted {}", which.name));
            Ok(())
        }
        Verb::Rewrap => Ok(()),
    }
}

fn put(session: &Session, which: &WhichArgs, file: Option<&PathBuf>, exact: bool) -> Result<(), Trouble> {
    let given = given::text(file.map(PathBuf::as_path), "the value")?;
    let value = match given.expose().strip_suffix('\n') {
        Some(line) if !exact => line.strip_suffix('\r').unwrap_or(line),
        _ => given.expose(),
    };
    if value.is_empty() {
        return Err(Trouble::untried("the value is empty"));
    }
    session.show(Ask::new(Method::PUT, &which.path()).body(Body::new().text("value", Some(value))))
}

/// For people, the value alone, as it is: `export STRIPE_API_KEY=$(verdict secret get …)`.
fn get(session: &Session, which: &WhichArgs) -> Result<(), Trouble> {
    let reply = session.api.ask(Ask::get(&which.path()))?;
    match reply.value.get("value").and_then(Value::as_str) {
        Some(value) if session.output == Output::Table => {
            print(value);
            if std::io::stdout().is_terminal() {
                print("\n");
            }
        }
        _ => record(&reply, session.output),
    }
    Ok(())
}
