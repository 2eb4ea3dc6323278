//! What a document asks of its input: the members that it reads, and the constants that it compares them with.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value as Json, json};

use verdict_rego::capabilities::is_builtin;
use verdict_rego::dependencies::dependencies;
use verdict_rego::syntax::Source;
use verdict_rego::syntax::ast::{Expr, ExprKind, Module, Op, Ref, RefPart, Term, TermKind};
use verdict_rego::syntax::parser::{Options, parse_module, parse_query};
use verdict_rego::syntax::visit::{Visitor, walk_expr, walk_module, walk_term};
use verdict_rego::{Program, RegoVersion};

/// The most constants that are tried for one member.
const MOST: usize = 4;

/// The members of the input, as paths without `input`, with the values that they are compared with.
pub(super) type Wishes = BTreeMap<Vec<String>, Vec<Json>>;

/// What the document at `path` asks of its input.
pub(super) fn wishes(program: &Program, path: &[String]) -> Wishes {
    let options = Options { is_builtin, ..Options::default() };
    let read = |module: &verdict_rego::Module| {
        parse_module(&Source::new(module.id.as_str(), Arc::clone(&module.source)), module.version, options)
            .ok()
    };
    let modules: Vec<Module> = program.modules().iter().filter_map(read).collect();
    let quoted: String = path.iter().map(|name| format!("[{}]", Json::from(name.as_str()))).collect();
    let query = Source::new("query", format!("data{quoted}"));
    let Ok(query) = parse_query(&query, RegoVersion::V1) else { return Wishes::new() };
    let mut compared = Compared::default();
    modules.iter().for_each(|module| walk_module(&mut compared, module));
    let mut wishes = Wishes::new();
    for document in dependencies(&modules, &query).base {
        let names: Option<Vec<&str>> = document.iter().map(|name| name.as_str()).collect();
        let Some(["input", member @ ..]) = names.as_deref() else { continue };
        if member.is_empty() {
            continue;
        }
        let member: Vec<String> = member.iter().map(|name| (*name).to_owned()).collect();
        let values = compared.0.get(&member).cloned().unwrap_or_default();
        wishes.insert(member, values);
    }
    // Of `input.resource` and `input.resource.type`, the longer one says more.
    let all: Vec<Vec<String>> = wishes.keys().cloned().collect();
    wishes
        .retain(|member, _| !all.iter().any(|other| other.len() > member.len() && other.starts_with(member)));
    wishes
}

/// Members of the input, and the constants that they are compared with anywhere.
#[derive(Default)]
struct Compared(Wishes);

impl Compared {
    fn note(&mut self, term: &Term, constant: Option<Json>) {
        if let (Some(member), Some(constant)) = (member_of_input(term), constant) {
            let values = self.0.entry(member).or_default();
            if values.len() < MOST && !values.contains(&constant) {
                values.push(constant);
            }
        }
    }

    fn equal(&mut self, left: &Term, right: &Term) {
        self.note(left, constant(right));
        self.note(right, constant(left));
    }

    fn within(&mut self, value: &Term, collection: &Term) {
        if let TermKind::Array(items) | TermKind::Set(items) = &collection.peeled().kind {
            items.iter().for_each(|item| self.note(value, constant(item)));
        }
        self.note(collection, constant(value).map(|value| json!([value])));
    }
}

impl Visitor for Compared {
    fn expr(&mut self, expr: &Expr) {
        match &expr.kind {
            ExprKind::Unify(left, right) | ExprKind::Assign(left, right) => self.equal(left, right),
            ExprKind::SomeIn { value, collection, .. } => self.within(value, collection),
            _ => {}
        }
        walk_expr(self, expr);
    }

    fn term(&mut self, term: &Term) {
        match &term.kind {
            TermKind::Infix { op: Op::Equal | Op::LessEqual | Op::GreaterEqual, left, right, .. } => {
                self.equal(left, right);
            }
            TermKind::Infix { op: Op::Less | Op::Greater, left, right, .. } => {
                for step in [1, -1] {
                    self.note(left, beside(right, step));
                    self.note(right, beside(left, step));
                }
            }
            TermKind::In { value, collection, .. } => self.within(value, collection),
            _ => {}
        }
        walk_term(self, term);
    }
}

/// `a`, `b` of `input.a.b`; what follows a variable is left out: of `input.roles[_]`, a list is read.
fn member_of_input(term: &Term) -> Option<Vec<String>> {
    let TermKind::Ref(Ref { head, parts, .. }) = &term.peeled().kind else { return None };
    if !matches!(&head.kind, TermKind::Var(name) if &**name == "input") {
        return None;
    }
    let name = |part: &RefPart| match part {
        RefPart::Dot(name) => Some(name.name.to_string()),
        RefPart::Bracket(term) => match &term.peeled().kind {
            TermKind::String { value, .. } => Some(value.to_string()),
            _ => None,
        },
    };
    parts.iter().map(name).collect()
}

/// The whole number so far from a constant one.
fn beside(term: &Term, step: i64) -> Option<Json> {
    constant(term)?.as_i64()?.checked_add(step).map(Json::from)
}

fn constant(term: &Term) -> Option<Json> {
    match &term.peeled().kind {
        TermKind::Bool(value) => Some(json!(value)),
        TermKind::Number(text) => serde_json::from_str(text).ok(),
        TermKind::String { value, .. } => Some(json!(&**value)),
        TermKind::Array(items) => items.iter().map(constant).collect::<Option<Vec<_>>>().map(Json::Array),
        _ => None,
    }
}
