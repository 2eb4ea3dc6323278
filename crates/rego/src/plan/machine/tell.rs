//! Notifies the watcher.

use super::{Failure, Machine, Val};
use crate::plan::ir::{Block, Pattern, Stmt};

impl<'e> Machine<'e> {
    pub(super) fn tell_statement(&mut self, block: &'e Block, at: usize) {
        let Some(watch) = &mut self.watch else { return };
        watch.statement(block, at);
        let (slots, frame) = (&self.slots, self.frame);
        watch.locals(&|slot| slots.get(frame + slot as usize).cloned().and_then(Val::into_value));
    }

    /// Tells who watches what a statement that does not hold has looked at.
    pub(super) fn tell_failure(
        &mut self,
        block: &'e Block,
        at: usize,
        stmt: &'e Stmt,
    ) -> Result<(), Box<Failure>> {
        let found = match stmt {
            Stmt::Match(value, Pattern::Is(other)) | Stmt::Compare(_, value, other) => {
                vec![self.value(value).into_value(), self.value(other).into_value()]
            }
            Stmt::Match(value, _) | Stmt::Check(value) => vec![self.value(value).into_value()],
            Stmt::Walk { base, path, .. } => vec![self.follow(base, path)?.into_value()],
            Stmt::Call { args, .. } => args.iter().map(|arg| self.value(arg).into_value()).collect(),
            Stmt::Not(_)
            | Stmt::Any(_)
            | Stmt::Every { .. }
            | Stmt::Comprehend { .. }
            | Stmt::With { .. } => Vec::new(),
        };
        if let Some(watch) = &mut self.watch {
            watch.fails(block, at, found);
        }
        Ok(())
    }
}
