//! Streams that cannot be.

use verdict::config::{Environment, Overrides, Profile, Sources, load};

use super::world::{ISSUER, RECEIVER};

fn error_of(registry: &str, stream: &str) -> String {
    let issuer = format!("{{issuer: '{ISSUER}', audience: api, algorithms: [ES256], jwks_file: keys.json}}");
    error_in(&format!(
        "{registry}\nidentity: {{issuers: [{issuer}]}}\nevents:\n  streams:\n    - {{{stream}}}\n"
    ))
}

fn error_in(text: &str) -> String {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("verdict.yaml");
    std::fs::write(&file, text).unwrap();
    let profile = Profile::Run(verdict::config::Insecure::default());
    let sources =
        Sources { file: Some(file), env: Environment::default(), overrides: Overrides::default(), profile };
    load(sources).err().map(|error| error.to_string()).unwrap_or_default()
}

#[test]
fn what_does_not_hold_together_is_said_with_its_place() {
    let registry = "registry: {enabled: true}";
    let keys = "algorithms: [ES256], jwks_file: k.json";
    let good = format!("issuer: '{ISSUER}', audience: '{RECEIVER}', {keys}");
    let push = "push: {token_env: A}";
    assert_eq!(error_of(registry, &format!("{good}, {push}")), "");
    for (stream, expected) in [
        (format!("{good}, {push}, poll: {{url: 'https://a.example', token_env: B}}"), "mutually exclusive"),
        (good.clone(), "nothing says how events come"),
        (format!("{good}, push: {{token_env: ''}}"), "must not be empty"),
        (format!("{good}, {push}, token_issuers: ['https://else.example']"), "would revoke nothing"),
        (format!("issuer: 'https://else.example', audience: a, {keys}, {push}"), "would revoke nothing"),
        (format!("issuer: '{ISSUER}', audience: [], {keys}, {push}"), "must name us"),
        (format!("issuer: '{ISSUER}', audience: a, algorithms: [HS256], jwks_file: k, {push}"), "HS256"),
        (format!("issuer: '{ISSUER}', audience: a, algorithms: [], jwks_file: k, {push}"), "no algorithm"),
        (format!("issuer: '{ISSUER}', audience: a, algorithms: [ES256], {push}"), "has no keys"),
        (format!("{good}, poll: {{url: 'http://a.example', token_env: B}}"), "in the clear"),
        (
            format!("{good}, poll: {{url: 'https://a.example', token_env: B, interval: 1ms}}"),
            "must be from 1s to 1h",
        ),
        (format!("{good}, poll: {{url: 'https://a.example', token_env: B, often: true}}"), "often"),
        (format!("{good}, {push}, critical_subject_members: ['']"), "a member is empty"),
    ] {
        let error = error_of(registry, &stream);
        assert!(error.contains(expected) && error.contains("verdict.yaml:"), "{stream}: {error}");
    }
    let error = error_of("registry: {enabled: false}", &format!("{good}, {push}"));
    assert!(error.contains("there is no registry"), "{error}");
}
