//! Globs: `*`, `**`, `?`, `[abc]`, `[!a-c]`, `{a,b}`.

use std::iter::Peekable;
use std::str::Chars;

use crate::builtins::context::Context;
use crate::builtins::error::Error;

/// A glob that has been read: steps that take one character each, or lead to others. All that a text can lead to are
/// followed at once, so that no pattern takes more than its length times that of the text.
#[derive(Debug)]
pub struct Glob {
    /// What the text must begin with.
    prefix: String,
    /// What it must end with.
    suffix: String,
    /// What follows the prefix; behind the last one the text must end.
    steps: Vec<Step>,
    delimiters: Vec<char>,
}

#[derive(Debug)]
enum Step {
    /// This character.
    One(char),
    /// Any character.
    Any,
    /// Any character but a delimiter.
    Within,
    /// One of these, or none of these.
    Class { negative: bool, ranges: Vec<(char, char)> },
    /// Takes nothing: goes on here, and there.
    Fork(usize),
    /// Takes nothing: goes on there.
    Jump(usize),
}

/// Alternatives that are not closed.
#[derive(Default)]
struct Open {
    /// The step that leads to the next alternative.
    fork: usize,
    /// The ends of alternatives, which jump to the end of all.
    ends: Vec<usize>,
}

impl Glob {
    /// Reads a glob. Braces that are not closed are closed at the end; a backslash at the end is nothing; a zero character
    /// ends the pattern: all as in the library that OPA uses.
    ///
    /// # Errors
    /// When it is none, in the words of that library.
    pub fn read(pattern: &str, delimiters: &str) -> Result<Self, String> {
        let mut glob = Self {
            prefix: String::new(),
            suffix: String::new(),
            steps: Vec::new(),
            delimiters: delimiters.chars().collect(),
        };
        let mut open: Vec<Open> = Vec::new();
        let mut rest = pattern.split('\0').next().unwrap_or_default().chars().peekable();
        while let Some(c) = rest.next() {
            match c {
                '*' if rest.next_if_eq(&'*').is_some() => glob.repeat(Step::Any),
                '*' => glob.repeat(Step::Within),
                '?' => glob.steps.push(Step::Within),
                '[' => glob.steps.push(class(&mut rest)?),
                '{' => open.push(Open { fork: glob.fork(), ends: Vec::new() }),
                ',' if !open.is_empty() => {
                    if let Some(open) = open.last_mut() {
                        open.ends.push(glob.steps.len());
                        glob.steps.push(Step::Jump(0));
                        glob.lead(open.fork, glob.steps.len());
                        open.fork = glob.fork();
                    }
                }
                '}' if !open.is_empty() => glob.close(open.pop()),
                '\\' => {
                    if let Some(c) = rest.next() {
                        glob.one(c);
                    }
                }
                c => glob.one(c),
            }
        }
        while let Some(last) = open.pop() {
            glob.close(Some(last));
        }
        glob.suffix = glob.literal_end();
        Ok(glob)
    }

    /// The characters at the end that every text must have: none, where a step leads past the first of them.
    fn literal_end(&self) -> String {
        let literal = |step: &Step| if let Step::One(c) = step { Some(*c) } else { None };
        let end: Vec<char> = self.steps.iter().rev().map_while(literal).collect();
        let start = self.steps.len() - end.len();
        let leads_past = |step: &Step| matches!(step, Step::Fork(to) | Step::Jump(to) if *to > start);
        if self.steps.iter().any(leads_past) { String::new() } else { end.into_iter().rev().collect() }
    }

    fn one(&mut self, c: char) {
        if self.steps.is_empty() { self.prefix.push(c) } else { self.steps.push(Step::One(c)) }
    }

    /// Any number of times.
    fn repeat(&mut self, step: Step) {
        let at = self.steps.len();
        // Several in a row are as good as one.
        if let [.., Step::Any, Step::Jump(_)] = self.steps.as_slice()
            && matches!(step, Step::Any)
        {
            return;
        }
        self.steps.extend([Step::Fork(at + 3), step, Step::Jump(at)]);
    }

    fn fork(&mut self) -> usize {
        self.steps.push(Step::Fork(0));
        self.steps.len() - 1
    }

    fn close(&mut self, open: Option<Open>) {
        let Some(Open { fork, ends }) = open else { return };
        // The last alternative has none beside it.
        self.lead(fork, fork + 1);
        for end in ends {
            self.lead(end, self.steps.len());
        }
    }

    /// Says where a step leads.
    fn lead(&mut self, at: usize, target: usize) {
        if let Some(Step::Fork(to) | Step::Jump(to)) = self.steps.get_mut(at) {
            *to = target;
        }
    }

    /// Whether a text matches, as a whole.
    ///
    /// # Errors
    /// When the deadline has passed.
    pub fn is_match(&self, context: &Context, text: &str) -> Result<bool, Error> {
        let Some(rest) = text.strip_prefix(self.prefix.as_str()) else { return Ok(false) };
        if self.steps.is_empty() || !rest.ends_with(self.suffix.as_str()) {
            return Ok(self.steps.is_empty() && rest.is_empty());
        }
        let between = rest.get(..rest.len() - self.suffix.len()).unwrap_or_default();
        match self.steps.as_slice() {
            // One star between two texts, as most globs are.
            [Step::Fork(3), Step::Any, Step::Jump(0), end @ ..] if end.len() == self.suffix_steps() => {
                return Ok(true);
            }
            [Step::Fork(3), Step::Within, Step::Jump(0), end @ ..] if end.len() == self.suffix_steps() => {
                return Ok(!between.contains(self.delimiters.as_slice()));
            }
            _ => {}
        }
        let (mut now, mut next) = (Reached::new(self.steps.len()), Reached::new(self.steps.len()));
        self.reach(&mut now, 0);
        let mut work = 0_usize;
        for c in rest.chars() {
            let within = !self.delimiters.contains(&c);
            for at in &now.list {
                if self.steps.get(*at).is_some_and(|step| step.takes(c, within)) {
                    self.reach(&mut next, at + 1);
                }
            }
            work += now.list.len() + 1;
            if work > 1 << 16 {
                work = 0;
                context.check_deadline()?;
            }
            now.clear();
            std::mem::swap(&mut now, &mut next);
            if now.list.is_empty() {
                return Ok(false);
            }
        }
        Ok(now.seen.last() == Some(&true))
    }

    /// How many steps the suffix takes.
    fn suffix_steps(&self) -> usize {
        self.suffix.chars().count()
    }

    /// Notes a step, and all that it leads to without a character.
    fn reach(&self, reached: &mut Reached, step: usize) {
        let from = reached.list.len();
        reached.add(step);
        let mut at = from;
        while let Some(step) = reached.list.get(at).copied() {
            match self.steps.get(step) {
                Some(Step::Fork(other)) => {
                    reached.add(step + 1);
                    reached.add(*other);
                }
                Some(Step::Jump(to)) => reached.add(*to),
                _ => {}
            }
            at += 1;
        }
    }
}

/// The steps that a text can have led to.
struct Reached {
    list: Vec<usize>,
    /// By step; the last one is the end.
    seen: Vec<bool>,
}

impl Reached {
    fn new(steps: usize) -> Self {
        Self { list: Vec::new(), seen: vec![false; steps + 1] }
    }

    fn add(&mut self, step: usize) {
        if let Some(seen) = self.seen.get_mut(step)
            && !*seen
        {
            *seen = true;
            self.list.push(step);
        }
    }

    fn clear(&mut self) {
        for step in self.list.drain(..) {
            if let Some(seen) = self.seen.get_mut(step) {
                *seen = false;
            }
        }
    }
}

impl Step {
    /// Whether it takes a character, which is no delimiter where it is `within`.
    fn takes(&self, c: char, within: bool) -> bool {
        match self {
            Self::One(one) => *one == c,
            Self::Any => true,
            Self::Within => within,
            Self::Class { negative, ranges } => {
                ranges.iter().any(|(first, last)| (*first..=*last).contains(&c)) != *negative
            }
            Self::Fork(_) | Self::Jump(_) => false,
        }
    }
}

/// A class is either one range or a list of characters, in which only the closing bracket is special.
fn class(rest: &mut Peekable<Chars<'_>>) -> Result<Step, String> {
    let end = || "unexpected end of input".to_owned();
    let negative = rest.next_if_eq(&'!').is_some();
    let mut ahead = rest.clone();
    let first = ahead.next().ok_or_else(end)?;
    if ahead.next() == Some('-') {
        let last = ahead.next().ok_or_else(end)?;
        if last < first {
            return Err(format!("hi character '{last}' should be greater than lo '{first}'"));
        }
        match ahead.next() {
            Some(']') => (),
            Some(_) => return Err("expected close range character".to_owned()),
            None => return Err(end()),
        }
        *rest = ahead;
        return Ok(Step::Class { negative, ranges: vec![(first, last)] });
    }
    let mut ranges = Vec::new();
    loop {
        let c = match rest.next().ok_or_else(end)? {
            ']' => break,
            '\\' => rest.next().ok_or_else(end)?,
            c => c,
        };
        ranges.push((c, c));
    }
    if ranges.is_empty() {
        return Err("could not parse range".to_owned());
    }
    Ok(Step::Class { negative, ranges })
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    fn context() -> Context {
        Context::new(0, Instant::now() + Duration::from_secs(60), 1 << 20)
    }

    #[test]
    fn globs() {
        // Pattern, delimiters, text, whether it matches.
        for (pattern, delimiters, text, want) in [
            ("a*c", "/", "abbc", true),
            ("a*c", "/", "ab/c", false),
            ("a**c", "/", "ab/c", true),
            ("a***c", "/", "ab/c", true),
            ("a****c", "/", "ac", true),
            ("a?c", "", "a\nc", true),
            ("?", "", "", false),
            ("?", "/", "/", false),
            ("{a,b{c,}}x", ".", "bx", true),
            ("{a,b{c,}}x", ".", "bcx", true),
            ("{a,b{c,}}x", ".", "abx", false),
            ("{a,b", ".", "b", true),
            ("{a,b", ".", "", false),
            ("{,b}", ".", "", true),
            ("{{a,b},c}{d}", ".", "bd", true),
            ("a,b}", ".", "a,b}", true),
            ("[!a-c]", ".", ".", true),
            ("[!a-c]", ".", "b", false),
            ("[a^]", ".", "^", true),
            ("[ab]", ".", "", false),
            (r"[\]]", ".", "]", true),
            (r"\*\", ".", "*", true),
            ("*[!a]*b", ".", "x.b", true),
            ("*.*", ".:", "a:b", false),
            ("*a*b*c", ".", "xaxbxbxc", true),
            ("*a*b*c", ".", "xaxbxb.c", false),
            ("", ".", "", true),
            ("", ".", "a", false),
            ("abc", ".", "abcd", false),
            ("*abc", ".", "xabc", true),
            ("*abc", ".", "xabd", false),
            ("a*aa", ".", "aa", false),
            ("{x,y}b", ".", "yb", true),
            ("{x,y}b", ".", "ybb", false),
            ("é*", ".", "éa", true),
        ] {
            let glob = Glob::read(pattern, delimiters).unwrap();
            assert_eq!(glob.is_match(&context(), text).unwrap(), want, "{pattern} {text}");
        }
        for pattern in ["[", "[]", "[c-a]", "[a-cd]", "[a"] {
            assert!(Glob::read(pattern, ".").is_err(), "{pattern}");
        }
    }

    #[test]
    fn no_pattern_takes_more_than_its_length_times_that_of_the_text() {
        let deep = format!("{}x", "{a,".repeat(10_000));
        for pattern in ["**a".repeat(1000).as_str(), "{*a,**b}".repeat(500).as_str(), &deep] {
            let glob = Glob::read(pattern, ".").unwrap();
            assert!(!glob.is_match(&context(), &format!("{}c", "a".repeat(900))).unwrap());
        }
        let late = Context::new(0, Instant::now(), 1 << 20);
        let glob = Glob::read(&"**a".repeat(1000), ".").unwrap();
        assert!(glob.is_match(&late, &"a".repeat(900)).is_err());
    }
}
