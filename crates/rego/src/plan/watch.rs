//! Hooks for explanations, coverage and profiles. Without a watcher they cost one comparison a step.

use std::cell::RefCell;
use std::rc::Rc;

use super::failure::Failure;
use super::ir::{Block, Branch, RuleBody, RuleId, Slot};
use super::pass::Pass;
use crate::value::Value;

/// What a statement that does not hold has looked at; `None` is undefined.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Found {
    /// Its operands or arguments. A block has none.
    Values(Vec<Option<Value>>),
    /// What it went through, and found nothing in that fits; with its path, unless it begins with a variable.
    Through(Option<String>, Option<Value>),
}

impl Default for Found {
    fn default() -> Self {
        Self::Values(Vec::new())
    }
}

/// What an evaluation tells whoever watches it. Every method does nothing unless it is written.
pub trait Watch {
    /// Whether it has to be told of every run of a comprehension, also where looking it up would do.
    fn counts_runs(&self) -> bool {
        true
    }

    /// Which bodies are to run.
    fn pass(&self) -> Pass {
        Pass::Usual
    }

    /// A body of a rule, whose arguments fit, is about to run. What is told until [`Watch::leave`] is of it.
    fn enter(&mut self, _body: &RuleBody) {}

    /// The statement of a block at a position is about to run; it runs anew for each result of those before it.
    fn statement(&mut self, _block: &Block, _at: usize) {}

    /// The statement that was told of last does not hold, or leads to nothing.
    fn fails(&mut self, _block: &Block, _at: usize, _found: Found) {}

    /// The values of the slots of the body that runs, told after [`Watch::statement`]; what has not been written since
    /// the body was entered is undefined or old.
    fn locals(&mut self, _value: &dyn Fn(Slot) -> Option<Value>) {}

    /// All statements of a block have held: once for each way in which they do.
    fn ends(&mut self, _block: &Block) {}

    /// The values of the arguments of `print`: a set for each, empty for what is undefined.
    fn prints(&mut self, _args: &[Value]) {}

    /// A built-in has failed, and what it stands in is undefined for it.
    fn errs(&mut self, _failure: &Failure) {}

    /// The value of a document or of a function is asked for, whether or not it is known already. `changed` says that
    /// `with` has put something else in the place of something.
    fn refers(&mut self, _rule: RuleId, _args: &[Value], _changed: bool) {}

    /// All conditions of a branch hold: once for each way in which they do.
    fn holds(&mut self, _branch: &Branch) {}

    /// The body that was entered last has run; also where it failed.
    fn leave(&mut self) {}
}

/// One that is also held elsewhere, to be read when the evaluation is over.
impl<W: Watch> Watch for Rc<RefCell<W>> {
    fn counts_runs(&self) -> bool {
        self.borrow().counts_runs()
    }

    fn pass(&self) -> Pass {
        self.borrow().pass()
    }
    fn enter(&mut self, body: &RuleBody) {
        self.borrow_mut().enter(body);
    }
    fn statement(&mut self, block: &Block, at: usize) {
        self.borrow_mut().statement(block, at);
    }
    fn fails(&mut self, block: &Block, at: usize, found: Found) {
        self.borrow_mut().fails(block, at, found);
    }
    fn locals(&mut self, value: &dyn Fn(Slot) -> Option<Value>) {
        self.borrow_mut().locals(value);
    }
    fn ends(&mut self, block: &Block) {
        self.borrow_mut().ends(block);
    }
    fn prints(&mut self, args: &[Value]) {
        self.borrow_mut().prints(args);
    }
    fn errs(&mut self, failure: &Failure) {
        self.borrow_mut().errs(failure);
    }
    fn refers(&mut self, rule: RuleId, args: &[Value], changed: bool) {
        self.borrow_mut().refers(rule, args, changed);
    }
    fn holds(&mut self, branch: &Branch) {
        self.borrow_mut().holds(branch);
    }
    fn leave(&mut self) {
        self.borrow_mut().leave();
    }
}

/// Several that watch the same evaluation.
#[derive(Default)]
pub struct Several<'w>(pub Vec<Box<dyn Watch + 'w>>);

impl Watch for Several<'_> {
    fn counts_runs(&self) -> bool {
        self.0.iter().any(|watch| watch.counts_runs())
    }

    /// That of the one who cares.
    fn pass(&self) -> Pass {
        self.0.iter().map(|watch| watch.pass()).find(|pass| *pass != Pass::Usual).unwrap_or_default()
    }
    fn enter(&mut self, body: &RuleBody) {
        self.0.iter_mut().for_each(|watch| watch.enter(body));
    }
    fn statement(&mut self, block: &Block, at: usize) {
        self.0.iter_mut().for_each(|watch| watch.statement(block, at));
    }
    fn fails(&mut self, block: &Block, at: usize, found: Found) {
        self.0.iter_mut().for_each(|watch| watch.fails(block, at, found.clone()));
    }
    fn locals(&mut self, value: &dyn Fn(Slot) -> Option<Value>) {
        self.0.iter_mut().for_each(|watch| watch.locals(value));
    }
    fn ends(&mut self, block: &Block) {
        self.0.iter_mut().for_each(|watch| watch.ends(block));
    }
    fn prints(&mut self, args: &[Value]) {
        self.0.iter_mut().for_each(|watch| watch.prints(args));
    }
    fn errs(&mut self, failure: &Failure) {
        self.0.iter_mut().for_each(|watch| watch.errs(failure));
    }
    fn refers(&mut self, rule: RuleId, args: &[Value], changed: bool) {
        self.0.iter_mut().for_each(|watch| watch.refers(rule, args, changed));
    }
    fn holds(&mut self, branch: &Branch) {
        self.0.iter_mut().for_each(|watch| watch.holds(branch));
    }
    fn leave(&mut self) {
        self.0.iter_mut().for_each(|watch| watch.leave());
    }
}
