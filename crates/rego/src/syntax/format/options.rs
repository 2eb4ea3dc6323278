//! Options and style of the layout.

use std::sync::Arc;

/// What the text is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Target {
    /// Rego before OPA 1.0.
    V0,
    /// Both: v1, with `import rego.v1`.
    V0AndV1,
    /// Rego since OPA 1.0.
    #[default]
    V1,
}

/// How to lay out.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// What the text is for.
    pub target: Target,
    /// Whether to leave out imports that the target makes needless: `rego.v1`, `future.keywords`.
    pub drop_v0_imports: bool,
}

/// What becomes of a rule whose comments leave no place for each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Odd {
    /// It is copied as it stands.
    Copy,
    /// Its comments go before it: a copy would not do for another version.
    Hoist,
    /// Every rule that has comments is copied.
    CopyAll,
}

/// How the rules of a module are written.
#[derive(Debug, Clone)]
pub(super) struct Style {
    /// For v1, if perhaps also for v0.
    pub(super) v1: bool,
    /// `p contains x`, not `p[x]`.
    pub(super) contains: bool,
    /// `p if { … }`, not `p { … }`.
    pub(super) ifs: bool,
    /// Whether a name of two parts is written `p.q`, as some other name needs more than `p["q"]`.
    pub(super) long_names: bool,
    /// What becomes of rules whose comments leave no place for each other.
    pub(super) odd: Odd,
    /// Rules that have the name of an operator: calls of them stay calls.
    pub(super) own_operators: Vec<Arc<str>>,
}
