//! References that lead nowhere: to a name that no rule of a loaded package has and where no document is given.
//!
//! A document may still come there when policy is served, from another bundle. So one is warned of only where that
//! cannot be, below an owned path, or where the name of a rule is a slip of the pen away.

use std::collections::{BTreeMap, HashSet};

use super::flat::{Noted, Rule};
use super::found::{Found, Given, REFERENCE};
use super::names::Root;
use crate::shown;
use crate::value::Value;

/// With how many names those that are not there are compared, altogether.
const MOST_COMPARED: usize = 1_000_000;

/// What the rules define, as a tree of names.
struct Defined<'r> {
    nodes: Vec<Node<'r>>,
    compared: usize,
}

#[derive(Default)]
struct Node<'r> {
    below: BTreeMap<&'r Value, usize>,
    is_rule: bool,
    /// Whether a `with` gives a document here, or below.
    given: bool,
}

/// Warnings, in order of rules.
pub(super) fn warnings(rules: &[Rule], data: &Value, given: &Given) -> Vec<Found> {
    let mut defined = Defined { nodes: vec![Node::default()], compared: 0 };
    for rule in rules {
        if let Some(node) = defined.add(&rule.path) {
            node.is_rule = true;
        }
    }
    for noted in rules.iter().flat_map(|rule| &rule.noted) {
        if noted.given
            && noted.root == Root::Data
            && let Some(node) = defined.add(&noted.path)
        {
            node.given = true;
        }
    }
    let mut said = HashSet::new();
    let mut found = Vec::new();
    for rule in rules {
        for noted in rule.noted.iter().filter(|noted| !noted.given) {
            let warning = match noted.root {
                Root::Data => defined.data(noted, data, given),
                Root::Input => input(noted, given),
            };
            let (file, span) = (rule.from.0, noted.span);
            if let Some((message, hint)) = warning
                && said.insert((file, span))
            {
                let warning = Found::new(REFERENCE, file, span, message);
                found.push(Found { hint, ..warning });
            }
        }
    }
    found
}

type Warning = (String, Option<String>);

impl<'r> Defined<'r> {
    /// The node at a path, made where there is none.
    fn add(&mut self, path: &'r [Value]) -> Option<&mut Node<'r>> {
        let mut at = 0;
        for key in path {
            let new = self.nodes.len();
            at = *self.nodes.get_mut(at)?.below.entry(key).or_insert(new);
            if at == new {
                self.nodes.push(Node::default());
            }
        }
        self.nodes.get_mut(at)
    }

    fn data(&mut self, noted: &Noted, data: &Value, given: &Given) -> Option<Warning> {
        let mut at = 0;
        for (depth, key) in noted.path.iter().enumerate() {
            let node = self.nodes.get(at)?;
            if node.is_rule || node.given {
                return None;
            }
            if let Some(next) = node.below.get(key) {
                at = *next;
                continue;
            }
            let is_package =
                node.below.values().any(|below| self.nodes.get(*below).is_some_and(|n| n.is_rule));
            let path = noted.path.get(..=depth)?;
            if is_document(data, path) {
                return None;
            }
            let text = shown::path(path);
            if let Some(meant) = self.near(at, key, noted.path.get(depth + 1..).unwrap_or_default()) {
                let mut whole = path.to_vec();
                whole.pop();
                whole.push(meant.clone());
                let hint = format!("did you mean `{}`?", shown::path(&whole));
                return Some((format!("`{text}` leads nowhere: no rule and no data is there"), Some(hint)));
            }
            let owned = |root: &Vec<String>| {
                let begins = root.iter().zip(path).all(|(part, key)| key.as_str() == Some(part));
                !root.is_empty() && root.len() < path.len() && begins
            };
            let message = || format!("`{text}` leads nowhere: its bundle has neither a rule nor data there");
            return (is_package && given.owned.iter().any(owned)).then(|| (message(), None));
        }
        None
    }

    /// The name below a node that is a slip of the pen away, if what follows leads to a rule from there.
    fn near(&mut self, at: usize, key: &Value, rest: &[Value]) -> Option<&'r Value> {
        let name = key.as_str()?;
        let node = self.nodes.get(at)?;
        self.compared += node.below.len();
        if self.compared > MOST_COMPARED {
            return None;
        }
        let near = |(other, below): &(&&'r Value, &usize)| {
            let Some(other) = other.as_str() else { return false };
            // Of a package, what follows being there, too, says more than the length of its name.
            let is_package = || self.nodes.get(**below).is_some_and(|node| !node.is_rule) && !rest.is_empty();
            is_slip(name, other)
                || is_package() && name.len() > 2 && strsim::damerau_levenshtein(name, other) == 1
        };
        let mut below = node.below.iter().filter(near).filter(|(_, below)| self.leads_on(**below, rest));
        below.next().map(|(other, _)| *other)
    }

    fn leads_on(&self, mut at: usize, rest: &[Value]) -> bool {
        for key in rest {
            let Some(node) = self.nodes.get(at) else { return false };
            if node.is_rule {
                return true;
            }
            match node.below.get(key) {
                Some(next) => at = *next,
                None => return false,
            }
        }
        self.nodes.get(at).is_some_and(|node| node.is_rule)
    }
}

/// Whether data have a document at a path, or one that is no object on the way there.
fn is_document(data: &Value, path: &[Value]) -> bool {
    let mut at = data;
    for key in path {
        let Some(name) = key.as_str() else { return true };
        match at.get(name) {
            Some(next) => at = next,
            None => return !at.is_object(),
        }
    }
    true
}

/// Whether one name may have been meant by the other: a letter is missing, is too much, or has changed places. A plural, and
/// in short names another letter, may be a name of its own.
fn is_slip(written: &str, meant: &str) -> bool {
    let (short, long) = if written.len() < meant.len() { (written, meant) } else { (meant, written) };
    let one_more = long.len() == short.len() + 1;
    let digits = |name: &str| name.ends_with(|c: char| c.is_ascii_digit());
    if long.len() < 5 || !(one_more || long.len() == short.len()) || digits(long) || digits(short) {
        return false;
    }
    if one_more && long.strip_suffix('s') == Some(short) || strsim::damerau_levenshtein(written, meant) != 1 {
        return false;
    }
    // One letter for another, rather than two that changed places.
    let replaced = !one_more && strsim::levenshtein(written, meant) == 1;
    !replaced || long.len() >= 7
}

/// A member that the input document does not have, where one that it has is near.
fn input(noted: &Noted, given: &Given) -> Option<Warning> {
    let [of, member, ..] = noted.path.as_slice() else { return None };
    let (of, member) = (of.as_str()?, member.as_str()?);
    let (_, members) = given.input.iter().find(|(name, _)| *name == of)?;
    if members.contains(&member) {
        return None;
    }
    let meant = members.iter().find(|known| is_slip(member, known))?;
    let message = format!("`input.{of}` has no member `{member}`");
    Some((message, Some(format!("did you mean `input.{of}.{meant}`?"))))
}
