//! The admin API over sockets: what can be done with it, by whom, and what it says.

mod begin;
mod lifecycle;
mod support;
