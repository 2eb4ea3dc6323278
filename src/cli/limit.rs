//! `verdict limit`: the hard limits of agents, which no policy can override.
//!
//! Exit code: 0; 1 where the server says no; 2 for what could not be tried.

use std::process::ExitCode;

use http::Method;
use serde_json::{Map, Value};

use super::admin::api::{Ask, Reply};
use super::admin::body::Body;
use super::admin::connection::{ScopedArgs, Session};
use super::admin::limits::LimitArgs;
use super::admin::show::{Output, details, record};
use super::admin::trouble::{Trouble, ended};
use super::print::{note, print};

/// Arguments of `verdict limit`.
#[derive(Debug, Clone, clap::Args)]
pub struct LimitsArgs {
    #[command(subcommand)]
    verb: Verb,
    #[command(flatten)]
    scoped: ScopedArgs,
}

#[derive(Debug, Clone, clap::Subcommand)]
enum Verb {
    /// Set limits of an agent; those that are not named stay as they are
    Set {
        #[command(flatten)]
        agent: AgentArg,
        #[command(flatten)]
        limits: LimitArgs,
    },
    /// Show the limits of an agent
    Show(AgentArg),
    /// Take all limits of an agent away, or those that are named
    Clear {
        #[command(flatten)]
        agent: AgentArg,
        /// Take away the largest amount
        #[arg(long)]
        max_amount: bool,
        /// Take away the list of providers
        #[arg(long)]
        providers: bool,
        /// Take away the list of operations
        #[arg(long)]
        methods: bool,
    },
}

#[derive(Debug, Clone, clap::Args)]
struct AgentArg {
    /// Agent whose limits they are
    #[arg(long, value_name = "ID")]
    agent: String,
}

/// Runs the command.
pub fn run(args: &LimitsArgs) -> ExitCode {
    ended(args.scoped.open().and_then(|session| go(&session, &args.verb)))
}

fn go(session: &Session, verb: &Verb) -> Result<(), Trouble> {
    match verb {
        Verb::Set { agent: AgentArg { agent }, limits } => {
            let given = limits.given();
            if given.is_empty() {
                let flags = "--max-amount, --allow-provider or --allow-method";
                return Err(Trouble::untried(format!("there is nothing to set: give {flags}")));
            }
            let mut limits = limits_of(&now(session, agent)?);
            limits.extend(given);
            put(session, agent, limits)
        }
        Verb::Show(AgentArg { agent }) => {
            let reply = now(session, agent)?;
            show(&reply, session.output);
            Ok(())
        }
        Verb::Clear { agent: AgentArg { agent }, max_amount, providers, methods } => {
            let named =
                [("max_amount", max_amount), ("allowed_providers", providers), ("allowed_methods", methods)];
            if named.iter().all(|(_, named)| !**named) {
                return put(session, agent, Map::new());
            }
            let mut limits = limits_of(&now(session, agent)?);
            limits.retain(|name, _| !named.iter().any(|(limit, named)| **named && name == limit));
            put(session, agent, limits)
        }
    }
}

/// The agent as it is.
fn now(session: &Session, agent: &str) -> Result<Reply, Trouble> {
    session.api.ask(Ask::get(&["v1", "agents", agent]))
}

fn limits_of(agent: &Reply) -> Map<String, Value> {
    agent.value.get("limits").and_then(Value::as_object).cloned().unwrap_or_default()
}

fn put(session: &Session, agent: &str, limits: Map<String, Value>) -> Result<(), Trouble> {
    let body = Body::new().with("limits", Some(Value::Object(limits)));
    let reply = session.api.ask(Ask::new(Method::PATCH, &["v1", "agents", agent]).body(body))?;
    show(&reply, session.output);
    Ok(())
}

fn show(agent: &Reply, output: Output) {
    match (output, limits_of(agent)) {
        (Output::Json, _) => record(agent, output),
        (Output::Table, limits) if limits.is_empty() => note("no limits"),
        (Output::Table, limits) => print(&details(&Value::Object(limits))),
    }
}
