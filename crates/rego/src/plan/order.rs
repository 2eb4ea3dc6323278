//! Puts statements in an order in which every variable is bound before it is needed, and marks where each is bound.
//!
//! The order of the source is kept as far as that allows. What can never run is unsafe.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use super::ir::{Base, Block, Operand, Out, Pattern, Place, Slot, Step, Stmt};
use super::raw;
use crate::budget;

pub(super) type Slots = HashSet<Slot>;
/// What the source calls each slot; the compiler's own have no name, and never leave the closure that they are made in.
pub(super) type Names = [Option<Arc<str>>];

/// Variables that nothing binds.
#[derive(Debug)]
pub(super) struct Unsafe {
    pub(super) slots: Vec<(Slot, Place)>,
}

/// Orders a body whose `bound` slots are known before it; afterwards those that it binds are, too.
///
/// `around` are the variables of the bodies around this one, which a closure may not bind for itself.
pub(super) fn order(
    stmts: &[raw::Stmt],
    bound: &mut Slots,
    around: &Slots,
    names: &Names,
) -> Result<Block, Unsafe> {
    let mut own = around.clone();
    stmts.iter().for_each(|stmt| {
        stmt.vars(false, &mut |slot| {
            own.insert(slot);
        });
    });
    let mut block = Block::default();
    // From the start to the end, again and again, as long as that helps. A statement is tried again only when one of its
    // variables has been bound since: what stands the wrong way round costs no pass over all, and closures within
    // closures are not put in order twice at each level.
    let (mut tries, mut from): (BTreeSet<usize>, usize) = ((0..stmts.len()).collect(), 0);
    let mut waiting: BTreeSet<usize> = BTreeSet::new();
    let mut mentions: HashMap<Slot, Vec<usize>> = HashMap::new();
    while let Some(at) = tries.range(from..).next().or_else(|| tries.first()).copied() {
        budget::work(16);
        tries.remove(&at);
        from = at + 1;
        let Some(stmt) = stmts.get(at) else { continue };
        let mut before = Vec::new();
        let Some((ordered, binds)) = ready(stmt, bound, &own, names, &mut before) else {
            if waiting.insert(at) {
                stmt.vars(true, &mut |slot| mentions.entry(slot).or_default().push(at));
            }
            continue;
        };
        waiting.remove(&at);
        block.stmts.append(&mut before);
        block.stmts.push((ordered, stmt.place));
        for slot in binds {
            if bound.insert(slot) {
                let mentioning = mentions.get(&slot).into_iter().flatten();
                tries.extend(mentioning.filter(|at| waiting.contains(at)));
            }
        }
    }
    if waiting.is_empty() {
        return Ok(block);
    }
    let waiting: Vec<&raw::Stmt> = waiting.iter().filter_map(|at| stmts.get(*at)).collect();
    Err(unsafe_vars(&waiting, bound, names))
}

fn unsafe_vars(waiting: &[&raw::Stmt], bound: &Slots, names: &Names) -> Unsafe {
    let (mut slots, mut known) = (Vec::new(), Slots::new());
    for stmt in waiting {
        each_part(stmt, &mut |part| {
            part.vars(true, &mut |slot| {
                let named = names.get(slot as usize).is_some_and(Option::is_some);
                if named && !bound.contains(&slot) && known.insert(slot) {
                    slots.push((slot, part.place));
                }
            });
        });
    }
    Unsafe { slots }
}

/// The operands of `and` and `or`, which have places of their own, or else the statement itself.
fn each_part<'a>(stmt: &'a raw::Stmt, f: &mut dyn FnMut(&'a raw::Stmt)) {
    match &stmt.kind {
        raw::Kind::Any(blocks) => {
            blocks.iter().flat_map(|block| &block.stmts).for_each(|stmt| each_part(stmt, f));
        }
        _ => f(stmt),
    }
}

/// The statement as it runs, and what it binds, where it can run now; in `before` what runs directly before it.
fn ready(
    stmt: &raw::Stmt,
    bound: &Slots,
    own: &Slots,
    names: &Names,
    before: &mut Vec<(Stmt, Place)>,
) -> Option<(Stmt, Slots)> {
    let mut scope = Scope { bound, new: Slots::new() };
    let ordered = match &stmt.kind {
        raw::Kind::Unify(a, b) => {
            let (value, pattern) = match scope.operand(a) {
                Some(value) => (value, b),
                None => (scope.operand(b)?, a),
            };
            Stmt::Match(value, scope.pattern(pattern)?)
        }
        raw::Kind::Assign(target, value) => Stmt::Match(scope.operand(value)?, scope.pattern(target)?),
        raw::Kind::Compare(comparison, a, b) => {
            Stmt::Compare(*comparison, scope.operand(a)?, scope.operand(b)?)
        }
        raw::Kind::Check(term) => Stmt::Check(scope.operand(term)?),
        raw::Kind::Walk { base, path, out } => {
            let base = match base {
                raw::Base::Input => Base::Input,
                raw::Base::Term(term) => Base::Operand(scope.operand(term)?),
                raw::Base::Rule(rule) => Base::Rule(*rule),
                raw::Base::Node(node) => Base::Node(*node),
                raw::Base::Data(keys) => Base::Data(keys.clone()),
            };
            let path = path.iter().map(|term| scope.step(term)).collect::<Option<Vec<_>>>()?;
            Stmt::Walk { base, path, out: scope.out(out)? }
        }
        raw::Kind::Call { callee, args, out } => {
            let args = args.iter().map(|arg| scope.operand(arg)).collect::<Option<Vec<_>>>()?;
            Stmt::Call { callee: callee.clone(), args, out: scope.out(out)? }
        }
        _ => nested(stmt, &mut scope, own, names, before)?,
    };
    Some((ordered, scope.new))
}

/// The same for a statement with a block in it; there is none for others.
fn nested(
    stmt: &raw::Stmt,
    scope: &mut Scope<'_>,
    own: &Slots,
    names: &Names,
    before: &mut Vec<(Stmt, Place)>,
) -> Option<Stmt> {
    let bound = scope.bound;
    let ordered = match &stmt.kind {
        raw::Kind::Not { operands, block } => {
            if needs(operands.iter().chain(&block.stmts), std::iter::empty(), own, names)
                .any(|slot| !bound.contains(&slot))
            {
                return None;
            }
            let mut inside = bound.clone();
            *before = order(operands, &mut inside, own, names).ok()?.stmts;
            scope.new = inside.difference(bound).copied().collect();
            Stmt::Not(order(&block.stmts, &mut inside, own, names).ok()?)
        }
        raw::Kind::Any(blocks) => {
            let blocks = blocks.iter().map(|block| closed(&block.stmts, bound, own, names));
            Stmt::Any(blocks.collect::<Option<Vec<_>>>()?)
        }
        raw::Kind::Every { domain, key, value, block } => {
            let domain = scope.operand(domain)?;
            let mut inner = Scope { bound, new: Slots::new() };
            let (key, value) = (inner.pattern(key)?, inner.pattern(value)?);
            let mut bound: Slots = bound.clone();
            bound.extend(inner.new);
            Stmt::Every { domain, key, value, block: closed(block, &bound, own, names)? }
        }
        raw::Kind::Comprehend { kind, block, key, value, out } => {
            let mut inside = bound.clone();
            if needs(block, key.iter().chain([value]), own, names).any(|slot| !bound.contains(&slot)) {
                return None;
            }
            let block = order(block, &mut inside, own, names).ok()?;
            let within = Scope { bound: &inside, new: Slots::new() };
            let key = match key {
                Some(key) => Some(within.operand(key)?),
                None => None,
            };
            let (value, out) = (within.operand(value)?, scope.out(out)?);
            Stmt::Comprehend { kind: *kind, block, key, value, out, groups: None }
        }
        raw::Kind::With { changes, block } => {
            let mut ordered = Vec::new();
            for (target, term) in changes {
                ordered.push((target.clone(), scope.operand(term)?));
            }
            let mut inside = bound.clone();
            let block = order(block, &mut inside, own, names).ok()?;
            scope.new = inside.difference(bound).copied().collect();
            Stmt::With { changes: ordered, block }
        }
        _ => return None,
    };
    Some(ordered)
}

/// A block that binds nothing for what is around it.
fn closed(block: &[raw::Stmt], bound: &Slots, own: &Slots, names: &Names) -> Option<Block> {
    if needs(block, std::iter::empty(), own, names).any(|slot| !bound.contains(&slot)) {
        return None;
    }
    order(block, &mut bound.clone(), own, names).ok()
}

/// The variables of a closure that belong to the bodies around it.
fn needs<'a>(
    block: impl IntoIterator<Item = &'a raw::Stmt>,
    terms: impl Iterator<Item = &'a raw::Term>,
    own: &'a Slots,
    names: &'a Names,
) -> impl Iterator<Item = Slot> + 'a {
    let mut found = Vec::new();
    block.into_iter().for_each(|stmt| stmt.vars(true, &mut |slot| found.push(slot)));
    terms.for_each(|term| term.vars(&mut |slot| found.push(slot)));
    let named = |slot: &Slot| names.get(*slot as usize).is_some_and(Option::is_some);
    found.into_iter().filter(move |slot| own.contains(slot) && named(slot))
}

/// What is bound before a statement, and what it has bound so far.
pub(super) struct Scope<'a> {
    pub(super) bound: &'a Slots,
    pub(super) new: Slots,
}

impl Scope<'_> {
    fn is_bound(&self, slot: Slot) -> bool {
        self.bound.contains(&slot) || self.new.contains(&slot)
    }

    pub(super) fn operand(&self, term: &raw::Term) -> Option<Operand> {
        Some(match term {
            raw::Term::Const(value) => Operand::Const(value.clone()),
            raw::Term::Var(slot) if self.is_bound(*slot) => Operand::Slot(*slot),
            raw::Term::Var(_) | raw::Term::Wildcard(_) | raw::Term::Any => return None,
            raw::Term::Array(items) => Operand::Array(self.operands(items)?),
            raw::Term::Set(items) => Operand::Set(self.operands(items)?),
            raw::Term::Object(members) => Operand::Object(
                members
                    .iter()
                    .map(|(key, value)| Some((self.operand(key)?, self.operand(value)?)))
                    .collect::<Option<Vec<_>>>()?,
            ),
        })
    }

    fn operands(&self, terms: &[raw::Term]) -> Option<Vec<Operand>> {
        terms.iter().map(|term| self.operand(term)).collect()
    }

    pub(super) fn pattern(&mut self, term: &raw::Term) -> Option<Pattern> {
        if let Some(operand) = self.operand(term) {
            return Some(Pattern::Is(operand));
        }
        Some(match term {
            raw::Term::Wildcard(_) | raw::Term::Any => Pattern::Any,
            raw::Term::Var(slot) => {
                self.new.insert(*slot);
                Pattern::Bind(*slot)
            }
            raw::Term::Array(items) => {
                Pattern::Array(items.iter().map(|item| self.pattern(item)).collect::<Option<Vec<_>>>()?)
            }
            raw::Term::Object(members) => Pattern::Object(
                members
                    .iter()
                    .map(|(key, value)| Some((self.operand(key)?, self.pattern(value)?)))
                    .collect::<Option<Vec<_>>>()?,
            ),
            raw::Term::Const(_) | raw::Term::Set(_) => return None,
        })
    }

    fn step(&mut self, term: &raw::Term) -> Option<Step> {
        match self.operand(term) {
            Some(key) => Some(Step::Key(key)),
            None => self.pattern(term).map(Step::Each),
        }
    }

    fn out(&mut self, out: &raw::Out) -> Option<Out> {
        match out {
            raw::Out::Truthy => Some(Out::Truthy),
            raw::Out::Fits(term) => self.pattern(term).map(Out::Fits),
        }
    }
}
