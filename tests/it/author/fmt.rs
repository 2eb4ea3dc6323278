//! `verdict fmt`: its flags, exit codes and files.

use std::fs;

use super::{folder, verdict, verdict_with_input};

const UGLY: &str = "package a\n\np := 1 # one\n\n\n\nq if { p==1 }\n";
const TIDY: &str = "package a\n\np := 1 # one\n\nq if p == 1\n";

#[test]
fn prints_the_new_text() {
    let dir = folder(&[("a.rego", UGLY), ("b/c.rego", TIDY), ("b/data.json", "{}")]);
    assert_eq!(verdict(dir.path(), &["fmt", "a.rego"]).exits(0).out, TIDY);
    assert_eq!(verdict(dir.path(), &["fmt", "."]).exits(0).out, [TIDY, TIDY].concat());
    assert_eq!(verdict_with_input(dir.path(), &["fmt"], UGLY).exits(0).out, TIDY);
    assert_eq!(fs::read_to_string(dir.path().join("a.rego")).unwrap(), UGLY);
}

#[test]
fn lists_what_would_change() {
    let dir = folder(&[("a.rego", UGLY), ("b/c.rego", TIDY), ("b/d.rego", UGLY)]);
    let ran = verdict(dir.path(), &["fmt", "-l", "."]).exits(0);
    assert_eq!(ran.out, "a.rego\nb/d.rego\n");
    verdict(dir.path(), &["fmt", "--list", "--fail", "."]).exits(2).says("b/d.rego\n");
    verdict(dir.path(), &["fmt", "--list", "--fail", "b/c.rego"]).exits(0);
    assert_eq!(verdict_with_input(dir.path(), &["fmt", "-l"], UGLY).exits(0).out, "stdin\n");
}

#[test]
fn shows_a_diff() {
    let dir = folder(&[("a.rego", UGLY), ("b.rego", TIDY)]);
    let want =
        "--- a.rego\n+++ a.rego\n@@ -2,6 +2,4 @@\n \n p := 1 # one\n \n-\n-\n-q if { p==1 }\n+q if p == 1\n";
    assert_eq!(verdict(dir.path(), &["fmt", "-d", "."]).exits(0).out, want);
    assert_eq!(verdict(dir.path(), &["fmt", "--diff", "--fail", "."]).exits(2).out, want);
    assert_eq!(verdict_with_input(dir.path(), &["fmt", "--diff", "--fail"], TIDY).exits(0).out, "");
}

#[test]
fn with_fail_alone_says_what_is_not_formatted() {
    let dir = folder(&[("a.rego", UGLY), ("b.rego", TIDY)]);
    let ran = verdict(dir.path(), &["fmt", "--fail", "a.rego"]).exits(2);
    assert_eq!(ran.complains("`a.rego` is not formatted").out, "");
    verdict(dir.path(), &["fmt", "--fail", "b.rego"]).exits(0);
    verdict(dir.path(), &["fmt", "--fail", "-w", "a.rego"]).exits(2);
    assert_eq!(fs::read_to_string(dir.path().join("a.rego")).unwrap(), UGLY);
}

#[cfg(unix)]
#[test]
fn replaces_files_and_keeps_their_permissions_and_links() {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
    let dir = folder(&[("a.rego", UGLY), ("b/c.rego", TIDY), ("real/d.rego", UGLY)]);
    let path = |name: &str| dir.path().join(name);
    fs::set_permissions(path("a.rego"), fs::Permissions::from_mode(0o640)).unwrap();
    symlink("../real/d.rego", path("b/link.rego")).unwrap();
    let untouched = fs::metadata(path("b/c.rego")).unwrap().ino();
    let ran = verdict(dir.path(), &["fmt", "-w", "a.rego", "b"]).exits(0);
    assert_eq!(ran.out, "");
    for name in ["a.rego", "b/c.rego", "b/link.rego", "real/d.rego"] {
        assert_eq!(fs::read_to_string(path(name)).unwrap(), TIDY, "{name}");
    }
    assert_eq!(fs::metadata(path("a.rego")).unwrap().permissions().mode() & 0o777, 0o640);
    assert!(fs::symlink_metadata(path("b/link.rego")).unwrap().is_symlink());
    assert_eq!(fs::metadata(path("b/c.rego")).unwrap().ino(), untouched, "what is tidy is not written");
    let left: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 3, "{left:?}");
}

#[test]
fn says_where_a_file_does_not_parse_and_goes_on() {
    let dir = folder(&[("a.rego", "package a\n\np if {\n\tx ==\n}\n"), ("b.rego", UGLY)]);
    let ran = verdict(dir.path(), &["fmt", "-w", "."]).exits(2);
    ran.complains("a.rego:5:1: ").complains(" 5 | }");
    assert_eq!(fs::read_to_string(dir.path().join("b.rego")).unwrap(), TIDY);
    verdict_with_input(dir.path(), &["fmt"], "package").exits(2).complains("stdin:1:8: ");
    fs::write(dir.path().join("a.rego"), b"package a\n# \xff\n").unwrap();
    verdict(dir.path(), &["fmt", "a.rego"]).exits(2).complains("a.rego:2:3: not UTF-8");
}

#[test]
fn what_cannot_be_tried_is_exit_code_2() {
    let dir = folder(&[("a.json", "{}"), ("b.rego", UGLY)]);
    verdict(dir.path(), &["fmt", "none.rego", "b.rego"])
        .exits(1)
        .complains("cannot read `none.rego`")
        .says(TIDY);
    verdict(dir.path(), &["fmt", "a.json"]).exits(1).complains("`a.json` is not a `.rego` file");
    verdict(dir.path(), &["fmt", "-w"]).exits(2).complains("`--write` needs a path");
    fs::write(dir.path().join("big.rego"), " ".repeat((4 << 20) + 1)).unwrap();
    verdict(dir.path(), &["fmt", "big.rego"]).exits(1).complains("too large for a policy");
}

#[test]
fn reads_and_writes_the_versions_that_are_asked_for() {
    let v0 = "package a\n\nimport future.keywords.in\n\np[x] { x in [1] }\n";
    let dir = folder(&[]);
    let rule = "p contains x if x in [1]\n";
    for (args, want) in [
        (
            &["--v0-compatible"][..],
            "package a\n\nimport future.keywords.in\n\np[x] {\n\tx in [1]\n}\n".to_owned(),
        ),
        (&["--v0-v1"], format!("package a\n\nimport rego.v1\n\n{rule}")),
        (&["--rego-v1"], format!("package a\n\nimport rego.v1\n\n{rule}")),
        (&["--rego-v1", "--drop-v0-imports"], format!("package a\n\nimport rego.v1\n\n{rule}")),
    ] {
        let args = [&["fmt"], args].concat();
        assert_eq!(verdict_with_input(dir.path(), &args, v0).exits(0).out, want, "{args:?}");
    }
    verdict_with_input(dir.path(), &["fmt"], v0).exits(2).complains("`if` keyword is required");
    verdict_with_input(dir.path(), &["fmt", "--v1-compatible"], v0).exits(2);
    let v1 = "package a\n\nimport rego.v1\n\np := 1\n";
    assert_eq!(verdict_with_input(dir.path(), &["fmt"], v1).exits(0).out, v1);
    let dropped = verdict_with_input(dir.path(), &["fmt", "--drop-v0-imports"], v1).exits(0).out;
    assert_eq!(dropped, "package a\n\np := 1\n");
    let both = verdict_with_input(dir.path(), &["fmt", "--v0-v1", "--v1-compatible"], &dropped).exits(0).out;
    assert_eq!(both, v1);
}

#[test]
fn a_result_that_is_not_valid_is_refused_or_shown_but_never_written() {
    let text = "package a\n\nif = 1\n";
    let dir = folder(&[("a.rego", text)]);
    let convert = |args: &[&str]| verdict(dir.path(), &[&["fmt", "--v0-v1", "a.rego"], args].concat());
    convert(&[]).exits(2).complains("would not be valid Rego").complains("formatted:5:");
    convert(&["--check-result=true"]).exits(2);
    convert(&["--check-result=false"]).exits(0).says("if := 1");
    convert(&["--check-result=false", "-w"]).exits(2);
    assert_eq!(fs::read_to_string(dir.path().join("a.rego")).unwrap(), text);
}
