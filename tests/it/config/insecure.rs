//! `verdict run` refuses what is insecure; `verdict dev` takes it and says so.

use super::{File, Insecure, Profile, load};
use verdict::config::Sources;

const KEYS: &str = "algorithms: [RS256], audience: v";
const ONE: &str = "issuer: a, algorithms: [RS256], audience: v, jwks_file: k";

/// The configuration, the flags that accept it, and what is said where the first one is missing.
fn cases() -> Vec<(String, &'static [&'static str], &'static str)> {
    let issuer = |keys: &str| format!("identity: {{issuers: [{{{keys}}}]}}\n");
    let jwks_url = |url: &str| issuer(&format!("issuer: a, {KEYS}, jwks_url: '{url}'"));
    let on = |identity: &str| format!("server: {{listen: 10.0.0.1:1}}\n{identity}");
    vec![
        (String::new(), &["--insecure-dev-issuer"], "identity.issuers: nobody may vouch for callers"),
        (
            "identity: {mode: off, entrypoints: {a: optional}}".to_owned(),
            &["--insecure-dev-issuer"],
            "identity.issuers: nobody may vouch for callers",
        ),
        (
            issuer(&format!("issuer: 'https://verdict-dev.invalid', {KEYS}, jwks_file: k")),
            &["--insecure-dev-issuer"],
            "identity.issuers[0]: this is the development issuer",
        ),
        (
            format!(
                "state: s\n{}",
                issuer(&format!("issuer: a, {KEYS}, jwks_file: x/../s/./dev-issuer/jwks.json"))
            ),
            &["--insecure-dev-issuer"],
            "identity.issuers[0]: this is the development issuer",
        ),
        (
            "server: {listen: 0.0.0.0:1}\nidentity: {mode: off}".to_owned(),
            &["--insecure-listen"],
            "server.listen: 0.0.0.0:1 can be reached from other machines while `identity.mode` is off",
        ),
        (
            "server: {listen: '[::]:1'}\nidentity: {mode: off}".to_owned(),
            &["--insecure-listen"],
            "server.listen: [::]:1 can be",
        ),
        (
            format!(
                "server: {{listen: 10.0.0.1:1}}\n{}",
                jwks_url("https://x/").replace("{issuers", "{entrypoints: {a/b: off}, issuers")
            ),
            &["--insecure-listen", "--insecure-plain-http"],
            "while identity is off for `a/b`",
        ),
        (
            on(&issuer(ONE)),
            &["--insecure-plain-http"],
            "server.listen: 10.0.0.1:1: tokens cross the network over plain HTTP",
        ),
        (
            on(&issuer(ONE).replace("{issuers", "{mode: optional, issuers")),
            &["--insecure-optional-identity", "--insecure-plain-http"],
            "server.listen: 10.0.0.1:1 can be reached from other machines while `identity.mode` is optional",
        ),
        (
            on(&issuer(ONE).replace("{issuers", "{entrypoints: {a/b: optional}, issuers")),
            &["--insecure-optional-identity", "--insecure-plain-http"],
            "while identity is optional for `a/b`",
        ),
        (
            on(&issuer(ONE).replace("{issuers", "{mode: off, entrypoints: {a: optional}, issuers")),
            &["--insecure-plain-http", "--insecure-listen", "--insecure-optional-identity"],
            "tokens cross the network over plain HTTP",
        ),
        (
            issuer("issuer: a, algorithms: [RS256], jwks_file: k"),
            &["--insecure-no-audience"],
            "identity.issuers[0].audience: issuer `a` has no audience",
        ),
        (
            issuer("issuer: a, algorithms: [RS256], jwks_file: k, audience: []"),
            &["--insecure-no-audience"],
            "has no audience",
        ),
        (
            jwks_url("http://idp.example/keys"),
            &["--insecure-http-jwks"],
            "identity.issuers[0].jwks_url: the keys come from `idp.example` over plain http",
        ),
        (jwks_url("HTTP://idp.example/keys"), &["--insecure-http-jwks"], "over plain http"),
        (jwks_url("http://localhost.idp.example/"), &["--insecure-http-jwks"], "over plain http"),
        (jwks_url("http://0.0.0.0/"), &["--insecure-http-jwks"], "over plain http"),
        (
            "identity: {mode: off}\nbundles: {verification: {skip_verify: true}}".to_owned(),
            &["--skip-verify"],
            "bundles.verification.skip_verify: signatures of bundles are not checked",
        ),
        (
            "identity: {mode: off}\ndecision_log: {allow_unmasked: true}".to_owned(),
            &["--insecure-ignore-log-mask"],
            "decision_log.allow_unmasked: the log masks of bundles are not applied",
        ),
    ]
}

fn allowing(flags: &[&str]) -> Insecure {
    let given = |flag: &str| flags.contains(&flag);
    Insecure {
        dev_issuer: given("--insecure-dev-issuer"),
        listen: given("--insecure-listen"),
        no_audience: given("--insecure-no-audience"),
        http_jwks: given("--insecure-http-jwks"),
        optional_identity: given("--insecure-optional-identity"),
        plain_http: given("--insecure-plain-http"),
        skip_verify: given("--skip-verify"),
        ignore_log_mask: given("--insecure-ignore-log-mask"),
    }
}

const FLAGS: [&str; 8] = [
    "--insecure-ignore-log-mask",
    "--insecure-dev-issuer",
    "--insecure-listen",
    "--insecure-no-audience",
    "--insecure-http-jwks",
    "--insecure-optional-identity",
    "--insecure-plain-http",
    "--skip-verify",
];

#[test]
fn run_refuses_it_unless_the_flags_that_name_it_are_given() {
    for (text, needed, said) in cases() {
        let file = File::new(&text);
        let run = |insecure| load(Sources { profile: Profile::Run(insecure), ..file.sources() });
        for missing in needed {
            let others: Vec<_> = FLAGS.into_iter().filter(|flag| flag != missing).collect();
            let error = run(allowing(&others)).unwrap_err().to_string();
            assert!(*missing != needed[0] || error.contains(said), "{text}\n{error}");
            assert!(error.contains(&format!("or accept the risk with `{missing}`")), "{text}\n{error}");
        }
        let loaded = run(allowing(needed)).unwrap_or_else(|error| panic!("{text}\n{error}"));
        for flag in needed {
            let loud = loaded.warnings.iter().any(|line| line.starts_with("INSECURE") && line.contains(flag));
            assert!(loud, "{text}\n{:?}", loaded.warnings);
        }
    }
}

#[test]
fn dev_takes_it_and_warns_and_inspection_says_that_run_would_not() {
    for (text, _, said) in cases() {
        let file = File::new(&text);
        let warnings = |profile| load(Sources { profile, ..file.sources() }).unwrap().warnings.join("\n");
        assert!(warnings(Profile::Inspect).contains("`verdict run` refuses this: "), "{text}");
        assert!(warnings(Profile::Inspect).contains(said), "{text}");
        // The development issuer is what `verdict dev` is for; its banner says so.
        if !said.contains("nobody may vouch") {
            assert!(warnings(Profile::Dev).contains(said), "{text}");
        }
    }
}

#[test]
fn the_flag_for_the_development_issuer_is_loud_beside_other_issuers_too() {
    let file = File::new(format!("identity: {{issuers: [{{issuer: a, {KEYS}, jwks_file: k}}]}}"));
    let profile = Profile::Run(allowing(&["--insecure-dev-issuer"]));
    assert!(profile.trusts_dev_issuer());
    let warnings = load(Sources { profile, ..file.sources() }).unwrap().warnings;
    assert!(warnings.iter().any(|line| line.contains("the development issuer is trusted")), "{warnings:?}");
}

#[test]
fn what_is_secure_is_taken_without_a_word() {
    let issuers = |keys: &str| format!("identity: {{issuers: [{{issuer: a, {KEYS}, {keys}}}]}}");
    for text in [
        "identity: {mode: off}".to_owned(),
        "identity: {mode: off}\nserver: {listen: '[::1]:1'}".to_owned(),
        "identity: {mode: off}\nserver: {listen: '[::ffff:127.0.0.1]:1'}".to_owned(),
        issuers("jwks_url: https://idp.example/"),
        issuers("jwks_url: http://localhost:1/"),
        issuers("jwks_url: 'http://[::1]/'"),
        issuers("jwks_url: http://127.0.0.9/"),
        format!("server: {{listen: '10.0.0.1:1', tls: {{cert: c, key: k}}}}\n{}", issuers("jwks_file: k")),
        format!("server: {{listen: '[::1]:1'}}\n{}", issuers("jwks_file: k"))
            .replace("{issuers", "{mode: optional, issuers"),
    ] {
        let profile = Profile::Run(Insecure::default());
        let file = File::new(&text);
        let loaded =
            load(Sources { profile, ..file.sources() }).unwrap_or_else(|error| panic!("{text}\n{error}"));
        assert!(loaded.warnings.is_empty(), "{text}\n{:?}", loaded.warnings);
    }
}

/// A reload judges as the start did.
#[test]
fn a_reload_refuses_what_the_start_would_have_refused() {
    let file = File::new("identity: {mode: off}");
    let loaded = load(Sources { profile: Profile::Run(Insecure::default()), ..file.sources() }).unwrap();
    std::fs::write(file.path(), "identity: {mode: off}\nserver: {listen: 0.0.0.0:1}").unwrap();
    assert!(loaded.reload().unwrap_err().to_string().contains("--insecure-listen"));
    std::fs::write(file.path(), "identity: {mode: off}\ndecision: {deadline: 7ms}").unwrap();
    assert_eq!(loaded.reload().unwrap().loaded.config.decision.deadline.to_string(), "7ms");
}
