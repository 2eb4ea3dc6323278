//! How the unit tests of built-ins call them.

use std::time::{Duration, Instant};

use super::context::Context;
use super::error::Error;
use super::table;
use crate::value::Value;

/// Calls a built-in, in the first second of 2025.
pub fn call(name: &str, args: &[Value]) -> Result<Option<Value>, Error> {
    let function = table::find(name).unwrap().function.unwrap();
    let deadline = Instant::now() + Duration::from_secs(60);
    function(&mut Context::new(1_735_689_600_000_000_000, deadline, 1 << 20), args)
}
