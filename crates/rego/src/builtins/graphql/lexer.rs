//! A lexer for GraphQL.

/// Kinds of tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// What is no token.
    Invalid,
    /// The end.
    End,
    /// A sign, such as `!` or `...`.
    Sign(&'static str),
    /// A name.
    Name,
    /// A whole number.
    Int,
    /// Another number.
    Float,
    /// A text on one line.
    String,
    /// A text on many lines.
    Block,
}

impl Kind {
    /// As messages name it.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Invalid => "<Invalid>",
            Self::End => "<EOF>",
            Self::Sign(text) => text,
            Self::Name => "Name",
            Self::Int => "Int",
            Self::Float => "Float",
            Self::String => "String",
            Self::Block => "BlockString",
        }
    }
}

/// A token.
#[derive(Debug, Clone)]
pub struct Token {
    /// What it is.
    pub kind: Kind,
    /// Its text; of signs none, of invalid ones what is wrong.
    pub value: String,
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
}

impl Token {
    /// As messages name it.
    pub fn text(&self) -> String {
        match self.kind {
            Kind::Invalid => self.kind.text().to_string(),
            kind if self.value.is_empty() => kind.text().to_string(),
            kind => format!("{} {:?}", kind.text(), self.value),
        }
    }
}

/// Reads tokens.
pub struct Lexer<'a> {
    rest: &'a str,
    line: usize,
    column: usize,
}

const SIGNS: [&str; 14] = ["...", "!", "$", "&", "(", ")", ":", "=", "@", "[", "]", "{", "}", "|"];

impl<'a> Lexer<'a> {
    /// From the start of a text.
    pub const fn new(text: &'a str) -> Self {
        Self { rest: text, line: 1, column: 1 }
    }

    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    /// Goes on by one character.
    fn step(&mut self) -> Option<char> {
        let mut signs = self.rest.chars();
        let sign = signs.next()?;
        self.rest = signs.as_str();
        self.column += 1;
        Some(sign)
    }

    fn skip(&mut self, count: usize) {
        for _ in 0..count {
            self.step();
        }
    }

    /// Takes a line break.
    fn break_line(&mut self) {
        let first = self.step();
        (self.line, self.column) = (self.line + 1, 1);
        // The line starts before what is left of its break: a quirk that positions depend on.
        if first == Some('\r') && self.peek() == Some('\n') {
            self.step();
        }
    }

    fn token(&self, kind: Kind, value: impl Into<String>, column: usize) -> Token {
        Token { kind, value: value.into(), line: self.line, column }
    }

    fn invalid(&self, message: impl Into<String>) -> Token {
        self.token(Kind::Invalid, message, self.column)
    }

    /// The next token.
    pub fn next(&mut self) -> Token {
        loop {
            match self.peek() {
                Some('\t' | ' ' | ',' | '\u{feff}') => self.skip(1),
                Some('\n' | '\r') => self.break_line(),
                Some('#') => {
                    while self.peek().is_some_and(|sign| sign > '\u{1f}' || sign == '\t') {
                        self.step();
                    }
                }
                _ => break,
            }
        }
        let column = self.column;
        let Some(sign) = self.peek() else { return self.token(Kind::End, "", column) };
        if let Some(text) = SIGNS.iter().find(|text| self.rest.starts_with(**text)) {
            self.skip(text.len());
            return self.token(Kind::Sign(text), "", column);
        }
        match sign {
            '_' | 'a'..='z' | 'A'..='Z' => {
                let name = self.take(|sign| sign.is_ascii_alphanumeric() || sign == '_');
                self.token(Kind::Name, name, column)
            }
            '-' | '0'..='9' => self.number(),
            '"' if self.rest.starts_with("\"\"\"") => self.block(),
            '"' => self.string(),
            '\0'..='\u{1f}' => {
                self.invalid(format!("Cannot contain the invalid character \"\\u{:04}\"", u32::from(sign)))
            }
            '\'' => self
                .invalid("Unexpected single quote character ('), did you mean to use a double quote (\")?"),
            // Of a character of many bytes only the first one is told.
            _ => {
                let byte = self.rest.bytes().next().map_or(sign, char::from);
                self.invalid(format!("Cannot parse the unexpected character \"{byte}\"."))
            }
        }
    }

    fn take(&mut self, is: impl Fn(char) -> bool) -> String {
        let mut text = String::new();
        while let Some(sign) = self.peek().filter(|sign| is(*sign)) {
            text.push(sign);
            self.step();
        }
        text
    }

    fn describe(&self) -> String {
        self.rest
            .bytes()
            .next()
            .map_or_else(|| "<EOF>".to_string(), |byte| format!("\"{}\"", char::from(byte)))
    }

    fn number(&mut self) -> Token {
        let (column, start) = (self.column, self.rest);
        let wrong = |lexer: &Self| {
            lexer.invalid(format!("Invalid number, expected digit but got: {}.", lexer.describe()))
        };
        if self.peek() == Some('-') {
            self.step();
        }
        if self.peek() == Some('0') {
            self.step();
            if self.peek().is_some_and(|sign| sign.is_ascii_digit()) {
                return self
                    .invalid(format!("Invalid number, unexpected digit after 0: {}.", self.describe()));
            }
        } else if self.take(|sign| sign.is_ascii_digit()).is_empty() {
            return wrong(self);
        }
        let mut kind = Kind::Int;
        if self.peek() == Some('.') {
            kind = Kind::Float;
            self.step();
            if self.take(|sign| sign.is_ascii_digit()).is_empty() {
                return wrong(self);
            }
        }
        if matches!(self.peek(), Some('e' | 'E')) {
            kind = Kind::Float;
            self.step();
            if matches!(self.peek(), Some('-' | '+')) {
                self.step();
            }
            if self.take(|sign| sign.is_ascii_digit()).is_empty() {
                return wrong(self);
            }
        }
        let text = start.get(..start.len() - self.rest.len()).unwrap_or_default();
        self.token(kind, text, column)
    }

    fn string(&mut self) -> Token {
        self.step();
        let column = self.column;
        let mut text = String::new();
        loop {
            match self.peek() {
                None | Some('\n' | '\r') => return self.invalid("Unterminated string."),
                Some('"') => {
                    let token = self.token(Kind::String, text, column);
                    self.step();
                    return token;
                }
                Some('\\') => match self.escape() {
                    Ok(sign) => text.push(sign),
                    Err(token) => return token,
                },
                Some(sign) if sign < ' ' && sign != '\t' => {
                    return self
                        .invalid(format!("Invalid character within String: \"\\u{:04}\".", u32::from(sign)));
                }
                Some(sign) => {
                    text.push(sign);
                    self.step();
                }
            }
        }
    }

    fn escape(&mut self) -> Result<char, Token> {
        self.step();
        let Some(sign) = self.peek() else { return Err(self.invalid("Invalid character escape sequence.")) };
        let found = match sign {
            '"' | '/' | '\\' => sign,
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => {
                let digits: String = self.rest.chars().skip(1).take(4).collect();
                let code = Some(&digits).filter(|digits| {
                    digits.len() == 4 && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
                });
                let Some(code) = code.and_then(|digits| u32::from_str_radix(digits, 16).ok()) else {
                    return Err(self.invalid(format!("Invalid character escape sequence: \\u{digits}.")));
                };
                self.skip(5);
                return Ok(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            _ => return Err(self.invalid(format!("Invalid character escape sequence: \\{sign}."))),
        };
        self.step();
        Ok(found)
    }

    fn block(&mut self) -> Token {
        self.skip(3);
        let start = self.column;
        let (mut text, mut column) = (String::new(), start);
        loop {
            if self.rest.starts_with("\"\"\"") {
                let token = self.token(Kind::Block, unindented(&text), column);
                self.skip(3);
                return token;
            }
            if self.rest.starts_with("\\\"\"\"") {
                text.push_str("\"\"\"");
                self.skip(4);
                continue;
            }
            match self.peek() {
                None => return self.invalid("Unterminated string."),
                Some('\n' | '\r') => {
                    // Here, other than between tokens, the whole break is before the line.
                    if self.rest.starts_with("\r\n") {
                        self.step();
                    }
                    self.step();
                    (self.line, self.column) = (self.line + 1, 1);
                    column = 1;
                    text.push('\n');
                }
                Some(sign) if sign < ' ' && sign != '\t' => {
                    return self
                        .invalid(format!("Invalid character within String: \"\\u{:04}\".", u32::from(sign)));
                }
                Some(sign) => {
                    text.push(sign);
                    self.step();
                }
            }
        }
    }
}

/// Without what all lines but the first are indented by, and without blank lines at both ends.
fn unindented(text: &str) -> String {
    let blank = |line: &str| line.bytes().all(|byte| matches!(byte, b' ' | b'\t'));
    let indent = |line: &str| line.bytes().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    let lines: Vec<&str> = text.split('\n').collect();
    let common = lines.iter().skip(1).filter(|line| !blank(line)).map(|line| indent(line)).min().unwrap_or(0);
    let mut lines: Vec<&str> = lines
        .iter()
        .enumerate()
        .map(|(at, line)| if at == 0 { line } else { line.get(common..).unwrap_or_default() })
        .collect();
    while lines.last().is_some_and(|line| blank(line)) {
        lines.pop();
    }
    let start = lines.iter().take_while(|line| blank(line)).count();
    lines.get(start..).unwrap_or_default().join("\n")
}
