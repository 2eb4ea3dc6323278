//! Annotations: `# METADATA` comments on rules and packages.

mod block;
mod model;
#[cfg(test)]
mod tests;

use super::ast::Module;
use super::error::{Error, MAX_ERRORS};
use super::source::Span;

pub(super) use block::begins_block;
pub use model::{Annotation, Author, Compile, Content, RelatedResource, Schema, SchemaSource, Scope, Target};

/// Every annotation of a module, in order.
pub fn annotations(module: &Module) -> Result<Vec<Annotation>, Vec<Error>> {
    let mut found = Vec::new();
    let mut errors = Vec::new();
    for block in block::blocks(module) {
        match block
            .read(&module.source)
            .and_then(|(scope, content)| attach(module, block.span, scope, content))
        {
            Ok(annotation) => found.push(annotation),
            Err(error) => errors.push(error),
        }
    }
    errors.truncate(MAX_ERRORS);
    if errors.is_empty() { Ok(found) } else { Err(errors) }
}

/// What follows a block.
enum Follows {
    Package,
    Import,
    Rule(usize),
}

fn follows(module: &Module, line: u32) -> Option<Follows> {
    let below = |span: Span| module.source.line_of(span.start) > line;
    let package = below(module.package.span).then_some((module.package.span, Follows::Package));
    let import = module.imports.partition_point(|import| !below(import.span));
    let import = module.imports.get(import).map(|found| (found.span, Follows::Import));
    let rule = module.rules.partition_point(|rule| !below(rule.span));
    let rule = module.rules.get(rule).map(|found| (found.span, Follows::Rule(rule)));
    let first = [package, import, rule].into_iter().flatten().min_by_key(|(span, _)| *span);
    first.map(|(_, follows)| follows)
}

fn attach(module: &Module, span: Span, scope: String, content: Content) -> Result<Annotation, Error> {
    let follows = follows(module, module.source.line_of(span.start));
    let scope = match (&follows, scope.as_str()) {
        (Some(Follows::Rule(_)), "") if content.entrypoint => "document",
        (Some(Follows::Rule(_)), "") => "rule",
        (Some(Follows::Package), "") => "package",
        (Some(Follows::Import), "") => "import",
        (_, scope) => scope,
    };
    let Some(scope) = Scope::ALL.into_iter().find(|known| known.name() == scope) else {
        let message = format!(
            "invalid annotation scope '{scope}'. Use one of 'rule', 'document', 'package', or 'subpackages'"
        );
        return Err(Error::new(span, message));
    };
    let (target, wanted) = match (scope, &follows) {
        (Scope::Rule | Scope::Document, Some(Follows::Rule(index))) => (Some(Target::Rule(*index)), "rule"),
        (Scope::Rule | Scope::Document, _) => (None, "rule"),
        (_, Some(Follows::Package)) => (Some(Target::Package), "package"),
        (_, _) => (None, "package"),
    };
    let Some(target) = target else {
        let have = match follows {
            Some(Follows::Package) => " (have package)",
            Some(Follows::Import) => " (have import)",
            Some(Follows::Rule(_)) => " (have rule)",
            None => "",
        };
        let message = format!("annotation scope '{}' must be applied to {wanted}{have}", scope.name());
        return Err(Error::new(span, message));
    };
    if content.entrypoint && !matches!(scope, Scope::Document | Scope::Package) {
        let message =
            format!("annotation entrypoint applied to non-document or package scope '{}'", scope.name());
        return Err(Error::new(span, message));
    }
    Ok(Annotation { span, target, scope, content })
}
