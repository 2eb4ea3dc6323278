//! YAML read to values: what has no form in JSON is refused, keys become text.

use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle, Tag};

use crate::builtins::encoding::base;
use crate::builtins::yaml::resolve::{Resolved, resolve};
use crate::value::{Number, Object, Value};
use crate::yaml_bounds::{Bounds, MAX_LEVELS};

type Read<T> = Result<T, String>;

/// A value that is complete, and how many nodes it has when all aliases are followed.
#[derive(Clone)]
struct Node {
    value: Value,
    count: u64,
    /// A plain `<<`.
    merge: bool,
}

/// A collection that is being read.
enum Open {
    List { items: Vec<Value>, anchor: usize, count: u64 },
    Map { members: Vec<(Value, Value)>, key: Option<Node>, anchor: usize, count: u64 },
}

/// Reads the first document of a text; an empty one is `null`.
///
/// # Errors
/// When it is not YAML, has no form in JSON, or [exceeds a bound](crate::yaml_bounds); with line and column where they are known.
pub fn read(text: &str) -> Read<Value> {
    let (mut builder, mut bounds) = (Builder::default(), Bounds::new(MAX_LEVELS));
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| format!("yaml: {error}"))?;
        bounds.take(&event, span)?;
        if matches!(event, Event::DocumentEnd | Event::StreamEnd) {
            break;
        }
        builder.take(event)?;
    }
    Ok(builder.root.unwrap_or(Value::Null))
}

#[derive(Default)]
struct Builder {
    open: Vec<Open>,
    anchors: HashMap<usize, Node>,
    root: Option<Value>,
    /// Nodes, and those of them that came by an alias.
    nodes: u64,
    aliased: u64,
}

impl Builder {
    fn take(&mut self, event: Event<'_>) -> Read<()> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let node = scalar(&text, style, tag.as_deref())?;
                self.nodes = self.nodes.saturating_add(1);
                self.finish(node, anchor)
            }
            Event::SequenceStart(anchor, _) => {
                self.push(Open::List { items: Vec::new(), anchor, count: 1 });
                Ok(())
            }
            Event::MappingStart(anchor, _) => {
                self.push(Open::Map { members: Vec::new(), key: None, anchor, count: 1 });
                Ok(())
            }
            Event::SequenceEnd | Event::MappingEnd => match self.open.pop() {
                Some(Open::List { items, anchor, count }) => {
                    self.finish(Node { value: Value::from(items), count, merge: false }, anchor)
                }
                Some(Open::Map { members, anchor, count, .. }) => {
                    let value = Value::from(Object::from_entries(members));
                    self.finish(Node { value, count, merge: false }, anchor)
                }
                None => Ok(()),
            },
            Event::Alias(anchor) => {
                let node = self.anchors.get(&anchor).cloned();
                let node = node.ok_or("yaml: anchor value contains itself")?;
                self.nodes = self.nodes.saturating_add(node.count);
                self.aliased = self.aliased.saturating_add(node.count);
                // A small text may stand for a huge value; the bounds are those of OPA's library.
                let most = match self.nodes {
                    ..=400_000 => 0.99,
                    4_000_000.. => 0.1,
                    nodes => 0.99 - 0.89 * ((nodes - 400_000) as f64 / 3_600_000.0),
                };
                if self.aliased > 100 && self.nodes > 1000 && self.aliased as f64 / self.nodes as f64 > most {
                    return Err("yaml: document contains excessive aliasing".to_string());
                }
                self.finish(node, 0)
            }
            _ => Ok(()),
        }
    }

    fn push(&mut self, open: Open) {
        self.nodes = self.nodes.saturating_add(1);
        self.open.push(open);
    }

    /// Puts a value where it belongs.
    fn finish(&mut self, node: Node, anchor: usize) -> Read<()> {
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        match self.open.last_mut() {
            None => self.root = Some(node.value),
            Some(Open::List { items, count, .. }) => {
                *count = count.saturating_add(node.count);
                items.push(node.value);
            }
            Some(Open::Map { members, key, count, .. }) => {
                *count = count.saturating_add(node.count);
                match key.take() {
                    None => *key = Some(node),
                    Some(key) if key.merge => merge(members, &node.value)?,
                    Some(key) => members.push((Value::from(key_text(&key.value)?), node.value)),
                }
            }
        }
        Ok(())
    }
}

/// Puts the members of a mapping, or of several of which the first counts most, among those of another.
fn merge(members: &mut Vec<(Value, Value)>, value: &Value) -> Read<()> {
    match value {
        Value::Object(more) => members.extend(more.iter().map(|(key, value)| (key.clone(), value.clone()))),
        Value::Array(items) => {
            for item in items.iter().rev() {
                let Value::Object(_) = item else { return Err(WANTS_MAP.to_string()) };
                merge(members, item)?;
            }
        }
        _ => return Err(WANTS_MAP.to_string()),
    }
    Ok(())
}

const WANTS_MAP: &str = "yaml: map merge requires map or sequence of maps as the value";

fn key_text(key: &Value) -> Read<String> {
    match key {
        Value::String(text) => Ok(text.to_string()),
        Value::Bool(value) => Ok(value.to_string()),
        Value::Number(number) => Ok(number.to_string()),
        other => Err(format!("yaml: invalid map key: {}", other.type_name())),
    }
}

fn scalar(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Read<Node> {
    let plain = style == ScalarStyle::Plain;
    let tag = tag.filter(|tag| tag.is_yaml_core_schema()).map(|tag| tag.suffix.as_str());
    let node = |value| Ok(Node { value, count: 1, merge: false });
    let cannot = |as_what: &str| Err(format!("yaml: cannot decode `{text}` as a !!{as_what}"));
    let resolved = match tag {
        Some("str") => return node(Value::from(text)),
        Some("binary") => {
            let bytes = base::decode(text.as_bytes(), false);
            let bytes = bytes.map_err(|_| "yaml: !!binary value contains invalid base64 data")?;
            return node(Value::from(base::lossy(&bytes)));
        }
        None if !plain => return node(Value::from(text)),
        _ => resolve(text),
    };
    match (tag, &resolved) {
        (None | Some("float"), Resolved::Float(number)) => match Number::from_f64(*number) {
            Some(number) => node(Value::Number(number)),
            None => Err(format!("json: unsupported value: {text}")),
        },
        (Some("bool"), Resolved::Value(Value::Bool(_)))
        | (Some("int" | "float"), Resolved::Value(Value::Number(_)))
        | (Some("null"), Resolved::Value(Value::Null)) => {
            let Resolved::Value(value) = resolved else { return cannot("value") };
            node(value)
        }
        (Some(wanted @ ("bool" | "int" | "float" | "null")), _) => cannot(wanted),
        (_, Resolved::Value(value)) => node(value.clone()),
        (_, Resolved::Merge) => Ok(Node { value: Value::from(text), count: 1, merge: true }),
        _ => node(Value::from(text)),
    }
}
