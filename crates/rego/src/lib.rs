//! Rego, the policy language of Open Policy Agent: from text to answers.
//!
//! ```
//! use std::time::Duration;
//! use verdict_rego::{EvalLimits, Evaluation, Module, RegoVersion, Value, compile};
//!
//! let module = Module {
//!     id: "app.rego".to_owned(),
//!     source: r#"
//!         package app
//!
//!         default allow := false
//!
//!         allow if input.user in data.admins
//!     "#
//!     .into(),
//!     version: RegoVersion::V1,
//! };
//! let data = Value::from_json(br#"{"admins": ["ann"]}"#).unwrap();
//! let program = compile(vec![module], data).unwrap();
//!
//! let path = ["app".to_owned(), "allow".to_owned()];
//! let input = Value::from_json(br#"{"user": "ann"}"#).unwrap();
//! let limits = EvalLimits::within(Duration::from_secs(1));
//! let now_ns = 1_735_689_600_000_000_000;
//! match program.evaluate(&path, Some(input), now_ns, &limits) {
//!     Evaluation::Defined { value, .. } => assert_eq!(value, Value::from(true)),
//!     other => panic!("{other:?}"),
//! }
//! ```
//!
//! | to | use |
//! |---|---|
//! | read, write and compare documents | [`Value`], [`json`], [`yaml`] |
//! | compile policy and data | [`compile`], [`compile_checked`] with [`Checks`], [`compile_for`] |
//! | check policy | [`findings`] |
//! | evaluate documents | [`Program::evaluate`]; [`Program::evaluate_in`] with [`Effects`] of a [`Host`] |
//! | explain a result | [`Program::explain`], [`explanation`] |
//! | evaluate queries | [`query`] |
//! | watch evaluations | [`coverage`], [`profile`], [`observe`] |
//! | parse, format and inspect policy | [`syntax`], [`dependencies`], [`capabilities`] |
//! | let policy call other services | [`outbound`] |
//!
//! INVARIANT (three answers): defined, undefined and error stay distinct.
//! INVARIANT (limits): every evaluation has a deadline and a bounded stack, and survives a panic; what would run away
//! regardless is refused at load.
//! INVARIANT (strict): a built-in's error is an error. OPA makes it undefined, which `not` turns into an allow.
//! INVARIANT (no silent difference): what is not supported is refused at load.
//!
//! Deliberately absent: the network, files, the environment and the clock. The host gives what policy may see of them.
//!
//! Reading order of the source: `value` (with `number`, `keyed`, `json`) → `syntax` → `plan`, `check` → `builtins` →
//! `program`.

mod budget;
mod builtins;
mod check;
pub mod dependencies;
pub mod diagnostic;
mod effects;
mod error;
pub mod explanation;
pub mod json;
mod keyed;
mod number;
pub mod outbound;
pub mod partial;
mod plan;
mod program;
mod segment;
mod shown;
mod stack;
pub mod syntax;
mod value;
pub mod yaml;

pub use budget::spent_by_last;
pub use builtins::capabilities;
pub use check::{Checks, Given, Schemas, refusals_of_v1};
pub use diagnostic::Diagnostic;
pub use effects::{CLOCK, Effects, Host, Responses};
pub use error::{EvalError, EvalErrorKind, Location, PolicyError};
pub use json::JsonError;
pub use number::{Number, NumberError};
pub use plan::{Outline, Several, Strict, Watch};
pub use program::{
    CompileOptions, EvalLimits, Evaluation, Findings, Module, Program, RegoVersion, TestRule, UndefinedCause,
    compile, compile_checked, compile_for, coverage, findings, observe, partial::Supposing, profile, query,
    trace,
};
pub use segment::Segment;
pub use stack::STACK;
pub use value::{Keyed, Object, Set, Value};

/// What the crate's own integration tests take apart. No part of the interface: it changes without notice.
#[doc(hidden)]
pub mod internals {
    pub use crate::builtins::{context::Context, error::Error as BuiltinError};
    pub use crate::check::{names as check_names, types as check_types};
    pub use crate::plan::ir::Builtin;
    pub use crate::plan::{Declared, Finding, Machine, Query, compile, compile_query};
    pub use crate::program::declared;
}
