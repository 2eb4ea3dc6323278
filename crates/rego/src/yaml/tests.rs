use super::*;
use crate::value::Value;

/// A text, and what it is read as, or how its error begins.
fn holds(cases: &[(&str, Result<&str, &str>)]) {
    for (text, want) in cases {
        let got = read(text).map(|value| value.to_string()).map_err(|error| error.to_string());
        match (&got, want) {
            (Ok(got), Ok(want)) if got == want => {}
            (Err(got), Err(want)) if got.starts_with(want) => {}
            _ => panic!("{text:?}: got {got:?}, want {want:?}"),
        }
    }
}

#[test]
fn scalars_are_those_of_the_core_schema() {
    for (text, want) in [
        ("yes", r#""yes""#),
        ("Off", r#""Off""#),
        ("y", r#""y""#),
        ("true", "true"),
        ("FALSE", "false"),
        ("Null", "null"),
        ("~", "null"),
        ("", "null"),
        ("010", "10"),
        ("-010", "-10"),
        ("08", "8"),
        ("0o10", "8"),
        ("0x1F", "31"),
        ("0b11", "3"),
        ("-0x1F", "-31"),
        ("1_000", "1000"),
        ("+12", "12"),
        ("--1", r#""--1""#),
        ("0x", r#""0x""#),
        ("18446744073709551615", "18446744073709551615"),
        ("18446744073709551616", "18446744073709552000"),
        ("-9223372036854775808", "-9223372036854775808"),
        ("1.5", "1.5"),
        (".5", "0.5"),
        ("1.", "1"),
        ("1e3", "1000"),
        ("1e400", r#""1e400""#),
        ("1.2.3", r#""1.2.3""#),
        ("1:30", r#""1:30""#),
        ("2001-12-14", r#""2001-12-14""#),
        ("2001-12-14 21:59:43", r#""2001-12-14 21:59:43""#),
        ("inf", r#""inf""#),
        ("\"010\"", r#""010""#),
        ("!!str 010", r#""010""#),
        ("!!int \"010\"", "10"),
        ("!!float 3", "3"),
        ("!!binary aGk=", r#""hi""#),
        ("!Ref x", r#""x""#),
        ("!Ref 1", r#""1""#),
        ("! 1", "1"),
        ("<<", r#""<<""#),
    ] {
        holds(&[(&format!("a: {text}"), Ok(&format!("{{\"a\":{want}}}")))]);
    }
    holds(&[
        ("a: !!int x", Err("yaml: cannot decode `x` as a !!int at line 1 column 4")),
        ("a: !!bool yes", Err("yaml: cannot decode `yes` as a !!bool")),
        ("a: .inf", Err("yaml: `.inf` is no number in JSON at line 1 column 4")),
        ("a: !!binary '!'", Err("yaml: !!binary value contains invalid base64 data")),
    ]);
}

#[test]
fn keys_become_text_and_the_last_value_counts() {
    holds(&[
        (
            "1: a\ntrue: b\n1.5: c\n-.inf: d\n1e7: e\n0o10: f",
            Ok(r#"{"-.inf":"d","1":"a","1.5":"c","1e+07":"e","8":"f","true":"b"}"#),
        ),
        ("a: 1\nb: 9\na: 2\n", Ok(r#"{"a":2,"b":9}"#)),
        ("1: a\n\"1\": b\n", Ok(r#"{"1":"b"}"#)),
        ("on: push", Ok(r#"{"on":"push"}"#)),
        ("null: a", Err("yaml: unsupported map key of type: null at line 1 column 1")),
        ("? [1]\n: a", Err("yaml: invalid map key: array")),
        ("a: &x {b: 1}\n? *x\n: c", Err("yaml: invalid map key: object")),
        ("- &x y\n- *x : z", Ok(r#"["y",{"y":"z"}]"#)),
    ]);
}

#[test]
fn merges_never_replace_what_is_written() {
    let with = |rest: &str| format!("p: &p {{x: 1, z: 1}}\nq: &q {{x: 2, y: 2}}\nr:\n{rest}");
    for (rest, want) in [
        ("  <<: *p", r#"{"x":1,"z":1}"#),
        ("  x: 3\n  <<: *p", r#"{"x":3,"z":1}"#),
        ("  <<: *p\n  x: null", r#"{"x":null,"z":1}"#),
        ("  <<: [*p, *q]", r#"{"x":1,"y":2,"z":1}"#),
        ("  <<: *q\n  <<: *p", r#"{"x":2,"y":2,"z":1}"#),
        ("  <<: {x: 4}", r#"{"x":4}"#),
        ("  '<<': 1", r#"{"<<":1}"#),
    ] {
        let value = read(&with(rest)).unwrap();
        assert_eq!(value.get("r").unwrap().to_string(), want, "{rest}");
    }
    let wants_map = "yaml: map merge requires map or sequence of maps as the value";
    holds(&[("<<: 1", Err(wants_map)), ("<<: [{a: 1}, 2]", Err(wants_map)), ("<<:", Err(wants_map))]);
}

#[test]
fn the_first_document_counts_and_the_rest_must_be_yaml() {
    holds(&[
        ("a: 1\n---\na: 2", Ok(r#"{"a":1}"#)),
        ("---\n---\na: 1", Ok("null")),
        ("a: 1\n...\n", Ok(r#"{"a":1}"#)),
        ("", Ok("null")),
        ("# nothing", Ok("null")),
        ("\u{feff}a: 1", Ok(r#"{"a":1}"#)),
        ("a: 1\n---\nb: [", Err("yaml: ")),
        ("\n  test:\ntest1: hello\n", Err("yaml: did not find expected <document start> at line 3 column 1")),
        ("a: \u{7}", Err("yaml: the control character U+0007 is not allowed at line 1 column 4")),
        ("a: 1\nb: \0", Err("yaml: the control character U+0000 is not allowed at line 2 column 4")),
        ("&a [*a]", Err("yaml: anchor value contains itself")),
    ]);
}

#[test]
fn tabs_separate_but_do_not_indent() {
    holds(&[
        ("a:\t1", Ok(r#"{"a":1}"#)),
        ("a:\tx", Ok(r#"{"a":"x"}"#)),
        ("a: \t-1", Ok(r#"{"a":-1}"#)),
        ("a\t: x", Ok(r#"{"a":"x"}"#)),
        ("-\tx\n- a:\tb", Ok(r#"["x",{"a":"b"}]"#)),
        ("a: b\t# c:\td\ne:\tf", Ok(r#"{"a":"b","e":"f"}"#)),
        ("? a\n:\tb", Ok(r#"{"a":"b"}"#)),
        ("key:\t&x y\nother:\t*x", Ok(r#"{"key":"y","other":"y"}"#)),
        ("a: \"x\n\ty\"", Ok(r#"{"a":"x y"}"#)),
        ("a:\n  - b: 'x\n\ty:\tz'", Ok(r#"{"a":[{"b":"x y:\tz"}]}"#)),
        ("a: \"x\\\n\ty\"", Ok(r#"{"a":"xy"}"#)),
        ("a: \"x\n\t\n\ty\"", Ok(r#"{"a":"x\ny"}"#)),
        ("a: \"q:\tr\\\"s:\tt\"", Ok(r#"{"a":"q:\tr\"s:\tt"}"#)),
        ("a: 'it''s:\tb'", Ok(r#"{"a":"it's:\tb"}"#)),
        ("a: it's\tb\nc:\td", Ok(r#"{"a":"it's\tb","c":"d"}"#)),
        ("{\n\t\"a\":\t[\n\t\t1,\n\t\t\"x\ty\"\n\t]\n}", Ok(r#"{"a":[1,"x\ty"]}"#)),
        ("a: {\n\tb: 1}\nc:\td", Ok(r#"{"a":{"b":1},"c":"d"}"#)),
        ("x:\n  a: [\n\t1\n  ]", Ok(r#"{"x":{"a":[1]}}"#)),
        ("a: |\n  b:\tc\n  \td\ne:\tf", Ok(r#"{"a":"b:\tc\n\td\n","e":"f"}"#)),
        ("- k: >-\n    b:\tc\n\n    d\n  e:\tf", Ok(r#"[{"e":"f","k":"b:\tc\nd"}]"#)),
        ("- !!str |\n  b:\tc\n-\td", Ok(r#"["b:\tc\n","d"]"#)),
        ("--- |\na:\tb\n", Ok(r#""a:\tb\n""#)),
        ("a: x > y\nb:\tc", Ok(r#"{"a":"x > y","b":"c"}"#)),
        ("\t\na: 1", Ok(r#"{"a":1}"#)),
        (
            "\ta: 1",
            Err(
                "yaml: found character that cannot start any token: a tab does not indent at line 1 column 1",
            ),
        ),
        ("# c\n \ta: 1", Err("yaml: found character that cannot start any token")),
        ("a: 1\n---\n\tb: 2", Err("yaml: found character that cannot start any token")),
        ("a:\n\tb: 1", Err("yaml: ")),
        ("a: x\n\tb", Err("yaml: ")),
        ("- a\n\t- b", Err("yaml: ")),
    ]);
}

#[test]
fn annotations_are_read_more_strictly() {
    for (text, want) in [
        ("a: 1\na: 2", "mapping key \"a\" already defined"),
        ("1: a", "invalid map key type(s): 1"),
        ("a: {true: b}", "invalid map key type(s): true"),
    ] {
        assert_eq!(read_strictly(text).unwrap_err().message, want, "{text}");
    }
    assert_eq!(read_strictly("a: &a {b: 010}\nc: *a").unwrap().to_string(), r#"{"a":{"b":10},"c":{"b":10}}"#);
}

#[test]
fn what_is_exchanged_must_be_read_alike_by_all() {
    type Reader = fn(&str) -> Result<Value, YamlError>;
    for (text, data, exchanged) in [
        ("a: 1.5", true, true),
        ("a: 1_000.25", true, true),
        ("a: +1e3", true, true),
        ("a: 18446744073709551615", true, true),
        ("a: 12345678901234567890123456789", false, false),
        ("a: 0.12345678901234567890123", false, false),
        ("a: \"12345678901234567890123456789\"", true, true),
        ("a: 1\na: 2", true, false),
        ("1: x", true, false),
        ("a: 1\n---\nb: 2", true, false),
        ("---\na: 1\n...\n", true, true),
    ] {
        let readers: [(Reader, bool); 2] = [(read_data, data), (read_exchanged, exchanged)];
        for (reader, taken) in readers {
            let got = reader(text);
            assert_eq!(got.is_ok(), taken, "{text:?}: {got:?}");
        }
    }
}
