//! A document as one tree, whose every node knows which layer it came from and where it stands there.

use std::fmt;
use std::sync::Arc;

/// A place in the text; both count from 1, columns in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) line: usize,
    pub(crate) column: usize,
}

/// Whether the key or the value of a node is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Key,
    Value,
}

/// One step from a node to a node below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    Key(String),
    Index(usize),
}

/// Where a node stands, from the root.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Path(pub(crate) Vec<Step>);

impl Path {
    /// From keys alone.
    pub(crate) fn keys<'a>(keys: impl IntoIterator<Item = &'a str>) -> Self {
        Self(keys.into_iter().map(|key| Step::Key(key.to_owned())).collect())
    }

    /// From a dotted path, e.g. `server.listen` or `identity.issuers[1].leeway`.
    pub(crate) fn dotted(text: &str) -> Self {
        text.split('.').fold(Self::default(), |path, step| {
            match step.strip_suffix(']').and_then(|step| step.rsplit_once('[')) {
                Some((key, index)) => match index.parse() {
                    Ok(index) => path.key(key).index(index),
                    Err(_) => path.key(step),
                },
                None => path.key(step),
            }
        })
    }

    /// This path and one key more.
    pub(crate) fn key(&self, key: &str) -> Self {
        self.with(Step::Key(key.to_owned()))
    }

    /// This path and one list index more.
    pub(crate) fn index(&self, index: usize) -> Self {
        self.with(Step::Index(index))
    }

    fn with(&self, step: Step) -> Self {
        Self(self.0.iter().cloned().chain([step]).collect())
    }

    /// The path of the node above, and the last step.
    pub(crate) fn split_last(&self) -> Option<(Self, &Step)> {
        self.0.split_last().map(|(last, above)| (Self(above.to_vec()), last))
    }
}

/// `identity.issuers[0].jwks_url`; keys that are not plain words stand in quotes.
impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, step) in self.0.iter().enumerate() {
            match step {
                Step::Index(index) => write!(f, "[{index}]")?,
                Step::Key(key) => {
                    if n > 0 {
                        f.write_str(".")?;
                    }
                    if !key.is_empty() && key.chars().all(|c| c.is_alphanumeric() || c == '_') {
                        f.write_str(key)?;
                    } else {
                        write!(f, "{key:?}")?;
                    }
                }
            }
        }
        Ok(())
    }
}

/// Which layer a node came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    /// Nobody set it.
    Default,
    /// The file.
    File,
    /// This environment variable.
    Env(Arc<str>),
    /// This flag of the command line.
    Flag(&'static str),
    /// What was in force before a reload, and needs a restart to change.
    Kept,
}

/// `Debug` for tests alone: some of the values are secrets.
#[derive(Clone, PartialEq)]
#[cfg_attr(test, derive(Debug))]
pub(crate) enum Data {
    Null,
    Bool(bool),
    Unsigned(u64),
    Signed(i64),
    Float(f64),
    Text(String),
    List(Vec<Node>),
    Map(Vec<(String, Node)>),
}

#[derive(Clone)]
pub(crate) struct Node {
    pub(crate) data: Data,
    pub(crate) origin: Origin,
    /// What an environment variable holds, letter by letter: a text that only looks like a number, such as a path
    /// called `123`, is still a text to a key that wants one.
    pub(crate) raw: Option<String>,
    /// Where the value stands in the file.
    pub(crate) place: Option<Place>,
    /// Where its key stands in the file.
    pub(crate) key_place: Option<Place>,
}

/// Two nodes that say the same, wherever they stand.
impl PartialEq for Node {
    fn eq(&self, other: &Self) -> bool {
        self.data == other.data
    }
}

/// Without the values, some of which are secrets.
impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Node")
            .field("origin", &self.origin)
            .field("place", &self.place)
            .finish_non_exhaustive()
    }
}

impl Node {
    pub(crate) const fn new(data: Data, origin: Origin) -> Self {
        Self { data, origin, raw: None, place: None, key_place: None }
    }

    pub(crate) const fn empty_map(origin: Origin) -> Self {
        Self::new(Data::Map(Vec::new()), origin)
    }

    fn child(&self, step: &Step) -> Option<&Self> {
        match (&self.data, step) {
            (Data::Map(entries), Step::Key(key)) => entries.iter().find(|(k, _)| k == key).map(|(_, n)| n),
            (Data::List(items), Step::Index(index)) => items.get(*index),
            _ => None,
        }
    }

    /// The node at `path`.
    pub(crate) fn get(&self, path: &Path) -> Option<&Self> {
        path.0.iter().try_fold(self, |node, step| node.child(step))
    }

    /// The node at `path`, to change it.
    pub(crate) fn get_mut(&mut self, path: &Path) -> Option<&mut Self> {
        path.0.iter().try_fold(self, |node, step| match (&mut node.data, step) {
            (Data::Map(entries), Step::Key(key)) => {
                entries.iter_mut().find(|(k, _)| k == key).map(|(_, n)| n)
            }
            (Data::List(items), Step::Index(index)) => items.get_mut(*index),
            _ => None,
        })
    }

    /// Which layer set what stands at `path`.
    pub(crate) fn origin_of(&self, path: &Path) -> Origin {
        match self.get(path) {
            Some(node) => node.origin.clone(),
            None => Origin::Default,
        }
    }

    /// Where `path` stands in the file; what is not there is looked for at the nearest node above it.
    pub(crate) fn locate(&self, path: &Path, part: Part) -> Option<Place> {
        let mut nearest = self;
        for step in &path.0 {
            match nearest.child(step) {
                Some(child) => nearest = child,
                None => return nearest.place,
            }
        }
        match part {
            Part::Key => nearest.key_place.or(nearest.place),
            Part::Value => nearest.place,
        }
    }

    /// The paths of all nodes at a dotted pattern, in which `issuers[]` is each element of the list `issuers`, and
    /// `keys{}` each value of the map `keys`.
    pub(crate) fn matches(&self, pattern: &str) -> Vec<Path> {
        let mut found = vec![(Path::default(), self)];
        for step in pattern.split('.') {
            let name = step.strip_suffix("[]").or_else(|| step.strip_suffix("{}"));
            let key = Step::Key(name.unwrap_or(step).to_owned());
            let below = found
                .into_iter()
                .filter_map(|(path, node)| Some((path.with(key.clone()), node.child(&key)?)));
            found = match name {
                None => below.collect(),
                Some(_) => below.flat_map(|(path, node)| node.children(&path)).collect(),
            };
        }
        found.into_iter().map(|(path, _)| path).collect()
    }

    /// The nodes directly below this one, which stands at `path`.
    fn children(&self, path: &Path) -> Vec<(Path, &Self)> {
        match &self.data {
            Data::List(items) => items.iter().enumerate().map(|(n, item)| (path.index(n), item)).collect(),
            Data::Map(entries) => entries.iter().map(|(key, value)| (path.key(key), value)).collect(),
            _ => Vec::new(),
        }
    }

    /// Puts `value` at `path`, making the maps on the way, but no elements of lists; maps are merged, everything else is
    /// replaced.
    ///
    /// # Errors
    /// The path of a list or a scalar that stands in the way.
    pub(crate) fn set(&mut self, path: &Path, value: Self) -> Result<(), Path> {
        let mut node = self;
        for (n, step) in path.0.iter().enumerate() {
            if matches!(node.data, Data::Null) {
                node.data = Data::Map(Vec::new());
            }
            let in_the_way = || Path(path.0.iter().take(n).cloned().collect());
            let (entries, key) = match (&mut node.data, step) {
                (Data::Map(entries), Step::Key(key)) => (entries, key),
                (Data::List(items), Step::Index(index)) => {
                    node = items.get_mut(*index).ok_or_else(in_the_way)?;
                    continue;
                }
                _ => return Err(in_the_way()),
            };
            let at = match entries.iter().position(|(k, _)| k == key) {
                Some(at) => at,
                None => {
                    entries.push((key.clone(), Self::empty_map(value.origin.clone())));
                    entries.len() - 1
                }
            };
            let Some((_, child)) = entries.get_mut(at) else {
                return Err(path.clone());
            };
            node = child;
        }
        node.merge(value);
        Ok(())
    }

    fn merge(&mut self, value: Self) {
        match (&mut self.data, value) {
            (Data::Map(old), Self { data: Data::Map(new), .. }) if !old.is_empty() => {
                for (key, node) in new {
                    match old.iter_mut().find(|(k, _)| *k == key) {
                        Some((_, there)) => there.merge(node),
                        None => old.push((key, node)),
                    }
                }
            }
            (_, value) => *self = value,
        }
    }

    /// Takes the key at the end of `path` out of its map, if it is there.
    pub(crate) fn remove(&mut self, path: &Path) {
        if let Some((above, Step::Key(key))) = path.split_last()
            && let Some(Data::Map(entries)) = self.get_mut(&above).map(|node| &mut node.data)
        {
            entries.retain(|(k, _)| k != key);
        }
    }

    /// This node and all below it, as from another layer.
    pub(crate) fn with_origin(mut self, origin: &Origin) -> Self {
        self.origin = origin.clone();
        self.data = match self.data {
            Data::List(items) => Data::List(items.into_iter().map(|item| item.with_origin(origin)).collect()),
            Data::Map(entries) => {
                Data::Map(entries.into_iter().map(|(key, value)| (key, value.with_origin(origin))).collect())
            }
            scalar => scalar,
        };
        self
    }
}
