//! Edits of a document, with the rules of OPA's store.

use std::sync::Arc;

use super::change::{Edit, Operation, WriteError, WriteErrorKind};
use verdict_rego::Value;

/// The most names in a path. What is written there may have as many levels again.
const DEEPEST: usize = 64;

/// Sets a document; objects on the way to it are made.
pub(super) fn put(data: &mut Value, path: &[String], value: Value) -> Result<(), WriteError> {
    check_depth(path)?;
    if path.is_empty() {
        return set_whole(data, value);
    }
    if let Some(there) = find(data, path) {
        *there = value;
        return Ok(());
    }
    let Some((name, parents)) = path.split_last() else { return Ok(()) };
    let mut here = data;
    for (depth, parent) in parents.iter().enumerate() {
        if here.get(parent).is_none() {
            here.insert(parent, Value::object());
        }
        here = member(here, parent).ok_or_else(|| no_object(parents.get(..depth).unwrap_or_default()))?;
    }
    if !here.is_object() {
        return Err(no_object(parents));
    }
    here.insert(name, value);
    Ok(())
}

/// Takes a document out.
pub(super) fn delete(data: &mut Value, path: &[String]) -> Result<(), WriteError> {
    edit(data, &Edit { path: path.to_vec(), operation: Operation::Remove })
}

/// Does one edit.
pub(super) fn edit(data: &mut Value, Edit { path, operation }: &Edit) -> Result<(), WriteError> {
    check_depth(path)?;
    let Some((name, parents)) = path.split_last() else {
        return match operation {
            Operation::Add(value) | Operation::Replace(value) => set_whole(data, value.clone()),
            Operation::Remove => {
                Err(WriteError::new(WriteErrorKind::Invalid, "the root of data cannot be removed"))
            }
        };
    };
    let missing = || WriteError::missing(path);
    let parent = find(data, parents).ok_or_else(missing)?;
    match (operation, parent) {
        (Operation::Add(value), Value::Object(members)) => {
            Arc::make_mut(members).insert(Value::from(name.as_str()), value.clone());
        }
        (Operation::Add(value), Value::Array(items)) => {
            let index = if name == "-" { Some(items.len()) } else { index(name) };
            let index = index.filter(|index| *index <= items.len()).ok_or_else(missing)?;
            Arc::make_mut(items).insert(index, value.clone());
        }
        (Operation::Remove, Value::Array(items)) => {
            let index = index(name).filter(|index| *index < items.len()).ok_or_else(missing)?;
            Arc::make_mut(items).remove(index);
        }
        (Operation::Remove, parent) => {
            parent.remove(name).ok_or_else(missing)?;
        }
        (Operation::Replace(value), parent) => {
            *member(parent, name).ok_or_else(missing)? = value.clone();
        }
        (Operation::Add(_), _) => return Err(missing()),
    }
    Ok(())
}

fn set_whole(data: &mut Value, value: Value) -> Result<(), WriteError> {
    if !value.is_object() {
        return Err(WriteError::new(WriteErrorKind::Invalid, "the root of data must be an object"));
    }
    *data = value;
    Ok(())
}

fn check_depth(path: &[String]) -> Result<(), WriteError> {
    if path.len() > DEEPEST {
        let message = format!("the path has {} names; at most {DEEPEST} are allowed", path.len());
        return Err(WriteError::new(WriteErrorKind::Invalid, message));
    }
    Ok(())
}

fn no_object(path: &[String]) -> WriteError {
    let message = format!("storage_write_conflict_error: /{}: not an object", path.join("/"));
    WriteError::new(WriteErrorKind::Conflict, message)
}

/// What a path leads to.
fn find<'v>(data: &'v mut Value, path: &[String]) -> Option<&'v mut Value> {
    // Looked up first: what is taken as mutable is copied where it is shared.
    data.at(path.iter().map(String::as_str))?;
    path.iter().try_fold(data, |here, name| member(here, name))
}

fn member<'v>(value: &'v mut Value, name: &str) -> Option<&'v mut Value> {
    match value {
        Value::Object(members) => Arc::make_mut(members).get_mut(&Value::from(name)),
        Value::Array(items) => Arc::make_mut(items).get_mut(index(name)?),
        _ => None,
    }
}

/// A number in its own spelling.
fn index(name: &str) -> Option<usize> {
    name.parse().ok().filter(|index: &usize| index.to_string() == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> Value {
        Value::from_json(text.as_bytes()).unwrap()
    }

    fn path(text: &str) -> Vec<String> {
        text.split('/').filter(|name| !name.is_empty()).map(str::to_owned).collect()
    }

    #[test]
    fn documents_are_put() {
        for (before, at, put_there, after) in [
            ("{}", "a/b", "1", r#"{"a":{"b":1}}"#),
            (r#"{"a":{"b":1,"c":2}}"#, "a/b", "[]", r#"{"a":{"b":[],"c":2}}"#),
            (r#"{"a":1}"#, "", r#"{"b":2}"#, r#"{"b":2}"#),
            (r#"{"a":[1,2]}"#, "a/1", "3", r#"{"a":[1,3]}"#),
            (r#"{"a":1}"#, "a/b", "1", "storage_write_conflict_error: /a: not an object"),
            (r#"{"a":[1]}"#, "a/1/c", "1", "storage_write_conflict_error: /a: not an object"),
            ("{}", "", "1", "the root of data must be an object"),
            ("{}", &"x/".repeat(65), "1", "the path has 65 names; at most 64 are allowed"),
        ] {
            let mut data = value(before);
            let put = put(&mut data, &path(at), value(put_there));
            assert_eq!(put.map_or_else(|error| error.message, |()| data.to_string()), after, "{before} {at}");
        }
    }

    #[test]
    fn documents_are_edited() {
        let missing = |at: &str| format!("storage_not_found_error: /{at}: document does not exist");
        for (before, operation, at, with, after) in [
            (r#"{"a":{}}"#, "add", "a/b", "1", Ok(r#"{"a":{"b":1}}"#)),
            (r#"{"a":{"b":0}}"#, "add", "a/b", "1", Ok(r#"{"a":{"b":1}}"#)),
            (r#"{"a":[1,3]}"#, "add", "a/1", "2", Ok(r#"{"a":[1,2,3]}"#)),
            (r#"{"a":[1]}"#, "add", "a/-", "2", Ok(r#"{"a":[1,2]}"#)),
            (r#"{"a":[1]}"#, "add", "a/1", "2", Ok(r#"{"a":[1,2]}"#)),
            (r#"{"a":[1]}"#, "add", "a/2", "2", Err(())),
            (r#"{"a":[1]}"#, "add", "a/00", "2", Err(())),
            (r#"{"a":[1]}"#, "add", "a/x", "2", Err(())),
            ("{}", "add", "a/b", "1", Err(())),
            (r#"{"a":1}"#, "add", "a/b", "1", Err(())),
            (r#"{"a":{"b":1,"c":2}}"#, "remove", "a/b", "", Ok(r#"{"a":{"c":2}}"#)),
            (r#"{"a":[1,2]}"#, "remove", "a/0", "", Ok(r#"{"a":[2]}"#)),
            (r#"{"a":[1,2]}"#, "remove", "a/2", "", Err(())),
            (r#"{"a":1}"#, "remove", "b", "", Err(())),
            (r#"{"a":[1,2]}"#, "replace", "a/0", "3", Ok(r#"{"a":[3,2]}"#)),
            (r#"{"a":1}"#, "replace", "a", "2", Ok(r#"{"a":2}"#)),
            (r#"{"a":1}"#, "replace", "b", "2", Err(())),
            (r#"{"a":[1]}"#, "replace", "a/-", "2", Err(())),
        ] {
            let mut data = value(before);
            let operation = match operation {
                "add" => Operation::Add(value(with)),
                "remove" => Operation::Remove,
                _ => Operation::Replace(value(with)),
            };
            let edited = edit(&mut data, &Edit { path: path(at), operation: operation.clone() });
            let expected = after.map(str::to_owned).map_err(|()| missing(at));
            let got = edited.map(|()| data.to_string()).map_err(|error| error.message);
            assert_eq!(got, expected, "{before} {operation:?} {at}");
        }
        assert!(delete(&mut value("{}"), &[]).is_err());
    }
}
