//! The syntax tree: what was written, in the order in which it was written. It says nothing of what it means.

use std::sync::Arc;

use super::keywords::Keywords;
use super::source::{Source, Span};

/// Which Rego a module is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Version {
    /// Before OPA 1.0: `allow { … }`; `if`, `contains`, `in`, `every` are keywords only where imported.
    V0,
    /// Since OPA 1.0: `allow if { … }`.
    #[default]
    V1,
    /// The same with the keywords `and` and `or`, and the `not` of `future.keywords.not`, without an import.
    V2,
}

/// A module: one file.
#[derive(Debug, Clone)]
pub struct Module {
    /// What it was read from.
    pub source: Source,
    /// What it was read as: v0 or v1. A v0 module that imports `rego.v1` or `rego.v2` is read as v1, and a v2 module as v1
    /// with more keywords.
    pub version: Version,
    /// The younger keywords that count in it.
    pub keywords: Keywords,
    /// `package a.b`
    pub package: Package,
    /// `import …`, in order.
    pub imports: Vec<Import>,
    /// The rules, in order.
    pub rules: Vec<Rule>,
    /// Every comment, in order.
    pub comments: Vec<Comment>,
}

/// A comment, from its `#` to the end of its line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comment {
    /// With the `#`, without the line's end.
    pub span: Span,
}

/// `package a.b["c d"]`
#[derive(Debug, Clone)]
pub struct Package {
    /// From `package` to the end of the path.
    pub span: Span,
    /// `a`, `b`, `c d`.
    pub path: Vec<Arc<str>>,
}

/// `import data.a.b as c`
#[derive(Debug, Clone)]
pub struct Import {
    /// From `import` to the end.
    pub span: Span,
    /// `data`, `a`, `b`.
    pub path: Vec<Arc<str>>,
    /// `c`
    pub alias: Option<Ident>,
}

impl Import {
    /// The keywords that it makes ones, where it is an import of `future.keywords`.
    pub fn future_keywords(&self) -> Vec<&str> {
        let names: Vec<&str> = self.path.iter().map(|name| &**name).collect();
        match names.as_slice() {
            ["future", "keywords"] => vec!["and", "contains", "every", "if", "in", "not", "or"],
            ["future", "keywords", keyword] => vec![keyword],
            _ => Vec::new(),
        }
    }
}

/// A name and its place.
#[derive(Debug, Clone)]
pub struct Ident {
    /// Its place.
    pub span: Span,
    /// The name.
    pub name: Arc<str>,
}

/// A rule or function with everything that belongs to it.
#[derive(Debug, Clone)]
pub struct Rule {
    /// From its first to its last byte, `else` and chained bodies included.
    pub span: Span,
    /// `default allow := false`; then there is no body.
    pub default: bool,
    /// What it defines.
    pub head: Head,
    /// Its conditions; `None` where it has none.
    pub body: Option<Body>,
    /// `else := … if { … }`, in order.
    pub elses: Vec<Else>,
    /// Further bodies of the same head: `p { … } { … }`.
    pub chained: Vec<Body>,
}

/// What a rule defines.
#[derive(Debug, Clone)]
pub struct Head {
    /// Without `default`, the body and `if`.
    pub span: Span,
    /// `allow`, `a.b[x].c`; a rule's name is its head.
    pub name: Ref,
    /// The parameters of a function; there is at least one (`f() := 7` is a rule without any).
    pub args: Option<Vec<Term>>,
    /// Whether the second part of the name is an element of a set: `p[x] { … }`, without `if`. Only v0 takes such rules.
    pub element: bool,
    /// What it gives.
    pub value: HeadValue,
}

impl Head {
    /// The element of the set that the rule makes up by its name alone.
    pub fn old_element(&self) -> Option<&RefPart> {
        self.name.parts.last().filter(|_| self.element)
    }
}

/// What a rule gives when it holds.
#[derive(Debug, Clone)]
pub enum HeadValue {
    /// Nothing is written: `true`, or in v0, where the name ends in `[x]`, an element of a set.
    Implied,
    /// `:= value`, or `= value`.
    Value {
        /// Whether `:=` was written.
        assigned: bool,
        /// The value.
        value: Term,
    },
    /// `contains element`
    Contains(Term),
}

/// `else := value if { … }`
#[derive(Debug, Clone)]
pub struct Else {
    /// From `else`.
    pub span: Span,
    /// The value; `None` is `true`.
    pub value: Option<ElseValue>,
    /// The conditions.
    pub body: Option<Body>,
}

/// The value of an `else`.
#[derive(Debug, Clone)]
pub struct ElseValue {
    /// Whether `:=` was written, rather than `=`.
    pub assigned: bool,
    /// The value.
    pub value: Term,
}

/// Expressions that all hold.
#[derive(Debug, Clone)]
pub struct Body {
    /// With the braces, where there are any.
    pub span: Span,
    /// Whether it is in braces; a body of `if` need not be.
    pub braces: bool,
    /// The expressions; never empty.
    pub exprs: Vec<Expr>,
}

/// One condition.
#[derive(Debug, Clone)]
pub struct Expr {
    /// With `not` and every `with`.
    pub span: Span,
    /// `not …`, where the module does not import the `not` of the future: only the outermost expression is negated.
    pub negated: bool,
    /// The condition itself.
    pub kind: ExprKind,
    /// `with target as value`, in order.
    pub with: Vec<With>,
}

/// Kinds of conditions.
#[derive(Debug, Clone)]
pub enum ExprKind {
    /// A term that is neither false nor undefined, calls and comparisons included.
    Term(Term),
    /// `target := value`
    Assign(Term, Term),
    /// `left = right`
    Unify(Term, Term),
    /// `some x, y`
    Some(Vec<Ident>),
    /// `some key, value in collection`
    SomeIn {
        /// The key, where one is written.
        key: Option<Term>,
        /// The value.
        value: Term,
        /// Where it is in.
        collection: Term,
    },
    /// `every key, value in domain { … }`
    Every {
        /// The key, where one is written.
        key: Option<Ident>,
        /// The value.
        value: Ident,
        /// What is gone through.
        domain: Term,
        /// What holds for each.
        body: Body,
    },
    /// `not …` of `future.keywords.not`: there is no way in which the body holds. Either braces, or a single expression.
    Not(Body),
    /// `left and right`, `left or right`: at most one result, and nothing is bound. An operand without braces is a single
    /// expression.
    Logical {
        /// Which of them.
        op: Connective,
        /// The left operand.
        left: Body,
        /// The right operand.
        right: Body,
    },
}

/// What joins two conditions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Connective {
    /// `and`
    And,
    /// `or`
    Or,
}

impl Connective {
    /// As it is written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::And => "and",
            Self::Or => "or",
        }
    }
}

/// `with target as value`
#[derive(Debug, Clone)]
pub struct With {
    /// From `with`.
    pub span: Span,
    /// A reference or variable: `input.a`, `data.b`, `http.send`.
    pub target: Term,
    /// What stands there instead.
    pub value: Term,
}

/// A term and its place.
#[derive(Debug, Clone)]
pub struct Term {
    /// Its place, parentheses included.
    pub span: Span,
    /// What it is.
    pub kind: TermKind,
}

impl Term {
    /// What is within its parentheses.
    pub fn peeled(&self) -> &Self {
        let mut term = self;
        while let TermKind::Parens(inner) = &term.kind {
            term = inner;
        }
        term
    }

    /// The parts of `a.b["c"]`; `None` where any of them is not constant.
    pub fn dotted(&self) -> Option<Vec<Arc<str>>> {
        match &self.peeled().kind {
            TermKind::Var(name) => Some(vec![Arc::clone(name)]),
            TermKind::Ref(reference) => {
                let mut parts = reference.head.dotted()?;
                for part in &reference.parts {
                    parts.push(match part {
                        RefPart::Dot(name) => Arc::clone(&name.name),
                        RefPart::Bracket(Self { kind: TermKind::String { value, .. }, .. }) => {
                            Arc::clone(value)
                        }
                        RefPart::Bracket(_) => return None,
                    });
                }
                Some(parts)
            }
            _ => None,
        }
    }
}

/// Kinds of terms.
#[derive(Debug, Clone)]
pub enum TermKind {
    /// `null`
    Null,
    /// `true`, `false`
    Bool(bool),
    /// As written, with a minus sign directly before it.
    Number(Arc<str>),
    /// `"text"`, or raw: `` `text` ``; with escapes undone.
    String {
        /// What it says.
        value: Arc<str>,
        /// Whether it is in backticks.
        raw: bool,
    },
    /// `$"… {x} …"`, or raw.
    Template {
        /// Whether it is in backticks.
        raw: bool,
        /// Its parts, in order; no two texts in a row.
        parts: Vec<TemplatePart>,
    },
    /// A variable; `_` is one.
    Var(Arc<str>),
    /// `input.a[x]`, with at least one part.
    Ref(Ref),
    /// `f(x)`; `count(x)[y]` is a [`TermKind::Ref`] whose head is a call.
    Call {
        /// `f`, `io.jwt.decode`: a variable or a reference.
        function: Box<Term>,
        /// The arguments.
        args: Vec<Term>,
    },
    /// `left + right`, and all that stands between two terms.
    Infix {
        /// The operator.
        op: Op,
        /// Its place.
        op_span: Span,
        /// The left side.
        left: Box<Term>,
        /// The right side.
        right: Box<Term>,
    },
    /// `value in collection`, `key, value in collection`
    In {
        /// The key, where one is written.
        key: Option<Box<Term>>,
        /// The value.
        value: Box<Term>,
        /// Where it is in.
        collection: Box<Term>,
    },
    /// `[a, b]`
    Array(Vec<Term>),
    /// `{a, b}`, `set()`
    Set(Vec<Term>),
    /// `{a: b}`
    Object(Vec<(Term, Term)>),
    /// `[term | body]`
    ArrayComprehension(Box<Term>, Body),
    /// `{term | body}`
    SetComprehension(Box<Term>, Body),
    /// `{key: value | body}`
    ObjectComprehension(Box<Term>, Box<Term>, Body),
    /// `(term)`
    Parens(Box<Term>),
}

/// A part of a template string.
#[derive(Debug, Clone)]
pub enum TemplatePart {
    /// Text, with escapes undone.
    Text(Arc<str>),
    /// `{expression}`
    Expr(Box<Expr>),
}

/// `head.part[part]`
#[derive(Debug, Clone)]
pub struct Ref {
    /// With all parts.
    pub span: Span,
    /// A variable, call, array, object, set or comprehension.
    pub head: Box<Term>,
    /// What follows; empty only for the name of a rule.
    pub parts: Vec<RefPart>,
}

/// A part of a reference.
#[derive(Debug, Clone)]
pub enum RefPart {
    /// `.name`; keywords may be names.
    Dot(Ident),
    /// `[term]`
    Bracket(Term),
}

/// Operators between two terms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Op {
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterEqual,
    /// `+`
    Plus,
    /// `-`
    Minus,
    /// `*`
    Times,
    /// `/`
    Divide,
    /// `%`
    Remainder,
    /// `&`
    And,
    /// `|`
    Or,
    /// `:=` below the top of an expression: parsed, and refused or compiled later.
    Assign,
    /// `=` below the top of an expression.
    Unify,
}

impl Op {
    /// The built-in function that the operator stands for, by OPA's name.
    pub const fn function(self) -> &'static str {
        match self {
            Self::Equal => "equal",
            Self::NotEqual => "neq",
            Self::Less => "lt",
            Self::LessEqual => "lte",
            Self::Greater => "gt",
            Self::GreaterEqual => "gte",
            Self::Plus => "plus",
            Self::Minus => "minus",
            Self::Times => "mul",
            Self::Divide => "div",
            Self::Remainder => "rem",
            Self::And => "and",
            Self::Or => "or",
            Self::Assign => "assign",
            Self::Unify => "eq",
        }
    }
}
