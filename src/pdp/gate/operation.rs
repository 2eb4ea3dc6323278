//! Which operation an input asks for.

use verdict_rego::Value;

/// The operation that an input names.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Operation {
    /// Its name, e.g. `read` or `stripe:create_payment`.
    pub name: Option<String>,
    /// Whose operation it is, e.g. `stripe`.
    pub provider: Option<String>,
}

impl Operation {
    /// Reads `input.action`: a text; or an object with `provider` and `method` (Relay's manifests), whose name is
    /// `provider:method`; or an object with `name` (AuthZEN 1.0 section 5.3). A name with a colon has the part before the
    /// first one as its provider. An action of another form has no name.
    pub fn of(input: &Value) -> Self {
        let text = |path: &[&str]| input.at(path.iter().copied()).and_then(Value::as_str).map(str::to_owned);
        let (provider, method) = (text(&["action", "provider"]), text(&["action", "method"]));
        let name = text(&["action"]).or_else(|| match (&provider, &method) {
            (Some(provider), Some(method)) => Some(format!("{provider}:{method}")),
            (Some(_), None) => None,
            _ => text(&["action", "name"]).or(method),
        });
        let before_colon = || name.as_deref()?.split_once(':').map(|(provider, _)| provider.to_owned());
        let provider = provider.or_else(before_colon);
        Self { name, provider }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_action_is_a_text_a_manifest_or_an_authzen_action() {
        for (input, name, provider) in [
            (r#"{"action": "read"}"#, Some("read"), None),
            (r#"{"action": "stripe:refund"}"#, Some("stripe:refund"), Some("stripe")),
            (
                r#"{"action": {"provider": "stripe", "method": "create_payment"}}"#,
                Some("stripe:create_payment"),
                Some("stripe"),
            ),
            (r#"{"action": {"provider": "stripe", "name": "x"}}"#, None, Some("stripe")),
            (r#"{"action": {"name": "can_read"}}"#, Some("can_read"), None),
            (r#"{"action": {"method": "GET"}}"#, Some("GET"), None),
            (r#"{"action": ["read"]}"#, None, None),
            (r#"{"action": {"provider": 1, "method": "x"}}"#, Some("x"), None),
            (r#"{}"#, None, None),
            (r#"[]"#, None, None),
        ] {
            let expected = Operation { name: name.map(str::to_owned), provider: provider.map(str::to_owned) };
            assert_eq!(Operation::of(&Value::from_json(input.as_bytes()).unwrap()), expected, "{input}");
        }
    }
}
