//! `verdict audit`: what was changed in the registry, and who used it.
//!
//! Exit code: 0; 1 where the server says no, or the log is not whole; 2 for what could not be tried.

use std::process::ExitCode;

use serde_json::Value;

use super::admin::api::{Ask, Reply};
use super::admin::connection::{ScopedArgs, Session};
use super::admin::show::{Column, Output, list, minute, record, text};
use super::admin::times::time;
use super::admin::trouble::{Trouble, ended, plain};
use super::print::{complain, note, print};
use crate::model::clock::Timestamp;

/// Arguments of `verdict audit`.
#[derive(Debug, Clone, clap::Args)]
pub struct AuditArgs {
    #[command(subcommand)]
    verb: Verb,
    #[command(flatten)]
    scoped: ScopedArgs,
}

#[derive(Debug, Clone, clap::Subcommand)]
enum Verb {
    /// List changes, the latest first
    List {
        #[command(flatten)]
        which: WhichArgs,
    },
    /// Check that the log is whole, and that the registry is as the log says
    Verify {
        /// Also check that entry SEQ has this hash, which an earlier check printed: nothing before it was cut or changed
        #[arg(long, value_name = "SEQ:HASH", value_parser = known)]
        expect: Option<Known>,
    },
    /// Print all changes, the earliest first, as JSON with an entry a line
    Export {
        /// Go on after this entry
        #[arg(long, value_name = "SEQ", default_value_t = 0)]
        after: u64,
    },
    /// List what was tried with credentials, the latest first
    Events {
        /// Of this agent alone
        #[arg(long, value_name = "ID")]
        agent: Option<String>,
        #[command(flatten)]
        which: WhichArgs,
    },
}

#[derive(Debug, Clone, clap::Args)]
struct WhichArgs {
    /// Only this action, e.g. key.rotate, or with a dot at the end all that begin so, e.g. `key.`
    #[arg(long, value_name = "ACTION")]
    action: Option<String>,
    /// Not before this time, e.g. 2027-01-31T00:00:00Z
    #[arg(long, value_name = "TIME", value_parser = time)]
    from: Option<Timestamp>,
    /// Before this time
    #[arg(long, value_name = "TIME", value_parser = time)]
    until: Option<Timestamp>,
    /// Before this number, as the list before says
    #[arg(long, value_name = "N")]
    before: Option<u64>,
    /// How many to show, at most 1000 [default: 100]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: Option<u32>,
}

/// An entry that somebody has seen.
#[derive(Debug, Clone)]
struct Known {
    seq: u64,
    hash: String,
}

const ENTRIES: &[Column] = &[
    Column::whole("seq", |entry| text(entry, "seq")),
    Column::whole("at (UTC)", |entry| minute(entry, "at")),
    Column::whole("action", |entry| text(entry, "action")),
    Column::cut("what", |entry| {
        let first = entry.get("changes").and_then(|changes| changes.get(0));
        first.map_or_else(|| "-".to_owned(), |change| text(change, "id"))
    }),
    Column::cut("by", |entry| entry.get("actor").map_or_else(|| "-".to_owned(), |actor| text(actor, "id"))),
];
const EVENTS: &[Column] = &[
    Column::whole("at (UTC)", |event| minute(event, "at")),
    Column::whole("action", |event| text(event, "action")),
    Column::cut("agent", |event| text(event, "agent")),
    Column::whole("key", |event| text(event, "key_prefix")),
    Column::cut("reason", |event| text(event, "reason")),
    Column::whole("count", |event| text(event, "count")),
];

/// Runs the command.
pub fn run(args: &AuditArgs) -> ExitCode {
    match go(args) {
        Ok(whole) => ExitCode::from(u8::from(!whole)),
        Err(trouble) => ended(Err(trouble)),
    }
}

/// Whether what was looked at is whole.
fn go(args: &AuditArgs) -> Result<bool, Trouble> {
    let scoped = &args.scoped;
    match &args.verb {
        Verb::List { which } => {
            let session = scoped.open()?;
            let reply = asked(&session, Ask::get(&["v1", "audit"]), which)?;
            list(&reply, session.output, "entries", ENTRIES);
            Ok(true)
        }
        Verb::Events { agent, which } => {
            let session = scoped.open()?;
            let ask = Ask::get(&["v1", "auth-events"]).query("agent", agent.as_ref());
            list(&asked(&session, ask, which)?, session.output, "events", EVENTS);
            Ok(true)
        }
        Verb::Export { after } => export(&scoped.open()?, *after).map(|()| true),
        Verb::Verify { expect } => verify(&scoped.connection.open_as_operator()?, expect.as_ref()),
    }
}

fn asked(session: &Session, ask: Ask, which: &WhichArgs) -> Result<Reply, Trouble> {
    let WhichArgs { action, from, until, before, limit } = which;
    let ask = ask.query("organisation", session.org()).query("action", action.as_ref());
    let ask = ask.query("from", from.map(Timestamp::rfc3339)).query("until", until.map(Timestamp::rfc3339));
    session.api.ask(ask.query("before", *before).query("limit", *limit))
}

/// Whether the log is whole.
fn verify(session: &Session, expect: Option<&Known>) -> Result<bool, Trouble> {
    let reply = session.api.ask(Ask::get(&["v1", "audit", "verify"]))?;
    let (entries, head) = (number(&reply.value, "entries"), text(&reply.value, "head"));
    let problems = reply.value.get("problems").and_then(Value::as_array);
    let mut problems: Vec<String> =
        problems.into_iter().flatten().filter_map(Value::as_str).map(plain).collect();
    if let Some(known) = expect {
        problems.extend(differs(session, known, entries, &head)?);
    }
    if session.output == Output::Json {
        record(&reply, session.output);
    } else if problems.is_empty() {
        print(&format!("{entries} entries, whole\n"));
        print(&format!("head {entries}:{head}\n"));
        note(
            "hint: keep the head; `verdict audit verify --expect SEQ:HASH` tells later whether the log was cut",
        );
    }
    for problem in &problems {
        complain(problem);
    }
    Ok(problems.is_empty())
}

/// What speaks against an entry being as somebody has seen it.
fn differs(session: &Session, known: &Known, last: u64, head: &str) -> Result<Option<String>, Trouble> {
    let Known { seq, hash } = known;
    if *seq > last {
        return Ok(Some(format!("the log was cut: it has {last} entries, and once had {seq}")));
    }
    let now = if *seq == last {
        head.to_owned()
    } else {
        // An entry has the hash of the one before it.
        let next = entries(session, Some(seq.saturating_add(2)), 1)?;
        next.first().map(|next| text(next, "previous")).unwrap_or_default()
    };
    Ok((now != *hash).then(|| format!("entry {seq} is another than it was: its hash is {now}")))
}

/// Entries are counted without gaps, so that windows of numbers give them in order, with a page in memory at a time.
fn export(session: &Session, after: u64) -> Result<(), Trouble> {
    const WINDOW: u64 = 1000;
    let last = entries(session, None, 1)?.first().map_or(0, |entry| number(entry, "seq"));
    let mut done = after;
    while done < last {
        let mut entries = entries(session, Some(done.saturating_add(WINDOW + 1)), WINDOW)?;
        entries.retain(|entry| number(entry, "seq") > done);
        entries.reverse();
        for entry in &entries {
            print(&format!("{entry}\n"));
        }
        done = done.saturating_add(WINDOW);
    }
    Ok(())
}

/// The last entries before a number, the latest first.
fn entries(session: &Session, before: Option<u64>, limit: u64) -> Result<Vec<Value>, Trouble> {
    let ask = Ask::get(&["v1", "audit"]).query("organisation", session.org()).query("before", before);
    let mut reply = session.api.ask(ask.query("limit", Some(limit)))?;
    Ok(match reply.value.get_mut("items").map(Value::take) {
        Some(Value::Array(items)) => items,
        _ => Vec::new(),
    })
}

fn number(record: &Value, name: &str) -> u64 {
    record.get(name).and_then(Value::as_u64).unwrap_or_default()
}

fn known(text: &str) -> Result<Known, String> {
    let read = text.split_once(':').and_then(|(seq, hash)| Some((seq.parse().ok()?, hash)));
    match read {
        Some((seq, hash)) if hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()) => {
            Ok(Known { seq, hash: hash.to_lowercase() })
        }
        _ => Err(format!("`{text}` is no SEQ:HASH; write what `verdict audit verify` prints as head")),
    }
}
