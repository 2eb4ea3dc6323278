//! From the tree to the typed configuration, with every flaw and the place of each.
//!
//! Serde stops at the first error. So a flaw is noted, the tree is repaired at that place, and the whole is read again,
//! until it reads or cannot be repaired: a person sees all that is wrong at once.

mod error;

use serde::Deserialize;
use serde::de::value::{MapAccessDeserializer, StrDeserializer};
use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;

use self::error::TypeError;
use super::Config;
use super::error::Flaw;
use super::tree::{Data, Node, Origin, Path, Step};
use super::yaml::Part;

/// More than a person repairs in one go, and an end for the search in any case.
const MOST_FLAWS: usize = 10;

/// Reads the typed configuration.
///
/// # Errors
/// Everything that is wrong with keys and types.
pub(super) fn read(tree: &Node) -> Result<Config, Vec<Flaw>> {
    let mut repaired = tree.clone();
    let mut flaws: Vec<Flaw> = Vec::new();
    let mut repairs: Vec<(Path, usize)> = Vec::new();
    for _ in 0..MOST_FLAWS * 8 {
        let flaw = match Config::deserialize(TreeDeserializer { node: &repaired }) {
            Ok(config) if flaws.is_empty() => return Ok(config),
            Ok(_) => return Err(flaws),
            Err(error) => error.into_flaw(),
        };
        let path = flaw.path.clone();
        let tried = match repairs.iter_mut().find(|(at, _)| *at == path) {
            Some((_, tried)) => {
                *tried += 1;
                *tried
            }
            None => {
                repairs.push((path.clone(), 0));
                // What is wrong inside a repaired place is wrong with the repair.
                if !flaws.iter().any(|flaw| path.is_below(&flaw.path)) {
                    flaws.push(flaw);
                }
                0
            }
        };
        if flaws.len() >= MOST_FLAWS || !repair(&mut repaired, &path, tried) {
            return Err(flaws);
        }
    }
    Err(flaws)
}

/// Makes the value at `path` acceptable, by taking it away or, where something must stand there, by one value after
/// the other; whether there was anything left to try.
fn repair(tree: &mut Node, path: &Path, tried: usize) -> bool {
    let text = |text: &str| Data::Text(text.to_owned());
    let data = match tried {
        0 => {
            // What was missing needs no removal.
            if tree.get(path).is_some() && tree.remove(path) {
                return true;
            }
            Data::Null
        }
        1 => text(""),
        2 => Data::List(Vec::new()),
        3 => Data::Map(Vec::new()),
        4 => Data::Unsigned(1),
        5 => Data::Bool(false),
        _ => return false,
    };
    let node = Node::new(data, Origin::Default);
    match tree.get_mut(path) {
        Some(there) => {
            *there = node;
            true
        }
        None => tree.set(path, node).is_ok(),
    }
}

struct TreeDeserializer<'a> {
    node: &'a Node,
}

impl<'a> TreeDeserializer<'a> {
    /// The text of a scalar for a key that wants a text.
    fn text(&self) -> Option<&'a str> {
        match (&self.node.raw, &self.node.data) {
            (Some(raw), _) => Some(raw),
            (None, Data::Text(text)) => Some(text),
            _ => None,
        }
    }
}

impl<'de> Deserializer<'de> for TreeDeserializer<'de> {
    type Error = TypeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TypeError> {
        let result = match &self.node.data {
            Data::Null => visitor.visit_unit(),
            Data::Bool(value) => visitor.visit_bool(*value),
            Data::Unsigned(value) => visitor.visit_u64(*value),
            Data::Signed(value) => visitor.visit_i64(*value),
            Data::Float(value) => visitor.visit_f64(*value),
            Data::Text(text) => visitor.visit_borrowed_str(text),
            Data::List(items) => visitor.visit_seq(Items { items, next: 0 }),
            Data::Map(entries) => visitor.visit_map(Entries { entries, next: 0 }),
        };
        result.map_err(|error| error.at(&self.node.origin))
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TypeError> {
        match self.text() {
            Some(text) => {
                visitor.visit_borrowed_str(text).map_err(|error: Self::Error| error.at(&self.node.origin))
            }
            None => self.deserialize_any(visitor),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TypeError> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TypeError> {
        match self.node.data {
            Data::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, TypeError> {
        // A list in the place of a struct is a mistake here, although serde would take it.
        match &self.node.data {
            // `server:` with nothing below it: all of it commented out, most likely.
            Data::Null => visitor.visit_map(Entries { entries: &[], next: 0 }),
            Data::Map(_) => return self.deserialize_any(visitor),
            other => Err(de::Error::invalid_type(unexpected(other), &"a map of keys")),
        }
        .map_err(|error: TypeError| error.at(&self.node.origin))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, TypeError> {
        match &self.node.data {
            Data::Text(text) => visitor.visit_enum(StrDeserializer::<TypeError>::new(text)),
            Data::Map(entries) => {
                visitor.visit_enum(MapAccessDeserializer::new(Entries { entries, next: 0 }))
            }
            other => Err(de::Error::invalid_type(unexpected(other), &"a word")),
        }
        .map_err(|error| error.at(&self.node.origin))
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, TypeError> {
        visitor.visit_newtype_struct(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char bytes byte_buf unit unit_struct seq tuple
        tuple_struct map identifier ignored_any
    }
}

fn unexpected(data: &Data) -> de::Unexpected<'_> {
    match data {
        Data::Null => de::Unexpected::Unit,
        Data::Bool(value) => de::Unexpected::Bool(*value),
        Data::Unsigned(value) => de::Unexpected::Unsigned(*value),
        Data::Signed(value) => de::Unexpected::Signed(*value),
        Data::Float(value) => de::Unexpected::Float(*value),
        Data::Text(text) => de::Unexpected::Str(text),
        Data::List(_) => de::Unexpected::Seq,
        Data::Map(_) => de::Unexpected::Map,
    }
}

struct Items<'a> {
    items: &'a [Node],
    next: usize,
}

impl<'de> SeqAccess<'de> for Items<'de> {
    type Error = TypeError;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, TypeError> {
        let Some(node) = self.items.get(self.next) else {
            return Ok(None);
        };
        let index = self.next;
        self.next += 1;
        seed.deserialize(TreeDeserializer { node })
            .map(Some)
            .map_err(|error| error.at(&node.origin).below(Step::Index(index)))
    }
}

struct Entries<'a> {
    entries: &'a [(String, Node)],
    /// Which entry's key is read next; its value is the one before.
    next: usize,
}

impl<'de> MapAccess<'de> for Entries<'de> {
    type Error = TypeError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, TypeError> {
        let Some((key, node)) = self.entries.get(self.next) else {
            return Ok(None);
        };
        self.next += 1;
        seed.deserialize(StrDeserializer::<TypeError>::new(key)).map(Some).map_err(|mut error: TypeError| {
            error.part = Part::Key;
            error.at(&node.origin).below(Step::Key(key.clone()))
        })
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, TypeError> {
        let Some((key, node)) = self.next.checked_sub(1).and_then(|last| self.entries.get(last)) else {
            return Err(de::Error::custom("a value was asked for before its key"));
        };
        seed.deserialize(TreeDeserializer { node })
            .map_err(|error| error.at(&node.origin).below(Step::Key(key.clone())))
    }
}
