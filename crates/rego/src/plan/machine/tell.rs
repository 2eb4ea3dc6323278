//! Notifies the watcher.

use super::{Failure, Machine, Val};
use crate::plan::ir::{Base, Block, Pattern, Step, Stmt};
use crate::plan::watch::Found;
use crate::shown;

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
                Found::Values(vec![self.value(value).into_value(), self.value(other).into_value()])
            }
            Stmt::Match(value, _) | Stmt::Check(value) => Found::Values(vec![self.value(value).into_value()]),
            Stmt::Walk { base, path, .. } => self.walked(base, path)?,
            Stmt::Call { args, .. } => {
                Found::Values(args.iter().map(|arg| self.value(arg).into_value()).collect())
            }
            Stmt::Not(_)
            | Stmt::Any(_)
            | Stmt::Every { .. }
            | Stmt::Comprehend { .. }
            | Stmt::With { .. } => Found::default(),
        };
        if let Some(watch) = &mut self.watch {
            watch.fails(block, at, found);
        }
        Ok(())
    }

    /// What a path leads to, as far as its first variable, which goes through that.
    fn walked(&mut self, base: &'e Base, path: &'e [Step]) -> Result<Found, Box<Failure>> {
        let length = path.iter().take_while(|step| matches!(step, Step::Key(_))).count();
        let constant = path.get(..length).unwrap_or_default();
        let value = self.follow(base, constant)?.into_value();
        if length == path.len() {
            return Ok(Found::Values(vec![value]));
        }
        let begin = match base {
            Base::Input => Some("input".to_owned()),
            Base::Data(keys) => Some(shown::path(keys)),
            Base::Rule(rule) => self.program.rules.get(*rule as usize).map(|rules| shown::names(&rules.path)),
            Base::Node(_) | Base::Operand(_) => None,
        };
        let mut name = begin;
        for step in constant {
            let key = match step {
                Step::Key(key) => self.value(key).into_value(),
                Step::Each(_) => None,
            };
            name = name.zip(key).map(|(name, key)| name + &shown::part(&key));
        }
        Ok(Found::Through(name, value))
    }
}
