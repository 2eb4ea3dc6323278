//! AgentPolicy files of the Agent Identity Protocol (AIP): what an agent's tool calls must keep to.
//!
//! INVARIANT (only narrower): what a policy says is added to what Rego and the gate say. It can only take away.
//! INVARIANT (names are compared as one): tools and methods are normalised on both sides, so that no spelling of a name gets
//! past a rule.
//! INVARIANT (read once): patterns are compiled, and the hash is taken, when a file is read. A call compiles nothing.
//! INVARIANT (linear time): patterns run in time linear in the text, whatever they are.
//!
//! Deliberately absent: session tokens (`identity::aip`), rate limits (`authorize` counts them), and whatever a proxy does with
//! the calls themselves.
//!
//! Reading order: `schema` → [`policy`] → [`name`] → [`canonical`] → [`call`] → [`decide`] → `paths` → [`redact`] → [`policies`].

pub mod call;
pub mod canonical;
mod config;
pub mod decide;
mod duration;
pub mod name;
mod paths;
pub mod policies;
pub mod policy;
pub mod redact;
pub mod rpc;
mod schema;

/// How callers with a session token are verified, in records and `input.subject.method`.
pub const SESSION: &str = "aip";

pub use call::{Approval, ToolCall};
pub use config::Config;
pub use policies::Policies;
pub use policy::Policy;
pub use schema::{ApiVersion, Binding, SigningAlgorithm};
