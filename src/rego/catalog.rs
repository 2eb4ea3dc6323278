//! What a set of modules declares: rules, functions and packages by their paths below `data`.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use regorus::unstable::{Expr, Module, Ref, Rule, RuleHead, Span};

/// A path below `data`, as segments.
pub(super) type Path = Vec<String>;

/// One declared document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Declared {
    /// A rule whose whole head is static, or that ends in one variable key: the engine evaluates it by name.
    Rule,
    /// A rule with variables inside its head: reached through the document that contains it.
    Scattered,
    /// A function: no document.
    Function,
}

/// The declared paths of a snapshot.
#[derive(Debug, Default)]
pub(super) struct Catalog {
    pub(super) documents: BTreeMap<Path, Declared>,
    pub(super) packages: BTreeSet<Path>,
    /// The package of each module, in the order of the modules.
    pub(super) by_module: Vec<Path>,
}

impl Catalog {
    /// Reads the heads of every rule.
    pub(super) fn of(modules: &[Ref<Module>]) -> Self {
        let mut catalog = Self::default();
        for module in modules {
            let package = static_path(&module.package.refr).path;
            for rule in &module.policy {
                let (mut path, declared) = (package.clone(), head(rule));
                path.extend(declared.path);
                let kept = catalog.documents.entry(path).or_insert(declared.kind);
                if *kept != declared.kind && declared.kind != Declared::Function {
                    *kept = match *kept {
                        Declared::Function => declared.kind,
                        _ => Declared::Scattered,
                    };
                }
            }
            catalog.by_module.push(package.clone());
            catalog.packages.insert(package);
        }
        catalog
    }

    /// Whether some declared document or package lies at or below `path`.
    pub(super) fn contains_below(&self, path: &[String]) -> bool {
        self.below(path).next().is_some()
            || first_at_or_after(&self.packages, path).is_some_and(|p| p.starts_with(path))
    }

    /// The declared documents at or below `path`, in order.
    pub(super) fn below<'a>(&'a self, path: &'a [String]) -> impl Iterator<Item = (&'a Path, Declared)> {
        self.documents
            .range::<[String], _>((Bound::Included(path), Bound::Unbounded))
            .take_while(move |(declared, _)| declared.starts_with(path))
            .map(|(declared, kind)| (declared, *kind))
    }

    /// The longest declared document that `path` is, or leads into.
    pub(super) fn longest_prefix(&self, path: &[String]) -> Option<(usize, Declared)> {
        (1..=path.len()).rev().find_map(|length| {
            let prefix = path.get(..length)?;
            self.documents.get(prefix).map(|kind| (length, *kind))
        })
    }

    /// Every node of the tree of documents that is no rule of its own: packages, what contains them, and scattered
    /// rules; without the root.
    pub(super) fn inner_nodes(&self) -> BTreeSet<Path> {
        let documents = self.documents.iter().map(|(path, kind)| match kind {
            Declared::Scattered => (path, path.len()),
            Declared::Rule | Declared::Function => (path, path.len().saturating_sub(1)),
        });
        let packages = self.packages.iter().map(|path| (path, path.len()));
        let mut nodes = BTreeSet::new();
        for (path, longest) in documents.chain(packages) {
            nodes.extend((1..=longest).filter_map(|length| path.get(..length).map(<[String]>::to_vec)));
        }
        nodes
    }
}

fn first_at_or_after<'a>(set: &'a BTreeSet<Path>, path: &[String]) -> Option<&'a Path> {
    set.range::<[String], _>((Bound::Included(path), Bound::Unbounded)).next()
}

struct Head {
    path: Path,
    kind: Declared,
}

fn head(rule: &Rule) -> Head {
    let (refr, function) = match rule {
        Rule::Spec { head: RuleHead::Func { refr, args, .. }, .. } => (refr, !args.is_empty()),
        Rule::Spec { head: RuleHead::Compr { refr, .. } | RuleHead::Set { refr, .. }, .. } => (refr, false),
        Rule::Default { refr, args, .. } => (refr, !args.is_empty()),
    };
    let StaticPath { path, dynamic } = static_path(refr);
    let kind = match (function, dynamic) {
        (true, _) => Declared::Function,
        (false, 0 | 1) => Declared::Rule,
        (false, _) => Declared::Scattered,
    };
    Head { path, kind }
}

/// The constant start of a reference, and how many of its parts come after it.
pub(super) struct StaticPath {
    pub(super) path: Path,
    pub(super) dynamic: usize,
}

/// The place where a reference starts.
pub(super) fn root_span(reference: &Ref<Expr>) -> &Span {
    match reference.as_ref() {
        Expr::RefDot { refr, .. } | Expr::RefBrack { refr, .. } => root_span(refr),
        root => root.span(),
    }
}

/// Reads `a.b["c"][x].d` as the path `a`, `b`, `c` with two parts after it.
pub(super) fn static_path(reference: &Ref<Expr>) -> StaticPath {
    let mut parts = Vec::new();
    let mut here = reference;
    loop {
        match here.as_ref() {
            Expr::RefDot { refr, field, .. } => {
                parts.push(Some(field.0.text().to_owned()));
                here = refr;
            }
            Expr::RefBrack { refr, index, .. } => {
                parts.push(constant_text(index));
                here = refr;
            }
            Expr::Var { span, .. } => {
                parts.push(Some(span.text().to_owned()));
                break;
            }
            _ => {
                parts.push(None);
                break;
            }
        }
    }
    let length = parts.len();
    let path: Path = parts.into_iter().rev().map_while(|part| part).collect();
    StaticPath { dynamic: length - path.len(), path }
}

fn constant_text(index: &Expr) -> Option<String> {
    match index {
        Expr::String { value, .. } | Expr::RawString { value, .. } => {
            value.as_string().ok().map(|text| text.to_string())
        }
        _ => None,
    }
}
