//! Rules: heads, bodies, `else`.

use super::super::ast::{Body, Else, ElseValue, Expr, ExprKind, Head, HeadValue, Ref, Rule, Term, TermKind};
use super::super::error::Error;
use super::super::token::Kind;
use super::check::{is_set, multi_value, varies};
use super::type_name::type_name;
use super::{Parsed, Parser, fail};

impl Parser<'_> {
    /// A rule, and whether `if` was written.
    pub(super) fn rule(&mut self) -> Parsed<(Rule, bool)> {
        let (mut rule, has_if) = self.written_rule()?;
        let head = &mut rule.head;
        head.args.take_if(|args| args.is_empty());
        head.element = !rule.default
            && !has_if
            && matches!(head.value, HeadValue::Implied)
            && head.args.is_none()
            && head.name.parts.len() == 1;
        Ok((rule, has_if))
    }

    /// A rule as it is written, and whether `if` was.
    fn written_rule(&mut self) -> Parsed<(Rule, bool)> {
        let start = self.span();
        let default = self.kind() == Kind::Default;
        if default {
            self.bump();
            self.keyword_begins_reference();
            if self.kind() != Kind::Ident {
                return Err(fail(start, "unexpected default keyword"));
            }
        }
        if self.kind() != Kind::Ident {
            return Err(self.no_rule());
        }
        let (head, apart) = self.head()?;
        let mut rule =
            Rule { span: start, default, head, body: None, elses: Vec::new(), chained: Vec::new() };
        if default {
            rule.span = self.since(start.start);
            self.check_default(&rule)?;
            return Ok((rule, false));
        }
        let has_if = self.kind() == Kind::If;
        if has_if {
            self.bump();
            rule.body = Some(self.body_after_if()?);
        } else if self.kind() == Kind::LeftBrace {
            rule.body = Some(self.braced_body()?);
        } else {
            rule.span = self.since(start.start);
            if self.at_connective() {
                return Err(self.no_value(&rule));
            }
            if !matches!(rule.head.value, HeadValue::Contains(_)) {
                self.check_bare(&rule, apart)?;
            }
            return Ok((rule, false));
        }
        self.elses(&mut rule, has_if)?;
        while self.kind() == Kind::LeftBrace {
            if !rule.elses.is_empty() {
                return Err(fail(self.span(), "expected else keyword"));
            }
            rule.chained.push(self.braced_body()?);
        }
        rule.span = self.since(start.start);
        Ok((rule, has_if))
    }

    /// What may follow `if`: a condition, even one that begins with a brace (`{x | …}[_]`), but a set could only be true
    /// and is therefore a body in braces.
    fn body_after_if(&mut self) -> Parsed<Body> {
        if self.kind() != Kind::LeftBrace {
            let expr = self.literal()?;
            return Ok(Body { span: expr.span, braces: false, exprs: vec![expr] });
        }
        let mark = self.mark();
        if !self.keywords.logical() {
            return match self.literal_without_body() {
                Ok(expr) if !is_body(&expr) => Ok(Body { span: expr.span, braces: false, exprs: vec![expr] }),
                _ => {
                    self.back_to(mark)?;
                    self.braced_body()
                }
            };
        }
        // The body first, as `and` or `or` behind it would make it an operand. It is read but once if it is none.
        let body = self.braced_body();
        if body.is_ok() && self.at_connective() {
            let expr = self.logical_tail(body?)?;
            return Ok(Body { span: expr.span, braces: false, exprs: vec![expr] });
        }
        let (end, height) = (self.mark(), self.height);
        self.back_to(mark)?;
        match self.literal_without_body() {
            Ok(expr) if !is_body(&expr) => Ok(Body { span: expr.span, braces: false, exprs: vec![expr] }),
            _ => {
                self.back_to(end)?;
                self.height = height;
                body
            }
        }
    }

    fn elses(&mut self, rule: &mut Rule, has_if: bool) -> Parsed<()> {
        while self.kind() == Kind::Else && !self.keyword_begins_reference() {
            if rule.elses.is_empty() {
                let name = &rule.head.name;
                if name.parts.iter().any(varies) {
                    let message = "else keyword cannot be used on rules with variables in head";
                    return Err(fail(self.span(), message));
                }
                if multi_value(&rule.head, has_if) {
                    let message = "else keyword cannot be used on multi-value rules";
                    return Err(fail(self.span(), message));
                }
            } else if rule.elses.last().is_some_and(|last| last.body.is_none()) {
                return Err(self.unexpected(""));
            }
            let found = self.otherwise()?;
            rule.elses.push(found);
        }
        Ok(())
    }

    fn otherwise(&mut self) -> Parsed<Else> {
        let start = self.span().start;
        self.bump();
        let value = match self.kind() {
            Kind::LeftBrace | Kind::If => None,
            kind @ (Kind::Assign | Kind::Unify) => {
                self.bump();
                Some(ElseValue { assigned: kind == Kind::Assign, value: self.term(true)? })
            }
            _ => return Err(self.unexpected("expected else value term or rule body")),
        };
        let has_if = self.eat(Kind::If);
        let body = match self.kind() {
            Kind::LeftBrace => Some(self.braced_body()?),
            Kind::Eof if has_if => return Err(self.unexpected("rule body expected")),
            _ if has_if => {
                let expr = self.literal()?;
                Some(Body { span: expr.span, braces: false, exprs: vec![expr] })
            }
            _ => None,
        };
        Ok(Else { span: self.since(start), value, body })
    }

    /// A head, which begins with a name, and whether white space follows the name where a reference or call goes on.
    fn head(&mut self) -> Parsed<(Head, bool)> {
        let span = self.span();
        let kind = TermKind::Var(self.name(self.text()));
        self.bump();
        self.height = 1;
        let next = self.token();
        if next.kind.is_operator() && !next.spaced {
            return Err(self.unexpected(""));
        }
        let mut term = Term { span, kind };
        let goes_on = matches!(next.kind, Kind::Dot | Kind::LeftBracket | Kind::LeftParen);
        if goes_on {
            term = self.reference(term)?;
        }
        let (name, args) = name_and_args(term)?;
        let text = self.source.slice(name.span);
        let value = match self.kind() {
            Kind::Contains if args.is_some() => {
                return Err(self.unexpected(&format!(
                    "the contains keyword can only be used with multi-value rule definitions (e.g., {text} contains <VALUE> {{ ... }})"
                )));
            }
            Kind::Contains => {
                self.bump();
                HeadValue::Contains(self.term(true)?)
            }
            kind @ (Kind::Assign | Kind::Unify) => {
                self.bump();
                HeadValue::Value { assigned: kind == Kind::Assign, value: self.term(true)? }
            }
            _ => HeadValue::Implied,
        };
        let head = Head { span: self.since(span.start), name, args, element: false, value };
        Ok((head, goes_on && next.spaced))
    }

    /// Why what comes next is no rule.
    fn no_rule(&mut self) -> Box<Error> {
        let expr = match self.literal() {
            Ok(expr) => expr,
            Err(error) => return error,
        };
        let message = match &expr.kind {
            _ if !expr.with.is_empty() => {
                "expressions using with keyword cannot be used for rule head".into()
            }
            ExprKind::Not(_) => "negated expressions cannot be used for rule head".into(),
            _ if expr.negated => "negated expressions cannot be used for rule head".into(),
            ExprKind::Some(_) | ExprKind::SomeIn { .. } => {
                "'some' declarations cannot be used for rule head".into()
            }
            ExprKind::Every { .. } | ExprKind::Logical { .. } => {
                "expression cannot be used for rule head".into()
            }
            ExprKind::Term(term) | ExprKind::Assign(term, _) | ExprKind::Unify(term, _) => {
                match &term.peeled().kind {
                    TermKind::Infix { .. } | TermKind::In { .. } | TermKind::Call { .. } => {
                        "rule name conflicts with built-in function".into()
                    }
                    _ => format!("{} cannot be used for rule name", type_name(term)),
                }
            }
        };
        fail(expr.span, message)
    }
}

/// Whether braces that were read as a term are a body.
fn is_body(expr: &Expr) -> bool {
    matches!(&expr.kind, ExprKind::Term(term) if is_set(term))
}

fn name_and_args(term: Term) -> Parsed<(Ref, Option<Vec<Term>>)> {
    let span = term.span;
    let invalid = |term: &Term| {
        let message = format!("{} cannot be used for rule name", type_name(term));
        Err(fail(span, message))
    };
    let (term, args) = match term.kind {
        TermKind::Call { function, args } => (*function, Some(args)),
        _ => (term, None),
    };
    let name = match term.kind {
        TermKind::Var(_) => Ref { span: term.span, head: Box::new(term), parts: Vec::new() },
        TermKind::Ref(name) => name,
        _ => return invalid(&term),
    };
    match name.head.kind {
        TermKind::Var(_) => Ok((name, args)),
        _ => invalid(&name.head),
    }
}
