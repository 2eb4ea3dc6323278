//! Rego: the only place that names the evaluator (`regorus`).
//!
//! INVARIANT (no engine type leaks): the rest of the code sees [`Value`], [`Program`], [`Evaluation`], [`Diagnostic`].
//! INVARIANT (three answers): defined, undefined and error stay distinct.
//! INVARIANT (limits): every evaluation has a deadline and a bounded stack, and survives a panic of the engine; what
//! would run away regardless is refused at load.
//! INVARIANT (strict): a built-in's error is an error. OPA makes it undefined, which `not` turns into an allow.
//!
//! Deliberately absent: the engine's virtual machine, which answers some policies wrongly; `http.send`.
//!
//! Reading order: [`value`] (with [`json`]) → [`compile`] → [`evaluate`] → [`diagnostic`]; at load, `nesting`,
//! `catalog` and `dependencies`; `builtins` guards what the engine runs.

mod builtins;
mod catalog;
pub mod compile;
mod dependencies;
pub mod diagnostic;
pub mod evaluate;
pub mod json;
mod nesting;
pub mod value;

pub use compile::{Module, RegoVersion, compile};
pub use diagnostic::Diagnostic;
pub use evaluate::{EvalLimits, Evaluation, Program, STACK, UndefinedCause};
pub use json::JsonError;
pub use value::Value;
