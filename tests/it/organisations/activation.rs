//! What bundles of organisations must be before they are activated.

use tempfile::TempDir;
use verdict::bundle::{self, Bundle, Conditions, Config, ErrorKind, LoadError};
use verdict::model::clock::Timestamp;
use verdict::model::request::EntryPath;
use verdict::pdp::snapshot::{Policy, Snapshot};
use verdict::testing::before_activation;

use super::*;
use crate::bundle_format::write_all;

const BOUND: [(&str, &str); 2] = [("acme-policy", "acme"), ("globex-policy", "globex")];

fn load(files: &[(&str, &str)]) -> Vec<Bundle> {
    let dir = TempDir::new().unwrap();
    write_all(dir.path(), files);
    let organisations = BOUND.iter().map(|(bundle, id)| ((*bundle).to_owned(), (*id).to_owned())).collect();
    let config = Config { dir: dir.path().to_path_buf(), organisations, ..Config::default() };
    bundle::load_dir(&config).unwrap()
}

fn activate(files: &[(&str, &str)], conditions: &Conditions<'_>) -> Result<Snapshot, LoadError> {
    bundle::activate(&load(files), 1, Timestamp(0), conditions)
}

fn roots(name: &str) -> String {
    format!(r#"{{"roots": ["{name}"]}}"#)
}

#[test]
fn a_bound_bundle_replaces_nothing_that_is_shared() {
    let shared = ("shared/app.rego", "package app\n\nallow := false\n");
    let own = ("acme-policy/own.rego", "package own\n\nallow := true\n");
    for (manifests, says) in [
        ([None, None], "root `` overlaps root ``"),
        ([Some("app"), None], "root `app` overlaps root ``"),
        ([Some("app"), Some("app/own")], "root `app` overlaps root `app/own`"),
        ([Some("app"), Some("app")], "root `app` overlaps root `app`"),
    ] {
        let texts = manifests.map(|root| root.map_or_else(|| "{}".to_owned(), roots));
        let files = [shared, own, ("shared/.manifest", &texts[0]), ("acme-policy/.manifest", &texts[1])];
        let error = activate(&files, &Conditions::default()).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Roots, "{error}");
        let error = error.to_string();
        for part in [
            "for organisation `acme`: bundles `shared` and `acme-policy` both own data",
            says,
            "binds to `acme`",
        ] {
            assert!(error.contains(part), "no `{part}` in: {error}");
        }
    }
    // Within an organisation they may not overlap either; between organisations they may.
    let organisations = [("acme-policy", "acme"), ("globex-policy", "acme")];
    let both = [own, ("globex-policy/own.rego", "package own\n\nallow := false\n")];
    let mut bundles = load(&both);
    let snapshot = bundle::activate(&bundles, 1, Timestamp(0), &Conditions::default()).unwrap();
    let mut whose: Vec<_> = snapshot.policies().map(|policy| policy.organisation.clone()).collect();
    whose.sort();
    assert_eq!(whose, [None, Some("acme".into()), Some("globex".into())]);
    for bundle in &mut bundles {
        let (_, id) = organisations.iter().find(|(name, _)| *name == bundle.name).unwrap();
        bundle.organisation = Some((*id).to_owned());
    }
    let error = bundle::activate(&bundles, 1, Timestamp(0), &Conditions::default()).unwrap_err().to_string();
    assert!(error.contains("for organisation `acme`: bundles `acme-policy` and `globex-policy`"), "{error}");
}

#[test]
fn two_bundles_of_one_organisation_decide_together_and_data_is_shared_not_copied() {
    let big: String = (0..100).map(|n| format!(r#""u{n}": {{"x": [{n}]}},"#)).collect();
    let big = format!(r#"{{{big} "last": 1}}"#);
    let files = [
        ("shared/.manifest", r#"{"roots": ["app", "users", "mixed/a"]}"#),
        ("shared/app.rego", "package app\n\nn := count(data.users)\n"),
        ("shared/users/data.json", big.as_str()),
        ("shared/mixed/data.json", r#"{"a": {"k": 1}}"#),
        ("acme-policy/.manifest", r#"{"roots": ["own", "mixed/b"]}"#),
        ("acme-policy/own.rego", "package own\n\nn := data.app.n + data.mixed.b.k\n"),
        ("acme-policy/mixed/data.json", r#"{"b": {"k": 2}}"#),
    ];
    let snapshot = activate(&files, &Conditions::default()).unwrap();
    let acme = snapshot.policies().find(|policy| policy.organisation.is_some()).unwrap();
    assert_eq!(value(acme, "own/n"), "103");
    assert_eq!(value(acme, "mixed"), r#"{"a":{"k":1},"b":{"k":2}}"#);
    assert_eq!(value(&snapshot.shared, "mixed"), r#"{"a":{"k":1}}"#);
    assert_eq!(value(&snapshot.shared, "own/n"), "-");
    let place = |policy: &Policy| match policy.program.data().at(["users"]) {
        Some(verdict_rego::Value::Object(users)) => std::sync::Arc::as_ptr(users),
        other => panic!("{other:?}"),
    };
    assert_eq!(place(acme), place(&snapshot.shared), "the users are there once");
}

fn value(policy: &Policy, path: &str) -> String {
    use verdict_rego::{EvalLimits, Evaluation};
    let limits = EvalLimits::within(Duration::from_secs(5));
    match policy.program.evaluate(&EntryPath::parse(path).unwrap(), None, 0, &limits) {
        Evaluation::Defined { value, .. } => value.to_string(),
        Evaluation::Undefined(_) => "-".to_owned(),
        Evaluation::Error(error) => panic!("{path}: {error}"),
    }
}

#[test]
fn what_is_required_is_required_for_every_caller() {
    let (manifest, shared) = (roots("app"), ("shared/app.rego", "package app\n\nallow := false\n"));
    let own = ("acme-policy/own.rego", "package own\n\nallow := true\n");
    let data = ("acme-policy/own/limits/data.json", r#"{"eu": 5}"#);
    let of_own = |more: &str| format!(r#"{{"roots": ["own"], "metadata": {{"verdict": {{{more}}}}}}}"#);
    let check = |own_manifest: &str, conditions: &Conditions<'_>| {
        let files = [
            shared,
            own,
            data,
            ("shared/.manifest", manifest.as_str()),
            ("acme-policy/.manifest", own_manifest),
        ];
        activate(&files, conditions).map(drop).map_err(|error| error.to_string())
    };
    let path = |text: &str| [EntryPath::parse(text).unwrap()];
    check(&of_own(""), &Conditions { required: &path("app/allow"), ..Conditions::default() }).unwrap();
    for conditions in [
        Conditions { required: &path("own/allow"), ..Conditions::default() },
        Conditions { required_data: &path("own/limits/eu"), ..Conditions::default() },
    ] {
        let error = check(&of_own(""), &conditions).unwrap_err();
        assert!(error.contains("bundles that are bound to an organisation do not count"), "{error}");
    }
    for (more, wrong) in [
        (r#""required_entrypoints": ["app/allow", "own/allow"]"#, None),
        (r#""required_data": ["own/limits/eu"]"#, None),
        (
            r#""required_entrypoints": ["own/deny"]"#,
            Some("for organisation `acme`: no rule declares `own/deny`"),
        ),
        (r#""required_data": ["own/other"]"#, Some("for organisation `acme`: no data defines `own/other`")),
    ] {
        let checked = check(&of_own(more), &Conditions::default());
        match wrong {
            None => checked.unwrap(),
            Some(says) => assert!(checked.unwrap_err().contains(says), "{more}"),
        }
    }
}

#[test]
fn tests_of_a_bound_bundle_run_against_what_its_organisation_gets() {
    let files = |of_shared: &'static str, of_acme: &'static str, of_globex: &'static str| {
        let manifest = r#"{"roots": ["app"]}"#;
        let own = r#"{"roots": ["own"]}"#;
        [
            ("shared/.manifest", manifest),
            ("shared/app.rego", "package app\n\ndefault allow := false\n\nallow if data.own.allow\n"),
            ("shared/app_test.rego", of_shared),
            ("acme-policy/.manifest", own),
            ("acme-policy/own.rego", "package own\n\nallow := true\n"),
            ("acme-policy/own_test.rego", of_acme),
            ("globex-policy/.manifest", own),
            ("globex-policy/own.rego", "package own\n\nallow := false\n"),
            ("globex-policy/own_test.rego", of_globex),
        ]
    };
    let (yes, no) = (
        "package x_test\n\ntest_it if data.app.allow == true\n",
        "package x_test\n\ntest_it if data.app.allow == false\n",
    );
    let conditions =
        Conditions { run_tests: true, runner: Some(&before_activation), ..Conditions::default() };
    activate(&files(no, yes, no), &conditions).unwrap();
    for (wrong, says) in [
        (files(yes, yes, no), "the bundles' own tests failed"),
        (files(no, no, no), "for organisation `acme`: the bundles' own tests failed"),
        (files(no, yes, yes), "for organisation `globex`: the bundles' own tests failed"),
        (
            files(no, yes, "package x_test\n"),
            "for organisation `globex`: the bundles' own tests failed: no test",
        ),
    ] {
        let error = activate(&wrong, &conditions).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Tests);
        assert!(error.message.starts_with(says), "{error}");
    }
}

#[test]
fn a_configuration_that_binds_to_nothing_is_refused() {
    let load = |bundles: &str, identity: &str| {
        let dir = TempDir::new().unwrap();
        let file = dir.path().join("verdict.yaml");
        std::fs::write(
            &file,
            format!("identity: {{mode: {identity}}}\nbundles:\n  organisations: {bundles}\n"),
        )
        .unwrap();
        let sources = verdict::config::Sources {
            file: Some(file),
            env: verdict::config::Environment::default(),
            overrides: verdict::config::Overrides::default(),
            profile: Profile::Dev,
        };
        verdict::config::load(sources)
            .map(|loaded| loaded.warnings.join("\n"))
            .map_err(|error| error.to_string())
    };
    for (bundles, says) in [
        ("{acme-policy: ''}", "bundles.organisations.\"acme-policy\": the organisation `` is empty"),
        ("{'a/b': acme}", "a bundle is called as its folder or archive"),
        ("{acme-policy: [acme]}", "expected a string"),
        ("[acme]", "bundles.organisations"),
    ] {
        let error = load(bundles, "required").unwrap_err();
        assert!(error.contains(says), "no `{says}` in: {error}");
    }
    assert!(!load("{acme-policy: acme}", "required").unwrap().contains("bundles.organisations"));
    assert!(load("{acme-policy: acme}", "off").unwrap().contains("no caller has an organisation"));
    assert!(!load("{}", "off").unwrap().contains("bundles.organisations"));
}
