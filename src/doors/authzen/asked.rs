//! What a body asks: subject, action, resource and context, for one evaluation or as the defaults of several.

use http::HeaderMap;
use http::header::CONTENT_TYPE;

use crate::authorize::{Item, Until};
use crate::doors::body::Unread;
use crate::model::failure::{Failure, FailureKind};
use verdict_rego::Value;

/// One of the entities that an evaluation is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Entity {
    Subject,
    Action,
    Resource,
}

impl Entity {
    pub(super) const ALL: [Self; 3] = [Self::Subject, Self::Action, Self::Resource];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Subject => "subject",
            Self::Action => "action",
            Self::Resource => "resource",
        }
    }

    /// The members that it must have, all of them text.
    const fn required(self) -> &'static [&'static str] {
        match self {
            Self::Subject | Self::Resource => &["type", "id"],
            Self::Action => &["name"],
        }
    }

    /// What it is known by: the member that a search leaves out.
    pub(super) const fn key(self) -> &'static str {
        match self {
            Self::Subject | Self::Resource => "id",
            Self::Action => "name",
        }
    }

    /// Reads the members that the standard knows, as far as they are there.
    fn read(self, value: &Value) -> Result<Value, String> {
        let name = self.name();
        if !value.is_object() {
            return Err(format!("`{name}` is not an object"));
        }
        let mut entity = Value::object();
        for member in self.required() {
            match value.get(member) {
                Some(text @ Value::String(_)) => entity.insert(member, text.clone()),
                Some(_) => return Err(format!("`{name}.{member}` is not a string")),
                None => {}
            }
        }
        if let Some(properties) = object(&format!("{name}.properties"), value.get("properties"))? {
            entity.insert("properties", properties);
        }
        Ok(entity)
    }
}

/// An object, where there is one; `null` is as good as nothing.
fn object(name: &str, value: Option<&Value>) -> Result<Option<Value>, String> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(object) if object.is_object() => Ok(Some(object.clone())),
        Some(_) => Err(format!("`{name}` is not an object")),
    }
}

/// What a body, or an item of it, says of an evaluation, as far as it goes.
#[derive(Debug, Default)]
pub(super) struct Asked {
    /// In the order of [`Entity::ALL`].
    entities: [Option<Value>; 3],
    /// Whether it says anything of the context, `null` included, and what.
    context: Option<Option<Value>>,
}

impl Asked {
    /// Reads what is there.
    ///
    /// # Errors
    /// What has the wrong type.
    pub(super) fn of(body: &Value) -> Result<Self, String> {
        let mut asked = Self::default();
        for (entity, place) in Entity::ALL.into_iter().zip(&mut asked.entities) {
            *place = body.get(entity.name()).map(|value| entity.read(value)).transpose()?;
        }
        let context = body.get("context");
        asked.context = context.map(|value| object("context", Some(value))).transpose()?;
        Ok(asked)
    }

    /// The same with defaults for what is not there. An entity takes the place of the default as a whole; with `merge`, one that
    /// lacks something that it must have takes that from the default.
    fn over(self, defaults: &Self, merge: bool) -> Self {
        let Self { mut entities, context } = self;
        for ((kind, own), default) in Entity::ALL.into_iter().zip(&mut entities).zip(&defaults.entities) {
            match (own.as_mut(), default) {
                (None, default) => own.clone_from(default),
                (Some(own), Some(default)) if merge => {
                    for member in kind.required().iter().filter(|member| default.get(member).is_some()) {
                        if let (None, Some(value)) = (own.get(member), default.get(member)) {
                            own.insert(member, value.clone());
                        }
                    }
                }
                (Some(_), _) => {}
            }
        }
        Self { entities, context: context.or_else(|| defaults.context.clone()) }
    }

    /// The input document of a whole evaluation.
    ///
    /// # Errors
    /// What is missing.
    pub(super) fn whole(self) -> Result<Value, String> {
        self.sought(None)
    }

    /// The same for a search, which seeks one of the entities: the key of that one is left out, an action is left out altogether.
    ///
    /// # Errors
    /// What is missing.
    pub(super) fn sought(self, sought: Option<Entity>) -> Result<Value, String> {
        let mut input = Value::object();
        for (kind, entity) in Entity::ALL.into_iter().zip(self.entities) {
            let name = kind.name();
            if sought == Some(kind) && kind == Entity::Action {
                continue;
            }
            let Some(mut entity) = entity else { return Err(format!("`{name}` is missing")) };
            if sought == Some(kind) {
                entity.remove(kind.key());
            }
            for member in
                kind.required().iter().filter(|member| sought != Some(kind) || **member != kind.key())
            {
                if entity.get(member).is_none() {
                    return Err(format!("`{name}.{member}` is missing"));
                }
            }
            input.insert(name, entity);
        }
        if let Some(context) = self.context.flatten() {
            input.insert("context", context);
        }
        Ok(input)
    }
}

/// The items of a batch, by name, and when it ends.
pub(super) type Items = (Vec<(String, Item)>, Until);

/// The items of a batch and when it ends; none where the body lists no evaluations. What is wrong with one item is the failure of
/// that item.
///
/// # Errors
/// What is wrong with the defaults, the list or the options.
pub(super) fn batch(body: &Value, merge: bool) -> Result<Option<Items>, String> {
    let until = until(body.get("options"))?;
    let items = match body.get("evaluations") {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Array(items)) if items.is_empty() => return Ok(None),
        Some(Value::Array(items)) => items,
        Some(_) => return Err("`evaluations` is not an array".to_owned()),
    };
    let defaults = Asked::of(body)?;
    let item = |(n, item): (usize, &Value)| {
        let read = match item.is_object() {
            true => Asked::of(item).and_then(|own| own.over(&defaults, merge).whole()),
            false => Err("it is not an object".to_owned()),
        };
        (String::new(), read.map_err(|why| invalid(format!("evaluations[{n}]: {why}"))))
    };
    Ok(Some((items.iter().enumerate().map(item).collect(), until)))
}

/// When a batch ends.
fn until(options: Option<&Value>) -> Result<Until, String> {
    let options = object("options", options)?;
    match options.as_ref().and_then(|options| options.get("evaluations_semantic")) {
        None => Ok(Until::End),
        Some(semantic) => match semantic.as_str() {
            Some("execute_all") => Ok(Until::End),
            Some("deny_on_first_deny") => Ok(Until::Denied),
            Some("permit_on_first_permit") => Ok(Until::Allowed(1)),
            _ => Err("`options.evaluations_semantic` is not one of `execute_all`, `deny_on_first_deny` and \
                      `permit_on_first_permit`"
                .to_owned()),
        },
    }
}

/// Reads a body: one JSON object, which says that it is JSON.
///
/// # Errors
/// [`FailureKind::InvalidRequest`], or as [`Unread::object`].
pub(super) async fn read(headers: &HeaderMap, unread: &mut Unread<'_>) -> Result<Value, Failure> {
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    if !media_type.eq_ignore_ascii_case("application/json") {
        return Err(invalid("the content type is not `application/json`".to_owned()));
    }
    unread.object().await
}

/// What is wrong with a body.
pub(super) fn invalid(why: String) -> Failure {
    Failure::new(FailureKind::InvalidRequest, why)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> Value {
        Value::from_json(text.as_bytes()).unwrap()
    }

    /// The items of a batch with these defaults, as text.
    fn items(defaults: &str, item: &str, merge: bool) -> Result<String, String> {
        let body = json(&format!("{{{defaults}, \"evaluations\": [{item}]}}"));
        let (mut items, _) = batch(&body, merge)?.unwrap();
        let (_, item) = items.remove(0);
        item.map(|input| input.to_string()).map_err(|failure| failure.message)
    }

    #[test]
    fn an_entity_takes_the_place_of_the_default_as_a_whole() {
        let defaults = r#""subject": {"type": "user", "id": "a", "properties": {"x": 1}}, "action": {"name": "read"},
            "resource": {"type": "record"}, "context": {"y": 1}"#;
        let whole = r#"{"resource": {"type": "record", "id": "1"}}"#;
        let lacking = r#"{"resource": {"id": "1", "properties": {"z": 1}}}"#;
        for (item, merge, expected) in [
            (
                whole,
                false,
                Ok(
                    r#"{"action":{"name":"read"},"context":{"y":1},"resource":{"id":"1","type":"record"},"subject":{"id":"a","properties":{"x":1},"type":"user"}}"#,
                ),
            ),
            (
                r#"{"subject": {"type": "user", "id": "b"}, "resource": {"type": "record", "id": "1"}, "context": null}"#,
                true,
                Ok(
                    r#"{"action":{"name":"read"},"resource":{"id":"1","type":"record"},"subject":{"id":"b","type":"user"}}"#,
                ),
            ),
            (lacking, false, Err("evaluations[0]: `resource.type` is missing")),
            (
                lacking,
                true,
                Ok(
                    r#"{"action":{"name":"read"},"context":{"y":1},"resource":{"id":"1","properties":{"z":1},"type":"record"},"subject":{"id":"a","properties":{"x":1},"type":"user"}}"#,
                ),
            ),
            ("{}", true, Err("evaluations[0]: `resource.id` is missing")),
            ("1", true, Err("evaluations[0]: it is not an object")),
            (r#"{"resource": 1}"#, true, Err("evaluations[0]: `resource` is not an object")),
        ] {
            let expected = expected.map(|text| json(text).to_string()).map_err(str::to_owned);
            assert_eq!(items(defaults, item, merge), expected, "{item} {merge}");
        }
    }

    #[test]
    fn a_search_leaves_out_what_it_seeks() {
        let body = r#"{"subject": {"type": "user", "id": "a"}, "action": {"name": 1}, "resource": {"type": "r", "id": "1"}}"#;
        let mut without_action = json(body);
        without_action.remove("action");
        let seek = |sought| Asked::of(&without_action).unwrap().sought(sought).map(|input| input.to_string());
        assert_eq!(
            seek(Some(Entity::Action)).unwrap(),
            r#"{"resource":{"id":"1","type":"r"},"subject":{"id":"a","type":"user"}}"#
        );
        assert_eq!(seek(Some(Entity::Subject)).unwrap_err(), "`action` is missing");
        assert_eq!(Asked::of(&json(body)).unwrap_err(), "`action.name` is not a string");
    }
}
