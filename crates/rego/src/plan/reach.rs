//! Finds the rules that may block: those that call a blocking built-in, directly or through other rules.

use std::collections::BTreeSet;

use super::depth::{self, Vertex};
use super::ir::{Block, Callee, NodeId, Place, Program, Stmt, Target};

/// Notes where such built-ins are called, and what may come there.
pub(super) fn note(program: &mut Program) {
    let mut calls = Vec::new();
    let mut reached: BTreeSet<Vertex> = BTreeSet::new();
    for (at, rules) in program.rules.iter().enumerate() {
        let before = calls.len();
        for branch in rules.bodies.iter().chain(&rules.default).flat_map(|body| &body.branches) {
            calls_of(&branch.block, &mut calls);
        }
        if calls.len() > before {
            reached.insert(at);
        }
    }
    // Most policies call nobody.
    if !reached.is_empty() {
        let rules = program.rules.iter().map(|rules| depth::uses(program, rules));
        let nodes = (0..program.nodes.len()).map(|node| depth::parts(program, node));
        let mut used_by: Vec<Vec<Vertex>> = vec![Vec::new(); program.rules.len() + program.nodes.len()];
        for (at, uses) in rules.chain(nodes).enumerate() {
            for used in uses {
                if let Some(users) = used_by.get_mut(used) {
                    users.push(at);
                }
            }
        }
        let mut left: Vec<Vertex> = reached.iter().copied().collect();
        while let Some(at) = left.pop() {
            let users = used_by.get(at).into_iter().flatten();
            left.extend(users.filter(|user| reached.insert(**user)));
        }
    }
    calls.sort_by_key(|(name, place)| (place.file, place.span, *name));
    calls.dedup();
    (program.blocking, program.blocking_calls) = (reached, calls);
}

/// The names of such built-ins that a block calls itself.
pub fn called_in(block: &Block) -> BTreeSet<&'static str> {
    let mut calls = Vec::new();
    calls_of(block, &mut calls);
    calls.into_iter().map(|(name, _)| name).collect()
}

fn calls_of(block: &Block, calls: &mut Vec<(&'static str, Place)>) {
    let mut callee = |callee: &Callee, place: Place| match callee {
        Callee::Builtin(builtin) if builtin.blocking => calls.push((builtin.name, place)),
        _ => {}
    };
    let mut inner = Vec::new();
    for (stmt, place) in &block.stmts {
        match stmt {
            Stmt::Call { callee: called, .. } => callee(called, *place),
            Stmt::Not(block) | Stmt::Every { block, .. } | Stmt::Comprehend { block, .. } => {
                inner.push(block)
            }
            Stmt::Any(blocks) => inner.extend(blocks),
            Stmt::With { changes, block } => {
                for (target, _) in changes {
                    if let Target::Function(_, Some(other)) = target {
                        callee(other, *place);
                    }
                }
                inner.push(block);
            }
            Stmt::Match(..) | Stmt::Compare(..) | Stmt::Check(_) | Stmt::Walk { .. } => {}
        }
    }
    for block in inner {
        calls_of(block, calls);
    }
}

impl Program {
    /// Whether the documents at and below a node may come to wait for others.
    pub fn node_blocks(&self, node: NodeId) -> bool {
        self.blocking.contains(&(self.rules.len() + node as usize))
    }
}
