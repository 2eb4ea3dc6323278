//! Declared mappings of COAZ-MCP (AuthZEN, Draft 1): what a tool says that its calls are about, instead of the tool itself.
//!
//! INVARIANT (who is calling is verified): a mapping never says who is calling. What it says of a subject is shown to policy beside the
//! verified one, as `mcp.mapping.subject`.
//! INVARIANT (beside, not instead): the message stays in `mcp`, whatever a mapping makes of it, and AgentPolicies see the tool.

use serde_json::{Map, Value as Json};

use super::expression::{Expression, Variables};
use super::rpc::Fault;
use verdict_rego::Value;

/// The members of an evaluation (AuthZEN 1.0 section 6.1).
const MEMBERS: [&str; 4] = ["subject", "action", "resource", "context"];

/// A value that is filled in for each call.
#[derive(Debug)]
enum Template {
    Literal(Value),
    Computed(Expression),
    Object(Vec<(String, Self)>),
    List(Vec<Self>),
}

impl Template {
    fn new(template: &Json) -> Result<Self, String> {
        Ok(match template {
            Json::String(text) => match text.strip_prefix('$') {
                Some(rest) if rest.starts_with('$') => Self::Literal(Value::from(rest)),
                Some(source) => Self::Computed(Expression::new(source)?),
                None => Self::Literal(Value::from(text.as_str())),
            },
            Json::Array(items) => Self::List(items.iter().map(Self::new).collect::<Result<_, _>>()?),
            Json::Object(members) => {
                let members = members.iter().map(|(name, value)| Ok((name.clone(), Self::new(value)?)));
                Self::Object(members.collect::<Result<_, String>>()?)
            }
            other => Self::Literal(Value::from_serialize(other).map_err(|error| error.to_string())?),
        })
    }

    /// Its value; none where an expression says so.
    fn value(&self, variables: &Variables) -> Result<Option<Value>, Fault> {
        Ok(Some(match self {
            Self::Literal(value) => value.clone(),
            Self::Computed(expression) => return expression.value(variables),
            Self::List(items) => {
                let items = items.iter().filter_map(|item| item.value(variables).transpose());
                Value::from(items.collect::<Result<Vec<_>, _>>()?)
            }
            Self::Object(members) => {
                let mut object = Value::object();
                for (name, member) in members {
                    if let Some(value) = member.value(variables)? {
                        object.insert(name, value);
                    }
                }
                object
            }
        }))
    }
}

/// One evaluation, or the defaults of several.
type Evaluation = Vec<(&'static str, Template)>;

/// A declared mapping.
#[derive(Debug)]
pub(super) struct Mapping {
    defaults: Evaluation,
    /// One without members where there is a single one.
    entries: Vec<Evaluation>,
}

impl Mapping {
    /// Reads `x-authzen-mapping`.
    ///
    /// # Errors
    /// It is malformed.
    pub(super) fn new(mapping: &Json) -> Result<Self, String> {
        let Some((envelope, body)) =
            mapping.as_object().filter(|all| all.len() == 1).and_then(|all| all.iter().next())
        else {
            return Err("the mapping is not an object with one of `evaluation` and `evaluations`".to_owned());
        };
        let body = body.as_object().ok_or_else(|| format!("`{envelope}` is not an object"))?;
        match envelope.as_str() {
            "evaluation" => Ok(Self { defaults: evaluation(body, &[])?, entries: vec![Evaluation::new()] }),
            "evaluations" => {
                let entries = body.get("evaluations").and_then(Json::as_array).filter(|all| !all.is_empty());
                let entries = entries.ok_or("`evaluations.evaluations` is missing, or empty")?;
                let entry = |entry: &Json| {
                    let entry = entry.as_object().ok_or("an entry of `evaluations` is not an object")?;
                    if entry.contains_key("subject") {
                        return Err("an entry of `evaluations` has a `subject`; it stands beside them, once"
                            .to_owned());
                    }
                    evaluation(entry, &[])
                };
                let entries = entries.iter().map(entry).collect::<Result<_, _>>()?;
                Ok(Self { defaults: evaluation(body, &["evaluations"])?, entries })
            }
            other => Err(format!("`{other}` is not one of `evaluation` and `evaluations`")),
        }
    }

    /// Whether it says that somebody else is calling than the token does.
    pub(super) fn overrides_subject(&self) -> bool {
        self.defaults.iter().any(|(member, template)| match template {
            Template::Object(members) if *member == "subject" => members.iter().any(|(name, id)| {
                name == "id" && !matches!(id, Template::Computed(expression) if expression.is_subject())
            }),
            _ => false,
        })
    }

    /// What is asked for a call: an evaluation for each entry, all of which must be allowed.
    ///
    /// # Errors
    /// An error of the mapping: an expression fails, or what is required is absent.
    pub(super) fn evaluations(&self, params: &Value, token: &Json) -> Result<Vec<Value>, Fault> {
        let variables = Variables::new(params, token)?;
        let filled = |evaluation: &Evaluation, all: &mut Value| {
            for (member, template) in evaluation {
                match template.value(&variables)? {
                    Some(value) => all.insert(member, value),
                    None => {
                        all.remove(member);
                    }
                }
            }
            Ok::<_, Fault>(())
        };
        let mut defaults = Value::object();
        filled(&self.defaults, &mut defaults)?;
        let entries = self.entries.iter().map(|entry| {
            let mut all = defaults.clone();
            filled(entry, &mut all)?;
            check(&all)?;
            Ok(all)
        });
        entries.collect()
    }
}

fn evaluation(members: &Map<String, Json>, more: &[&str]) -> Result<Evaluation, String> {
    let mut evaluation = Evaluation::new();
    for (name, template) in members {
        match MEMBERS.into_iter().find(|member| member == name) {
            Some(member) => evaluation.push((member, Template::new(template)?)),
            None if more.contains(&name.as_str()) => {}
            None => return Err(format!("`{name}` is no member of an evaluation")),
        }
    }
    Ok(evaluation)
}

/// What AuthZEN requires.
fn check(evaluation: &Value) -> Result<(), Fault> {
    for (member, name) in [("action", "name"), ("resource", "type"), ("resource", "id")] {
        let text = evaluation.at([member, name]).and_then(Value::as_str).filter(|text| !text.is_empty());
        if text.is_none() {
            return Err(Fault::params(format!(
                "COAZ mapping error: `{member}.{name}` is no text, or absent"
            )));
        }
    }
    match evaluation.get("context") {
        Some(context) if !context.is_object() => {
            Err(Fault::params("COAZ mapping error: `context` is not an object"))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn asked(mapping: &Json, arguments: &Json) -> Result<Json, String> {
        let mapping = Mapping::new(mapping)?;
        let params = Value::from_serialize(&json!({ "name": "t", "arguments": arguments })).unwrap();
        let token = json!({ "sub": "alice", "roles": ["treasury"] });
        let evaluations = mapping.evaluations(&params, &token);
        evaluations.map(|all| serde_json::to_value(all).unwrap()).map_err(|fault| {
            assert_eq!(fault.code, Some(-32602));
            fault.message
        })
    }

    #[test]
    fn a_mapping_asks_one_question_or_several() {
        let single = json!({ "evaluation": {
            "subject": { "type": "identity", "id": "$token.sub" },
            "action": { "name": "get_customer" },
            "resource": { "type": "customer", "id": "$params.arguments.id", "properties": { "price": "$$50", "n": 10 } },
            "context": { "agent": "$token.?client_id", "case": "$params.arguments.case" },
        }});
        let expected = json!([{
            "subject": { "type": "identity", "id": "alice" },
            "action": { "name": "get_customer" },
            "resource": { "type": "customer", "id": "c", "properties": { "price": "$50", "n": 10 } },
            "context": { "case": "k" },
        }]);
        assert_eq!(asked(&single, &json!({ "id": "c", "case": "k" })), Ok(expected));
        let several = json!({ "evaluations": {
            "subject": { "id": "$token.sub" },
            "action": { "name": "read" },
            "evaluations": [
                { "resource": { "type": "object", "id": "$params.arguments.from" } },
                { "action": { "name": "write" }, "resource": { "type": "object", "id": "$params.arguments.to" } },
            ],
        }});
        let all = asked(&several, &json!({ "from": "a", "to": "b" })).unwrap();
        let shown: Vec<_> =
            (0..2).map(|n| (all[n]["action"]["name"].clone(), all[n]["resource"]["id"].clone())).collect();
        assert_eq!(shown, [(json!("read"), json!("a")), (json!("write"), json!("b"))]);
        assert!(!Mapping::new(&single).unwrap().overrides_subject());
        let other = json!({ "evaluation": { "subject": { "id": "$params.arguments.user" } } });
        assert!(Mapping::new(&other).unwrap().overrides_subject());
    }

    #[test]
    fn what_is_no_mapping_is_an_error() {
        let action = json!({ "name": "read" });
        let resource = json!({ "type": "t", "id": "$params.arguments.id" });
        for (mapping, why) in [
            (json!({}), "not an object with one"),
            (json!({ "evaluation": {}, "evaluations": {} }), "not an object with one"),
            (json!({ "search": {} }), "is not one of"),
            (json!({ "evaluation": { "action": action, "resources": 1 } }), "no member of an evaluation"),
            (json!({ "evaluations": { "action": action } }), "missing, or empty"),
            (
                json!({ "evaluations": { "evaluations": [{ "subject": { "id": "root" } }] } }),
                "has a `subject`",
            ),
            (json!({ "evaluation": { "action": { "name": "$1 +" } } }), "no CEL expression"),
            // These fail when they are called.
            (json!({ "evaluation": { "action": action, "resource": resource } }), "failed"),
            (json!({ "evaluation": { "action": action } }), "`resource.type`"),
            (
                json!({ "evaluation": { "action": action, "resource": { "type": "t", "id": "$token.?x" } } }),
                "`resource.id`",
            ),
            (
                json!({ "evaluation": { "action": action, "resource": { "type": "t", "id": 7 } } }),
                "`resource.id`",
            ),
            (
                json!({ "evaluation": { "action": action, "resource": { "type": "t", "id": "$null" } } }),
                "`resource.id`",
            ),
            (
                json!({ "evaluation": { "action": action, "resource": { "type": "t", "id": "i" }, "context": "c" } }),
                "`context`",
            ),
        ] {
            let error = asked(&mapping, &json!({})).unwrap_err();
            assert!(error.contains(why), "{mapping}: {error}");
        }
    }
}
