//! Types by path: the known types of `data` and `input`.

use std::collections::BTreeMap;

use super::types::{Kind, Type, keys, merge, of_value, or};
use crate::value::Value;

/// How many documents below a node are looked at before it is just anything.
const MOST_BELOW: usize = 300;

/// A place in the tree.
pub(super) type NodeId = usize;

#[derive(Debug, Default)]
struct Node {
    of: Option<Type>,
    /// Whether some keys are no texts.
    other_keys: bool,
    children: BTreeMap<Value, NodeId>,
}

/// The tree; its first level is `data` and `input`.
#[derive(Debug)]
pub(super) struct Tree {
    nodes: Vec<Node>,
}

impl Tree {
    pub(super) fn new() -> Self {
        Self { nodes: vec![Node::default()] }
    }

    pub(super) fn child(&self, node: NodeId, key: &Value) -> Option<NodeId> {
        self.nodes.get(node)?.children.get(key).copied()
    }

    pub(super) fn children(&self, node: NodeId) -> impl Iterator<Item = &Value> {
        self.nodes.get(node).into_iter().flat_map(|node| node.children.keys())
    }

    /// The type of a document; none for what only contains others.
    pub(super) fn of(&self, node: NodeId) -> Option<&Type> {
        self.nodes.get(node)?.of.as_ref()
    }

    fn enter(&mut self, node: NodeId, key: &Value) -> NodeId {
        if let Some(child) = self.child(node, key) {
            return child;
        }
        let child = self.nodes.len();
        self.nodes.push(Node::default());
        if let Some(node) = self.nodes.get_mut(node) {
            node.other_keys |= key.as_str().is_none();
            node.children.insert(key.clone(), child);
        }
        child
    }

    /// Sets the type of a document, whatever it was.
    pub(super) fn put(&mut self, path: &[Value], of: Type) {
        let node = path.iter().fold(0, |node, key| self.enter(node, key));
        if let Some(node) = self.nodes.get_mut(node) {
            node.of = Some(of);
        }
    }

    /// Adds a type to that of a document and to the objects that it is in.
    pub(super) fn insert(&mut self, path: &[Value], of: &Type) {
        let mut at = 0;
        for (depth, key) in path.iter().enumerate() {
            at = self.enter(at, key);
            let rest = path.get(depth + 1..).unwrap_or_default();
            if let Some(Node { of: Some(above), .. }) = self.nodes.get_mut(at)
                && !rest.is_empty()
                && let Some(whole) = within(above, rest, of)
            {
                *above = whole;
            }
        }
        let mut whole = match self.of(at) {
            Some(before) => merge(before, of),
            None => of.clone(),
        };
        if matches!(of.kind(), Some(Kind::Object(..))) {
            let mut below = Vec::new();
            self.leaves(at, &mut Vec::new(), &mut below);
            for (path, of) in below {
                whole = within(&whole, &path, &of).unwrap_or(whole);
            }
        }
        if let Some(node) = self.nodes.get_mut(at) {
            node.of = Some(whole);
        }
    }

    fn leaves(&self, node: NodeId, path: &mut Vec<Value>, found: &mut Vec<(Vec<Value>, Type)>) {
        let Some(node) = self.nodes.get(node) else { return };
        for (key, child) in &node.children {
            if found.len() > MOST_BELOW {
                return;
            }
            path.push(key.clone());
            match self.of(*child) {
                Some(of) => found.push((path.clone(), of.clone())),
                None => self.leaves(*child, path, found),
            }
            path.pop();
        }
    }

    /// The type of the keys below a node: those of base documents are texts.
    pub(super) fn keys(&self, node: NodeId) -> Type {
        if let Some(of) = self.of(node) {
            return keys(of);
        }
        let Some(node) = self.nodes.get(node) else { return Type::String };
        let other = node.children.keys().filter(|_| node.other_keys).take(MOST_BELOW).map(of_value);
        other.fold(Type::String, |all, each| or(&all, &each))
    }

    /// The type of all that is below a node: base documents, too, hence any other member.
    pub(super) fn extent(&self, node: NodeId) -> Type {
        let mut left = MOST_BELOW;
        self.extent_within(node, &mut left).unwrap_or(Type::Any)
    }

    fn extent_within(&self, node: NodeId, left: &mut usize) -> Option<Type> {
        if let Some(of) = self.of(node) {
            return Some(of.clone());
        }
        let mut members = Vec::new();
        for (key, child) in &self.nodes.get(node)?.children {
            *left = left.checked_sub(1)?;
            members.push((key.clone(), self.extent_within(*child, left)?));
        }
        Some(Type::object(members, Some((Type::String, Type::Any))))
    }
}

/// An object with something of a type at a path in it: keys are no longer told apart.
fn within(object: &Type, path: &[Value], of: &Type) -> Option<Type> {
    let Some(Kind::Object(members, rest)) = object.kind() else { return None };
    let (key, below) = path.split_first()?;
    let inner =
        if below.is_empty() { of.clone() } else { within(&Type::object(Vec::new(), None), below, of)? };
    let key = of_value(key);
    let rest = match rest {
        Some((keys, values)) => (or(keys, &key), or(values, &inner)),
        None => (key, inner),
    };
    Some(Type::object(members.clone(), Some(rest)))
}
