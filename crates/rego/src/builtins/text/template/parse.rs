//! Go's text templates: their syntax.

use std::collections::BTreeMap;

use crate::builtins::text::print::quote;
use crate::builtins::text::template::{functions, lexer};

use lexer::{Piece, Token, lex, split};

/// A template, and those that it defines.
pub struct Template {
    /// Its parts.
    pub parts: Vec<Node>,
    /// What `define` and `block` define.
    pub named: BTreeMap<String, Vec<Node>>,
}

/// A part of a template.
pub enum Node {
    /// Text as it is.
    Text(String),
    /// What a pipeline comes to.
    Print(Pipeline),
    /// The first branch whose condition holds, or the last part.
    If(Vec<(Pipeline, Vec<Self>)>, Vec<Self>),
    /// The body for each element, or the last part if there is none.
    Range(Pipeline, Vec<Self>, Vec<Self>),
    /// The body of the first branch that has a value, with that as the dot, or the last part.
    With(Vec<(Pipeline, Vec<Self>)>, Vec<Self>),
    /// What a named template comes to, with the value as its dot.
    Template(String, Option<Pipeline>),
    /// `{{break}}`
    Break,
    /// `{{continue}}`
    Continue,
}

/// Commands, each with the result of the one before as its last argument.
pub struct Pipeline {
    /// The variables that get the result.
    pub variables: Vec<String>,
    /// Whether they are there already.
    pub assigns: bool,
    /// A function or a value, and arguments.
    pub commands: Vec<Vec<Operand>>,
}

/// A part of a command.
pub enum Operand {
    /// `.a.b`, or the dot itself.
    Dot(Vec<String>),
    /// `$x.a.b`
    Variable(String, Vec<String>),
    /// `(…).a.b`
    Group(Pipeline, Vec<String>),
    /// The name of a function.
    Function(String),
    /// A text.
    Text(String),
    /// A whole number.
    Int(i64),
    /// Another number.
    Float(f64),
    /// A truth value.
    Bool(bool),
    /// `nil`
    Nil,
}

/// Reads a template.
///
/// # Errors
/// When it is none, or uses what is not supported.
pub fn parse(template: &str) -> Result<Template, String> {
    let mut parser = Parser {
        pieces: split(template)?.into_iter(),
        line: 1,
        depth: 0,
        loops: 0,
        variables: vec!["$".to_owned()],
        named: BTreeMap::new(),
    };
    let (parts, end) = parser.list()?;
    match end {
        End::Input => Ok(Template { parts, named: parser.named }),
        End::Closed => Err(parser.fault("unexpected {{end}}")),
        End::Else(_) => Err(parser.fault("unexpected {{else}}")),
    }
}

/// How a list of parts ended.
enum End {
    Input,
    Closed,
    Else(Vec<Token>),
}

struct Parser {
    pieces: std::vec::IntoIter<Piece>,
    line: usize,
    depth: usize,
    loops: usize,
    variables: Vec<String>,
    named: BTreeMap<String, Vec<Node>>,
}

/// How deep blocks and parentheses may be.
const MAX_DEPTH: usize = 100;

impl Parser {
    fn fault(&self, what: impl std::fmt::Display) -> String {
        format!("template: template:{}: {what}", self.line)
    }

    fn list(&mut self) -> Result<(Vec<Node>, End), String> {
        let mut nodes = Vec::new();
        while let Some(piece) = self.pieces.next() {
            let (line, action) = match piece {
                Piece::Text(text) => {
                    nodes.push(Node::Text(text));
                    continue;
                }
                Piece::Action(line, action) => (line, action),
            };
            self.line = line;
            let tokens = lex(&action).map_err(|what| self.fault(what))?;
            let Some((first, rest)) = tokens.split_first() else {
                return Err(self.fault("missing value for command"));
            };
            let word = if let Token::Word(word) = first { word.as_str() } else { "" };
            match word {
                "end" if rest.is_empty() => return Ok((nodes, End::Closed)),
                "else" => return Ok((nodes, End::Else(rest.to_vec()))),
                "if" => nodes.push(self.conditional("if", rest)?),
                "with" => nodes.push(self.conditional("with", rest)?),
                "range" => nodes.push(self.range(rest)?),
                "break" | "continue" if rest.is_empty() => {
                    if self.loops == 0 {
                        return Err(self.fault(format!("{{{{{word}}}}} outside {{{{range}}}}")));
                    }
                    nodes.push(if word == "break" { Node::Break } else { Node::Continue });
                }
                "define" if self.depth == 0 => self.define(rest)?,
                "define" => return Err(self.fault("unexpected {{define}}")),
                "template" => nodes.push(self.template(rest)?),
                "block" => nodes.push(self.block(rest)?),
                _ => nodes.push(Node::Print(self.pipeline(&tokens, 0)?)),
            }
        }
        Ok((nodes, End::Input))
    }

    /// What is within a block; its variables are gone behind it.
    fn inside(&mut self) -> Result<(Vec<Node>, End), String> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.fault("blocks are too deep"));
        }
        let known = self.variables.len();
        let list = self.list()?;
        self.variables.truncate(known);
        self.depth -= 1;
        if matches!(list.1, End::Input) { Err(self.fault("unexpected EOF")) } else { Ok(list) }
    }

    /// `if` or `with`, and what follows with `else`.
    fn conditional(&mut self, kind: &str, tokens: &[Token]) -> Result<Node, String> {
        let known = self.variables.len();
        let mut branches = Vec::new();
        let mut condition = self.pipeline(tokens, 1)?;
        let otherwise = loop {
            let (body, end) = self.inside()?;
            branches.push((condition, body));
            let tokens = match end {
                End::Else(tokens) => tokens,
                _ => break Vec::new(),
            };
            match tokens.split_first() {
                None => break self.last()?,
                Some((Token::Word(word), rest)) if word == kind => condition = self.pipeline(rest, 1)?,
                Some(_) => return Err(self.fault("unexpected token in else")),
            }
        };
        self.variables.truncate(known);
        Ok(if kind == "if" { Node::If(branches, otherwise) } else { Node::With(branches, otherwise) })
    }

    fn range(&mut self, tokens: &[Token]) -> Result<Node, String> {
        let known = self.variables.len();
        let pipeline = self.pipeline(tokens, 2)?;
        self.loops += 1;
        let inside = self.inside();
        self.loops -= 1;
        let (body, end) = inside?;
        let otherwise = match end {
            End::Else(tokens) if tokens.is_empty() => self.last()?,
            End::Else(_) => return Err(self.fault("unexpected token in else")),
            _ => Vec::new(),
        };
        self.variables.truncate(known);
        Ok(Node::Range(pipeline, body, otherwise))
    }

    /// The name of a template, and what is behind it.
    fn name<'t>(&self, tokens: &'t [Token]) -> Result<(String, &'t [Token]), String> {
        match tokens.split_first() {
            Some((Token::Text(name), rest)) => Ok((name.clone(), rest)),
            _ => Err(self.fault("a template is named by a quoted string")),
        }
    }

    fn define(&mut self, tokens: &[Token]) -> Result<(), String> {
        match self.name(tokens)? {
            (name, []) => self.named(name),
            _ => Err(self.fault("unexpected token in define clause")),
        }
    }

    fn template(&mut self, tokens: &[Token]) -> Result<Node, String> {
        let (name, rest) = self.name(tokens)?;
        let dot = if rest.is_empty() { None } else { Some(self.pipeline(rest, 1)?) };
        Ok(Node::Template(name, dot))
    }

    /// A definition and its use.
    fn block(&mut self, tokens: &[Token]) -> Result<Node, String> {
        let (name, rest) = self.name(tokens)?;
        let dot = self.pipeline(rest, 1)?;
        self.named(name.clone())?;
        Ok(Node::Template(name, Some(dot)))
    }

    /// Reads the body of a named template. It knows no variables but its own, and may end no loop around it.
    fn named(&mut self, name: String) -> Result<(), String> {
        let variables = std::mem::replace(&mut self.variables, vec!["$".to_owned()]);
        let loops = std::mem::take(&mut self.loops);
        let body = self.last();
        (self.variables, self.loops) = (variables, loops);
        let body = body?;
        let is_empty = |body: &[Node]| {
            body.iter().all(|node| matches!(node, Node::Text(text) if text.trim().is_empty()))
        };
        match self.named.get(&name) {
            // One that says nothing gives way.
            Some(_) if is_empty(&body) => {}
            Some(there) if !is_empty(there) => {
                return Err(format!("template: multiple definition of template {}", quote(&name)));
            }
            _ => drop(self.named.insert(name, body)),
        }
        Ok(())
    }

    fn last(&mut self) -> Result<Vec<Node>, String> {
        match self.inside()? {
            (nodes, End::Closed) => Ok(nodes),
            _ => Err(self.fault("expected end; found {{else}}")),
        }
    }

    /// A pipeline; `most` is how many variables it may set.
    fn pipeline(&mut self, tokens: &[Token], most: usize) -> Result<Pipeline, String> {
        let mut variables = Vec::new();
        let mut rest = tokens;
        let mut assigns = false;
        // Variables are what is before `:=` or `=`, if there is one of them.
        if let Some(at) = tokens.iter().position(|token| matches!(token, Token::Declare | Token::Assign)) {
            let (names, values) = tokens.split_at_checked(at).unwrap_or_default();
            assigns = values.first() == Some(&Token::Assign);
            rest = values.get(1..).unwrap_or_default();
            for name in names.split(|token| *token == Token::Comma) {
                match name {
                    [Token::Variable(name)] => variables.push(name.clone()),
                    _ => return Err(self.fault("unexpected token before assignment")),
                }
            }
            if variables.len() > most.max(1) {
                return Err(self.fault("too many declarations"));
            }
        }
        let mut commands = Vec::new();
        let mut reader = rest;
        loop {
            let command = self.command(&mut reader)?;
            if command.is_empty() {
                return Err(self.fault("missing value for command"));
            }
            if !commands.is_empty() && !matches!(command.first(), Some(Operand::Function(_))) {
                return Err(self.fault("non executable command in pipeline"));
            }
            commands.push(command);
            match reader.split_first() {
                None => break,
                Some((Token::Pipe, rest)) => reader = rest,
                Some(_) => return Err(self.fault("unexpected token in command")),
            }
        }
        for name in &variables {
            if assigns && !self.variables.contains(name) {
                return Err(self.fault(format!("undefined variable {}", quote(name))));
            }
            if !assigns {
                self.variables.push(name.clone());
            }
        }
        Ok(Pipeline { variables, assigns, commands })
    }

    fn command(&mut self, tokens: &mut &[Token]) -> Result<Vec<Operand>, String> {
        let mut command = Vec::new();
        while let Some((token, rest)) = tokens.split_first() {
            let operand = match token {
                Token::Pipe => break,
                Token::Dot => Operand::Dot(Vec::new()),
                Token::Field(name) => Operand::Dot(vec![name.clone()]),
                Token::Variable(name) if self.variables.contains(name) => {
                    Operand::Variable(name.clone(), Vec::new())
                }
                Token::Variable(name) => {
                    return Err(self.fault(format!("undefined variable {}", quote(name))));
                }
                Token::Text(text) => Operand::Text(text.clone()),
                Token::Int(number) => Operand::Int(*number),
                Token::Float(number) => Operand::Float(*number),
                Token::Word(word) => self.word(word)?,
                Token::Open => {
                    let close = closing(rest);
                    let Some(close) = close else { return Err(self.fault("unclosed left paren")) };
                    self.depth += 1;
                    if self.depth > MAX_DEPTH {
                        return Err(self.fault("parentheses are too deep"));
                    }
                    let inner = self.pipeline(rest.get(..close).unwrap_or_default(), 1)?;
                    self.depth -= 1;
                    command.push(Operand::Group(inner, Vec::new()));
                    *tokens = rest.get(close + 1..).unwrap_or_default();
                    continue;
                }
                Token::Chained(name) => {
                    match command.last_mut() {
                        Some(Operand::Dot(path) | Operand::Variable(_, path) | Operand::Group(_, path)) => {
                            path.push(name.clone());
                        }
                        _ => return Err(self.fault(format!("unexpected . after term {name}"))),
                    }
                    *tokens = rest;
                    continue;
                }
                Token::Close | Token::Comma | Token::Declare | Token::Assign => {
                    return Err(self.fault("unexpected token in operand"));
                }
            };
            command.push(operand);
            *tokens = rest;
        }
        Ok(command)
    }

    fn word(&self, word: &str) -> Result<Operand, String> {
        match word {
            "true" => Ok(Operand::Bool(true)),
            "false" => Ok(Operand::Bool(false)),
            "nil" => Ok(Operand::Nil),
            name if functions::is_function(name) => Ok(Operand::Function(word.to_owned())),
            _ => Err(self.fault(format!("function {} not defined", quote(word)))),
        }
    }
}

/// Where the parenthesis closes that has been opened before these tokens.
fn closing(rest: &[Token]) -> Option<usize> {
    let mut level = 0_usize;
    rest.iter().position(|token| {
        match token {
            Token::Open => level += 1,
            Token::Close if level == 0 => return true,
            Token::Close => level -= 1,
            _ => (),
        }
        false
    })
}
