//! Plans: rules compiled to small statements, and the machine that runs them.
//!
//! Reading order: [`ir`] → `tree` → `lower` (to `raw`) → `order` → `index`, `depth` → [`mod@compile`]; [`machine`] and
//! `documents` run it.

mod apply;
pub mod compile;
mod conflict;
mod depth;
mod documents;
pub mod explain;
mod failure;
mod finding;
mod groups;
mod index;
pub mod ir;
mod lower;
pub mod machine;
mod metadata;
mod order;
pub mod outline;
mod parts;
pub mod pass;
pub mod query;
mod raw;
mod reach;
mod tree;
pub mod watch;

pub use compile::{Query, compile, compile_query};
pub use failure::Failure;
pub use finding::{Declared, Finding};
pub use machine::{Machine, Strict};
pub use outline::Outline;
pub use pass::Pass;
pub use reach::called_in;
pub use watch::{Several, Watch};
