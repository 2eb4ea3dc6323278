//! Which operation an input asks for.

use verdict_rego::Value;

/// What an input asks for, in every reading that a policy can have of it.
///
/// INVARIANT (every reading counts): an action that can be read in two ways is within a limit only if both are, and is
/// guarded if one is. Otherwise one member would pass the gate and another would be what policy decides about.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Operation {
    /// Its names, e.g. `read` or `stripe:create_payment`; none where the input names no operation.
    pub names: Vec<String>,
    /// Whose operation it is, e.g. `stripe`.
    pub providers: Vec<String>,
}

impl Operation {
    /// Reads `input.action`: a text; or an object with `provider` and `method` (Relay's manifests), whose name is
    /// `provider:method`, or with `name` (AuthZEN 1.0 section 5.3), or with `method` alone. A name with a colon has the part
    /// before the first one as a provider. An action of another form has no name.
    pub fn of(input: &Value) -> Self {
        let text = |path: &[&str]| input.at(path.iter().copied()).and_then(Value::as_str).map(str::to_owned);
        let (provider, method) = (text(&["action", "provider"]), text(&["action", "method"]));
        let of_method = match (&provider, method) {
            (Some(provider), Some(method)) => Some(format!("{provider}:{method}")),
            (_, method) => method,
        };
        let names: Vec<_> =
            [text(&["action"]), of_method, text(&["action", "name"])].into_iter().flatten().collect();
        let before_colon = |name: &String| name.split_once(':').map(|(provider, _)| provider.to_owned());
        let providers = names.iter().filter_map(before_colon).chain(provider).collect();
        Self { names, providers }
    }

    /// Whether `allowed` holds of every name, and there is one.
    pub(super) fn is_all(&self, allowed: impl Fn(&str) -> bool) -> bool {
        !self.names.is_empty() && self.names.iter().all(|name| allowed(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_action_is_a_text_a_manifest_or_an_authzen_action_or_several_of_them() {
        for (input, names, providers) in [
            (r#"{"action": "read"}"#, &["read"][..], &[][..]),
            (r#"{"action": "stripe:refund"}"#, &["stripe:refund"], &["stripe"]),
            (
                r#"{"action": {"provider": "stripe", "method": "create_payment"}}"#,
                &["stripe:create_payment"],
                &["stripe", "stripe"],
            ),
            (r#"{"action": {"provider": "stripe", "name": "x"}}"#, &["x"], &["stripe"]),
            (r#"{"action": {"name": "can_read"}}"#, &["can_read"], &[]),
            (r#"{"action": {"method": "GET"}}"#, &["GET"], &[]),
            (
                r#"{"action": {"provider": "a", "method": "get", "name": "b:put"}}"#,
                &["a:get", "b:put"],
                &["a", "b", "a"],
            ),
            (r#"{"action": ["read"]}"#, &[], &[]),
            (r#"{"action": {"provider": 1, "method": "x"}}"#, &["x"], &[]),
            (r#"{}"#, &[], &[]),
            (r#"[]"#, &[], &[]),
        ] {
            let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
            let expected = Operation { names: owned(names), providers: owned(providers) };
            assert_eq!(Operation::of(&Value::from_json(input.as_bytes()).unwrap()), expected, "{input}");
        }
    }
}
