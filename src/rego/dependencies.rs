//! Which rule needs which: what the engine must not be left to find out while it evaluates.
//!
//! The engine accepts a function that calls itself and overflows the stack on the first call; it goes down a chain of
//! rules by recursion. So the graph of rules and functions is walked at load: a cycle is refused, and so is a chain
//! that would need more stack than an evaluation has.

use std::collections::{BTreeMap, BTreeSet};

use regorus::unstable::{BUILTINS, Expr, Literal, LiteralStmt, Module, Query, Ref, Rule, RuleHead, Span};

use super::builtins;
use super::catalog::{Catalog, Path, root_span, static_path};
use super::diagnostic::Diagnostic;
use crate::model::failure::Location;

/// Levels of one expression, counted down its operands and brackets.
const MAX_EXPRESSION_DEPTH: usize = 1_000;
/// What one chain of rules may cost: each rule [`RULE_COST`], and one for each level of its deepest expression. A unit
/// takes less than [`STACK_PER_COST`].
const MAX_CHAIN_COST: usize = 15_000;
const RULE_COST: usize = 8;
const STACK_PER_COST: usize = 4 << 10;
/// What an evaluation takes besides: built-ins, serialisation.
const STACK_BASE: usize = 512 << 10;

/// Checks every rule of every module.
///
/// # Errors
/// Every unknown function and every expression that is too deep, else every cycle, else every chain that is too long.
pub(super) fn check(modules: &[Ref<Module>], catalog: &Catalog) -> Result<Checked, Vec<Diagnostic>> {
    let mut graph = Graph::new(catalog);
    let mut calls = CallSites::new();
    let mut diagnostics = Vec::new();
    for module in modules {
        let package = static_path(&module.package.refr).path;
        let imports = imports(module);
        for rule in &module.policy {
            let mut visitor = Visitor::new(catalog, &package, &imports);
            visitor.rule(rule);
            visitor.report_unsafe();
            diagnostics.append(&mut visitor.found.diagnostics);
            calls.append(&mut visitor.found.calls);
            let mut path = package.clone();
            path.extend(static_path(head_reference(rule)).path);
            graph.add(&path, rule.span(), visitor.found);
        }
    }
    if !diagnostics.is_empty() {
        return Err(diagnostics);
    }
    // A package is evaluated by one rule more, the one that gathers it.
    let stack = graph.check().map(|cost| STACK_BASE + (cost + RULE_COST) * STACK_PER_COST)?;
    Ok(Checked { calls, stack })
}

/// What is known of modules that have been checked.
pub(super) struct Checked {
    pub(super) calls: CallSites,
    /// The stack that any evaluation may need, in bytes.
    pub(super) stack: usize,
}

/// The places that the engine may name when a call fails (the call's bracket, a parameter), each to where the call
/// starts, which is the place that OPA names.
pub(super) type CallSites = BTreeMap<Location, Location>;

fn place(span: &Span) -> Location {
    Location { file: span.source.file().clone(), row: span.line, col: span.col }
}

fn head_reference(rule: &Rule) -> &Ref<Expr> {
    match rule {
        Rule::Spec {
            head: RuleHead::Compr { refr, .. } | RuleHead::Set { refr, .. } | RuleHead::Func { refr, .. },
            ..
        }
        | Rule::Default { refr, .. } => refr,
    }
}

/// Alias to path below `data`, or `None` for what is imported from `input` and the like.
fn imports(module: &Module) -> BTreeMap<String, Option<Path>> {
    let mut aliases = BTreeMap::new();
    for import in &module.imports {
        let path = static_path(&import.refr).path;
        if let (Some((root, below)), Some(last)) = (path.split_first(), path.last()) {
            let alias = import.r#as.as_ref().map_or(last.as_str(), Span::text);
            aliases.insert(alias.to_owned(), (root == "data").then(|| below.to_vec()));
        }
    }
    aliases
}

/// What one rule uses.
#[derive(Default)]
struct Found {
    /// Paths below `data` that it reads or calls.
    uses: BTreeSet<Path>,
    depth: usize,
    calls: CallSites,
    diagnostics: Vec<Diagnostic>,
}

struct Visitor<'a> {
    catalog: &'a Catalog,
    package: &'a [String],
    imports: &'a BTreeMap<String, Option<Path>>,
    /// Names that the rule declares anywhere: they may stand for a local, so they are not taken for rules.
    locals: BTreeSet<String>,
    /// Names that stand where a value may be bound to them: in an index, a unification, an output argument.
    bindable: BTreeSet<String>,
    /// Names that are neither declared nor known, with the place of the first.
    unknown: BTreeMap<String, Span>,
    found: Found,
}

impl<'a> Visitor<'a> {
    fn new(catalog: &'a Catalog, package: &'a [String], imports: &'a BTreeMap<String, Option<Path>>) -> Self {
        let (locals, bindable, unknown) = (BTreeSet::new(), BTreeSet::new(), BTreeMap::new());
        Self { catalog, package, imports, locals, bindable, unknown, found: Found::default() }
    }

    /// A name that nothing in the rule could ever bind is unsafe. (One that something might bind, but does not in time,
    /// is left to the engine, which makes it an error of the evaluation.)
    fn report_unsafe(&mut self) {
        for (name, span) in std::mem::take(&mut self.unknown) {
            if !self.locals.contains(&name) && !self.bindable.contains(&name) {
                let diagnostic =
                    Diagnostic::at("rego_unsafe_var_error", &span, format!("var {name} is unsafe"));
                self.found.diagnostics.push(diagnostic);
            }
        }
    }

    fn rule(&mut self, rule: &Rule) {
        match rule {
            Rule::Spec { head, bodies, .. } => {
                let (refr, args, key, value) = match head {
                    RuleHead::Compr { refr, assign, .. } => (refr, &[][..], None, assign.as_ref()),
                    RuleHead::Set { refr, key, .. } => (refr, &[][..], key.as_ref(), None),
                    RuleHead::Func { refr, args, assign, .. } => {
                        (refr, args.as_slice(), None, assign.as_ref())
                    }
                };
                for argument in args {
                    self.declare(argument);
                }
                for body in bodies {
                    self.declare_in(&body.query);
                }
                self.indices(refr, 0);
                for expression in args.iter().chain(key).chain(value.map(|assign| &assign.value)) {
                    self.expression(expression, 0);
                }
                for body in bodies {
                    if let Some(assign) = &body.assign {
                        self.expression(&assign.value, 0);
                    }
                    self.query(&body.query, 0);
                }
            }
            Rule::Default { args, value, .. } => {
                for expression in args.iter().chain([value]) {
                    self.expression(expression, 0);
                }
            }
        }
    }

    /// Takes every name in a pattern for a local.
    fn declare(&mut self, pattern: &Expr) {
        match pattern {
            Expr::Var { span, .. } => {
                self.locals.insert(span.text().to_owned());
            }
            Expr::Array { items, .. } | Expr::Set { items, .. } => {
                items.iter().for_each(|item| self.declare(item))
            }
            Expr::Object { fields, .. } => fields.iter().for_each(|(_, _, value)| self.declare(value)),
            _ => {}
        }
    }

    fn declare_in(&mut self, query: &Query) {
        for statement in &query.stmts {
            match &statement.literal {
                Literal::SomeVars { vars, .. } => {
                    self.locals.extend(vars.iter().map(|name| name.text().to_owned()))
                }
                Literal::SomeIn { key, value, .. } => {
                    key.iter().chain([value]).for_each(|name| self.declare(name))
                }
                Literal::Every { key, value, query, .. } => {
                    self.locals.extend(key.iter().chain([value]).map(|name| name.text().to_owned()));
                    self.declare_in(query);
                }
                Literal::Expr { expr, .. } | Literal::NotExpr { expr, .. } => {
                    if let Expr::AssignExpr { op: regorus::unstable::AssignOp::ColEq, lhs, .. } =
                        expr.as_ref()
                    {
                        self.declare(lhs);
                    }
                }
            }
        }
    }

    fn query(&mut self, query: &Query, depth: usize) {
        // A comprehension's own names come into view here.
        self.declare_in(query);
        for statement in &query.stmts {
            self.statement(statement, depth);
        }
    }

    fn statement(&mut self, statement: &LiteralStmt, depth: usize) {
        match &statement.literal {
            Literal::SomeVars { .. } => {}
            Literal::SomeIn { key, value, collection, .. } => {
                key.iter().chain([value, collection]).for_each(|expr| self.expression(expr, depth));
            }
            Literal::Expr { expr, .. } | Literal::NotExpr { expr, .. } => self.expression(expr, depth),
            Literal::Every { domain, query, .. } => {
                self.expression(domain, depth);
                self.query(query, depth + 1);
            }
        }
        for modifier in &statement.with_mods {
            self.expression(&modifier.r#as, depth);
        }
    }

    fn expression(&mut self, expression: &Ref<Expr>, depth: usize) {
        self.found.depth = self.found.depth.max(depth);
        if depth > MAX_EXPRESSION_DEPTH {
            if self.found.diagnostics.is_empty() {
                let message = format!("the expression is more than {MAX_EXPRESSION_DEPTH} levels deep");
                self.found.diagnostics.push(Diagnostic::at("rego_compile_error", expression.span(), message));
            }
            return;
        }
        let below = depth + 1;
        match expression.as_ref() {
            Expr::String { .. }
            | Expr::RawString { .. }
            | Expr::Number { .. }
            | Expr::Bool { .. }
            | Expr::Null { .. } => {}
            Expr::Var { .. } | Expr::RefDot { .. } | Expr::RefBrack { .. } => {
                match self.document(expression) {
                    Reference::Document(path) => {
                        self.found.uses.insert(path);
                    }
                    Reference::Unknown(name) => {
                        self.unknown.entry(name).or_insert_with(|| root_span(expression).clone());
                    }
                    Reference::Other => {}
                }
                self.indices(expression, below);
            }
            Expr::Call { fcn, params, span, .. } => {
                self.call(fcn);
                let spans = params.iter().map(|parameter| parameter.span()).chain([span]);
                self.found.calls.extend(spans.map(|span| (place(span), place(root_span(fcn)))));
                if let Some(output) = params.last() {
                    names_in(output, &mut self.bindable);
                }
                params.iter().for_each(|parameter| self.expression(parameter, below));
            }
            Expr::Array { items, .. } | Expr::Set { items, .. } => {
                items.iter().for_each(|item| self.expression(item, below))
            }
            Expr::Object { fields, .. } => {
                for (_, key, value) in fields {
                    self.expression(key, below);
                    self.expression(value, below);
                }
            }
            Expr::ArrayCompr { term, query, .. } | Expr::SetCompr { term, query, .. } => {
                self.query(query, below);
                self.expression(term, below);
            }
            Expr::ObjectCompr { key, value, query, .. } => {
                self.query(query, below);
                self.expression(key, below);
                self.expression(value, below);
            }
            Expr::UnaryExpr { expr, .. } => self.expression(expr, below),
            Expr::AssignExpr { lhs, rhs, .. } => {
                for side in [lhs, rhs] {
                    names_in(side, &mut self.bindable);
                    self.expression(side, below);
                }
            }
            Expr::BinExpr { lhs, rhs, .. }
            | Expr::BoolExpr { lhs, rhs, .. }
            | Expr::ArithExpr { lhs, rhs, .. } => {
                self.expression(lhs, below);
                self.expression(rhs, below);
            }
            Expr::Membership { key, value, collection, .. } => {
                key.iter().chain([value, collection]).for_each(|part| self.expression(part, below));
            }
        }
    }

    /// The expressions in the brackets of a reference, and what stands at its root when that is no name.
    fn indices(&mut self, reference: &Ref<Expr>, depth: usize) {
        let mut here = reference;
        loop {
            match here.as_ref() {
                Expr::RefDot { refr, .. } => here = refr,
                Expr::RefBrack { refr, index, .. } => {
                    names_in(index, &mut self.bindable);
                    self.expression(index, depth);
                    here = refr;
                }
                Expr::Var { .. } => return,
                _ => return self.expression(here, depth),
            }
        }
    }

    fn document(&self, reference: &Ref<Expr>) -> Reference {
        let path = static_path(reference).path;
        let Some((root, rest)) = path.split_first() else { return Reference::Other };
        match root.as_str() {
            "data" => Reference::Document(rest.to_vec()),
            "input" | "_" => Reference::Other,
            local if self.locals.contains(local) => Reference::Other,
            name => match self.named(name, rest) {
                Some(path) => Reference::Document(path),
                // What an import names may be a document in data.
                None if self.imports.contains_key(name) => Reference::Other,
                None => Reference::Unknown(name.to_owned()),
            },
        }
    }

    fn named(&self, name: &str, rest: &[String]) -> Option<Path> {
        let start = match self.imports.get(name) {
            Some(imported) => imported.clone()?,
            None => [self.package, &[name.to_owned()]].concat(),
        };
        let path = [start.as_slice(), rest].concat();
        let known = self.catalog.contains_below(&path) || self.catalog.longest_prefix(&path).is_some();
        known.then_some(path)
    }

    fn call(&mut self, function: &Ref<Expr>) {
        let path = static_path(function).path;
        let Some((root, rest)) = path.split_first() else { return };
        let declared = if root == "data" { Some(rest.to_vec()) } else { self.named(root, rest) };
        if let Some(declared) = declared.filter(|path| self.catalog.documents.contains_key(path)) {
            self.found.uses.insert(declared);
            return;
        }
        let name = path.join(".");
        if !BUILTINS.contains_key(name.as_str()) && !builtins::is_extra(&name) {
            let diagnostic =
                Diagnostic::at("rego_type_error", root_span(function), format!("undefined function {name}"));
            self.found.diagnostics.push(diagnostic);
        }
    }
}

/// What a reference starts with.
enum Reference {
    /// A path below `data`.
    Document(Path),
    /// A local, `input`, or an import that names no rule.
    Other,
    /// A name that is nothing here, unless the rule binds it.
    Unknown(String),
}

/// Collects every name that a pattern has.
fn names_in(pattern: &Expr, names: &mut BTreeSet<String>) {
    match pattern {
        Expr::Var { span, .. } => {
            names.insert(span.text().to_owned());
        }
        Expr::Array { items, .. } | Expr::Set { items, .. } => {
            items.iter().for_each(|item| names_in(item, names))
        }
        Expr::Object { fields, .. } => fields.iter().for_each(|(_, key, value)| {
            names_in(key, names);
            names_in(value, names);
        }),
        _ => {}
    }
}

/// A node for every declared path; its rules' uses together.
struct Graph<'a> {
    catalog: &'a Catalog,
    numbers: BTreeMap<&'a Path, usize>,
    nodes: Vec<Node>,
}

#[derive(Default)]
struct Node {
    name: String,
    span: Option<Span>,
    uses: BTreeSet<Path>,
    cost: usize,
}

impl<'a> Graph<'a> {
    fn new(catalog: &'a Catalog) -> Self {
        let numbers: BTreeMap<_, _> =
            catalog.documents.keys().enumerate().map(|(number, path)| (path, number)).collect();
        let nodes = numbers
            .keys()
            .map(|path| Node { name: format!("data.{}", path.join(".")), ..Node::default() })
            .collect();
        Self { catalog, numbers, nodes }
    }

    fn add(&mut self, path: &Path, span: &Span, found: Found) {
        let Some(node) = self.numbers.get(path).and_then(|number| self.nodes.get_mut(*number)) else {
            return;
        };
        node.span.get_or_insert_with(|| span.clone());
        node.cost = node.cost.max(RULE_COST + found.depth);
        node.uses.extend(found.uses);
    }

    /// The nodes behind a node's uses: the document that a path leads into, or all documents that it contains.
    fn edges(&self, node: &Node) -> BTreeSet<usize> {
        let mut edges = BTreeSet::new();
        for path in &node.uses {
            if let Some((length, _)) = self.catalog.longest_prefix(path) {
                edges.extend(path.get(..length).and_then(|prefix| self.numbers.get(&prefix.to_vec())));
            }
            edges.extend(self.catalog.below(path).filter_map(|(below, _)| self.numbers.get(below)));
        }
        edges
    }

    /// Depth first, without recursion of its own: finds cycles, and the cost of the dearest chain from every node.
    fn check(&self) -> Result<usize, Vec<Diagnostic>> {
        let edges: Vec<Vec<usize>> =
            self.nodes.iter().map(|node| self.edges(node).into_iter().collect()).collect();
        let mut state = vec![State::New; self.nodes.len()];
        let mut diagnostics = Vec::new();
        for start in 0..self.nodes.len() {
            let mut stack: Vec<(usize, usize)> = Vec::new();
            if matches!(state.get(start), Some(State::New)) {
                enter(start, &mut stack, &mut state);
            }
            while let Some((number, next)) = stack.last_mut() {
                let (number, position) = (*number, *next);
                *next += 1;
                let Some(target) = edges.get(number).and_then(|targets| targets.get(position)).copied()
                else {
                    stack.pop();
                    let cost = self.chain_cost(number, &edges, &state);
                    if cost > MAX_CHAIN_COST && diagnostics.is_empty() {
                        diagnostics.extend(self.diagnostic(
                            number,
                            "rego_compile_error",
                            "the chain of rules below is too long to be evaluated".to_owned(),
                        ));
                    }
                    if let Some(slot) = state.get_mut(number) {
                        *slot = State::Done(cost);
                    }
                    continue;
                };
                match state.get(target) {
                    Some(State::New) => enter(target, &mut stack, &mut state),
                    Some(State::Open) => diagnostics.extend(self.cycle(target, &stack)),
                    _ => {}
                }
            }
        }
        let dearest = state.iter().map(|state| if let State::Done(cost) = state { *cost } else { 0 }).max();
        if diagnostics.is_empty() { Ok(dearest.unwrap_or(0)) } else { Err(diagnostics) }
    }

    fn chain_cost(&self, number: usize, edges: &[Vec<usize>], state: &[State]) -> usize {
        let below = edges.get(number).into_iter().flatten().filter_map(|target| match state.get(*target) {
            Some(State::Done(cost)) => Some(*cost),
            _ => None,
        });
        self.nodes.get(number).map_or(0, |node| node.cost) + below.max().unwrap_or(0)
    }

    fn cycle(&self, target: usize, stack: &[(usize, usize)]) -> Option<Diagnostic> {
        let on_cycle = stack.iter().skip_while(|(number, _)| *number != target).map(|(number, _)| *number);
        let names: Vec<&str> =
            on_cycle.chain([target]).filter_map(|n| self.nodes.get(n)).map(|n| n.name.as_str()).collect();
        let name = names.first().copied().unwrap_or_default();
        self.diagnostic(
            target,
            "rego_recursion_error",
            format!("rule {name} is recursive: {}", names.join(" -> ")),
        )
    }

    fn diagnostic(&self, number: usize, code: &'static str, message: String) -> Option<Diagnostic> {
        let node = self.nodes.get(number)?;
        Some(match &node.span {
            Some(span) => Diagnostic::at(code, span, message),
            None => Diagnostic::new(code, format!("{}: {message}", node.name)),
        })
    }
}

#[derive(Clone)]
enum State {
    New,
    Open,
    Done(usize),
}

fn enter(number: usize, stack: &mut Vec<(usize, usize)>, state: &mut [State]) {
    if let Some(slot) = state.get_mut(number) {
        *slot = State::Open;
        stack.push((number, 0));
    }
}
