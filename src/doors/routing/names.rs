//! Headers that say who is calling: those that clients could send, and those that the service behind is told by.

use std::collections::BTreeMap;

use http::HeaderName;

use crate::doors::flaw::Flaw;

/// Names of headers, and beginnings of names. `_` counts as `-`, as it does for CGI and its heirs (RFC 3875 section 4.1.18).
#[derive(Debug, Default)]
pub(super) struct Patterns {
    whole: Vec<String>,
    beginnings: Vec<String>,
}

impl Patterns {
    /// Reads `doors.http.identity_headers`.
    ///
    /// # Errors
    /// What is no name.
    pub(super) fn new(patterns: &[String]) -> Result<Self, Flaw> {
        let mut read = Self::default();
        for (index, pattern) in patterns.iter().enumerate() {
            let beginning = pattern.strip_suffix('*');
            let name = beginning.unwrap_or(pattern).replace('_', "-");
            let Ok(name) = HeaderName::from_bytes(name.as_bytes()) else {
                let message = format!("`{pattern}` is not the name of a header");
                let hint = "write it like `x-user`, or `x-user-*` for all that begin so";
                return Err(Flaw::new(format!("doors.http.identity_headers[{index}]"), message, hint));
            };
            let list = if beginning.is_some() { &mut read.beginnings } else { &mut read.whole };
            list.push(name.as_str().to_owned());
        }
        Ok(read)
    }

    pub(super) fn matches(&self, name: &HeaderName) -> bool {
        let name = name.as_str().replace('_', "-");
        self.whole.contains(&name) || self.beginnings.iter().any(|beginning| name.starts_with(beginning))
    }
}

/// A header that tells the service behind something of who is calling.
#[derive(Debug)]
pub struct Upstream {
    /// Its name.
    pub name: HeaderName,
    /// Where its value is in the input: `subject.id`.
    pub path: Vec<String>,
}

impl Upstream {
    pub(super) fn stands_for(&self, name: &HeaderName) -> bool {
        name.as_str().replace('_', "-") == self.name.as_str()
    }
}

/// Reads `doors.http.upstream_headers`.
///
/// # Errors
/// What is no name, or a value that does not come from what was verified.
pub(super) fn upstream(headers: &BTreeMap<String, String>) -> Result<Vec<Upstream>, Flaw> {
    let mut read: Vec<Upstream> = Vec::new();
    for (name, path) in headers {
        let wrong = |message: String, hint: &str| {
            Flaw::new(format!("doors.http.upstream_headers.{name}"), message, hint)
        };
        let known = HeaderName::from_bytes(name.as_bytes()).ok().filter(|name| !name.as_str().contains('_'));
        let Some(header) = known.filter(|header| !read.iter().any(|other| other.name == header)) else {
            return Err(wrong(
                "is not the name of a header, or is there twice".to_owned(),
                "write it like `x-auth-user`, without `_`",
            ));
        };
        let path: Vec<String> = path.split('.').map(str::to_owned).collect();
        let verified = matches!(path.first().map(String::as_str), Some("subject" | "agent_id" | "org_id"));
        if !verified || path.iter().any(String::is_empty) {
            return Err(wrong(
                "its value does not come from what was verified".to_owned(),
                "name a part of the verified caller, e.g. `subject.id`, `subject.roles` or `subject.claims.email`",
            ));
        }
        read.push(Upstream { name: header, path });
    }
    Ok(read)
}
