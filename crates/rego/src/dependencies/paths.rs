//! Documents as paths, and what names stand for.

use std::collections::HashMap;
use std::sync::Arc;

use crate::value::Value;

/// What names stand for outside of rules.
pub type Names = HashMap<Arc<str>, Path>;

/// A document: `data` or `input`, and keys.
pub type Path = Vec<Value>;
