//! Lists, a page at a time.

use serde_json::Value;

use super::api::Ask;
use super::connection::Session;
use super::show::{Column, list};
use super::trouble::Trouble;

/// The longest page.
const LONGEST: u32 = 1000;

/// Which page of a list.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct PageArgs {
    /// How many to show, at most 1000 [default: 100]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: Option<u32>,
    /// Go on after this place, as the list before says
    #[arg(long, value_name = "PLACE")]
    after: Option<String>,
}

/// Shows a page of what is at this path, of the organisation and, where one is named, of an agent.
///
/// # Errors
/// The server says no, or cannot be asked.
pub fn page(
    session: &Session,
    path: &[&str],
    agent: Option<&str>,
    page: &PageArgs,
    what: &str,
    spec: &[Column],
) -> Result<(), Trouble> {
    let ask = Ask::get(path).query("organisation", session.org()).query("agent", agent);
    let reply = session.api.ask(ask.query("after", page.after.as_ref()).query("limit", page.limit))?;
    list(&reply, session.output, what, spec);
    Ok(())
}

/// Shows the records of a page for which `wanted` holds. As JSON, the page is shown as it is.
///
/// # Errors
/// The server says no, or cannot be asked.
pub fn kept(
    session: &Session,
    ask: Ask,
    page: &PageArgs,
    wanted: impl Fn(&Value) -> bool,
    what: &str,
    spec: &[Column],
) -> Result<(), Trouble> {
    let mut reply = session.api.ask(ask.query("after", page.after.as_ref()).query("limit", page.limit))?;
    if let Some(items) = reply.value.get_mut("items").and_then(Value::as_array_mut) {
        items.retain(wanted);
    }
    list(&reply, session.output, what, spec);
    Ok(())
}

/// The first record of a list for which `wanted` holds, for what has no address of its own.
///
/// # Errors
/// The server says no, or cannot be asked.
pub fn find(
    session: &Session,
    path: &[&str],
    wanted: impl Fn(&Value) -> bool,
) -> Result<Option<Value>, Trouble> {
    let mut after: Option<String> = None;
    loop {
        let ask = Ask::get(path).query("organisation", session.org()).query("limit", Some(LONGEST));
        let reply = session.api.ask(ask.query("after", after.as_ref()))?;
        let items = reply.value.get("items").and_then(Value::as_array);
        if let Some(found) = items.and_then(|items| items.iter().find(|item| wanted(item))) {
            return Ok(Some(found.clone()));
        }
        match reply.value.get("next").and_then(Value::as_str) {
            Some(next) if after.as_deref() != Some(next) => after = Some(next.to_owned()),
            _ => return Ok(None),
        }
    }
}
