//! Rego: from text to answers.
//!
//! INVARIANT (three answers): defined, undefined and error stay distinct.
//! INVARIANT (limits): every evaluation has a deadline and a bounded stack, and survives a panic; what would run away
//! regardless is refused at load.
//! INVARIANT (strict): a built-in's error is an error. OPA makes it undefined, which `not` turns into an allow.
//! INVARIANT (no silent difference): what is not supported is refused at load.
//!
//! Reading order: [`value`] (with [`number`], [`keyed`], [`json`]) → [`syntax`] → [`plan`], [`check`] → [`builtins`] →
//! [`program`], which is what the rest of the code uses, with [`diagnostic`]. [`interpreter`] is the embedded engine
//! `regorus`, to hold the plans against; only it names that engine.

pub mod budget;
pub mod builtins;
pub mod check;
pub mod dependencies;
pub mod diagnostic;
pub mod effects;
pub mod error;
pub mod explanation;
pub mod json;
pub mod keyed;
pub mod number;
pub mod outbound;
pub mod plan;
pub mod program;
mod stack;
pub mod syntax;
pub mod value;

pub use check::{Checks, Schemas};
pub use diagnostic::Diagnostic;
pub use effects::{Effects, Surroundings};
pub use error::{EvalError, EvalErrorKind, Location, PolicyError};
pub use json::JsonError;
pub use program::{
    EvalLimits, Evaluation, Module, Program, RegoVersion, STACK, UndefinedCause, compile, compile_checked,
};
pub use value::Value;
