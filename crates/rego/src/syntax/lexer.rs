//! Splits text into tokens. All keywords are told apart here; where they are none, the parser takes them as names.

use super::ast::Comment;
use super::error::{Error, MAX_ERRORS};
use super::source::Span;
use super::token::{Kind, Token};

/// A mark that some editors put at the start of a file.
const BOM: char = '\u{feff}';

/// What a text is made of.
#[derive(Debug, Default)]
pub struct Lexed {
    /// The tokens; the last one is [`Kind::Eof`].
    pub tokens: Vec<Token>,
    /// The comments between them.
    pub comments: Vec<Comment>,
    /// What is wrong in tokens that are [`Kind::Illegal`], and with characters that may stand nowhere.
    pub errors: Vec<Error>,
}

/// Takes a text of less than 4 GiB apart.
pub fn lex(text: &str) -> Lexed {
    let mut lexer =
        Lexer { text, at: 0, spaced: false, newline: true, templates: Vec::new(), out: Lexed::default() };
    lexer.forbidden_characters();
    if text.starts_with(BOM) {
        lexer.at = BOM.len_utf8();
    }
    while lexer.step() {}
    lexer.out
}

struct Lexer<'t> {
    text: &'t str,
    at: usize,
    spaced: bool,
    newline: bool,
    /// The templates that the place is in: whether each is raw, and how many braces are open in its expression.
    templates: Vec<(bool, u32)>,
    out: Lexed,
}

impl Lexer<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn eat_while(&mut self, test: impl Fn(u8) -> bool) -> bool {
        let start = self.at;
        while self.peek().is_some_and(&test) {
            self.at += 1;
        }
        self.at > start
    }

    fn span(&self, start: usize) -> Span {
        Span { start: start as u32, end: self.at as u32 }
    }

    fn error(&mut self, start: usize, message: &str) -> Kind {
        if self.out.errors.len() < MAX_ERRORS {
            self.out.errors.push(Error::new(self.span(start), message));
        }
        Kind::Illegal
    }

    /// NUL and, but at the start, the byte-order mark are allowed nowhere, not even in comments.
    fn forbidden_characters(&mut self) {
        for (at, found) in self.text.match_indices(['\0', BOM]) {
            let span = Span { start: at as u32, end: (at + found.len()) as u32 };
            if found == "\0" {
                self.out.errors.push(Error::new(span, "illegal null character"));
            } else if at > 0 {
                self.out.errors.push(Error::new(span, "illegal byte-order mark"));
            }
            if self.out.errors.len() >= MAX_ERRORS {
                return;
            }
        }
    }

    /// Takes one token, comment or run of white space; `false` after the last.
    fn step(&mut self) -> bool {
        let start = self.at;
        let Some(byte) = self.peek() else {
            self.push(Kind::Eof, start);
            return false;
        };
        match byte {
            b' ' | b'\t' | b'\r' | b'\n' => {
                self.at += 1;
                self.spaced = true;
                self.newline |= byte == b'\n';
                return true;
            }
            b'#' => {
                self.eat_while(|byte| byte != b'\n');
                let mut span = self.span(start);
                if self.text.get(start..self.at).is_some_and(|text| text.ends_with('\r')) {
                    span.end -= 1;
                }
                self.out.comments.push(Comment { span });
                return true;
            }
            _ => {}
        }
        let kind = self.token(byte, start);
        self.push(kind, start);
        true
    }

    fn push(&mut self, kind: Kind, start: usize) {
        let span = self.span(start);
        self.out.tokens.push(Token { kind, spaced: self.spaced, newline: self.newline, span });
        self.spaced = false;
        self.newline = false;
    }

    fn token(&mut self, byte: u8, start: usize) -> Kind {
        if byte.is_ascii_alphabetic() || byte == b'_' {
            self.eat_while(is_word);
            let word = self.text.get(start..self.at).unwrap_or_default();
            return Kind::of_word(word).unwrap_or(Kind::Ident);
        }
        if byte.is_ascii_digit() {
            return self.number(start);
        }
        if !byte.is_ascii() {
            let length =
                self.text.get(start..).and_then(|rest| rest.chars().next()).map_or(1, char::len_utf8);
            self.at += length;
            return Kind::Illegal;
        }
        self.at += 1;
        match byte {
            b'"' => self.string(start),
            b'`' => self.raw_string(start),
            b'$' => match self.peek() {
                Some(quote @ (b'"' | b'`')) => {
                    self.at += 1;
                    self.templates.push((quote == b'`', 0));
                    self.template(start)
                }
                _ => self.error(start, "illegal $ character"),
            },
            b'{' => {
                if let Some((_, open)) = self.templates.last_mut() {
                    *open += 1;
                }
                Kind::LeftBrace
            }
            b'}' => match self.templates.last_mut() {
                Some((_, 0)) => self.template(start),
                Some((_, open)) => {
                    *open -= 1;
                    Kind::RightBrace
                }
                None => Kind::RightBrace,
            },
            _ => self.symbol(byte, start),
        }
    }

    fn symbol(&mut self, byte: u8, start: usize) -> Kind {
        let mut either = |with_equals, without| if self.eat(b'=') { with_equals } else { without };
        match byte {
            b'[' => Kind::LeftBracket,
            b']' => Kind::RightBracket,
            b'(' => Kind::LeftParen,
            b')' => Kind::RightParen,
            b',' => Kind::Comma,
            b';' => Kind::Semicolon,
            b'.' => Kind::Dot,
            b'+' => Kind::Plus,
            b'-' => Kind::Minus,
            b'*' => Kind::Times,
            b'/' => Kind::Divide,
            b'%' => Kind::Remainder,
            b'&' => Kind::And,
            b'|' => Kind::Or,
            b':' => either(Kind::Assign, Kind::Colon),
            b'=' => either(Kind::Equal, Kind::Unify),
            b'<' => either(Kind::LessEqual, Kind::Less),
            b'>' => either(Kind::GreaterEqual, Kind::Greater),
            b'!' => match either(Kind::NotEqual, Kind::Illegal) {
                Kind::Illegal => self.error(start, "illegal ! character"),
                kind => kind,
            },
            _ => Kind::Illegal,
        }
    }

    fn number(&mut self, start: usize) -> Kind {
        let digit = |byte: u8| byte.is_ascii_digit();
        let mut wrong = None;
        self.eat_while(digit);
        if self.eat(b'.') && !self.eat_while(digit) {
            wrong = Some("expected fraction");
        }
        if self.eat(b'e') || self.eat(b'E') {
            let _ = self.eat(b'+') || self.eat(b'-');
            if !self.eat_while(digit) {
                wrong = wrong.or(Some("expected exponent"));
            }
        }
        if self.peek().is_some_and(|byte| is_word(byte) && !digit(byte)) {
            self.eat_while(is_word);
            wrong = wrong.or(Some("illegal number format"));
        }
        wrong.map_or(Kind::Number, |message| self.error(start, message))
    }

    fn string(&mut self, start: usize) -> Kind {
        let mut wrong = None;
        loop {
            match self.peek() {
                None | Some(b'\n') => return self.error(start, "non-terminated string"),
                Some(b'"') => {
                    self.at += 1;
                    return wrong.map_or(Kind::String, |message| self.error(start, message));
                }
                Some(b'\\') => {
                    self.at += 1;
                    if !self.escape(false) {
                        wrong = Some("illegal escape sequence");
                    }
                }
                Some(_) => self.at += 1,
            }
        }
    }

    /// What follows a backslash; `false` if it may not.
    fn escape(&mut self, template: bool) -> bool {
        match self.peek() {
            Some(b'\\' | b'"' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 1,
            Some(b'{') if template => self.at += 1,
            Some(b'u') => {
                let digits = self.text.as_bytes().get(self.at + 1..self.at + 5);
                self.at += 1;
                if !digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)) {
                    return false;
                }
                self.at += 4;
            }
            _ => return false,
        }
        true
    }

    fn raw_string(&mut self, start: usize) -> Kind {
        self.eat_while(|byte| byte != b'`');
        if self.eat(b'`') { Kind::RawString } else { self.error(start, "non-terminated string") }
    }

    /// Text of the innermost template, up to an expression or its end.
    fn template(&mut self, start: usize) -> Kind {
        let Some((raw, _)) = self.templates.last().copied() else { return Kind::Illegal };
        let mut wrong = None;
        let (part, end) = if raw {
            (Kind::RawTemplatePart, Kind::RawTemplateEnd)
        } else {
            (Kind::TemplatePart, Kind::TemplateEnd)
        };
        let kind = loop {
            match self.peek() {
                None => break None,
                Some(b'\n') if !raw => break None,
                Some(b'{') => break Some(part),
                Some(b'`') if raw => break Some(end),
                Some(b'"') if !raw => break Some(end),
                Some(b'\\') if raw => {
                    self.at += 1;
                    self.eat(b'{');
                }
                Some(b'\\') => {
                    self.at += 1;
                    if !self.escape(true) {
                        wrong = Some("illegal escape sequence");
                    }
                }
                Some(_) => self.at += 1,
            }
        };
        if let Some(kind) = kind {
            self.at += 1;
            if kind == end {
                self.templates.pop();
            }
            return wrong.map_or(kind, |message| self.error(start, message));
        }
        self.templates.clear();
        self.error(start, "non-terminated string")
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(text: &str) -> Vec<Kind> {
        lex(text).tokens.iter().map(|token| token.kind).filter(|kind| *kind != Kind::Eof).collect()
    }

    #[test]
    fn tells_tokens_apart() {
        use Kind::*;
        assert_eq!(kinds("a:=b = c==d"), [Ident, Assign, Ident, Unify, Ident, Equal, Ident]);
        assert_eq!(kinds("1.5e-3<=.5"), [Number, LessEqual, Dot, Number]);
        assert_eq!(kinds("if iffy # if\n`#`"), [If, Ident, RawString]);
        assert_eq!(kinds(r#""\"\u00e9" "#), [String]);
        assert_eq!(kinds("\u{feff}x"), [Ident]);
    }

    #[test]
    fn follows_templates_into_their_expressions() {
        use Kind::*;
        assert_eq!(kinds(r#"$"a {x} b""#), [TemplatePart, Ident, TemplateEnd]);
        assert_eq!(kinds(r#"$"\{{ {1} }""#), [TemplatePart, LeftBrace, Number, RightBrace, TemplateEnd]);
        let nested = [RawTemplatePart, TemplatePart, Ident, TemplateEnd, RawTemplateEnd, Ident];
        assert_eq!(kinds("$`\n{$\"{x}\"}\\{`y"), nested);
    }

    #[test]
    fn says_what_is_wrong() {
        for (text, message) in [
            ("\"a\nb", "non-terminated string"),
            ("`a", "non-terminated string"),
            (r#""\x""#, "illegal escape sequence"),
            (r#""\u12""#, "illegal escape sequence"),
            ("1.", "expected fraction"),
            ("1e", "expected exponent"),
            ("1a", "illegal number format"),
            ("!", "illegal ! character"),
            ("$x", "illegal $ character"),
            ("# \0", "illegal null character"),
            ("# \u{feff}", "illegal byte-order mark"),
            ("$\"{x", ""),
            ("$\"{x}", "non-terminated string"),
        ] {
            let errors: Vec<_> = lex(text).errors.into_iter().map(|error| error.message).collect();
            assert_eq!(errors.join("|"), message, "{text}");
        }
    }

    #[test]
    fn remembers_white_space_and_comments() {
        let lexed = lex("a [b]\r\n#c\r\nd");
        let shape: Vec<_> = lexed.tokens.iter().map(|token| (token.spaced, token.newline)).collect();
        assert_eq!(
            shape,
            [(false, true), (true, false), (false, false), (false, false), (true, true), (false, false)]
        );
        assert_eq!(lexed.comments, [Comment { span: Span { start: 7, end: 9 } }]);
    }
}
