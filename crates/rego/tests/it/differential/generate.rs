//! Policies and inputs that nobody wrote: random, and the same for the same seed.

use std::fmt::Write as _;

/// A source of choices (xorshift64*).
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// Below `n`.
    pub fn upto(&mut self, n: usize) -> usize {
        (self.next() >> 33) as usize % n
    }

    fn one_in(&mut self, n: usize) -> bool {
        self.upto(n) == 0
    }

    fn pick<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.upto(of.len())]
    }
}

const TEXTS: [&str; 6] = ["a", "b", "ab", "x y", "", "read"];
const KEYS: [&str; 4] = ["a", "b", "list", "user"];

/// A policy of package `gen` with the rules `r0`, `r1`, …; a rule refers only to those before it. A tame one has nothing
/// that the embedded interpreter is known to answer otherwise than OPA: `with`, the order of values of different types,
/// undefined values within collections, the text of sets.
pub fn policy(dice: &mut Dice, tame: bool) -> String {
    let mut writer = Writer { dice, tame, vars: Vec::new(), fresh: 0, rules: 0, functions: 0 };
    let mut text = "package gen\n".to_owned();
    for _ in 0..3 + writer.dice.upto(6) {
        text.push_str(&writer.rule());
    }
    text
}

/// An input, or a document for `data.base`: mostly of the shape that policies ask for.
pub fn document(dice: &mut Dice) -> String {
    let mut members = Vec::new();
    for key in KEYS {
        if !dice.one_in(5) {
            let value = match key {
                "list" => array(dice, 2),
                _ => json(dice, 2),
            };
            members.push(format!("\"{key}\": {value}"));
        }
    }
    format!("{{{}}}", members.join(", "))
}

fn array(dice: &mut Dice, depth: usize) -> String {
    let items: Vec<String> = (0..dice.upto(4)).map(|_| json(dice, depth - 1)).collect();
    format!("[{}]", items.join(", "))
}

fn json(dice: &mut Dice, depth: usize) -> String {
    match dice.upto(if depth == 0 { 5 } else { 7 }) {
        0 => dice.upto(4).to_string(),
        1 => format!("-{}.5", dice.upto(3)),
        2 => format!("{:?}", dice.pick(&TEXTS)),
        3 => dice.pick(&["true", "false"]).to_owned(),
        4 => dice.pick(&["null", "1", "\"a\""]).to_owned(),
        5 => array(dice, depth),
        _ => {
            let (a, b) = (json(dice, depth - 1), json(dice, depth - 1));
            format!("{{\"a\": {a}, \"user\": {b}}}")
        }
    }
}

struct Writer<'d> {
    dice: &'d mut Dice,
    tame: bool,
    /// What can be referred to here.
    vars: Vec<String>,
    fresh: usize,
    rules: usize,
    functions: usize,
}

impl Writer<'_> {
    fn var(&mut self) -> String {
        self.fresh += 1;
        format!("v{}", self.fresh)
    }

    fn rule(&mut self) -> String {
        self.vars.clear();
        let name = self.rules;
        let mut out = String::new();
        if self.dice.one_in(4) {
            out.push_str("\n# METADATA\n# title: generated\n");
        } else {
            out.push('\n');
        }
        match self.dice.upto(8) {
            0 => {
                let (value, body) = self.value_and_body(2);
                let _ = writeln!(out, "r{name} contains {value} if {body}");
            }
            1 => {
                let body = self.body(2);
                let (key, value) = (self.pure_key(), self.term(1));
                let _ = writeln!(out, "r{name}[{key}] := {value} if {body}");
            }
            2 => {
                let (function, _) = (self.functions, self.vars.push("x".to_owned()));
                let (value, body) = self.value_and_body(1);
                self.functions += 1;
                let _ = writeln!(out, "f{function}(x) := {value} if {body}\n\nr{name} := f{function}({})", {
                    self.vars.clear();
                    self.term(1)
                });
            }
            3 => {
                let default = self.constant();
                let body = self.body(3);
                let _ = writeln!(out, "default r{name} := {default}\n\nr{name} if {body}");
                self.vars.clear();
                let more = self.body(2);
                let _ = writeln!(out, "\nr{name} if {more}");
            }
            4 => {
                let (first, then, other) = (self.body(2), self.constant(), self.constant());
                self.vars.clear();
                let second = self.body(2);
                let _ = writeln!(out, "r{name} := {then} if {first} else := {other} if {second}");
            }
            5 => {
                let value = self.term(3);
                let _ = writeln!(out, "r{name} := {value}");
            }
            _ => {
                let (value, body) = self.value_and_body(2);
                let _ = writeln!(out, "r{name} := {value} if {body}");
            }
        }
        self.rules += 1;
        out
    }

    fn value_and_body(&mut self, depth: usize) -> (String, String) {
        let body = self.body(depth);
        (self.term(depth), body)
    }

    /// A body in braces; what it declares can be used after it.
    fn body(&mut self, depth: usize) -> String {
        let exprs: Vec<String> = (0..1 + self.dice.upto(3)).map(|_| self.expr(depth)).collect();
        format!("{{\n\t{}\n}}", exprs.join("\n\t"))
    }

    fn expr(&mut self, depth: usize) -> String {
        let below = depth.saturating_sub(1);
        match self.dice.upto(11) {
            0 => {
                let (var, from) = (self.var(), self.collection());
                self.vars.push(var.clone());
                format!("some {var} in {from}")
            }
            1 => {
                let (key, value, from) = (self.var(), self.var(), self.collection());
                self.vars.extend([key.clone(), value.clone()]);
                format!("some {key}, {value} in {from}")
            }
            2 => {
                let (var, value) = (self.var(), self.term(below));
                self.vars.push(var.clone());
                format!("{var} := {value}")
            }
            3 => format!("not {}", self.condition(below)),
            4 if depth > 0 => {
                let (var, from, kept) = (self.var(), self.collection(), self.vars.len());
                self.vars.push(var.clone());
                let condition = self.condition(below);
                self.vars.truncate(kept);
                format!("every {var} in {from} {{ {condition} }}")
            }
            5 if self.rules > 0 && !self.tame => {
                let (rule, key) = (self.dice.upto(self.rules), self.dice.pick(&KEYS));
                format!("r{rule} with input.{key} as {}", self.term(below))
            }
            6 => {
                let (var, index) = (self.collection(), self.var());
                self.vars.push(index.clone());
                format!("{} = {var}[{index}]", self.term(below))
            }
            _ => self.condition(below),
        }
    }

    fn condition(&mut self, depth: usize) -> String {
        let any = ["==", "!=", "<", "<=", ">", ">="];
        let op = self.dice.pick(if self.tame { &any[..2] } else { &any });
        match self.dice.upto(5) {
            0 => format!("{} in {}", self.term(depth), self.collection()),
            1 => self.reference(),
            2 => format!("count({}) {op} {}", self.collection(), self.dice.upto(4)),
            _ => format!("{} {op} {}", self.term(depth), self.term(depth)),
        }
    }

    fn collection(&mut self) -> String {
        match self.dice.upto(6) {
            0 => "input.list".to_owned(),
            1 => "data.base.list".to_owned(),
            2 if !self.tame => format!("[{}, {}]", self.term(0), self.term(0)),
            3 => format!("{{{}, {}}}", self.constant(), self.constant()),
            4 => "input".to_owned(),
            _ => format!("data.base.{}", self.dice.pick(&KEYS)),
        }
    }

    fn reference(&mut self) -> String {
        match self.dice.upto(5) {
            0 if !self.vars.is_empty() => self.vars[self.dice.upto(self.vars.len())].clone(),
            1 if self.rules > 0 => format!("r{}", self.dice.upto(self.rules)),
            2 => format!("data.base.{}", self.dice.pick(&KEYS)),
            3 => format!("input.{}.{}", self.dice.pick(&KEYS), self.dice.pick(&KEYS)),
            _ => format!("input.{}", self.dice.pick(&KEYS)),
        }
    }

    fn constant(&mut self) -> String {
        json(self.dice, 1)
    }

    /// A key that two ways through a body rarely share.
    fn pure_key(&mut self) -> String {
        match self.vars.last() {
            Some(var) => format!("sprintf(\"%v\", [{var}])"),
            None => format!("{:?}", self.dice.pick(&TEXTS)),
        }
    }

    fn term(&mut self, depth: usize) -> String {
        if depth == 0 {
            return if self.dice.one_in(2) { self.constant() } else { self.reference() };
        }
        let below = depth - 1;
        match self.dice.upto(14) {
            0..=2 | 6..=7 if self.tame => self.constant(),
            0 => format!("[{}, {}]", self.term(below), self.term(below)),
            1 => format!("{{{}}}", self.term(below)),
            2 => format!("{{\"k\": {}, \"l\": {}}}", self.term(below), self.term(below)),
            3 => {
                let op = self.dice.pick(&["+", "-", "*"]);
                format!("{} {op} {}", self.number(below), self.number(below))
            }
            4 => self.comprehension(below),
            5 => {
                format!("object.get({}, \"a\", {})", self.dice.pick(&["input", "data.base"]), self.constant())
            }
            6 => format!("$\"{} {{{}}}\"", self.dice.pick(&["is", "100%", "a"]), self.reference()),
            7 => format!("sprintf(\"%v\", [{}])", self.term(below)),
            8 => format!("count({})", self.collection()),
            9 => format!("type_name({})", self.term(below)),
            _ => self.term(0),
        }
    }

    fn number(&mut self, depth: usize) -> String {
        match self.dice.upto(3) {
            0 => format!("count({})", self.collection()),
            1 if depth > 0 => format!("({} + {})", self.number(0), self.number(0)),
            _ => self.dice.upto(9).to_string(),
        }
    }

    fn comprehension(&mut self, depth: usize) -> String {
        let depth = if self.tame { 0 } else { depth };
        let (kept, var, from) = (self.vars.len(), self.var(), self.collection());
        self.vars.push(var.clone());
        let (value, condition) = (self.term(depth), self.condition(depth));
        self.vars.truncate(kept);
        match self.dice.upto(3) {
            0 => format!("[{value} | some {var} in {from}; {condition}]"),
            1 => format!("{{{value} | some {var} in {from}; {condition}}}"),
            _ => format!("{{sprintf(\"%v\", [{var}]): {value} | some {var} in {from}; {condition}}}"),
        }
    }
}
