//! Help of the commands of administration.

use super::ran;

const VERBS: [(&str, &[&str]); 15] = [
    ("org", &["create", "list", "show", "update", "enable", "disable", "revoke", "delete"]),
    ("member", &["create", "list", "delete"]),
    ("agent", &["create", "list", "show", "update", "enable", "disable", "revoke", "delete"]),
    ("key", &["create", "list", "show", "rotate", "enable", "disable", "revoke", "delete"]),
    ("device", &["issue", "list", "show", "rotate", "enable", "disable", "revoke", "delete"]),
    ("delegation", &["create", "list", "show", "enable", "disable", "revoke", "delete"]),
    ("role", &["create", "list", "show", "delete"]),
    ("limit", &["set", "show", "clear"]),
    ("secret", &["put", "get", "list", "delete", "rewrap"]),
    ("setting", &["set", "list", "show", "delete"]),
    ("revocation", &["create", "list", "show", "delete"]),
    ("audit", &["list", "verify", "export", "events"]),
    ("credential", &["inspect", "revoke"]),
    ("keys", &["generate", "hash", "rotate", "revoke", "list"]),
    ("capability", &["keygen", "mint"]),
];

#[test]
fn every_verb_says_what_it_does_and_what_its_flags_mean() {
    let folder = tempfile::tempdir().unwrap();
    for (command, verbs) in VERBS {
        let help = ran(folder.path(), &[], &[command, "--help"], "").exits(0).out;
        for verb in verbs {
            let line = help.lines().find(|line| line.starts_with(&format!("  {verb} ")));
            let line = line.unwrap_or_else(|| panic!("no `{verb}` in {help}"));
            assert!(line.split_whitespace().count() > 2, "{line}");
            let help = ran(folder.path(), &[], &[command, verb, "--help"], "").exits(0).out;
            let lines: Vec<&str> = help.lines().collect();
            for (n, line) in lines.iter().enumerate() {
                let flag = line.trim_start();
                if line.starts_with("  ") && line.len() - flag.len() <= 6 && flag.starts_with(['-', '<', '['])
                {
                    let behind = flag.split("  ").skip(1).any(|words| words.contains(char::is_alphabetic));
                    let below = lines.get(n + 1).is_some_and(|below| below.starts_with("          "));
                    assert!(behind || below, "`{command} {verb}` does not say what `{flag}` means");
                }
            }
        }
    }
}

#[test]
fn the_help_of_the_whole_has_every_command_in_one_group() {
    let folder = tempfile::tempdir().unwrap();
    let help = ran(folder.path(), &[], &["--help"], "").exits(0).out;
    assert!(help.contains("\nRegistry, over the API of a running server:\n  org "), "{help}");
    assert!(!help.contains("Others:"), "a command is in no group:\n{help}");
    for (command, _) in VERBS {
        let lines = help.lines().filter(|line| line.starts_with(&format!("  {command} ")));
        assert_eq!(lines.count(), 1, "{command}: {help}");
    }
    assert!(help.lines().all(|line| line.chars().count() <= 100), "{help}");
    assert_eq!(ran(folder.path(), &[], &["help"], "").exits(0).out, help);
}
