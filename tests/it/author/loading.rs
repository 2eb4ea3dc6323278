//! Files and folders that are named together are one tree, as with OPA; bundles stay bundles.

use super::{Ran, folder, verdict};

/// The document that a query gives, on one line.
fn raw(ran: Ran) -> String {
    ran.exits(0).out.trim_end().to_owned()
}

#[test]
fn every_json_and_yaml_file_of_a_folder_is_data_at_the_path_of_its_folder() {
    let files = folder(&[
        ("dir/limits.json", r#"{"limits": {"max": 3}}"#),
        ("dir/sub/more.yaml", "k: 1\n"),
        ("dir/sub/list/items.yml", "[1, 2]\n"),
        ("dir/.hidden/x.json", r#"{"h": true}"#),
        ("dir/README.md", "# nothing"),
        ("dir/app.fixtures.yaml", "cases: []\n"),
        ("dir/policy.rego", "package a\n\np := data.limits.max\n"),
        ("dir/policy_test.rego", "package a_test\n\nimport data.a\n\ntest_p if a.p == 3\n"),
    ]);
    for (query, expected) in [
        ("data.a.p", "3"),
        ("data.sub.k", "1"),
        ("data.sub.list", "[1,2]"),
        ("data[\".hidden\"]", r#"{"h":true}"#),
        ("data.a_test.test_p", "true"),
        ("count(object.keys(data))", "5"),
    ] {
        let got = raw(verdict(files.path(), &["eval", "-f", "raw", "-d", "dir", query]));
        assert_eq!(got, expected, "{query}");
    }
    let eval = |more: &[&str], query: &str| {
        raw(verdict(files.path(), &[&["eval", "-f", "raw", "-d", "dir"], more, &[query]].concat()))
    };
    assert_eq!(eval(&["--ignore", ".*,sub"], "count(object.keys(data))"), "3");
    // Of a bundle, only files of this name are data, and hidden ones and tests are not read.
    assert_eq!(
        raw(verdict(files.path(), &["eval", "-f", "raw", "-b", "dir", "object.keys(data)"])),
        r#"["a"]"#
    );
    std::fs::remove_file(files.path().join("dir/app.fixtures.yaml")).unwrap();
    verdict(files.path(), &["test", "dir"]).exits(0).says("dir: 1/1 passed");
}

#[test]
fn paths_that_are_named_together_are_one_tree() {
    let files = folder(&[
        ("app/policy.rego", "package app\n\nimport data.lib\n\np := lib.f(1)\n"),
        ("app/policy_test.rego", "package app_test\n\nimport data.app\n\ntest_p if app.p == 1\n"),
        ("lib/lib.rego", "package lib\n\nf(x) := x\n"),
        ("lib/.manifest", "{}"),
        ("helper_test.rego", "package b\n\nhelper(x) := x + 1\n"),
        ("uses.rego", "package a\n\nimport data.b\n\np := b.helper(1)\n"),
    ]);
    let at = files.path();
    for data in
        [&["-d", "app", "-d", "lib"][..], &["-d", "app", "-d", "lib/lib.rego"], &["-d", "app", "-b", "lib"]]
    {
        assert_eq!(raw(verdict(at, &[&["eval", "-f", "raw"], data, &["data.app.p"]].concat())), "1");
    }
    verdict(at, &["check", "app"]).exits(1).complains("undefined function data.lib.f");
    verdict(at, &["check", "app", "lib"]).exits(0);
    verdict(at, &["test", "app", "lib"])
        .exits(0)
        .says("app lib: 1/1 passed")
        .complains("`lib` is read as files and folders");
    // What is named twice counts once.
    verdict(at, &["test", "app", "app/policy_test.rego", "lib"]).exits(0).says("1/1 passed");
    verdict(at, &["bench", "-d", "app", "-d", "lib", "--benchtime", "1ms", "data.app.p"]).exits(0);
    verdict(at, &["deps", "-d", "app", "-d", "lib", "data.app.p"]).exits(0);
    // Tests may have what policy needs.
    verdict(at, &["check", "uses.rego", "helper_test.rego"]).exits(0);
    assert_eq!(raw(verdict(at, &["eval", "-f", "raw", "-d", ".", "data.a.p"])), "2");
    assert_eq!(raw(verdict(at, &["eval", "-f", "raw", "-d", "helper_test.rego", "data.b"])), "{}");
}

#[test]
fn prefixes_and_urls_say_where_data_is_and_what_is_meant() {
    let files = folder(&[
        ("max.json", "7"),
        ("dir/x.json", r#"{"a": 1}"#),
        ("dir/sub/y.json", r#"{"b": 2}"#),
        ("odd:name.json", r#"{"odd": true}"#),
        ("p.rego", "package p\n\nq := data.limits.max\n"),
    ]);
    let at = files.path();
    let url = format!("file://{}/p.rego", at.canonicalize().unwrap().display());
    let prefixed_url = format!("here:file://{}/max.json", at.canonicalize().unwrap().display());
    for (data, query, expected) in [
        (&["-d", "limits.max:max.json", "-d", &url][..], "data.p.q", "7"),
        (&["-d", "x.y:dir"], "data.x.y", r#"{"a":1,"sub":{"b":2}}"#),
        (&["-d", "odd:name.json"], "data.odd", "true"),
        (&["-d", &prefixed_url], "data.here", "7"),
    ] {
        assert_eq!(
            raw(verdict(at, &[&["eval", "-f", "raw"], data, &[query]].concat())),
            expected,
            "{data:?}"
        );
    }
    for (path, says) in [
        ("max.json", "data at the top must be an object"),
        ("http://localhost/x.json", "is not the URL of a file"),
        ("file://elsewhere/x.json", "is not the URL of a file"),
        ("a:nope.json", "cannot read `nope.json`"),
        ("file:///nope/nope.json", "cannot read `/nope/nope.json`"),
    ] {
        verdict(at, &["eval", "-f", "pretty", "-d", path, "data"]).exits(2).complains(says);
    }
}

#[test]
fn data_that_does_not_go_together_is_refused_with_both_files() {
    let files = folder(&[
        ("a/x.json", r#"{"k": {"one": 1}}"#),
        ("a/k/y.yaml", "one: 2\n"),
        ("b/x.json", r#"{"k": {"one": 1}}"#),
        ("b/k/y.yaml", "two: 2\n"),
        ("c/bad.json", "{\n\"k\": ]}"),
    ]);
    let at = files.path();
    let ran = verdict(at, &["eval", "-f", "pretty", "-d", "a", "data.k"]).exits(2);
    ran.complains("`a/x.json` and `a/k/y.yaml` both define `k/one`; keep one");
    assert_eq!(raw(verdict(at, &["eval", "-f", "raw", "-d", "b", "data.k"])), r#"{"one":1,"two":2}"#);
    verdict(at, &["eval", "-f", "pretty", "-d", "c", "data.k"]).exits(2).complains("c/bad.json:2:");
    let shown = "c/bad.json:2:6: bundle_data_error: ";
    let line = " 2 | \"k\": ]}\n   |      ^";
    verdict(at, &["test", "c"]).exits(1).complains(shown).complains(line);
    std::fs::write(at.join("c/x.yaml"), "a: 1\nb: [1,\nc: }\n").unwrap();
    verdict(at, &["eval", "-f", "pretty", "-d", "c/x.yaml", "data"]).exits(2).complains("c/x.yaml:3:");
    // Of folders, `check` reads policy alone, as OPA does; what is named itself is read.
    verdict(at, &["check", "c"]).exits(0);
    verdict(at, &["check", "c/bad.json"]).exits(1).complains("c/bad.json:2:").complains(line);
}

#[test]
fn a_bundle_is_a_bundle_unless_that_would_hide_data() {
    let rego = "package app\n\nlimit := data.limits.max\n";
    let test = "package app_test\n\nimport data.app\n\ntest_limit if app.limit == 3\n";
    let files = folder(&[
        ("b/.manifest", r#"{"roots": ["app", "limits"]}"#),
        ("b/app.rego", rego),
        ("b/app_test.rego", test),
        ("b/data.json", r#"{"limits": {"max": 3}}"#),
        ("b/stray.rego", "package stray\n"),
    ]);
    let at = files.path();
    verdict(at, &["test", "b"]).exits(1).complains("outside the bundle's roots");
    std::fs::remove_file(at.join("b/stray.rego")).unwrap();
    let ran = verdict(at, &["test", "b"]).exits(0);
    assert_eq!(ran.err, "");
    std::fs::rename(at.join("b/data.json"), at.join("b/limits.json")).unwrap();
    let ran = verdict(at, &["test", "b"]).exits(0);
    ran.says("b: 1/1 passed").complains("`b` is read as files and folders");
    verdict(at, &["test", "-b", "b"]).exits(2);
    // A directory of such bundles is a tree, too, and so is a bundle in which another lies.
    verdict(at, &["test", "."]).exits(2).complains("`.` is read as files and folders").says("+ undefined");
    std::fs::create_dir(at.join("b/inner")).unwrap();
    std::fs::write(at.join("b/inner/.manifest"), "{}").unwrap();
    verdict(at, &["check", "b"]).exits(0);
    // A folder of which only some folders are bundles is a tree.
    std::fs::create_dir(at.join("lib")).unwrap();
    std::fs::write(at.join("lib/lib.rego"), "package lib\n").unwrap();
    verdict(at, &["test", "."]).exits(2).says("+ undefined");
    verdict(at, &["eval", "-f", "raw", "-d", ".", "data.b"]).exits(0).says(r#"{"limits":{"max":3}}"#);
}

#[test]
fn policy_of_version_0_can_be_built_inspected_and_executed() {
    let files = folder(&[
        ("src/policy.rego", "package a\n\ndeny[msg] {\n\tmsg := input.why\n}\n"),
        ("in.json", r#"{"why": "no"}"#),
    ]);
    let at = files.path();
    for args in [&["build", "-b", "src"][..], &["build", "src"], &["inspect", "src/policy.rego"]] {
        verdict(at, args).exits(1).complains("src/policy.rego:3:");
        verdict(at, &[args, &["--v0-compatible"]].concat()).exits(0);
        verdict(at, &[args, &["--v1-compatible"]].concat()).exits(1);
    }
    verdict(at, &["inspect", "bundle.tar.gz", "-f", "json"]).exits(0).says("\"rego_version\": 0");
    let exec = ["exec", "--decision", "a/deny", "in.json", "-b"];
    verdict(at, &[&exec[..], &["bundle.tar.gz"]].concat()).exits(0).says("\"no\"");
    verdict(at, &[&exec[..], &["src"]].concat()).exits(1);
    verdict(at, &[&exec[..], &["src", "--v0-compatible"]].concat()).exits(0).says("\"no\"");
}

#[test]
fn links_in_a_tree_are_followed_and_loops_end() {
    let files = folder(&[
        ("lib/lib.rego", "package lib\n\nx := 1\n"),
        ("app/a.rego", "package app\n\ny := data.lib.x\n"),
    ]);
    let at = files.path();
    std::os::unix::fs::symlink("../lib", at.join("app/linked")).unwrap();
    std::os::unix::fs::symlink("nowhere", at.join("app/broken")).unwrap();
    assert_eq!(raw(verdict(at, &["eval", "-f", "raw", "-d", "app", "data.app.y"])), "1");
    std::os::unix::fs::symlink("..", at.join("app/loop")).unwrap();
    verdict(at, &["check", "app"]).exits(1).complains("link loop");
}
