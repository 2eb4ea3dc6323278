//! The references of one body: where they lead, and which variables stand for documents.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use super::paths::{Names, Path};
use crate::number::Number;
use crate::syntax::ast::{Body, Expr, ExprKind, Module, Ref, RefPart, Term, TermKind};
use crate::syntax::visit::{Visitor, walk_expr, walk_module, walk_term};
use crate::value::Value;

/// The most documents that the variables of a body are followed to.
const MAX_ALIASES: usize = 10_000;
/// How often variables that stand for variables are gone through.
const MAX_ROUNDS: usize = 100;
/// How long the reference may be that a variable stands for.
const MAX_PARTS: usize = 100;

/// A part of a reference.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    /// A key.
    Constant(Value),
    /// A variable.
    Variable(Arc<str>),
    /// Anything else; each is different.
    Other(usize),
}

type Reference = Vec<Part>;

/// Where a reference begins.
#[derive(Debug, Clone)]
enum Head {
    /// At a document.
    Document(Path),
    /// At what a variable stands for.
    Variable(Arc<str>),
}

/// What is seen of one body.
pub(super) struct Collector<'n> {
    /// What names stand for outside of the rule: imports, then rules of the package.
    names: [&'n Names; 2],
    /// Names that the rule gives a meaning of its own.
    declared: &'n HashSet<Arc<str>>,
    /// Whether every variable counts as used.
    pub(super) all_used: bool,
    references: Vec<(Head, Reference)>,
    /// What variables stand for.
    aliases: Vec<(Arc<str>, Head, Reference)>,
    used: HashSet<Arc<str>>,
    others: usize,
}

impl<'n> Collector<'n> {
    pub(super) fn new(names: [&'n Names; 2], declared: &'n HashSet<Arc<str>>) -> Self {
        Self {
            names,
            declared,
            all_used: false,
            references: Vec::new(),
            aliases: Vec::new(),
            used: HashSet::new(),
            others: 0,
        }
    }

    /// The conditions of a rule or query: here a variable may stand for a document.
    pub(super) fn top(&mut self, body: &Body) {
        for expr in &body.exprs {
            let alias = match &expr.kind {
                ExprKind::Assign(left, right) | ExprKind::Unify(left, right) => self
                    .alias(left, right)
                    .or_else(|| self.alias(right, left))
                    .map(|(name, of)| (name, of, None)),
                ExprKind::SomeIn { key, value, collection } => {
                    self.alias(value, collection).map(|(name, of)| (name, of, Some(key.as_ref())))
                }
                _ => None,
            };
            let Some((name, (head, mut parts), member)) = alias else {
                self.expr(expr);
                continue;
            };
            if let Some(key) = member {
                let part = match key {
                    Some(key) => self.part(key),
                    None => self.other(),
                };
                parts.push(part);
            }
            self.aliases.push((name, head, parts));
            for with in &expr.with {
                self.term(&with.target);
                self.term(&with.value);
            }
        }
    }

    /// A variable and the document that it stands for.
    fn alias(&mut self, name: &Term, of: &Term) -> Option<(Arc<str>, (Head, Reference))> {
        let TermKind::Var(name) = &name.peeled().kind else { return None };
        if self.document(name).is_some() || &**name == "_" {
            return None;
        }
        match &of.peeled().kind {
            TermKind::Var(document) => {
                let path = self.document(document)?;
                Some((Arc::clone(name), (Head::Document(path), Vec::new())))
            }
            TermKind::Ref(reference) => Some((Arc::clone(name), self.resolve(reference)?)),
            _ => None,
        }
    }

    /// The document that a name stands for, where it is no variable.
    fn document(&self, name: &str) -> Option<Path> {
        match name {
            "input" | "data" => Some(vec![Value::from(name)]),
            _ if self.declared.contains(name) => None,
            _ => self.names.iter().find_map(|names| names.get(name)).cloned(),
        }
    }

    fn other(&mut self) -> Part {
        self.others += 1;
        Part::Other(self.others)
    }

    /// A reference that begins with a name. What is within its brackets is seen, too.
    fn resolve(&mut self, reference: &Ref) -> Option<(Head, Reference)> {
        let head = match &reference.head.kind {
            TermKind::Var(name) => match self.document(name) {
                Some(path) => Some(Head::Document(path)),
                None => Some(Head::Variable(Arc::clone(name))),
            },
            _ => None,
        };
        if head.is_none() {
            self.term(&reference.head);
        }
        let mut parts = Vec::new();
        for part in &reference.parts {
            parts.push(match part {
                RefPart::Dot(name) => Part::Constant(Value::String(Arc::clone(&name.name))),
                RefPart::Bracket(term) => self.part(term),
            });
        }
        head.map(|head| (head, parts))
    }

    fn part(&mut self, term: &Term) -> Part {
        if let Some(value) = constant(term) {
            return Part::Constant(value);
        }
        self.term(term);
        match &term.peeled().kind {
            TermKind::Var(name) if &**name != "_" && self.document(name).is_none() => {
                Part::Variable(Arc::clone(name))
            }
            _ => self.other(),
        }
    }

    /// Every reference to a document.
    pub(super) fn finish(self) -> BTreeSet<Reference> {
        let mut stands: HashMap<&Arc<str>, BTreeSet<Reference>> = HashMap::new();
        let expand =
            |stands: &HashMap<&Arc<str>, BTreeSet<Reference>>, head: &Head, rest: &Reference| match head {
                Head::Document(path) => {
                    let path = path.iter().cloned().map(Part::Constant);
                    vec![path.chain(rest.iter().cloned()).collect::<Reference>()]
                }
                Head::Variable(name) => {
                    let known = stands.get(name).into_iter().flatten();
                    known.map(|first| first.iter().chain(rest).cloned().collect()).collect()
                }
            };
        // Variables may stand for others in any order, and for several.
        let (mut count, mut settled) = (0, false);
        for _ in 0..MAX_ROUNDS {
            let before = count;
            for (name, head, rest) in &self.aliases {
                for mut reference in expand(&stands, head, rest) {
                    reference.truncate(MAX_PARTS);
                    count += usize::from(stands.entry(name).or_default().insert(reference));
                }
                if count > MAX_ALIASES {
                    break;
                }
            }
            settled = count == before;
            if settled || count > MAX_ALIASES {
                break;
            }
        }
        let mut found = BTreeSet::new();
        if !settled {
            // Too many to follow: then the whole documents that they begin at.
            let aliases = self.aliases.iter().filter(|(_, head, _)| matches!(head, Head::Document(_)));
            found.extend(aliases.flat_map(|(_, head, rest)| expand(&stands, head, rest)));
        }
        for (head, rest) in &self.references {
            found.extend(expand(&stands, head, rest));
        }
        for (name, references) in &stands {
            if self.all_used || references.len() > 1 || self.used.contains(*name) {
                found.extend(references.iter().cloned());
            }
        }
        found
    }
}

impl Visitor for Collector<'_> {
    fn expr(&mut self, expr: &Expr) {
        let ExprKind::SomeIn { key, value, collection } = &expr.kind else {
            return walk_expr(self, expr);
        };
        let reached = match &collection.peeled().kind {
            TermKind::Var(name) => match self.document(name) {
                Some(path) => Some((Head::Document(path), Vec::new())),
                None => Some((Head::Variable(Arc::clone(name)), Vec::new())),
            },
            TermKind::Ref(reference) => self.resolve(reference),
            _ => {
                self.term(collection);
                None
            }
        };
        if let Some((head, mut parts)) = reached {
            parts.push(self.other());
            self.references.push((head, parts));
        }
        key.iter().chain([value]).for_each(|term| self.term(term));
        for with in &expr.with {
            self.term(&with.target);
            self.term(&with.value);
        }
    }

    fn term(&mut self, term: &Term) {
        match &term.kind {
            TermKind::Var(name) => match self.document(name) {
                Some(path) => self.references.push((Head::Document(path), Vec::new())),
                None => {
                    self.used.insert(Arc::clone(name));
                }
            },
            TermKind::Call { function, args } => {
                // The name of a built-in stands for no document.
                match &function.kind {
                    TermKind::Var(name) => {
                        let path = self.document(name);
                        self.references.extend(path.map(|path| (Head::Document(path), Vec::new())));
                    }
                    _ => self.term(function),
                }
                args.iter().for_each(|arg| self.term(arg));
            }
            _ => walk_term(self, term),
        }
    }

    fn reference(&mut self, reference: &Ref) {
        let found = self.resolve(reference);
        self.references.extend(found);
    }
}

/// The value of a plain constant.
pub(super) fn constant(term: &Term) -> Option<Value> {
    match &term.kind {
        TermKind::Null => Some(Value::Null),
        TermKind::Bool(value) => Some(Value::Bool(*value)),
        TermKind::Number(text) => Number::parse(text).map(Value::Number),
        TermKind::String { value, .. } => Some(Value::String(Arc::clone(value))),
        _ => None,
    }
}

/// The names of all functions that a module calls, operators included.
pub fn used_functions(module: &Module) -> BTreeSet<String> {
    let mut functions = Functions(BTreeSet::new());
    walk_module(&mut functions, module);
    functions.0
}

struct Functions(BTreeSet<String>);

impl Visitor for Functions {
    fn expr(&mut self, expr: &Expr) {
        if matches!(&expr.kind, ExprKind::Assign(..) | ExprKind::Unify(..)) {
            self.0.insert("eq".to_owned());
        }
        walk_expr(self, expr);
    }

    fn term(&mut self, term: &Term) {
        let name = match &term.kind {
            TermKind::Call { function, .. } => function.dotted().map(|parts| parts.join(".")),
            TermKind::Infix { op, .. } => Some(op.function().to_owned()),
            TermKind::In { key: None, .. } => Some("internal.member_2".to_owned()),
            TermKind::In { key: Some(_), .. } => Some("internal.member_3".to_owned()),
            TermKind::Template { .. } => Some("internal.template_string".to_owned()),
            _ => None,
        };
        self.0.extend(name);
        walk_term(self, term);
    }
}
