//! The admin API over sockets: what can be done with it, by whom, and what it says.

mod begin;
mod input;
mod isolation;
mod lifecycle;
mod matrix;
mod openapi;
mod page;
pub mod support;
mod trouble;
