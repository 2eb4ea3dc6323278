//! What tokens of Microsoft Entra say of agents: `idtyp`, and the facets of subject and actor (`xms_sub_fct`, `xms_act_fct`).
//!
//! Facets are sets of numbers without order, of which those that are not known mean nothing here. The blueprint that an agent was
//! made by (`xms_par_app_azp`) is nobody who acts: it stays among the claims.

use serde_json::Value;

use super::claims::{Claims, required_text, wrong};
use crate::identity::refusal::Refusal;
use crate::model::principal::Actor;
use crate::model::subject;

/// The facet of an agent's identity.
const AGENT: u64 = 11;
/// The facet of a user account that is an agent's own.
const AGENT_USER: u64 = 13;

/// What the claims say of the subject.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Said {
    /// The subject's type.
    pub(super) kind: Option<&'static str>,
    /// The agent that acts for the subject.
    pub(super) actor: Option<Actor>,
}

/// Reads them; nothing is said where a token has none of them.
///
/// # Errors
/// A claim of a wrong form, or an agent that acts and has no name.
pub(super) fn read(claims: &Claims, subject_id: &str) -> Result<Said, Refusal> {
    let (acting, being) = (facets(claims, "xms_act_fct")?, facets(claims, "xms_sub_fct")?);
    let usual = match claims.get("idtyp") {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) => match text.as_str() {
            "app" => Some("service"),
            "user" => Some("user"),
            _ => None,
        },
        Some(_) => return Err(wrong("idtyp", "is not a text")),
    };
    // Nobody but the agent uses its account: what policy allows people alone is not for it.
    let is_agent = being.contains(&AGENT) || being.contains(&AGENT_USER);
    let kind = if is_agent { Some("agent") } else { usual };
    // An agent that acts for itself acts for nobody.
    if !acting.contains(&AGENT) || being.contains(&AGENT) {
        return Ok(Said { kind, actor: None });
    }
    let name = if claims.contains_key("azp") { "azp" } else { "appid" };
    let id = required_text(claims, name)?;
    subject::check_id(id).map_err(|problem| wrong(name, problem))?;
    let actor = (id != subject_id).then(|| Actor { id: id.to_owned(), issuer: None });
    Ok(Said { kind, actor })
}

/// The numbers of a claim: a text of numbers, a list of them, or one.
fn facets(claims: &Claims, name: &'static str) -> Result<Vec<u64>, Refusal> {
    const FORM: &str = "is not a list of numbers";
    let number = |value: &Value| match value {
        Value::String(text) => text.parse().ok(),
        other => other.as_u64(),
    };
    let numbers: Option<Vec<u64>> = match claims.get(name) {
        None | Some(Value::Null) => Some(Vec::new()),
        Some(Value::String(text)) => text.split_whitespace().map(|word| word.parse().ok()).collect(),
        Some(Value::Array(items)) => items.iter().map(number).collect(),
        Some(other) => number(other).map(|one| vec![one]),
    };
    numbers.ok_or(wrong(name, FORM))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn agents_are_told_by_facets_in_any_order() {
        for (claims, expected) in [
            (json!({}), "- -"),
            (json!({ "idtyp": "user" }), "user -"),
            (json!({ "idtyp": "app" }), "service -"),
            (json!({ "idtyp": "device" }), "- -"),
            // On behalf of a user.
            (json!({ "idtyp": "user", "xms_act_fct": "11", "azp": "bot" }), "user bot"),
            (json!({ "idtyp": "user", "xms_act_fct": "3 11 9", "appid": "bot" }), "user bot"),
            // On its own.
            (json!({ "idtyp": "app", "xms_act_fct": "11", "xms_sub_fct": "11", "azp": "bot" }), "agent -"),
            // By its own account.
            (json!({ "idtyp": "user", "xms_act_fct": "11", "xms_sub_fct": "13", "azp": "bot" }), "agent bot"),
            (
                json!({ "idtyp": "user", "xms_act_fct": [11], "xms_sub_fct": "7 13", "azp": "bot" }),
                "agent bot",
            ),
            (json!({ "xms_sub_fct": "13 11" }), "agent -"),
            // What is not known means nothing, and a blueprint acts for nobody.
            (json!({ "idtyp": "user", "xms_act_fct": "15 99", "azp": "bot" }), "user -"),
            (json!({ "idtyp": "user", "xms_act_fct": "111", "xms_sub_fct": "1 3", "azp": "bot" }), "user -"),
            (json!({ "idtyp": "user", "xms_par_app_azp": "blueprint" }), "user -"),
            (json!({ "idtyp": "user", "xms_act_fct": 11, "azp": "me" }), "user -"),
            (json!({ "xms_act_fct": "eleven" }), "claim `xms_act_fct` is not a list of numbers"),
            (json!({ "xms_sub_fct": { "11": true } }), "claim `xms_sub_fct` is not a list of numbers"),
            (json!({ "xms_act_fct": "11" }), "claim `appid` is missing"),
            (json!({ "xms_act_fct": "11", "azp": "" }), "claim `azp` is not a text, or empty"),
            (json!({ "idtyp": 1 }), "claim `idtyp` is not a text"),
        ] {
            let shown = match read(claims.as_object().unwrap(), "me") {
                Ok(Said { kind, actor }) => {
                    format!("{} {}", kind.unwrap_or("-"), actor.map_or("-".to_owned(), |actor| actor.id))
                }
                Err(refusal) => refusal.to_string(),
            };
            assert_eq!(shown, expected, "{claims}");
        }
    }
}
