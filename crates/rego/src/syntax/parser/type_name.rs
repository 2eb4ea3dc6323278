//! How OPA's parser names kinds of terms.

use crate::syntax::ast::{Term, TermKind};

/// What OPA calls a term in its messages.
pub(super) fn type_name(term: &Term) -> &'static str {
    match &term.peeled().kind {
        TermKind::Null => "null",
        TermKind::Bool(_) => "boolean",
        TermKind::Number(_) => "number",
        TermKind::String { .. } => "string",
        TermKind::Template { .. } => "templatestring",
        TermKind::Var(name) if matches!(&**name, "input" | "data") => "ref",
        TermKind::Var(_) => "var",
        TermKind::Ref(_) => "ref",
        TermKind::Call { .. } | TermKind::Infix { .. } | TermKind::In { .. } | TermKind::Parens(_) => "call",
        TermKind::Array(_) => "array",
        TermKind::Set(_) => "set",
        TermKind::Object(_) => "object",
        TermKind::ArrayComprehension(..) => "arraycomprehension",
        TermKind::SetComprehension(..) => "setcomprehension",
        TermKind::ObjectComprehension(..) => "objectcomprehension",
    }
}
