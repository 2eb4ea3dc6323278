//! Keywords that count only where they are imported: before Rego v1 the younger ones, and in all of Rego those of the future.

/// Which of the younger keywords count in a module or query.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Keywords {
    /// `in`
    pub r#in: bool,
    /// `every`
    pub every: bool,
    /// `contains`
    pub contains: bool,
    /// `if`
    pub r#if: bool,
    /// Whether `not` negates all that its expression consists of, and takes a body.
    pub not: bool,
    /// `and`, between conditions.
    pub and: bool,
    /// `or`, between conditions.
    pub or: bool,
}

impl Keywords {
    /// Those that belong to Rego v1.
    pub const V1: Self =
        Self { r#in: true, every: true, contains: true, r#if: true, not: false, and: false, or: false };
    /// All of them: `import future.keywords`, and Rego v2.
    pub const ALL: Self = Self { not: true, and: true, or: true, ..Self::V1 };

    /// Whether `and` or `or` joins conditions.
    pub const fn logical(self) -> bool {
        self.and || self.or
    }

    /// These and others.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self {
            r#in: self.r#in || other.r#in,
            every: self.every || other.every,
            contains: self.contains || other.contains,
            r#if: self.r#if || other.r#if,
            not: self.not || other.not,
            and: self.and || other.and,
            or: self.or || other.or,
        }
    }
}
