//! Who asks for what, without writing JSON: `--principal alice --action read --resource type=doc,owner=bob`.
//!
//! The input is assembled as the server assembles it: what these flags say of the caller is verified, the rest is the request.

use std::collections::BTreeMap;

use serde_json::json;

use crate::model::principal::AuthContext;
use crate::model::roles::Roles;
use crate::pdp::input;
use crate::testing::fixture::Subject;
use verdict_rego::Value;

/// The flags that make the input document, or parts of it.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Who asks for what")]
pub struct EnvelopeArgs {
    /// Verified subject, e.g. `{"id": "alice", "roles": ["admin"]}`; the input is then assembled as in the server
    #[arg(long, value_name = "JSON")]
    pub subject: Option<String>,
    /// Verified subject by its id, instead of `--subject`
    #[arg(long, value_name = "ID", conflicts_with = "subject")]
    pub principal: Option<String>,
    /// Role of the principal; repeatable
    #[arg(long, value_name = "ROLE", requires = "principal")]
    pub role: Vec<String>,
    /// Agent that acts for the principal
    #[arg(long, value_name = "ID", requires = "principal")]
    pub agent: Option<String>,
    /// `action` of the input
    #[arg(long, value_name = "ACTION")]
    pub action: Option<String>,
    /// `resource` of the input: `type=doc,owner=bob`; `NAME=TEXT` is text, `NAME:=JSON` any value, e.g. `level:=3`;
    /// repeatable
    #[arg(long, value_name = "NAME=TEXT,…")]
    pub resource: Vec<Members>,
    /// `context` of the input, written like `--resource`
    #[arg(long, value_name = "NAME=TEXT,…")]
    pub context: Vec<Members>,
}

impl EnvelopeArgs {
    /// Whether none of them is given; those that depend on others need not be asked.
    pub(super) fn is_empty(&self) -> bool {
        let one = [&self.subject, &self.principal, &self.action].iter().any(|given| given.is_some());
        !one && self.resource.is_empty() && self.context.is_empty()
    }

    /// The input of these flags and of the document that is given besides, whose `action`, `resource` and `context` they
    /// replace.
    ///
    /// # Errors
    /// A subject that cannot be, or an input that is no object where it must be one.
    pub(super) fn around(&self, given: Option<Value>) -> Result<Option<Value>, String> {
        let asked = self.request(given)?;
        let Some(subject) = self.stated()? else { return Ok(asked) };
        let caller = AuthContext::Verified(subject.verified(&Roles::default())?);
        input::assemble(&caller, asked).map_err(|failure| failure.message)
    }

    fn stated(&self) -> Result<Option<Subject>, String> {
        if let Some(json) = &self.subject {
            return serde_json::from_str(json).map(Some).map_err(|error| format!("`--subject`: {error}"));
        }
        let Some(id) = &self.principal else { return Ok(None) };
        let subject = json!({"id": id, "roles": self.role, "agent": self.agent});
        serde_json::from_value(subject).map(Some).map_err(|error| format!("`--principal`: {error}"))
    }

    fn request(&self, given: Option<Value>) -> Result<Option<Value>, String> {
        let mut members: Vec<(&str, Value)> = Vec::new();
        members.extend(self.action.as_deref().map(|action| ("action", Value::from(action))));
        for (flag, given) in [("resource", &self.resource), ("context", &self.context)] {
            members.extend(together(flag, given)?.map(|value| (flag, value)));
        }
        if members.is_empty() {
            return Ok(given);
        }
        let mut request = given.unwrap_or_else(Value::object);
        if !request.is_object() {
            return Err(format!("the input is {}, so that nothing can be added to it", request.type_name()));
        }
        for (name, value) in members {
            request.insert(name, value);
        }
        Ok(Some(request))
    }
}

/// One object of all that was given to a flag; `None` for nothing.
fn together(flag: &str, given: &[Members]) -> Result<Option<Value>, String> {
    let mut all = BTreeMap::new();
    for (name, value) in given.iter().flat_map(|members| &members.0) {
        if all.insert(name.as_str(), value.clone()).is_some() {
            return Err(format!("`--{flag}` gives `{name}` twice"));
        }
    }
    let mut object = Value::object();
    for (name, value) in all {
        object.insert(name, value);
    }
    Ok((!given.is_empty()).then_some(object))
}

/// Members of an object: `type=doc,level:=3`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Members(Vec<(String, Value)>);

impl std::str::FromStr for Members {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut members = Vec::new();
        let mut rest = text;
        loop {
            let Some((name, behind)) = rest.split_once('=') else {
                let part = rest.split(',').next().unwrap_or_default();
                return Err(format!("`{part}` has no value; write NAME=TEXT or NAME:=JSON, e.g. `type=doc`"));
            };
            let (name, value, behind) = match name.strip_suffix(':') {
                Some(name) => {
                    let (value, behind) = json_value(name, behind)?;
                    (name, value, behind)
                }
                None => {
                    let end = behind.find(',').unwrap_or(behind.len());
                    let (text, behind) = behind.split_at_checked(end).unwrap_or((behind, ""));
                    (name, Value::from(text), behind)
                }
            };
            if name.is_empty() || name.contains(',') {
                return Err(format!("`{name}` is no name; write NAME=TEXT or NAME:=JSON, e.g. `type=doc`"));
            }
            members.push((name.to_owned(), value));
            match behind.strip_prefix(',') {
                Some(more) => rest = more,
                None => return Ok(Self(members)),
            }
        }
    }
}

/// The JSON value that a text begins with, and what stands behind it: nothing, or a comma.
fn json_value<'a>(name: &str, text: &'a str) -> Result<(Value, &'a str), String> {
    let wrong = |why: String| {
        format!("`{name}`: {why}; `:=` takes JSON, e.g. `{name}:=3`, and `=` takes text, e.g. `{name}=three`")
    };
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<Box<serde_json::value::RawValue>>();
    let found = values.next().unwrap_or_else(|| Err(serde::de::Error::custom("there is no value")));
    let found = found.map_err(|error| wrong(error.to_string()))?;
    let value = Value::from_json(found.get().as_bytes()).map_err(|error| wrong(error.to_string()))?;
    match text.get(values.byte_offset()..).unwrap_or_default() {
        behind if behind.is_empty() || behind.starts_with(',') => Ok((value, behind)),
        behind => Err(wrong(format!("`{behind}` stands behind a value"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_text_or_json() {
        for (text, expected) in [
            ("type=doc", Ok(r#"{"type":"doc"}"#)),
            ("type=doc,owner=bob", Ok(r#"{"owner":"bob","type":"doc"}"#)),
            ("n=3", Ok(r#"{"n":"3"}"#)),
            ("n:=3,m=4", Ok(r#"{"m":"4","n":3}"#)),
            (r#"tags:=["a","b"],x="#, Ok(r#"{"tags":["a","b"],"x":""}"#)),
            (r#"of:={"a":{"b":null}}"#, Ok(r#"{"of":{"a":{"b":null}}}"#)),
            ("q=a=b", Ok(r#"{"q":"a=b"}"#)),
            ("big:=123456789012345678901", Err("would not keep its value")),
            ("doc", Err("`doc` has no value")),
            ("type=doc,owner", Err("`owner` has no value")),
            ("=doc", Err("`` is no name")),
            ("a,b=1", Err("`a,b` is no name")),
            ("n:=three", Err("`n`: expected ident")),
            ("n:=", Err("`n`: there is no value")),
            ("n:={} x", Err("` x` stands behind a value")),
        ] {
            let read = text.parse::<Members>().and_then(|members| together("resource", &[members]));
            match (read, expected) {
                (Ok(value), Ok(json)) => assert_eq!(value.unwrap().to_string(), json, "{text}"),
                (Err(message), Err(part)) => assert!(message.contains(part), "{text}: {message}"),
                (read, _) => panic!("{text}: {read:?}"),
            }
        }
    }
}
