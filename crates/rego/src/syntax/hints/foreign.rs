//! Files that are no policy by their look.

use crate::syntax::source::Source;

/// What a file without a package seems to be, and what to do about it.
pub(in crate::syntax) fn foreign(source: &Source) -> Option<String> {
    let text = source.text.trim_start_matches('\u{feff}').trim_start();
    let mut lines = text.lines().map(str::trim_end).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let first = lines.next()?;
    let data =
        |what: &str, name: &str| format!("this looks like {what}: save data in a file such as `{name}`");
    let other = |what: &str| {
        format!("this looks like {what}; policy in Rego begins with its package, such as `package app`")
    };
    if first.starts_with("<<<<<<<") {
        return Some("the file has merge conflict markers: resolve the conflict".to_owned());
    }
    if looks_like_json(text) {
        return Some(data("JSON", "data.json"));
    }
    let has_rules = text.contains(":=") || text.contains(" if ");
    if !has_rules && (first == "---" || is_yaml_key(first) || first.starts_with("- ")) {
        return Some(data("YAML", "data.yaml"));
    }
    if first.starts_with('<') {
        return Some(other("XML or HTML"));
    }
    let calls = |name: &str| first.strip_prefix(name).is_some_and(|rest| rest.trim_start().starts_with('('));
    if calls("permit") || calls("forbid") || calls("@id") || calls("@annotation") {
        return Some(other("a policy in Cedar"));
    }
    let block = |name: &str| {
        let rest = first.strip_prefix(name).and_then(|rest| rest.strip_prefix(' '));
        rest.is_some_and(|rest| rest.ends_with('{') || rest.ends_with('}'))
    };
    if block("actor") || block("resource") && !first.contains('"') || text.contains("\n  has_permission(") {
        return Some(other("a policy in Polar"));
    }
    if (block("path") || block("resource") || block("variable")) && first.contains('"') {
        return Some(other("HCL"));
    }
    if first.starts_with("#!") || first.starts_with("def ") || first.starts_with("from ") {
        return Some(other("a script"));
    }
    None
}

fn looks_like_json(text: &str) -> bool {
    let Some(inner) = text.strip_prefix(['{', '[']) else { return false };
    let inner = inner.trim_start();
    crate::value::Value::from_json(text.as_bytes()).is_ok()
        || text.starts_with('{') && inner.starts_with('"') && text.contains(':')
}

/// `users:` or `name: value`
fn is_yaml_key(line: &str) -> bool {
    let Some((key, value)) = line.split_once(':') else { return false };
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-./\"".contains(&byte);
    !key.is_empty() && key.bytes().all(plain) && (value.is_empty() || value.starts_with(' '))
}
