//! What is done to things that have a state: enable, disable, revoke, delete.

use super::api::Ask;
use super::connection::Session;
use super::show::done;
use super::trouble::Trouble;

/// The id of something.
#[derive(Debug, Clone, clap::Args)]
pub struct IdArg {
    /// Its id
    #[arg(value_name = "ID")]
    pub id: String,
}

/// What is done to it.
#[derive(Debug, Clone, clap::Subcommand)]
pub enum StateVerb {
    /// Let it count again
    Enable(IdArg),
    /// Let it not count for now
    Disable(IdArg),
    /// Let it never count again
    Revoke(IdArg),
    /// Delete it, and what goes with it
    Delete(IdArg),
}

/// Does it to one thing of a collection.
///
/// # Errors
/// The server says no, or cannot be asked.
pub fn set(session: &Session, collection: &str, verb: &StateVerb) -> Result<(), Trouble> {
    let post = |id: &str, verb: &str| Ask::post(&["v1", collection, id, verb]);
    let (ask, word, id) = match verb {
        StateVerb::Enable(IdArg { id }) => (post(id, "enable"), "enabled", id),
        StateVerb::Disable(IdArg { id }) => (post(id, "disable"), "disabled", id),
        StateVerb::Revoke(IdArg { id }) => (post(id, "revoke"), "revoked", id),
        StateVerb::Delete(IdArg { id }) => (Ask::delete(&["v1", collection, id]), "deleted", id),
    };
    done(&session.api.ask(ask)?, session.output, &format!("{word} {id}"));
    Ok(())
}
