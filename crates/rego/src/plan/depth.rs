//! Checks the dependencies between rules: no recursion, and no chains longer than the stack allows.
//!
//! The graph has a vertex for each rule set and one for each node of the tree, which stands for all that is below it:
//! very many rules may ask for a whole package of very many rules.

use std::collections::BTreeSet;

use super::finding::Finding;
use super::ir::{Base, Block, Callee, Kind, Operand, Place, Program, RuleId, RuleSet, Step, Stmt, Target};
use crate::budget;
use crate::shown;

/// The code of rules that depend on themselves.
pub(super) const RECURSION: &str = "rego_recursion_error";

/// What calling a rule takes, in levels of the machine.
const CALL: usize = 3;
/// The most cycles that are reported, and the most rules of one that are named.
const MOST_CYCLES: usize = 16;
const MOST_NAMED: usize = 16;

/// A rule set, or the number of rule sets plus a node.
pub(super) type Vertex = usize;

/// How deep an evaluation goes that begins here.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Height {
    /// In levels of the machine.
    levels: usize,
    /// In rules and functions within each other.
    calls: usize,
}

impl Height {
    fn max(self, other: Self) -> Self {
        Self { levels: self.levels.max(other.levels), calls: self.calls.max(other.calls) }
    }

    const fn plus(self, other: Self) -> Self {
        Self {
            levels: self.levels.saturating_add(other.levels),
            calls: self.calls.saturating_add(other.calls),
        }
    }
}

/// Refuses rules that depend on themselves, and notes how deep evaluations go.
pub(super) fn check(program: &mut Program, findings: &mut Vec<Finding>) {
    let mut search = Search::new(program);
    for start in 0..program.rules.len() {
        search.from(start, findings);
    }
    let rules = search.heights.iter().take(program.rules.len());
    let deepest = rules.clone().enumerate().max_by_key(|(_, height)| height.levels);
    let levels = deepest.map_or(0, |(_, height)| height.levels);
    let deepest = deepest.and_then(|(at, _)| place_of(program.rules.get(at)?));
    let calls = rules.map(|height| height.calls).collect();
    (program.levels, program.deepest, program.calls) = (levels, deepest, calls);
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    New,
    Entered,
    Left,
}

struct Search<'p> {
    program: &'p Program,
    edges: Vec<BTreeSet<Vertex>>,
    state: Vec<State>,
    heights: Vec<Height>,
    /// An own stack rather than recursion: rows of rules may be long.
    stack: Vec<(Vertex, Vec<Vertex>)>,
    cycles: usize,
}

impl<'p> Search<'p> {
    fn new(program: &'p Program) -> Self {
        let rules = program.rules.iter().map(|rules| uses(program, rules));
        let nodes = (0..program.nodes.len()).map(|node| parts(program, node));
        let edges: Vec<BTreeSet<Vertex>> = rules.chain(nodes).collect();
        let (state, heights) = (vec![State::New; edges.len()], vec![Height::default(); edges.len()]);
        Self { program, edges, state, heights, stack: Vec::new(), cycles: 0 }
    }

    fn from(&mut self, start: Vertex, findings: &mut Vec<Finding>) {
        self.enter(start);
        while let Some((at, rest)) = self.stack.last_mut() {
            let at = *at;
            match rest.pop() {
                None => {
                    self.stack.pop();
                    self.leave(at);
                }
                Some(next) if self.state.get(next) == Some(&State::Entered) => {
                    self.cycles += 1;
                    if self.cycles <= MOST_CYCLES {
                        findings.push(self.cycle(next));
                    }
                }
                Some(next) => self.enter(next),
            }
        }
    }

    fn enter(&mut self, at: Vertex) {
        if let (Some(state @ State::New), Some(edges)) = (self.state.get_mut(at), self.edges.get(at)) {
            *state = State::Entered;
            budget::work(edges.len());
            self.stack.push((at, edges.iter().copied().collect()));
        }
    }

    fn leave(&mut self, at: Vertex) {
        let below = self.edges.get(at).into_iter().flatten().filter_map(|next| self.heights.get(*next));
        let below = below.copied().fold(Height::default(), Height::max);
        let own = match self.program.rules.get(at) {
            Some(rules) => {
                let branches = rules.bodies.iter().chain(&rules.default).flat_map(|body| &body.branches);
                let of_branch = |block| Height { levels: height(block), calls: 0 }.plus(self.mocks(block));
                let own = branches.map(|branch| of_branch(&branch.block));
                own.fold(Height::default(), Height::max).plus(Height { levels: CALL, calls: 1 })
            }
            None => Height { levels: 1, calls: 0 },
        };
        if let (Some(state), Some(height)) = (self.state.get_mut(at), self.heights.get_mut(at)) {
            (*state, *height) = (State::Left, own.plus(below));
        }
    }

    /// What functions add that `with` puts in place of others: they run at the end of whatever row calls those.
    fn mocks(&self, block: &Block) -> Height {
        let of = |(stmt, _): &(Stmt, Place)| match stmt {
            Stmt::Not(block) | Stmt::Every { block, .. } | Stmt::Comprehend { block, .. } => {
                self.mocks(block)
            }
            Stmt::Any(blocks) => {
                blocks.iter().map(|block| self.mocks(block)).fold(Height::default(), Height::max)
            }
            Stmt::With { changes, block } => {
                let others = changes.iter().filter_map(|(target, _)| match target {
                    Target::Function(_, Some(Callee::Rule(other))) => {
                        self.heights.get(*other as usize).copied()
                    }
                    _ => None,
                });
                others.fold(Height::default(), Height::max).plus(self.mocks(block))
            }
            _ => Height::default(),
        };
        block.stmts.iter().map(of).fold(Height::default(), Height::max)
    }

    fn cycle(&self, to: Vertex) -> Finding {
        let on_it = self.stack.iter().map(|(id, _)| *id).skip_while(|id| *id != to);
        let rules: Vec<&RuleSet> = on_it.filter_map(|id| self.program.rules.get(id)).collect();
        let name = |rules: &&RuleSet| shown::names(&rules.path);
        let mut names: Vec<String> = rules.iter().take(MOST_NAMED).map(name).collect();
        if rules.len() > MOST_NAMED {
            names.push(format!("({} more)", rules.len() - MOST_NAMED));
        }
        names.extend(names.first().cloned());
        let first = names.first().cloned().unwrap_or_default();
        let place = rules.first().and_then(|rules| place_of(rules)).unwrap_or_default();
        let message = format!("rule {first} is recursive: {}", names.join(" -> "));
        Finding { code: RECURSION, message, place }
    }
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
            Stmt::Any(blocks) => {
                inner = blocks.iter().map(|block| height(block) + 1).fold(inner, usize::max);
            }
            Stmt::With { block, .. } => iterating += height(block) + 1,
            _ => {}
        }
    }
    iterating + inner + 1
}

/// What a rule set may ask for.
pub(super) fn uses(program: &Program, rules: &RuleSet) -> BTreeSet<Vertex> {
    let mut found = BTreeSet::new();
    for branch in rules.bodies.iter().chain(&rules.default).flat_map(|body| &body.branches) {
        block_uses(program, &branch.block, &mut found);
    }
    found
}

fn block_uses(program: &Program, block: &Block, found: &mut BTreeSet<Vertex>) {
    let callee = |callee: &Callee, found: &mut BTreeSet<Vertex>| {
        if let Callee::Rule(rule) = callee {
            found.insert(*rule as Vertex);
        }
    };
    budget::work(block.stmts.len());
    for (stmt, _) in &block.stmts {
        match stmt {
            Stmt::Walk { base: Base::Rule(rule), .. } => {
                found.insert(*rule as Vertex);
            }
            Stmt::Walk { base: Base::Node(node), path, .. } => below(program, *node as usize, path, found),
            Stmt::Call { callee: called, .. } => callee(called, found),
            Stmt::Not(block) | Stmt::Every { block, .. } | Stmt::Comprehend { block, .. } => {
                block_uses(program, block, found);
            }
            Stmt::Any(blocks) => blocks.iter().for_each(|block| block_uses(program, block, found)),
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

/// The document of a rule, unless it is a function, which is no document.
fn document(program: &Program, rule: RuleId) -> Option<Vertex> {
    let rules = program.rules.get(rule as usize)?;
    (!matches!(rules.kind, Kind::Function(_))).then_some(rule as Vertex)
}

/// What is right below a node.
pub(super) fn parts(program: &Program, node: usize) -> BTreeSet<Vertex> {
    let Some(node) = program.nodes.get(node) else { return BTreeSet::new() };
    match node.rule {
        Some(rule) => document(program, rule).into_iter().collect(),
        None => node.children.values().map(|child| program.rules.len() + *child as usize).collect(),
    }
}

/// Every document that a path from a node may lead to.
fn below(program: &Program, at: usize, path: &[Step], found: &mut BTreeSet<Vertex>) {
    budget::work(1);
    let Some(node) = program.nodes.get(at) else { return };
    if let Some(rule) = node.rule {
        found.extend(document(program, rule));
        return;
    }
    match path.split_first() {
        Some((Step::Key(Operand::Const(key)), rest)) => {
            if let Some(child) = key.as_str().and_then(|name| node.children.get(name)) {
                below(program, *child as usize, rest, found);
            }
        }
        Some((_, rest)) if rest.iter().any(|step| matches!(step, Step::Key(Operand::Const(_)))) => {
            node.children.values().for_each(|child| below(program, *child as usize, rest, found));
        }
        // Nothing that follows rules anything out.
        _ => _ = found.insert(program.rules.len() + at),
    }
}
