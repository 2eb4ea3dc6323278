//! The admin API over sockets: what can be done with it, by whom, and what it says.

mod begin;
mod lifecycle;
pub mod support;
