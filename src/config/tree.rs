//! The layers of the configuration as one tree whose every node knows which layer it came from.

use std::fmt;
use std::sync::Arc;

/// One step from a node to a node below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    Key(String),
    Index(usize),
}

/// Where a node stands, from the root.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Path(pub(super) Vec<Step>);

impl Path {
    /// From keys alone.
    pub(super) fn keys<'a>(keys: impl IntoIterator<Item = &'a str>) -> Self {
        Self(keys.into_iter().map(|key| Step::Key(key.to_owned())).collect())
    }

    /// From a dotted path without list elements, e.g. `server.listen`.
    pub(super) fn dotted(text: &str) -> Self {
        Self::keys(text.split('.'))
    }

    /// This path and one key more.
    pub(super) fn key(&self, key: &str) -> Self {
        self.with(Step::Key(key.to_owned()))
    }

    /// This path and one list index more.
    pub(super) fn index(&self, index: usize) -> Self {
        self.with(Step::Index(index))
    }

    /// Whether this is a place inside `above`.
    pub(super) fn is_below(&self, above: &Self) -> bool {
        self.0.len() > above.0.len() && self.0.starts_with(&above.0)
    }

    fn with(&self, step: Step) -> Self {
        Self(self.0.iter().cloned().chain([step]).collect())
    }

    /// The path of the node above, and the last step.
    pub(super) fn split_last(&self) -> Option<(Self, &Step)> {
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
pub(super) enum Origin {
    /// Nobody set it.
    Default,
    /// The configuration file.
    File,
    /// This environment variable.
    Env(Arc<str>),
    /// This flag of the command line.
    Flag(&'static str),
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Data {
    Null,
    Bool(bool),
    Unsigned(u64),
    Signed(i64),
    Float(f64),
    Text(String),
    List(Vec<Node>),
    Map(Vec<(String, Node)>),
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Node {
    pub(super) data: Data,
    pub(super) origin: Origin,
    /// What an environment variable holds, letter by letter: a text that only looks like a number, such as a path
    /// called `123`, is still a text to a key that wants one.
    pub(super) raw: Option<String>,
}

impl Node {
    pub(super) const fn new(data: Data, origin: Origin) -> Self {
        Self { data, origin, raw: None }
    }

    pub(super) const fn empty_map(origin: Origin) -> Self {
        Self::new(Data::Map(Vec::new()), origin)
    }

    /// The node at `path`.
    pub(super) fn get(&self, path: &Path) -> Option<&Self> {
        path.0.iter().try_fold(self, |node, step| match (&node.data, step) {
            (Data::Map(entries), Step::Key(key)) => entries.iter().find(|(k, _)| k == key).map(|(_, n)| n),
            (Data::List(items), Step::Index(index)) => items.get(*index),
            _ => None,
        })
    }

    /// The node at `path`, to change it.
    pub(super) fn get_mut(&mut self, path: &Path) -> Option<&mut Self> {
        path.0.iter().try_fold(self, |node, step| match (&mut node.data, step) {
            (Data::Map(entries), Step::Key(key)) => {
                entries.iter_mut().find(|(k, _)| k == key).map(|(_, n)| n)
            }
            (Data::List(items), Step::Index(index)) => items.get_mut(*index),
            _ => None,
        })
    }

    /// Which layer set what stands at `path`: the deepest node on the way that exists says so.
    pub(super) fn origin_of(&self, path: &Path) -> Origin {
        match self.get(path) {
            Some(node) => node.origin.clone(),
            None => Origin::Default,
        }
    }

    /// Puts `value` at `path`, making the maps on the way, but no elements of lists; maps are merged, everything else is
    /// replaced.
    ///
    /// # Errors
    /// The path of a list or a scalar that stands in the way.
    pub(super) fn set(&mut self, path: &Path, value: Self) -> Result<(), Path> {
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

    /// Takes the key at the end of `path` out of its map; whether there was one.
    pub(super) fn remove(&mut self, path: &Path) -> bool {
        let Some((above, Step::Key(key))) = path.split_last() else {
            return false;
        };
        match self.get_mut(&above).map(|node| &mut node.data) {
            Some(Data::Map(entries)) => {
                let before = entries.len();
                entries.retain(|(k, _)| k != key);
                entries.len() < before
            }
            _ => false,
        }
    }
}
