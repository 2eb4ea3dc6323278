//! What a call of the admin API asks: the names in its path, its parameters, its body.
//!
//! INVARIANT (nothing is passed over): a parameter or a member that is not known, or is there twice, is refused.

use percent_encoding::percent_decode_str;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::doors::body::FromDocument;
use crate::model::clock::Timestamp;
use crate::registry::reads::{LONGEST, Page};

/// The parameters that every operation takes.
pub(super) const COMMON: [&str; 2] = ["organisation", "pretty"];
/// How long a list is unless somebody says otherwise.
const DEFAULT_LIMIT: u32 = 100;
/// The longest parameter, in bytes.
const MAX_PARAMETER: usize = 2048;

/// What is wrong with what is asked.
#[derive(Debug)]
pub(super) struct Invalid {
    /// The member or parameter that it is about.
    pub(super) field: Option<String>,
    pub(super) message: String,
}

impl Invalid {
    pub(super) fn new(field: &str, message: impl Into<String>) -> Self {
        Self { field: Some(field.to_owned()), message: message.into() }
    }

    fn of(message: impl Into<String>) -> Self {
        Self { field: None, message: message.into() }
    }
}

/// A body as JSON; an empty one is an object without members.
#[derive(Debug)]
pub(super) struct Document(Value);

impl Default for Document {
    fn default() -> Self {
        Self(Value::Object(serde_json::Map::new()))
    }
}

impl FromDocument for Document {
    fn from_document(document: verdict_rego::Value) -> Result<Self, String> {
        serde_json::from_str(&document.to_string()).map(Self).map_err(|error| error.to_string())
    }
}

/// What is asked.
#[derive(Debug)]
pub(super) struct Asked {
    path: Vec<String>,
    query: Vec<(String, String)>,
    body: Document,
}

impl Asked {
    /// Reads path and parameters of a request for an operation with this template and these parameters.
    ///
    /// # Errors
    /// A name that is not UTF-8, and parameters that are not known or there twice.
    pub(super) fn read(
        template: &str,
        known: &[&str],
        path: &str,
        query: Option<&str>,
    ) -> Result<Self, Invalid> {
        let segments = template.split('/').zip(path.split('/'));
        let names = segments.filter(|(name, _)| name.starts_with('{'));
        let path = names.map(|(_, text)| decoded(text)).collect::<Result<Vec<String>, Invalid>>()?;
        let mut read: Vec<(String, String)> = Vec::new();
        for pair in query.unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (name, value) = (decoded(&name.replace('+', " "))?, decoded(&value.replace('+', " "))?);
            if !known.contains(&name.as_str()) && !COMMON.contains(&name.as_str()) {
                let all = COMMON.iter().chain(known).map(|name| format!("`{name}`")).collect::<Vec<_>>();
                return Err(Invalid::new(
                    &name,
                    format!("is no parameter of this; there are {}", all.join(", ")),
                ));
            }
            if read.iter().any(|(other, _)| *other == name) {
                return Err(Invalid::new(&name, "is given twice"));
            }
            read.push((name, value));
        }
        Ok(Self { path, query: read, body: Document::default() })
    }

    /// With a body.
    pub(super) fn with(self, body: Document) -> Self {
        Self { body, ..self }
    }

    /// The first name in the path.
    pub(super) fn id(&self) -> String {
        self.path.first().cloned().unwrap_or_default()
    }

    /// The second name in the path.
    pub(super) fn name(&self) -> String {
        self.path.get(1).cloned().unwrap_or_default()
    }

    /// A parameter; one that is empty is as if it were not there.
    pub(super) fn parameter(&self, name: &str) -> Option<String> {
        let found = self.query.iter().find(|(other, _)| other == name);
        found.map(|(_, value)| value.clone()).filter(|value| !value.is_empty())
    }

    /// A parameter that has to be there.
    ///
    /// # Errors
    /// It is not.
    pub(super) fn required(&self, name: &str) -> Result<String, Invalid> {
        self.parameter(name).ok_or_else(|| Invalid::new(name, "is missing"))
    }

    /// The organisation that the parameter names.
    pub(super) fn organisation(&self) -> Option<String> {
        self.parameter("organisation")
    }

    /// The organisation that the body names, or the parameter.
    ///
    /// # Errors
    /// They name two.
    pub(super) fn organisation_or(&self, named: Option<String>) -> Result<Option<String>, Invalid> {
        match (named, self.organisation()) {
            (Some(one), Some(other)) if one != other => {
                Err(Invalid::new("organisation", "differs from the parameter `organisation`"))
            }
            (one, other) => Ok(one.or(other)),
        }
    }

    /// Whether the answer is to be indented.
    pub(super) fn pretty(&self) -> bool {
        self.query.iter().any(|(name, value)| name == "pretty" && !value.eq_ignore_ascii_case("false"))
    }

    /// The body.
    ///
    /// # Errors
    /// Members that are unknown, missing, or of another type.
    pub(super) fn body<T: DeserializeOwned>(&mut self) -> Result<T, Invalid> {
        let document = std::mem::take(&mut self.body).0;
        if !document.is_object() {
            return Err(Invalid::of("the body is not a JSON object"));
        }
        serde_path_to_error::deserialize(document).map_err(|error| {
            let (path, message) = (error.path().to_string(), error.inner().to_string());
            let missing = message.strip_prefix("missing field `").and_then(|rest| rest.split('`').next());
            let field = match (path.as_str(), missing) {
                (".", None) => None,
                (".", Some(missing)) => Some(missing.to_owned()),
                (path, Some(missing)) => Some(format!("{path}.{missing}")),
                (path, None) => Some(path.to_owned()),
            };
            Invalid { field, message }
        })
    }

    /// The page of a list.
    ///
    /// # Errors
    /// Parameters that are none.
    pub(super) fn page(&self) -> Result<Page, Invalid> {
        let after = self.parameter("after").map(|cursor| uncover(&cursor)).transpose()?;
        Ok(Page {
            organisation: self.organisation(),
            agent: self.parameter("agent"),
            after,
            limit: self.limit()?,
        })
    }

    /// How many items are asked for.
    ///
    /// # Errors
    /// It is no number, or too large.
    pub(super) fn limit(&self) -> Result<u32, Invalid> {
        let Some(text) = self.parameter("limit") else { return Ok(DEFAULT_LIMIT) };
        let limit = text.parse().ok().filter(|limit| (1..=LONGEST).contains(limit));
        limit.ok_or_else(|| Invalid::new("limit", format!("must be a number from 1 to {LONGEST}")))
    }

    /// A time.
    ///
    /// # Errors
    /// It is none.
    pub(super) fn time(&self, name: &str) -> Result<Option<Timestamp>, Invalid> {
        let text = self.parameter(name);
        text.map(|text| Timestamp::parse_rfc3339(&text).map_err(|error| Invalid::new(name, error)))
            .transpose()
    }

    /// `from` and `until`.
    ///
    /// # Errors
    /// They are no times, or the wrong way round.
    pub(super) fn times(&self) -> Result<(Option<Timestamp>, Option<Timestamp>), Invalid> {
        let (from, until) = (self.time("from")?, self.time("until")?);
        match (from, until) {
            (Some(from), Some(until)) if from >= until => {
                Err(Invalid::new("until", "is not later than `from`"))
            }
            times => Ok(times),
        }
    }

    /// The number `before`.
    ///
    /// # Errors
    /// It is none.
    pub(super) fn before(&self) -> Result<Option<u64>, Invalid> {
        let text = self.parameter("before");
        let number = |text: String| text.parse().map_err(|_| Invalid::new("before", "is no number"));
        text.map(number).transpose()
    }
}

fn decoded(text: &str) -> Result<String, Invalid> {
    if text.len() > MAX_PARAMETER {
        return Err(Invalid::of(format!(
            "a name in the request's target is longer than {MAX_PARAMETER} bytes"
        )));
    }
    let decoded = percent_decode_str(text).decode_utf8();
    decoded.map(|text| text.into_owned()).map_err(|_| Invalid::of("the request's target is not UTF-8"))
}

/// A place in a list, as clients have it: base64url, so that it can stand in a URL as it is.
pub(super) fn cursor(id: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(id)
}

fn uncover(cursor: &str) -> Result<String, Invalid> {
    use base64::Engine as _;
    let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(cursor).ok();
    let id = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    id.ok_or_else(|| Invalid::new("after", "is not what an earlier answer had as `next`"))
}
