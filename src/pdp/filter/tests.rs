//! What policies become in SQL and UCAST, as data.

use std::time::Duration;

use super::*;
use verdict_rego::{Module, RegoVersion, compile};

fn filter(rules: &str, target: &str, mappings: Option<&str>) -> Result<String, String> {
    let source = format!("package p\n\n{rules}\n");
    let module = Module { id: "p.rego".to_owned(), source: source.into(), version: RegoVersion::V1 };
    let program = compile(vec![module], Value::object()).unwrap();
    let json = |text: &str| Value::from_json(text.as_bytes()).unwrap();
    let wanted = Wanted {
        targets: Targets::One(Target::named(target).unwrap()),
        unknowns: Some(vec![Unknown::parse("input.fruits").unwrap(), Unknown::parse("input.name").unwrap()]),
        mask_rule: None,
        mappings: mappings.map(json),
    };
    let answer = decide(
        &program,
        &EntryPath::parse("p/include").unwrap(),
        (&wanted, &AuthContext::Unchecked),
        Some(&json(r#"{"user": "bob", "nasty": "a'b\\c"}"#)),
        (Timestamp(0), &EvalLimits::within(Duration::from_secs(10))),
        &mut Effects::default(),
    );
    match (answer.result, answer.failure) {
        (Some(result), None) => {
            let query = result.get("query").unwrap();
            Ok(query.as_str().map_or_else(|| query.to_string(), str::to_owned))
        }
        (None, None) => Ok("never".to_owned()),
        (_, Some(failure)) => {
            assert_eq!(failure.kind, FailureKind::InvalidRequest, "{}", failure.message);
            Err(failure.message)
        }
    }
}

#[test]
fn policies_become_conditions_of_sql() {
    for (rules, expected) in [
        ("include if input.fruits.colour == \"red\"", "WHERE \"fruits\".\"colour\" = 'red'"),
        ("include if input.user == input.fruits.owner", "WHERE \"fruits\".\"owner\" = 'bob'"),
        ("include if 10 > input.fruits.price", "WHERE \"fruits\".\"price\" < 10"),
        ("include if input.fruits.name >= \"b\"", "WHERE \"fruits\".\"name\" >= 'b' COLLATE \"C\""),
        ("include if input.fruits.owner == null", "WHERE \"fruits\".\"owner\" IS NULL"),
        ("include if input.fruits.owner != null", "WHERE \"fruits\".\"owner\" IS NOT NULL"),
        ("include if input.fruits.ripe", "WHERE \"fruits\".\"ripe\" <> FALSE"),
        ("include if input.fruits.ripe == true", "WHERE \"fruits\".\"ripe\" = TRUE"),
        ("include if not input.fruits.colour == \"red\"", "WHERE NOT (\"fruits\".\"colour\" = 'red')"),
        (
            "include if input.fruits.colour in {\"red\", \"blue\"}",
            "WHERE \"fruits\".\"colour\" IN ('blue', 'red')",
        ),
        ("include if input.fruits.colour in set()", "never"),
        (
            "include if startswith(input.fruits.name, \"a%_!\")",
            "WHERE \"fruits\".\"name\" LIKE 'a!%!_!!%' ESCAPE '!'",
        ),
        ("include if contains(input.fruits.name, \"a\")", "WHERE \"fruits\".\"name\" LIKE '%a%'"),
        ("include if input.fruits.owner == input.nasty", "WHERE \"fruits\".\"owner\" = E'a''b\\\\c'"),
        (
            "include if input.fruits.owner == input.fruits.seller",
            "WHERE \"fruits\".\"owner\" = \"fruits\".\"seller\"",
        ),
        ("include if input.user == \"bob\"", ""),
        ("include if input.user == \"eve\"", "never"),
        ("include := {\"allow\": false}", "never"),
        ("include := input.fruits.ripe", "WHERE \"fruits\".\"ripe\" = TRUE"),
        ("default include := false\n\ninclude if input.fruits.price < 1", "WHERE \"fruits\".\"price\" < 1"),
        (
            "include if not cheap\n\ndefault cheap := false\n\ncheap if input.fruits.price < 1",
            "WHERE NOT (\"fruits\".\"price\" < 1)",
        ),
        (
            "include if {\n\tinput.fruits.a == 1\n\tinput.fruits.b == 2\n}\n\ninclude if input.fruits.a == 3",
            "WHERE ((\"fruits\".\"a\" = 1 AND \"fruits\".\"b\" = 2) OR \"fruits\".\"a\" = 3)",
        ),
        (
            "include if not both\n\nboth if {\n\tinput.fruits.a == 1\n\tinput.fruits.b == 2\n}",
            "WHERE NOT ((\"fruits\".\"a\" = 1 AND \"fruits\".\"b\" = 2))",
        ),
        (
            "include if {\n\tsome r in {\"x\", \"y\"}\n\tinput.fruits.colour == r\n}",
            "WHERE \"fruits\".\"colour\" IN ('x', 'y')",
        ),
        (
            "include if every r in {\"x\", \"y\"} { input.fruits.colour != r }",
            "WHERE (\"fruits\".\"colour\" <> 'x' AND \"fruits\".\"colour\" <> 'y')",
        ),
        (
            "include if role == \"a\"\n\nrole := \"a\" if input.fruits.n == 1 else := \"b\" if input.fruits.n < 5",
            "WHERE \"fruits\".\"n\" = 1",
        ),
        (
            "include if role == \"b\"\n\nrole := \"a\" if input.fruits.n == 1 else := \"b\" if input.fruits.n < 5",
            "WHERE (NOT (\"fruits\".\"n\" = 1) AND \"fruits\".\"n\" < 5)",
        ),
    ] {
        assert_eq!(filter(rules, "sql+postgresql", None).as_deref(), Ok(expected), "{rules}");
    }
}

#[test]
fn dialects_write_names_and_texts_in_their_own_way() {
    let rules = "include if {\n\tinput.fruits[\"a\\\"`]b\"] == input.nasty\n\tinput.fruits.ripe == true\n}";
    for (target, expected) in [
        ("sql+postgresql", "WHERE (\"fruits\".\"a\"\"`]b\" = E'a''b\\\\c' AND \"fruits\".\"ripe\" = TRUE)"),
        ("sql+sqlite", "WHERE (\"fruits\".\"a\"\"`]b\" = 'a''b\\c' AND \"fruits\".\"ripe\" = 1)"),
        (
            "sql+mysql",
            "WHERE (`fruits`.`a\"``]b` = _utf8mb4 0x6127625C63 COLLATE utf8mb4_bin AND `fruits`.`ripe` = TRUE)",
        ),
        (
            "sql+sqlserver",
            "WHERE ([fruits].[a\"`]]b] = N'a''b\\c' COLLATE Latin1_General_100_BIN2 AND [fruits].[ripe] = 1)",
        ),
    ] {
        assert_eq!(filter(rules, target, None).as_deref(), Ok(expected), "{target}");
    }
}

#[test]
fn policies_become_trees_of_ucast() {
    let both = "include if {\n\tnot input.fruits.a < 1\n\tinput.fruits.b in {\"x\", \"y\"}\n}";
    let field = |operator: &str, field: &str, value: &str| {
        format!(
            "{{\"field\":\"fruits.{field}\",\"operator\":\"{operator}\",\"type\":\"field\",\"value\":{value}}}"
        )
    };
    let compound = |operator: &str, all: &[String]| {
        format!("{{\"operator\":\"{operator}\",\"type\":\"compound\",\"value\":[{}]}}", all.join(","))
    };
    let within = field("in", "b", "[\"x\",\"y\"]");
    let all = compound("and", &[compound("not", &[field("lt", "a", "1")]), within.clone()]);
    let either = compound("or", &[field("eq", "b", "\"x\""), field("eq", "b", "\"y\"")]);
    for (target, expected) in [
        ("ucast+all", all.clone()),
        ("ucast+prisma", all),
        ("ucast+linq", compound("and", &[field("gte", "a", "1"), within])),
        ("ucast+minimal", compound("and", &[field("gte", "a", "1"), either])),
    ] {
        assert_eq!(filter(both, target, None).as_deref(), Ok(expected.as_str()), "{target}");
    }
    let owners = "include if input.fruits.owner == input.fruits.seller";
    assert_eq!(
        filter(owners, "ucast+all", None).unwrap(),
        field("eq", "owner", "{\"field\":\"fruits.seller\"}")
    );
    assert!(filter(owners, "ucast+prisma", None).unwrap_err().contains("cannot compare two columns"));
    assert_eq!(filter("include := true", "ucast+all", None).as_deref(), Ok("{}"));
}

#[test]
fn columns_have_other_names_where_mappings_say_so() {
    let rules = "include if input.fruits.colour == \"red\"";
    for (rules, mappings, expected) in [
        (rules, r#"{"fruits": {"$self": "f", "colour": "col"}}"#, "WHERE \"f\".\"col\" = 'red'"),
        (rules, r#"{"fruits": {"$self": "public.f"}}"#, "WHERE \"public\".\"f\".\"colour\" = 'red'"),
        (rules, r#"{"sql": {"fruits": {"colour": "a"}}}"#, "WHERE \"fruits\".\"a\" = 'red'"),
        (
            rules,
            r#"{"mysql": {"fruits": {"colour": "a"}}, "sql": {}}"#,
            "WHERE \"fruits\".\"colour\" = 'red'",
        ),
        (
            "include if input.name == \"x\"",
            r#"{"name": {"$table": "fruits"}, "fruits": {"name": "n"}}"#,
            "WHERE \"fruits\".\"n\" = 'x'",
        ),
    ] {
        assert_eq!(filter(rules, "sql+postgresql", Some(mappings)).as_deref(), Ok(expected), "{mappings}");
    }
    assert!(filter(rules, "sql+postgresql", Some(r#"{"fruits": 1}"#)).is_err());
    assert!(filter(rules, "sql+postgresql", Some(r#"{"fruits": {"$self": ""}}"#)).is_err());
}

#[test]
fn what_a_database_cannot_say_is_an_error() {
    for (rules, why) in [
        ("include if lower(input.fruits.name) == \"x\"", "`lower` of a column is not possible"),
        ("include if \"x\" in input.fruits.tags", "`in` needs a known collection"),
        ("include if some t in input.fruits.tags", "cannot be gone through"),
        ("include if every t in input.fruits.tags { t == 1 }", "`every` over a column"),
        ("include if input.fruits.a.b == 1", "`input.fruits.a.b` is not a column"),
        ("include if input.name == 1", "`input.name` is not a column"),
        ("include if input.fruits.a == {\"x\": 1}", "cannot be compared with"),
        ("include if [a, _] = input.fruits.a\n", "taken apart"),
        ("include if startswith(\"abc\", input.fruits.a)", "must be known"),
        ("include if input.fruits.a < null", "cannot be compared with null"),
        ("include if input.fruits.a == \"\\u0000\"", "U+0000"),
        ("include if count(input.fruits) == 1", "`count` of a column"),
        ("include if regex.match(\"a\", input.fruits.a)", "`regex.match` is not possible"),
    ] {
        let error = filter(rules, "sql+postgresql", None).unwrap_err();
        assert!(error.contains(why), "{rules}: {error}");
    }
}
