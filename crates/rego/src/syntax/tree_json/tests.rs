use super::*;

const PLAIN: Include = Include { locations: false, comments: true, annotations: true, max_depth: usize::MAX };

fn tree(text: &str, version: Version, include: Include) -> Value {
    let source = Source::new("x.rego", text);
    parse(&source, version, Options::default(), include, |tree| tree)
        .unwrap_or_else(|e| panic!("{text}: {e:?}"))
}

/// Terms as `kind(value)`, variables as their names, all else as JSON.
fn brief(value: &Value) -> String {
    let list = |items: &[Value]| items.iter().map(brief).collect::<Vec<_>>().join(" ");
    match (value, value.get("type").and_then(Value::as_str), value.get("value")) {
        (_, Some("var"), Some(name)) => name.as_str().unwrap().to_owned(),
        (_, Some("string" | "number" | "boolean"), Some(value)) => value.to_string(),
        (_, Some(kind), Some(Value::Array(items))) => format!("{kind}({})", list(items)),
        (_, Some(kind), Some(value)) => format!("{kind}{}", brief(value)),
        (Value::Array(items), ..) => format!("[{}]", list(items)),
        (Value::Object(members), ..) => {
            let members = members.iter().filter(|(key, _)| key.as_str() != Some("index"));
            let members: Vec<_> =
                members.map(|(key, value)| format!("{}={}", key.as_str().unwrap(), brief(value))).collect();
            format!("{{{}}}", members.join(" "))
        }
        (other, ..) => other.to_string(),
    }
}

fn first_rule(text: &str, version: Version) -> String {
    let tree = tree(&format!("package a\n{text}"), version, PLAIN);
    brief(tree.at(["rules", "0"]).unwrap())
}

#[test]
fn heads_say_how_they_were_written() {
    for (version, text, head) in [
        (Version::V1, "p := 1", "{assign=true name=\"p\" ref=[p] value=1}"),
        (Version::V1, "p = 1", "{name=\"p\" ref=[p] value=1}"),
        (Version::V1, "p if q", "{name=\"p\" ref=[p] value=true}"),
        (Version::V1, "default p := false", "{assign=true name=\"p\" ref=[p] value=false}"),
        (Version::V1, "p contains 1", "{key=1 name=\"p\" ref=[p]}"),
        (Version::V1, "a.b.c contains x if x", "{key=x ref=[a \"b\" \"c\"]}"),
        (Version::V1, "a.b := 1", "{assign=true key=\"b\" name=\"a\" ref=[a \"b\"] value=1}"),
        (Version::V1, "a.b.c := 1", "{assign=true ref=[a \"b\" \"c\"] value=1}"),
        (Version::V1, "a.b if x", "{ref=[a \"b\"] value=true}"),
        (Version::V1, "a[x] if x", "{key=x ref=[a x] value=true}"),
        (
            Version::V1,
            "a[input.x] := 1 if x",
            "{assign=true key=ref(input \"x\") name=\"a\" ref=[a ref(input \"x\")] value=1}",
        ),
        (Version::V1, "a[x] := y if x", "{assign=true key=x name=\"a\" ref=[a x] value=y}"),
        (Version::V1, "a.b := 1 if x", "{assign=true name=\"a\" ref=[a \"b\"] value=1}"),
        (Version::V1, "a[x].b[y] := 1 if x", "{assign=true ref=[a x \"b\" y] value=1}"),
        (Version::V1, "f(x, _) := y if x", "{args=[x $0] assign=true name=\"f\" ref=[f] value=y}"),
        (Version::V1, "f(x)", "{args=[x] name=\"f\" ref=[f] value=true}"),
        (Version::V1, "a.f(x) if x", "{args=[x] ref=[a \"f\"] value=true}"),
        (Version::V0, "p[x] { x }", "{key=x name=\"p\" ref=[p]}"),
        (Version::V0, "p[x] = y { x }", "{key=x name=\"p\" ref=[p x] value=y}"),
        (Version::V0, "p[\"x\"]", "{key=\"x\" name=\"p\" ref=[p]}"),
        (Version::V0, "a.b.c", "{ref=[a \"b\" \"c\"] value=true}"),
        (Version::V0, "a.b.c { x }", "{ref=[a \"b\" \"c\"] value=true}"),
    ] {
        let rule = first_rule(text, version);
        assert!(rule.contains(&format!(" head={head}")), "{text}:\n{rule}");
    }
}

#[test]
fn bodies_are_lists_of_terms() {
    for (text, body) in [
        ("x := 1", "{terms=[ref(assign) x 1]}"),
        ("x = input", "{terms=[ref(eq) x ref(input)]}"),
        ("not input.a", "{negated=true terms=ref(input \"a\")}"),
        ("(1 + 2) > -3", "{terms=[ref(gt) call(ref(plus) 1 2) -3]}"),
        ("f(g(_), null)", "{terms=[ref(f) call(ref(g) $0) null{}]}"),
        (
            "io.jwt.decode(x)[1] with input as {}",
            "{terms=ref(call(ref(io \"jwt\" \"decode\") x) 1) with=[{target=ref(input) value=object()}]}",
        ),
        ("1, x in xs", "{terms=[ref(internal \"member_3\") 1 x xs]}"),
        ("some x, y", "{terms={symbols=[x y]}}"),
        ("some x in (xs)", "{terms={symbols=[call(ref(internal \"member_2\") x xs)]}}"),
        ("every k, _ in xs { k }", "{terms={body=[{terms=k}] domain=xs key=k value=$0}}"),
        ("every v in xs { v }", "{terms={body=[{terms=v}] domain=xs key=null value=v}}"),
        ("{x, 2, 1, 1, \"a\", [], x.y}", "{terms=set(1 2 \"a\" x ref(x \"y\") array())}"),
        ("{\"b\": 1, \"a\": 2, \"b\": 3}", "{terms=object([\"a\" 2] [\"b\" 3])}"),
        ("[x | x]", "{terms=arraycomprehension{body=[{terms=x}] term=x}}"),
        ("{x: 1 | x; y}", "{terms=objectcomprehension{body=[{terms=x} {terms=y}] key=x value=1}}"),
        ("{x | x}[_]", "{terms=ref(setcomprehension{body=[{terms=x}] term=x} $0)}"),
        (
            "$\"a{1}{x}{x + 1}\"",
            "{terms=templatestring{multi_line=false parts=[\"a\" 1 {terms=x} {terms=[ref(plus) x 1]}]}}",
        ),
    ] {
        let rule = first_rule(&format!("p if {{ {text} }}"), Version::V1);
        assert!(rule.starts_with(&format!("{{body=[{body}] ")), "{text}:\n{rule}");
    }
}

#[test]
fn what_follows_a_rule_has_a_head_of_its_own() {
    let rule = first_rule("f(_) := 1 if false else := 2 if x else = 3", Version::V1);
    let head = |arg: &str, rest: &str| format!("head={{args=[{arg}] {rest}}}");
    let inner = head("$2", "name=\"f\" ref=[f] value=3");
    let outer = head("$1", "assign=true name=\"f\" ref=[f] value=2");
    let own = head("$0", "assign=true name=\"f\" ref=[f] value=1");
    assert_eq!(
        rule,
        format!(
            "{{body=[{{terms=false}}] else={{body=[{{terms=x}}] else={{body=[{{terms=true}}] {inner}}} {outer}}} {own}}}"
        )
    );
    let module = tree("package a\nf(_) := 1 if { x } { _ }", Version::V1, PLAIN);
    let chained = brief(module.at(["rules", "1"]).unwrap());
    assert_eq!(chained, format!("{{body=[{{terms=$1}}] {}}}", own.replace("$0", "$2")));
}

#[test]
fn modules_have_imports_annotations_and_comments() {
    let text = "# METADATA\n# title: a\npackage a[\"b c\"]\nimport data.x as y\nimport input\n# METADATA\n# scope: document\n\n\
                # METADATA\n# schemas: [{input: {type: string}}]\np := 1 #\np := 2\n";
    let module = tree(text, Version::V1, PLAIN);
    let package = brief(module.get("package").unwrap());
    assert_eq!(package, r#"{path=[data "a" "b c"]}"#);
    assert_eq!(
        brief(module.get("imports").unwrap()),
        r#"[{alias="y" path=ref(data "x")} {path=ref(input)}]"#
    );
    let own = r#"{schemas=[{definition={type="string"} path=[input]}] scope="rule"}"#;
    let document = r#"{scope="document"}"#;
    let all = format!(r#"[{{scope="package" title="a"}} {document} {own}]"#);
    assert_eq!(brief(module.get("annotations").unwrap()), all);
    let said = |rule: &str| brief(module.at(["rules", rule, "annotations"]).unwrap());
    assert_eq!((said("0"), said("1")), (format!("[{document} {own}]"), format!("[{document}]")));
    let comments = module.get("comments").unwrap();
    let last = r#"{"Location":{"col":8,"file":"x.rego","row":11},"Text":null}"#;
    assert_eq!(comments.elements().last().unwrap().to_string(), last);
    let bare = tree(text, Version::V1, Include { comments: false, annotations: false, ..PLAIN });
    assert!(bare.get("comments").is_none() && !bare.to_string().contains("annotations"));
}

/// Every place of a module, as `row:col text`, in order of their paths.
fn places(value: &Value, path: &str, out: &mut Vec<String>) {
    if let Some(location) = value.get("location") {
        let text = location.get("text").and_then(Value::as_str).unwrap_or_default();
        let text = String::from_utf8(STANDARD.decode(text).unwrap()).unwrap();
        let number = |key: &str| location.get(key).unwrap().to_string();
        out.push(format!("{path} {}:{} {text}", number("row"), number("col")));
    }
    for (key, member) in value.members().filter(|(key, _)| *key != "location") {
        places(member, &format!("{path}/{key}"), out);
    }
    for (at, item) in value.elements().into_iter().enumerate() {
        places(item, &format!("{path}/{at}"), out);
    }
}

#[test]
fn places_are_where_opa_puts_them() {
    let text = "package x\n\nimport data.q\n\np if {\n\tinput.a == (1 + f(2)) # c\n\tx # =\n\t:= 3\n}\n";
    let mut got = Vec::new();
    places(&tree(text, Version::V1, Include { locations: true, ..PLAIN }), "", &mut got);
    let terms = "/rules/0/body/0/terms";
    for want in [
        "/package 1:1 package".to_owned(),
        "/package/path/0 1:9 x".to_owned(),
        "/imports/0 3:1 import".to_owned(),
        "/imports/0/path 3:8 data.q".to_owned(),
        "/imports/0/path/value/1 3:13 q".to_owned(),
        "/rules/0/head 5:1 p".to_owned(),
        format!("/rules/0 5:1 {}", &text[26..text.len() - 1]),
        "/rules/0/body/0 6:2 input.a == (1 + f(2))".to_owned(),
        format!("{terms}/0 6:10 =="),
        format!("{terms}/1/value/0 6:2 input"),
        format!("{terms}/2 6:14 (1 + f(2))"),
        format!("{terms}/2/value/2 6:18 f(2)"),
        format!("{terms}/2/value/2/value/0 6:18 f"),
        "/rules/0/body/1/terms/0 8:2 :=".to_owned(),
    ] {
        assert!(got.contains(&want), "{want}\n{got:#?}");
    }
    assert!(got.iter().all(|place| !place.starts_with("/rules/0/head/value")), "{got:#?}");
}

#[test]
fn too_many_levels_are_an_error() {
    let text = format!("package a\np := {}1", "1 + ".repeat(200));
    let source = Source::new("x.rego", text.as_str());
    let read = |max_depth: usize| {
        let include = Include { max_depth, ..PLAIN };
        parse(&source, Version::V1, Options::default(), include, |_| ())
            .map_err(|errors| errors[0].to_string())
    };
    assert_eq!(read(500), Ok(()));
    assert!(read(250).unwrap_err().contains("deeper than 250 levels"));
    let text = format!("package a\np := 1 if x{}", " else := 2 if y".repeat(5_001));
    let source = Source::new("x.rego", text.as_str());
    let error = parse(&source, Version::V1, Options::default(), PLAIN, |_| ()).unwrap_err();
    assert!(error[0].message.contains("more than 5000 times `else`"), "{error:?}");
}

#[test]
fn outlines_have_the_shape_of_opa() {
    let text = "package foo.bar\nimport data.baz as qux\np[x] = y if {\n\tx = a + b\n\tnot y = {\"foo\": [{1, null}, _]}\n}\n";
    let want = "module\n package\n  ref\n   data\n   \"foo\"\n   \"bar\"\n import\n  ref\n   data\n   \"baz\"\n  qux\n rule\n  head\n\
        \x20  ref\n    p\n    x\n   y\n  body\n   expr index=0\n    ref\n     eq\n    x\n    call\n     ref\n      plus\n     a\n     b\n\
        \x20  expr negated index=1\n    ref\n     eq\n    y\n    object\n     \"foo\"\n     array\n      set\n       null\n       1\n      _\n";
    assert_eq!(pretty(&tree(text, Version::V1, PLAIN)), want);
}

#[test]
fn conditions_that_are_joined_or_negated_are_trees_of_bodies() {
    for (text, body) in [
        ("not input.a", "{terms={body=[{terms=ref(input \"a\")}] explicit_body=false type=\"not\"}}"),
        ("not { a; b }", "{terms={body=[{terms=a} {terms=b}] explicit_body=true type=\"not\"}}"),
        (
            "{ input.a } and b or c with input as 1",
            "{terms={lhs=[{terms={explicit_lhs=true lhs=[{terms=ref(input \"a\")}] rhs=[{terms=b}] type=\"and\"}}] rhs=[{terms=c}] type=\"or\"} with=[{target=ref(input) value=1}]}",
        ),
    ] {
        let rule = first_rule(&format!("import rego.v2\np if {{ {text} }}"), Version::V1);
        assert!(
            rule.contains(&format!(" body=[{body}]")) || rule.contains(&format!("body=[{body}]")),
            "{text}:\n{rule}"
        );
    }
    let tree = tree("package a\nimport rego.v2\np if not x or { y }", Version::V1, PLAIN);
    let text = pretty(&tree);
    let wanted = "  expr index=0\n    or\n     lhs\n      expr index=0\n       not\n        body\n         expr index=0\n          x\n     rhs\n      expr index=0\n       y\n";
    assert!(text.contains(wanted), "{text}");
}
