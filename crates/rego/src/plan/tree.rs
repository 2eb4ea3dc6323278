//! The tree of packages and rules: which rule defines which document, and what may not stand beside what.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::finding::Finding;
use super::ir::{Kind, Node, NodeId, Place, RuleId};
use crate::shown;
use crate::syntax::ast::{self, HeadValue, RefPart, TermKind};
use crate::syntax::source::Span;
use crate::value::Value;

/// The most parts of the path of a rule or a package.
const MOST_PARTS: usize = 250;

/// One rule of a module, with what its head says.
#[derive(Clone)]
pub(super) struct Source<'m> {
    pub(super) module: usize,
    pub(super) rule: &'m ast::Rule,
    /// Where the head's constant part ends: how many parts of the name belong to the path.
    pub(super) fixed: usize,
    /// Further constant keys, where the rule is part of an object that is gathered above it.
    pub(super) below: Vec<Arc<str>>,
}

/// One document or function, with all rules for it.
pub(super) struct Group<'m> {
    pub(super) path: Vec<Arc<str>>,
    pub(super) kind: Kind,
    pub(super) sources: Vec<Source<'m>>,
    pub(super) default: Option<Source<'m>>,
}

#[derive(Default)]
pub(super) struct Tree {
    pub(super) nodes: Vec<Node>,
    arities: Vec<Option<usize>>,
}

impl Tree {
    pub(super) fn child(&self, node: NodeId, name: &str) -> Option<NodeId> {
        self.nodes.get(node as usize)?.children.get(name).copied()
    }

    pub(super) fn rule(&self, node: NodeId) -> Option<RuleId> {
        self.nodes.get(node as usize)?.rule
    }

    /// The rule of a path below `data`.
    pub(super) fn rule_at(&self, path: &[Value]) -> Option<RuleId> {
        let node = path.iter().try_fold(0, |node, key| self.child(node, key.as_str()?))?;
        self.rule(node)
    }

    /// How many arguments a function takes; `None` for documents.
    pub(super) fn arity(&self, rule: RuleId) -> Option<usize> {
        self.arities.get(rule as usize).copied().flatten()
    }

    /// That of a compiled program.
    pub(super) fn of(program: &super::ir::Program) -> Self {
        let arity = |rules: &super::ir::RuleSet| match rules.kind {
            Kind::Function(arity) => Some(arity),
            _ => None,
        };
        let nodes = program.nodes.iter().map(|node| Node {
            path: node.path.clone(),
            children: node.children.clone(),
            rule: node.rule,
        });
        Self { nodes: nodes.collect(), arities: program.rules.iter().map(arity).collect() }
    }

    fn at(&mut self, path: &[Arc<str>]) -> NodeId {
        let mut node: NodeId = 0;
        for (depth, name) in path.iter().enumerate() {
            node = match self.child(node, name) {
                Some(child) => child,
                None => {
                    let child = self.nodes.len() as NodeId;
                    let path = path.get(..=depth).unwrap_or_default().to_vec();
                    self.nodes.push(Node { path, ..Node::default() });
                    if let Some(parent) = self.nodes.get_mut(node as usize) {
                        parent.children.insert(Arc::clone(name), child);
                    }
                    child
                }
            };
        }
        node
    }
}

/// Gathers the rules of all modules by what they define.
pub(super) fn gather<'m>(modules: &'m [ast::Module], findings: &mut Vec<Finding>) -> (Tree, Vec<Group<'m>>) {
    let groups = groups_of(modules, findings);
    let tree = tree_of(modules, &groups, findings);
    (tree, groups)
}

/// The rules of each path, in order of the paths.
fn groups_of<'m>(modules: &'m [ast::Module], findings: &mut Vec<Finding>) -> Vec<Group<'m>> {
    let mut by_path: BTreeMap<Vec<Arc<str>>, Vec<Source<'m>>> = BTreeMap::new();
    for (number, module) in modules.iter().enumerate() {
        for rule in &module.rules {
            let (fixed, path) = path_of(module, rule);
            if path.len() > MOST_PARTS {
                findings.push(too_long(number, rule.head.span, path.len()));
                continue;
            }
            by_path.entry(path).or_default().push(Source { module: number, rule, fixed, below: Vec::new() });
        }
    }
    let mut groups: Vec<Group<'m>> = Vec::new();
    for (path, mut sources) in by_path {
        // In order of paths: what is below another stands directly behind it.
        if let Some(above) = groups.last_mut().filter(|group| path.starts_with(&group.path)) {
            if matches!(above.kind, Kind::Partial { set: false }) {
                let below = path.get(above.path.len()..).unwrap_or_default();
                for mut source in sources {
                    source.below = below.to_vec();
                    above.sources.push(source);
                }
            } else if let Some(source) = sources.first() {
                let (above, below) = (shown::names(&above.path), shown::names(&path));
                let message = format!("rule {above} conflicts with [{below}]");
                findings.push(finding(source, message));
            }
            continue;
        }
        let kind = kind_of(&sources, findings, &path);
        let mut defaults = Vec::new();
        let mut rest = Vec::new();
        for source in sources.drain(..) {
            if source.rule.default { defaults.push(source) } else { rest.push(source) }
        }
        if let Some(second) = defaults.get(1) {
            findings.push(finding(second, format!("multiple default rules {} found", shown::names(&path))));
        }
        groups.push(Group { path, kind, sources: rest, default: defaults.into_iter().next() });
    }
    groups
}

/// The packages and rules as a tree.
fn tree_of(modules: &[ast::Module], groups: &[Group<'_>], findings: &mut Vec<Finding>) -> Tree {
    let mut tree = Tree { nodes: vec![Node::default()], arities: Vec::new() };
    for (number, module) in modules.iter().enumerate() {
        let path = &module.package.path;
        if path.len() > MOST_PARTS {
            findings.push(too_long(number, module.package.span, path.len()));
            continue;
        }
        // The groups are in order, and none is above another: only the last one before the path can be above it.
        let before = groups.partition_point(|group| group.path <= *path);
        let above = before.checked_sub(1).and_then(|last| groups.get(last));
        if above.is_some_and(|group| path.starts_with(&group.path)) {
            continue;
        }
        tree.at(path);
    }
    for (id, group) in groups.iter().enumerate() {
        let node = tree.at(&group.path);
        let children = tree.nodes.get(node as usize).is_some_and(|node| !node.children.is_empty());
        if children && let Some(source) = group.sources.first().or(group.default.as_ref()) {
            let path = shown::names(&group.path);
            findings.push(finding(source, format!("package {path} conflicts with rule of the same name")));
        }
        if let Some(node) = tree.nodes.get_mut(node as usize) {
            node.rule = Some(id as RuleId);
        }
        tree.arities.push(match group.kind {
            Kind::Function(arity) => Some(arity),
            _ => None,
        });
    }
    tree
}

fn too_long(module: usize, span: Span, parts: usize) -> Finding {
    let message = format!("a path of {parts} parts is too long: at most {MOST_PARTS} are taken");
    Finding { code: "rego_compile_error", message, place: Place { file: module as u32, span } }
}

fn finding(source: &Source<'_>, message: String) -> Finding {
    let place = Place { file: source.module as u32, span: source.rule.head.span };
    Finding { code: "rego_type_error", message, place }
}

/// The constant part of what a rule defines, and how many parts of its name that takes.
fn path_of(module: &ast::Module, rule: &ast::Rule) -> (usize, Vec<Arc<str>>) {
    let mut path = module.package.path.clone();
    if let TermKind::Var(name) = &rule.head.name.head.kind {
        path.push(Arc::clone(name));
    }
    let parts = &rule.head.name.parts;
    for (at, part) in parts.iter().enumerate() {
        match part {
            _ if rule.head.element => return (at, path),
            RefPart::Dot(name) => path.push(Arc::clone(&name.name)),
            RefPart::Bracket(ast::Term { kind: TermKind::String { value, .. }, .. }) => {
                path.push(Arc::clone(value))
            }
            RefPart::Bracket(_) => return (at, path),
        }
    }
    (parts.len(), path)
}

fn kind_of(sources: &[Source<'_>], findings: &mut Vec<Finding>, path: &[Arc<str>]) -> Kind {
    let kind = |source: &Source<'_>| {
        let rule = source.rule;
        match (&rule.head.args, &rule.head.value) {
            (Some(args), _) => Kind::Function(args.len()),
            _ if rule.head.element => Kind::Partial { set: true },
            (None, value) if source.fixed == rule.head.name.parts.len() => match value {
                HeadValue::Contains(_) => Kind::Partial { set: true },
                _ => Kind::Complete,
            },
            _ => Kind::Partial { set: false },
        }
    };
    let first = sources.first().map_or(Kind::Complete, kind);
    // One that gathers an object takes constant members, too.
    let object = Kind::Partial { set: false };
    if let Some(other) = sources.iter().find(|source| kind(source) != first) {
        findings.push(finding(other, format!("conflicting rules {} found", shown::names(path))));
    }
    if sources.iter().any(|source| kind(source) == object) { object } else { first }
}
