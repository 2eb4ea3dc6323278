//! Types of references, and errors for those that match nothing.

use super::super::flat::{Head, Reference, Term, Var};
use super::super::hints::names::near;
use super::super::tree::{NodeId, Tree};
use super::super::types::{Kind, Type, keys, select, unifies, values};
use super::{Infer, Parts};
use crate::shown;
use crate::value::Value;

/// How many of the keys that there are a message names.
const SHOWN_KEYS: usize = 20;

impl Infer<'_> {
    /// Checks the reference that a term is; those within terms stand for themselves.
    pub(super) fn references(&mut self, term: &Term, parts: &mut Parts) {
        if let Term::Ref(reference) = term
            && !self.reference(reference)
        {
            parts.failed = true;
        }
    }

    fn root(tree: &Tree, head: Head) -> Option<NodeId> {
        let name = match head {
            Head::Input => "input",
            Head::Data => "data",
            Head::Var(_) => return None,
        };
        tree.child(0, &Value::from(name))
    }

    /// The type of what a reference leads to.
    pub(super) fn referred(&self, reference: &Reference) -> Type {
        if let Head::Var(var) = reference.head {
            return Self::along(self.var(var), &reference.parts);
        }
        self.trees.iter().find_map(|tree| Self::in_tree(tree, reference)).unwrap_or(Type::Any)
    }

    /// Nothing, where the tree says nothing of it.
    fn in_tree(tree: &Tree, reference: &Reference) -> Option<Type> {
        let mut node = Self::root(tree, reference.head)?;
        let mut rest = reference.parts.as_slice();
        loop {
            let Some((part, further)) = rest.split_first() else { return Some(tree.extent(node)) };
            let child = match part {
                Term::Scalar(key) => tree.child(node, key),
                _ => None,
            };
            match (child, tree.of(node), part) {
                (Some(child), ..) => (node, rest) = (child, further),
                (None, Some(of), _) => return Some(Self::along(of.clone(), rest)),
                (None, None, Term::Scalar(_)) => return None,
                // A base document may be anything.
                (None, None, _) => return Some(Type::Any),
            }
        }
    }

    fn along(of: Type, parts: &[Term]) -> Type {
        parts.iter().fold(of, |of, part| match part {
            Term::Scalar(key) => select(&of, key),
            _ => values(&of),
        })
    }

    /// Whether a reference may lead somewhere; variables in its brackets get the types of the keys there.
    fn reference(&mut self, reference: &Reference) -> bool {
        let of = self.referred(reference);
        if of.is_function() {
            self.no_brackets(reference, reference.parts.len(), &of);
            return false;
        }
        if let Head::Var(var) = reference.head {
            if matches!(self.var(var), Type::Unknown) {
                self.set(var, Type::Any);
            }
            return self.leaf(reference, 0, self.var(var));
        }
        'trees: for number in 0..self.trees.len() {
            let Some(tree) = self.trees.get(number).copied() else { break };
            let Some(mut node) = Self::root(tree, reference.head) else { continue };
            if let Some(of) = tree.of(node) {
                return self.leaf(reference, 0, of.clone());
            }
            for (at, part) in reference.parts.iter().enumerate() {
                let child = match part {
                    Term::Scalar(key) => tree.child(node, key),
                    _ => None,
                };
                let text = matches!(part, Term::Var(_) | Term::Scalar(Value::String(_)));
                if at < 2 && !text && child.is_none() {
                    let have = self.of(part);
                    let one_of = tree.children(node).cloned().collect();
                    self.no_member(reference, at, Some(have), &Type::String, one_of);
                    return false;
                }
                if let Term::Var(var) = part
                    && !self.key(reference, at, *var, tree, node)
                {
                    return false;
                }
                match child {
                    Some(child) => {
                        if let Some(of) = tree.of(child) {
                            return self.leaf(reference, at + 1, of.clone());
                        }
                        node = child;
                    }
                    None => {
                        if number + 1 == self.trees.len() {
                            // Base documents may have anything here.
                            self.free(reference.parts.get(at + 1..).unwrap_or_default());
                            return true;
                        }
                        continue 'trees;
                    }
                }
            }
            return true;
        }
        self.leaf(reference, 0, Type::Any)
    }

    /// Whether a variable may be a key of what a reference leads to before the part at `at`.
    fn key(&mut self, reference: &Reference, at: usize, var: Var, tree: &Tree, node: NodeId) -> bool {
        let wanted = tree.keys(node);
        match self.var(var) {
            Type::Unknown => self.set(var, wanted),
            known if unifies(&known, &wanted) => {}
            known => {
                let one_of = tree.children(node).cloned().collect();
                self.no_member(reference, at, Some(known), &wanted, one_of);
                return false;
            }
        }
        true
    }

    fn free(&mut self, parts: &[Term]) {
        for part in parts {
            if let Term::Var(var) = part
                && matches!(self.var(*var), Type::Unknown)
            {
                self.set(*var, Type::Any);
            }
        }
    }

    /// The brackets of a reference from `from` on, after something of a type.
    fn leaf(&mut self, reference: &Reference, from: usize, of: Type) -> bool {
        let mut of = of;
        for (at, part) in reference.parts.iter().enumerate().skip(from) {
            let wanted = keys(&of);
            if matches!(wanted, Type::Unknown) {
                self.no_brackets(reference, at, &of);
                return false;
            }
            match part {
                Term::Scalar(key) => {
                    let found = select(&of, key);
                    if matches!(found, Type::Unknown) {
                        self.no_member(reference, at, None, &wanted, members(&of));
                        return false;
                    }
                    of = found;
                    continue;
                }
                Term::Var(var) => match self.var(*var) {
                    Type::Unknown => self.set(*var, wanted),
                    known if unifies(&known, &wanted) => {}
                    known => {
                        self.no_member(reference, at, Some(known), &wanted, members(&of));
                        return false;
                    }
                },
                _ => {
                    if !self.unify(part, &wanted, false) {
                        let have = self.of(part);
                        self.no_member(reference, at, Some(have), &wanted, Vec::new());
                        return false;
                    }
                }
            }
            of = values(&of);
        }
        true
    }

    /// The reference as text, and how much of it the first `parts` brackets take.
    fn shown(&self, reference: &Reference, parts: usize) -> (String, usize) {
        let mut text = match reference.head {
            Head::Input => "input".to_owned(),
            Head::Data => "data".to_owned(),
            Head::Var(var) => self.shown_var(var),
        };
        let mut length = text.chars().count();
        for (at, part) in reference.parts.iter().enumerate() {
            match part {
                Term::Scalar(key) => text.push_str(&shown::part(key)),
                Term::Var(var) => text.push_str(&format!("[{}]", self.shown_var(*var))),
                _ => text.push_str("[…]"),
            }
            if at < parts {
                length = text.chars().count();
            }
        }
        (text, length)
    }

    /// What comes before the brackets at `at` has none.
    fn no_brackets(&mut self, reference: &Reference, at: usize, have: &Type) {
        let (text, length) = self.shown(reference, at);
        let details = vec![text.clone(), "^".repeat(length), format!("have: {have}")];
        self.wrong(reference.span, format!("undefined ref: {text}"), details);
    }

    /// What is in the brackets at `at` is no key there.
    fn no_member(
        &mut self,
        reference: &Reference,
        at: usize,
        have: Option<Type>,
        want: &Type,
        one_of: Vec<Value>,
    ) {
        let (text, length) = self.shown(reference, at);
        let pad = " ".repeat(length + 1);
        let mut details = vec![text.clone(), format!("{pad}^")];
        let key = match reference.parts.get(at) {
            Some(Term::Scalar(key)) => Some(key),
            _ => None,
        };
        details.push(match (&have, key) {
            (Some(have), _) => format!("{pad}have (type): {have}"),
            (None, Some(key)) => format!("{pad}have: {key}"),
            (None, None) => format!("{pad}have: ???"),
        });
        if one_of.is_empty() {
            details.push(format!("{pad}want (type): {want}"));
        } else {
            let mut names: Vec<String> = one_of.iter().take(SHOWN_KEYS).map(Value::to_string).collect();
            if one_of.len() > SHOWN_KEYS {
                names.push("…".to_owned());
            }
            details.push(format!("{pad}want (one of): [{}]", names.join(" ")));
        }
        self.wrong(reference.span, format!("undefined ref: {text}"), details);
        let name = key.and_then(Value::as_str);
        let meant = name.and_then(|name| near(name, one_of.iter().filter_map(Value::as_str)));
        if let (Some(meant), Some(found)) = (meant, self.found.last_mut()) {
            found.hint = Some(format!("did you mean `{meant}`?"));
        }
    }
}

/// The keys that a type is known to have.
fn members(of: &Type) -> Vec<Value> {
    let mut found = Vec::new();
    let mut types = vec![of];
    while let Some(of) = types.pop() {
        match of.kind() {
            Some(Kind::Object(members, _)) => found.extend(members.iter().map(|(key, _)| key.clone())),
            Some(Kind::OneOf(of)) => types.extend(of),
            _ => {}
        }
    }
    found.sort();
    found.dedup();
    found
}
