use super::write::write;
use crate::value::Value;
use crate::yaml;

/// JSON, and its YAML in the layout of OPA's library.
const LAYOUTS: &[(&str, &str)] = &[
    // Collections.
    ("[]", "[]\n"),
    ("{}", "{}\n"),
    ("null", "null\n"),
    (r#"{"a":[],"b":{}}"#, "a: []\nb: {}\n"),
    (r#"{"a":[1,[2,[3]],{"b":1,"c":[4]}]}"#, "a:\n  - 1\n  - - 2\n    - - 3\n  - b: 1\n    c:\n      - 4\n"),
    (r#"[{"a":{"b":{"c":null}}},true]"#, "- a:\n    b:\n      c: null\n- true\n"),
    // Keys in order, in which numbers count as such.
    (r#"{"a10":1,"a2":2,"b":3,"a":4,"B":5,"1":6}"#, "\"1\": 6\nB: 5\na: 4\na2: 2\na10: 1\nb: 3\n"),
    (r#"{"a1b":1,"a12":2,"a1":3,"a_":4}"#, "a_: 4\na1: 3\na1b: 1\na12: 2\n"),
    // Numbers.
    (
        "[1,-1,0,1.5,1.0,100,1e3,0.00001,1e30]",
        "- 1\n- -1\n- 0\n- 1.5\n- 1\n- 100\n- 1000\n- 1e-05\n- 1e+30\n",
    ),
    // Texts that would be something else, or would be it to others.
    (r#"["", "~", "null", "true", "False"]"#, "- \"\"\n- \"~\"\n- \"null\"\n- \"true\"\n- \"False\"\n"),
    (r#"["yes", "NO", "on", "y", "N", "yEs"]"#, "- \"yes\"\n- \"NO\"\n- \"on\"\n- \"y\"\n- \"N\"\n- yEs\n"),
    (
        r#"["1", "010", "0x1", "1e3", "1_0", ".5", ".inf"]"#,
        "- \"1\"\n- \"010\"\n- \"0x1\"\n- \"1e3\"\n- \"1_0\"\n- \".5\"\n- \".inf\"\n",
    ),
    (r#"["1:30", "190:20:30.15", "1:60", "a:1"]"#, "- \"1:30\"\n- \"190:20:30.15\"\n- 1:60\n- a:1\n"),
    (
        r#"["2001-12-14", "2001-12-14T21:59:43Z", "2001-13-14"]"#,
        "- \"2001-12-14\"\n- \"2001-12-14T21:59:43Z\"\n- 2001-13-14\n",
    ),
    (r#"["<<", "=", "1.2.3", "127.0.0.1"]"#, "- <<\n- =\n- 1.2.3\n- 127.0.0.1\n"),
    // Indicators and blanks.
    (
        r##"["a: b", "a:", "a #b", "a#b", "#a", ": a", ":a"]"##,
        "- 'a: b'\n- 'a:'\n- 'a #b'\n- a#b\n- '#a'\n- ': a'\n- :a\n",
    ),
    (
        r#"["- a", "-a", "? a", "?a", "---", "--- a", "-"]"#,
        "- '- a'\n- -a\n- '? a'\n- ?a\n- '---'\n- '--- a'\n- '-'\n",
    ),
    (
        r#"["[a", "{a", "a]", "&a", "*a", "!a", "|a", ">a"]"#,
        "- '[a'\n- '{a'\n- a]\n- '&a'\n- '*a'\n- '!a'\n- '|a'\n- '>a'\n",
    ),
    (r#"["%a", "@a", "`a", ",a", "a, b", "a?b"]"#, "- '%a'\n- '@a'\n- '`a'\n- ',a'\n- a, b\n- a?b\n"),
    (
        r#"["it's", "'a'", "\"a\"", "a\"b", "'it''s"]"#,
        "- it's\n- '''a'''\n- '\"a\"'\n- a\"b\n- '''it''''s'\n",
    ),
    (r#"[" a", "a ", "a  b", " "]"#, "- ' a'\n- 'a '\n- a  b\n- ' '\n"),
    // Characters.
    (
        r#"["a\tb", "a\\b", "\u0007", "\u007f", "\r", "é", "\u00a0"]"#,
        "- \"a\\tb\"\n- a\\b\n- \"\\a\"\n- \"\\x7F\"\n- \"\\r\"\n- é\n- \u{a0}\n",
    ),
    (
        r#"["\ud83d\ude00", "\ufeff", "\u2028", "\u0085"]"#,
        "- \"\\U0001F600\"\n- \"\\uFEFF\"\n- '\u{2028}'\n- \"\\N\"\n",
    ),
    // Texts of many lines.
    (r#""x\ny""#, "|-\n  x\n  y\n"),
    (r#"["x\ny"]"#, "- |-\n  x\n  y\n"),
    (r#"{"a":"x\ny\n","b":["x\n\ny\n\n"]}"#, "a: |\n  x\n  y\nb:\n  - |+\n    x\n\n    y\n\n"),
    (r#"[{"a":"x\n  y"}, "\n", " x\ny"]"#, "- a: |-\n    x\n      y\n- |2+\n\n- |2-\n   x\n  y\n"),
    (
        r#"["x \ny", "x\n ", "x\ny ", "\tx\ny", "x\r\ny"]"#,
        "- \"x \\ny\"\n- \"x\\n \"\n- \"x\\ny \"\n- |-\n  \tx\n  y\n- \"x\\r\\ny\"\n",
    ),
    (r#"["\nx"]"#, "- |2-\n\n  x\n"),
    // Long lines stay lines.
    (
        r#"["aaaaaaaaa bbbbbbbbb ccccccccc ddddddddd eeeeeeeee fffffffff ggggggggg hhhhhhhhh iiiiiiiii jjjjjjjjj"]"#,
        "- aaaaaaaaa bbbbbbbbb ccccccccc ddddddddd eeeeeeeee fffffffff ggggggggg hhhhhhhhh iiiiiiiii jjjjjjjjj\n",
    ),
    // Keys.
    (r#"{"":1,"yes":2,"a b":3,"a: b":4}"#, "\"\": 1\na b: 3\n'a: b': 4\n\"yes\": 2\n"),
    (r#"{"x\ny":1}"#, "? |-\n  x\n  y\n: 1\n"),
    (r#"[{"x\ny":[1,{"a":2}]}]"#, "- ? |-\n    x\n    y\n  : - 1\n    - a: 2\n"),
    (r#"{"x\ry":{"a":1}}"#, "? \"x\\ry\"\n: a: 1\n"),
];

#[test]
fn values_have_the_layout_of_opa_and_are_read_as_they_were() {
    for (json, want) in LAYOUTS {
        let value = Value::from_json(json.as_bytes()).unwrap();
        let written = write(&value).unwrap();
        assert_eq!(written, *want, "{json}");
        assert_eq!(yaml::read(&written).as_ref(), Ok(&value), "{json}: {written}");
    }
}
