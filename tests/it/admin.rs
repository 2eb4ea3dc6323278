//! The admin API over sockets: what can be done with it, by whom, and what it says.

mod at_start;
mod begin;
mod input;
mod isolation;
mod lifecycle;
mod matrix;
mod openapi;
pub mod support;
mod trouble;
