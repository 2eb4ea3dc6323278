//! Fixture files: requests with the expected decisions, as data beside the policy.
//!
//! INVARIANT (nothing is guessed): an unknown key, a case without a caller or without an expectation is an error with file
//! and line, never a passing test.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Deserialize;

use super::fixture_caller::RawSubject;
pub use super::fixture_caller::{Caller, Subject};
use super::fixture_credential::Presented;
use super::fixture_document::{Document, present};
use super::fixture_error::{FixtureError, key_after};
use super::fixture_value::Expectation;
use crate::model::clock::Timestamp;
use crate::model::principal::IdentityMode;
use crate::model::request::EntryPath;
use crate::model::roles::Roles;
use crate::pdp::gate::{self, Gate};
use verdict_rego::{Location, yaml};

/// One request, its caller, and the expected decision.
#[derive(Debug, Clone)]
pub struct Case {
    /// The case's name; unique in its file.
    pub name: String,
    /// Where the case is defined.
    pub location: Location,
    /// The requested document.
    pub entrypoint: EntryPath,
    /// Where the policy keeps its reasons; `reasons` beside the entry point unless the file says otherwise.
    pub reasons_at: EntryPath,
    /// The time that policy and token verification see; the current time if `None`.
    pub now: Option<Timestamp>,
    /// The caller.
    pub caller: Caller,
    /// What no policy can allow, as the server has it.
    pub permissions: Arc<Permissions>,
    /// The body's `input`, as the caller sends it; `None` if the call has none.
    pub request: Option<serde_json::Value>,
    /// Base documents that replace the bundle's for this case, parents first.
    pub data: Vec<(EntryPath, serde_json::Value)>,
    /// The expected decision.
    pub expect: Expectation,
    /// What may not mean what it should.
    pub warning: Option<FixtureError>,
}

impl Case {
    /// Its full name: `file: case`.
    pub fn title(&self) -> String {
        format!("{}: {}", self.location.file, self.name)
    }
}

/// `permissions` of a file: as in the configuration of the server.
#[derive(Debug, Default)]
pub struct Permissions {
    /// What is asked before policy.
    pub gate: Gate,
    /// What roles give.
    pub roles: Arc<Roles>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFile {
    entrypoint: Option<String>,
    reasons_at: Option<String>,
    now: Option<String>,
    identity: Option<IdentityMode>,
    #[serde(default)]
    permissions: gate::Config,
    cases: Vec<RawCase>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawCase {
    name: String,
    entrypoint: Option<String>,
    reasons_at: Option<String>,
    now: Option<String>,
    identity: Option<IdentityMode>,
    subject: Option<RawSubject>,
    credential: Option<Presented>,
    #[serde(default, deserialize_with = "present")]
    request: Option<Document>,
    #[serde(default)]
    data: BTreeMap<String, Document>,
    expect: Expectation,
}

/// Reads a fixture file; `file` is its name for messages.
///
/// # Errors
/// Every problem that was found: one where the file cannot be read at all, else one for each unusable case.
pub fn parse(file: &str, text: &str) -> Result<Vec<Case>, Vec<FixtureError>> {
    let raw = read(file, text).map_err(|error| vec![error])?;
    let mut seen = BTreeSet::new();
    let mut from = 0;
    let (mut cases, mut problems) = (Vec::new(), Vec::new());
    let permissions = Arc::new(permissions(&raw.permissions).map_err(|message| {
        let location = Location { file: file.to_owned(), row: 1, col: 1 };
        vec![FixtureError::new(location, message)]
    })?);
    for case in &raw.cases {
        let row = row_of(text, &case.name, &mut from);
        let location = Location { file: file.to_owned(), row, col: 1 };
        if !seen.insert(case.name.as_str()) {
            let message = format!("two cases are named `{}`", case.name);
            problems.push(FixtureError::new(location.clone(), message));
        }
        match read_case(&raw, case, location) {
            Ok(case) => {
                let warning = in_envelope(text, &case);
                cases.push(Case { permissions: Arc::clone(&permissions), warning, ..case });
            }
            Err(problem) => problems.push(problem),
        }
    }
    if raw.cases.is_empty() {
        let location = Location { file: file.to_owned(), row: 1, col: 1 };
        problems.push(FixtureError::new(location, "the file has no cases"));
    }
    if problems.is_empty() { Ok(cases) } else { Err(problems) }
}

/// Reads the file twice: what is wrong with it is found by a reader that knows the place of every type error, and what its
/// values are is for the reader of all data to say.
fn read(file: &str, text: &str) -> Result<RawFile, FixtureError> {
    yaml_serde::from_str::<RawFile>(text).map_err(|error| FixtureError::from_yaml(file, text, &error))?;
    let at =
        |row, col, message: String| FixtureError::new(Location { file: file.to_owned(), row, col }, message);
    let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let value =
        yaml::read(text).map_err(|error| at(number(error.line), number(error.column), error.message))?;
    serde_json::from_str(value.to_raw().get()).map_err(|error| at(1, 1, error.to_string()))
}

fn permissions(config: &gate::Config) -> Result<Permissions, String> {
    let gate = Gate::new(config).map_err(|(key, message)| format!("`permissions.{key}`: {message}"))?;
    Ok(Permissions { gate, roles: Arc::new(config.role_table()) })
}

fn read_case(file: &RawFile, case: &RawCase, location: Location) -> Result<Case, FixtureError> {
    let problem =
        |message: String| FixtureError::new(location.clone(), format!("case `{}`: {message}", case.name));
    let entrypoint = case.entrypoint.as_ref().or(file.entrypoint.as_ref());
    let entrypoint = entrypoint.ok_or_else(|| {
        problem("no `entrypoint`, neither in the case nor at the top of the file".to_owned())
            .with_hint("e.g. `entrypoint: app/allow`")
    })?;
    let entrypoint = document_path("entrypoint", entrypoint).map_err(problem)?;
    let reasons_at = match case.reasons_at.as_ref().or(file.reasons_at.as_ref()) {
        Some(path) => document_path("reasons_at", path).map_err(problem)?,
        None => beside(&entrypoint, "reasons"),
    };
    let now = case.now.as_ref().or(file.now.as_ref());
    let now = now.map(|text| Timestamp::parse_rfc3339(text)).transpose();
    let mode = case.identity.or(file.identity);
    let mut data = Vec::new();
    for (path, value) in &case.data {
        data.push((document_path("data", path).map_err(problem)?, value.0.clone()));
    }
    case.expect.check().map_err(problem)?;
    Ok(Case {
        name: case.name.clone(),
        entrypoint,
        reasons_at,
        now: now.map_err(|error| {
            problem(format!("`now`: {error}")).with_hint("e.g. `now: 2026-01-01T09:00:00Z`")
        })?,
        permissions: Arc::default(),
        caller: caller(case, mode).map_err(|(message, hint)| problem(message.to_owned()).with_hint(hint))?,
        request: case.request.clone().map(|request| request.0),
        data,
        expect: case.expect.clone(),
        warning: None,
        location,
    })
}

/// A warning of a request that was written as the body of a call to the API, with `input` around it.
fn in_envelope(text: &str, case: &Case) -> Option<FixtureError> {
    let members = case.request.as_ref()?.as_object()?;
    if members.len() != 1 || !members.contains_key("input") {
        return None;
    }
    let from = usize::try_from(case.location.row).unwrap_or_default();
    let place = key_after(text, from, "request").unwrap_or((from, 1));
    let [row, col] = [place.0, place.1].map(|n| u32::try_from(n).unwrap_or(u32::MAX));
    let message = format!(
        "case `{}`: the only member of the request is `input`, so that policy sees `input.input`",
        case.name
    );
    let location = Location { file: case.location.file.clone(), row, col };
    let hint = "`request` is the input itself; did you mean what is below `input`?";
    Some(FixtureError::new(location, message).with_hint(hint))
}

fn caller(case: &RawCase, mode: Option<IdentityMode>) -> Result<Caller, (&'static str, &'static str)> {
    match (&case.subject, &case.credential, mode) {
        (Some(_), Some(_), _) => {
            Err(("both `subject` and `credential`", "`subject` and `credential` are mutually exclusive"))
        }
        (None, None, Some(IdentityMode::Off)) => Ok(Caller::Unchecked),
        (None, None, Some(IdentityMode::None)) => Ok(Caller::Anonymous),
        (None, None, _) => Err((
            "no caller",
            "give `subject: {id: …}`, `subject: anonymous`, or `credential: none`; for plain OPA behaviour \
             `identity: off`",
        )),
        (_, _, Some(IdentityMode::Off | IdentityMode::None)) => Err((
            "`identity: off` or `none` together with a subject or a credential",
            "they are ignored in these modes",
        )),
        (Some(RawSubject::Anonymous), None, _) => Ok(Caller::Anonymous),
        (Some(RawSubject::Ready(subject)), None, _) => Ok(Caller::Subject(subject.clone())),
        (None, Some(presented), mode) => {
            Ok(Caller::Credential(presented.clone(), mode.unwrap_or(IdentityMode::Required)))
        }
    }
}

fn document_path(key: &str, text: &str) -> Result<EntryPath, String> {
    let path = EntryPath::parse(text).map_err(|error| format!("`{key}`: {error}"))?;
    if path.segments().is_empty()
        || (text.starts_with("data.") || (text.contains('.') && path.segments().len() == 1))
    {
        let better = text.strip_prefix("data.").unwrap_or(text).replace('.', "/");
        return Err(format!("`{key}`: `{text}` is not the path of a document; write `{better}`"));
    }
    Ok(path)
}

fn beside(path: &EntryPath, name: &str) -> EntryPath {
    let mut segments = path.segments().to_vec();
    segments.pop();
    segments.push(name.to_owned());
    EntryPath::from_segments(segments)
}

/// The line on which the case of this name begins, searching from where the last one was found. The parser gives no lines,
/// so this searches for the text `name: …`; line 1 if it is not found.
fn row_of(text: &str, name: &str, from: &mut usize) -> u32 {
    let is_name = |line: &str| {
        let after = line.split_once("name").map_or("", |(_, after)| after).trim_start_matches(['"', '\'']);
        after.trim_start().strip_prefix(':').is_some_and(|value| value.contains(name))
    };
    match text.lines().enumerate().skip(*from).find(|(_, line)| is_name(line)) {
        Some((index, _)) => {
            *from = index + 1;
            u32::try_from(index + 1).unwrap_or(u32::MAX)
        }
        None => 1,
    }
}
