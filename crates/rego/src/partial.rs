//! Partial evaluation: what is left of a query once all that is known has been evaluated.
//!
//! The statements of a plan are run for every way in which they may hold. What they find is a value where it is known, else
//! a term; what they demand of a term becomes a condition. What is left is a disjunction of conjunctions.
//!
//! INVARIANT (same answers): with what was unknown filled in, one of the conjunctions holds exactly where the query does. What this cannot be
//! said of is an error, never a guess. Only where the evaluation would fail (a built-in, or values of rules that conflict), the conjunction that
//! comes to it does not hold, and another still may.
//! INVARIANT (nothing runs away): ways, conditions, time and memory are bounded.
//!
//! Deliberately absent: languages of databases; the host makes those of conditions.
//!
//! Reading order: `term` → `document` → `evaluator` → `fits`, `walks`, `rules`, `calls`, `closures` → `render`.

mod calls;
mod closures;
mod document;
mod evaluator;
mod fits;
mod reach;
mod rename;
mod render;
mod residual;
mod rules;
mod term;
mod tidy;
mod unknown;
mod walks;

pub use crate::plan::ir::{Comparison, Comprehension};
pub use evaluator::UNSUPPORTED;
pub use residual::{Residual, Rest};
pub use term::{Call, Condition, Head, Kind, Made, Reference, Term, Var, Way};
pub use unknown::Unknown;

pub(crate) use residual::{Asked, evaluate};
