//! Go's regular expressions (RE2 syntax), translated for the `regex` crate, whose syntax differs in details: what is a
//! word, what is special in a class, which escapes there are.

use crate::builtins::pattern::regex_escapes;

use regex_escapes::{
    BAD_ESCAPE, BAD_RANGE, Fault, between, character, class_character, posix, set, write_literal,
};

/// A translated expression.
#[derive(Debug)]
pub struct Translated {
    /// In the syntax of the `regex` crate; its groups have no names.
    pub pattern: String,
    /// The names of the groups, empty for none; the first is the whole match.
    pub names: Vec<String>,
    /// About how many states it has.
    pub weight: u64,
    /// How many bytes it becomes at the least when it is compiled.
    pub bytes: u64,
}

/// Translates an expression.
///
/// # Errors
/// In Go's words, where it is none.
pub fn translate(expression: &str) -> Result<Translated, String> {
    let mut translator = Translator {
        whole: expression,
        rest: expression,
        out: String::with_capacity(expression.len() + 16),
        names: vec![String::new()],
        open: Vec::new(),
        size: Size::default(),
        last: None,
        last_repeat: None,
    };
    match translator.run() {
        Ok(()) => {
            let Translator { out, names, size, .. } = translator;
            Ok(Translated { pattern: out, names, weight: size.weight, bytes: size.bytes })
        }
        Err((what, at)) => Err(format!("error parsing regexp: {what}: `{at}`")),
    }
}

type Outcome<'a> = Result<(), Fault<'a>>;

/// How large a part is.
#[derive(Default, Clone, Copy)]
struct Size {
    weight: u64,
    /// What it takes at the least when it is compiled.
    bytes: u64,
    /// How often what is in it is repeated at most, by bounded repetitions in one another.
    repeats: u64,
}

impl Size {
    const fn of(weight: u64) -> Self {
        Self { weight, bytes: LITERAL, repeats: 1 }
    }

    fn add(&mut self, other: Self) {
        self.weight = self.weight.saturating_add(other.weight);
        self.bytes = self.bytes.saturating_add(other.bytes);
        self.repeats = self.repeats.max(other.repeats);
    }
}

struct Translator<'a> {
    whole: &'a str,
    rest: &'a str,
    out: String,
    names: Vec<String>,
    /// The sizes of what is before the groups that are open.
    open: Vec<Size>,
    /// Of the open group without its last part.
    size: Size,
    /// Of the part that a repetition would repeat.
    last: Option<Size>,
    /// Where the repetition right before began.
    last_repeat: Option<&'a str>,
}

const BAD_PERL: &str = "invalid or unsupported Perl syntax";
const BAD_NAME: &str = "invalid named capture";
const BAD_COUNT: &str = "invalid repeat count";
const NO_ARGUMENT: &str = "missing argument to repetition operator";
/// The greatest number in a repetition.
const MAX_REPEATS: u64 = 1000;
/// How deep groups may be in one another.
const MAX_GROUPS: usize = 200;

/// What a character takes when it is compiled.
const LITERAL: u64 = 30;

/// What a class takes at the least: the sets of letters are large, unless something else in the class completes them.
fn least_bytes(class: &str) -> u64 {
    let bytes = match class {
        "." => return 900,
        _ if class.contains(r"\p{L}") => 40_000,
        _ if class.contains(r"\p{Lu}") || class.contains(r"\p{Ll}") => 20_000,
        _ => return LITERAL,
    };
    let sets = class.matches(r"\p{").count();
    let alone = class.starts_with(r"[[^\p{") || class.starts_with(r"[^[\p{");
    let whole = if class.contains('^') {
        alone && class.matches('[').count() == 2 && class.ends_with("}]]")
    } else {
        class.is_ascii()
    };
    if sets == 1 && whole { bytes } else { LITERAL }
}

impl<'a> Translator<'a> {
    fn run(&mut self) -> Outcome<'a> {
        while let Some(c) = self.rest.chars().next() {
            let before = self.rest;
            let repeated = self.last_repeat.take();
            match c {
                '(' => self.open_group()?,
                ')' => self.close_group()?,
                '|' => {
                    self.settle();
                    self.out.push('|');
                    self.advance(1);
                }
                '*' | '+' | '?' => {
                    let bounds = if c == '?' { (0, Some(1)) } else { (1, None) };
                    self.advance(1);
                    self.repeat(before, repeated, bounds, &c.to_string())?;
                }
                '{' => match self.bounds() {
                    None => {
                        self.advance(1);
                        self.literal('{');
                    }
                    Some((low, high, after)) => {
                        self.rest = after;
                        if low > MAX_REPEATS || high.is_some_and(|high| high > MAX_REPEATS || high < low) {
                            return Err((BAD_COUNT, between(before, after)));
                        }
                        let written = between(before, after);
                        self.repeat(before, repeated, (low, high), written)?;
                    }
                },
                '[' => self.class()?,
                '.' | '^' | '$' => {
                    self.advance(1);
                    self.part(&c.to_string(), if c == '.' { 4 } else { 1 });
                }
                '\\' => self.escape()?,
                c => {
                    self.advance(c.len_utf8());
                    self.literal(c);
                }
            }
        }
        self.settle();
        if self.open.is_empty() { Ok(()) } else { Err(("missing closing )", self.whole)) }
    }

    fn advance(&mut self, bytes: usize) {
        self.rest = self.rest.get(bytes..).unwrap_or_default();
    }

    /// What was last can no longer be repeated.
    fn settle(&mut self) {
        if let Some(last) = self.last.take() {
            self.size.add(last);
        }
    }

    fn part(&mut self, text: &str, weight: u64) {
        self.settle();
        self.out.push_str(text);
        self.last = Some(Size { bytes: least_bytes(text), ..Size::of(weight) });
    }

    fn literal(&mut self, c: char) {
        self.settle();
        write_literal(&mut self.out, c);
        self.last = Some(Size::of(1));
    }

    fn open_group(&mut self) -> Outcome<'a> {
        if self.open.len() >= MAX_GROUPS {
            return Err(("expression nests too deeply", self.whole));
        }
        let Some(inside) = self.rest.strip_prefix("(?") else {
            self.advance(1);
            self.names.push(String::new());
            self.start_group("(");
            return Ok(());
        };
        if let Some(named) = inside.strip_prefix("P<").or_else(|| inside.strip_prefix('<')) {
            if named.starts_with(['=', '!']) {
                return Err((BAD_PERL, between(self.rest, named)));
            }
            let Some((name, after)) = named.split_once('>') else {
                return Err((BAD_NAME, self.rest));
            };
            if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
                return Err((BAD_NAME, between(self.rest, after)));
            }
            self.names.push(name.to_owned());
            self.rest = after;
            self.start_group("(");
            return Ok(());
        }
        let (mut negative, mut any) = (false, false);
        for (at, c) in inside.char_indices() {
            let after = inside.get(at + c.len_utf8()..).unwrap_or_default();
            match c {
                'i' | 'm' | 's' | 'U' => any = true,
                '-' if !negative => (negative, any) = (true, false),
                ':' | ')' if any || !negative => {
                    let flags = between(self.rest, after);
                    self.rest = after;
                    match c {
                        ':' => self.start_group(flags),
                        _ if flags == "(?)" => (),
                        _ => self.out.push_str(flags),
                    }
                    return Ok(());
                }
                _ => return Err((BAD_PERL, between(self.rest, after))),
            }
        }
        Err(("missing closing )", self.whole))
    }

    fn start_group(&mut self, opening: &str) {
        self.settle();
        self.out.push_str(opening);
        self.open.push(std::mem::take(&mut self.size));
    }

    fn close_group(&mut self) -> Outcome<'a> {
        self.settle();
        let Some(before) = self.open.pop() else { return Err(("unexpected )", self.whole)) };
        self.advance(1);
        self.out.push(')');
        let mut inside = std::mem::replace(&mut self.size, before);
        inside.add(Size::of(2));
        self.last = Some(inside);
        Ok(())
    }

    fn repeat(
        &mut self,
        before: &'a str,
        repeated: Option<&'a str>,
        (low, high): (u64, Option<u64>),
        written: &str,
    ) -> Outcome<'a> {
        let lazy = self.rest.starts_with('?');
        if lazy {
            self.advance(1);
        }
        if let Some(first) = repeated {
            return Err(("invalid nested repetition operator", between(first, self.rest)));
        }
        let Some(last) = self.last.as_mut() else {
            return Err((NO_ARGUMENT, between(before, self.rest)));
        };
        let most = high.unwrap_or(low);
        if written.starts_with('{') && most > 1 {
            last.repeats = last.repeats.saturating_mul(most);
            if last.repeats > MAX_REPEATS {
                return Err((BAD_COUNT, between(before, self.rest)));
            }
        }
        last.weight = last.weight.saturating_mul(most.max(1)).saturating_add(1);
        last.bytes = last.bytes.saturating_mul(most);
        self.out.push_str(written);
        if lazy {
            self.out.push('?');
        }
        self.last_repeat = Some(before);
        Ok(())
    }

    /// The numbers of `{2}`, `{2,}` and `{2,3}`, and what is behind; anything else is text.
    fn bounds(&self) -> Option<(u64, Option<u64>, &'a str)> {
        let (inside, after) = self.rest.strip_prefix('{')?.split_once('}')?;
        let number = |digits: &str| {
            let canonical = digits == "0" || !digits.starts_with('0');
            let digits_only = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
            (canonical && digits_only).then(|| digits.parse().unwrap_or(u64::MAX))
        };
        match inside.split_once(',') {
            None => number(inside).map(|count| (count, Some(count), after)),
            Some((low, "")) => number(low).map(|low| (low, None, after)),
            Some((low, high)) => Some((number(low)?, Some(number(high)?), after)),
        }
    }

    fn escape(&mut self) -> Outcome<'a> {
        let after = self.rest.get(1..).unwrap_or_default();
        let (text, weight) = match after.chars().next() {
            Some('A') => (r"\A", 1),
            Some('z') => (r"\z", 1),
            Some('b') => (r"(?-u:\b)", 1),
            Some('B') => (r"(?-u:\B)", 1),
            Some('C') => return Err((BAD_ESCAPE, between(self.rest, after.get(1..).unwrap_or_default()))),
            Some('Q') => {
                let quoted = after.get(1..).unwrap_or_default();
                let (text, after) = quoted.split_once(r"\E").unwrap_or((quoted, ""));
                self.rest = after;
                text.chars().for_each(|c| self.literal(c));
                return Ok(());
            }
            _ => {
                let mut class = String::new();
                if let Some(after) = set(self.rest, &mut class)? {
                    self.rest = after;
                    self.part(&format!("[{class}]"), 8);
                } else {
                    let (c, after) = character(self.rest)?;
                    self.rest = after;
                    self.literal(c);
                }
                return Ok(());
            }
        };
        self.advance(2);
        self.part(text, weight);
        Ok(())
    }

    fn class(&mut self) -> Outcome<'a> {
        let whole = self.rest;
        let mut rest = whole.get(1..).unwrap_or_default();
        let mut out = String::from("[");
        if let Some(after) = rest.strip_prefix('^') {
            out.push('^');
            rest = after;
        }
        let mut first = true;
        while first || !rest.starts_with(']') {
            first = false;
            if rest.starts_with("[:") && rest.get(2..).is_some_and(|inside| inside.contains(":]")) {
                rest = posix(rest, &mut out)?;
                continue;
            }
            if let Some(after) = set(rest, &mut out)? {
                rest = after;
                continue;
            }
            let start = rest;
            let (low, after) = class_character(rest, whole)?;
            rest = after;
            write_literal(&mut out, low);
            if let Some(after) =
                rest.strip_prefix('-').filter(|after| !after.is_empty() && !after.starts_with(']'))
            {
                let (high, after) = class_character(after, whole)?;
                rest = after;
                if high < low {
                    return Err((BAD_RANGE, between(start, rest)));
                }
                out.push('-');
                write_literal(&mut out, high);
            }
        }
        out.push(']');
        self.rest = rest.get(1..).unwrap_or_default();
        self.part(&out, 8);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_have_the_words_of_go() {
        for (expression, want) in [
            ("a**", "invalid nested repetition operator: `**`"),
            ("*a", "missing argument to repetition operator: `*`"),
            ("(a", "missing closing ): `(a`"),
            ("a)", "unexpected ): `a)`"),
            ("x[a", "missing closing ]: `[a`"),
            ("[z-a]", "invalid character class range: `z-a`"),
            ("a{1001}", "invalid repeat count: `{1001}`"),
            ("(a{100}){11}", "invalid repeat count: `{11}`"),
            (r"\h", r"invalid escape sequence: `\h`"),
            (r"a\", "trailing backslash at end of expression: ``"),
            ("(?=a)", "invalid or unsupported Perl syntax: `(?=`"),
            ("(?P<n-m>a)", "invalid named capture: `(?P<n-m>`"),
            (r"\p{Foo}", r"invalid character class range: `\p{Foo}`"),
            (r"(a)\1", r"invalid escape sequence: `\1`"),
        ] {
            assert_eq!(translate(expression).unwrap_err(), format!("error parsing regexp: {want}"));
        }
    }

    #[test]
    fn details_that_differ() {
        // An expression, what it finds in a text, or nothing.
        for (expression, text, want) in [
            (r"\d+", "٣7", Some("7")),
            (r"\w+", "é1_a", Some("1_a")),
            (r"\bé", "é", None),
            (r"\Bé", "é", Some("é")),
            ("[[a]", "[", Some("[")),
            ("[a&&b]", "&", Some("&")),
            ("[]a]", "]", Some("]")),
            ("[a-]", "-", Some("-")),
            (r"[^\n]", "\r", Some("\r")),
            ("a{,2}", "a{,2}", Some("a{,2}")),
            ("x{a", "x{a", Some("x{a")),
            (r"\Qa.b\E.", "a.bc", Some("a.bc")),
            (r"\x{e9}\141", "éa", Some("éa")),
            ("(?i)K", "\u{212a}", Some("\u{212a}")),
            (r"(?P<n>\s)\S", " é", Some(" é")),
            ("[[:^alpha:]]", "a1", Some("1")),
            (r"\pL+", "1éa", Some("éa")),
            (r"[\P{Greek}]", "αa", Some("a")),
            ("(?s).", "\n", Some("\n")),
            ("a{2,}?", "aaa", Some("aa")),
            ("(?U)a+", "aaa", Some("a")),
            ("^|b", "b", Some("")),
            (r"\<a\>", "<a>", Some("<a>")),
        ] {
            let translated = translate(expression).unwrap();
            let regex = regex::Regex::new(&translated.pattern).unwrap();
            assert_eq!(regex.find(text).map(|found| found.as_str()), want, "{expression}");
        }
    }
}
