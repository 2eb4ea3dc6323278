//! Asks the configuration's types which keys they have.

use std::cell::RefCell;

use serde::Deserialize;
use serde::de::value::StrDeserializer;
use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;

use crate::config::keys::Shape;
use crate::config::schema::Config;
use crate::document::tree::{Data, Node, Origin, Path, Step};
use crate::document::typed;
use crate::stores::Quota;

/// One key of the configuration.
#[derive(Debug, Clone)]
pub(in crate::config) struct KnownKey {
    /// Dotted; `issuers[]` is each element of the list `issuers`, `keys{}` each value of the map `keys`.
    pub(in crate::config) path: String,
    pub(in crate::config) shape: Shape,
    /// The words of a [`Shape::Word`].
    pub(in crate::config) words: &'static [&'static str],
}

/// Every key, in the order of the types.
pub(in crate::config) fn keys() -> Vec<KnownKey> {
    let found = RefCell::new(Vec::new());
    let probe = Probe { path: String::new(), optional: false, found: &found };
    // The made-up answers satisfy every type there is; a type that refuses them would cut the list short, which the
    // test of the table notices.
    let _ = Config::deserialize(probe);
    found.into_inner()
}

/// The configuration with one element in every list of sections and every optional section present, and no more in
/// them than there must be; and the keys that must be there.
pub(in crate::config) fn sparsest() -> (Option<Config>, Vec<String>) {
    let known = keys();
    let mut tree = Node::empty_map(Origin::Default);
    let node = |data| Node::new(data, Origin::Default);
    for key in &known {
        let below = format!("{}[].", key.path);
        let sparse = match key.shape {
            Shape::Section => Data::Map(Vec::new()),
            Shape::List if known.iter().any(|other| other.path.starts_with(&below)) => {
                Data::List(vec![node(Data::Map(Vec::new()))])
            }
            Shape::Map if known.iter().any(|other| other.path.starts_with(&format!("{}{{}}.", key.path))) => {
                Data::Map(vec![("0".to_owned(), node(Data::Map(Vec::new())))])
            }
            _ => continue,
        };
        let _ = tree.set(&Path::dotted(&key.path.replace("[]", "[0]").replace("{}", ".0")), node(sparse));
    }
    let mut required = Vec::new();
    // Serde names one missing key at a time.
    while let Some(flaw) = typed::read::<Config>(&tree).err().filter(|_| required.len() < known.len()) {
        let path = flaw.path.to_string().replace("[0]", "[]").replace(".0.", "{}.");
        let key = known.iter().find(|key| key.path == path);
        let value = match key.map(|key| key.shape) {
            Some(Shape::List) => Data::List(Vec::new()),
            // One of a closed list of words, or any text.
            _ => Data::Text(key.and_then(|key| key.words.first()).copied().unwrap_or_default().to_owned()),
        };
        if let Some((above, Step::Key(key))) = flaw.path.split_last()
            && let Some(there) = tree.get_mut(&above)
        {
            let _ = there.set(&Path::keys([key.as_str()]), node(value));
        }
        required.push(path);
    }
    (typed::read(&tree).ok(), required)
}

#[derive(Clone)]
struct Probe<'a> {
    path: String,
    optional: bool,
    found: &'a RefCell<Vec<KnownKey>>,
}

impl Probe<'_> {
    fn note(&self, shape: Shape, words: &'static [&'static str]) {
        let mut found = self.found.borrow_mut();
        let inside_list_or_map = self.path.ends_with(['[', ']', '}']);
        if !inside_list_or_map && !found.iter().any(|key| key.path == self.path) {
            found.push(KnownKey { path: self.path.clone(), shape, words });
        }
    }

    fn below(&self, step: &str) -> Self {
        Self { path: format!("{}{step}", self.path), optional: false, found: self.found }
    }
}

impl<'de> Deserializer<'de> for Probe<'_> {
    type Error = de::value::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        self.note(Shape::Scalar, &[]);
        visitor.visit_str("0")
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        self.note(Shape::Text, &[]);
        // An address is a text, too.
        visitor.visit_str("127.0.0.1:0")
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        self.deserialize_str(visitor)
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        self.note(Shape::Flag, &[]);
        visitor.visit_bool(false)
    }

    fn deserialize_u64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        self.note(Shape::Number, &[]);
        visitor.visit_u64(0)
    }

    fn deserialize_i32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        self.deserialize_u64(visitor)
    }

    fn deserialize_u32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        self.deserialize_u64(visitor)
    }

    fn deserialize_u16<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        self.deserialize_u64(visitor)
    }

    fn deserialize_u8<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        self.deserialize_u64(visitor)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        self.note(Shape::Number, &[]);
        visitor.visit_f64(0.0)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        visitor.visit_some(Self { optional: true, ..self })
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        if name == Quota::NAME {
            self.note(Shape::Text, &[]);
            return visitor.visit_str("1/s");
        }
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        self.note(Shape::List, &[]);
        visitor.visit_seq(One(Some(self.below("[]"))))
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        self.note(Shape::Map, &[]);
        visitor.visit_map(Fields { probe: self.below("{}"), fields: &["key"], free: true, next: 0 })
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        if self.optional {
            self.note(Shape::Section, &[]);
        }
        visitor.visit_map(Fields { probe: self, fields, free: false, next: 0 })
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        words: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        self.note(Shape::Word, words);
        let first = words.first().copied().unwrap_or_default();
        visitor.visit_enum(StrDeserializer::<Self::Error>::new(first))
    }

    forward_to_deserialize_any! {
        i8 i16 i64 i128 u128 f32 char bytes byte_buf unit unit_struct tuple tuple_struct identifier ignored_any
    }
}

/// A list of one element.
struct One<'a>(Option<Probe<'a>>);

impl<'de> SeqAccess<'de> for One<'_> {
    type Error = de::value::Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Self::Error> {
        self.0.take().map(|probe| seed.deserialize(probe)).transpose()
    }
}

/// A map with every field there is.
struct Fields<'a> {
    probe: Probe<'a>,
    fields: &'static [&'static str],
    /// Whether the names of the fields are made up.
    free: bool,
    next: usize,
}

impl<'de> MapAccess<'de> for Fields<'_> {
    type Error = de::value::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Self::Error> {
        let Some(field) = self.fields.get(self.next) else {
            return Ok(None);
        };
        self.next += 1;
        seed.deserialize(StrDeserializer::<Self::Error>::new(field)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Self::Error> {
        let field =
            self.next.checked_sub(1).and_then(|last| self.fields.get(last)).copied().unwrap_or_default();
        let probe = match (self.free, self.probe.path.is_empty()) {
            (true, _) => self.probe.below(""),
            (false, true) => self.probe.below(field),
            (false, false) => self.probe.below(&format!(".{field}")),
        };
        seed.deserialize(probe)
    }
}
