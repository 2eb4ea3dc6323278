//! What the machine runs: rules as blocks of small statements over numbered slots, in an order in which every slot is
//! written before it is read.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use crate::builtins::context::{Context, Function, Prepare, Prepared};
use crate::builtins::error::Error;
use crate::syntax::source::Span;
use crate::value::Value;

/// A local of a rule.
pub type Slot = u32;
/// A place in [`Program::rules`].
pub type RuleId = u32;
/// A place in [`Program::nodes`].
pub type NodeId = u32;

/// Everything that can be evaluated. Immutable.
#[derive(Debug, Default)]
pub struct Program {
    /// All documents and functions that are defined by rules.
    pub rules: Vec<RuleSet>,
    /// The tree of packages and rules; the first is `data`.
    pub nodes: Vec<Node>,
    /// Names of the files that locations speak of.
    pub files: Vec<Arc<str>>,
    /// How many levels the deepest evaluation goes down.
    pub levels: usize,
    /// Which rule goes deepest.
    pub deepest: Option<Place>,
    /// How many rules and functions are within each other where each rule set is evaluated, by [`RuleId`].
    pub calls: Vec<usize>,
    /// What may wait for others when it is evaluated: rule sets, and behind them the nodes that these are below.
    pub blocking: BTreeSet<usize>,
    /// Whether any rule brings labels.
    pub has_labels: bool,
    /// Where built-ins are called that may wait for others.
    pub blocking_calls: Vec<(&'static str, Place)>,
}

/// A place in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Place {
    /// In [`Program::files`].
    pub file: u32,
    /// Where in it.
    pub span: Span,
}

/// A node of the tree of documents that rules define.
#[derive(Debug, Default)]
pub struct Node {
    /// From `data`, which is left out.
    pub path: Vec<Arc<str>>,
    /// Its parts.
    pub children: BTreeMap<Arc<str>, NodeId>,
    /// The document here; then there are no children.
    pub rule: Option<RuleId>,
}

/// All that defines one document or function.
#[derive(Debug)]
pub struct RuleSet {
    /// From `data`, which is left out.
    pub path: Vec<Arc<str>>,
    /// What it defines.
    pub kind: Kind,
    /// How; in the order of the source.
    pub bodies: Vec<RuleBody>,
    /// What it is when no body holds.
    pub default: Option<RuleBody>,
    /// Whether every body gives the same constant, so that the first that holds decides.
    pub decided_by_first: bool,
    /// Finds the bodies that can hold.
    pub index: Option<Index>,
}

/// What a rule set defines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// One value.
    Complete,
    /// A set or an object, gathered from all bodies.
    Partial {
        /// Whether it is a set.
        set: bool,
    },
    /// A function of so many arguments.
    Function(usize),
}

/// The bodies of a rule set, by what they want of one part of the input.
#[derive(Debug)]
pub struct Index {
    /// The part of the input.
    pub(super) path: Vec<Value>,
    /// What it has to be, to the bodies that want it so, in their order.
    pub(super) by_value: HashMap<Value, Vec<u32>>,
    /// Those that do not look at it in this way, in their order.
    pub(super) rest: Vec<u32>,
}

/// One way in which a rule can hold.
#[derive(Debug)]
pub struct RuleBody {
    /// Where its head is.
    pub place: Place,
    /// The line that it begins on, from 1.
    pub row: u32,
    /// How many slots it needs.
    pub slots: u32,
    /// What the source calls them; empty unless [`super::compile::Options::debug`] asks for it.
    pub names: Vec<(Arc<str>, Slot)>,
    /// What the arguments have to look like.
    pub args: Vec<Pattern>,
    /// Keys below the path of the rule set.
    pub tail: Vec<Operand>,
    /// Whether the value is an element of a set at the end of the tail.
    pub contains: bool,
    /// Conditions with the value that they give; the first that holds ends the row.
    pub branches: Vec<Branch>,
}

/// A body with its value; all but the first of a row come from `else`.
#[derive(Debug)]
pub struct Branch {
    /// Where it is.
    pub place: Place,
    /// Its conditions.
    pub block: Block,
    /// What it gives.
    pub value: Operand,
    /// What its annotations say of every decision in which it holds.
    pub labels: Option<Value>,
}

/// Statements that run one after the other; those that have several results run what follows for each.
#[derive(Debug, Clone, Default)]
pub struct Block {
    /// In a safe order.
    pub stmts: Vec<(Stmt, Place)>,
}

/// One step of an evaluation.
#[derive(Debug, Clone)]
pub enum Stmt {
    /// Goes on when the value fits the pattern.
    Match(Operand, Pattern),
    /// Goes on when the comparison holds.
    Compare(Comparison, Operand, Operand),
    /// Goes on when the value is not false.
    Check(Operand),
    /// Follows a path, for each part that fits a pattern.
    Walk {
        /// From where.
        base: Base,
        /// Along what.
        path: Vec<Step>,
        /// What becomes of it.
        out: Out,
    },
    /// Calls a function.
    Call {
        /// Which.
        callee: Callee,
        /// With what.
        args: Vec<Operand>,
        /// What becomes of its value.
        out: Out,
    },
    /// Goes on when the block never holds.
    Not(Block),
    /// Goes on, once, when one of the blocks holds; those after it do not run.
    Any(Vec<Block>),
    /// Goes on when the block holds for every element.
    Every {
        /// What is gone through.
        domain: Operand,
        /// The key of each.
        key: Pattern,
        /// The value of each.
        value: Pattern,
        /// What has to hold.
        block: Block,
    },
    /// Gathers a value from each way in which the block holds.
    Comprehend {
        /// An array, set or object.
        kind: Comprehension,
        /// What has to hold.
        block: Block,
        /// The key, for an object.
        key: Option<Operand>,
        /// The value.
        value: Operand,
        /// What becomes of all of them.
        out: Out,
        /// How they are found for every value of what comes from outside, where that is worth it.
        groups: Option<Box<Groups>>,
    },
    /// Runs a block while other documents and functions stand where some are.
    With {
        /// What stands where.
        changes: Vec<(Target, Operand)>,
        /// What runs so.
        block: Block,
    },
}

/// A comprehension without the conditions that compare something in it with something from outside.
#[derive(Debug, Clone, Default)]
pub struct Groups {
    /// Those that look up parts of what comes from outside.
    pub before: Block,
    /// The rest of its conditions.
    pub block: Block,
    /// What is compared, in it.
    pub inner: Vec<Operand>,
    /// With what from outside, each.
    pub outer: Vec<Operand>,
}

/// What a comprehension makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comprehension {
    /// `[…]`
    Array,
    /// `{…}`
    Set,
    /// `{…: …}`
    Object,
}

/// Comparisons that have a statement of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterEqual,
}

/// A value that is known when the statement runs.
#[derive(Debug, Clone)]
pub enum Operand {
    /// A constant.
    Const(Value),
    /// What a slot holds.
    Slot(Slot),
    /// An array of operands.
    Array(Vec<Operand>),
    /// A set of operands.
    Set(Vec<Operand>),
    /// An object of operands.
    Object(Vec<(Operand, Operand)>),
}

/// What a value has to look like.
#[derive(Debug, Clone)]
pub enum Pattern {
    /// Anything.
    Any,
    /// Anything, which the slot holds from then on.
    Bind(Slot),
    /// This value.
    Is(Operand),
    /// An array of just so many elements.
    Array(Vec<Pattern>),
    /// An object of just these keys.
    Object(Vec<(Operand, Pattern)>),
}

/// What becomes of a result.
#[derive(Debug, Clone)]
pub enum Out {
    /// It must not be false.
    Truthy,
    /// It must fit.
    Fits(Pattern),
}

/// Where a path begins.
#[derive(Debug, Clone)]
pub enum Base {
    /// `input`
    Input,
    /// A value.
    Operand(Operand),
    /// A document that rules define.
    Rule(RuleId),
    /// A package, or what contains packages.
    Node(NodeId),
    /// A base document that no rule touches.
    Data(Vec<Value>),
}

/// One part of a path.
#[derive(Debug, Clone)]
pub enum Step {
    /// The part at a key.
    Key(Operand),
    /// Every part whose key fits.
    Each(Pattern),
}

/// What is called.
#[derive(Debug, Clone)]
pub enum Callee {
    /// A built-in.
    Builtin(Builtin),
    /// A function of the policy.
    Rule(RuleId),
}

/// What `print` is compiled to; takes the set of the values of each argument, and tells who watches.
pub const PRINT: &str = "internal.print";

/// A built-in that can be called.
#[derive(Clone)]
pub struct Builtin {
    /// Its name.
    pub name: &'static str,
    /// What runs.
    pub function: Function,
    /// What makes the constant operands of a call ready.
    pub prepare: Option<Prepare>,
    /// What runs instead in this call, whose constant operands are ready.
    pub prepared: Option<Prepared>,
    /// Whether it gives an array of results, of which each is one.
    pub relation: bool,
    /// Whether its arguments do not determine its result.
    pub nondeterministic: bool,
    /// Whether it may wait for others.
    pub blocking: bool,
}

impl Builtin {
    /// Calls it.
    ///
    /// # Errors
    /// Its own.
    pub fn call(&self, context: &mut Context, args: &[Value]) -> Result<Option<Value>, Error> {
        match &self.prepared {
            Some(prepared) => prepared(context, args),
            None => (self.function)(context, args),
        }
    }
}

impl std::fmt::Debug for Builtin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

/// What `with` puts something else in place of.
#[derive(Debug, Clone)]
pub enum Target {
    /// `input`, or a part of it.
    Input(Vec<Value>),
    /// A part of `data`.
    Data(Vec<Value>),
    /// A function, by a function or by a value.
    Function(Callee, Option<Callee>),
}
