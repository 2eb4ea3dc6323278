//! The Agent Identity Protocol: policies, session tokens, and the routes of its servers.

mod conformance;
mod policy;
mod served;
mod tokens;
mod world;
