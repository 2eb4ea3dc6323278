//! `verdict new`: what it makes passes everything at once, and what is there is left alone.

use std::fs;

use super::{files, folder, verdict};

#[test]
fn a_new_policy_passes_everything_and_its_commands_work() {
    for name in ["orders", "policies/orders_2", "request", "count"] {
        let here = folder(&[]);
        let made = verdict(here.path(), &["new", name]).exits(0);
        for args in [&["test", name][..], &["check", "--strict", name], &["fmt", "--fail", "-l", name]] {
            verdict(here.path(), args).exits(0);
        }
        verdict(here.path(), &["test", name]).exits(0).says("10/10 passed");
        // What it prints can be pasted; `dev` serves until it is ended.
        let commands = made.out.split("Next:\n\n").nth(1).unwrap().replace("\\\n", "");
        let mut ran = 0;
        for line in commands.lines().filter(|line| !line.starts_with("verdict dev")) {
            let words: Vec<&str> = line.split_whitespace().skip(1).collect();
            let answer = verdict(here.path(), &words).exits(0);
            if words[0] == "eval" {
                assert!(answer.out.ends_with("true\n"), "{}", answer.out);
            }
            ran += 1;
        }
        assert_eq!(ran, 3, "{commands}");
        let readme = &files(&here.path().join(name))["README.md"];
        assert!(readme.contains(made.out.split("Next:\n\n").nth(1).unwrap()), "{readme}");
        assert!(!files(&here.path().join(name)).values().any(|text| text.contains("PACKAGE")));
    }
}

#[test]
fn nothing_is_overwritten_and_no_name_is_taken_that_no_package_can_have() {
    let here = folder(&[("full/notes.txt", "mine")]);
    verdict(here.path(), &["new", "full"]).exits(1).complains("`full` already exists and is not empty");
    assert_eq!(files(&here.path().join("full")).len(), 1);
    fs::create_dir(here.path().join("empty")).unwrap();
    verdict(here.path(), &["new", "empty"]).exits(0).says("policy.rego");
    verdict(here.path(), &["new", "my-app"]).exits(2).complains("hint: write `verdict new my_app`");
    assert!(!here.path().join("my-app").exists());
    verdict(here.path(), &["new", "full/notes.txt/a"]).exits(1).complains("cannot write");
    verdict(here.path(), &["new"]).exits(2).complains("<NAME>");
}
