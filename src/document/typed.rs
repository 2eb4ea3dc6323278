//! From the tree to typed values: what serde reports, with its path and the layer it came from.

mod error;

use serde::de::value::{MapAccessDeserializer, StrDeserializer};
use serde::de::{self, DeserializeOwned, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;

use self::error::TypeError;
use super::flaw::Flaw;
use super::tree::{Data, Node, Part, Step};

/// Reads what a tree says.
///
/// # Errors
/// The first key that is unknown or missing, or the first value of the wrong type.
pub(crate) fn read<T: DeserializeOwned>(tree: &Node) -> Result<T, Box<Flaw>> {
    T::deserialize(TreeDeserializer { node: tree }).map_err(|error| Box::new(error.into_flaw()))
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
            other => Err(de::Error::invalid_type(unexpected(other), &"a string")),
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
