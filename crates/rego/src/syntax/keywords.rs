//! Keywords that count only where they are imported: before Rego v1 the younger ones, and in all of Rego those of the future.

/// What a text may use of the language, where it is for an OPA that knows less.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Features {
    /// `$"{x}"`
    pub template_strings: bool,
    /// `import rego.v1`
    pub rego_v1: bool,
    /// `import rego.v2`
    pub rego_v2_import: bool,
    /// What may be imported from `future.keywords`.
    pub future_keywords: Keywords,
}

impl Default for Features {
    fn default() -> Self {
        let future_keywords = Keywords::ALL;
        Self { template_strings: true, rego_v1: true, rego_v2_import: true, future_keywords }
    }
}

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

    /// Their names.
    pub fn names(self) -> Vec<&'static str> {
        let all = [
            ("and", self.and),
            ("contains", self.contains),
            ("every", self.every),
            ("if", self.r#if),
            ("in", self.r#in),
            ("not", self.not),
            ("or", self.or),
        ];
        all.into_iter().filter(|(_, counts)| *counts).map(|(name, _)| name).collect()
    }

    /// The keywords of these names; what is none is left out.
    pub fn of<'n>(names: impl IntoIterator<Item = &'n str>) -> Self {
        let mut found = Self::default();
        for name in names {
            match name {
                "and" => found.and = true,
                "contains" => found.contains = true,
                "every" => found.every = true,
                "if" => found.r#if = true,
                "in" => found.r#in = true,
                "not" => found.not = true,
                "or" => found.or = true,
                _ => {}
            }
        }
        found
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
