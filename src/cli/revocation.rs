//! `verdict revocation`, and `verdict credential revoke`: credentials that are refused whatever they say.
//!
//! Exit code: 0; 1 where the server says no; 2 for what could not be tried.

use std::process::ExitCode;

use serde_json::{Value, json};

use super::admin::api::Ask;
use super::admin::body::Body;
use super::admin::connection::{ScopedArgs, Session};
use super::admin::lists::{PageArgs, page};
use super::admin::show::{Column, done, minute, shown, text};
use super::admin::states::IdArg;
use super::admin::times::time;
use super::admin::trouble::{Trouble, ended};
use crate::model::clock::Timestamp;

/// Arguments of `verdict revocation`.
#[derive(Debug, Clone, clap::Args)]
pub struct RevocationArgs {
    #[command(subcommand)]
    verb: Verb,
    #[command(flatten)]
    scoped: ScopedArgs,
}

#[derive(Debug, Clone, clap::Subcommand)]
enum Verb {
    /// Refuse the credentials that are named; an operator without --org revokes them in all organisations
    Create(RevokedArgs),
    /// List revocations
    List(PageArgs),
    /// Show a revocation
    Show(IdArg),
    /// Take a revocation back
    Delete(IdArg),
}

/// What is revoked.
#[derive(Debug, Clone, clap::Args)]
pub struct RevokedArgs {
    #[command(flatten)]
    named: NamedArgs,
    /// The issuer of the subject [default: any]
    #[arg(long, value_name = "URL", requires = "subject")]
    issuer: Option<String>,
    /// Only what was issued before this time, e.g. 2027-01-31T00:00:00Z
    #[arg(long, value_name = "TIME", value_parser = time)]
    issued_before: Option<Timestamp>,
    /// Why, for the record
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

/// One of these.
#[derive(Debug, Clone, clap::Args)]
#[group(required = true, multiple = false)]
struct NamedArgs {
    /// The credential with this identifier (JWT `jti`)
    #[arg(long, value_name = "ID")]
    jti: Option<String>,
    /// The credentials of a session (`sid`)
    #[arg(long, value_name = "ID")]
    session: Option<String>,
    /// An API key by its id, or all that was signed by a key, by its `kid`
    #[arg(long, value_name = "ID")]
    key: Option<String>,
    /// The credentials of a subject (`sub`)
    #[arg(long, value_name = "ID")]
    subject: Option<String>,
    /// The credentials of an agent, and those by which it acts for others
    #[arg(long, value_name = "ID")]
    agent: Option<String>,
    /// The credentials of a whole organisation
    #[arg(long, value_name = "ID")]
    organisation: Option<String>,
}

const PATH: [&str; 2] = ["v1", "revocations"];
const COLUMNS: &[Column] = &[
    Column::whole("id", |revocation| text(revocation, "id")),
    Column::cut("what", |revocation| what(revocation.get("named").unwrap_or(&Value::Null))),
    Column::cut("organisation", |revocation| match text(revocation, "organisation").as_str() {
        "-" => "(all)".to_owned(),
        organisation => organisation.to_owned(),
    }),
    Column::whole("made (UTC)", |revocation| minute(revocation, "created_at")),
];

/// `{"jti": "abc"}` is `jti abc`.
fn what(named: &Value) -> String {
    let Some((sort, name)) = named.as_object().and_then(|named| named.iter().next()) else {
        return shown(named);
    };
    match name.as_object() {
        None => format!("{sort} {}", shown(name)),
        Some(_) => match text(name, "issuer").as_str() {
            "-" => format!("{sort} {}", text(name, "id")),
            issuer => format!("{sort} {} of {issuer}", text(name, "id")),
        },
    }
}

/// Runs the command.
pub fn run(args: &RevocationArgs) -> ExitCode {
    ended(args.scoped.open().and_then(|session| go(&session, &args.verb)))
}

fn go(session: &Session, verb: &Verb) -> Result<(), Trouble> {
    match verb {
        Verb::Create(args) => revoke(session, args),
        Verb::List(which) => page(session, &PATH, None, which, "revocations", COLUMNS),
        Verb::Show(IdArg { id }) => session.show(Ask::get(&["v1", "revocations", id])),
        Verb::Delete(IdArg { id }) => {
            let reply = session.api.ask(Ask::delete(&["v1", "revocations", id]))?;
            done(&reply, session.output, &format!("deleted {id}"));
            Ok(())
        }
    }
}

/// Revokes what is named.
///
/// # Errors
/// The server says no, or cannot be asked.
pub fn revoke(session: &Session, args: &RevokedArgs) -> Result<(), Trouble> {
    let RevokedArgs { named, issuer, issued_before, reason } = args;
    let NamedArgs { jti, session: sid, key, subject, agent, organisation } = named;
    let subject = subject
        .as_ref()
        .map(|id| Value::from(Body::new().text("issuer", issuer.as_deref()).text("id", Some(id))));
    let text = |text: &Option<String>| text.clone().map(Value::from);
    let named = [
        ("jti", text(jti)),
        ("session", text(sid)),
        ("key", text(key)),
        ("subject", subject),
        ("agent", text(agent)),
        ("organisation", text(organisation)),
    ];
    let named = named.into_iter().find_map(|(sort, name)| Some(json!({ sort: name? })));
    let body = Body::new().text("organisation", session.org()).with("named", named);
    let body = body.with("issued_before", issued_before.map(Timestamp::rfc3339));
    session.show(Ask::post(&PATH).body(body.text("reason", reason.as_deref())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_revoked_is_said_in_words() {
        for (named, words) in [
            (json!({"jti": "abc"}), "jti abc"),
            (json!({"subject": {"id": "bob"}}), "subject bob"),
            (json!({"subject": {"issuer": "https://idp", "id": "bob"}}), "subject bob of https://idp"),
            (json!(null), "-"),
        ] {
            assert_eq!(what(&named), words);
        }
    }
}
