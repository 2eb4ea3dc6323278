//! Variables that nothing gives a value.

use std::collections::HashSet;
use std::sync::Arc;

use super::super::found::{Found, rule_of};
use super::super::names::{Exports, is_document, name_of};
use super::names::{dotted, meant, near};
use crate::builtins::table;
use crate::syntax::ast::{Expr, ExprKind, Ident, Module, Rule, Term, TermKind};
use crate::syntax::hints;
use crate::syntax::visit::{Visitor, walk_expr, walk_rule, walk_term};

/// With how many names one that is not there is compared.
const MOST_COMPARED: usize = 2_000;

/// For `var x is unsafe`, and `var x is undeclared`, which `print` and templates say.
pub(super) fn hint(
    modules: &[Module],
    module: &Module,
    found: &Found,
    exports: &Exports<'_>,
) -> Option<String> {
    let name = found.message.strip_prefix("var ")?;
    let name = name.strip_suffix(" is unsafe").or_else(|| name.strip_suffix(" is undeclared"))?;
    let rule = rule_of(modules, found).and_then(|(_, at)| module.rules.get(at))?;
    let text = module.source.slice(found.span);
    let names = Names::of(rule);
    hints::constant(name)
        .or_else(|| is_query(rule).then(|| slashes(text)).flatten())
        .or_else(|| subtraction(name, text))
        .or_else(|| loaded(name, text, module, exports, is_query(rule)))
        .or_else(|| names.near(name, module, exports).map(|name| meant(&name)))
        .or_else(|| names.place(name, rule, found))
        .or_else(|| guess(name, text))
}

/// Whether the rule stands for a query, which has a name that no text gives.
fn is_query(rule: &Rule) -> bool {
    matches!(&rule.head.name.head.kind, TermKind::Var(name) if &**name == "=")
}

/// The names that a rule has.
#[derive(Default)]
struct Names {
    /// Variables, and what is only known within an `every` or a comprehension, too.
    all: HashSet<Arc<str>>,
    /// What `every` declares.
    every: HashSet<Arc<str>>,
    /// What stands in a negated condition, by its place.
    negated: Vec<(u32, u32)>,
}

impl Names {
    fn of(rule: &Rule) -> Self {
        let mut names = Self::default();
        walk_rule(&mut names, rule);
        names
    }

    /// The name that was probably meant: of a variable, a rule of the package, or an import.
    fn near(&self, name: &str, module: &Module, exports: &Exports<'_>) -> Option<String> {
        let rules = exports.get(module.package.path.as_slice()).into_iter().flatten().copied();
        let imports = module.imports.iter().filter(|import| is_document(import)).filter_map(name_of);
        let variables = self.all.iter().map(|name| &**name);
        let known: HashSet<&str> = variables
            .chain(rules)
            .chain(imports)
            .chain(["input", "data"])
            .filter(|known| *known != name)
            .collect();
        if known.len() > MOST_COMPARED {
            return None;
        }
        let other_case = known.iter().filter(|known| known.eq_ignore_ascii_case(name)).min();
        other_case.copied().or_else(|| near(name, known.into_iter())).map(str::to_owned)
    }

    /// What the place says.
    fn place(&self, name: &str, rule: &Rule, found: &Found) -> Option<String> {
        if self.negated.contains(&(found.span.start, found.span.end)) {
            return Some(format!(
                "a condition with `not` cannot give `{name}` a value: write it without `not` in a rule of its own and negate that rule, or give `{name}` a value before"
            ));
        }
        if self.every.contains(name) {
            return Some(format!("`{name}` is known only inside the braces of its `every`"));
        }
        if (found.span == rule.span || found.span == rule.head.span) && !is_query(rule) {
            return Some(format!("no condition of the rule gives `{name}` a value, as `{name} := …` would"));
        }
        None
    }
}

impl Visitor for Names {
    fn expr(&mut self, expr: &Expr) {
        let mut add = |ident: &Ident| self.all.insert(Arc::clone(&ident.name));
        match &expr.kind {
            ExprKind::Some(idents) => idents.iter().for_each(|ident| {
                add(ident);
            }),
            ExprKind::Every { key, value, .. } => {
                for ident in key.iter().chain([value]) {
                    add(ident);
                    self.every.insert(Arc::clone(&ident.name));
                }
            }
            ExprKind::Not(_) => self.negated.push((expr.span.start, expr.span.end)),
            _ if expr.negated => self.negated.push((expr.span.start, expr.span.end)),
            _ => {}
        }
        walk_expr(self, expr);
    }

    fn term(&mut self, term: &Term) {
        if let TermKind::Var(name) = &term.kind {
            self.all.insert(Arc::clone(name));
        }
        walk_term(self, term);
    }
}

/// `input.user-id` subtracts `id`.
fn subtraction(name: &str, text: &str) -> Option<String> {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let ending = format!("-{name}");
    text.match_indices(&ending).find_map(|(at, _)| {
        let before = text.get(..at)?;
        let start = before.rfind(|c| !word(c))?;
        let first = before.get(start + 1..).filter(|first| !first.is_empty())?;
        let dotted = before.get(..=start)?.ends_with('.');
        dotted.then(|| format!("`-` subtracts: a member of this name is written `[\"{first}{ending}\"]`"))
    })
}

/// A rule or package of this name that is loaded and not imported.
fn loaded(name: &str, text: &str, module: &Module, exports: &Exports<'_>, is_query: bool) -> Option<String> {
    let own = &module.package.path;
    let mut rules: Vec<String> = exports
        .iter()
        .filter(|(package, rules)| *package != own && rules.contains(name))
        .map(|(package, _)| dotted(*package))
        .collect();
    rules.sort();
    if let Some(package) = rules.first() {
        let import = if is_query { String::new() } else { format!(", or `import data.{package}.{name}`") };
        return Some(format!("write `data.{package}.{name}`{import}"));
    }
    if !text.contains(&format!("{name}.")) && !text.contains(&format!("{name}[")) {
        return None;
    }
    let last = |package: &&[Arc<str>]| package.last().is_some_and(|last| **last == *name);
    let package = exports.keys().copied().filter(last).min()?;
    let package = dotted(package);
    Some(if is_query {
        format!("write `data.{package}`")
    } else {
        format!("to use the package write `import data.{package}`")
    })
}

/// `app/allow`, as in a URL.
fn slashes(text: &str) -> Option<String> {
    let name = |part: &str| {
        part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') && !part.is_empty()
    };
    let is_path = text.contains('/') && text.split('/').all(name);
    let path = text.strip_prefix("data/").unwrap_or(text).replace('/', ".");
    is_path.then(|| format!("separate the parts of a path with dots: `data.{path}`"))
}

fn guess(name: &str, text: &str) -> Option<String> {
    if table::find(name).is_some() {
        return Some(format!("`{name}` is a function: write `{name}(…)`"));
    }
    if text.contains(&format!("{name}.")) || text.contains(&format!("{name}[")) {
        return Some(format!("for a member of the input write `input.{name}`"));
    }
    let compared = ["== ", "!= ", "= ", "=="].iter().any(|sign| text.ends_with(&format!("{sign}{name}")));
    let quoted = format!("write `\"{name}\"` for a string, `input.{name}` for a member of the input");
    Some(if compared {
        quoted
    } else {
        format!("nothing gives `{name}` a value, as `{name} := …` or `some {name} in …` would")
    })
}
