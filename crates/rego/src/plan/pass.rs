//! How a watched evaluation goes about the bodies of rules, so that coverage can tell why one was left out. The value is the
//! same in each pass; what differs is which bodies run.

/// Which bodies run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Pass {
    /// Those that may change the value.
    #[default]
    Usual,
    /// Those that OPA's index lets through, up to the first that decides.
    Indexed,
    /// All, up to the first that decides.
    WithoutIndex,
    /// Those that OPA's index lets through, whether or not it is decided.
    WithoutEarlyExit,
}

impl Pass {
    /// Whether the bodies that the index finds are enough.
    pub(super) const fn uses_index(self) -> bool {
        !matches!(self, Self::WithoutIndex)
    }

    /// Whether the first body that decides is enough.
    pub(super) const fn exits_early(self) -> bool {
        !matches!(self, Self::WithoutEarlyExit)
    }

    /// Whether the bodies that OPA's index passes over are left out.
    pub(super) const fn is_as_opa(self) -> bool {
        matches!(self, Self::Indexed | Self::WithoutEarlyExit)
    }
}
