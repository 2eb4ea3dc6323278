//! What names mean in a module outside of its rules: its imports, and the rules of its package in whatever file.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::syntax::ast::{Import, Module, TermKind};

/// The names of rules by package.
pub(super) type Exports<'m> = HashMap<&'m [Arc<str>], HashSet<&'m str>>;

/// What the packages of all modules define.
pub(super) fn exports(modules: &[Module]) -> Exports<'_> {
    let mut exports: Exports<'_> = HashMap::new();
    for module in modules {
        let names = exports.entry(&module.package.path).or_default();
        for rule in &module.rules {
            if let TermKind::Var(name) = &rule.head.name.head.kind {
                names.insert(name);
            }
        }
    }
    exports
}

/// The names of one module.
pub(super) struct Names<'m> {
    package: &'m [Arc<str>],
    exports: Option<&'m HashSet<&'m str>>,
    imports: HashMap<&'m str, usize>,
    paths: &'m [Import],
    /// Which imports were used.
    used: Vec<bool>,
}

/// Where a name leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Root {
    Input,
    Data,
}

impl<'m> Names<'m> {
    pub(super) fn new(module: &'m Module, exports: &'m Exports<'m>) -> Self {
        let mut imports = HashMap::new();
        for (number, import) in module.imports.iter().enumerate() {
            if is_document(import)
                && let Some(name) = name_of(import)
            {
                imports.insert(name, number);
            }
        }
        Self {
            package: &module.package.path,
            exports: exports.get(module.package.path.as_slice()),
            imports,
            paths: &module.imports,
            used: vec![false; module.imports.len()],
        }
    }

    /// The document that a name stands for: where it begins, and the path from there.
    pub(super) fn find(&mut self, name: &str) -> Option<(Root, Vec<Arc<str>>)> {
        if let Some(number) = self.imports.get(name) {
            if let Some(used) = self.used.get_mut(*number) {
                *used = true;
            }
            let (root, path) = self.paths.get(*number)?.path.split_first()?;
            return Some((if &**root == "input" { Root::Input } else { Root::Data }, path.to_vec()));
        }
        if self.exports.is_some_and(|exports| exports.contains(name)) {
            let mut path = self.package.to_vec();
            path.push(name.into());
            return Some((Root::Data, path));
        }
        match name {
            "input" => Some((Root::Input, Vec::new())),
            "data" => Some((Root::Data, Vec::new())),
            _ => None,
        }
    }

    /// The imports that nothing uses.
    pub(super) fn unused(&self) -> impl Iterator<Item = &'m Import> + '_ {
        self.imports
            .values()
            .filter(|number| !self.used.get(**number).copied().unwrap_or(true))
            .filter_map(|number| self.paths.get(*number))
    }
}

/// Whether it imports a document, and not keywords.
pub(super) fn is_document(import: &Import) -> bool {
    import.path.first().is_some_and(|root| !matches!(&**root, "future" | "rego"))
}

/// The name that an import gives.
pub(super) fn name_of(import: &Import) -> Option<&str> {
    import.alias.as_ref().map(|alias| &*alias.name).or(import.path.last().map(|last| &**last))
}
