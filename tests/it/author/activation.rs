//! Bundles that are activated only when their tests pass.

use verdict::bundle::{self, Conditions, ErrorKind, Limits};
use verdict::model::clock::Timestamp;
use verdict::pdp::{self, BuiltinErrors};
use verdict::testing::before_activation;

use super::folder;

/// What comes of activating a bundle of one policy with these tests: nothing, or the error.
fn activate(tests: &[(&str, &str)]) -> Result<(), bundle::LoadError> {
    activate_with(tests, BuiltinErrors::Error)
}

fn activate_with(tests: &[(&str, &str)], builtin_errors: BuiltinErrors) -> Result<(), bundle::LoadError> {
    let policy = ("app/policy.rego", "package app\n\nallow := true\n");
    let files: Vec<(&str, &str)> = std::iter::once(policy).chain(tests.iter().copied()).collect();
    let folder = folder(&files);
    let bundle = bundle::load_path(folder.path(), Limits::from(&bundle::Config::default()))?;
    let limits = pdp::Limits::new(&pdp::Config { builtin_errors, ..pdp::Config::default() }).unwrap();
    let conditions = Conditions {
        run_tests: true,
        runner: Some(&before_activation),
        limits: Some(&limits),
        ..Conditions::default()
    };
    bundle::activate(&[bundle], 1, Timestamp(0), &conditions).map(drop)
}

#[test]
fn a_bundle_is_activated_when_its_tests_pass_and_only_then() {
    let rule = |value: &str| format!("package app_test\n\ntest_it if data.app.allow == {value}\n");
    let case = |decision: &str| {
        format!("entrypoint: app/allow\ncases:\n  - {{name: it, subject: anonymous, expect: {decision}}}\n")
    };
    let (good_rule, bad_rule) = (rule("true"), rule("false"));
    let (good_case, bad_case) = (case("allow"), case("deny"));
    let (rules, cases) = ("app/x_test.rego", "app/x.fixtures.yaml");
    activate(&[(rules, &good_rule), (cases, &good_case)]).unwrap();
    for (tests, says) in [
        (vec![(rules, bad_rule.as_str()), (cases, good_case.as_str())], "data.app_test.test_it"),
        (vec![(rules, good_rule.as_str()), (cases, bad_case.as_str())], "x.fixtures.yaml: it"),
        (vec![(cases, "cases: []")], "no cases"),
        (vec![(rules, "package app_test\n\ntest_it if nosuch(1)\n")], "nosuch"),
        (vec![], "no test passed"),
    ] {
        let error = activate(&tests).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Tests);
        assert!(error.to_string().contains(says), "no `{says}` in: {error}");
    }
}

#[test]
fn errors_of_built_ins_are_to_tests_what_they_are_to_calls() {
    let test = "package app_test\n\ntest_it if not time.parse_rfc3339_ns(\"today\")\n";
    activate_with(&[("app/x_test.rego", test)], BuiltinErrors::Undefined).unwrap();
    let error = activate_with(&[("app/x_test.rego", test)], BuiltinErrors::Error).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Tests);
}
