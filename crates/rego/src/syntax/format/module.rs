//! Files: the package, imports in order, rules.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::super::ast::{Expr, ExprKind, HeadValue, Import, Module, Rule};
use super::super::lexer::lex;
use super::super::source::Span;
use super::super::token::Kind;
use super::super::visit::{Visitor, walk_expr, walk_module};
use super::names::{needs_brackets, quoted};
use super::options::{Odd, Options, Style, Target};
use super::same::own_operators;
use super::writer::Writer;

/// Imports and rules in order of place.
enum Item<'m> {
    Import(Imported),
    Rule(&'m Rule),
}

/// An import that is to be written.
struct Imported {
    /// Its line; what is added counts as being on the first.
    row: u32,
    span: Option<Span>,
    path: Vec<Arc<str>>,
    alias: Option<Arc<str>>,
}

pub(super) fn module(module: &Module, options: Options, odd: Odd) -> String {
    let source = &module.source;
    let mut writer = Writer::new(source, &module.comments, style(module, options, odd));
    writer.comments_to(source.line_of(module.package.span.start));
    writer.start_line();
    writer.write("package ");
    let names = path_text(source.slice(module.package.span), &module.package.path);
    writer.write(&names);
    writer.blank_line();

    let mut items: Vec<(u32, Item<'_>)> = Vec::new();
    for import in imports(module, options) {
        items.push((import.span.map_or(0, |span| span.start), Item::Import(import)));
    }
    items.extend(module.rules.iter().map(|rule| (rule.span.start, Item::Rule(rule))));
    items.sort_by_key(|(start, _)| *start);
    let mut items = items.into_iter().map(|(_, item)| item).peekable();
    while items.peek().is_some() {
        let (mut imports, mut rules) = (Vec::new(), Vec::new());
        while let Some(Item::Import(import)) = items.next_if(|item| matches!(item, Item::Import(_))) {
            imports.push(import);
        }
        write_imports(&mut writer, imports);
        while let Some(Item::Rule(rule)) = items.next_if(|item| matches!(item, Item::Rule(_))) {
            rules.push(rule);
        }
        writer.rules(&rules);
    }
    writer.finish()
}

fn style(module: &Module, options: Options, odd: Odd) -> Style {
    let v1 = options.target != Target::V0;
    let imported = |name: &str| {
        module.imports.iter().any(|import| match import.path.as_slice() {
            [root, keywords] if &**root == "future" => &**keywords == "keywords",
            [root, keywords, keyword] if &**root == "future" => {
                &**keywords == "keywords" && &**keyword == name
            }
            [root, version] => &**root == "rego" && matches!(&**version, "v1" | "v2"),
            _ => false,
        })
    };
    let long = |rule: &Rule| {
        let parts = rule.head.name.parts.len();
        parts > 1 || parts == 1 && matches!(rule.head.value, HeadValue::Contains(_))
    };
    Style {
        v1,
        contains: v1 || imported("contains"),
        ifs: v1 || imported("if"),
        long_names: module.rules.iter().any(long),
        odd,
        own_operators: own_operators(module),
    }
}

fn is_v1(import: &Imported) -> bool {
    matches!(import.path.as_slice(), [root, version] if &**root == "rego" && &**version == "v1")
}

fn is_v2(import: &Imported) -> bool {
    matches!(import.path.as_slice(), [root, version] if &**root == "rego" && &**version == "v2")
}

fn is_future(import: &Imported) -> bool {
    import.path.first().is_some_and(|root| &**root == "future")
}

/// An import of keywords, as far as no version of Rego has them without it: what the module does not use is left out.
fn beyond_v1(import: Imported, used: &[&str]) -> Vec<Imported> {
    let names: &[&str] = match import.path.get(2) {
        _ if !is_future(&import) => return vec![import],
        Some(keyword) => &[&**keyword],
        None => used,
    };
    let kept = names.iter().filter(|name| used.contains(name));
    let of = |name: &&str| Imported {
        row: import.row,
        span: import.span,
        path: vec!["future".into(), "keywords".into(), (*name).into()],
        alias: None,
    };
    kept.map(of).collect()
}

/// The keywords that a module uses and that are imported in every version.
#[derive(Default)]
struct Used(BTreeSet<&'static str>);

impl Visitor for Used {
    fn expr(&mut self, expr: &Expr) {
        match &expr.kind {
            ExprKind::Not(_) => self.0.insert("not"),
            ExprKind::Logical { op, .. } => self.0.insert(op.name()),
            _ => false,
        };
        walk_expr(self, expr);
    }
}

/// The imports to write: what the target makes needless is left out if that is asked for, and what it needs is added.
fn imports(module: &Module, options: Options) -> Vec<Imported> {
    let of = |import: &Import| Imported {
        row: module.source.line_of(import.span.start),
        span: Some(import.span),
        path: import.path.clone(),
        alias: import.alias.as_ref().map(|alias| alias.name.clone()),
    };
    let mut imports: Vec<Imported> = module.imports.iter().map(of).collect();
    match options.target {
        Target::V1 if options.drop_v0_imports => imports.retain(|import| !is_v1(import)),
        Target::V0AndV1 if !imports.iter().any(|import| is_v1(import) || is_v2(import)) => {
            let path = vec!["rego".into(), "v1".into()];
            imports.push(Imported { row: 1, span: None, path, alias: None });
        }
        _ => {}
    }
    let drop = options.drop_v0_imports && options.target != Target::V0;
    let v2 = imports.iter().any(is_v2);
    if drop || v2 || imports.iter().any(is_v1) {
        let mut used = Used::default();
        if !v2 {
            walk_module(&mut used, module);
        }
        let used: Vec<&str> = used.0.into_iter().collect();
        imports = imports.into_iter().flat_map(|import| beyond_v1(import, &used)).collect();
        // With the import that is added, if one is.
        if imports.iter().any(|import| import.span.is_none()) {
            for import in imports.iter_mut().filter(|import| is_future(import)) {
                (import.row, import.span) = (1, None);
            }
        }
    }
    imports
}

/// Groups that blank lines part stay apart; within each the order is that of the paths.
fn write_imports(writer: &mut Writer<'_>, imports: Vec<Imported>) {
    let mut imports = imports.into_iter().peekable();
    while let Some(first) = imports.next() {
        writer.comments_before(first.row);
        let mut last = first.row;
        let mut group = vec![first];
        while let Some(import) = imports.next_if(|import| import.row <= last + 1) {
            last = import.row;
            group.push(import);
        }
        let mut lines: Vec<_> =
            group.iter().map(|import| (import, writer.take_comment_on(import.row))).collect();
        lines.sort_by(|(a, _), (b, _)| (&a.path, &a.alias).cmp(&(&b.path, &b.alias)));
        for (import, comment) in lines {
            writer.start_line();
            writer.write("import ");
            let text = import.span.map_or("import rego.v1", |span| writer.source.slice(span));
            let path = path_text(text, &import.path);
            writer.write(&path);
            if let Some(alias) = &import.alias {
                writer.write(" as ");
                writer.write(alias);
            }
            if let Some(comment) = comment {
                writer.write(" ");
                writer.write(comment);
            }
            writer.end_line();
        }
        writer.blank_line();
    }
}

/// `data.a["b c"]`. A keyword that was in quotes stays so.
fn path_text(written: &str, path: &[Arc<str>]) -> String {
    let tokens = lex(written).tokens;
    // The word that begins the statement comes before the names.
    let mut kinds = tokens.iter().map(|token| token.kind).skip(1).filter(|kind| {
        !matches!(
            kind,
            Kind::Dot | Kind::LeftBracket | Kind::RightBracket | Kind::LeftParen | Kind::RightParen
        )
    });
    let mut out = String::new();
    for name in path {
        let quoted_here = kinds.next() == Some(Kind::String);
        if out.is_empty() {
            out.push_str(name);
        } else if needs_brackets(name, quoted_here) {
            out.push_str(&format!("[{}]", quoted(name)));
        } else {
            out.push('.');
            out.push_str(name);
        }
    }
    out
}
