//! Recursive-descent parser, with precedence climbing for operators.
//!
//! What is ambiguous is decided as OPA decides it. A text is hostile until proven otherwise, so that nesting, the height
//! of the tree, the work spent on wrong guesses and the number of errors are all bounded.

mod check;
mod collection;
mod expr;
mod logical;
mod module;
mod rule;
mod term;
#[cfg(test)]
mod tests;
mod type_name;

use std::collections::HashSet;
use std::sync::Arc;

use super::ast::{Body, Module, Ref, Rule, Term, TermKind, Version};
use super::error::{Error, MAX_ERRORS, PACKAGE_EXPECTED};
use super::hints;
use super::keywords::{Features, Keywords};
use super::lexer::{Lexed, lex};
use super::literal::control_character_hint;
use super::source::{Source, Span};
use super::token::{Kind, Token};
use crate::budget;

/// The largest text, in bytes.
pub const MAX_SIZE: usize = 4 << 20;
/// How deep brackets, braces and parentheses may nest. A condition within one counts as a level of its own.
pub const MAX_NESTING: usize = 250;
/// How high a term may be: `a + b + c` is three high, as the tree leans to the left.
pub const MAX_HEIGHT: usize = 1_000;
/// How many tokens may be read in vain, per token and at least.
const MAX_WASTE: (usize, usize) = (2, 100_000);

/// How to read a module.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Keywords that count without being imported.
    pub keywords: Keywords,
    /// What may be used.
    pub features: Features,
    /// Whether a name is a built-in function; a bare call of one, as in `print("x")`, defines no function.
    pub is_builtin: fn(&str) -> bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { keywords: Keywords::default(), features: Features::default(), is_builtin: |_| false }
    }
}

/// Reads a module; the errors, of which there are at most [`MAX_ERRORS`], are in order of place.
pub fn parse_module(source: &Source, version: Version, options: Options) -> Result<Module, Vec<Error>> {
    let lexed = read(source)?;
    let mut parser = Parser::new(source, &lexed, version, options);
    let module = parser.module();
    let mut errors = parser.finish(&lexed);
    if let Some(missing) = errors.iter().position(|error| error.message == PACKAGE_EXPECTED)
        && let Some(advice) = hints::foreign(source)
    {
        // What else there is to say of it would be said of a policy.
        errors = vec![Error { advice: Some(advice), ..errors.swap_remove(missing) }];
    }
    match module {
        Some(mut module) if errors.is_empty() => {
            module.comments = lexed.comments;
            Ok(module)
        }
        // `package.p` begins a rule. A module that is not read is never one without errors.
        None if errors.is_empty() => Err(vec![Error::new(Span::default(), PACKAGE_EXPECTED)]),
        _ => Err(errors),
    }
}

/// Reads a query: `data.test.p = x; y := 1`.
pub fn parse_query(source: &Source, version: Version) -> Result<Body, Vec<Error>> {
    parse_query_with(source, version, Options::default())
}

/// Reads a query in which more keywords may count.
pub fn parse_query_with(source: &Source, version: Version, options: Options) -> Result<Body, Vec<Error>> {
    whole(source, version, options, |parser| parser.whole_query())
}

/// Reads a single term.
pub fn parse_term(source: &Source, version: Version) -> Result<Term, Vec<Error>> {
    whole(source, version, Options::default(), |parser| parser.whole_term())
}

/// Reads a reference: `data.a["b"]`; `input` and `data` alone are ones too.
pub fn parse_ref(source: &Source, version: Version) -> Result<Ref, Vec<Error>> {
    let term = parse_term(source, version)?;
    match term.kind {
        TermKind::Ref(reference) => Ok(reference),
        TermKind::Var(ref name) if matches!(&**name, "input" | "data") => {
            Ok(Ref { span: term.span, head: Box::new(term), parts: Vec::new() })
        }
        _ => {
            Err(vec![Error::new(term.span, format!("expected ref but got {}", type_name::type_name(&term)))])
        }
    }
}

/// Whether `if` stands before the body of a rule. Where v0 has it imported, `p[x] if { … }` gives `true` for `x`, and
/// `p[x] { … }` is a set.
pub fn has_if(source: &Source, rule: &Rule) -> bool {
    let Some(body) = &rule.body else { return false };
    let between = source.slice(Span { start: rule.head.span.end, end: body.span.start });
    lex(between).tokens.iter().any(|token| token.kind == Kind::If)
}

fn whole<T>(
    source: &Source,
    version: Version,
    options: Options,
    parse: fn(&mut Parser<'_>) -> Parsed<T>,
) -> Result<T, Vec<Error>> {
    let lexed = read(source)?;
    let mut parser = Parser::new(source, &lexed, version, options);
    let result = parse(&mut parser);
    let result = result.map_err(|error| parser.report_in(0, *error));
    let errors = parser.finish(&lexed);
    match result {
        Ok(result) if errors.is_empty() => Ok(result),
        _ => Err(errors),
    }
}

fn read(source: &Source) -> Result<Lexed, Vec<Error>> {
    let size = source.text.len();
    if size > MAX_SIZE {
        let message = format!("text of {size} bytes is too large: at most {MAX_SIZE} are read");
        return Err(vec![Error::new(Span::default(), message)]);
    }
    Ok(lex(&source.text))
}

/// A place in the tokens, to go back to.
#[derive(Clone, Copy)]
struct Mark {
    at: usize,
    name_at: usize,
    nesting: usize,
}

struct Parser<'s> {
    source: &'s Source,
    tokens: &'s [Token],
    /// What was asked for.
    asked: Version,
    /// The same, or v1 once that is imported.
    version: Version,
    options: Options,
    /// Keywords that are names until they are imported.
    keywords: Keywords,
    at: usize,
    /// The token here is a name although it is a keyword, because a reference begins with it.
    name_at: usize,
    nesting: usize,
    /// Of the term that was read last.
    height: usize,
    waste: usize,
    /// The limit that is exceeded, if one is.
    exceeded: Option<Box<Error>>,
    names: HashSet<Arc<str>>,
    errors: Vec<Error>,
    /// Whether it was asked whether the text is Rego v0.
    asked_for_v0: bool,
}

/// Errors are boxed as they are rare, and as the results of this type fill the stack.
type Parsed<T> = Result<T, Box<Error>>;

fn fail(span: Span, message: impl Into<String>) -> Box<Error> {
    Box::new(Error::new(span, message))
}

/// A text that may not be written as it is between its quotes.
fn illegal_text(span: Span, what: &str, text: &str, inner: &str) -> Box<Error> {
    let error = Error::new(span, format!("illegal {what}: {text}"));
    Box::new(match control_character_hint(inner) {
        Some(hint) => error.with_hint(hint),
        None => error,
    })
}

impl<'s> Parser<'s> {
    fn new(source: &'s Source, lexed: &'s Lexed, version: Version, options: Options) -> Self {
        let keywords = match version {
            Version::V0 => Keywords::default(),
            Version::V1 => Keywords::V1,
            Version::V2 => Keywords::ALL,
        };
        Self {
            source,
            tokens: &lexed.tokens,
            asked: version,
            version: if version == Version::V0 { version } else { Version::V1 },
            options,
            keywords: keywords.with(options.keywords),
            at: 0,
            name_at: usize::MAX,
            nesting: 0,
            height: 0,
            waste: 0,
            exceeded: None,
            names: HashSet::new(),
            errors: Vec::new(),
            asked_for_v0: false,
        }
    }

    fn token_at(&self, at: usize) -> Token {
        let end = self.source.text.len() as u32;
        let eof = Token { kind: Kind::Eof, spaced: true, newline: true, span: Span { start: end, end } };
        self.tokens.get(at).copied().unwrap_or(eof)
    }

    fn token(&self) -> Token {
        self.token_at(self.at)
    }

    /// What comes next; a keyword that does not count is a name.
    fn kind(&self) -> Kind {
        if self.at == self.name_at {
            return Kind::Ident;
        }
        match self.token().kind {
            Kind::In if !self.keywords.r#in => Kind::Ident,
            Kind::Every if !self.keywords.every => Kind::Ident,
            Kind::Contains if !self.keywords.contains => Kind::Ident,
            Kind::If if !self.keywords.r#if => Kind::Ident,
            Kind::LogicalAnd if !self.keywords.and => Kind::Ident,
            Kind::LogicalOr if !self.keywords.or => Kind::Ident,
            kind => kind,
        }
    }

    fn span(&self) -> Span {
        self.token().span
    }

    /// Where the last token ended.
    fn last_end(&self) -> u32 {
        self.at.checked_sub(1).map_or(0, |last| self.token_at(last).span.end)
    }

    /// From a place to the end of the last token.
    fn since(&self, start: u32) -> Span {
        Span { start, end: self.last_end().max(start) }
    }

    fn text(&self) -> &'s str {
        self.source.slice(self.span())
    }

    fn bump(&mut self) {
        budget::work(1);
        if self.at + 1 < self.tokens.len() {
            self.at += 1;
        }
    }

    fn eat(&mut self, kind: Kind) -> bool {
        let found = self.kind() == kind;
        if found {
            self.bump();
        }
        found
    }

    /// Takes a keyword as a name if a reference begins with it: `in.x`, `some["x"]`.
    fn keyword_begins_reference(&mut self) -> bool {
        let next = self.token_at(self.at + 1);
        let begins =
            self.kind().is_keyword() && !next.spaced && matches!(next.kind, Kind::Dot | Kind::LeftBracket);
        if begins {
            self.name_at = self.at;
        }
        begins
    }

    fn mark(&self) -> Mark {
        Mark { at: self.at, name_at: self.name_at, nesting: self.nesting }
    }

    /// A limit is exceeded: not a wrong guess, so that no other may be tried.
    fn limit<T>(&mut self, span: Span, message: String) -> Parsed<T> {
        let error = fail(span, message);
        self.exceeded = Some(error.clone());
        Err(error)
    }

    /// Goes back after a wrong guess. Such guesses within guesses could take for ever.
    fn back_to(&mut self, mark: Mark) -> Parsed<()> {
        if let Some(error) = &self.exceeded {
            return Err(error.clone());
        }
        self.waste += self.at.saturating_sub(mark.at);
        (self.at, self.name_at, self.nesting) = (mark.at, mark.name_at, mark.nesting);
        if self.waste > self.tokens.len().saturating_mul(MAX_WASTE.0).saturating_add(MAX_WASTE.1) {
            return self.limit(self.span(), "too many ambiguous expressions within each other".into());
        }
        Ok(())
    }

    /// Reads something within brackets.
    fn nested<T>(&mut self, read: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.nesting >= MAX_NESTING {
            return self.limit(self.span(), "max parsing recursion depth exceeded".into());
        }
        self.nesting += 1;
        // Conditions within brackets within conditions: each level takes several calls.
        let result = stacker::maybe_grow(64 << 10, 1 << 20, || read(self));
        self.nesting -= 1;
        result
    }

    /// Notes that a term stands on others of this height.
    fn grow(&mut self, height: usize) -> Parsed<()> {
        self.height = height + 1;
        if self.height > MAX_HEIGHT {
            return self.limit(self.span(), format!("expression has more than {MAX_HEIGHT} levels"));
        }
        Ok(())
    }

    fn name(&mut self, text: &str) -> Arc<str> {
        if let Some(name) = self.names.get(text) {
            return name.clone();
        }
        let name: Arc<str> = text.into();
        self.names.insert(name.clone());
        name
    }

    /// The next token does not fit; `note` says what would.
    fn unexpected(&self, note: &str) -> Box<Error> {
        let (kind, span) = (self.kind(), self.span());
        if kind == Kind::Illegal {
            return fail(span, "illegal token");
        }
        let sort = if kind.is_keyword() { "keyword" } else { "token" };
        let colon = if note.is_empty() { "" } else { ": " };
        let error = fail(span, format!("unexpected {} {sort}{colon}{note}", kind.name()));
        match (kind, Kind::of_word(self.text())) {
            (Kind::Ident, Some(keyword)) if self.at != self.name_at => {
                let name = keyword.name();
                Box::new(error.with_hint(format!("`import future.keywords.{name}` makes `{name}` a keyword")))
            }
            _ => error,
        }
    }

    fn report(&mut self, error: &Error) {
        if self.errors.len() < MAX_ERRORS {
            self.errors.push(error.clone());
        }
    }

    /// Reports an error of the statement that begins with the token `from`, with what may help.
    fn report_in(&mut self, from: usize, mut error: Error) {
        error.advice = hints::hint(self.source, self.tokens, from, self.keywords, &error);
        self.report(&error);
    }

    /// All errors in order of place. What the lexer says of a token is said once, and by it.
    fn finish(&mut self, lexed: &Lexed) -> Vec<Error> {
        let mut errors = std::mem::take(&mut self.errors);
        errors.retain(|error| {
            let touches =
                |other: &Error| other.span.start < error.span.end && error.span.start < other.span.end;
            error.message != "illegal token" || !lexed.errors.iter().any(touches)
        });
        errors.extend(lexed.errors.iter().take(MAX_ERRORS).map(|error| {
            let advice = hints::hint(self.source, self.tokens, 0, self.keywords, error);
            Error { advice, ..error.clone() }
        }));
        errors.sort_by_key(|error| error.span);
        errors.dedup();
        errors.truncate(MAX_ERRORS);
        errors
    }
}
