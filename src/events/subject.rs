//! Whom an event is about: a subject identifier of RFC 9493, or a complex subject of SSF 1.0 section 3.
//!
//! INVARIANT (not less than said): a member that is not there stands for all, and so does one beside a user that nobody here can look at,
//! such as a device. Only where it must not be passed over (`critical_subject_members`), or where nothing would be left but a
//! whole tenant, the event is passed over instead.

use serde_json::{Map, Value};

use super::refused::Refused;
use crate::model::subject::check_id;

/// The most identifiers of one subject.
const MOST: usize = 16;

/// One name of a user, a session or a tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    /// Who knows it by that name, where the event says so.
    pub issuer: Option<String>,
    /// The name.
    pub id: String,
}

/// Whom an event is about. All lists empty: nobody who could be found here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Subject {
    /// A user, by each of its names.
    pub users: Vec<Name>,
    /// A session, by each of its names; where there are users, of theirs.
    pub sessions: Vec<Name>,
    /// One token.
    pub tokens: Vec<Name>,
    /// Everybody of a tenant.
    pub tenants: Vec<Name>,
}

/// What a subject identifier says.
enum Identifier {
    /// A name, of which an opaque one may be that of a session.
    Named {
        names: Vec<Name>,
        opaque: bool,
    },
    Token(Name),
    /// In a way that names nobody here.
    Unknown,
}

impl Subject {
    /// Reads `sub_id`. What is in `critical` must be understood where it is there.
    ///
    /// # Errors
    /// It is not well-formed.
    pub fn read(sub_id: &Value, critical: &[String]) -> Result<Self, Refused> {
        let members = sub_id.as_object().ok_or_else(|| Refused::invalid("`sub_id` is not an object"))?;
        if format_of(members)? == "complex" {
            return Self::complex(members, critical);
        }
        let mut subject = Self::default();
        for identifier in identifiers(members)? {
            match identifier {
                Identifier::Named { names, opaque } => {
                    if opaque {
                        subject.sessions.extend(names.iter().cloned());
                    }
                    subject.users.extend(names);
                }
                Identifier::Token(name) => subject.tokens.push(name),
                Identifier::Unknown => {}
            }
        }
        Ok(subject)
    }

    fn complex(members: &Map<String, Value>, critical: &[String]) -> Result<Self, Refused> {
        let (mut subject, mut passed_over) = (Self::default(), Vec::new());
        for (name, value) in members.iter().filter(|(name, _)| *name != "format") {
            let member = value.as_object();
            let member = member.ok_or_else(|| Refused::invalid("a member of `sub_id` is not an object"))?;
            let mut understood = false;
            for identifier in identifiers(member)? {
                let place = match (name.as_str(), identifier) {
                    ("user" | "session", Identifier::Token(token)) => {
                        subject.tokens.push(token);
                        understood = true;
                        continue;
                    }
                    ("user", Identifier::Named { names, .. }) => (&mut subject.users, names),
                    ("session", Identifier::Named { names, .. }) => (&mut subject.sessions, names),
                    ("tenant", Identifier::Named { names, .. }) => (&mut subject.tenants, names),
                    _ => continue,
                };
                place.0.extend(place.1);
                understood = true;
            }
            if !understood {
                passed_over.push(name);
            }
        }
        if passed_over.iter().any(|name| critical.contains(name)) {
            return Ok(Self::default());
        }
        let narrower =
            !subject.users.is_empty() || !subject.sessions.is_empty() || !subject.tokens.is_empty();
        // A user is one whatever the tenant; and one of its devices is not the whole tenant.
        if narrower || !passed_over.is_empty() {
            subject.tenants.clear();
        }
        Ok(subject)
    }

    /// Whether it names nobody who could be found here.
    pub fn is_nobody(&self) -> bool {
        let Self { users, sessions, tokens, tenants } = self;
        [users, sessions, tokens, tenants].into_iter().all(Vec::is_empty)
    }
}

fn format_of(members: &Map<String, Value>) -> Result<&str, Refused> {
    let format = members.get("format").and_then(Value::as_str);
    format.ok_or_else(|| Refused::invalid("a subject identifier has no `format` (RFC 9493)"))
}

/// The identifiers that there are: one, or those of the format `aliases`.
fn identifiers(members: &Map<String, Value>) -> Result<Vec<Identifier>, Refused> {
    if format_of(members)? != "aliases" {
        return Ok(vec![identifier(members)?]);
    }
    let wrong = || Refused::invalid("`identifiers` is not a list of 1 to 16 subject identifiers");
    let aliases = members.get("identifiers").and_then(Value::as_array).ok_or_else(wrong)?;
    if aliases.is_empty() || aliases.len() > MOST {
        return Err(wrong());
    }
    // They do not nest (RFC 9493 section 3.2.8).
    aliases.iter().map(|alias| identifier(alias.as_object().ok_or_else(wrong)?)).collect()
}

fn identifier(members: &Map<String, Value>) -> Result<Identifier, Refused> {
    let text = |name: &str| {
        let text = members.get(name).and_then(Value::as_str).filter(|text| check_id(text).is_ok());
        let wrong = || Refused::invalid(format!("`{name}` of a subject identifier is not a name"));
        text.map(str::to_owned).ok_or_else(wrong)
    };
    let named = |issuer: Option<String>, ids: Vec<String>| {
        let names = ids.into_iter().map(|id| Name { issuer: issuer.clone(), id }).collect();
        Identifier::Named { names, opaque: false }
    };
    Ok(match format_of(members)? {
        "iss_sub" => named(Some(text("iss")?), vec![text("sub")?]),
        "opaque" => {
            let names = vec![Name { issuer: None, id: text("id")? }];
            Identifier::Named { names, opaque: true }
        }
        // As credentials have them among their aliases.
        "email" => named(None, vec![text("email")?.to_lowercase()]),
        "account" => {
            let uri = text("uri")?;
            let mail = uri.strip_prefix("acct:").map(str::to_lowercase).filter(|mail| !mail.is_empty());
            named(None, [Some(uri), mail].into_iter().flatten().collect())
        }
        "uri" => named(None, vec![text("uri")?]),
        "did" => named(None, vec![text("url")?]),
        "jwt_id" => Identifier::Token(Name { issuer: Some(text("iss")?), id: text("jti")? }),
        "aliases" | "complex" => return Err(Refused::invalid("a subject identifier is nested")),
        _ => Identifier::Unknown,
    })
}
