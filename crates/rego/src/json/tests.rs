//! JSON text, there and back.

use proptest::prelude::*;

use super::{Escape, JsonError, MAX_DEPTH, read_nested, write, write_escaped};
use crate::number::Number;
use crate::value::{Keyed, Object, Set, Value};

/// With numbers of any kind.
fn read(text: &[u8]) -> Result<Value, JsonError> {
    read_nested(text, MAX_DEPTH)
}

#[test]
fn callers_bring_numbers_that_every_reader_keeps() {
    for kept in
        ["1", "-9223372036854775808", "18446744073709551615", "0.1", "1.0", "1e2", "1.7976931348623157e308"]
    {
        assert_eq!(super::read(kept.as_bytes()).unwrap().to_string(), kept);
    }
    for changed in ["18446744073709551616", "1e999", "0.10000000000000000555", "1e-400"] {
        let error = super::read(changed.as_bytes()).unwrap_err().to_string();
        assert!(error.contains("would not keep its value"), "{changed}: {error}");
    }
}

fn text(value: &Value) -> String {
    let mut out = String::new();
    write(value, &mut out);
    out
}

fn again(json: &str) -> Result<String, String> {
    read(json.as_bytes()).map(|value| text(&value)).map_err(|error| error.to_string())
}

#[test]
fn documents_are_read_and_written() {
    for (json, written) in [
        (
            r#" {"b": [1, -2, 0.50, null, true], "a": "x\u0000"} "#,
            r#"{"a":"x\u0000","b":[1,-2,0.50,null,true]}"#,
        ),
        ("[ ]", "[]"),
        ("\t{\r\n}", "{}"),
        (r#""\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00""#, "\"\\\"\\\\/\\b\\f\\n\\r\\t\u{e9}\u{1f600}\""),
        ("[1.0,1e2,-0,18446744073709551616]", "[1.0,1e2,-0,18446744073709551616]"),
        (r#"{"":{"é":"</script>\u2028"}}"#, "{\"\":{\"é\":\"</script>\u{2028}\"}}"),
    ] {
        assert_eq!(again(json).as_deref(), Ok(written), "{json}");
    }
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    for (json, why) in [
        ("", "EOF while parsing a value at line 1, column 1"),
        ("{", "EOF while parsing an object at line 1, column 2"),
        ("[1,", "EOF while parsing a value at line 1, column 4"),
        ("[1", "EOF while parsing a list at line 1, column 3"),
        ("[1,]", "trailing comma at line 1, column 4"),
        ("{\"a\":1,}", "trailing comma at line 1, column 8"),
        ("{\"a\" 1}", "expected `:` at line 1, column 6"),
        ("{a:1}", "key must be a string at line 1, column 2"),
        ("[1 2]", "expected `,` or `]` at line 1, column 4"),
        ("{\"a\":1\n,\"b\":2,\n \"a\":{\"x\":[]}}", "duplicate key \"a\" at line 3, column 2"),
        ("[{\"\\u0061\":1,\"a\":2}]", "duplicate key \"a\" at line 1, column 14"),
        ("1 x", "trailing bytes after the document at line 1, column 3"),
        ("NaN", "expected value at line 1, column 1"),
        ("nul", "EOF while parsing a value at line 1, column 4"),
        ("nulL", "expected ident at line 1, column 4"),
        ("01", "invalid number at line 1, column 2"),
        ("-", "EOF while parsing a value at line 1, column 2"),
        ("1.x", "invalid number at line 1, column 3"),
        ("1e99999", "the number `1e99999` is too long, too large or too small at line 1, column 1"),
        ("\"\u{1}\"", "control character (\\u0000-\\u001F) found while parsing a string at line 1, column 2"),
        ("\"abc", "EOF while parsing a string at line 1, column 5"),
        ("\"\\x\"", "invalid escape at line 1, column 2"),
        ("\"\\u12g4\"", "invalid escape at line 1, column 4"),
        ("\"\\ud800\"", "lone leading surrogate in hex escape at line 1, column 2"),
        ("\"\\ud800\\u0041\"", "lone leading surrogate in hex escape at line 1, column 2"),
        ("\"\\udc00\"", "lone leading surrogate in hex escape at line 1, column 2"),
    ] {
        assert_eq!(again(json), Err(why.to_owned()), "{json}");
    }
    let invalid = read(b"[\"\xff\"]").unwrap_err();
    assert_eq!((invalid.message.as_str(), invalid.column), ("invalid unicode code point", 3));
}

#[test]
fn depth_is_bounded() {
    let nest = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
    assert!(read(nest(64).as_bytes()).is_ok());
    assert_eq!(again(&nest(65)), Err("nested more than 64 levels deep at line 1, column 65".to_owned()));
    assert!(read_nested(nest(255).as_bytes(), 255).is_ok());
    assert!(read_nested("[".repeat(1_000_000).as_bytes(), 255).is_err());
    assert!(read_nested(b"{\"a\":1}", 0).is_err());
    assert!(read_nested(b"1", 0).is_ok());
}

#[test]
fn sets_and_keys_of_any_type_become_json() {
    let set: Set = [Value::from("b"), Value::from(1), Value::from("a")].into_iter().collect();
    let key = Value::from([Value::from("<"), Value::Bool(true)].into_iter().collect::<Vec<_>>());
    let object: Object = [
        (Value::from(10), Value::from(set)),
        (Value::from(9), Value::Null),
        (Value::Null, Value::from("<&>\u{2028}\u{7f}")),
        (key, Value::from(false)),
        (Value::from("9"), Value::from(true)),
    ]
    .into_iter()
    .collect();
    let value = Value::from(object);
    let written = "{\"10\":[1,\"a\",\"b\"],\"9\":true,\"[\\\"\\\\u003c\\\",true]\":false,\"null\":\"<&>\u{2028}\u{7f}\"}";
    assert_eq!(text(&value), written);
    assert_eq!(serde_json::to_string(&value).unwrap(), written);
    let mut html = String::new();
    write_escaped(&Value::from("<&>\u{2028}é"), Escape::Html, &mut html);
    assert_eq!(html, "\"\\u003c\\u0026\\u003e\\u2028é\"");
}

#[test]
fn serde_keeps_numbers_and_refuses_duplicates() {
    let json = "[0,-7,18446744073709551615,0.5,1.0,1.50,1e2,1e+21,123456789012345678901234567890,-0,-0.0]";
    let value = read(json.as_bytes()).unwrap();
    assert_eq!(serde_json::to_string(&value).unwrap(), json);
    let back: Value = serde_json::from_str("{\"b\":[1.5,null],\"a\":18446744073709551615}").unwrap();
    assert_eq!(text(&back), "{\"a\":18446744073709551615,\"b\":[1.5,null]}");
    let twice = serde_json::from_str::<Value>("{\"a\":1,\"a\":2}").unwrap_err().to_string();
    assert!(twice.starts_with("duplicate key \"a\""), "{twice}");
    let object = read(br#"{"a":{"b":1}}"#).unwrap();
    assert_eq!(serde_json::to_value(&object).unwrap().to_string(), text(&object));
}

fn json_value() -> impl Strategy<Value = Value> {
    let number = prop_oneof![
        any::<i64>().prop_map(Number::from),
        "-?(0|[1-9][0-9]{0,25})(\\.[0-9]{1,25})?([eE][-+]?[0-9]{1,3})?"
            .prop_filter_map("bounds", |t| Number::parse(&t)),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        number.prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map(any::<String>(), inner, 0..6).prop_map(|members| {
                Value::from(members.into_iter().map(|(k, v)| (Value::from(k), v)).collect::<Keyed<Value>>())
            }),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_written_reads_back(value in json_value()) {
        let written = text(&value);
        let back = read(written.as_bytes()).unwrap();
        prop_assert_eq!(&back, &value);
        prop_assert_eq!(text(&back), written.clone());
        prop_assert_eq!(serde_json::to_string(&value).unwrap(), written.clone());
        let mut html = String::new();
        write_escaped(&value, Escape::Html, &mut html);
        prop_assert_eq!(read(html.as_bytes()).unwrap(), value);
    }

    #[test]
    fn the_reader_takes_what_serde_json_takes(json in "[\\[\\]{}:,\" \\\\u0-9a-d.eE+\\-tfnrulse\u{e9}\u{1}]{0,24}") {
        let ours = read(json.as_bytes());
        let theirs = serde_json::from_str::<&serde_json::value::RawValue>(&json);
        // Theirs does not look at duplicate keys or surrogates when it only skips.
        match (&ours, &theirs) {
            (Ok(_), theirs) => prop_assert!(theirs.is_ok(), "{}", json),
            (Err(error), Ok(_)) => prop_assert!(
                ["duplicate key", "lone leading", "the number"].iter().any(|known| error.message.starts_with(known)),
                "{}: {}", json, error
            ),
            _ => {}
        }
    }

    #[test]
    fn nothing_panics(json in prop::collection::vec(any::<u8>(), 0..100)) {
        let _ = read(&json);
    }
}
