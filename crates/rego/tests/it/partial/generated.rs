//! Random policies and inputs.

use super::{decides, holds, json, left, program, ready};
use verdict_rego::Value;

/// A sequence that looks random, and is the same every time (splitmix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len())]
    }
}

const DATA: &str =
    r#"{"list": ["x", "y"], "map": {"x": "y", "y": false, "5": "z"}, "sets": [["x"], ["y", "z"]]}"#;

/// Conditions; `$S` is a text, `$F` a field, `$N` a number, `$V` a new variable.
const CONDITIONS: &[&str] = &[
    "input.row.$F == \"$S\"",
    "\"$S\" != input.row.$F",
    "input.row.n < $N",
    "$N >= input.row.n",
    "input.row.a == input.row.b",
    "input.row.$F == input.user.name",
    "input.user.name == \"$S\"",
    "input.row.flag",
    "input.row.flag == false",
    "input.row.a == null",
    "not input.row.$F == \"$S\"",
    "not input.row.flag",
    "not input.row.n > $N",
    "not input.user.name == \"$S\"",
    "input.row.$F in {\"$S\", \"$S\"}",
    "input.row.$F in data.list",
    "not input.row.$F in data.list",
    "\"$S\" in input.row.tags",
    "some $V in input.row.tags; $V == \"$S\"",
    "some $V in input.row.tags; not $V == \"$S\"",
    "some $V, \"$S\" in input.row.tags; $V > 0",
    "some $V; data.list[$V] == input.row.$F",
    "some $V; data.sets[$V][_] == input.row.$F; $V > 0",
    "data.map[input.row.$F] == \"y\"",
    "data.map[input.row.$F]",
    "not data.map[input.row.$F]",
    "data.map[input.row.n]",
    "input.row.tags[input.row.n] == \"$S\"",
    "input.row[$V] == \"$S\"; $V != \"a\"",
    "input[$V].name == \"$S\"; $V != \"row\"",
    "$V := input.row.$F; not $V == \"$S\"",
    "$V := input.row.$F; $V != \"$S\"",
    "[$V, \"$S\"] = input.row.tags; $V != \"z\"",
    "[$V, _] = [input.row.$F, input.user.name]; $V == \"$S\"",
    "every $V in input.row.tags { $V != \"$S\" }",
    "every $V in data.list { $V != input.row.$F }",
    "every $V in input.row.tags { $V in data.list }",
    "every $V in input.row.tags { not $V == input.row.$F }",
    "not every_tag",
    "every_tag",
    "count([1 | some $V in input.row.tags; $V != \"$S\"]) > $N",
    "count({$V | some $V in input.row.tags; $V != \"$S\"}) > 0",
    "count({$V | some $V in data.list; $V != input.row.$F}) == 1",
    "[1 | h0] == [1]",
    "[$V | some $V in data.list; $V == input.row.$F] == [\"$S\"]",
    "count([1 | some $V in s0]) == 1",
    "startswith(input.row.$F, \"$S\")",
    "upper(input.row.$F) == \"X\"",
    "concat(\"\", [input.row.a, input.row.b]) == \"xy\"",
    "input.row.n + 1 == $N",
    "object.get(input.row, \"$F\", \"q\") == \"q\"",
    "is_string(input.row.$F)",
    "not is_null(input.row.$F)",
    "h0",
    "h1",
    "not h0",
    "not h1",
    "h0 == false",
    "h2 == \"$S\"",
    "h2 != \"$S\"",
    "f0(input.row.$F)",
    "not f0(input.row.$F)",
    "f0(input.user.name)",
    "f1(input.row.$F) == \"$S\"",
    "f1(input.user.name) == input.row.$F",
    "f1(\"$S\") == \"$S\"",
    "f2([input.row.a, input.row.b]) == \"$S\"",
    "input.row.$F in s0",
    "not input.row.$F in s0",
    "s0[input.row.$F]",
    "some $V in s0; $V == \"$S\"",
    "some $V in s0; some $W in s0; $V != $W",
    "count(s0) > $N",
    "not \"$S\" in s0",
    "o0[input.row.$F] == \"$S\"",
    "o0.x == \"$S\"",
    "some $V; o0[$V] == input.row.$F",
    "h0 with input.row.$F as \"$S\"",
    "h0 with input.user.name as \"$S\"",
    "h2 == \"$S\" with input.row as {\"a\": \"$S\", \"n\": $N}",
    "h0 with input.user.name as input.row.$F",
    "not h0 with input.row.a as input.row.b",
    "h0 with data.list as [\"z\"]",
    "h0 with f0 as true",
    "input.row.$F in s0 with data.list as [\"$S\"]",
];

struct Policy<'r> {
    random: &'r mut Random,
    names: usize,
}

impl Policy<'_> {
    fn body(&mut self, allowed: &dyn Fn(&str) -> bool) -> String {
        let count = 1 + self.random.below(3);
        let mut all = Vec::new();
        while all.len() < count {
            let condition = CONDITIONS[self.random.below(CONDITIONS.len())];
            if allowed(condition) {
                all.push(self.filled(condition));
            }
        }
        all.join("\n  ")
    }

    fn filled(&mut self, condition: &str) -> String {
        let (v, w) = (format!("v{}", self.names), format!("w{}", self.names));
        self.names += 1;
        let mut text = condition.replace("$V", &v).replace("$W", &w).replace("; ", "\n  ");
        while let Some(at) = text.find('$') {
            let with = match &text[at..at + 2] {
                "$S" => self.random.pick(&["x", "y", "z"]),
                "$F" => self.random.pick(&["a", "b"]),
                "$N" => self.random.pick(&["0", "1", "2"]),
                other => panic!("{other}"),
            };
            text.replace_range(at..at + 2, with);
        }
        text
    }

    /// Rules, each of which asks only for those before it.
    fn text(&mut self) -> String {
        let mut text = "package p\n".to_owned();
        let level = |condition: &str| {
            let names = ["f0", "s0", "f1", "f2", "h0", "o0", "h2", "h1", "every_tag"];
            let words =
                |name: &str| condition.split(|c: char| !c.is_alphanumeric() && c != '_').any(|w| w == name);
            names.iter().rposition(|name| words(name)).map_or(0, |at| at + 1)
        };
        let tail = ["true", "false", "\"x\"", "\"y\"", "input.row.b"];
        for (at, name) in
            ["f0", "s0", "f1", "f2", "h0", "o0", "h2", "h1", "every_tag", "allow"].iter().enumerate()
        {
            let allowed = |condition: &str| level(condition) <= at;
            let bodies = 1 + self.random.below(2);
            for number in 0..bodies {
                let body = self.body(&allowed);
                let value = self.random.pick(&tail[2..]).to_owned();
                let head = match *name {
                    "f0" => format!("f0(k) if {{\n  k != \"{}\"", self.random.pick(&["x", "y", "z"])),
                    "f1" if self.random.below(3) == 0 => "f1(k) := k if {\n  k != \"z\"".to_owned(),
                    "f1" => format!("f1(k) := {value} if {{\n  k == \"{}\"", ["x", "y"][number]),
                    "f2" => format!("f2([k, l]) := {} if {{\n  k != l", self.random.pick(&["k", "l"])),
                    "s0" => format!(
                        "s0 contains {} if {{\n  true",
                        self.random.pick(&["\"x\"", "\"y\"", "input.row.a", "data.list[_]"])
                    ),
                    "o0" => format!("o0[\"{}\"] := {value} if {{\n  true", ["x", "y"][number]),
                    "h2" => format!("h2 := {value} if {{\n  true"),
                    "every_tag" => "every_tag if {\n  every t in input.row.tags { t != \"y\" }".to_owned(),
                    other => format!("{other} if {{\n  true"),
                };
                text.push_str(&format!("\n{head}\n  {body}\n}}"));
                if matches!(*name, "h0" | "h2" | "f1" | "allow") && self.random.below(4) == 0 {
                    let value = if *name == "h2" { "\"z\"" } else { self.random.pick(&["true", "false"]) };
                    let body = self.body(&allowed);
                    text.push_str(&format!(" else := {value} if {{\n  {body}\n}}"));
                }
                text.push('\n');
            }
            if matches!(*name, "h0" | "h1" | "h2" | "allow") && self.random.below(2) == 0 {
                text.push_str(&format!("\ndefault {name} := false\n"));
            }
        }
        text
    }
}

fn row(random: &mut Random) -> String {
    let mut members = Vec::new();
    for field in ["a", "b"] {
        match random.below(9) {
            0 => {}
            1 => members.push(format!("\"{field}\": null")),
            2 => members.push(format!("\"{field}\": 5")),
            _ => members.push(format!("\"{field}\": \"{}\"", random.pick(&["x", "y", "z"]))),
        }
    }
    match random.below(5) {
        0 => {}
        number => members.push(format!("\"n\": {}", number - 1)),
    }
    match random.below(4) {
        0 => {}
        1 => members.push("\"flag\": false".to_owned()),
        _ => members.push("\"flag\": true".to_owned()),
    }
    if random.below(5) > 0 {
        let tags: Vec<String> =
            (0..random.below(4)).map(|_| format!("\"{}\"", random.pick(&["x", "y", "z"]))).collect();
        members.push(format!("\"tags\": [{}]", tags.join(", ")));
    }
    format!("{{{}}}", members.join(", "))
}

/// Seeds of `VERDICT_SEEDS` (`300..900`), or those of every day.
#[expect(clippy::disallowed_methods, reason = "the test's own environment, not the server's")]
fn seeds() -> std::ops::Range<u64> {
    let range = std::env::var("VERDICT_SEEDS").ok();
    let parsed = range
        .as_deref()
        .and_then(|text| text.split_once(".."))
        .map(|(from, to)| from.parse().unwrap()..to.parse().unwrap());
    parsed.unwrap_or(0..100)
}

#[test]
fn what_is_left_decides_as_the_policy_does() {
    let data = json(DATA);
    let (mut compared, mut unsupported, mut allowed) = (0, 0, 0);
    for seed in seeds() {
        let mut random = Random(seed);
        let policy = Policy { random: &mut random, names: 0 }.text();
        let plain = program(&[("p.rego", &policy)], &data);
        let user = format!("{{\"name\": \"{}\"}}", random.pick(&["x", "y"]));
        let known = json(&format!("{{\"user\": {user}}}"));
        // With all of the input unknown, nothing of it is known.
        let (input, unknowns): (Option<&Value>, &[&str]) =
            if random.below(3) == 0 { (None, &["input"]) } else { (Some(&known), &["input.row"]) };
        let rest = match left(&plain, "data.p.allow", input, unknowns) {
            Ok(rest) => rest,
            Err(error) => {
                assert!(
                    error.starts_with("partial_eval_error") || error.starts_with("eval_"),
                    "{error}\n{policy}"
                );
                unsupported += 1;
                continue;
            }
        };
        let mut sources = vec![("p.rego", policy.as_str())];
        sources.extend(rest.1.as_ref().map(|module| ("partial.rego", module.as_str())));
        let supported = program(&sources, &data);
        let queries = ready(&supported, &rest);
        for _ in 0..8 {
            let input = json(&format!("{{\"user\": {user}, \"row\": {}}}", row(&mut random)));
            let expected = decides(&plain, &["p", "allow"], &input);
            let got = holds(&supported, &queries, &input);
            let agree = match (&expected, &got) {
                (Ok(expected), Ok(got)) => expected == got,
                // What fails in one way may hold in another.
                (Err(_), _) | (_, Err(_)) => true,
            };
            assert!(
                agree,
                "seed {seed}, input {input}: {expected:?}, but {got:?}\n{policy}\nleft: {:#?}\n{}",
                rest.0,
                rest.1.as_deref().unwrap_or_default()
            );
            compared += usize::from(expected.is_ok() && got.is_ok());
            allowed += usize::from(expected == Ok(true) && got == Ok(true));
        }
    }
    println!("{compared} compared, {allowed} of them allowed, {unsupported} policies not supported");
    assert!(unsupported * 2 < compared, "hardly anything is supported: {unsupported}");
    assert!(allowed * 20 > compared, "hardly anything is allowed: {allowed} of {compared}");
}
