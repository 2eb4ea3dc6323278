//! `verdict keys`: makes API keys and the hashes that are kept of them (`generate`, `hash`), without any server; the other verbs
//! are those of `verdict key`, as Dockrion spells them.
//!
//! INVARIANT (shown once): a key is printed when it is made, and never again; what is to be kept is its hash.

use std::io::Read as _;
use std::process::ExitCode;

use super::admin::connection::ScopedArgs;
use super::admin::lists::PageArgs;
use super::admin::states::{IdArg, StateVerb, set};
use super::admin::times::OverlapArgs;
use super::admin::trouble::ended;
use super::key::{listed, rotate};
use super::print::{complain, note, print};
use crate::identity::api_key::text::{Form, form, generate, prefix};
use crate::registry::KeyHash;

/// Longer than any key, in bytes.
const LONGEST: u64 = 8 * 1024;

/// Arguments of `verdict keys`.
#[derive(Debug, Clone, clap::Args)]
pub struct KeysArgs {
    #[command(subcommand)]
    command: KeysCommand,
}

#[derive(Debug, Clone, clap::Subcommand)]
enum KeysCommand {
    /// Generate a key, and print it with its entry for the directory file
    Generate(GenerateArgs),
    /// Read a key from standard input, and print the hash that is kept of it
    Hash,
    /// Make a key in the place of another, which stays valid for a while; as `verdict key rotate`
    Rotate {
        #[command(flatten)]
        key: KeyIdArg,
        #[command(flatten)]
        overlap: OverlapArgs,
        #[command(flatten)]
        scoped: Box<ScopedArgs>,
    },
    /// Revoke a key of the registry; as `verdict key revoke`
    Revoke {
        #[command(flatten)]
        key: KeyIdArg,
        #[command(flatten)]
        scoped: Box<ScopedArgs>,
    },
    /// List keys of the registry; as `verdict key list`
    List {
        #[command(flatten)]
        page: PageArgs,
        #[command(flatten)]
        scoped: Box<ScopedArgs>,
    },
}

#[derive(Debug, Clone, clap::Args)]
struct KeyIdArg {
    /// Id of the key
    #[arg(long, value_name = "ID")]
    key_id: String,
}

#[derive(Debug, Clone, clap::Args)]
struct GenerateArgs {
    /// What the key begins with, e.g. relay_sk_live
    #[arg(long, value_name = "PREFIX")]
    prefix: String,
    /// Id of the key in the directory [default: the prefix and part of the hash]
    #[arg(long, value_name = "ID")]
    id: Option<String>,
    /// Agent that the key is for; without one, it is a service's
    #[arg(long, value_name = "ID")]
    agent: Option<String>,
}

/// Runs the command. Exit code: 0, or 2 when there is no key; of what a server is asked for, as `verdict key`.
pub fn run(args: KeysArgs) -> ExitCode {
    let done = match args.command {
        KeysCommand::Generate(args) => generated(&args),
        KeysCommand::Hash => hashed(),
        KeysCommand::Rotate { key, overlap, scoped } => {
            return ended(scoped.open().and_then(|session| rotate(&session, &key.key_id, &overlap)));
        }
        KeysCommand::Revoke { key, scoped } => {
            let verb = StateVerb::Revoke(IdArg { id: key.key_id });
            return ended(scoped.open().and_then(|session| set(&session, "keys", &verb)));
        }
        KeysCommand::List { page, scoped } => {
            return ended(scoped.open().and_then(|session| listed(&session, None, &page)));
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            complain(&message);
            ExitCode::from(2)
        }
    }
}

fn generated(args: &GenerateArgs) -> Result<(), String> {
    let key = generate(&args.prefix).map_err(|why| format!("--prefix: {why}"))?;
    let hash = KeyHash::of(key.expose());
    let id = match &args.id {
        Some(id) => id.clone(),
        None => {
            let digits: String = hash.to_string().chars().skip("sha256:".len()).take(8).collect();
            format!("{}-{digits}", args.prefix)
        }
    };
    let (kind, agent) = match &args.agent {
        Some(agent) => ("agent", format!("\n  agent: {}", quoted(agent))),
        None => ("service", String::new()),
    };
    note("The key is shown this once. Give it to its caller:");
    print(&format!("{}\n", key.expose()));
    note("Add this to `keys:` in the directory file (`identity.static`):");
    print(&format!(
        "- id: {}\n  kind: {kind}{agent}\n  hash: \"{hash}\"\n  prefix: {}\n",
        quoted(&id),
        quoted(prefix(key.expose()))
    ));
    Ok(())
}

fn hashed() -> Result<(), String> {
    let mut text = String::new();
    let read = std::io::stdin().lock().take(LONGEST + 1).read_to_string(&mut text);
    read.map_err(|error| format!("cannot read the key from standard input: {error}"))?;
    let key = text.trim_end_matches(['\n', '\r']);
    if key.is_empty() || key.len() as u64 > LONGEST || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(format!(
            "standard input is not one key: visible ASCII characters, at most {LONGEST} of them"
        ));
    }
    if form(key) == Form::Mistyped {
        return Err("the key looks like one of Verdict's, and its checksum is wrong; \
                    such a key would be refused at every call"
            .to_owned());
    }
    print(&format!("{}\n", KeyHash::of(key)));
    Ok(())
}

/// A text in YAML's double quotes.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
