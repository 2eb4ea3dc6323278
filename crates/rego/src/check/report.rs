//! Converts findings to diagnostics.

use super::Found;
use crate::diagnostic::Diagnostic;
use crate::plan::Finding;
use crate::syntax::source::Source;

impl Found {
    /// With the place in its source.
    pub fn diagnostic(self, sources: &[Source]) -> Diagnostic {
        let diagnostic = match sources.get(self.file) {
            Some(source) => Diagnostic::at(self.code, source, self.span, self.message),
            None => Diagnostic::new(self.code, self.message),
        };
        Diagnostic { details: self.details, hint: self.hint, ..diagnostic }
    }
}

impl From<&Finding> for Found {
    fn from(finding: &Finding) -> Self {
        let place = finding.place;
        Self::new(finding.code, place.file as usize, place.span, finding.message.clone())
    }
}
