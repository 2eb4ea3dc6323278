//! Compiles syntax trees to a program.

use std::collections::HashMap;
use std::sync::Arc;

use super::depth;
use super::finding::{Builtins, Finding};
use super::groups;
use super::ir::{Block, Branch, Index, Operand, Place, Program, RuleBody, RuleSet, Slot};
use super::lower::{Globals, Lowering};
use super::metadata::{Asker, Metadata};
use super::order::{Slots, order};
use super::parts::Parts;
use super::raw;
use super::reach;
use super::tree::{self, Group, Source};
use crate::budget;
use crate::syntax::ast::{self, HeadValue, RefPart};
use crate::value::Value;

/// What a program is compiled for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Options {
    /// For an author who watches: calls of `print` stay, and slots keep their names.
    pub debug: bool,
}

/// Compiles modules.
///
/// # Errors
/// Everything that was found, in order of places.
pub fn compile(modules: &[ast::Module], builtins: Builtins<'_>) -> Result<Program, Vec<Finding>> {
    compile_for(modules, builtins, Options::default())
}

/// Compiles modules with options.
///
/// # Errors
/// Everything that was found, in order of places.
pub fn compile_for(
    modules: &[ast::Module],
    builtins: Builtins<'_>,
    options: Options,
) -> Result<Program, Vec<Finding>> {
    let is_recursive = |findings: &[Finding]| findings.iter().any(|one| one.code == depth::RECURSION);
    match compile_as(modules, builtins, options, false) {
        Err(findings) if is_recursive(&findings) => compile_as(modules, builtins, options, true),
        compiled => compiled,
    }
}

/// Compiles modules; `in_parts`, references to objects mean those of their rules that they can ask for.
fn compile_as(
    modules: &[ast::Module],
    builtins: Builtins<'_>,
    options: Options,
    in_parts: bool,
) -> Result<Program, Vec<Finding>> {
    let mut findings = Vec::new();
    let (mut tree, groups) = tree::gather(modules, &mut findings);
    let parts = in_parts.then(|| Parts::of(&groups));
    let metadata = Metadata::new(modules);
    let mut globals = Vec::new();
    let packages = rule_names(modules);
    for (file, module) in modules.iter().enumerate() {
        let (imports, rules) = (imports_of(module), packages.get(module.package.path.as_slice()));
        globals.push(Globals {
            tree: &tree,
            parts: parts.as_ref(),
            imports,
            rules,
            builtins,
            metadata: &metadata,
            file: file as u32,
            debug: options.debug,
        });
    }
    let mut rules = Vec::new();
    for group in &groups {
        budget::work(64);
        rules.push(rule_set(modules, &globals, group, &mut findings));
    }
    // Parts may ask for further parts.
    let part = |rules: &Vec<RuleSet>| parts.as_ref()?.made(rules.len() - groups.len(), &groups);
    while let Some(group) = part(&rules) {
        budget::work(64);
        rules.push(rule_set(modules, &globals, &group, &mut findings));
    }
    drop(globals);
    let files = modules.iter().map(|module| Arc::clone(&module.source.name)).collect();
    let mut program = Program { rules, nodes: std::mem::take(&mut tree.nodes), files, ..Program::default() };
    depth::check(&mut program, &mut findings);
    reach::note(&mut program);
    program.has_labels = has_labels(&program);
    groups::find(&mut program);
    if findings.is_empty() {
        return Ok(program);
    }
    findings.sort_by_key(|finding| (finding.place.file, finding.place.span));
    findings.dedup();
    Err(findings)
}

fn has_labels(program: &Program) -> bool {
    let bodies = program.rules.iter().flat_map(|rules| rules.bodies.iter().chain(&rules.default));
    bodies.flat_map(|body| &body.branches).any(|branch| branch.labels.is_some())
}

/// The file that the places of a query speak of.
pub const QUERY: u32 = u32::MAX;

/// A query, ready to run: its conditions, and the variables that make up a result.
#[derive(Debug)]
pub struct Query {
    /// What it asks.
    pub block: Block,
    /// How many slots it needs.
    pub slots: u32,
    /// Its variables.
    pub vars: Vec<(Arc<str>, Slot)>,
}

/// Compiles a query over a compiled program.
///
/// # Errors
/// Everything that was found.
pub fn compile_query(
    program: &Program,
    body: &ast::Body,
    builtins: Builtins<'_>,
) -> Result<Query, Vec<Finding>> {
    compile_query_in(program, body, builtins, HashMap::new())
}

/// Names, and the documents that they stand for, with `data` or `input` as the first part.
pub type Names = HashMap<Arc<str>, Vec<Value>>;

/// Compiles a query in which names mean what they do in a module ([`names_of`]). Calls of `print` stay.
///
/// # Errors
/// Everything that was found.
pub fn compile_query_in(
    program: &Program,
    body: &ast::Body,
    builtins: Builtins<'_>,
    names: Names,
) -> Result<Query, Vec<Finding>> {
    let tree = tree::Tree::of(program);
    let (metadata, imports) = (&Metadata::new(&[]), names);
    let globals = Globals {
        tree: &tree,
        parts: None,
        imports,
        rules: None,
        builtins,
        metadata,
        file: QUERY,
        debug: true,
    };
    let mut lowering = Lowering::new(&globals);
    let mut stmts = Vec::new();
    lowering.body(body, &mut stmts);
    let mut vars: Vec<(Arc<str>, Slot)> = lowering.outer_names().filter(|(name, _)| &**name != "_").collect();
    vars.sort();
    let mut findings = std::mem::take(&mut lowering.findings);
    let mut bound = Slots::new();
    match order(&stmts, &mut bound, &Slots::new(), &lowering.names) {
        Ok(block) if findings.is_empty() => {
            vars.retain(|(_, slot)| bound.contains(slot));
            Ok(Query { block, slots: lowering.names.len() as u32, vars })
        }
        Ok(_) => Err(findings),
        Err(unsafe_) => {
            report(&unsafe_.slots, &lowering, &mut findings);
            Err(findings)
        }
    }
}

fn document(path: &[Arc<str>]) -> Vec<Value> {
    path.iter().map(|part| Value::String(Arc::clone(part))).collect()
}

/// The rules of each package, in whatever file they are.
fn rule_names(modules: &[ast::Module]) -> HashMap<&[Arc<str>], Names> {
    let mut packages: HashMap<&[Arc<str>], Names> = HashMap::new();
    for module in modules {
        let names = packages.entry(module.package.path.as_slice()).or_default();
        for rule in &module.rules {
            if let ast::TermKind::Var(name) = &rule.head.name.head.kind {
                names.entry(Arc::clone(name)).or_insert_with(|| {
                    let mut whole = vec![Value::from("data")];
                    whole.extend(document(&module.package.path));
                    whole.push(Value::String(Arc::clone(name)));
                    whole
                });
            }
        }
    }
    packages
}

/// What names mean in a module: its imports, and the rules of its package in whatever of the modules they are.
pub fn names_of(modules: &[ast::Module], module: &ast::Module) -> Names {
    let mut names = rule_names(modules).remove(module.package.path.as_slice()).unwrap_or_default();
    names.extend(imports_of(module));
    names
}

/// What a module imports.
fn imports_of(module: &ast::Module) -> Names {
    let known =
        |import: &&ast::Import| import.path.first().is_some_and(|root| !matches!(&**root, "future" | "rego"));
    let named = |import: &ast::Import| {
        let name = import.alias.as_ref().map(|alias| &alias.name).or(import.path.last())?;
        Some((Arc::clone(name), document(&import.path)))
    };
    module.imports.iter().filter(known).filter_map(named).collect()
}

fn rule_set(
    modules: &[ast::Module],
    globals: &[Globals<'_>],
    group: &Group<'_>,
    findings: &mut Vec<Finding>,
) -> RuleSet {
    let mut bodies = Vec::new();
    for source in &group.sources {
        let Some(globals) = globals.get(source.module) else { continue };
        let all = source.rule.body.iter().map(Some).chain(source.rule.chained.iter().map(Some));
        let all: Vec<Option<&ast::Body>> =
            if source.rule.body.is_none() { vec![None] } else { all.collect() };
        for (number, body) in all.into_iter().enumerate() {
            let Some(mut compiled) = rule_body(globals, source, (body, number == 0), findings) else {
                continue;
            };
            let begins = body.filter(|_| number > 0).map_or(source.rule.span.start, |body| body.span.start);
            compiled.row = modules.get(source.module).map_or(0, |module| module.source.line_of(begins));
            bodies.push(compiled);
        }
    }
    let default = group
        .default
        .as_ref()
        .and_then(|source| rule_body(globals.get(source.module)?, source, (None, true), findings));
    let decided_by_first = decided_by_first(&bodies);
    let index = Index::of(&bodies);
    RuleSet { path: group.path.clone(), kind: group.kind, bodies, default, decided_by_first, index }
}

/// Whether all bodies give one and the same constant.
fn decided_by_first(bodies: &[RuleBody]) -> bool {
    let mut values = bodies.iter().flat_map(|body| &body.branches).map(|branch| match &branch.value {
        Operand::Const(value) => Some(value),
        _ => None,
    });
    let first = values.next().flatten();
    first.is_some() && values.all(|value| value == first)
}

fn rule_body(
    globals: &Globals<'_>,
    source: &Source<'_>,
    (body, first): (Option<&ast::Body>, bool),
    findings: &mut Vec<Finding>,
) -> Option<RuleBody> {
    let rule = source.rule;
    let mut lowering = Lowering::new(globals);
    lowering.asker = Some(Asker { module: source.module, rule, own: first });
    let mut before = Vec::new();
    let args: Vec<raw::Term> =
        rule.head.args.iter().flatten().map(|arg| lowering.parameter(arg, &mut before)).collect();
    let contains = rule.head.element || matches!(rule.head.value, HeadValue::Contains(_));
    let tail: Vec<&ast::RefPart> = rule.head.name.parts.iter().skip(source.fixed).collect();
    let tail = if rule.head.element { Vec::new() } else { tail };
    let mut raws = vec![lowering.scoped(|lowering| {
        let mut stmts = before.clone();
        if let Some(body) = body {
            lowering.body(body, &mut stmts);
        }
        let mut keys: Vec<raw::Term> =
            source.below.iter().map(|key| raw::Term::Const(Value::String(Arc::clone(key)))).collect();
        keys.extend(tail.iter().map(|part| part_of_name(part, lowering, &mut stmts)));
        let value = match (&rule.head.value, rule.head.old_element()) {
            (HeadValue::Contains(term) | HeadValue::Value { value: term, .. }, _) => {
                lowering.term(term, &mut stmts)
            }
            (HeadValue::Implied, Some(element)) => part_of_name(element, lowering, &mut stmts),
            (HeadValue::Implied, None) => raw::Term::Const(Value::Bool(true)),
        };
        RawBranch { stmts, keys, value, span: rule.span, labels: lowering.labels() }
    })];
    for other in &rule.elses {
        lowering.fresh_body();
        lowering.asker = Some(Asker { module: source.module, rule, own: false });
        // Each has a copy of what the parameters need.
        budget::spend(before.len().saturating_mul(512));
        budget::work(before.len());
        raws.push(lowering.scoped(|lowering| {
            let mut stmts = before.clone();
            if let Some(body) = &other.body {
                lowering.body(body, &mut stmts);
            }
            let value = other.value.as_ref();
            let value = value
                .map_or(raw::Term::Const(Value::Bool(true)), |value| lowering.term(&value.value, &mut stmts));
            RawBranch { stmts, keys: Vec::new(), value, span: other.span, labels: lowering.labels() }
        }));
    }
    findings.append(&mut lowering.findings);
    finish(&lowering, args, raws, contains, lowering.place(rule.head.span), findings)
}

fn part_of_name(part: &RefPart, lowering: &mut Lowering<'_>, stmts: &mut Vec<raw::Stmt>) -> raw::Term {
    match part {
        RefPart::Dot(name) => raw::Term::Const(Value::String(Arc::clone(&name.name))),
        RefPart::Bracket(term) => lowering.term(term, stmts),
    }
}

/// A branch before its statements are put in order.
struct RawBranch {
    stmts: Vec<raw::Stmt>,
    keys: Vec<raw::Term>,
    value: raw::Term,
    span: crate::syntax::source::Span,
    labels: Option<Value>,
}

fn finish(
    lowering: &Lowering<'_>,
    args: Vec<raw::Term>,
    raws: Vec<RawBranch>,
    contains: bool,
    place: Place,
    findings: &mut Vec<Finding>,
) -> Option<RuleBody> {
    let mut scope = super::order::Scope { bound: &Slots::new(), new: Slots::new() };
    let args: Vec<_> = args.iter().filter_map(|arg| scope.pattern(arg)).collect();
    let from_args = scope.new;
    let (mut branches, mut tail) = (Vec::new(), Vec::new());
    for RawBranch { stmts, keys, value, span, labels } in raws {
        let mut bound = from_args.clone();
        let mut around = Slots::new();
        keys.iter().chain([&value]).for_each(|term| {
            term.vars(&mut |slot| {
                around.insert(slot);
            });
        });
        around.extend(&from_args);
        let place = lowering.place(span);
        let block = match order(&stmts, &mut bound, &around, &lowering.names) {
            Ok(block) => block,
            Err(unsafe_) => {
                report(&unsafe_.slots, lowering, findings);
                continue;
            }
        };
        let scope = super::order::Scope { bound: &bound, new: Slots::new() };
        let mut operand = |term: &raw::Term| {
            let operand = scope.operand(term);
            if operand.is_none() {
                let mut slots = Vec::new();
                term.vars(&mut |slot| {
                    if !bound.contains(&slot) {
                        slots.push((slot, place));
                    }
                });
                report(&slots, lowering, findings);
            }
            operand
        };
        let keys: Option<Vec<Operand>> = keys.iter().map(&mut operand).collect();
        if let (Some(keys), Some(value)) = (keys, operand(&value)) {
            if branches.is_empty() {
                tail = keys;
            }
            branches.push(Branch { place, block, value, labels });
        }
    }
    let (slots, names) = (lowering.names.len() as u32, lowering.kept_names());
    Some(RuleBody { place, row: 0, slots, names, args, tail, contains, branches })
}

fn report(slots: &[(Slot, Place)], lowering: &Lowering<'_>, findings: &mut Vec<Finding>) {
    for (slot, place) in slots {
        let name = lowering.names.get(*slot as usize).cloned().flatten();
        let name = name.as_deref().unwrap_or("_");
        findings.push(Finding {
            code: "rego_unsafe_var_error",
            message: format!("var {name} is unsafe"),
            place: *place,
        });
    }
}
