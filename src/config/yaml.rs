//! From YAML text to a tree, and from a node of the tree back to its line and column.

use std::collections::HashSet;
use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, EnumAccess, MapAccess, SeqAccess, Visitor};

use super::tree::{Data, Node, Origin, Path, Step};

/// A place in the text; both count from 1, columns in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) line: usize,
    pub(super) column: usize,
}

/// Why a text is not a tree.
#[derive(Debug)]
pub(super) struct Malformed {
    pub(super) place: Option<Place>,
    pub(super) message: String,
}

/// Whether the key or the value of a node is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Key,
    Value,
}

/// Reads one YAML document. An empty one is an empty map.
///
/// # Errors
/// What YAML itself forbids; a key that stands twice in one map; a key that is not a text; a tag.
pub(super) fn parse(text: &str, origin: &Origin) -> Result<Node, Malformed> {
    if let Some(place) = too_many_brackets(text) {
        return Err(Malformed { place: Some(place), message: "too many brackets are open here".to_owned() });
    }
    let read = Read { origin };
    let deserializer = yaml_serde::Deserializer::from_str(text);
    match read.deserialize(deserializer) {
        Ok(Node { data: Data::Null, origin, .. }) => Ok(Node::empty_map(origin)),
        Ok(node) => Ok(node),
        // The parser reports the end of an empty stream as an error.
        Err(_) if text.lines().all(|line| line.trim_start().starts_with('#') || line.trim().is_empty()) => {
            Ok(Node::empty_map(origin.clone()))
        }
        Err(error) => Err(malformed(&error)),
    }
}

/// Where so many brackets are open that the parser, whose work grows with the square of their number, would not come
/// back for minutes. It counts those in texts and comments, too; nobody has so many there.
fn too_many_brackets(text: &str) -> Option<Place> {
    const MOST: usize = 1000;
    let mut open = 0_usize;
    for (n, line) in text.lines().enumerate() {
        for (column, c) in line.chars().enumerate() {
            match c {
                '[' | '{' => open += 1,
                ']' | '}' => open = open.saturating_sub(1),
                _ => {}
            }
            if open > MOST {
                return Some(Place { line: n + 1, column: column + 1 });
            }
        }
    }
    None
}

fn malformed(error: &yaml_serde::Error) -> Malformed {
    let place = place_of(error);
    let mut message = error.to_string();
    if let Some(Place { line, column }) = place {
        message = message.replacen(&format!(" at line {line} column {column}"), "", 1);
    }
    // A key that is no scalar: the parser says this without asking its visitor.
    for (name, plain) in [("sequence", "a list"), ("map", "a map")] {
        message = message.replace(&format!("invalid type: {name}, "), &format!("found {plain}, "));
    }
    Malformed { place, message }
}

fn place_of(error: &yaml_serde::Error) -> Option<Place> {
    error.location().map(|at| Place { line: at.line(), column: at.column() })
}

/// Where the key or the value at `path` stands in `text`; where it does not, what is nearest above it.
///
/// The parser tells where it is only when it fails. So the text is read once more, by a reader that walks down `path`
/// and fails on purpose at its end.
pub(super) fn locate(text: &str, path: &Path, part: Part) -> Option<Place> {
    let seek = Seek { steps: &path.0, part };
    let error = seek.deserialize(yaml_serde::Deserializer::from_str(text)).err()?;
    place_of(&error)
}

struct Read<'a> {
    origin: &'a Origin,
}

impl Read<'_> {
    fn node<E>(&self, data: Data) -> Result<Node, E> {
        Ok(Node::new(data, self.origin.clone()))
    }
}

impl<'de> DeserializeSeed<'de> for &Read<'_> {
    type Value = Node;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> DeserializeSeed<'de> for Read<'_> {
    type Value = Node;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        deserializer.deserialize_any(&self)
    }
}

impl<'de> Visitor<'de> for &Read<'_> {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a plain YAML value without a tag")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Node, E> {
        self.node(Data::Null)
    }

    fn visit_none<E: de::Error>(self) -> Result<Node, E> {
        self.node(Data::Null)
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Node, E> {
        self.node(Data::Bool(value))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Node, E> {
        self.node(Data::Unsigned(value))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Node, E> {
        self.node(u64::try_from(value).map_or(Data::Signed(value), Data::Unsigned))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Node, E> {
        self.node(Data::Float(value))
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Node, E> {
        self.node(Data::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Node, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element_seed(self)? {
            items.push(item);
        }
        self.node(Data::List(items))
    }

    fn visit_enum<A: EnumAccess<'de>>(self, _: A) -> Result<Node, A::Error> {
        Err(de::Error::custom(
            "a tag (`!…`) has no meaning here; put the text in quotes, or take the tag out",
        ))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Node, A::Error> {
        let mut entries: Vec<(String, Node)> = Vec::new();
        let mut seen = HashSet::new();
        while let Some(key) = access.next_key_seed(NewKey(&mut seen))? {
            let value = access.next_value_seed(self)?;
            entries.push((key, value));
        }
        self.node(Data::Map(entries))
    }
}

/// A key that its map does not have yet. It is refused here, while the parser stands on it, so that the error has the
/// place of the second one.
struct NewKey<'a>(&'a mut HashSet<String>);

impl<'de> DeserializeSeed<'de> for NewKey<'_> {
    type Value = String;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<String, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for NewKey<'_> {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text as the key")
    }

    fn visit_str<E: de::Error>(self, key: &str) -> Result<String, E> {
        if !self.0.insert(key.to_owned()) {
            return Err(E::custom(format!("the key `{key}` stands twice in one map")));
        }
        Ok(key.to_owned())
    }
}

struct Seek<'a> {
    steps: &'a [Step],
    part: Part,
}

impl<'de> DeserializeSeed<'de> for Seek<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'a> Seek<'a> {
    fn below(&self, rest: &'a [Step]) -> Self {
        Self { steps: rest, part: self.part }
    }

    /// Here it is; or here it should have been.
    fn stop<T, E: de::Error>() -> Result<T, E> {
        Err(E::custom("here"))
    }
}

impl<'de> Visitor<'de> for Seek<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a node")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<(), A::Error> {
        let Some((Step::Index(wanted), rest)) = self.steps.split_first() else {
            return Self::stop();
        };
        for _ in 0..*wanted {
            if access.next_element::<de::IgnoredAny>()?.is_none() {
                return Self::stop();
            }
        }
        access.next_element_seed(self.below(rest))?;
        Self::stop()
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<(), A::Error> {
        let Some((Step::Key(wanted), rest)) = self.steps.split_first() else {
            return Self::stop();
        };
        let wanted_key = (rest.is_empty() && self.part == Part::Key).then_some(wanted.as_str());
        while let Some(key) = access.next_key_seed(SoughtKey(wanted_key))? {
            if key == *wanted {
                access.next_value_seed(self.below(rest))?;
                return Self::stop();
            }
            access.next_value::<de::IgnoredAny>()?;
        }
        Self::stop()
    }
}

/// A key; the one that is sought fails, which tells its place.
struct SoughtKey<'a>(Option<&'a str>);

impl<'de> DeserializeSeed<'de> for SoughtKey<'_> {
    type Value = String;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<String, D::Error> {
        struct Compare<'a>(Option<&'a str>);
        impl Visitor<'_> for Compare<'_> {
            type Value = String;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key")
            }
            fn visit_str<E: de::Error>(self, key: &str) -> Result<String, E> {
                if self.0 == Some(key) { Err(E::custom("here")) } else { Ok(key.to_owned()) }
            }
        }
        deserializer.deserialize_str(Compare(self.0))
    }
}

/// One value of an environment variable: YAML where it is that, else the text itself, so that `[::1]:8181` needs no
/// quotes. Quotes that are there are YAML's.
pub(super) fn parse_value(text: &str, origin: &Origin) -> Node {
    let read = Read { origin };
    let plain = || Node::new(Data::Text(text.to_owned()), origin.clone());
    let mut node = match too_many_brackets(text) {
        Some(_) => plain(),
        None => read.deserialize(yaml_serde::Deserializer::from_str(text)).unwrap_or_else(|_| plain()),
    };
    let quoted = matches!(node.data, Data::Text(_)) && text.trim_start().starts_with(['"', '\'']);
    node.raw = (!quoted).then(|| text.to_owned());
    node
}
