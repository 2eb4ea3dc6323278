//! Comprehensions that pick, from something that is the same every time, what belongs to a variable from outside:
//!
//! ```rego
//! groups := {k: vs |
//!     some x in input.xs
//!     k := x.k
//!     vs := {y.v | some y in input.xs; y.k == k}
//! }
//! ```
//!
//! Run once for every `k`, the inner one goes through all of `input.xs` each time. Without `y.k == k` it says what there is for
//! every `k` at once; from its second run on, that is looked up.
//!
//! INVARIANT (no dearer): what follows the comparison runs for every row then, so it may take one step, or go through parts
//! of the row itself; whatever else goes through something, or calls a rule, stays with the rows that are asked for.
//! INVARIANT (unseen): what a decision leaves behind (prints, answers of others, labels) is that of the rows asked for.

use std::collections::HashSet;

use super::ir::{
    Base, Block, Callee, Comparison, Groups, Operand, Out, PRINT, Pattern, Program, RuleBody, Slot, Step,
    Stmt,
};

/// Finds such comprehensions.
pub(super) fn find(program: &mut Program) {
    let mut rules = std::mem::take(&mut program.rules);
    for body in rules.iter_mut().flat_map(|rules| rules.bodies.iter_mut().chain(&mut rules.default)) {
        let RuleBody { branches, slots, .. } = body;
        for branch in branches {
            in_block(&mut branch.block, slots, program);
        }
    }
    program.rules = rules;
}

fn in_block(block: &mut Block, slots: &mut u32, program: &Program) {
    for (stmt, _) in &mut block.stmts {
        match stmt {
            Stmt::Not(block) | Stmt::Every { block, .. } | Stmt::With { block, .. } => {
                in_block(block, slots, program);
            }
            Stmt::Any(blocks) => blocks.iter_mut().for_each(|block| in_block(block, slots, program)),
            Stmt::Comprehend { block, key, value, groups, .. } => {
                in_block(block, slots, program);
                *groups = grouped(block, key.iter().chain([&*value]), slots, program).map(Box::new);
            }
            Stmt::Match(..) | Stmt::Compare(..) | Stmt::Check(_) | Stmt::Walk { .. } | Stmt::Call { .. } => {}
        }
    }
}

fn grouped<'o>(
    block: &Block,
    results: impl Iterator<Item = &'o Operand>,
    slots: &mut u32,
    program: &Program,
) -> Option<Groups> {
    let mut seen = Seen::default();
    seen.block(block, program);
    if seen.matters {
        return None;
    }
    let mut of_row = HashSet::new();
    let mut outer: HashSet<Slot> = seen.read.difference(&seen.written).copied().collect();
    let mut groups = Groups::default();
    let mut next = *slots;
    for (stmt, place) in &block.stmts {
        if let Some(slot) = part_from_outside(stmt, &outer) {
            groups.before.stmts.push((stmt.clone(), *place));
            outer.insert(slot);
            continue;
        }
        if !groups.inner.is_empty() && !is_cheap(stmt, &of_row) {
            return None;
        }
        note_parts_of_row(stmt, &mut of_row);
        match split(stmt, &outer, next) {
            Some(Split { rest, inner, from_outside }) => {
                groups.inner.push(inner);
                groups.outer.push(from_outside);
                if let Some(rest) = rest {
                    next += 1;
                    groups.block.stmts.push((rest, *place));
                }
            }
            None => groups.block.stmts.push((stmt.clone(), *place)),
        }
    }
    let mut rest = Seen::default();
    rest.block(&groups.block, program);
    results.for_each(|operand| rest.operand(operand));
    if groups.inner.is_empty() || !rest.read.is_disjoint(&outer) {
        return None;
    }
    *slots = next;
    Some(groups)
}

/// Where a statement puts a part of something from outside, if that is what it does.
fn part_from_outside(stmt: &Stmt, outer: &HashSet<Slot>) -> Option<Slot> {
    let Stmt::Walk { base: Base::Operand(base), path, out: Out::Fits(Pattern::Bind(slot)) } = stmt else {
        return None;
    };
    let from = slots_of(base);
    let constant = |step: &Step| matches!(step, Step::Key(key) if slots_of(key).is_subset(outer));
    (!from.is_empty() && from.is_subset(outer) && path.iter().all(constant)).then_some(*slot)
}

/// Whether a statement takes one step, or goes through parts of a row.
fn is_cheap(stmt: &Stmt, of_row: &HashSet<Slot>) -> bool {
    match stmt {
        Stmt::Match(..) | Stmt::Compare(..) | Stmt::Check(_) => true,
        Stmt::Walk { base, path, .. } => match base {
            Base::Operand(base) if slots_of(base).is_subset(of_row) => true,
            Base::Rule(_) | Base::Node(_) => false,
            Base::Operand(_) | Base::Input | Base::Data(_) => {
                path.iter().all(|step| matches!(step, Step::Key(_)))
            }
        },
        Stmt::Call { callee: Callee::Builtin(builtin), .. } => !builtin.relation,
        Stmt::Call { callee: Callee::Rule(_), .. }
        | Stmt::Not(_)
        | Stmt::Any(_)
        | Stmt::Every { .. }
        | Stmt::Comprehend { .. }
        | Stmt::With { .. } => false,
    }
}

/// Notes the slots that hold something out of what is gone through, or a part of that.
fn note_parts_of_row(stmt: &Stmt, of_row: &mut HashSet<Slot>) {
    let Stmt::Walk { base, path, out: Out::Fits(pattern) } = stmt else { return };
    let is_part = matches!(base, Base::Operand(base) if !slots_of(base).is_disjoint(of_row));
    if is_part || path.iter().any(|step| matches!(step, Step::Each(_))) {
        let mut seen = Seen::default();
        seen.pattern(pattern);
        of_row.extend(seen.written);
    }
}

/// A statement that compares something from inside with something from outside.
struct Split {
    /// What finds the former, where the statement did that, too: it goes to a slot of its own.
    rest: Option<Stmt>,
    inner: Operand,
    from_outside: Operand,
}

fn split(stmt: &Stmt, outer: &HashSet<Slot>, free: Slot) -> Option<Split> {
    let outside = |operand: &Operand| {
        let slots = slots_of(operand);
        !slots.is_empty() && slots.is_subset(outer)
    };
    let inside = |operand: &Operand| {
        let slots = slots_of(operand);
        !slots.is_empty() && slots.is_disjoint(outer)
    };
    match stmt {
        Stmt::Compare(Comparison::Equal, a, b) | Stmt::Match(a, Pattern::Is(b)) => {
            let (inner, from_outside) = if inside(a) && outside(b) {
                (a, b)
            } else if inside(b) && outside(a) {
                (b, a)
            } else {
                return None;
            };
            Some(Split { rest: None, inner: inner.clone(), from_outside: from_outside.clone() })
        }
        Stmt::Walk { out: Out::Fits(Pattern::Is(expected)), .. }
        | Stmt::Call { out: Out::Fits(Pattern::Is(expected)), .. }
            if outside(expected) =>
        {
            let from_outside = expected.clone();
            let mut rest = stmt.clone();
            if let Stmt::Walk { out, .. } | Stmt::Call { out, .. } = &mut rest {
                *out = Out::Fits(Pattern::Bind(free));
            }
            Some(Split { rest: Some(rest), inner: Operand::Slot(free), from_outside })
        }
        _ => None,
    }
}

fn slots_of(operand: &Operand) -> HashSet<Slot> {
    let mut seen = Seen::default();
    seen.operand(operand);
    seen.read
}

/// The slots of statements.
#[derive(Default)]
struct Seen {
    read: HashSet<Slot>,
    written: HashSet<Slot>,
    /// Whether it matters how often they run: they print, ask others, change the world, or may bring labels.
    matters: bool,
}

impl Seen {
    fn block(&mut self, block: &Block, program: &Program) {
        for (stmt, _) in &block.stmts {
            match stmt {
                Stmt::Match(value, pattern) => {
                    self.operand(value);
                    self.pattern(pattern);
                }
                Stmt::Compare(_, a, b) => [a, b].into_iter().for_each(|operand| self.operand(operand)),
                Stmt::Check(value) => self.operand(value),
                Stmt::Walk { base, path, out } => {
                    match base {
                        Base::Operand(operand) => self.operand(operand),
                        Base::Rule(_) | Base::Node(_) => self.matters |= program.has_labels,
                        Base::Input | Base::Data(_) => {}
                    }
                    for step in path {
                        match step {
                            Step::Key(key) => self.operand(key),
                            Step::Each(pattern) => self.pattern(pattern),
                        }
                    }
                    self.out(out);
                }
                Stmt::Call { callee, args, out } => {
                    self.matters |= match callee {
                        Callee::Builtin(builtin) => {
                            builtin.nondeterministic || matches!(builtin.name, PRINT | "trace")
                        }
                        Callee::Rule(rule) => {
                            program.has_labels || program.blocking.contains(&(*rule as usize))
                        }
                    };
                    args.iter().for_each(|arg| self.operand(arg));
                    self.out(out);
                }
                Stmt::Not(block) => self.block(block, program),
                Stmt::Any(blocks) => blocks.iter().for_each(|block| self.block(block, program)),
                Stmt::Every { domain, key, value, block } => {
                    self.operand(domain);
                    self.pattern(key);
                    self.pattern(value);
                    self.block(block, program);
                }
                Stmt::Comprehend { block, key, value, out, .. } => {
                    self.block(block, program);
                    key.iter().chain([value]).for_each(|operand| self.operand(operand));
                    self.out(out);
                }
                Stmt::With { .. } => self.matters = true,
            }
        }
    }

    fn out(&mut self, out: &Out) {
        if let Out::Fits(pattern) = out {
            self.pattern(pattern);
        }
    }

    fn pattern(&mut self, pattern: &Pattern) {
        match pattern {
            Pattern::Any => {}
            Pattern::Bind(slot) => _ = self.written.insert(*slot),
            Pattern::Is(operand) => self.operand(operand),
            Pattern::Array(items) => items.iter().for_each(|item| self.pattern(item)),
            Pattern::Object(members) => members.iter().for_each(|(key, value)| {
                self.operand(key);
                self.pattern(value);
            }),
        }
    }

    fn operand(&mut self, operand: &Operand) {
        match operand {
            Operand::Const(_) => {}
            Operand::Slot(slot) => _ = self.read.insert(*slot),
            Operand::Array(items) | Operand::Set(items) => items.iter().for_each(|item| self.operand(item)),
            Operand::Object(members) => members.iter().for_each(|(key, value)| {
                self.operand(key);
                self.operand(value);
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::compile;
    use crate::program::declared;
    use crate::syntax::ast::Version;
    use crate::syntax::parser::{Options, parse_module};
    use crate::syntax::source::Source;

    /// How many comprehensions the first rule has that are looked up.
    fn found(rule: &str) -> usize {
        let source = Source::new(
            "a.rego",
            format!("package a\n\nf(x) := http.send(x)\n\ng(x) := x\n\np if {{\n{rule}\n}}"),
        );
        let module = parse_module(&source, Version::V1, Options::default()).unwrap();
        let program = compile(&[module], &declared).unwrap();
        let rules = program.rules.iter().find(|rules| rules.path.last().is_some_and(|name| &**name == "p"));
        let branches = rules.unwrap().bodies.iter().flat_map(|body| &body.branches);
        branches.map(|branch| count(&branch.block)).sum()
    }

    fn count(block: &Block) -> usize {
        let of = |(stmt, _): &(Stmt, _)| match stmt {
            Stmt::Comprehend { block, groups, .. } => count(block) + usize::from(groups.is_some()),
            Stmt::Not(block) | Stmt::Every { block, .. } | Stmt::With { block, .. } => count(block),
            _ => 0,
        };
        block.stmts.iter().map(of).sum()
    }

    #[test]
    fn labels_are_those_of_the_rows_that_are_asked_for() {
        let labelled = "k := input.k\nvs := {y | some y in input.xs; g(y) == k}\nvs\n}\n\n# METADATA\n# labels: {a: 1}\nq if {\ntrue";
        assert_eq!(found(labelled), 0);
    }

    #[test]
    fn what_picks_from_the_same_thing_every_time_is_looked_up() {
        for (rule, expected) in [
            ("k := input.k\nvs := {y.v | some y in input.xs; y.k == k}\nvs", 1),
            ("k := input.k\nvs := {y.v | some y in input.xs; k == y.k}\nvs", 1),
            ("k := input.k\nvs := [y | some y in data.xs; y.k = k; y.v > 1]\nvs", 1),
            ("k := input.k\nvs := {y.n: y | some y in input.xs; lower(y.k) == k}\nvs", 1),
            ("k := input.k\nvs := {y | some y in input.xs; g(y) == k}\nvs", 1),
            ("k := input.k\nl := input.l\nvs := {y | some y in input.xs; y.k == k; y.l == l}\nvs", 1),
            ("k := input.k\nvs := {z | some y in input.xs; y.k == k; some z in y.items}\nvs", 1),
            ("some x in input.xs\nvs := [y | some y in input.xs; y.k == x.k]\nvs", 1),
            // What goes straight to a key is found as fast without.
            ("k := input.k\nvs := {y | some y in data.users[k]}\nvs", 0),
            // Something else from outside is in it.
            ("k := input.k\nvs := {y | some y in input.xs; y.k == k; y.n > k}\nvs", 0),
            ("k := input.k\nvs := {k | some y in input.xs; y.k == k}\nvs", 0),
            ("xs := input.xs\nk := input.k\nvs := {y | some y in xs; y.k == k}\nvs", 0),
            // For every row it would take as long as for those that are asked for.
            ("k := input.k\nvs := {z | some y in input.xs; y.k == k; some z in input.zs}\nvs", 0),
            ("k := input.k\nvs := {y | some y in input.xs; y.k == k; every z in input.zs { z != y }}\nvs", 0),
            ("k := input.k\nvs := {y | some y in input.xs; y.k == k; g(y) == 1}\nvs", 0),
            // Nothing from outside is.
            ("vs := {y | some y in input.xs; y.k == 1}\nvs", 0),
            // Each run of it counts.
            ("k := input.k\nvs := {y | some y in input.xs; y.k == k; trace(\"x\")}\nvs", 0),
            ("k := input.k\nvs := {y | some y in input.xs; f(y).status_code == k}\nvs", 0),
            ("k := input.k\nvs := {y | some y in input.xs; y.k == k with data.x as 1}\nvs", 0),
            ("k := input.k\nvs := {y | some y in input.xs; rand.intn(y.n, 5) == k}\nvs", 0),
        ] {
            assert_eq!(found(rule), expected, "{rule}");
        }
    }
}
