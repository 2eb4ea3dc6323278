use std::time::{Duration, Instant};

use crate::builtins::context::Context;
use crate::builtins::error::Error;
use crate::builtins::json::decode;
use crate::builtins::table;
use crate::json;
use crate::value::{Object, Set, Value};

fn call(name: &str, args: &[Value]) -> Result<Option<Value>, Error> {
    let mut context = Context::new(7, Instant::now() + Duration::from_secs(1), 16 << 20);
    let function = table::find(name).unwrap().function.unwrap();
    function(&mut context, args)
}

fn args(json: &str) -> Vec<Value> {
    match decode::read(json).unwrap() {
        Value::Array(items) => items.to_vec(),
        _ => unreachable!(),
    }
}

/// The answer as JSON, or the error after a `!`, or nothing.
fn answer(name: &str, json: &str) -> String {
    match call(name, &args(json)) {
        Ok(Some(value)) => {
            let mut out = String::new();
            json::write(&value, &mut out);
            out
        }
        Ok(None) => String::new(),
        Err(error) => format!("!{}", error.message),
    }
}

#[test]
fn functions_answer() {
    let cases = [
        (
            "time.format",
            r#"[[1700000000123000000, "Europe/Berlin", "Mon Jan _2 15:04:05.000 MST -07:00 2006 é"]]"#,
            r#""Tue Nov 14 23:13:20.123 CET +01:00 2023 é""#,
        ),
        ("time.format", "[0]", r#""1970-01-01T00:00:00Z""#),
        ("time.format", r#"[[0, "europe/berlin"]]"#, "!unknown time zone europe/berlin"),
        ("time.parse_ns", r#"["RFC1123", "Tue, 14 Nov 2023 22:13:20 UTC"]"#, "1700000000000000000"),
        ("time.parse_ns", r#"["2006 002", "2024 366"]"#, "1735603200000000000"),
        (
            "time.parse_rfc3339_ns",
            r#"["2023-02-29T00:00:00Z"]"#,
            r#"!parsing time "2023-02-29T00:00:00Z": day out of range"#,
        ),
        ("time.parse_duration_ns", r#"["-1h1.5s"]"#, "-3601500000000"),
        ("time.parse_duration_ns", r#"["1"]"#, r#"!time: missing unit in duration "1""#),
        ("time.add_date", "[1709164800000000000, 1, 0, 0]", "1740787200000000000"),
        ("time.add_date", "[0, 9223372036854775807, 9223372036854775807, 1]", "!time outside of valid range"),
        ("semver.compare", r#"["1.0.0-rc.2", "1.0.0-rc.10"]"#, "-1"),
        ("semver.is_valid", r#"["1.0.0-a..b"]"#, "false"),
        ("units.parse", r#"["1.5Ki"]"#, "1536"),
        ("units.parse", r#"["5m"]"#, "0.0050000000"),
        ("units.parse", r#"["1e999999"]"#, "!units.parse: exponent too large"),
        ("units.parse", r#"["1e9999999X"]"#, "!units.parse: exponent too large"),
        ("units.parse", r#"["1e2X"]"#, "!units.parse: unit X not recognized"),
        ("units.parse_bytes", r#"["0.3kb"]"#, "300"),
        ("uuid.parse", r#"["{urn}"]"#, ""),
        (
            "net.cidr_merge",
            r#"[["10.0.0.0/25", "10.0.0.128/25", "::1/128"]]"#,
            r#"["10.0.0.0/24","::1/128"]"#,
        ),
        ("net.cidr_expand", r#"["::ffff:1.2.3.4/127"]"#, r#"["1.2.3.4","1.2.3.5"]"#),
        ("net.cidr_expand", r#"["10.0.0.0/8"]"#, "!the range has too many addresses"),
        ("net.lookup_ip_addr", r#"["example.org"]"#, "!unallowed host: example.org"),
        ("base64.decode", r#"["YW\nJj"]"#, r#""abc""#),
        ("base64.decode", r#"["YWJ"]"#, "!illegal base64 data at input byte 0"),
        ("hex.decode", r#"["e9f"]"#, "!encoding/hex: odd length hex string"),
        ("urlquery.decode", r#"["a+%zz"]"#, r#"!invalid URL escape "%zz""#),
        ("json.unmarshal", r#"["{\"a\": 1, \"a\": 2.50}"]"#, r#"{"a":2.50}"#),
        ("json.marshal", r#"["<&>"]"#, r#""\"\\u003c\\u0026\\u003e\"""#),
        (
            "yaml.unmarshal",
            r#"["a: yes\nb: 'yes'\nc: 0x1F\nd: &x [1, ~]\ne: *x\n<<: {f: 2024-01-01}"]"#,
            r#"{"a":"yes","b":"yes","c":31,"d":[1,null],"e":[1,null],"f":"2024-01-01"}"#,
        ),
        (
            "yaml.marshal",
            r#"[{"b": ["x", {"k": "a: b"}], "a10": "no", "a2": "", "t": "l1\nl2"}]"#,
            r#""a2: \"\"\na10: \"no\"\nb:\n  - x\n  - k: 'a: b'\nt: |-\n  l1\n  l2\n""#,
        ),
        ("graph.reachable_paths", r#"[{"a": ["b"], "b": ["a", "a"]}, ["a"]]"#, r#"[["a","b"]]"#),
        ("walk", "[[7]]", "[[[],[7]],[[0],7]]"),
        (
            "json.match_schema",
            r#"[{"a": 3}, {"properties": {"a": {"maximum": 2}}, "required": ["b"]}]"#,
            r#"[false,[{"desc":"b is required","error":"(Root): b is required","field":"(Root)","type":"required"},{"desc":"Must be less than or equal to 2","error":"a: Must be less than or equal to 2","field":"a","type":"number_lte"}]]"#,
        ),
        (
            "json.match_schema",
            r#"["[1, 1, \"b\"]", {"uniqueItems": true, "items": {"pattern": "^a", "type": ["string", "number"]}}]"#,
            r#"[false,[{"desc":"Does not match pattern '^a'","error":"2: Does not match pattern '^a'","field":"2","type":"pattern"},{"desc":"array items[0,1] must be unique","error":"(Root): array items[0,1] must be unique","field":"(Root)","type":"unique"}]]"#,
        ),
        (
            "json.match_schema",
            r#"[[1], {"items": {"enum": []}}]"#,
            r#"[false,[{"desc":"0 must be one of the following: (none)","error":"0: 0 must be one of the following: (none)","field":"0","type":"enum"}]]"#,
        ),
        (
            "json.match_schema",
            r##"[{"next": {"next": {"v": "x"}}}, {"properties": {"next": {"allOf": [{"$ref": "#"}]}, "v": {"type": "number"}}}]"##,
            r#"[false,[{"desc":"Invalid type. Expected: number, given: string","error":"next.next.v: Invalid type. Expected: number, given: string","field":"next.next.v","type":"invalid_type"},{"desc":"Must validate all the schemas (allOf)","error":"next.next: Must validate all the schemas (allOf)","field":"next.next","type":"number_all_of"},{"desc":"Must validate all the schemas (allOf)","error":"next: Must validate all the schemas (allOf)","field":"next","type":"number_all_of"}]]"#,
        ),
        ("json.match_schema", r#"[1, {}]"#, "!wrong type, expected string or object"),
        (
            "json.verify_schema",
            r#"[{"properties": []}]"#,
            r#"[false,"jsonschema: Properties must be of type object"]"#,
        ),
        ("json.verify_schema", r#"[[1]]"#, r#"[false,"jsonschema: schema is invalid"]"#),
        (
            "json.verify_schema",
            r#"[{"pattern": "(?=a)"}]"#,
            r#"[false,"jsonschema: pattern must be a valid regex"]"#,
        ),
        ("json.verify_schema", r#"[{"minLength": 1}]"#, "[true,null]"),
        (
            "json.verify_schema",
            r#"[{"minLength": 1.0}]"#,
            r#"[false,"jsonschema: minLength must be of an integer"]"#,
        ),
        ("json.pointer_escape", r#"["a/b~1"]"#, r#""a~1b~01""#),
        ("trace", r#"["a"]"#, "true"),
        ("trace", "[1]", "!operand 1 must be string but got number"),
        (
            "json.verify_schema",
            r#"[{"$ref": "http://example.org/x"}]"#,
            r#"[false,"jsonschema: remote reference loading disabled: example.org"]"#,
        ),
        ("graphql.is_valid", r#"["{ a(x: \"1\") }", "type Query { a(x: Int): String }"]"#, "false"),
        (
            "graphql.parse",
            r#"["{ b }", "type Query { a: String }"]"#,
            r#"!Cannot query field "b" on type "Query" in GraphQL query string at location 1:3"#,
        ),
        (
            "graphql.parse_query",
            r#"["{ a: b(c: [1]) }"]"#,
            r#"{"Operations":[{"Name":"","Operation":"query","SelectionSet":[{"Alias":"a","Arguments":[{"Name":"c","Value":{"Children":[{"Name":"","Value":{"ExpectedTypeHasDefault":false,"Kind":1,"Raw":"1"}}],"ExpectedTypeHasDefault":false,"Kind":8,"Raw":""}}],"Name":"b"}]}]}"#,
        ),
    ];
    let failed: Vec<String> = cases
        .iter()
        .filter_map(|(name, json, want)| {
            let got = answer(name, json);
            (got != *want).then(|| format!("{name}{json}\n  got  {got}\n  want {want}"))
        })
        .collect();
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

/// What would take long, or much, or deep, ends soon with some answer.
#[test]
fn hostile_arguments_end_soon() {
    let many = |text: &str, count: usize| Value::from(text.repeat(count));
    let bomb: String = (1..40).fold("a0: &a0 [x, x]\n".to_string(), |text, at| {
        let before = at - 1;
        format!("{text}a{at}: &a{at} [*a{before}, *a{before}]\n")
    });
    let fragments: String = (0..40).fold("{ ...f0 }\n".to_string(), |text, at| {
        let next = at + 1;
        let inner = if at == 39 { "c".to_string() } else { format!("...f{next}") };
        let inner = if at == 39 { inner } else { format!("a {{ {inner} }} b {{ {inner} }}") };
        format!("{text}fragment f{at} on Query {{ {inner} }}\n")
    });
    let wide = Value::from(
        (0..3000).map(|at| Value::from(format!("10.{}.{}.0/24", at / 256, at % 256))).collect::<Vec<_>>(),
    );
    let deep = (0..900).fold(Value::Null, |value, _| Value::from(vec![value]));
    let ring = r##"{"definitions": {"a": {"anyOf": [{"$ref": "#/definitions/a"}, {"$ref": "#/definitions/a"}]}}, "$ref": "#/definitions/a"}"##;
    let calls = [
        ("json.unmarshal", vec![many("[", 1_000_000)]),
        ("yaml.unmarshal", vec![many("[", 200_000)]),
        ("yaml.unmarshal", vec![many("- ", 100_000)]),
        ("yaml.unmarshal", vec![many("a: {", 50_000)]),
        ("yaml.unmarshal", vec![many("? ", 50_000)]),
        ("yaml.unmarshal", vec![many("x: y\n", 100_000)]),
        ("yaml.unmarshal", vec![Value::from(bomb)]),
        ("yaml.marshal", vec![deep.clone()]),
        ("yaml.marshal", vec![many("é a\n ", 100_000)]),
        ("units.parse", vec![many("9", 1_000_000)]),
        ("time.parse_ns", vec![many("5.", 100_000), many("5.", 100_000)]),
        ("time.format", vec![Value::from(vec![Value::from(0), Value::from(""), many(".000", 100_000)])]),
        ("time.parse_duration_ns", vec![many("1h", 500_000)]),
        ("base64.decode", vec![many("\n", 1_000_000)]),
        ("net.cidr_merge", vec![wide.clone()]),
        ("net.cidr_contains_matches", vec![wide.clone(), wide.clone()]),
        ("graphql.parse_query", vec![many("{a", 500_000)]),
        ("graphql.parse_query", vec![many("#\n", 500_000)]),
        ("graphql.parse_schema", vec![Value::from(format!("type a {{ b: {} }}", "[".repeat(500_000)))]),
        (
            "graphql.is_valid",
            vec![Value::from(fragments), Value::from("type Query { a: Query b: Query c: Int }")],
        ),
        ("graphql.is_valid", vec![deep.clone(), deep.clone()]),
        ("json.match_schema", vec![Value::from("{}"), Value::from(ring)]),
        ("json.match_schema", vec![deep.clone(), Value::from(r##"{"items": {"$ref": "#"}}"##)]),
        ("json.verify_schema", vec![Value::from(r#"{"patternProperties": {"(a{1000}){1000}": {}}}"#)]),
        ("walk", vec![deep.clone()]),
        ("graph.reachable", vec![Value::from(Object::new()), Value::from(Set::new())]),
    ];
    for (name, args) in calls {
        let start = Instant::now();
        let _ = call(name, &args);
        let took = start.elapsed();
        assert!(took < Duration::from_secs(4), "{name} took {took:?}");
        if took > Duration::from_millis(300) {
            println!("{name} took {took:?}");
        }
    }
}

/// What is made ready at load answers as what is not; where it cannot be made ready, the call says why.
#[test]
fn calls_with_constants_answer_as_others() {
    let cases = [
        ("glob.match", r#"["a*", null, "ab"]"#, true),
        ("glob.match", r#"["a.*", ["."], "a.b"]"#, true),
        ("glob.match", r#"["a.*", ["."], 1]"#, true),
        ("glob.match", r#"["[", [], "b"]"#, false),
        ("glob.match", r#"["a", ["ab"], "b"]"#, false),
        ("glob.match", r#"[1, [], "b"]"#, false),
        ("regex.match", r#"["^a+$", "aa"]"#, true),
        ("regex.match", r#"["^a+$", null]"#, true),
        ("regex.match", r#"["(", "aa"]"#, false),
        ("regex.match", r#"[1, "aa"]"#, false),
        ("re_match", r#"["b", "aa"]"#, true),
        ("regex.find_n", r#"["a.", "abacad", 2]"#, true),
        ("regex.find_n", r#"["a.", "abacad", 1.5]"#, true),
        ("regex.find_all_string_submatch_n", r#"["a(.)", "abac", -1]"#, true),
        ("regex.split", r#"["", "abc"]"#, true),
        ("regex.split", r#"[",", ""]"#, true),
        ("regex.replace", r#"["abc", "(?P<x>b)", "[${x}]"]"#, true),
        ("regex.replace", r#"["abc", "b", 1]"#, true),
        ("json.match_schema", r#"[{"a": 1}, {"required": ["b"]}]"#, true),
        ("json.match_schema", r#"["{}", "{\"type\": \"array\"}"]"#, true),
        ("json.match_schema", r#"[{}, {"type": "x"}]"#, false),
        ("json.match_schema", r#"[7, {}]"#, true),
        ("strings.render_template", r#"["{{.a}}", {"a": 1}]"#, true),
        ("strings.render_template", r#"["{{.a}}", 1]"#, true),
        ("strings.render_template", r#"["{{", {}]"#, false),
    ];
    for (name, json, ready) in cases {
        let args = args(json);
        let known: Vec<Option<&Value>> = args.iter().map(Some).collect();
        let prepare = table::find(name).unwrap().prepare.unwrap();
        assert!(prepare(&vec![None; args.len()]).is_none(), "{name}");
        let prepared = prepare(&known);
        assert_eq!(prepared.is_some(), ready, "{name}{json}");
        let mut context = Context::new(7, Instant::now() + Duration::from_secs(9), 16 << 20);
        if let Some(prepared) = prepared {
            assert_eq!(prepared(&mut context, &args), call(name, &args), "{name}{json}");
        } else {
            assert!(call(name, &args).is_err(), "{name}{json}");
        }
    }
}
