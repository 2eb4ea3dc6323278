//! Policies and inputs that are meant to harm while they are evaluated.

/// What an evaluation must come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Over the deadline.
    Time,
    /// An error of policy with this in its message.
    Fails(&'static str),
    /// Over the deadline or the memory limit, or refused for the size of one result: whichever comes first.
    Limit,
    /// An answer, and a small one.
    Answers,
}

use End::{Answers, Fails, Limit, Time};

/// What it is, the body of `package p`, and what `data.p.x` must come to.
pub type Case = (&'static str, String, End);

fn case(what: &'static str, text: impl Into<String>, end: End) -> Case {
    (what, text.into(), end)
}

/// `x0` is the seed; each further one is made of the one before, `times` times; `x` is made of the last one.
fn growing(seed: &str, step: &str, times: usize, last: &str) -> String {
    let rows: String =
        (0..times).map(|at| format!("x{} := {}\n", at + 1, step.replace('#', &format!("x{at}")))).collect();
    format!("x0 := {seed}\n{rows}x := {}\n", last.replace('#', &format!("x{times}")))
}

pub fn growth() -> Vec<Case> {
    let range = "numbers.range(1, 1000)";
    vec![
        case("a range of 1e8", "x := count(numbers.range(1, 1e8))", Fails("more than 1000000 numbers")),
        case(
            "a range of 1e10",
            "x := count(numbers.range(1, 10000000000))",
            Fails("more than 1000000 numbers"),
        ),
        case(
            "a range of 1e18",
            "x := count(numbers.range(1, 1000000000000000000))",
            Fails("more than 1000000 numbers"),
        ),
        case(
            "a range down from 1e300",
            "x := count(numbers.range(1e300, -1e300))",
            Fails("more than 1000000 numbers"),
        ),
        case(
            "a range in steps",
            "x := count(numbers.range_step(1, 1e18, 2))",
            Fails("more than 1000000 numbers"),
        ),
        case("many ranges", format!("x := [y | some _ in {range}; y := numbers.range(1, 100000)]"), Limit),
        case(
            "an array of a cross product",
            format!("x := count([[i, j, k] | some i in {range}; some j in {range}; some k in {range}])"),
            Limit,
        ),
        case(
            "a set of a cross product",
            format!("x := count({{[i, j, k] | some i in {range}; some j in {range}; some k in {range}}})"),
            Limit,
        ),
        case(
            "an object of a cross product",
            format!("x := count({{[i, j, k]: k | some i in {range}; some j in {range}; some k in {range}}})"),
            Limit,
        ),
        case(
            "a partial set of a cross product",
            format!(
                "y contains [i, j, k] if {{ some i in {range}; some j in {range}; some k in {range} }}\nx := count(y)"
            ),
            Limit,
        ),
        case(
            "a partial object of a cross product",
            format!(
                "y[i][j] := k if {{ some i in {range}; some j in {range}; some k in [1] }}\nx := count(y)"
            ),
            Limit,
        ),
        case(
            "values that are thrown away",
            format!(
                "x if {{ some i in {range}; some j in {range}; some k in {range}; y := [[i], [j], [k]]; y == input }}"
            ),
            Limit,
        ),
        case("concat", "x := count(concat(\"\", [input.long | some _ in numbers.range(1, 1000)]))", Limit),
        case("concat that doubles", growing("input.long", "concat(\"\", [#, #])", 12, "count(#)"), Limit),
        case(
            "sprintf that doubles",
            growing("input.long", "sprintf(\"%v%v\", [#, #])", 12, "count(#)"),
            Limit,
        ),
        case("sprintf of a huge width", "x := count(sprintf(\"%1000000000d\", [1]))", Answers),
        case("templates that double", growing("input.long", "$\"{#}{#}\"", 12, "count(#)"), Limit),
        case(
            "replace that doubles",
            growing("input.long", "replace(#, \"a\", \"aa\")", 12, "count(#)"),
            Limit,
        ),
        case("replace of nothing", "x := count(replace(input.long, \"\", input.long))", Limit),
        case("strings.replace_n", "x := count(strings.replace_n({\"a\": input.long}, input.long))", Limit),
        case("regex.replace", "x := count(regex.replace(input.long, \"a\", input.long))", Limit),
        case(
            "array.concat that doubles",
            growing("numbers.range(1, 1000)", "array.concat(#, #)", 40, "count(#)"),
            Limit,
        ),
        case(
            "array.flatten",
            growing("numbers.range(1, 1000)", "array.flatten([#, #, #, #])", 20, "count(#)"),
            Limit,
        ),
        case("arrays that share", growing("[1]", "[#, #]", 64, "#"), Limit),
        case("arrays that share, marshalled", growing("[1]", "[#, #]", 64, "count(json.marshal(#))"), Limit),
        case(
            "arrays that share, compared",
            growing("[1]", "[#, #]", 64, "# == 1")
                + &growing("[1]", "[#, #]", 64, "# == x64")
                    .replace('x', "y")
                    .replace("== y64", "== x64")
                    .replace("y := ", "x if "),
            Limit,
        ),
        case("arrays that share, walked", growing("[1]", "[#, #]", 64, "count([1 | walk(#, _)])"), Limit),
        case("arrays that share, in a set", growing("[1]", "[#, #]", 64, "count({#, [#]})"), Answers),
        case(
            "arrays that share, sorted",
            growing("[1]", "[#, #]", 40, "sort([#, array.concat(#, [1]), y])")
                + "y := [[z, z] | z := x39][0]",
            Limit,
        ),
        case(
            "arrays that share, printed",
            growing("[1]", "[#, #]", 64, "count(sprintf(\"%v\", [#]))"),
            Limit,
        ),
        case("arrays that share, in YAML", growing("[1]", "[#, #]", 64, "count(yaml.marshal(#))"), Limit),
        case("arrays that share, as a key", growing("[1]", "[#, #]", 64, "{#: 1}"), Limit),
        case(
            "objects that share, united",
            growing(
                "{\"a\": 1}",
                "{\"a\": #, \"b\": #}",
                40,
                "count(object.union(#, {\"a\": x39, \"b\": {\"b\": x38}}))",
            ),
            Limit,
        ),
        case("sets that share", growing("{1}", "{#, [#]}", 64, "#"), Limit),
        case(
            "json.filter over what shares",
            growing("{\"a\": 1}", "{\"a\": #, \"b\": #}", 40, "json.filter(#, [\"a/a\"])"),
            Limit,
        ),
        case(
            "object.union_n",
            "x := count(object.union_n([y | some i in numbers.range(1, 1000); y := {sprintf(\"%d\", [j]): i | some j in numbers.range(1, 1000)}]))",
            Limit,
        ),
        case(
            "split into characters",
            "x := count([y | some _ in numbers.range(1, 100); y := split(input.long, \"\")])",
            Limit,
        ),
        case("base64 that grows", growing("input.long", "base64.encode(#)", 40, "count(#)"), Limit),
        case("hex that doubles", growing("input.long", "hex.encode(#)", 20, "count(#)"), Limit),
        case(
            "urlquery that grows",
            growing("concat(\"\", [input.long, \"&&&&\"])", "urlquery.encode(#)", 80, "count(#)"),
            Limit,
        ),
        case("json.marshal that grows", growing("\"\\\"\\\\\"", "json.marshal(#)", 40, "count(#)"), Limit),
        case(
            "json.patch",
            "x := json.patch({}, [y | some i in numbers.range(1, 1000000); y := {\"op\": \"add\", \"path\": sprintf(\"/%d\", [i]), \"value\": input}])",
            Limit,
        ),
        case(
            "json.patch that copies",
            growing(
                "{\"a\": {}}",
                "json.patch(#, [{\"op\": \"copy\", \"from\": \"/a\", \"path\": \"/a/b\"}, {\"op\": \"copy\", \"from\": \"/a\", \"path\": \"/a/c\"}])",
                60,
                "#",
            ),
            Limit,
        ),
        case(
            "graph.reachable_paths",
            "g := {sprintf(\"%d\", [i]): [a, b] | some i in numbers.range(1, 40); a := sprintf(\"%d\", [i + 1]); b := sprintf(\"%d\", [i + 2])}\nx := count(graph.reachable_paths(g, {\"1\"}))",
            Limit,
        ),
        case(
            "net.cidr_expand of all",
            "x := count(net.cidr_expand(\"0.0.0.0/0\"))",
            Fails("too many addresses"),
        ),
        case(
            "net.cidr_expand of all of IPv6",
            "x := count(net.cidr_expand(\"::/0\"))",
            Fails("too many addresses"),
        ),
        case(
            "with over a large input",
            "x := count([1 | some i in input.many; some j in input.many; y with input.many as j; i])\ny := true",
            Limit,
        ),
    ]
}

pub fn time() -> Vec<Case> {
    let million = "numbers.range(1, 1000000)";
    let unbound: Vec<String> = (0..20)
        .map(|at| {
            format!(
                "input.many[i{at}] == {}",
                if at < 19 { "y" } else { "-1" }.replace('y', &format!("y{at}"))
            )
        })
        .collect();
    let unbound = unbound.join("; ").replace("== y", "= y");
    let digits = "9".repeat(4000);
    vec![
        case(
            "a loop in a loop",
            format!("x if {{ some i in {million}; some j in {million}; i + j == -1 }}"),
            Time,
        ),
        case(
            "every in every",
            format!("x if {{ every i in {million} {{ every j in {million} {{ i + j > 0 }} }} }}"),
            Time,
        ),
        case("20 unbound references", format!("x if {{ {unbound} }}"), Time),
        case("one reference of 20 variables", format!("x if input{} == -1", "[_]".repeat(20)), Answers),
        case(
            "functions that call twice",
            (0..60).map(|at| format!("f{at}(y) := f{0}(y) + f{0}(y + 1)\n", at + 1)).collect::<String>()
                + "f60(y) := y\nx := f0(1)",
            Time,
        ),
        case(
            "comprehensions in comprehensions",
            format!("x := count([1 | some i in {million}; count([1 | some j in {million}; j < i]) == -1])"),
            Limit,
        ),
        case(
            "comparing what is long",
            format!(
                "x if {{ a := numbers.range(1, 100000); b := numbers.range(1, 100000); some i in {million}; array.concat(a, [i]) == array.concat(b, [-1]) }}"
            ),
            Limit,
        ),
        case(
            "built-ins over what is long",
            format!("y := [i | some i in {million}; i > 0]\nx if {{ some i in {million}; sum(y) == i }}"),
            Limit,
        ),
        case(
            "sorting what is long",
            "x if { some i in numbers.range(1, 100000); sort(array.reverse(numbers.range(1, 100000))) == object.get(input, \"nothing\", i) }",
            Limit,
        ),
        case(
            "sets of what is long",
            "x if { some i in numbers.range(1, 100000); count({j | some j in numbers.range(100000, 1)}) == 0 - i }",
            Limit,
        ),
        case("membership", format!("x if {{ some i in {million}; 0 - i in {million} }}"), Limit),
        case(
            "huge numbers multiplied",
            format!("x := product([{digits}, {digits}, {digits}, {digits}])"),
            Fails(""),
        ),
        case("huge numbers squared", growing("10", "# * #", 40, "#"), Fails("")),
        case(
            "huge exponents compared",
            "x if { some i in numbers.range(1, 1000000); some j in numbers.range(1, 1000); 1e9999 - i == 1e-9999 + j }",
            Fails("too large"),
        ),
        case(
            "huge exponents in a loop",
            "x if { some i in numbers.range(1, 1000000); some j in numbers.range(1, 1000); 1e9999 * i == 1e-9999 * j }",
            Time,
        ),
        case("huge exponents added", "x := 1e9999 + 1e-9999", Answers),
        case(
            "huge numbers in a loop",
            format!("x if {{ some i in {million}; y := ({digits} * {digits}) % (i + 1e3000); y < 0 }}"),
            Limit,
        ),
        case("shifts by a billion", "x := bits.lsh(1, 1000000000)", Fails("")),
        case("shifts by 2^63", "x := bits.lsh(1, 9223372036854775807)", Fails("")),
        case("shifts to the right by 2^63", "x := bits.rsh(1e300, 9223372036854775807)", Answers),
        case("units with exponents", "x := units.parse(\"1e999999999\")", Fails("")),
        case("bytes with exponents", "x := units.parse_bytes(\"1e999999999Ei\")", Fails("")),
        case("units of many digits", "x := units.parse(concat(\"\", [\"1\", input.digits]))", Fails("")),
        case("numbers of many digits", "x := to_number(input.digits)", Fails("")),
        case("numbers of huge exponents", "x := to_number(\"1e999999999\")", Fails("")),
        case("format_int of a huge number", "x := count(format_int(1e9999, 2))", Answers),
        case(
            "rounding huge numbers",
            "x := round(1e9999 + 0.5) + floor(-1e9999) + ceil(1e-9999)",
            Fails("too large"),
        ),
        case(
            "a regex of nested repeats",
            "x := regex.match(\"(a+)+(a+)+(a+)+$\", concat(\"\", [input.long, \"!\"]))",
            Answers,
        ),
        case(
            "a regex of huge repeats",
            "x := regex.match(\"((a{1000}){1000}){1000}\", input.long)",
            Fails(""),
        ),
        case(
            "a regex of alternatives",
            "x := regex.match(concat(\"\", [\"(\", concat(\"|\", [sprintf(\"a{1,%d}b\", [i]) | some i in numbers.range(1, 1000)]), \")*c\"]), input.long)",
            Limit,
        ),
        case("a regex of 1 MB", "x := regex.match(input.long, input.long)", Limit),
        case(
            "a regex that is deeply nested",
            "x := regex.match(concat(\"\", [\"(\" | some _ in numbers.range(1, 100000)]), \"a\")",
            Fails(""),
        ),
        case(
            "a regex that finds all",
            "x := count([1 | some i in numbers.range(1, 1000); y := regex.find_all_string_submatch_n(\"(((a?)?)?)\", input.long, -1); y == object.get(input, \"nothing\", i)])",
            Limit,
        ),
        case(
            "new expressions in a loop",
            format!(
                "x if {{ some i in {million}; regex.match(sprintf(\"(a{{1,50}}){{1,%d}}\", [i % 900 + 1]), input.long) == object.get(input, \"nothing\", i) }}"
            ),
            Limit,
        ),
        case(
            "regex.globs_match",
            "x := regex.globs_match(concat(\"\", [\"a*\" | some _ in numbers.range(1, 300)]), concat(\"\", [\"[a-b]*b*\" | some _ in numbers.range(1, 300)]))",
            Answers,
        ),
        case(
            "a glob of stars",
            "stars := concat(\"\", [\"*a\" | some _ in numbers.range(1, 5000)])\nx := glob.match(concat(\"\", [stars, \"b\"]), [\".\"], concat(\"\", [input.long, \"b\"]))",
            Limit,
        ),
        case(
            "a glob of alternatives",
            "x := glob.match(concat(\"\", [\"{a,b}\" | some _ in numbers.range(1, 20000)]), [], input.long)",
            Answers,
        ),
        case(
            "a glob that is deeply nested",
            "x := glob.match(concat(\"\", [\"{a,\" | some _ in numbers.range(1, 100000)]), [], \"a\")",
            Answers,
        ),
        case(
            "walk over what is deep",
            "x := count([1 | some _ in numbers.range(1, 1000000); walk(input.deep, [_, y]); y == -1])",
            Limit,
        ),
        case("a date at the end of time", "x := time.date([9223372036854775807, \"UTC\"])", Answers),
        case(
            "a date beyond",
            "x := time.add_date(9223372036854775807, 1000000000, 1000000000, 1000000000)",
            Fails(""),
        ),
        case(
            "a date far before",
            "x := time.add_date(-9223372036854775808, -9223372036854775808, -9223372036854775808, -9223372036854775808)",
            Fails(""),
        ),
        case("a time of a huge number", "x := time.format(1e300)", Fails("")),
        case(
            "a time in a layout of other letters",
            "x := time.format([0, \"UTC\", \"éééé2006—01\"])",
            Answers,
        ),
        case("a long layout", "x := count(time.format([0, \"UTC\", input.long]))", Answers),
        case("a duration of many digits", "x := time.parse_duration_ns(input.digits)", Fails("")),
        case(
            "a difference of extremes",
            "x := time.diff(9223372036854775807, -9223372036854775808)",
            Answers,
        ),
        case(
            "JSON that is deep",
            "x := count(json.unmarshal(concat(\"\", [\"[\" | some _ in numbers.range(1, 100000)])))",
            Fails(""),
        ),
        case(
            "JSON that is balanced and deep",
            "o := concat(\"\", [\"[\" | some _ in numbers.range(1, 50000)])\nx := json.unmarshal(concat(\"\", [o, replace(o, \"[\", \"]\")]))",
            Fails(""),
        ),
        case(
            "YAML that is deep",
            "x := yaml.unmarshal(concat(\"\", [\"[\" | some _ in numbers.range(1, 100000)]))",
            Fails(""),
        ),
        case(
            "YAML that indents",
            "x := yaml.unmarshal(concat(\"\", [\"- \" | some _ in numbers.range(1, 50000)]))",
            Fails(""),
        ),
        case(
            "a billion laughs",
            "x := yaml.unmarshal(concat(\"\\n\", array.concat([\"a0: &a0 [lol,lol,lol,lol,lol,lol,lol,lol,lol]\"], [sprintf(\"a%d: &a%d [*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d]\", [i, i, j, j, j, j, j, j, j, j, j]) | some i in numbers.range(1, 9); j := i - 1])))",
            Fails("excessive aliasing"),
        ),
        case(
            "YAML that merges",
            "x := yaml.unmarshal(concat(\"\\n\", array.concat([\"a0: &a0 {b: 1}\"], [sprintf(\"a%d: &a%d {<<: [*a%d, *a%d], c%d: *a%d}\", [i, i, j, j, i, j]) | some i in numbers.range(1, 64); j := i - 1])))",
            Fails("excessive aliasing"),
        ),
        case(
            "YAML that is deep and is asked about",
            "x := yaml.is_valid(concat(\"\", [\"{\" | some _ in numbers.range(1, 100000)]))",
            Answers,
        ),
        case("base64 of garbage", "x := base64.decode(input.long)", Answers),
        case(
            "certificates of garbage",
            "x := crypto.x509.parse_certificates(base64.encode(input.long))",
            Fails(""),
        ),
        case("a key of garbage", "x := crypto.x509.parse_rsa_private_key(input.long)", Fails("")),
        case(
            "a token of garbage",
            "x := io.jwt.decode(concat(\".\", [input.long, input.long, input.long]))",
            Fails(""),
        ),
        case("a token of dots", "x := io.jwt.decode(replace(input.long, \"a\", \".\"))", Fails("")),
        case("a token with a huge key set", "x := io.jwt.verify_rs256(\"a.b.c\", input.long)", Fails("")),
        case(
            "a schema that refers to itself",
            "x := json.match_schema({\"a\": 1}, {\"$ref\": \"#\"})",
            Fails(""),
        ),
        case(
            "a schema that doubles",
            "d := {sprintf(\"d%d\", [i]): {\"allOf\": [{\"$ref\": r}, {\"$ref\": r}]} | some i in numbers.range(0, 60); r := sprintf(\"#/definitions/d%d\", [i + 1])}\nx := json.match_schema({}, {\"$ref\": \"#/definitions/d0\", \"definitions\": object.union(d, {\"d61\": {\"type\": \"string\"}})})",
            Limit,
        ),
        case(
            "a query that is deep",
            "x := graphql.is_valid(concat(\"\", [\"{a\" | some _ in numbers.range(1, 100000)]), \"type Query { a: Query }\")",
            Answers,
        ),
        case(
            "a template that loops",
            "x := strings.render_template(\"{{range .a}}{{range $.a}}{{range $.a}}{{.}}{{end}}{{end}}{{end}}\", {\"a\": numbers.range(1, 1000)})",
            Limit,
        ),
        case(
            "a template that is deep",
            "x := strings.render_template(concat(\"\", [\"{{if .a}}\" | some _ in numbers.range(1, 100000)]), {\"a\": 1})",
            Fails(""),
        ),
        case(
            "versions of many digits",
            "x := semver.compare(concat(\"\", [input.digits, \".0.0\"]), \"1.0.0\")",
            Fails(""),
        ),
        case(
            "networks against networks",
            "y := [sprintf(\"10.%d.%d.0/24\", [i, j]) | some i in numbers.range(0, 255); some j in numbers.range(0, 20)]\nx := count(net.cidr_contains_matches(y, y))",
            Limit,
        ),
        case(
            "merging networks",
            "y := [sprintf(\"10.%d.%d.%d/28\", [i, j, k * 16]) | some i in numbers.range(0, 255); some j in numbers.range(0, 255); some k in numbers.range(0, 15)]\nx := count(net.cidr_merge(y))",
            Limit,
        ),
        case(
            "searching overlapping texts",
            "x := count([1 | some i in numbers.range(1, 1000); y := indexof_n(input.long, \"aaaaaaaa\"); y == object.get(input, \"nothing\", i)])",
            Limit,
        ),
        case(
            "the same with a long part",
            "x if { some i in numbers.range(1, 1000000); indexof(input.long, concat(\"\", [substring(input.long, 0, 500000), \"b\"])) == i }",
            Limit,
        ),
        case(
            "any_prefix_match",
            "x if { some i in numbers.range(1, 1000000); strings.any_prefix_match([j | some j in input.words], [k | some k in input.words]) == object.get(input, \"nothing\", i) }",
            Limit,
        ),
        case(
            "object.subset",
            "x if { some i in numbers.range(1, 1000000); object.subset(numbers.range(1, 100000), array.concat(numbers.range(2, 50000), [-1])) != (i == 0) }",
            Limit,
        ),
    ]
}
