//! Files that are no configuration.

use verdict::config::{Sources, load};

use super::{File, json, refusal};

#[test]
fn an_empty_file_and_an_empty_section_say_nothing() {
    let defaults = json(&load(Sources::default()).unwrap());
    for text in [
        "",
        "\n",
        "# nothing\n",
        "---\n",
        "{}",
        "\u{feff}",
        "\u{feff}# x\n",
        "server:\n",
        "server: ~\nidentity: {}\n",
        "identity: {mode: required}\n",
        "decision_log: {file: null}\n",
    ] {
        let loaded = json(&File::new(text).load().unwrap_or_else(|error| panic!("{text:?}: {error}")));
        // Defaults are not what a file says, so they do not start at its folder.
        assert_eq!(loaded, defaults, "{text:?}");
    }
}

#[test]
fn what_cannot_be_read_says_why_and_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing.yaml");
    for (path, said) in [
        (missing.as_path(), "missing.yaml: cannot read the configuration: No such file"),
        (missing.as_path(), "hint: `verdict config --reference` lists all keys"),
        (folder.path(), "Is a directory"),
        (folder.path(), "hint: name a file in it"),
    ] {
        let sources = Sources { file: Some(path.to_owned()), ..Sources::default() };
        let error = load(sources).unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
    }
    assert_eq!(refusal(b"state: \xff\n"), "verdict.yaml: not UTF-8 at byte 7\nhint: save the file as UTF-8");
    assert!(refusal(b"\xff\xfes\x00t\x00").contains("not UTF-8 at byte 0"));
    assert!(refusal("a: \0\n").contains("verdict.yaml:1:"));
}

#[test]
fn a_huge_file_is_refused_soon() {
    assert_eq!(
        refusal("#".repeat((1 << 20) + 1)),
        "verdict.yaml: larger than 1 MiB, which is too large for the configuration"
    );
    // Under the limit, and hard on whoever compares each with each.
    let many: String = (0..20_000).map(|n| format!("k{n}:\n")).collect();
    let said = refusal(&many);
    assert!(said.contains("verdict.yaml:1:1: k0: unknown key `k0`"), "{said}");
    assert_eq!(said.matches("unknown key").count(), 1);
    let list = format!("identity: {{issuers: [{}]}}", "1,".repeat(20_000));
    assert!(refusal(list).contains("identity.issuers[0]: expected a map of keys"));
}

#[test]
fn depth_and_aliases_do_not_exhaust_anything() {
    for (open, close) in [("[", "]"), ("{a: ", "}"), ("- ", "")] {
        let said = refusal(format!("state: {}1{}", open.repeat(100_000), close.repeat(100_000)));
        assert!(said.starts_with("verdict.yaml:"), "{said}");
    }
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for n in 1..30 {
        let below = format!("*a{}, ", n - 1).repeat(10);
        bomb.push_str(&format!("a{n}: &a{n} [{below}]\n"));
    }
    let said = refusal(bomb);
    assert!(said.starts_with("verdict.yaml:"), "{said}");
}

/// Anchors are YAML, and spare repetition.
#[test]
fn an_alias_stands_for_its_anchor() {
    let text = "server: {header_timeout: &t 3s, body_timeout: *t}\n";
    assert_eq!(json(&File::new(text).load().unwrap())["server"]["body_timeout"], "3s");
}
