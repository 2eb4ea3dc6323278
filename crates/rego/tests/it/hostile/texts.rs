//! Policies that are meant to harm while they are loaded, made here rather than stored.

/// What loading must come to. Either way it ends soon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    Loads,
    /// Refused, with this in one of the messages.
    Refused(&'static str),
}

use End::{Loads, Refused};

/// A hostile text: what it is, the text, and what loading it must come to.
pub type Case = (&'static str, String, End);

fn rules(count: usize, rule: impl Fn(usize) -> String) -> String {
    let mut text = String::from("package p\n");
    (0..count).for_each(|at| text.push_str(&rule(at)));
    text
}

/// `x := open…inner…close`
fn nested(times: usize, open: &str, inner: &str, close: &str) -> String {
    format!("package p\nx := {}{inner}{}\n", open.repeat(times), close.repeat(times))
}

/// `x if { open…inner…close }`
fn nested_body(times: usize, open: &str, inner: &str, close: &str) -> String {
    format!("package p\nx if {{ {}{inner}{} }}\n", open.repeat(times), close.repeat(times))
}

/// A row of rules, each of which asks for the next.
pub fn chain(links: usize) -> String {
    rules(links, |at| format!("p{at} := p{} + 1\n", at + 1)) + &format!("p{links} := 0\n")
}

/// A row of functions, each of which calls the next.
pub fn function_chain(links: usize) -> String {
    let row = rules(links, |at| format!("f{at}(x) := f{}(x) + 1\n", at + 1));
    row + &format!("f{links}(x) := x\np0 := f0(0)\n")
}

const TOO_DEEP: &str = "recursion depth exceeded";

pub fn nestings() -> Vec<Case> {
    let mut cases = Vec::new();
    for (what, open, inner, close) in [
        ("arrays", "[", "1", "]"),
        ("sets", "{", "1", "}"),
        ("objects", "{1: ", "1", "}"),
        ("objects as keys", "{", "1", ": 1}"),
        ("parentheses", "(", "1", ")"),
        ("array comprehensions", "[y | y := ", "1", "]"),
        ("set comprehensions", "{y | y := ", "1", "}"),
        ("object comprehensions", "{y: 1 | y := ", "1", "}"),
        ("comprehensions in heads", "[", "1", " | true]"),
        ("calls", "abs(", "1", ")"),
        ("references", "input[", "1", "]"),
        ("templates", "$\"{", "1", "}\""),
        ("unfinished comprehensions", "[1 | ", "1", ""),
        ("unfinished arrays", "[", "", ""),
    ] {
        for times in [30, 100_000] {
            let end = if times > 1000 {
                Refused("")
            } else if what.starts_with("unfinished") {
                Refused("unexpected")
            } else {
                Loads
            };
            cases.push((what, nested(times, open, inner, close), end));
        }
    }
    for (what, open, inner, close) in [
        ("every", "every x in [1] { x; ", "true", " }"),
        ("not in comprehensions", "not [1 | ", "true", "] == [2]"),
        ("with in comprehensions", "count([1 | ", "true", "]) == 1 with input as 1"),
        ("with of comprehensions", "true with input as [1 | ", "true", "]"),
    ] {
        cases.push((what, nested_body(30, open, inner, close), Loads));
        cases.push((what, nested_body(100_000, open, inner, close), Refused("")));
    }
    cases.push(("deep arrays", nested(1_000, "[", "1", "]"), Refused(TOO_DEEP)));
    cases
}

/// Closures in closures, where every level can run only after something that stands behind it.
fn backwards(levels: usize, open: &str, close: &str) -> String {
    let mut text = String::from("true");
    for level in 0..levels {
        text = format!("{open}{text}; z{level} == 1{close}; z{level} := 1");
    }
    format!("package p\nx if {{ {text} }}\n")
}

/// Closures in closures, each beside what can run only after something that stands behind it.
fn waiting(levels: usize, open: &str, close: &str) -> String {
    let mut text = String::from("true");
    for level in 0..levels {
        let close = close.replace("z{}", &format!("z{level}"));
        text = format!("{open}{text}{close}; z{level} = 1");
    }
    format!("package p\nx if {{ {text} }}\n")
}

pub fn rows() -> Vec<Case> {
    let elses = |count: usize| {
        format!("package p\nx := 0 if input.x == -1 {}", "else := 1 if input.y ".repeat(count))
    };
    let elses_of_function = format!(
        "package p\nf({}) := 0 if input.x == -1 {}",
        (0..200).map(|at| format!("[x{at}, input.a{at}]")).collect::<Vec<_>>().join(", "),
        "else := 1 if input.y ".repeat(10_000)
    );
    let statements = |count: usize, stmt: &dyn Fn(usize) -> String| {
        let body: String = (0..count).map(|at| stmt(at) + "\n").collect();
        format!("package p\nx if {{\n{body}}}\n")
    };
    vec![
        ("10,000 else", elses(10_000), Loads),
        ("10,000 else of a function with 200 parameters", elses_of_function, Refused("")),
        (
            "a with for each of 10,000 parts",
            format!(
                "package p\nx if true{}",
                (0..10_000).map(|at| format!(" with input.a{at} as 1")).collect::<String>()
            ),
            Loads,
        ),
        ("100,000 with", format!("package p\nx if true{}", " with input.x as 1".repeat(100_000)), Loads),
        ("100,000 not", statements(100_000, &|_| "not input.x".into()), Loads),
        ("not not not", format!("package p\nx if {} true\n", "not ".repeat(10_000)), Refused("")),
        ("100,000 rules", rules(100_000, |at| format!("p{at} if input.x{at}\n")), Loads),
        ("100,000 bodies of one rule", rules(100_000, |at| format!("x if input.x{at} == {at}\n")), Loads),
        ("100,000 bodies of a function", rules(100_000, |at| format!("f({at}) := {at}\n")), Loads),
        ("100,000 elements", rules(100_000, |at| format!("x contains {at}\n")), Loads),
        ("100,000 imports", rules(100_000, |at| format!("import data.a{at}\n")), Loads),
        ("one import 100,000 times", rules(100_000, |_| "import data.a\n".into()), Refused("shadow")),
        ("100,000 defaults", rules(100_000, |_| "default x := 1\n".into()), Refused("")),
        ("100,000 names of one package", rules(100_000, |at| format!("a.b.c{at} := 1\n")), Loads),
        (
            "a name of 10,000 parts",
            format!("package p\na{} := 1\n", ".a".repeat(10_000)),
            Refused("too long"),
        ),
        (
            "a package of 10,000 parts",
            format!("package p{}\nx := 1\n", ".a".repeat(10_000)),
            Refused("too long"),
        ),
        ("1 MB of a sum", format!("package p\nx := 1{}\n", "+1".repeat(500_000)), Refused("levels")),
        ("1 MB of unions", format!("package p\nx := {{1}}{}\n", "|{1}".repeat(250_000)), Refused("levels")),
        ("1 MB of text", format!("package p\nx := \"{}\"\n", "a".repeat(1 << 20)), Loads),
        ("1 MB of escapes", format!("package p\nx := \"{}\"\n", "\\u0041".repeat(170_000)), Loads),
        ("1 MB of a name", format!("package p\n{} := 1\n", "a".repeat(1 << 20)), Loads),
        ("1 MB of comments", format!("package p\n{}x := 1\n", "# a\n".repeat(250_000)), Loads),
        (
            "1 MB of annotations",
            format!("# METADATA\n{}package p\nx := 1\n", "# a: [\n".repeat(150_000)),
            Loads,
        ),
        (
            "aliases in annotations",
            format!(
                "# METADATA\n# custom:\n#   a0: &a0 [x]\n{}package p\nx := 1\n",
                (0..64).map(|at| format!("#   a{0}: &a{0} [*a{at}, *a{at}]\n", at + 1)).collect::<String>()
            ),
            Loads,
        ),
        ("5 MB", format!("package p\n{}x := 1\n", " ".repeat(5 << 20)), Refused("too large")),
        ("an array of 300,000", format!("package p\nx := [{}1]\n", "1,".repeat(300_000)), Loads),
        (
            "a set of 100,000",
            format!(
                "package p\nx := {{{}1}}\n",
                (0..100_000).rev().map(|at| format!("{at},")).collect::<String>()
            ),
            Loads,
        ),
        (
            "a set of 30,000 variables",
            statements(30_000, &|at| format!("y{at} := input.y{at}")).replace(
                "\n}",
                &format!(
                    "\nz := {{{}1}}\nz\n}}",
                    (0..30_000).map(|at| format!("y{at},")).collect::<String>()
                ),
            ),
            Loads,
        ),
        (
            "a call of 100,000 arguments",
            format!("package p\nx := f({}1)\n", "1,".repeat(100_000)),
            Refused(""),
        ),
        ("a reference of 100,000 parts", format!("package p\nx := input{}\n", ".a".repeat(100_000)), Loads),
        (
            "a reference of 10,000 variables",
            format!("package p\nx if input{}\n", "[_]".repeat(10_000)),
            Refused("nest too deeply"),
        ),
        (
            "5,000 statements backwards",
            statements(5_000, &|at| format!("a{at} = a{}", at + 1)).replace("\n}", "\na5000 = 1\n}"),
            Loads,
        ),
        (
            "50,000 statements backwards",
            statements(50_000, &|at| format!("a{at} = a{}", at + 1)).replace("\n}", "\na50000 = 1\n}"),
            Loads,
        ),
        (
            "5,000 unsafe statements",
            statements(5_000, &|at| format!("a{at} < a{}", at + 1)),
            Refused("unsafe"),
        ),
        (
            "10,000 loops in a row",
            statements(10_000, &|at| format!("some a{at} in input")),
            Refused("nest too deeply"),
        ),
        (
            "30,000 comprehensions",
            statements(30_000, &|at| format!("a{at} := [y | some y in input.x]")),
            Loads,
        ),
        ("arrays backwards", backwards(60, "count([1 | ", "]) == 1"), Refused("unsafe")),
        ("every backwards", backwards(60, "every y in [1] { ", " }"), Refused("unused")),
        ("not backwards", backwards(60, "not count([1 | ", "]) == 1"), Refused("unsafe")),
        ("with backwards", backwards(60, "count([1 | ", "]) == 1 with input as 1"), Refused("unsafe")),
        ("arrays that wait", waiting(60, "count([1 | ", "]) == z{}"), Loads),
    ]
}

pub fn oddities() -> Vec<Case> {
    let numbers = [
        "1e999999999",
        "1e-999999999",
        "-1e10001",
        &"9".repeat(100_000),
        &format!("0.{}1", "0".repeat(100_000)),
        "1e99999999999999999999999999",
    ];
    let mut cases: Vec<Case> = numbers
        .iter()
        .map(|number| ("a huge number", format!("package p\nx := {number}\n"), Refused("")))
        .collect();
    cases.extend([
        ("nothing", String::new(), Refused("")),
        ("NUL", "\0".repeat(1000), Refused("")),
        ("NUL in a text", "package p\nx := \"\0\"\n".into(), Refused("")),
        ("NUL between", "package p\0\nx := 1\n".into(), Refused("")),
        ("a byte order mark", "\u{feff}package p\nx := 1\n".into(), Loads),
        ("replaced bytes", "package p\nx := \u{fffd}\n".into(), Refused("")),
        ("other letters", "package p\nпривет := 1\n".into(), Refused("")),
        ("right to left", "package p\nx := 1 # \u{202e}\n".into(), Loads),
        ("100,000 strange characters", "package p\n".to_owned() + &"\u{1f600}".repeat(100_000), Refused("")),
        ("100,000 quotes", "package p\nx := ".to_owned() + &"\"".repeat(100_001), Refused("")),
        ("100,000 backticks", "package p\nx := ".to_owned() + &"`".repeat(100_001), Refused("")),
        ("100,000 template openings", "package p\nx := ".to_owned() + &"$\"{".repeat(100_000), Refused("")),
        ("100,000 commas", "package p\nx := [".to_owned() + &",".repeat(100_000), Refused("")),
        ("100,000 ifs", "package p\nx ".to_owned() + &"if ".repeat(100_000), Refused("")),
        ("100,000 packages", "package p\n".repeat(100_000), Refused("")),
        (
            "a conflict of kinds",
            rules(1000, |at| if at % 2 == 0 { format!("x contains {at}\n") } else { format!("x := {at}\n") }),
            Refused(""),
        ),
    ]);
    cases
}

pub fn recursions() -> Vec<Case> {
    const RECURSIVE: End = Refused("recursive");
    vec![
        ("a function of itself", "package p\nf(x) := f(x)\n".into(), RECURSIVE),
        ("two functions of each other", "package p\nf(x) := g(x)\ng(x) := f(x)\n".into(), RECURSIVE),
        ("a ring of 1,000", rules(1000, |at| format!("f{at}(x) := f{}(x)\n", (at + 1) % 1000)), RECURSIVE),
        (
            "a ring of 100,000",
            rules(100_000, |at| format!("f{at}(x) := f{}(x)\n", (at + 1) % 100_000)),
            RECURSIVE,
        ),
        ("a rule of itself", "package p\nx if not x\n".into(), RECURSIVE),
        ("in a comprehension", "package p\nx := [y | some y in x]\n".into(), RECURSIVE),
        ("in else", "package p\nx := 1 if input.y\nelse := x\n".into(), RECURSIVE),
        ("in a default", "package p\ndefault f(_) := 1\nf(x) := f(x) + 1\n".into(), RECURSIVE),
        (
            "by a reference with a variable",
            "package p\nx := data.p[y] if some y in [\"x\"]\n".into(),
            RECURSIVE,
        ),
        (
            "by two variables",
            "package p\nx := data[a][b] if { some a in [\"p\"]; some b in [\"x\"] }\n".into(),
            RECURSIVE,
        ),
        ("by the whole tree", "package p\nx := data\n".into(), RECURSIVE),
        ("by the package", "package p\nx := count(data.p)\n".into(), RECURSIVE),
        ("by with", "package p\nf(x) if g(x) with g as f\ng(x) := x\n".into(), RECURSIVE),
        ("by with of a built-in", "package p\nf(x) if count([x]) with count as f\n".into(), RECURSIVE),
        (
            "by with over a rule",
            "package p\nx if y with abs as f\ny := abs(1)\nf(_) := x\n".into(),
            RECURSIVE,
        ),
        (
            "by a partial rule",
            "package p\nx contains y if some y in z\nz contains y if some y in x\n".into(),
            RECURSIVE,
        ),
        (
            "by a general reference",
            "package p\na[x].b := c if some x in [1]\nc := a[1].b\n".into(),
            RECURSIVE,
        ),
        ("every one of 1,000", rules(1000, |at| format!("p{at} := data.p\n")), RECURSIVE),
        ("100,000 links", chain(100_000), Refused("too deeply")),
        ("100,000 links of functions", function_chain(100_000), Refused("too deeply")),
        (
            "each of 300 asks for all before it",
            rules(300, |at| {
                format!("p{at} := [{}1]\n", (0..at).map(|at| format!("p{at},")).collect::<String>())
            }),
            Loads,
        ),
        (
            "doubling 300 times",
            rules(300, |at| format!("p{} := [p{at}, p{at}]\n", at + 1)) + "p0 := 1\n",
            Loads,
        ),
        (
            "1,000 rules over the whole of a package",
            rules(1000, |at| format!("p{at} := data.q[input.x]\n")),
            Loads,
        ),
    ]
}
