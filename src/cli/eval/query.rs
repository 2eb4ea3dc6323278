//! A query that names one document: `data.app.allow`, `data.app["by-user"].alice`, `data.list[0]`.

use crate::model::request::EntryPath;

/// The path that the query is; `None` where it is another expression.
pub(in crate::cli) fn parse(query: &str) -> Option<EntryPath> {
    query.trim().strip_prefix("data").and_then(segments).map(EntryPath::from_segments)
}

fn segments(mut rest: &str) -> Option<Vec<String>> {
    let mut segments = Vec::new();
    while !rest.is_empty() {
        let (segment, behind) = match rest.strip_prefix('.') {
            Some(rest) => {
                let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
                let (name, behind) = rest.split_at_checked(end)?;
                let starts_well = name.starts_with(|c: char| c.is_alphabetic() || c == '_');
                (starts_well.then(|| name.to_owned())?, behind)
            }
            None => bracketed(rest.strip_prefix('[')?)?,
        };
        segments.push(segment);
        rest = behind;
    }
    Some(segments)
}

/// A text or a whole number up to the closing bracket, and what stands behind that.
fn bracketed(rest: &str) -> Option<(String, &str)> {
    if rest.starts_with('"') {
        let mut values = serde_json::Deserializer::from_str(rest).into_iter::<String>();
        let text = values.next()?.ok()?;
        let behind = rest.get(values.byte_offset()..)?;
        return Some((text, behind.strip_prefix(']')?));
    }
    let (number, behind) = rest.split_once(']')?;
    let digits = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| (number.to_owned(), behind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_told_from_other_expressions() {
        for (query, expected) in [
            ("data", Some("")),
            ("data.app.allow", Some("app/allow")),
            (" data.app[\"by-user\"].alice ", Some("app/by-user/alice")),
            ("data[\"a\\\"b\"][0]", Some("a\"b/0")),
            ("data.app.allow == true", None),
            ("data..app", None),
            ("data.1", None),
            ("data[x]", None),
            ("data[\"a\"", None),
            ("database", None),
            ("input.x", None),
            ("1 + 1", None),
            ("", None),
        ] {
            let got = parse(query).map(|path| path.to_string());
            assert_eq!(got.as_deref(), expected, "{query}");
        }
    }
}
