//! How rules depend on each other: not on themselves, and not in longer rows than the stack allows.

use std::collections::BTreeSet;

use super::ir::{Base, Block, Callee, Kind, Operand, Place, Program, RuleId, RuleSet, Step, Stmt, Target};
use super::lower::Finding;

/// What calling a rule takes, in levels of the machine.
const CALL: usize = 3;

/// Refuses rules that depend on themselves, and notes how deep the deepest evaluation goes.
pub(super) fn check(program: &mut Program, findings: &mut Vec<Finding>) {
    let edges: Vec<BTreeSet<RuleId>> = program.rules.iter().map(|rules| uses(program, rules)).collect();
    let mut state = vec![State::New; edges.len()];
    let mut levels = vec![0_usize; edges.len()];
    for start in 0..edges.len() {
        // An own stack rather than recursion: rows of rules may be long.
        let mut stack: Vec<(usize, Vec<RuleId>)> = Vec::new();
        enter(start, &edges, &mut state, &mut stack);
        while let Some((at, rest)) = stack.last_mut() {
            let at = *at;
            match rest.pop().map(|next| next as usize) {
                None => {
                    stack.pop();
                    leave(at, program, &edges, &mut state, &mut levels);
                }
                Some(next) if state.get(next) == Some(&State::Entered) => {
                    findings.push(cycle(program, &stack, next));
                }
                Some(next) => enter(next, &edges, &mut state, &mut stack),
            }
        }
    }
    let deepest = levels.iter().enumerate().max_by_key(|(_, levels)| **levels);
    program.levels = deepest.map_or(0, |(_, levels)| *levels);
    program.deepest = deepest.and_then(|(at, _)| place_of(program.rules.get(at)?));
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    New,
    Entered,
    Left,
}

fn enter(at: usize, edges: &[BTreeSet<RuleId>], state: &mut [State], stack: &mut Vec<(usize, Vec<RuleId>)>) {
    if let (Some(state @ State::New), Some(edges)) = (state.get_mut(at), edges.get(at)) {
        *state = State::Entered;
        stack.push((at, edges.iter().copied().collect()));
    }
}

fn leave(
    at: usize,
    program: &Program,
    edges: &[BTreeSet<RuleId>],
    state: &mut [State],
    levels: &mut [usize],
) {
    let below = edges.get(at).into_iter().flatten().filter_map(|next| levels.get(*next as usize)).max();
    let below = below.copied().unwrap_or_default();
    let own = program.rules.get(at).map_or(0, |rules| {
        let branches = rules.bodies.iter().chain(&rules.default).flat_map(|body| &body.branches);
        branches.map(|branch| height(&branch.block)).max().unwrap_or_default()
    });
    if let (Some(state), Some(levels)) = (state.get_mut(at), levels.get_mut(at)) {
        *state = State::Left;
        *levels = own.saturating_add(below).saturating_add(CALL);
    }
}

fn cycle(program: &Program, stack: &[(usize, Vec<RuleId>)], to: usize) -> Finding {
    let on_it = stack.iter().map(|(id, _)| *id).skip_while(|id| *id != to);
    let name = |rules: &RuleSet| format!("data.{}", rules.path.join("."));
    let mut names: Vec<String> = on_it.filter_map(|id| program.rules.get(id)).map(name).collect();
    names.extend(names.first().cloned());
    let first = names.first().cloned().unwrap_or_default();
    let place = program.rules.get(to).and_then(place_of).unwrap_or_default();
    let message = format!("rule {first} is recursive: {}", names.join(" -> "));
    Finding { code: "rego_recursion_error", message, place }
}

fn place_of(rules: &RuleSet) -> Option<Place> {
    rules.bodies.first().or(rules.default.as_ref()).map(|body| body.place)
}

/// How many levels a block goes down: each statement that goes through several results runs the rest within itself.
fn height(block: &Block) -> usize {
    let (mut iterating, mut inner) = (0_usize, 0_usize);
    for (stmt, _) in &block.stmts {
        match stmt {
            Stmt::Walk { path, .. } => {
                iterating += path.iter().filter(|step| matches!(step, Step::Each(_))).count()
            }
            Stmt::Call { callee: Callee::Builtin(builtin), .. } if builtin.relation => iterating += 1,
            Stmt::Not(block) | Stmt::Every { block, .. } | Stmt::Comprehend { block, .. } => {
                inner = inner.max(height(block) + 1);
            }
            Stmt::With { block, .. } => iterating += height(block) + 1,
            _ => {}
        }
    }
    iterating + inner + 1
}

/// The rules that a rule set may ask for.
fn uses(program: &Program, rules: &RuleSet) -> BTreeSet<RuleId> {
    let mut found = BTreeSet::new();
    for branch in rules.bodies.iter().chain(&rules.default).flat_map(|body| &body.branches) {
        block_uses(program, &branch.block, &mut found);
    }
    found
}

fn block_uses(program: &Program, block: &Block, found: &mut BTreeSet<RuleId>) {
    let callee = |callee: &Callee, found: &mut BTreeSet<RuleId>| {
        if let Callee::Rule(rule) = callee {
            found.insert(*rule);
        }
    };
    for (stmt, _) in &block.stmts {
        match stmt {
            Stmt::Walk { base: Base::Rule(rule), .. } => {
                found.insert(*rule);
            }
            Stmt::Walk { base: Base::Node(node), path, .. } => below(program, *node, path, found),
            Stmt::Call { callee: called, .. } => callee(called, found),
            Stmt::Not(block) | Stmt::Every { block, .. } | Stmt::Comprehend { block, .. } => {
                block_uses(program, block, found);
            }
            Stmt::With { changes, block } => {
                for (target, _) in changes {
                    if let Target::Function(_, Some(other)) = target {
                        callee(other, found);
                    }
                }
                block_uses(program, block, found);
            }
            _ => {}
        }
    }
}

/// Every document that a path from a node may lead to.
fn below(program: &Program, node: u32, path: &[Step], found: &mut BTreeSet<RuleId>) {
    let Some(node) = program.nodes.get(node as usize) else { return };
    if let Some(rule) = node.rule {
        let function =
            program.rules.get(rule as usize).is_some_and(|rules| matches!(rules.kind, Kind::Function(_)));
        if !function {
            found.insert(rule);
        }
        return;
    }
    let (step, rest) = path.split_first().map_or((None, path), |(step, rest)| (Some(step), rest));
    match step {
        Some(Step::Key(Operand::Const(key))) => {
            if let Some(child) = key.as_str().and_then(|name| node.children.get(name)) {
                below(program, *child, rest, found);
            }
        }
        _ => node.children.values().for_each(|child| below(program, *child, rest, found)),
    }
}
