//! `verdict login`: keeps a key in the file with credentials; `verdict whoami`: whose a key is.
//!
//! INVARIANT (what is kept works): a key is kept once the server has said whose it is.
//!
//! Exit code: 0; 1 where the server says no; 2 for what could not be tried.

use std::process::ExitCode;

use serde_json::Value;

use super::admin::api::Ask;
use super::admin::connection::{ConnectionArgs, usual_file};
use super::admin::credentials::{Credential, Credentials, Draft};
use super::admin::given;
use super::admin::show::record;
use super::admin::trouble::{Trouble, ended};
use super::print::note;

/// Arguments of `verdict login`.
#[derive(Debug, Clone, clap::Args)]
pub struct LoginArgs {
    /// What to call the credential [default: its organisation, or operator]
    #[arg(long, value_name = "NAME")]
    save_as: Option<String>,
    #[command(flatten)]
    connection: ConnectionArgs,
}

/// Arguments of `verdict whoami`.
#[derive(Debug, Clone, clap::Args)]
pub struct WhoamiArgs {
    #[command(flatten)]
    connection: ConnectionArgs,
}

/// Runs `verdict login`.
pub fn login(args: &LoginArgs) -> ExitCode {
    ended(keep(args))
}

/// Runs `verdict whoami`.
pub fn whoami(args: &WhoamiArgs) -> ExitCode {
    ended(args.connection.open().and_then(|session| session.show(Ask::get(&["v1", "whoami"]))))
}

fn keep(args: &LoginArgs) -> Result<(), Trouble> {
    let LoginArgs { save_as, connection } = args;
    let path = usual_file(connection.credentials.as_deref());
    let before = Credentials::read(&path)?;
    let origin = "the key that was given";
    let key = given::key(&given::text(connection.key_file.as_deref(), "the key")?, origin)?;
    let mut connection = connection.clone();
    let known = before.as_ref().and_then(|credentials| credentials.server.clone());
    match (&connection.server, &known) {
        (Some(server), Some(known)) if server.trim_end_matches('/') != known => {
            return Err(Trouble::untried(format!(
                "`{}` has credentials for {known}; name another file with --credentials",
                path.display()
            )));
        }
        (None, _) => connection.server = known,
        _ => {}
    }
    let api = connection.with_key(&key, origin)?;
    let reply = api.ask(Ask::get(&["v1", "whoami"]))?;
    let organisation = reply.value.get("organisation").and_then(Value::as_str).map(str::to_owned);
    let one = Credential::new(save_as.clone(), organisation, key.expose().clone());
    let mut all = vec![one.clone()];
    all.extend(before.into_iter().flat_map(|before| before.all).filter(|other| other.name != one.name));
    let credentials = Credentials { server: Some(api.server().to_owned()), all };
    Draft::begin(&path)?.finish(&credentials)?;
    record(&reply, connection.output);
    note(&format!("note: kept as `{}` in `{}`", one.name, path.display()));
    Ok(())
}
