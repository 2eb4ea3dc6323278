//! The declaration of a built-in: name, types, function and flags.

use super::context::{Function, Prepare};

/// A built-in, as its family declares it.
#[derive(Debug)]
pub struct Declaration {
    /// Its name.
    pub name: &'static str,
    /// The types of its arguments, in the notation of [`super::signature`].
    pub args: &'static str,
    /// The type of its result; empty for those that only act.
    pub result: &'static str,
    /// What runs.
    pub function: Option<Function>,
    /// What makes its constant operands ready.
    pub prepare: Option<Prepare>,
    /// Whether the compiler replaces every call with something else.
    pub compiled: bool,
    /// Whether its result is not determined by its arguments.
    pub nondeterministic: bool,
    /// Whether it may wait for others.
    pub blocking: bool,
    /// Whether it gives one result after the other, as `walk` does.
    pub relation: bool,
    /// How it is written between its arguments.
    pub infix: Option<&'static str>,
}

/// A built-in that a function computes.
pub const fn builtin(
    name: &'static str,
    args: &'static str,
    result: &'static str,
    function: Function,
) -> Declaration {
    Declaration { function: Some(function), ..without_function(name, args, result) }
}

/// A built-in of OPA's that has a type, but nothing to run. Unless the compiler replaces its calls, a policy that calls it
/// is refused at load.
pub const fn without_function(name: &'static str, args: &'static str, result: &'static str) -> Declaration {
    Declaration {
        name,
        args,
        result,
        function: None,
        prepare: None,
        compiled: false,
        nondeterministic: false,
        blocking: false,
        relation: false,
        infix: None,
    }
}

impl Declaration {
    /// Constant operands are made ready at load.
    pub const fn prepared(self, prepare: Prepare) -> Self {
        Self { prepare: Some(prepare), ..self }
    }

    /// The compiler replaces every call.
    pub const fn compiled(self) -> Self {
        Self { compiled: true, ..self }
    }

    /// Its result is not determined by its arguments: it is recorded with the decision.
    pub const fn nondeterministic(self) -> Self {
        Self { nondeterministic: true, ..self }
    }

    /// It may wait for others.
    pub const fn blocking(self) -> Self {
        Self { blocking: true, ..self }
    }

    /// It gives one result after the other.
    pub const fn relation(self) -> Self {
        Self { relation: true, ..self }
    }

    /// It is written between its arguments.
    pub const fn infix(self, sign: &'static str) -> Self {
        Self { infix: Some(sign), ..self }
    }
}
