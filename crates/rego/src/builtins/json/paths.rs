//! Parts of documents by paths: `json.filter` and `json.remove`.

use std::collections::BTreeMap;

use crate::builtins::context::{Context, argument, object, text};
use crate::builtins::error::Error;
use crate::builtins::operand::{Elements, MAX_DEPTH, Output, one_of, wrong};
use crate::value::{Object, Set, Value};

/// A key as it stands in a JSON Pointer (RFC 6901).
pub fn pointer_escape(ctx: &mut Context, args: &[Value]) -> Result<Option<Value>, Error> {
    let mut out = Output::new(ctx);
    for c in text(args, 1)?.chars() {
        match c {
            '~' => out.push("~0")?,
            '/' => out.push("~1")?,
            other => out.push_char(other)?,
        }
    }
    Ok(Some(out.finish().into()))
}

pub fn filter(_: &mut Context, args: &[Value]) -> Result<Option<Value>, Error> {
    object(args, 1)?;
    let tree = Node::Branch(paths(args)?);
    keep(argument(args, 1)?, &tree, MAX_DEPTH).map(Some)
}

pub fn remove(_: &mut Context, args: &[Value]) -> Result<Option<Value>, Error> {
    object(args, 1)?;
    let tree = Node::Branch(paths(args)?);
    drop_from(argument(args, 1)?, Some(&tree), MAX_DEPTH)
}

/// Paths that begin alike, as a tree. A path hides those that go on from where it ends.
enum Node {
    Leaf,
    Branch(Branch),
}

type Branch = BTreeMap<Value, Node>;

fn paths(args: &[Value]) -> Result<Branch, Error> {
    let operand = argument(args, 2)?;
    let list = Elements::of(operand).ok_or_else(|| one_of(2, "set, array", operand))?;
    let list: Vec<_> = list.map(path).collect::<Result<_, _>>()?;
    let mut root = Branch::new();
    'paths: for mut path in list {
        // No document is as deep as that.
        path.truncate(MAX_DEPTH);
        let Some(last) = path.pop() else { continue };
        let mut node = &mut root;
        for key in path {
            match node.entry(key).or_insert_with(|| Node::Branch(Branch::new())) {
                Node::Leaf => continue 'paths,
                Node::Branch(inner) => node = inner,
            }
        }
        node.insert(last, Node::Leaf);
    }
    Ok(root)
}

/// The keys of a path, which is a text with slashes or an array.
///
/// # Errors
/// When it is neither.
pub fn path(path: &Value) -> Result<Vec<Value>, Error> {
    match path {
        Value::String(text) if text.is_empty() => Ok(Vec::new()),
        Value::String(text) => {
            let keys = text.trim_start_matches('/').split('/');
            Ok(keys.map(|key| key.replace("~1", "/").replace("~0", "~").into()).collect())
        }
        Value::Array(keys) => Ok(keys.to_vec()),
        other => {
            let wanted = "must be one of {set, array} containing string paths or array of path segments";
            Err(wrong(2, &format!("{wanted} but got {}", other.type_name())))
        }
    }
}

/// In these trees arrays are indexed by texts only.
fn index(at: usize) -> Value {
    at.to_string().into()
}

fn deeper(depth: usize) -> Result<usize, Error> {
    depth.checked_sub(1).ok_or_else(|| Error::failed("the value is too deep"))
}

fn keep(value: &Value, node: &Node, depth: usize) -> Result<Value, Error> {
    let Node::Branch(branch) = node else { return Ok(value.clone()) };
    let depth = deeper(depth)?;
    Ok(match value {
        Value::Array(items) => {
            let mut kept = Vec::new();
            for (at, item) in items.iter().enumerate() {
                if let Some(inner) = branch.get(&index(at)) {
                    kept.push(keep(item, inner, depth)?);
                }
            }
            kept.into()
        }
        Value::Set(elements) => {
            let mut kept = Vec::new();
            for element in elements.keys() {
                if let Some(inner) = branch.get(element) {
                    kept.push(keep(element, inner, depth)?);
                }
            }
            kept.into_iter().collect::<Set>().into()
        }
        Value::Object(members) => {
            let mut kept = Vec::new();
            for (key, member) in members.iter() {
                if let Some(inner) = branch.get(key) {
                    kept.push((key.clone(), keep(member, inner, depth)?));
                }
            }
            Object::from_entries(kept).into()
        }
        scalar => scalar.clone(),
    })
}

fn drop_from(value: &Value, node: Option<&Node>, depth: usize) -> Result<Option<Value>, Error> {
    let branch = match node {
        None => return Ok(Some(value.clone())),
        Some(Node::Leaf) => return Ok(None),
        Some(Node::Branch(branch)) => branch,
    };
    let depth = deeper(depth)?;
    Ok(Some(match value {
        Value::Array(items) => {
            let mut kept = Vec::new();
            for (at, item) in items.iter().enumerate() {
                kept.extend(drop_from(item, branch.get(&index(at)), depth)?);
            }
            kept.into()
        }
        Value::Set(elements) => {
            let mut kept = Vec::new();
            for element in elements.keys() {
                kept.extend(drop_from(element, branch.get(element), depth)?);
            }
            kept.into_iter().collect::<Set>().into()
        }
        Value::Object(members) => {
            let mut kept = Vec::new();
            for (key, member) in members.iter() {
                kept.extend(drop_from(member, branch.get(key), depth)?.map(|member| (key.clone(), member)));
            }
            Object::from_entries(kept).into()
        }
        scalar => scalar.clone(),
    }))
}
