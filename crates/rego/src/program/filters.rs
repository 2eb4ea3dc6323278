//! What annotations say of filters: what is unknown, and what is to be masked (`compile:`, or `custom:` as before OPA 1.9).

use crate::partial::Unknown;
use crate::syntax::annotations::{Annotation, Scope, Target, annotations};
use crate::syntax::ast::{Module, TermKind};

/// What one annotation says.
#[derive(Debug)]
pub(super) struct Filter {
    /// The package, or the rule, that it holds for.
    path: Vec<String>,
    scope: Scope,
    pub(super) unknowns: Vec<Unknown>,
    pub(super) mask_rule: Option<Vec<String>>,
}

/// What the annotations of modules say. Those that cannot be read say nothing, as they are no part of a policy.
pub(super) fn of(modules: &[Module]) -> Vec<Filter> {
    let mut filters = Vec::new();
    for module in modules {
        let says = |comment: &crate::syntax::ast::Comment| {
            let text = module.source.slice(comment.span);
            text.contains("compile") || text.contains("unknowns") || text.contains("mask_rule")
        };
        if module.comments.iter().any(says) {
            let all = annotations(module).unwrap_or_default();
            filters.extend(all.iter().filter_map(|annotation| filter(module, annotation)));
        }
    }
    filters
}

fn filter(module: &Module, annotation: &Annotation) -> Option<Filter> {
    let package = || module.package.path.iter().map(|part| part.to_string()).collect::<Vec<_>>();
    let content = &annotation.content;
    let said = content.compile.as_ref();
    let custom = |key: &str| content.custom.get(key);
    let mut unknowns: Vec<Unknown> =
        said.into_iter().flat_map(|said| &said.unknowns).filter_map(|path| Unknown::of(path)).collect();
    let listed = custom("unknowns").and_then(|list| list.as_array()).into_iter().flatten();
    unknowns.extend(listed.filter_map(|one| Unknown::parse(one.as_str()?).ok()));
    let mask_rule = match said.filter(|said| !said.mask_rule.is_empty()) {
        Some(said) => Some(said.mask_rule.iter().map(|part| part.to_string()).collect()),
        None => custom("mask_rule")
            .and_then(|rule| rule.as_str())
            .map(|rule| rule.split('.').map(str::to_owned).collect::<Vec<String>>()),
    };
    let mask_rule = mask_rule.map(|parts: Vec<String>| match parts.first() {
        Some(first) if first == "data" => parts.into_iter().skip(1).collect(),
        _ => package().into_iter().chain(parts).collect(),
    });
    if unknowns.is_empty() && mask_rule.is_none() {
        return None;
    }
    let mut path = package();
    if let Target::Rule(index) = annotation.target {
        let TermKind::Var(name) = &module.rules.get(index)?.head.name.head.kind else { return None };
        path.push(name.to_string());
    }
    Some(Filter { path, scope: annotation.scope, unknowns, mask_rule })
}

impl Filter {
    /// How near it is to a rule; nothing where it does not hold for it.
    pub(super) fn holds_for(&self, path: &[String]) -> Option<usize> {
        let package = path.split_last().map_or(&[][..], |(_, package)| package);
        let holds = match self.scope {
            Scope::Rule | Scope::Document => self.path == path,
            Scope::Package => self.path == package,
            Scope::Subpackages => package.starts_with(&self.path),
        };
        holds.then(|| 2 * self.path.len() + usize::from(self.scope != Scope::Subpackages))
    }
}
