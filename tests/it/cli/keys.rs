//! `verdict keys`.

use std::io::Write as _;
use std::process::Stdio;

use verdict::registry::KeyHash;

use super::{Ran, command, verdict};

fn hash(text: &[u8]) -> Ran {
    let folder = tempfile::tempdir().unwrap();
    let mut command = command(folder.path(), &["keys", "hash"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(text).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Ran { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
}

#[test]
fn a_key_is_shown_once_with_an_entry_that_has_its_hash() {
    let folder = tempfile::tempdir().unwrap();
    let generate = ["keys", "generate", "--prefix", "relay_sk_live", "--agent", "payer", "--id", "payer-2"];
    let ran = verdict(folder.path(), &generate).exits(0);
    let (key, entry) = ran.out.split_once('\n').unwrap();
    assert!(key.starts_with("relay_sk_live_") && key.len() == "relay_sk_live_".len() + 36, "{key}");
    let expected = format!(
        "- id: \"payer-2\"\n  kind: agent\n  agent: \"payer\"\n  hash: \"{}\"\n  prefix: \"relay_sk_live_\"\n",
        KeyHash::of(key)
    );
    assert_eq!(entry, expected);
    assert!(!ran.err.contains(key));
    assert_eq!(hash(format!("{key}\n").as_bytes()).exits(0).out, format!("{}\n", KeyHash::of(key)));
    let service = verdict(folder.path(), &["keys", "generate", "--prefix", "sk-prod"]).exits(0).out;
    assert!(service.contains("\n- id: \"sk-prod-") && service.contains("\n  kind: service\n"), "{service}");
    verdict(folder.path(), &["keys", "generate", "--prefix", "a b"]).exits(2).only_complains("--prefix:");
}

#[test]
fn what_is_no_key_has_no_hash() {
    for (text, said) in [
        (&b""[..], "standard input is not one key"),
        (b"two keys", "standard input is not one key"),
        (b"two\nkeys", "standard input is not one key"),
        ("schl\u{fc}ssel".as_bytes(), "standard input is not one key"),
        (b"\xff", "cannot read the key"),
        (b"rosebud_0123456789ABCDEFGHIJKLMNOPQRST000000", "its checksum is wrong"),
    ] {
        let ran = hash(text).exits(2);
        assert!(ran.err.contains(said) && !ran.err.contains("rosebud"), "{}", ran.err);
        assert_eq!(ran.out, "");
    }
}
