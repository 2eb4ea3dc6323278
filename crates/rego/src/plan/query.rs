//! Asking a program: for the results of a query, or for a document.

use std::sync::Arc;

use super::compile::Query;
use super::ir::{NodeId, RuleId};
use super::machine::{Failure, Flow, Machine, Val};
use crate::value::{Keyed, Value};

impl<'e> Machine<'e> {
    /// Every result of a query: its variables and what they are.
    ///
    /// # Errors
    /// When the evaluation fails.
    pub fn query(&mut self, query: &'e Query) -> Result<Vec<Value>, Box<Failure>> {
        let mut results = Vec::new();
        self.framed(query.slots, |machine| {
            machine.run(&query.block, 0, &mut |machine| {
                let mut bindings = Keyed::new();
                for (name, slot) in &query.vars {
                    if let Some(value) = machine.slot(*slot) {
                        bindings.insert(Value::String(Arc::clone(name)), value);
                    }
                }
                results.push(Value::from(bindings));
                Ok(Flow::Continue)
            })
        })?;
        Ok(results)
    }
}

impl<'e> Machine<'e> {
    /// The document of a rule.
    ///
    /// # Errors
    /// When the evaluation fails.
    pub fn rule(&mut self, rule: RuleId) -> Result<Option<Value>, Box<Failure>> {
        self.document(rule).map(Val::into_value)
    }

    /// All that is below a node, without the rules that a built-in's error keeps out of it, and the first such error.
    ///
    /// # Errors
    /// When the evaluation fails otherwise.
    pub fn package(&mut self, node: NodeId) -> Result<(Value, Option<Failure>), Box<Failure>> {
        self.leave_out = true;
        let whole = self.whole(node)?.into_value();
        Ok((whole.unwrap_or_else(Value::object), self.left_out.take()))
    }
}
