//! The order in which rules are checked: what a rule refers to first, as far as there are no circles.

use std::collections::HashMap;

use super::flat::Rule;
use crate::value::Value;

#[derive(Default)]
struct Node {
    rules: Vec<usize>,
    children: HashMap<Value, usize>,
}

#[derive(Clone, Copy)]
enum Step {
    Rule(usize),
    /// The rules at a node.
    At(usize),
    /// All rules at and below a node.
    Below(usize),
    /// The rule's uses have been seen to.
    Done(usize),
}

/// The numbers of the rules, in order.
pub(super) fn sorted(rules: &[Rule]) -> Vec<usize> {
    let mut nodes = vec![Node::default()];
    for (number, rule) in rules.iter().enumerate() {
        let mut at = 0;
        for key in &rule.path {
            let next = nodes.len();
            let Some(node) = nodes.get_mut(at) else { break };
            at = *node.children.entry(key.clone()).or_insert(next);
            if at == next {
                nodes.push(Node::default());
            }
        }
        if let Some(node) = nodes.get_mut(at) {
            node.rules.push(number);
        }
    }
    let (mut seen_rules, mut seen_below) = (vec![false; rules.len()], vec![false; nodes.len()]);
    let mut seen_at = seen_below.clone();
    let mut order = Vec::with_capacity(rules.len());
    for start in 0..rules.len() {
        // An own stack rather than recursion: rows of rules may be long.
        let mut stack = vec![Step::Rule(start)];
        while let Some(step) = stack.pop() {
            match step {
                Step::Done(rule) => order.push(rule),
                Step::Rule(rule) => {
                    let Some(seen @ false) = seen_rules.get_mut(rule) else { continue };
                    *seen = true;
                    stack.push(Step::Done(rule));
                    for path in rules.get(rule).into_iter().flat_map(|rule| &rule.uses) {
                        used(&nodes, path, &mut stack);
                    }
                }
                Step::At(at) => {
                    let (Some(seen @ false), Some(node)) = (seen_at.get_mut(at), nodes.get(at)) else {
                        continue;
                    };
                    *seen = true;
                    stack.extend(node.rules.iter().map(|rule| Step::Rule(*rule)));
                }
                Step::Below(at) => {
                    let (Some(seen @ false), Some(node)) = (seen_below.get_mut(at), nodes.get(at)) else {
                        continue;
                    };
                    *seen = true;
                    stack.push(Step::At(at));
                    stack.extend(node.children.values().map(|child| Step::Below(*child)));
                }
            }
        }
    }
    order
}

/// What a path leads to or through.
fn used(nodes: &[Node], path: &[Value], stack: &mut Vec<Step>) {
    let mut at = 0;
    for key in path {
        let Some(child) = nodes.get(at).and_then(|node| node.children.get(key)) else { return };
        at = *child;
        stack.push(Step::At(at));
    }
    stack.push(Step::Below(at));
}
