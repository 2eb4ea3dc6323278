//! Which bodies the index of OPA passes over, which coverage is compared with: more than the index that evaluations use.
//! Every body that compares a part of the input or of base data, or an argument, with a constant, or looks it up among
//! constants, and finds it otherwise.

use super::{Failure, Machine};
use crate::plan::ir::{
    Base, Block, Branch, Callee, Comparison, Operand, Out, PRINT, Pattern, RuleBody, Slot, Step, Stmt,
};
use crate::value::Value;

impl<'e> Machine<'e> {
    /// Whether OPA's index would pass over a branch, whose arguments fit.
    ///
    /// # Errors
    /// What looking at base documents errs with.
    pub(in crate::plan) fn is_passed_over(
        &mut self,
        body: &'e RuleBody,
        branch: &'e Branch,
    ) -> Result<bool, Box<Failure>> {
        if !self.pass.is_as_opa() || prints(&branch.block) {
            return Ok(false);
        }
        for (at, (stmt, _)) in branch.block.stmts.iter().enumerate() {
            let passes = match stmt {
                Stmt::Walk { base: base @ (Base::Input | Base::Data(_)), path, out } if is_ground(path) => {
                    let found = self.follow(base, path)?;
                    match out {
                        Out::Truthy => !found.is_nothing(),
                        Out::Fits(Pattern::Is(Operand::Const(wanted))) => found.get() == Some(wanted),
                        Out::Fits(Pattern::Bind(slot)) => {
                            let among = branch
                                .block
                                .stmts
                                .get(at + 1)
                                .and_then(|(next, _)| constants_for(next, *slot));
                            among.is_none_or(|among| found.get().is_some_and(|found| has_value(among, found)))
                        }
                        Out::Fits(_) => true,
                    }
                }
                Stmt::Compare(Comparison::Equal, Operand::Slot(slot), Operand::Const(wanted))
                | Stmt::Compare(Comparison::Equal, Operand::Const(wanted), Operand::Slot(slot))
                | Stmt::Match(Operand::Slot(slot), Pattern::Is(Operand::Const(wanted)))
                    if is_argument(body, *slot) =>
                {
                    self.slot(*slot).as_ref() == Some(wanted)
                }
                _ => true,
            };
            if !passes {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// OPA makes no index for a body that prints.
fn prints(block: &Block) -> bool {
    let is_print = |stmt: &Stmt| matches!(stmt, Stmt::Call { callee: Callee::Builtin(called), .. } if called.name == PRINT);
    block.stmts.iter().any(|(stmt, _)| is_print(stmt))
}

fn is_ground(path: &[Step]) -> bool {
    path.iter().all(|step| matches!(step, Step::Key(Operand::Const(_))))
}

fn is_argument(body: &RuleBody, slot: Slot) -> bool {
    body.args.iter().any(|arg| matches!(arg, Pattern::Bind(bound) if *bound == slot))
}

/// The constants that a statement looks for a slot among.
fn constants_for(stmt: &Stmt, slot: Slot) -> Option<&Value> {
    let Stmt::Call { callee: Callee::Builtin(called), args, out: Out::Truthy } = stmt else { return None };
    match args.as_slice() {
        [Operand::Slot(looked_up), Operand::Const(among)]
            if *looked_up == slot && called.name == "internal.member_2" =>
        {
            Some(among)
        }
        _ => None,
    }
}

fn has_value(among: &Value, value: &Value) -> bool {
    match among {
        Value::Array(items) => items.contains(value),
        Value::Set(elements) => elements.get_key(value).is_some(),
        Value::Object(members) => members.iter().any(|(_, member)| member == value),
        _ => false,
    }
}
