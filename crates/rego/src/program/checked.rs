//! Checks modules, then plans them.

use super::options::{CompileOptions, declared};
use crate::check::{self, Checks, Found};
use crate::diagnostic::Diagnostic;
use crate::plan::{compile, ir};
use crate::syntax::ast;
use crate::syntax::source::Source;
use crate::value::Value;

/// The plan of modules that pass all checks. What follows from one flaw of a rule is not said, as it would only distract.
pub(super) fn plan(
    trees: &[ast::Module],
    data: &Value,
    checks: &Checks,
    options: CompileOptions,
    warnings: &mut Vec<Found>,
) -> Result<ir::Program, Vec<Found>> {
    let mut checked = check::names(trees, checks);
    warnings.append(&mut checked.warnings);
    if let Some(given) = &checks.given {
        warnings.extend(check::dead_references(&checked, data, given));
    }
    let mut found = std::mem::take(&mut checked.found);
    if checked.conflicts {
        check::advise(trees, &mut found);
        return Err(found);
    }
    let mut wrong = check::rules_of(trees, found.iter());
    let options = compile::Options { debug: options.debug };
    let plan = compile::compile_for(trees, &declared, options);
    if let Err(findings) = &plan {
        let findings: Vec<Found> = findings.iter().map(Found::from).collect();
        let new = check::rules_of(trees, findings.iter());
        found.extend(findings.into_iter().filter(|finding| check::is_elsewhere(trees, finding, &wrong)));
        wrong.extend(new);
    }
    found.extend(check::types(trees, &checked, checks, &wrong));
    match plan {
        Ok(plan) if found.is_empty() => Ok(plan),
        _ => {
            check::advise(trees, &mut found);
            Err(found)
        }
    }
}

/// A rule and a base document at the same path would hide each other.
pub(super) fn conflicts_with_data(plan: &ir::Program, sources: &[Source], data: &Value) -> Vec<Diagnostic> {
    let taken = |rules: &&ir::RuleSet| data.at(rules.path.iter().map(|part| &**part)).is_some();
    let conflict = |rules: &ir::RuleSet| {
        let message = format!("conflicting rule for data path {} found", rules.path.join("/"));
        let place = rules.bodies.first().or(rules.default.as_ref()).map(|body| body.place);
        let source = place.and_then(|place| Some((sources.get(place.file as usize)?, place)));
        let diagnostic = match source {
            Some((source, place)) => Diagnostic::at("rego_compile_error", source, place.span, message),
            None => Diagnostic::new("rego_compile_error", message),
        };
        diagnostic.hint("data has a document at this path, too; rename one of them")
    };
    plan.rules.iter().filter(taken).map(conflict).collect()
}
