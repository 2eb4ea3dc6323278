//! Calls, and what `with` puts in place of functions and documents.

use std::sync::Arc;

use super::{Lowering, Root, Stmts};
use crate::builtins::context::Context;
use crate::plan::ir::{Builtin, Callee, Comprehension, PRINT, Target};
use crate::plan::metadata::Asked;
use crate::plan::raw::{Kind, Out, Term};
use crate::syntax::ast;
use crate::syntax::source::Span;
use crate::value::Value;

impl Lowering<'_> {
    /// What a name or path calls; `None` where it is no function.
    pub(super) fn callee(&self, function: &ast::Term) -> Option<(Callee, usize, String)> {
        let dotted = function.dotted()?;
        let name = dotted.join(".");
        if let Some(path) = self.path_of_called(&dotted) {
            let rule = self.globals.tree.rule_at(&path)?;
            return self.globals.tree.arity(rule).map(|arity| (Callee::Rule(rule), arity, name));
        }
        let declared = (self.globals.builtins)(&name)?;
        Some((Callee::Builtin(declared.builtin), declared.arity, name))
    }

    /// Where a name or path leads in `data`, if it does not name a built-in.
    fn path_of_called(&self, dotted: &[Arc<str>]) -> Option<Vec<Value>> {
        let (first, rest) = dotted.split_first()?;
        let (None, Some((Root::Data, mut path))) = (self.local(first), self.global(first)) else {
            return None;
        };
        path.extend(rest.iter().map(|part| Value::String(Arc::clone(part))));
        Some(path)
    }

    /// Whether a name or path is that of a document that rules define.
    fn is_document(&self, function: &ast::Term) -> bool {
        let path = function.dotted().and_then(|dotted| self.path_of_called(&dotted));
        let rule = path.and_then(|path| self.globals.tree.rule_at(&path));
        rule.is_some_and(|rule| self.globals.tree.arity(rule).is_none())
    }

    pub(super) fn call(
        &mut self,
        function: &ast::Term,
        args: &[ast::Term],
        span: Span,
        stmts: &mut Stmts,
    ) -> Term {
        if let Some(value) = self.metadata(function, args) {
            return match args {
                [] => value,
                [out, ..] => {
                    let out = self.term(out, stmts);
                    self.unify(out, value, span, stmts);
                    Term::Const(Value::Bool(true))
                }
            };
        }
        // `f()` asks for what `f() := 7` defines, which is no function.
        if args.is_empty() && self.is_document(function) {
            return self.term(function, stmts);
        }
        // Before its arguments, so that what is wrong with them is said after it.
        if self.callee(function).is_none() {
            return self.called(function, Vec::new(), span, stmts);
        }
        let args = args.iter().map(|arg| self.term(arg, stmts)).collect();
        self.called(function, args, span, stmts)
    }

    /// A call whose arguments are there.
    pub(super) fn called(
        &mut self,
        function: &ast::Term,
        mut args: Vec<Term>,
        span: Span,
        stmts: &mut Stmts,
    ) -> Term {
        let Some((callee, arity, name)) = self.callee(function) else {
            let name = function.dotted().map_or_else(|| "?".to_owned(), |parts| parts.join("."));
            self.found("rego_type_error", span, format!("undefined function {name}"));
            return Term::Const(Value::Null);
        };
        let count = args.len();
        if count == arity + 1
            && let Some(out) = args.pop()
        {
            let callee = with_constants(callee, &args);
            self.push(stmts, span, Kind::Call { callee, args, out: Out::Fits(out) });
            return Term::Const(Value::Bool(true));
        }
        if count != arity {
            let plural = if count == 1 { "" } else { "s" };
            let message = format!("function {name} has arity {arity}, got {count} argument{plural}");
            self.found("rego_type_error", span, message);
        }
        let out = self.temp();
        let callee = with_constants(callee, &args);
        self.push(stmts, span, Kind::Call { callee, args, out: Out::Fits(Term::Var(out)) });
        Term::Var(out)
    }

    /// Whether a call asks for annotations.
    pub(super) fn asks_for_metadata(&self, function: &ast::Term, args: &[ast::Term]) -> bool {
        self.asked(function, args).is_some()
    }

    fn asked(&self, function: &ast::Term, args: &[ast::Term]) -> Option<Asked> {
        self.asker.filter(|_| args.len() < 2)?;
        let name = function.dotted()?;
        let asked = Asked::of(&name)?;
        let first = name.first()?;
        (self.local(first).is_none() && self.global(first).is_none()).then_some(asked)
    }

    /// What a call that asks for annotations stands for.
    fn metadata(&mut self, function: &ast::Term, args: &[ast::Term]) -> Option<Term> {
        let (asked, asker) = (self.asked(function, args)?, self.asker?);
        let answer = self.globals.metadata.answer(asked, asker).unwrap_or_else(|findings| {
            self.findings.extend(findings);
            Value::Null
        });
        Some(Term::Const(answer))
    }

    pub(super) fn builtin(&mut self, name: &str, args: Vec<Term>, span: Span, stmts: &mut Stmts) -> Term {
        let Some(declared) = (self.globals.builtins)(name) else {
            self.found("rego_type_error", span, format!("undefined function {name}"));
            return Term::Const(Value::Null);
        };
        let out = self.temp();
        let callee = Callee::Builtin(declared.builtin);
        self.push(stmts, span, Kind::Call { callee, args, out: Out::Fits(Term::Var(out)) });
        Term::Var(out)
    }

    /// Each argument becomes the set of its values, which is empty where it is undefined: printing keeps nothing from
    /// holding.
    pub(super) fn print(&mut self, args: &[ast::Term], span: Span, stmts: &mut Stmts) {
        let args = args.iter().map(|arg| {
            let out = self.temp();
            let made = self.scoped(|this| {
                let mut block = Vec::new();
                let value = this.term(arg, &mut block);
                let (kind, out) = (Comprehension::Set, Out::Fits(Term::Var(out)));
                Kind::Comprehend { kind, block, key: None, value, out }
            });
            self.push(stmts, arg.span, made);
            Term::Var(out)
        });
        let args = args.collect();
        let function = |_: &mut Context, _: &[Value]| Ok(Some(Value::Bool(true)));
        let callee = Callee::Builtin(Builtin {
            name: PRINT,
            function,
            prepare: None,
            prepared: None,
            relation: false,
            nondeterministic: false,
            blocking: false,
        });
        self.push(stmts, span, Kind::Call { callee, args, out: Out::Fits(Term::Any) });
    }

    pub(super) fn with(&mut self, with: &ast::With, stmts: &mut Stmts) -> Option<(Target, Term)> {
        let parts = with.target.dotted();
        let first = parts.as_ref().and_then(|parts| parts.first()).map_or("", |first| first);
        if let (Some((root, mut path)), Some(parts)) = (self.global(first), &parts) {
            path.extend(parts.iter().skip(1).map(|part| Value::String(Arc::clone(part))));
            if let Some((callee, ..)) = self.callee(&with.target) {
                return Some(self.mock(callee, &with.value, stmts));
            }
            if matches!(root, Root::Data) && self.is_inside_a_rule(&path) {
                let message = "with keyword cannot partially replace virtual document(s)";
                self.found("rego_compile_error", with.target.span, message);
            }
            let value = self.term(&with.value, stmts);
            return Some((
                if matches!(root, Root::Input) { Target::Input(path) } else { Target::Data(path) },
                value,
            ));
        }
        match self.callee(&with.target) {
            Some((callee, ..)) => Some(self.mock(callee, &with.value, stmts)),
            None => {
                let message = "with keyword target must reference existing input, data, or a function";
                self.found("rego_type_error", with.target.span, message);
                None
            }
        }
    }

    fn mock(&mut self, callee: Callee, value: &ast::Term, stmts: &mut Stmts) -> (Target, Term) {
        match self.callee(value) {
            Some((other, ..)) => (Target::Function(callee, Some(other)), Term::Const(Value::Null)),
            None => (Target::Function(callee, None), self.term(value, stmts)),
        }
    }

    fn is_inside_a_rule(&self, path: &[Value]) -> bool {
        let mut node = 0;
        let mut rest = path.iter();
        while let Some(key) = rest.next() {
            let Some(child) = key.as_str().and_then(|name| self.globals.tree.child(node, name)) else {
                return false;
            };
            node = child;
            if self.globals.tree.rule(node).is_some() {
                return rest.next().is_some();
            }
        }
        false
    }
}

/// A built-in for a call: what it makes of its constant operands is made now, once.
fn with_constants(callee: Callee, args: &[Term]) -> Callee {
    let Callee::Builtin(mut builtin) = callee else { return callee };
    if let Some(prepare) = builtin.prepare {
        let known: Vec<Option<&Value>> = args.iter().map(Term::as_constant).collect();
        builtin.prepared = prepare(&known);
    }
    Callee::Builtin(builtin)
}
