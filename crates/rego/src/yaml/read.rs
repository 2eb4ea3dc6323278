//! YAML read to values: what has no form in JSON is refused, keys become text.

use std::collections::{HashMap, HashSet};

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, Tag};

use super::bounds::Bounds;
use super::error::YamlError;
use super::prepare::prepare;
use super::scalar::{self, Scalar};
use crate::json::{is_interoperable, lossy};
use crate::value::{Number, Object, Value};

/// Reads the first document of a text; an empty one is `null`.
///
/// # Errors
/// When it is not YAML, has no form in JSON, or exceeds a bound.
pub fn read(text: &str) -> Result<Value, YamlError> {
    Builder::default().read(text)
}

/// As [`read`], and refuses numbers that would not keep their value.
///
/// # Errors
/// As [`read`], and those.
pub fn read_data(text: &str) -> Result<Value, YamlError> {
    Builder { exact_numbers: true, ..Builder::default() }.read(text)
}

/// As [`read_data`], and refuses what others might read differently: keys that are not text or are there twice, and further
/// documents.
///
/// # Errors
/// As [`read_data`], and those.
pub fn read_exchanged(text: &str) -> Result<Value, YamlError> {
    Builder { strict: true, exact_numbers: true, one_document: true, ..Builder::default() }.read(text)
}

/// As [`read`], and refuses keys that are not text or are there twice, as OPA does in annotations.
///
/// # Errors
/// As [`read`], and those.
pub(crate) fn read_strictly(text: &str) -> Result<Value, YamlError> {
    Builder { strict: true, ..Builder::default() }.read(text)
}

/// A node that is complete.
#[derive(Clone)]
enum Node {
    Scalar(Scalar),
    /// A `<<` without quotes: as a key it merges, else it is a text.
    Merge,
    Collection(Value),
}

impl Node {
    fn value(self) -> Result<Value, String> {
        Ok(match self {
            Self::Collection(value) => value,
            Self::Merge => Value::from("<<"),
            Self::Scalar(Scalar::Null) => Value::Null,
            Self::Scalar(Scalar::Bool(value)) => Value::from(value),
            Self::Scalar(Scalar::Text(text)) => Value::from(text),
            Self::Scalar(Scalar::Integer(number)) => match i64::try_from(number) {
                Ok(number) => Value::from(number),
                Err(_) => Value::Number(Number::from_u64(u64::try_from(number).unwrap_or(u64::MAX))),
            },
            Self::Scalar(Scalar::Float(number)) => Number::from_f64(number)
                .map(Value::Number)
                .ok_or_else(|| format!("`{}` is no number in JSON", special(number)))?,
        })
    }
}

/// What YAML calls a number that is none of JSON's.
fn special(number: f64) -> &'static str {
    match number {
        _ if number.is_nan() => ".nan",
        _ if number < 0.0 => "-.inf",
        _ => ".inf",
    }
}

/// What stands before the `:`.
enum Key {
    Merge,
    Text(String),
}

/// A mapping that is being read.
#[derive(Default)]
struct Map {
    members: Vec<(Value, Value)>,
    /// What is merged into it; the first counts most, and its own members before all.
    merged: Vec<Value>,
    key: Option<Key>,
    /// Its keys, where none may be there twice.
    seen: HashSet<String>,
}

impl Map {
    fn take_key(&mut self, node: Node, strict: bool) -> Result<(), String> {
        let text = match node {
            Node::Merge => {
                self.key = Some(Key::Merge);
                return Ok(());
            }
            Node::Scalar(Scalar::Text(text)) => text,
            Node::Collection(value) => return Err(format!("invalid map key: {}", value.type_name())),
            Node::Scalar(Scalar::Null) => return Err("unsupported map key of type: null".to_owned()),
            Node::Scalar(scalar) => {
                let text = match scalar {
                    Scalar::Integer(number) => number.to_string(),
                    // As OPA has them: with the precision of 32 bits.
                    Scalar::Float(number) if number.is_finite() => scalar::general(number as f32),
                    Scalar::Float(number) => special(number).to_owned(),
                    other => (other == Scalar::Bool(true)).to_string(),
                };
                if strict {
                    return Err(format!("invalid map key type(s): {text}"));
                }
                text
            }
        };
        if strict && !self.seen.insert(text.clone()) {
            return Err(format!("mapping key {text:?} already defined"));
        }
        self.key = Some(Key::Text(text));
        Ok(())
    }

    fn take_value(&mut self, key: Key, node: Node) -> Result<(), String> {
        let value = node.value()?;
        match (key, value) {
            (Key::Text(key), value) => self.members.push((Value::from(key), value)),
            (Key::Merge, value @ Value::Object(_)) => self.merged.push(value),
            (Key::Merge, Value::Array(items)) if items.iter().all(Value::is_object) => {
                self.merged.extend(items.iter().cloned());
            }
            (Key::Merge, _) => {
                return Err("map merge requires map or sequence of maps as the value".to_owned());
            }
        }
        Ok(())
    }

    fn finish(self) -> Value {
        let mut all = Vec::new();
        for merged in self.merged.iter().rev() {
            if let Value::Object(members) = merged {
                all.extend(members.iter().map(|(key, value)| (key.clone(), value.clone())));
            }
        }
        all.extend(self.members);
        Value::from(Object::from_entries(all))
    }
}

/// A collection that is being read, and its anchor.
enum Open {
    List(Vec<Value>, usize),
    Map(Map, usize),
}

#[derive(Default)]
struct Builder {
    /// Keys are texts, and none is there twice.
    strict: bool,
    /// Numbers are such that 64-bit integers and doubles keep them.
    exact_numbers: bool,
    one_document: bool,
    open: Vec<Open>,
    anchors: HashMap<usize, Node>,
    root: Option<Value>,
}

impl Builder {
    fn read(mut self, text: &str) -> Result<Value, YamlError> {
        let (text, mut bounds) = (prepare(text)?, Bounds::default());
        let mut first = true;
        for event in Parser::new_from_str(&text) {
            let (event, span) = event.map_err(|error| at(*error.marker(), error.info().to_owned()))?;
            bounds.take(&event).map_err(|message| at(span.start, message))?;
            if self.one_document && !first && matches!(event, Event::DocumentStart(..)) {
                return Err(at(span.start, "more than one document".to_owned()));
            }
            first &= !matches!(event, Event::DocumentEnd);
            if first {
                self.take(event).map_err(|message| at(span.start, message))?;
            }
        }
        Ok(self.root.unwrap_or(Value::Null))
    }

    fn take(&mut self, event: Event<'_>) -> Result<(), String> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let node = scalar(&text, style, tag.as_deref())?;
                if self.exact_numbers
                    && matches!(&node, Node::Scalar(Scalar::Float(_)))
                    && !is_interoperable(&text.replace(['_', '+'], ""))
                {
                    return Err(lossy(&text));
                }
                self.finish(node, anchor)
            }
            Event::SequenceStart(anchor, _) => {
                self.open.push(Open::List(Vec::new(), anchor));
                Ok(())
            }
            Event::MappingStart(anchor, _) => {
                self.open.push(Open::Map(Map::default(), anchor));
                Ok(())
            }
            Event::SequenceEnd | Event::MappingEnd => match self.open.pop() {
                Some(Open::List(items, anchor)) => self.finish(Node::Collection(Value::from(items)), anchor),
                Some(Open::Map(map, anchor)) => self.finish(Node::Collection(map.finish()), anchor),
                None => Ok(()),
            },
            Event::Alias(anchor) => {
                let node = self.anchors.get(&anchor).cloned();
                self.finish(node.ok_or("anchor value contains itself")?, 0)
            }
            _ => Ok(()),
        }
    }

    /// Puts a node where it belongs.
    fn finish(&mut self, node: Node, anchor: usize) -> Result<(), String> {
        if anchor > 0 {
            let merge = matches!(node, Node::Merge);
            // Only where it is written does it merge.
            let held = if merge { Node::Scalar(Scalar::Text("<<".to_owned())) } else { node.clone() };
            self.anchors.insert(anchor, held);
        }
        match self.open.last_mut() {
            None => self.root = Some(node.value()?),
            Some(Open::List(items, _)) => items.push(node.value()?),
            Some(Open::Map(map, _)) => match map.key.take() {
                None => map.take_key(node, self.strict)?,
                Some(key) => map.take_value(key, node)?,
            },
        }
        Ok(())
    }
}

fn at(marker: Marker, message: String) -> YamlError {
    YamlError::at(marker.line(), marker.col() + 1, message)
}

fn scalar(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Result<Node, String> {
    // A `!` alone is no tag.
    let tag = tag.filter(|tag| !(tag.handle.is_empty() && tag.suffix == "!"));
    Ok(match tag {
        Some(tag) => Node::Scalar(scalar::tagged(text, tag)?),
        None if style != ScalarStyle::Plain => Node::Scalar(Scalar::Text(text.to_owned())),
        None if text == "<<" => Node::Merge,
        None => Node::Scalar(scalar::resolve(text)),
    })
}
