//! Files: the package, imports and rules.

use std::sync::Arc;

use super::super::ast::{Import, Module, Package, Ref, RefPart, Rule, Term, TermKind, Version};
use super::super::error::{Error, MAX_ERRORS, PACKAGE_EXPECTED};
use super::super::keywords::Keywords;
use super::super::source::Span;
use super::super::token::Kind;
use super::type_name::type_name;
use super::{Parsed, Parser, fail};

/// What a file is made of.
enum Statement {
    Package(Package),
    Import(Import),
    Rule(Box<Rule>, bool),
}

impl Parser<'_> {
    /// A whole file; `None` without a package. Errors are reported, and reading goes on with the next line that looks
    /// like the start of something.
    pub(super) fn module(&mut self) -> Option<Module> {
        let (mut package, mut imports, mut rules) = (None, Vec::new(), Vec::new());
        let mut with_if = Vec::new();
        if self.kind() == Kind::Eof {
            let mut error = fail(self.span(), "empty module");
            error.advice = Some("begin the file with its package, such as `package app`".to_owned());
            self.report(&error);
        }
        let mut first = true;
        while self.kind() != Kind::Eof && self.errors.len() < MAX_ERRORS {
            let (start, at) = (self.span(), self.at);
            if self.asked == Version::V2 && first && !self.options.features.rego_v2_import {
                self.report(&fail(start, "rego v2 is not supported by current capabilities"));
            }
            let missing = std::mem::take(&mut first) && self.kind() != Kind::Package;
            if missing {
                self.report_in(at, *fail(start, PACKAGE_EXPECTED));
            }
            match self.statement() {
                Ok(Statement::Package(_)) if at > 0 => self.report_in(at, *fail(start, "unexpected package")),
                Ok(Statement::Package(found)) => package = Some(found),
                Ok(Statement::Import(found)) => imports.push(found),
                Ok(Statement::Rule(found, has_if)) => {
                    rules.push(*found);
                    with_if.push(has_if);
                }
                Err(error) => {
                    self.report_in(at, *error);
                    self.skip(at);
                }
            }
        }
        if self.version == Version::V1 {
            for (rule, has_if) in rules.iter().zip(with_if) {
                self.check_v1(rule, has_if);
            }
        }
        let comments = Vec::new();
        Some(Module {
            source: self.source.clone(),
            version: self.version,
            keywords: self.keywords,
            package: package?,
            imports,
            rules,
            comments,
        })
    }

    /// Goes on to a line that begins with a word, beyond the start of the statement at `from`.
    fn skip(&mut self, from: usize) {
        (self.nesting, self.exceeded) = (0, None);
        self.at = self.at.max(from);
        loop {
            let token = self.token();
            let column = self.source.position(token.span.start).1;
            let word = token.kind == Kind::Ident || token.kind.is_keyword();
            if token.kind == Kind::Eof || (word && token.newline && column == 1 && self.at > from) {
                return;
            }
            self.bump();
        }
    }

    fn statement(&mut self) -> Parsed<Statement> {
        if !self.keyword_begins_reference() {
            match self.kind() {
                Kind::Package => return self.package().map(Statement::Package),
                Kind::Import => return self.import().map(Statement::Import),
                _ => {}
            }
        }
        let (rule, has_if) = self.rule()?;
        Ok(Statement::Rule(Box::new(rule), has_if))
    }

    /// The path after `package` or `import`, of names and strings. Keywords are names in it.
    fn path(&mut self) -> Parsed<(Span, Vec<Arc<str>>)> {
        if self.kind() != Kind::Ident {
            if !self.kind().is_keyword() {
                return Err(self.unexpected("expected identifier"));
            }
            self.name_at = self.at;
        }
        let term = self.primary()?;
        let mut path = Vec::new();
        let parts = match &term.kind {
            TermKind::Var(name) => {
                path.push(name.clone());
                &[][..]
            }
            TermKind::Ref(Ref { head, parts, .. }) => {
                let TermKind::Var(name) = &head.kind else {
                    return Err(not_a(head, "var"));
                };
                path.push(name.clone());
                parts
            }
            _ => return Err(fail(term.span, "expected path")),
        };
        for part in parts {
            match part {
                RefPart::Dot(name) => path.push(name.name.clone()),
                RefPart::Bracket(Term { kind: TermKind::String { value, .. }, .. }) => {
                    path.push(value.clone())
                }
                RefPart::Bracket(other) => return Err(not_a(other, "string")),
            }
        }
        Ok((term.span, path))
    }

    fn package(&mut self) -> Parsed<Package> {
        let start = self.span().start;
        self.bump();
        let (_, path) = self.path()?;
        Ok(Package { span: self.since(start), path })
    }

    fn import(&mut self) -> Parsed<Import> {
        let start = self.span().start;
        self.bump();
        let (place, path) = self.path()?;
        let root = path.first().map_or("", |root| root);
        if !matches!(root, "data" | "input" | "future" | "rego") {
            let message = format!(
                "unexpected import path, must begin with one of: {{data, future, input, rego}}, got: {root}"
            );
            return Err(fail(place, message));
        }
        let mut alias = None;
        if self.eat(Kind::As) {
            if self.kind() != Kind::Ident || matches!(self.text(), "input" | "data") {
                return Err(self.unexpected("expected var"));
            }
            let name = self.ident();
            let next = self.token();
            if !next.spaced && matches!(next.kind, Kind::Dot | Kind::LeftBracket | Kind::LeftParen) {
                return Err(self.unexpected("expected var"));
            }
            alias = Some(name);
        } else if root != "future" {
            let last = path.last().map_or("", |last| last);
            if self.is_own_keyword(last) {
                let message = format!("unexpected import path, must not end with a keyword, got: {last}");
                let error = fail(place, message).with_hint("import a different path or use an alias");
                return Err(Box::new(error));
            }
        }
        match root {
            "future" => self.import_keywords(place, &path, alias.is_some())?,
            "rego" => self.import_version(place, &path, alias.is_some())?,
            _ => {}
        }
        Ok(Import { span: self.since(start), path, alias })
    }

    /// Whether it is a keyword of the version that was asked for.
    fn is_own_keyword(&self, word: &str) -> bool {
        let younger = matches!(word, "in" | "every" | "contains" | "if");
        Kind::is_v1_keyword(word) && (self.asked != Version::V0 || !younger)
    }

    fn import_keywords(&mut self, place: Span, path: &[Arc<str>], alias: bool) -> Parsed<()> {
        let error = |message: &str| Err(fail(place, message));
        if path.get(1).is_none_or(|name| &**name != "keywords") {
            return error("invalid import, must be `future.keywords`");
        }
        if alias {
            return error("`future` imports cannot be aliased");
        }
        let known = self.options.features.future_keywords;
        let wanted = match (path.get(2).map(|name| &**name), path.len()) {
            (None | Some(_), 4..) | (None, _) => known,
            // With `every` comes `in`.
            (Some("every"), _) => Keywords::of(["every", "in"]),
            (Some(name), _) => Keywords::of([name]),
        };
        if wanted.names().is_empty() || wanted.with(known) != known {
            let message = format!("unexpected keyword, must be one of [{}]", known.names().join(" "));
            let mut error = fail(place, message);
            if !wanted.names().is_empty() {
                error.hint =
                    Some("the given capabilities are those of an OPA that has no such keyword".into());
            }
            return Err(error);
        }
        self.keywords = self.keywords.with(wanted);
        Ok(())
    }

    /// `rego.v1`, which says nothing in v1, or `rego.v2`.
    fn import_version(&mut self, place: Span, path: &[Arc<str>], alias: bool) -> Parsed<()> {
        let features = self.options.features;
        let (keywords, allowed) = match path.get(1).map(|name| &**name) {
            Some("v1") if path.len() == 2 => (Keywords::V1, features.rego_v1),
            Some("v2") if path.len() == 2 => (Keywords::ALL, features.rego_v2_import),
            _ => {
                let message = format!("invalid import `{}`, must be `rego.v1` or `rego.v2`", path.join("."));
                return Err(fail(place, message));
            }
        };
        if !allowed {
            let path = path.join(".");
            let error =
                fail(place, format!("invalid import, `{path}` is not supported by current capabilities"));
            let instead =
                if keywords == Keywords::ALL { "; import what it has of `future.keywords`" } else { "" };
            let hint = format!("the given capabilities are those of an OPA that has no `{path}`{instead}");
            return Err(Box::new(error.with_hint(hint)));
        }
        if alias && (self.asked == Version::V0 || keywords == Keywords::ALL) {
            return Err(fail(place, "`rego` imports cannot be aliased"));
        }
        self.keywords = self.keywords.with(keywords);
        self.version = Version::V1;
        Ok(())
    }
}

fn not_a(term: &Term, wanted: &str) -> Box<Error> {
    fail(term.span, format!("unexpected {} token: expecting {wanted}", type_name(term)))
}
