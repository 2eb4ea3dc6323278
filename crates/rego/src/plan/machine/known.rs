//! What an evaluation knows of comprehensions that can be looked up.

use std::collections::HashMap;
use std::rc::Rc;

use crate::value::Value;

/// What is known of the comprehensions that can be looked up, by the place of their groups in memory.
pub(super) type Known = HashMap<usize, Grouping>;

#[derive(Debug, Clone)]
pub(super) enum Grouping {
    /// It has run once; most never run again.
    Once,
    /// What there is for each key.
    Ready(Rc<Groups>),
    /// Something fails for a key that may never be asked for.
    Fails,
}

/// What there is for each key, and what there is for others.
#[derive(Debug)]
pub(super) struct Groups {
    pub(super) by_key: HashMap<Value, Value>,
    pub(super) nothing: Value,
}
