//! The checks requested, and their findings.

use super::schema::Schemas;
use crate::builtins::capabilities::Capabilities;
use crate::syntax::ast::Module;
use crate::syntax::source::Span;

/// What is checked beyond what is always checked.
#[derive(Debug, Clone, Default)]
pub struct Checks {
    /// OPA's strict mode: imports, arguments and assigned variables that are not used are errors.
    pub strict: bool,
    /// Annotations have to be well formed, and their schemas are held against the rules.
    pub annotations: bool,
    /// Schemas of documents.
    pub schemas: Option<Schemas>,
    /// What there is to use, where it is not everything.
    pub capabilities: Option<Capabilities>,
    /// What is given besides the policy; then references that lead nowhere are warned of.
    pub given: Option<Given>,
}

/// What is known of the documents that policy is given.
#[derive(Debug, Clone, Default)]
pub struct Given {
    /// Paths below `data` where no document comes from elsewhere, such as the roots of bundles.
    pub owned: Vec<Vec<String>>,
    /// Members of the input document, and the members that these have.
    pub input: &'static [(&'static str, &'static [&'static str])],
}

impl Checks {
    /// Whether nothing is checked beyond it.
    pub fn are_usual(&self) -> bool {
        let Self { strict, annotations, schemas, capabilities, given } = self;
        !strict && !annotations && schemas.is_none() && capabilities.is_none() && given.is_none()
    }
}

/// The code of a `not` that may not mean what it should: no error.
pub(super) const WARNING: &str = "rego_negation_warning";
/// The code of a reference that leads nowhere: no error, either.
pub(super) const REFERENCE: &str = "rego_reference_warning";

/// Something that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// OPA's code.
    pub code: &'static str,
    /// The number of the module.
    pub file: usize,
    /// The place in it.
    pub span: Span,
    /// What is wrong.
    pub message: String,
    /// More of it, line by line, as OPA has it.
    pub details: Vec<String>,
    /// What may help.
    pub hint: Option<String>,
}

impl Found {
    pub(super) fn new(code: &'static str, file: usize, span: Span, message: impl Into<String>) -> Self {
        Self { code, file, span, message: message.into(), details: Vec::new(), hint: None }
    }

    pub(super) fn compile(file: usize, span: Span, message: impl Into<String>) -> Self {
        Self::new("rego_compile_error", file, span, message)
    }

    pub(super) fn hint(self, hint: &str) -> Self {
        Self { hint: Some(hint.to_owned()), ..self }
    }
}

/// The rule that something is wrong with: its module and its number in that.
pub(super) fn rule_of(modules: &[Module], found: &Found) -> Option<(usize, usize)> {
    let rules = &modules.get(found.file)?.rules;
    let at = rules.partition_point(|rule| rule.span.start <= found.span.start).checked_sub(1)?;
    let inside = rules.get(at).is_some_and(|rule| found.span.start <= rule.span.end);
    inside.then_some((found.file, at))
}
