//! Which rules can come to something unknown. The others are evaluated as always.

use std::collections::HashMap;

use crate::plan::ir::{Base, Block, Builtin, Callee, NodeId, Operand, Program, RuleId, Step, Stmt, Target};
use crate::value::Value;

/// What is unknown, and which rules can come to it.
#[derive(Debug)]
pub(super) struct Reach<'e> {
    program: &'e Program,
    /// Paths below `input`.
    input: Vec<Vec<Value>>,
    /// Paths below `data`.
    data: Vec<Vec<Value>>,
    /// Whether built-ins are called whose arguments do not determine their result.
    nondeterministic: bool,
    rules: HashMap<RuleId, bool>,
}

impl<'e> Reach<'e> {
    pub(super) fn new(
        program: &'e Program,
        (input, data): (Vec<Vec<Value>>, Vec<Vec<Value>>),
        nondeterministic: bool,
    ) -> Self {
        Self { program, input, data, nondeterministic, rules: HashMap::new() }
    }

    /// Whether built-ins are called whose arguments do not determine their result.
    pub(super) const fn calls_nondeterministic(&self) -> bool {
        self.nondeterministic
    }

    /// Whether a document below `data` is unknown as a whole.
    pub(super) fn is_unknown(&self, path: &[Value]) -> bool {
        self.data.iter().any(|unknown| path.starts_with(unknown))
    }

    /// Whether a part of a document below `data` is unknown.
    pub(super) fn has_unknown(&self, path: &[Value]) -> bool {
        self.data.iter().any(|unknown| touches(unknown, path))
    }

    /// Whether a rule can come to something unknown.
    pub(super) fn rule(&mut self, id: RuleId) -> bool {
        if let Some(known) = self.rules.get(&id) {
            return *known;
        }
        // Rules are never recursive: what is entered here is replaced before it is asked for.
        self.rules.insert(id, false);
        let program = self.program;
        let Some(rules) = program.rules.get(id as usize) else { return false };
        let path: Vec<Value> = rules.path.iter().map(|part| Value::from(&**part)).collect();
        let found = self.has_unknown(&path)
            || rules
                .bodies
                .iter()
                .chain(&rules.default)
                .flat_map(|body| &body.branches)
                .any(|branch| self.block(&branch.block));
        self.rules.insert(id, found);
        found
    }

    /// Whether anything below a node can come to something unknown.
    pub(super) fn node(&mut self, id: NodeId) -> bool {
        let program = self.program;
        let Some(node) = program.nodes.get(id as usize) else { return false };
        let path: Vec<Value> = node.path.iter().map(|part| Value::from(&**part)).collect();
        self.has_unknown(&path)
            || node.rule.is_some_and(|rule| self.rule(rule))
            || node.children.values().any(|child| self.node(*child))
    }

    fn block(&mut self, block: &Block) -> bool {
        block.stmts.iter().any(|(stmt, _)| self.stmt(stmt))
    }

    fn stmt(&mut self, stmt: &Stmt) -> bool {
        match stmt {
            Stmt::Match(..) | Stmt::Compare(..) | Stmt::Check(_) => false,
            Stmt::Walk { base, path, .. } => self.walk(base, path),
            Stmt::Call { callee, .. } => self.callee(callee),
            Stmt::Not(block) | Stmt::Every { block, .. } | Stmt::Comprehend { block, .. } => {
                self.block(block)
            }
            Stmt::Any(blocks) => blocks.iter().any(|block| self.block(block)),
            Stmt::With { changes, block } => {
                let mocked = changes.iter().any(|(target, _)| match target {
                    Target::Function(_, Some(other)) => self.callee(other),
                    _ => false,
                });
                mocked || self.block(block)
            }
        }
    }

    fn callee(&mut self, callee: &Callee) -> bool {
        match callee {
            Callee::Rule(rule) => self.rule(*rule),
            Callee::Builtin(Builtin { nondeterministic, .. }) => *nondeterministic && !self.nondeterministic,
        }
    }

    fn walk(&mut self, base: &Base, path: &[Step]) -> bool {
        match base {
            Base::Input => {
                let path = constant(path);
                self.input.iter().any(|unknown| touches(unknown, &path))
            }
            Base::Data(keys) => {
                let path: Vec<Value> = keys.iter().cloned().chain(constant(path)).collect();
                self.has_unknown(&path)
            }
            Base::Operand(_) => false,
            Base::Rule(rule) => self.rule(*rule),
            Base::Node(node) => self.walk_node(*node, path),
        }
    }

    fn walk_node(&mut self, mut id: NodeId, path: &[Step]) -> bool {
        let program = self.program;
        for key in constant(path) {
            let Some(node) = program.nodes.get(id as usize) else { return false };
            if let Some(rule) = node.rule {
                return self.rule(rule);
            }
            match key.as_str().and_then(|name| node.children.get(name)) {
                Some(child) => id = *child,
                // A base document beside the rules.
                None => {
                    let mut whole: Vec<Value> = node.path.iter().map(|part| Value::from(&**part)).collect();
                    whole.push(key);
                    return self.has_unknown(&whole);
                }
            }
        }
        self.node(id)
    }
}

/// Whether one path leads to something at, above or below another.
fn touches(a: &[Value], b: &[Value]) -> bool {
    a.iter().zip(b).all(|(a, b)| a == b)
}

/// A path as far as it is constant.
fn constant(path: &[Step]) -> Vec<Value> {
    let key = |step: &Step| match step {
        Step::Key(Operand::Const(key)) => Some(key.clone()),
        _ => None,
    };
    path.iter().map_while(key).collect()
}
