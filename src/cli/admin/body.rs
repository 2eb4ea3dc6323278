//! Bodies of requests: what is not given is not there.

use serde_json::{Map, Value};

/// A body.
#[derive(Debug, Default)]
pub struct Body(Map<String, Value>);

impl Body {
    /// An empty one.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a member, where it is given.
    pub fn with(mut self, name: &str, value: Option<impl Into<Value>>) -> Self {
        if let Some(value) = value {
            self.0.insert(name.to_owned(), value.into());
        }
        self
    }

    /// Adds a text, where it is given.
    pub fn text(self, name: &str, value: Option<&str>) -> Self {
        self.with(name, value)
    }

    /// Adds a list, unless it is empty.
    pub fn list(self, name: &str, values: &[String]) -> Self {
        self.with(name, (!values.is_empty()).then(|| Value::from(values)))
    }

    /// Adds a map, unless it is empty.
    pub fn map(self, name: &str, values: Map<String, Value>) -> Self {
        self.with(name, (!values.is_empty()).then_some(Value::Object(values)))
    }
}

impl From<Body> for Value {
    fn from(body: Body) -> Self {
        Self::Object(body.0)
    }
}

/// Members that are written as `NAME=VALUE`; a value is JSON if it parses as JSON, otherwise a text.
///
/// # Errors
/// One has no name, or a name is there twice.
pub fn members(flag: &str, given: &[String]) -> Result<Map<String, Value>, String> {
    let mut all = Map::new();
    for member in given {
        let (name, value) = member
            .split_once('=')
            .filter(|(name, _)| !name.is_empty())
            .ok_or_else(|| format!("{flag} `{member}` is not NAME=VALUE"))?;
        if all.insert(name.to_owned(), json_or_text(value)).is_some() {
            return Err(format!("{flag} `{name}` is given more than once"));
        }
    }
    Ok(all)
}

/// JSON if it parses as JSON, otherwise a text.
pub fn json_or_text(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| Value::from(text))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_is_given_is_there() {
        let body = Body::new().text("a", Some("x")).text("b", None).list("c", &[]).map("d", Map::new());
        assert_eq!(Value::from(body), json!({"a": "x"}));
        let given = ["tier=3", "team=pay", "x={\"y\":1}"].map(str::to_owned);
        let members_of = |given: &[String]| members("--attribute", given);
        assert_eq!(
            Value::Object(members_of(&given).unwrap()),
            json!({"tier": 3, "team": "pay", "x": {"y": 1}})
        );
        for (given, said) in
            [(&["x"][..], "is not NAME=VALUE"), (&["=x"], "NAME=VALUE"), (&["a=1", "a=2"], "once")]
        {
            let given: Vec<String> = given.iter().map(|&text| text.to_owned()).collect();
            assert!(members_of(&given).unwrap_err().contains(said));
        }
    }
}
