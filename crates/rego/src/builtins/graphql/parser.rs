//! A parser for GraphQL queries. Results have the form of OPA's: members are named as in the library's Go types.

use super::lexer::{Kind, Lexer, Token};
use crate::value::{Object, Value};

/// The most levels of anything.
const MAX_DEPTH: usize = 200;

/// What is wrong, and where.
#[derive(Debug, Clone)]
pub struct Fault {
    /// What.
    pub message: String,
    /// From 1.
    pub line: usize,
    /// From 1.
    pub column: usize,
}

/// A result of reading.
pub type Read<T> = Result<T, Fault>;

/// Reads documents.
pub struct Parser<'a> {
    lexer: Lexer<'a>,
    next: Token,
    /// The one taken last.
    pub last: Token,
    depth: usize,
}

/// An object of some members.
pub fn object<const N: usize>(members: [(&str, Value); N]) -> Value {
    Value::from(members.into_iter().map(|(key, value)| (Value::from(key), value)).collect::<Object>())
}

/// Where a token is, as a member of what it starts.
pub fn position(token: &Token) -> (&'static str, Value) {
    let number = |number: usize| Value::from(i64::try_from(number).unwrap_or(0));
    ("Position", Value::from(vec![number(token.line), number(token.column)]))
}

/// Reads a query.
///
/// # Errors
/// What is wrong first.
pub fn parse_query(text: &str) -> Read<Value> {
    let mut parser = Parser::new(text);
    let (mut operations, mut fragments) = (Vec::new(), Vec::new());
    loop {
        match (parser.peek().kind, parser.peek().value.as_str()) {
            (Kind::End, _) => break,
            (Kind::Sign("{"), _) | (Kind::Name, "query" | "mutation" | "subscription") => {
                operations.push(parser.operation()?);
            }
            (Kind::Name, "fragment") => fragments.push(parser.fragment_definition()?),
            _ => return Err(parser.unexpected()),
        }
    }
    Ok(object([("Operations", Value::from(operations)), ("Fragments", Value::from(fragments))]))
}

impl<'a> Parser<'a> {
    /// At the start of a text.
    pub fn new(text: &'a str) -> Self {
        let mut lexer = Lexer::new(text);
        let next = lexer.next();
        Self { lexer, last: next.clone(), next, depth: 0 }
    }

    /// The token to come.
    pub const fn peek(&self) -> &Token {
        &self.next
    }

    /// A fault at a token.
    pub fn fault(token: &Token, message: String) -> Fault {
        Fault { message, line: token.line, column: token.column }
    }

    /// Takes a token.
    pub fn take(&mut self) -> Read<Token> {
        if self.next.kind == Kind::Invalid {
            return Err(Self::fault(&self.next, self.next.value.clone()));
        }
        self.last = std::mem::replace(&mut self.next, self.lexer.next());
        Ok(self.last.clone())
    }

    /// The token to come is not wanted.
    pub fn unexpected(&self) -> Fault {
        Self::fault(&self.next, format!("Unexpected {}", self.next.text()))
    }

    /// Takes a token of a kind.
    pub fn expect(&mut self, kind: Kind) -> Read<Token> {
        if self.next.kind == kind {
            return self.take();
        }
        Err(Self::fault(&self.next, format!("Expected {}, found {}", kind.text(), self.next.kind.text())))
    }

    /// Takes a certain word.
    pub fn keyword(&mut self, word: &str) -> Read<Token> {
        if self.next.kind == Kind::Name && self.next.value == word {
            return self.take();
        }
        Err(Self::fault(&self.next, format!("Expected {word:?}, found {}", self.next.text())))
    }

    /// Takes a sign if it is there.
    pub fn skip(&mut self, sign: &'static str) -> Read<bool> {
        let there = self.next.kind == Kind::Sign(sign);
        if there {
            self.take()?;
        }
        Ok(there)
    }

    /// Takes a name.
    pub fn name(&mut self) -> Read<Value> {
        Ok(Value::from(self.expect(Kind::Name)?.value))
    }

    /// Any number of items between signs, or none without the signs; `some` wants at least one between them.
    pub fn items(
        &mut self,
        start: &'static str,
        end: &'static str,
        some: bool,
        mut item: impl FnMut(&mut Self) -> Read<Value>,
    ) -> Read<Value> {
        let mut items = Vec::new();
        if !self.skip(start)? {
            return Ok(Value::from(items));
        }
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(Self::fault(&self.next, "exceeded max depth".to_string()));
        }
        while self.next.kind != Kind::Sign(end) {
            items.push(item(self)?);
        }
        if some && items.is_empty() {
            let found = self.next.kind.text();
            return Err(Self::fault(&self.next, format!("expected at least one definition, found {found}")));
        }
        self.take()?;
        self.depth -= 1;
        Ok(Value::from(items))
    }

    fn operation(&mut self) -> Read<Value> {
        let start = position(self.peek());
        if self.peek().kind == Kind::Sign("{") {
            let selections = self.selections()?;
            return Ok(object([
                ("Operation", Value::from("query")),
                ("Name", Value::from("")),
                ("SelectionSet", selections),
                start,
            ]));
        }
        let operation = self.operation_type()?;
        let name = if self.peek().kind == Kind::Name { self.name()? } else { Value::from("") };
        Ok(object([
            ("Operation", operation),
            ("Name", name),
            ("VariableDefinitions", self.items("(", ")", false, Self::variable_definition)?),
            ("Directives", self.directives(false)?),
            ("SelectionSet", self.selections()?),
            start,
        ]))
    }

    /// `query`, `mutation` or `subscription`.
    pub fn operation_type(&mut self) -> Read<Value> {
        let token = self.take()?;
        match token.value.as_str() {
            "query" | "mutation" | "subscription" => Ok(Value::from(token.value)),
            _ => Err(Self::fault(&token, format!("Unexpected {}", token.text()))),
        }
    }

    fn variable_definition(&mut self) -> Read<Value> {
        let start = position(self.peek());
        self.expect(Kind::Sign("$"))?;
        let variable = self.name()?;
        self.expect(Kind::Sign(":"))?;
        let of = self.type_reference()?;
        let default = if self.skip("=")? { self.value(true)? } else { Value::Null };
        let directives = self.directives(false)?;
        Ok(object([
            ("Variable", variable),
            ("Type", of),
            ("DefaultValue", default),
            ("Directives", directives),
            ("Used", Value::from(false)),
            start,
        ]))
    }

    fn selections(&mut self) -> Read<Value> {
        if self.peek().kind != Kind::Sign("{") {
            return self.expect(Kind::Sign("{")).map(|_| Value::Null);
        }
        self.items("{", "}", true, Self::selection)
    }

    fn selection(&mut self) -> Read<Value> {
        if self.skip("...")? {
            return self.spread();
        }
        let start = position(self.peek());
        let alias = self.name()?;
        let name = if self.skip(":")? { self.name()? } else { alias.clone() };
        let arguments = self.arguments(false)?;
        let directives = self.directives(false)?;
        let selections = self.items("{", "}", true, Self::selection)?;
        Ok(object([
            ("Alias", alias),
            ("Name", name),
            ("Arguments", arguments),
            ("Directives", directives),
            ("SelectionSet", selections),
            start,
        ]))
    }

    fn spread(&mut self) -> Read<Value> {
        let start = position(self.peek());
        if self.peek().kind == Kind::Name && self.peek().value != "on" {
            let name = self.name()?;
            return Ok(object([("Name", name), ("Directives", self.directives(false)?), start]));
        }
        let condition = if self.peek().value == "on" {
            self.take()?;
            self.name()?
        } else {
            Value::from("")
        };
        let directives = self.directives(false)?;
        let selections = self.selections()?;
        Ok(object([
            ("TypeCondition", condition),
            ("Directives", directives),
            ("SelectionSet", selections),
            start,
        ]))
    }

    fn fragment_definition(&mut self) -> Read<Value> {
        let start = position(self.peek());
        self.keyword("fragment")?;
        if self.peek().value == "on" {
            return Err(self.unexpected());
        }
        let name = self.name()?;
        let variables = self.items("(", ")", false, Self::variable_definition)?;
        self.keyword("on")?;
        let condition = self.name()?;
        let directives = self.directives(false)?;
        let selections = self.selections()?;
        Ok(object([
            ("Name", name),
            ("VariableDefinition", variables),
            ("TypeCondition", condition),
            ("Directives", directives),
            ("SelectionSet", selections),
            start,
        ]))
    }

    fn arguments(&mut self, constant: bool) -> Read<Value> {
        self.items("(", ")", false, |parser| parser.named_value(constant))
    }

    fn named_value(&mut self, constant: bool) -> Read<Value> {
        let start = position(self.peek());
        let name = self.name()?;
        self.expect(Kind::Sign(":"))?;
        Ok(object([("Name", name), ("Value", self.value(constant)?), start]))
    }

    /// A value; a constant one has no variables.
    pub fn value(&mut self, constant: bool) -> Read<Value> {
        let start = position(self.peek());
        let token = self.peek().clone();
        let (kind, raw, children) = match token.kind {
            Kind::Sign("[") => {
                let children = self.items("[", "]", false, |parser| {
                    Ok(object([("Name", Value::from("")), ("Value", parser.value(constant)?)]))
                })?;
                (8, Value::from(""), children)
            }
            Kind::Sign("{") => {
                (9, Value::from(""), self.items("{", "}", false, |parser| parser.named_value(constant))?)
            }
            Kind::Sign("$") if !constant => {
                self.take()?;
                (0, self.name()?, Value::Null)
            }
            kind => {
                let kind = match (kind, token.value.as_str()) {
                    (Kind::Int, _) => 1,
                    (Kind::Float, _) => 2,
                    (Kind::String, _) => 3,
                    (Kind::Block, _) => 4,
                    (Kind::Name, "true" | "false") => 5,
                    (Kind::Name, "null") => 6,
                    (Kind::Name, _) => 7,
                    _ => return Err(self.unexpected()),
                };
                (kind, Value::from(self.take()?.value), Value::Null)
            }
        };
        Ok(object([
            ("Kind", Value::from(kind)),
            ("Raw", raw),
            ("Children", children),
            ("ExpectedTypeHasDefault", Value::from(false)),
            start,
        ]))
    }

    /// Directives.
    pub fn directives(&mut self, constant: bool) -> Read<Value> {
        let mut directives = Vec::new();
        while self.skip("@")? {
            let start = position(self.peek());
            let name = self.name()?;
            let arguments = self.arguments(constant)?;
            directives.push(object([
                ("Name", name),
                ("Arguments", arguments),
                ("Location", Value::from("")),
                start,
            ]));
        }
        Ok(Value::from(directives))
    }

    /// A type.
    pub fn type_reference(&mut self) -> Read<Value> {
        let listed = self.skip("[")?;
        let mut start = position(self.peek());
        let (name, element) = if listed {
            self.depth += 1;
            if self.depth > MAX_DEPTH {
                return Err(Self::fault(&self.next, "exceeded max depth".to_string()));
            }
            let element = self.type_reference()?;
            self.expect(Kind::Sign("]"))?;
            self.depth -= 1;
            (Value::from(""), element)
        } else {
            (self.name()?, Value::Null)
        };
        let required = self.skip("!")?;
        if required {
            start = position(self.peek());
        }
        Ok(object([("NamedType", name), ("Elem", element), ("NonNull", Value::from(required)), start]))
    }
}
