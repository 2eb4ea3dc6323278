//! Query parameters, as OPA reads them: a name alone is true; `true` counts in any case.

use percent_encoding::percent_decode_str;

/// What a decision request asks for besides its document.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Params {
    /// `metrics`: the answer carries its timings.
    pub metrics: bool,
    /// `provenance`: the answer says what version and which revisions answered.
    pub provenance: bool,
    /// `rule_labels`: the answer carries the labels of the rules that held.
    pub rule_labels: bool,
    /// `pretty`: indented JSON.
    pub pretty: bool,
    /// `strict-builtin-errors`: a built-in's error is a 500 rather than an undefined document.
    pub strict_builtin_errors: bool,
    /// `strict-paths`: a path that nothing declares is a 404 rather than an undefined document.
    pub strict_paths: bool,
    /// `explain` (`notes`, `fails`, `full`, `debug`; anything else is off, as in OPA): the answer says why.
    pub explain: bool,
    /// `input` (GET): the input document as JSON.
    pub input: Option<String>,
    /// `q` (GET of ad-hoc queries): the query.
    pub query: Option<String>,
    /// `bundles` or `bundle` (health).
    pub bundles: bool,
    /// `plugins` (health).
    pub plugins: bool,
    /// `exclude-plugin` (health), repeatable.
    pub exclude_plugins: Vec<String>,
}

impl Params {
    /// Reads a query string (`application/x-www-form-urlencoded`). Unknown names are ignored, as OPA does.
    ///
    /// # Errors
    /// Text that is not UTF-8 once decoded, and a parameter with a document that is given twice.
    pub fn parse(query: Option<&str>) -> Result<Self, String> {
        let mut params = Self::default();
        for pair in query.unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) =
                pair.split_once('=').map_or((pair, None), |(name, value)| (name, Some(value)));
            let (name, value) = (decode(name)?, value.map(decode).transpose()?);
            let truth =
                value.as_deref().is_none_or(|value| value.is_empty() || value.eq_ignore_ascii_case("true"));
            match name.as_str() {
                "metrics" => params.metrics = truth,
                "provenance" => params.provenance = truth,
                "rule_labels" => params.rule_labels = truth,
                "pretty" => params.pretty = truth,
                "strict-builtin-errors" => params.strict_builtin_errors = truth,
                "strict-paths" => params.strict_paths = truth,
                "explain" => {
                    params.explain = matches!(value.as_deref(), Some("notes" | "fails" | "full" | "debug"));
                }
                "bundles" | "bundle" => params.bundles = truth,
                "plugins" => params.plugins = truth,
                "exclude-plugin" => params.exclude_plugins.extend(value),
                "q" if params.query.is_some() => return Err("the parameter `q` is given twice".to_owned()),
                "q" => params.query = value,
                "input" if params.input.is_some() => {
                    return Err("the parameter `input` is given twice".to_owned());
                }
                "input" => params.input = value,
                _ => {}
            }
        }
        Ok(params)
    }
}

fn decode(text: &str) -> Result<String, String> {
    let spaced = text.replace('+', " ");
    let decoded = percent_decode_str(&spaced).decode_utf8();
    decoded.map(|text| text.into_owned()).map_err(|_| format!("the query parameter `{text}` is not UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_alone_are_true_and_documents_are_decoded() {
        let params = Params::parse(Some(
            "metrics&pretty=True&provenance=false&strict-paths=&x=1&input=%7B%22a%22%3A+1%7D",
        ))
        .unwrap();
        assert!(params.metrics && params.pretty && params.strict_paths && !params.provenance);
        assert_eq!(params.input.as_deref(), Some("{\"a\": 1}"));
        assert!(Params::parse(Some("input=%ff")).is_err());
        assert!(Params::parse(Some("input=1&input=2")).is_err());
        assert_eq!(Params::parse(None).unwrap(), Params::default());
        let health = Params::parse(Some("bundles=True&plugins&exclude-plugin=a&exclude-plugin=b")).unwrap();
        assert!(health.bundles && health.plugins);
        assert_eq!(health.exclude_plugins, ["a", "b"]);
    }
}
