//! Queries over a program, with results in the shape of OPA's.
//!
//! A query is compiled once and can be evaluated many times. Every expression has a value: that of the term or call, or
//! `true` for a condition. In a query of a single expression that iterates over nothing, `false` is a value, too;
//! otherwise a false expression yields no result.

use std::sync::Arc;

use super::output_cost::charge_output;
use super::{
    EvalLimits, LOAD, LOAD_MEMORY, Module, Program, RegoVersion, STACK, declared, end, exceeded_limit,
    on_stack,
};
use crate::budget::{self, Exceeded};
use crate::error::{EvalError, EvalErrorKind, Location};

use crate::check::{self, Checks};
use crate::diagnostic::Diagnostic;
use crate::effects::Effects;
use crate::plan::compile::{Names, QUERY, compile_query_in, names_of};
use crate::plan::ir::{Base, Block, Operand, Out, Pattern, Place, Step, Stmt};
use crate::plan::watch::Watch;
use crate::plan::{Failure as PlanFailure, Finding, Machine, Outline, Query as Plan, Strict, called_in};
use crate::syntax::ast::{self, Body, Expr, ExprKind, Op, Ref, RefPart, Term, TermKind, Version};
use crate::syntax::parser::{Options, parse_query_with};
use crate::syntax::source::{Source, Span};
use crate::syntax::visit::{self, Visitor};
use crate::value::Value;

/// More than the rules need: a query may nest, too.
const OWN_STACK: usize = 16 << 20;

/// How names in a query are resolved.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scope {
    /// The package whose rules can be named without its path, e.g. `app.rbac`.
    pub package: Option<String>,
    /// Imports, as in a module: `data.lib`, `data.lib as l`.
    pub imports: Vec<String>,
}

/// A compiled query.
#[derive(Debug)]
pub struct Query {
    plan: Plan,
    pub(super) source: Source,
    pub(super) outline: Outline,
    expressions: Vec<Expression>,
}

/// A compiled query of which it is only asked whether it holds.
#[derive(Debug)]
pub struct Conditions {
    pub(super) plan: Plan,
    pub(super) source: Source,
}

/// One expression of a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expression {
    /// As it is written.
    pub text: String,
    /// Its line in the query, from 1.
    pub row: u32,
    /// Its column, from 1.
    pub col: u32,
    /// The variable that has its value.
    value: Option<Arc<str>>,
}

/// One result of a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The query's variables, by their names.
    pub bindings: Vec<(String, Value)>,
    /// The value of each of [`Query::expressions`].
    pub values: Vec<Value>,
}

/// The parameters of an evaluation of a query.
pub struct Asking<'a> {
    /// The input document.
    pub input: Option<&'a Value>,
    /// The time that policy sees.
    pub now_ns: i64,
    /// The limits of the evaluation.
    pub limits: EvalLimits,
    /// Which errors of built-ins end the evaluation.
    pub strict: Strict,
    /// The effects of the evaluation.
    pub effects: Effects,
    /// The watcher, if any.
    pub watch: Option<Box<dyn Watch + 'a>>,
}

impl Conditions {
    /// Asks whether a document is `true`, and not just anything.
    pub fn of_path(path: &[String]) -> Self {
        let key = |segment: &String| Step::Key(Operand::Const(Value::from(segment.as_str())));
        let path = path.iter().map(key).collect();
        let out = Out::Fits(Pattern::Is(Operand::Const(Value::Bool(true))));
        let stmt = Stmt::Walk { base: Base::Node(0), path, out };
        let place = Place { file: QUERY, span: Span::default() };
        let block = Block { stmts: vec![(stmt, place)] };
        Self { plan: Plan { block, slots: 0, vars: Vec::new() }, source: Source::new("", "") }
    }
}

impl Query {
    /// Its expressions, in order; declarations (`some x`) are none.
    pub fn expressions(&self) -> &[Expression] {
        &self.expressions
    }

    /// The built-ins that it calls itself and that may wait for others (`http.send`), by name.
    pub fn blocking_calls(&self) -> impl Iterator<Item = &'static str> {
        called_in(&self.plan.block).into_iter()
    }
}

impl Program {
    /// Compiles a query over this program.
    ///
    /// # Errors
    /// Everything that is wrong with the query, or with what it is to be read in. The file of the query is ``.
    pub fn prepare(&self, text: &str, scope: &Scope) -> Result<Query, Vec<Diagnostic>> {
        within_limits(|| self.prepare_here(text, scope))
    }

    /// Compiles a query of which it is only asked whether it holds, and what its variables are then.
    ///
    /// # Errors
    /// As [`Program::prepare`].
    pub fn prepare_conditions(&self, text: &str, scope: &Scope) -> Result<Conditions, Vec<Diagnostic>> {
        within_limits(|| {
            let source = Source::new("", text);
            let own = read_scope(scope)?;
            let body = parse(&source, &own)?;
            let compiled = compile_query_in(&self.plan, &body, &declared, self.names(scope, &own));
            let plan =
                compiled.map_err(|found| self.explained(&found, body.clone(), own.clone(), &source))?;
            let errors = self.type_errors(body, own, &source);
            if errors.is_empty() { Ok(Conditions { plan, source }) } else { Err(errors) }
        })
    }

    fn prepare_here(&self, text: &str, scope: &Scope) -> Result<Query, Vec<Diagnostic>> {
        let source = Source::new("", text);
        let own = read_scope(scope)?;
        let mut body = parse(&source, &own)?;
        let names = self.names(scope, &own);
        let checked = body.clone();
        let outline = Outline::of_query(&body);
        let expressions = capture(&mut body, &source, &names);
        let plan = compile_query_in(&self.plan, &body, &declared, names).map_err(|findings| {
            // What has no value gives none to the variable for it; that alone is to be said.
            let own_variable = |finding: &Finding| {
                let mut names = expressions.iter().filter_map(|expression| expression.value.as_ref());
                names.any(|name| finding.message == format!("var {name} is unsafe"))
            };
            let mut errors: Vec<Finding> =
                findings.iter().filter(|finding| !own_variable(finding)).cloned().collect();
            if errors.is_empty() {
                let message = "var _ is unsafe".to_owned();
                errors.extend(findings.first().map(|found| Finding { message, ..found.clone() }));
            }
            errors.dedup();
            self.explained(&errors, checked.clone(), own.clone(), &source)
        })?;
        let errors = self.type_errors(checked, own, &source);
        if !errors.is_empty() {
            return Err(errors);
        }
        Ok(Query { plan, source, outline, expressions })
    }

    /// What names mean: as in a module of the package, with the imports.
    fn names(&self, scope: &Scope, own: &ast::Module) -> Names {
        if *scope == Scope::default() {
            return Names::new();
        }
        let (modules, _) = super::parse(&self.modules);
        names_of(&modules, own)
    }

    /// What is wrong with a query, with hints.
    fn explained(
        &self,
        findings: &[Finding],
        body: Body,
        own: ast::Module,
        source: &Source,
    ) -> Vec<Diagnostic> {
        let modules = self.with_query(body, own, source);
        let file = modules.len() - 1;
        let mut found: Vec<check::Found> =
            findings.iter().map(|finding| check::Found { file, ..check::Found::from(finding) }).collect();
        check::advise(&modules, &mut found);
        let sources: Vec<Source> = modules.into_iter().map(|module| module.source).collect();
        found.into_iter().map(|found| found.diagnostic(&sources)).collect()
    }

    /// The modules, and last one with a rule whose body is the query.
    fn with_query(&self, body: Body, mut own: ast::Module, source: &Source) -> Vec<ast::Module> {
        let span = body.span;
        // No text of policy defines a rule of such a name.
        let head = Box::new(Term { span, kind: TermKind::Var("=".into()) });
        let name = Ref { span, head, parts: Vec::new() };
        let head = ast::Head { span, name, args: None, element: false, value: ast::HeadValue::Implied };
        let (elses, chained) = (Vec::new(), Vec::new());
        own.rules = vec![ast::Rule { span, default: false, head, body: Some(body), elses, chained }];
        own.source = source.clone();
        let (mut modules, _) = super::parse(&self.modules);
        modules.push(own);
        modules
    }

    /// Types that cannot fit: the query is held against the rules as if it were the body of one.
    fn type_errors(&self, body: Body, own: ast::Module, source: &Source) -> Vec<Diagnostic> {
        let modules = self.with_query(body, own, source);
        let checks = Checks::default();
        let mut checked = check::names(&modules, &checks);
        let mut found = std::mem::take(&mut checked.found);
        if !checked.conflicts {
            let wrong = check::rules_of(&modules, found.iter());
            found.extend(check::types(&modules, &checked, &checks, &wrong));
        }
        let sources: Vec<Source> = modules.iter().map(|module| module.source.clone()).collect();
        let last = sources.len() - 1;
        let of_query =
            found.into_iter().filter(|found| found.file == last && found.code == "rego_type_error");
        of_query.map(|found| found.diagnostic(&sources)).collect()
    }

    /// Every result of a query.
    ///
    /// # Errors
    /// When the evaluation fails, or takes too long.
    pub fn ask<'a>(&'a self, query: &'a Query, asking: Asking<'a>) -> Result<Vec<Row>, EvalError> {
        let (limits, deadline) = (asking.limits, end(asking.limits.deadline));
        on_stack(self.stack.saturating_add(OWN_STACK), || {
            let ask = || self.ask_here(query, asking);
            budget::within(deadline, limits.memory, ask).unwrap_or_else(|why| {
                Err(match why {
                    Ok(exceeded) => exceeded_limit(exceeded, &limits),
                    Err(_) => EvalError::new(EvalErrorKind::Panic, "the evaluator panicked"),
                })
            })
        })
    }

    fn ask_here<'a>(&'a self, query: &'a Query, asking: Asking<'a>) -> Result<Vec<Row>, EvalError> {
        let Asking { input, now_ns, limits, strict, mut effects, watch } = asking;
        let mut context = Self::context(now_ns, &limits, &mut effects);
        let mut machine = Machine::new(&self.plan, &self.data, input, &mut context, strict);
        machine.limit_depth(limits.depth);
        if let Some(watch) = watch {
            machine.watched_by(watch);
        }
        let rows = machine.query(&query.plan).map_err(|failure| self.failure_in(query, &failure, &limits))?;
        rows.iter().for_each(charge_output);
        if budget::is_spent() {
            return Err(exceeded_limit(Exceeded::Memory, &limits));
        }
        Ok(rows.iter().map(|row| query.row(row)).collect())
    }

    fn failure_in(&self, query: &Query, failure: &PlanFailure, limits: &EvalLimits) -> EvalError {
        let mut told = self.failure(failure, limits);
        if let (Some(policy), Place { file: QUERY, span }) = (&mut told.policy, failure.place) {
            let (row, col) = query.source.position(span.start);
            policy.location = Some(Location { file: String::new(), row, col });
        }
        told
    }
}

fn within_limits<T>(compile: impl FnOnce() -> Result<T, Vec<Diagnostic>>) -> Result<T, Vec<Diagnostic>> {
    on_stack(STACK, || {
        let refused = |message: &str| vec![Diagnostic::new("rego_compile_error", message)];
        budget::within(end(LOAD), LOAD_MEMORY, compile).unwrap_or_else(|why| {
            Err(match why {
                Ok(Exceeded::Time) => refused("the query takes too long to compile"),
                Ok(Exceeded::Memory) => refused("the query takes too much memory to compile"),
                Err(_) => refused("the compiler panicked; please report it"),
            })
        })
    })
}

fn parse(source: &Source, own: &ast::Module) -> Result<Body, Vec<Diagnostic>> {
    let options = Options { keywords: own.keywords, ..Options::default() };
    parse_query_with(source, Version::V1, options)
        .map_err(|errors| errors.into_iter().map(|error| Diagnostic::of_syntax(source, error)).collect())
}

/// The module that a query might stand in.
fn read_scope(scope: &Scope) -> Result<ast::Module, Vec<Diagnostic>> {
    let mut text = format!("package {}\n", scope.package.as_deref().unwrap_or("the_query_itself"));
    for import in &scope.imports {
        text.push_str(&format!("import {import}\n"));
    }
    let id = "--package and --import".to_owned();
    let (own, errors) = super::parse(&[Module { id, source: text.into(), version: RegoVersion::V1 }]);
    match own.into_iter().next() {
        Some(own) if errors.is_empty() => Ok(own),
        _ => Err(errors),
    }
}

impl Query {
    fn row(&self, found: &Value) -> Row {
        let captured = |name: &str| self.expressions.iter().any(|each| each.value.as_deref() == Some(name));
        let bindings = found.members().filter(|(name, _)| !captured(name));
        let value = |expression: &Expression| match &expression.value {
            Some(name) => found.get(name).cloned().unwrap_or(Value::Null),
            None => Value::Bool(true),
        };
        Row {
            bindings: bindings.map(|(name, value)| (name.to_owned(), value.clone())).collect(),
            values: self.expressions.iter().map(value).collect(),
        }
    }
}

/// Gives each expression that has a value a variable for it.
fn capture(body: &mut Body, source: &Source, names: &Names) -> Vec<Expression> {
    let must_hold = body.exprs.len() > 1 || goes_through(body, names);
    let (mut expressions, mut conditions) = (Vec::new(), Vec::new());
    for (number, expr) in body.exprs.iter_mut().enumerate() {
        if matches!(expr.kind, ExprKind::Some(_)) {
            continue;
        }
        let (row, col) = source.position(expr.span.start);
        let text = source.slice(expr.span).to_owned();
        let span = expr.span;
        let value = match &expr.kind {
            ExprKind::Term(term) if !expr.negated && has_value(term) => {
                // No text of a query is read as such a name.
                let name: Arc<str> = format!("={number}").into();
                let variable = Term { span, kind: TermKind::Var(Arc::clone(&name)) };
                expr.kind = ExprKind::Unify(term.clone(), variable.clone());
                if must_hold {
                    let kind = ExprKind::Term(variable);
                    conditions.push(Expr { span, negated: false, kind, with: Vec::new() });
                }
                Some(name)
            }
            _ => None,
        };
        expressions.push(Expression { text, row, col, value });
    }
    body.exprs.append(&mut conditions);
    expressions
}

fn has_value(term: &Term) -> bool {
    match &term.kind {
        TermKind::Parens(inner) => has_value(inner),
        TermKind::Infix { op, .. } => !matches!(op, Op::Assign | Op::Unify),
        TermKind::Call { function, .. } => {
            !matches!(&function.kind, TermKind::Var(name) if &**name == "print")
        }
        _ => true,
    }
}

/// Whether a query goes through the parts of something, so that it may have several results.
fn goes_through(body: &Body, names: &Names) -> bool {
    let mut search = Search { names, found: false };
    search.body(body);
    search.found
}

struct Search<'n> {
    names: &'n Names,
    found: bool,
}

impl Visitor for Search<'_> {
    fn expr(&mut self, expr: &Expr) {
        // What binds nothing has one result at the most.
        if !matches!(expr.kind, ExprKind::Not(_) | ExprKind::Logical { .. }) {
            visit::walk_expr(self, expr);
        }
    }

    fn term(&mut self, term: &Term) {
        match &term.kind {
            TermKind::ArrayComprehension(..)
            | TermKind::SetComprehension(..)
            | TermKind::ObjectComprehension(..) => return,
            TermKind::Call { function, .. } => {
                self.found |= matches!(&function.kind, TermKind::Var(name) if &**name == "walk");
            }
            _ => {}
        }
        visit::walk_term(self, term);
    }

    fn reference(&mut self, reference: &Ref) {
        let variable = |part: &RefPart| match part {
            RefPart::Bracket(Term { kind: TermKind::Var(name), .. }) => {
                !matches!(&**name, "input" | "data") && !self.names.contains_key(name)
            }
            _ => false,
        };
        self.found |= reference.parts.iter().any(variable);
        visit::walk_reference(self, reference);
    }
}

#[cfg(test)]
#[path = "query_tests.rs"]
mod tests;
