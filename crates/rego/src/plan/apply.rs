//! Known parts of what is evaluated partially: functions and packages by their values.

use super::ir::{Callee, NodeId, Place};
use super::machine::{Failure, Machine, Val};
use crate::value::Value;

impl<'e> Machine<'e> {
    /// What a function gives for arguments.
    ///
    /// # Errors
    /// When the evaluation fails.
    pub(crate) fn apply(
        &mut self,
        callee: &'e Callee,
        args: Vec<Value>,
        place: Place,
    ) -> Result<Option<Value>, Box<Failure>> {
        self.place = place;
        match callee {
            Callee::Rule(rule) => self.function(*rule, args.into_iter().map(Val::Own).collect()),
            Callee::Builtin(builtin) => self.builtin(builtin, &args),
        }
    }

    /// All that is below a node.
    ///
    /// # Errors
    /// When the evaluation fails.
    pub(crate) fn all_below(&mut self, node: NodeId) -> Result<Option<Value>, Box<Failure>> {
        self.whole(node).map(Val::into_value)
    }
}
