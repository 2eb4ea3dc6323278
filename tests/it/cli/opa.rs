//! What users of OPA write works, or they are told what to write.

use super::verdict;

#[test]
fn flags_and_commands_that_only_opa_has_say_what_to_write() {
    let folder = tempfile::tempdir().unwrap();
    for (args, said) in [
        (&["eval", "-t", "rego", "data.a"][..], "leave it out; policy is evaluated as Rego"),
        (&["eval", "--target=wasm", "data.a"], "leave it out; policy is evaluated as Rego"),
        (&["eval", "-O", "1", "data.a"], "always compiled in the same way"),
        (&["eval", "--entrypoint", "a/b"], "write the document as the query"),
        (&["eval", "--disable-indexing", "data.a"], "results are the same"),
        (&["test", "-t", "wasm", "."], "no other target"),
        (&["test", "--benchmem", "--bench", "."], "verdict bench"),
        (&["exec", "--config-file", "c.yaml", "x"], "--bundle"),
        (&["exec", "--log-level", "debug", "x"], "writes no log"),
        (&["bench", "--e2e", "data.a"], "--url"),
        (&["build", "--debug", "."], "verdict check"),
        (&["sign", "--signing-plugin", "x", "."], "--signing-key"),
        (&["version", "--check"], "nothing asks the network"),
        (&["repl", "--server"], "verdict run"),
        (&["refactor", "move", "-p", "a:b"], "rename packages in your editor"),
        (&["oracle", "find-definition"], "verdict deps"),
        (&["lint"], "verdict check --strict"),
        (&["server"], "verdict run"),
    ] {
        let ran = verdict(folder.path(), args).exits(2);
        assert!(
            ran.out.is_empty() && ran.err.contains("tip: ") && ran.err.contains(said),
            "{args:?}: {}",
            ran.err
        );
        assert!(!ran.err.contains("similar"), "{args:?}: {}", ran.err);
    }
    // What nobody knows is what it was.
    verdict(folder.path(), &["eval", "--no-such", "1"]).exits(2).only_complains("--no-such");
    verdict(folder.path(), &["tokn"]).exits(2).only_complains("'token'");
}

#[test]
fn spellings_of_opa_are_taken() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("a.rego"),
        "package a\n\nimport rego.v1\n\nallow if input.x\n\ntest_a if not allow\n",
    )
    .unwrap();
    for args in [
        "eval -d a.rego --explain notes data.a.allow",
        "eval -d a.rego --explain full data.a.allow -f pretty",
        "eval -d a.rego --explain=fails data.a.allow",
        "eval -d a.rego --metrics --instrument --profile data.a.allow",
        "check --rego-v1 a.rego",
        "test -v -r test_a -c --timeout 1s --threshold 1 --parallel 1 a.rego",
        "test --explain full a.rego",
        "parse a.rego --format json --json-include locations",
        "capabilities --current",
        "help eval",
        "version",
    ] {
        let words: Vec<&str> = args.split(' ').collect();
        verdict(folder.path(), &words).exits(0);
    }
}
