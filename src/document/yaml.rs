//! From YAML text to a tree whose nodes know their line and column.
//!
//! INVARIANT (linear): nesting, and what aliases repeat, are bounded, so that no text costs more than its length.

use std::collections::{HashMap, HashSet};

use saphyr_parser::{Event, Marker, Parser, ScalarStyle};
use verdict_rego::yaml::{self, Scalar};

use super::tree::{Data, Node, Origin, Place};

/// Deeper than any document that a person writes.
const MAX_DEPTH: usize = 64;
/// How many nodes aliases may repeat in all.
const MAX_ALIASED: usize = 10_000;

/// Why a text is not a tree.
#[derive(Debug)]
pub(crate) struct Malformed {
    pub(crate) place: Option<Place>,
    pub(crate) message: String,
}

impl Malformed {
    fn at(place: Place, message: impl Into<String>) -> Self {
        Self { place: Some(place), message: message.into() }
    }
}

/// Reads a file of one YAML document. An empty one is an empty map.
///
/// # Errors
/// What YAML itself forbids; a duplicate key; a key that is not a text; a tag; a second document.
pub(crate) fn parse(text: &str) -> Result<Node, Malformed> {
    let root = read(text, &Origin::File)?;
    Ok(root.filter(|node| node.data != Data::Null).unwrap_or_else(|| Node::empty_map(Origin::File)))
}

/// One value of an environment variable: YAML where it is that, else the text itself, so that `[::1]:8181` needs no
/// quotes. Quotes that are there are YAML's.
pub(crate) fn parse_value(text: &str, origin: &Origin) -> Node {
    let plain = || Node::new(Data::Text(text.to_owned()), origin.clone());
    let mut node = read(text, origin).ok().flatten().unwrap_or_else(plain);
    let quoted = matches!(node.data, Data::Text(_)) && text.trim_start().starts_with(['"', '\'']);
    node.raw = (!quoted).then(|| text.to_owned());
    node
}

fn read(text: &str, origin: &Origin) -> Result<Option<Node>, Malformed> {
    let text = yaml::prepare(text)
        .map_err(|error| Malformed::at(Place { line: error.line, column: error.column }, error.message))?;
    let mut builder = Builder { origin, open: Vec::new(), anchors: HashMap::new(), aliased: 0, root: None };
    let mut documents = 0;
    for event in Parser::new_from_str(&text) {
        let (event, span) = event.map_err(|error| Malformed::at(place(*error.marker()), error.info()))?;
        let at = place(span.start);
        if matches!(event, Event::DocumentStart(_)) {
            documents += 1;
            if documents > 1 {
                return Err(Malformed::at(at, "a second document begins here; a file holds one"));
            }
        }
        builder.take(event, at)?;
    }
    Ok(builder.root)
}

fn place(marker: Marker) -> Place {
    Place { line: marker.line(), column: marker.col() + 1 }
}

/// A collection that is being read.
struct Open {
    items: Items,
    anchor: usize,
    place: Place,
}

enum Items {
    List(Vec<Node>),
    Map { entries: Vec<(String, Node)>, seen: HashSet<String>, key: Option<(String, Place)> },
}

struct Builder<'a> {
    origin: &'a Origin,
    open: Vec<Open>,
    anchors: HashMap<usize, Node>,
    aliased: usize,
    root: Option<Node>,
}

impl Builder<'_> {
    fn take(&mut self, event: Event<'_>, at: Place) -> Result<(), Malformed> {
        if let Event::Scalar(.., Some(_))
        | Event::SequenceStart(_, Some(_))
        | Event::MappingStart(_, Some(_)) = event
        {
            let message = "a tag (`!…`) has no meaning here; quote the string, or remove the tag";
            return Err(Malformed::at(at, message));
        }
        match event {
            Event::Scalar(text, style, anchor, _) => self.scalar(&text, style, anchor, at),
            Event::SequenceStart(anchor, _) => self.start(Items::List(Vec::new()), anchor, at),
            Event::MappingStart(anchor, _) => {
                self.start(Items::Map { entries: Vec::new(), seen: HashSet::new(), key: None }, anchor, at)
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(),
            Event::Alias(anchor) => self.alias(anchor, at),
            _ => Ok(()),
        }
    }

    /// A scalar: the next key of a map, or a value.
    fn scalar(&mut self, text: &str, style: ScalarStyle, anchor: usize, at: Place) -> Result<(), Malformed> {
        let data = match style {
            ScalarStyle::Plain => resolve(text),
            _ => Data::Text(text.to_owned()),
        };
        let node = self.node(data, at);
        if anchor > 0 {
            self.anchors.insert(anchor, Node { raw: Some(text.to_owned()), ..node.clone() });
        }
        if self.expects_key() { self.key(text, at) } else { self.value(node) }
    }

    fn start(&mut self, items: Items, anchor: usize, place: Place) -> Result<(), Malformed> {
        if self.expects_key() {
            let found = if matches!(items, Items::List(_)) { "a list" } else { "a map" };
            return Err(Malformed::at(place, format!("expected a string as the key, found {found}")));
        }
        if self.open.len() >= MAX_DEPTH {
            return Err(Malformed::at(place, format!("nested deeper than {MAX_DEPTH} levels")));
        }
        self.open.push(Open { items, anchor, place });
        Ok(())
    }

    fn end(&mut self) -> Result<(), Malformed> {
        let Some(Open { items, anchor, place }) = self.open.pop() else { return Ok(()) };
        let data = match items {
            Items::List(items) => Data::List(items),
            Items::Map { entries, .. } => Data::Map(entries),
        };
        let node = self.node(data, place);
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        self.value(node)
    }

    fn alias(&mut self, anchor: usize, at: Place) -> Result<(), Malformed> {
        let Some(node) = self.anchors.get(&anchor) else {
            return Err(Malformed::at(at, "this alias stands inside its own anchor"));
        };
        self.aliased += count(node);
        if self.aliased > MAX_ALIASED {
            return Err(Malformed::at(
                at,
                format!("the aliases up to here repeat more than {MAX_ALIASED} values"),
            ));
        }
        let (text, node) = (node.raw.clone(), Node { place: self.placed(at), raw: None, ..node.clone() });
        match (self.expects_key(), text) {
            (false, _) => self.value(node),
            (true, Some(text)) => self.key(&text, at),
            (true, None) => {
                Err(Malformed::at(at, "expected a string as the key, found an alias of a list or a map"))
            }
        }
    }

    fn expects_key(&self) -> bool {
        matches!(self.open.last(), Some(Open { items: Items::Map { key: None, .. }, .. }))
    }

    fn key(&mut self, text: &str, at: Place) -> Result<(), Malformed> {
        if let Some(Open { items: Items::Map { seen, key, .. }, .. }) = self.open.last_mut() {
            if !seen.insert(text.to_owned()) {
                return Err(Malformed::at(at, format!("duplicate key `{text}`")));
            }
            *key = Some((text.to_owned(), at));
        }
        Ok(())
    }

    fn value(&mut self, mut node: Node) -> Result<(), Malformed> {
        match self.open.last_mut().map(|open| &mut open.items) {
            None => self.root = Some(node),
            Some(Items::List(items)) => items.push(node),
            Some(Items::Map { entries, key, .. }) => {
                if let Some((key, at)) = key.take() {
                    node.key_place = (*self.origin == Origin::File).then_some(at);
                    entries.push((key, node));
                }
            }
        }
        Ok(())
    }

    fn node(&self, data: Data, at: Place) -> Node {
        Node { place: self.placed(at), ..Node::new(data, self.origin.clone()) }
    }

    /// Only the file has lines that somebody could look up.
    fn placed(&self, at: Place) -> Option<Place> {
        (*self.origin == Origin::File).then_some(at)
    }
}

fn count(node: &Node) -> usize {
    1 + match &node.data {
        Data::List(items) => items.iter().map(count).sum(),
        Data::Map(entries) => entries.iter().map(|(_, value)| count(value)).sum(),
        _ => 0,
    }
}

/// What a scalar without quotes means.
pub(crate) fn resolve(text: &str) -> Data {
    match yaml::resolve(text) {
        Scalar::Null => Data::Null,
        Scalar::Bool(value) => Data::Bool(value),
        Scalar::Text(text) => Data::Text(text),
        Scalar::Float(number) => Data::Float(number),
        Scalar::Integer(number) => match (u64::try_from(number), i64::try_from(number)) {
            (Ok(number), _) => Data::Unsigned(number),
            (_, Ok(number)) => Data::Signed(number),
            _ => Data::Float(number as f64),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_the_type_that_fits() {
        for (written, meant) in [
            ("12", Data::Unsigned(12)),
            ("-12", Data::Signed(-12)),
            ("18446744073709551615", Data::Unsigned(u64::MAX)),
            ("-9223372036854775808", Data::Signed(i64::MIN)),
            ("18446744073709551616", Data::Float(18_446_744_073_709_551_616.0)),
            ("1.5", Data::Float(1.5)),
            ("1MiB", Data::Text("1MiB".to_owned())),
        ] {
            assert!(resolve(written) == meant, "{written}");
        }
    }

    #[test]
    fn nodes_know_where_they_and_their_keys_stand() {
        let text = "a: 1\nb:\n  - x\n  - {c: 'é', d: [2]}\n";
        let root = parse(text).unwrap();
        let at = |node: &Node| node.place.map(|Place { line, column }| (line, column));
        let key = |node: &Node| node.key_place.map(|Place { line, column }| (line, column));
        let get = |path: Path| root.get(&path).unwrap();
        use super::super::tree::Path;
        let second = Path::keys(["b"]).index(1);
        assert_eq!((at(get(Path::keys(["a"]))), key(get(Path::keys(["a"])))), (Some((1, 4)), Some((1, 1))));
        assert_eq!(at(get(Path::keys(["b"]).index(0))), Some((3, 5)));
        assert_eq!(at(get(second.clone())), Some((4, 5)));
        assert_eq!((at(get(second.key("d"))), key(get(second.key("d")))), (Some((4, 17)), Some((4, 14))));
    }
}
