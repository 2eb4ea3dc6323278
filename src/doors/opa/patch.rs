//! The body of `PATCH /v1/data`: the part of JSON Patch (RFC 6902) that OPA has.

use crate::bundle::written::{Edit, Operation};
use verdict_rego::Value;

/// The most edits of one body.
const MOST_EDITS: usize = 1000;

/// The edits that a body asks for, below `path`.
///
/// # Errors
/// What is wrong with it, and which edit it is.
pub(super) fn parse(document: &Value, path: &[String]) -> Result<Vec<Edit>, String> {
    let Value::Array(operations) = document else {
        return Err("the body must be an array of operations".to_owned());
    };
    if operations.len() > MOST_EDITS {
        return Err(format!(
            "the body has {} operations; at most {MOST_EDITS} are allowed",
            operations.len()
        ));
    }
    let numbered = operations.iter().enumerate();
    numbered.map(|(n, one)| edit(one, path).map_err(|why| format!("operation {n}: {why}"))).collect()
}

fn edit(one: &Value, path: &[String]) -> Result<Edit, String> {
    if !one.is_object() {
        return Err("not an object".to_owned());
    }
    if let Some((key, _)) = one.members().find(|(key, _)| !matches!(*key, "op" | "path" | "value")) {
        return Err(format!("unknown field `{key}`, expected `op`, `path` or `value`"));
    }
    let text = |key: &str| {
        one.get(key).and_then(Value::as_str).ok_or_else(|| format!("`{key}` is missing, or not a string"))
    };
    let value = || one.get("value").cloned().ok_or_else(|| "`value` is missing".to_owned());
    let operation = match text("op")? {
        "add" => Operation::Add(value()?),
        "remove" => Operation::Remove,
        "replace" => Operation::Replace(value()?),
        other => return Err(format!("bad patch operation: {other}")),
    };
    let further = text("path")?.trim_matches('/').split('/').filter(|name| !name.is_empty());
    let further = further.map(|name| name.replace("~1", "/").replace("~0", "~"));
    Ok(Edit { path: path.iter().cloned().chain(further).collect(), operation })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(body: &str) -> Result<String, String> {
        let edits = parse(&Value::from_json(body.as_bytes()).unwrap(), &["a".to_owned()])?;
        let shown = |edit: &Edit| format!("{} {:?}", edit.path.join("|"), edit.operation);
        Ok(edits.iter().map(shown).collect::<Vec<_>>().join("; "))
    }

    #[test]
    fn edits_have_three_operations() {
        for (body, expected) in [
            ("[]", ""),
            (r#"[{"op":"add","path":"-","value":1}]"#, "a|- Add(1)"),
            (r#"[{"op":"add","path":"/b/c~1d~0e~01","value":null}]"#, "a|b|c/d~e~1 Add(null)"),
            (
                r#"[{"op":"remove","path":"/b/"},{"op":"replace","path":"","value":2}]"#,
                "a|b Remove; a Replace(2)",
            ),
        ] {
            assert_eq!(parsed(body).unwrap(), expected, "{body}");
        }
        for (body, why) in [
            ("{}", "the body must be an array of operations"),
            ("[1]", "operation 0: not an object"),
            (
                r#"[{"op":"remove","path":"b"},{"op":"move","from":"x","path":"b"}]"#,
                "operation 1: unknown field `from`",
            ),
            (r#"[{"op":"move","path":"b"}]"#, "operation 0: bad patch operation: move"),
            (r#"[{"op":"add","path":"b"}]"#, "operation 0: `value` is missing"),
            (r#"[{"op":"add","value":1}]"#, "operation 0: `path` is missing, or not a string"),
            (r#"[{"op":1,"path":"b"}]"#, "operation 0: `op` is missing, or not a string"),
        ] {
            let error = parsed(body).unwrap_err();
            assert!(error.starts_with(why), "{body}: {error}");
        }
        let many = format!("[{}]", vec![r#"{"op":"remove","path":"b"}"#; MOST_EDITS + 1].join(","));
        assert!(parsed(&many).unwrap_err().contains("at most 1000"));
    }
}
