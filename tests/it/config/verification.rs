//! `bundles.verification`: keys, where they are, and that none is ever shown.

use super::{File, Insecure, Profile, load, refusal};
use verdict::config::{Overrides, Sources, VerificationFlags};

#[test]
fn contradictions_are_named_with_their_places() {
    for (verification, expected) in [
        ("{}", "bundles.verification.keys: there is no key to verify with"),
        ("{keys: {a: {}}}", "bundles.verification.keys.a: there is no key"),
        (
            "{keys: {a: {key: x, file: y}}}",
            "bundles.verification.keys.a.file: `key` and `file` are mutually exclusive",
        ),
        (
            "{keys: {a: {key: x, algorithm: none}}}",
            "bundles.verification.keys.a.algorithm: `none` is not a supported signature",
        ),
        ("{keys: {a: {key: x, alg: RS256}}}", "bundles.verification.keys.a.alg: "),
        ("{keys: {a: {key: x}}, key_id: b}", "bundles.verification.key_id: no key has the id `b`"),
        ("{keys: {a: {key: x}}, exclude_files: ['[']}", "bundles.verification.exclude_files[0]: pattern `[`"),
        ("{keys: [a]}", "bundles.verification.keys: "),
    ] {
        let said = refusal(format!("bundles: {{verification: {verification}}}"));
        assert!(said.contains(expected), "{verification}\n{said}");
    }
}

/// What is only printed need not be on this machine.
#[test]
fn a_key_file_is_read_where_it_will_be_used() {
    let file =
        File::new("bundles:\n  verification:\n    keys:\n      a: {file: a.pem}\nidentity: {mode: off}\n");
    file.load().unwrap();
    for profile in [Profile::Dev, Profile::Run(Insecure::default())] {
        let error = load(Sources { profile, ..file.sources() }).unwrap_err().to_string();
        assert!(error.contains("verdict.yaml:4:17: bundles.verification.keys.a.file: "), "{error}");
    }
}

#[test]
fn a_key_is_never_shown() {
    for text in [
        "bundles: {verification: {keys: {a: {algorithm: HS256, key: hunter2}}}}",
        "bundles: {verification: {keys: {a: {algorithm: HS256, key: hunter2, nonsense: 1}}}}",
        "bundles: {verification: {keys: {a: {algorithm: none, key: hunter2}}}}",
        "bundles:\n  verification:\n    keys:\n      a:\n        key: hunter2\n        file: x\n",
        "bundles: {verification: {keys: {a: {key: [hunter2]}}}}",
        "bundles: {verification: {keys: {a: {key: hunter2: x}}}}",
    ] {
        for profile in [Profile::Inspect, Profile::Dev, Profile::Run(Insecure::default())] {
            let file = File::new(text);
            let said = match load(Sources { profile, ..file.sources() }) {
                Ok(loaded) => {
                    format!("{}{:?}{:?}", loaded.config.to_yaml().unwrap(), loaded.config, loaded.warnings)
                }
                Err(error) => format!("{error}{error:?}"),
            };
            assert!(!said.contains("hunter2"), "{text}\n{said}");
        }
    }
    let said = refusal("bundles: {verification: {keys: {a: {key: 20406080}}}}");
    assert!(said.contains("put it in quotes") && !said.contains("20406080"), "{said}");
}

#[test]
fn files_start_at_the_configuration_and_flags_go_over_it() {
    let file = File::new("bundles: {verification: {keys: {a: {file: keys/a.pub}}, key_id: a, scope: read}}");
    let verification = file.load().unwrap().config.bundles.verification.unwrap();
    let expected = file.folder.path().join("keys/a.pub");
    assert_eq!(verification.keys["a"].file.as_deref(), Some(expected.as_path()));
    assert_eq!(verification.keys["a"].algorithm, "RS256");
    assert!(verification.required && !verification.skip_verify);

    let key = verdict::bundle::signature::KeyConfig {
        algorithm: "ES256".to_owned(),
        key: None,
        file: Some("/keys/b.pub".into()),
    };
    let verification = VerificationFlags {
        key: Some(key),
        key_id: "default".to_owned(),
        scope: Some("write".to_owned()),
        exclude_files: vec!["*.md".to_owned()],
        skip_verify: false,
    };
    let overrides = Overrides { verification, ..Overrides::default() };
    let config = load(Sources { overrides, ..file.sources() }).unwrap().config;
    let verification = config.bundles.verification.unwrap();
    assert_eq!(verification.key_id.as_deref(), Some("default"));
    assert_eq!(
        (verification.scope.as_str(), verification.exclude_files.as_slice()),
        ("write", &["*.md".to_owned()][..])
    );
    let ids: Vec<_> =
        verification.keys.iter().map(|(id, key)| (id.as_str(), key.algorithm.as_str())).collect();
    assert_eq!(ids, [("a", "RS256"), ("default", "ES256")]);
}
