//! Bundles in files: what is in them, and what happens to them.

use std::fs;
use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use verdict::config::{Sources, load};
use verdict::identity::{EndpointProfile, FederationConfig, SpiffeConfig, TrustDomainConfig};
use verdict::model::clock::Timestamp;
use verdict::model::failure::FailureKind;
use verdict::model::units::Period;
use verdict_jose::Algorithm;

use super::super::support::*;
use super::*;

/// Runs what keeps bundles fresh, as the supervisor does.
pub fn kept(authenticator: &Authenticator) -> tokio::task::JoinSet<()> {
    let mut tasks = tokio::task::JoinSet::new();
    for refresh in authenticator.key_refreshes() {
        tasks.spawn(refresh.run());
    }
    tasks
}

#[tokio::test]
async fn a_replaced_file_is_in_force_and_what_it_no_longer_has_ends_cached_tokens() {
    let dir = tempfile::tempdir().unwrap();
    let (old, new) = (Pair::new(Algorithm::Es256), Pair::new(Algorithm::Es256));
    let token = |pair: &Pair, kid: &str| pair.token("ES256", kid, &svid("spiffe://example.org/a"));
    let (by_old, by_new) = (token(&old, "old"), token(&new, "new"));
    let both = bundle(&[("old", &old), ("new", &new)], json!({ "spiffe_sequence": 2 }));
    let file = write(dir.path(), "b.json", &bundle(&[("old", &old)], json!({ "spiffe_sequence": 1 })));
    let authenticator = Arc::new(quick(&trusting(vec![in_file(DOMAIN, &file)]), &clock()));
    let _tasks = kept(&authenticator);
    assert_eq!(kind(&authenticator, &by_old).await, None);
    assert_eq!(kind(&authenticator, &by_new).await, Some(FailureKind::CredentialInvalid));
    let generation = || authenticator.status()[0].generation;
    fs::write(&file, both).unwrap();
    until("both keys", || generation() == 2).await;
    assert_eq!([kind(&authenticator, &by_old).await, kind(&authenticator, &by_new).await], [None, None]);
    fs::write(&file, bundle(&[("new", &new)], json!({ "spiffe_sequence": 3 }))).unwrap();
    until("the new key alone", || generation() == 3).await;
    assert_eq!(outcome(&authenticator, &by_old).await, "unknown key", "it was in the cache");
    assert_eq!(kind(&authenticator, &by_new).await, None);
    // What is no bundle, or an older one, changes nothing.
    let lower = bundle(&[("old", &old)], json!({ "spiffe_sequence": 2 }));
    let long = " ".repeat((1 << 20) + 1);
    for (bad, error) in [
        ("not json", "not a bundle"),
        (r#"{"keys": {}}"#, "not a bundle"),
        (r#"{"spiffe_sequence": 9}"#, "not a bundle"),
        (r#"{"keys": null}"#, "not a bundle"),
        (r#"{"keys": [], "spiffe_sequence": "9"}"#, "not a bundle"),
        (r#"{"keys": [], "spiffe_sequence": -9}"#, "not a bundle"),
        (r#"{"keys": [], "keys": []}"#, "not a bundle"),
        (r#"{"keys": []} {}"#, "not a bundle"),
        (&lower, "its sequence 2 is lower than 3"),
        (&long, "longer than"),
    ] {
        fs::write(&file, bad).unwrap();
        let last_error = || authenticator.status()[0].last_error.clone().unwrap_or_default();
        until(bad.get(..20).unwrap_or(bad), || last_error().contains(error)).await;
        assert_eq!(generation(), 3, "{bad}");
        assert_eq!(kind(&authenticator, &by_new).await, None, "{bad}");
    }
    fs::remove_file(&file).unwrap();
    until("the error", || authenticator.status()[0].last_error.as_ref().unwrap().contains("cannot read"))
        .await;
    assert_eq!(kind(&authenticator, &by_new).await, None);
    // Empty is a bundle: everything is revoked.
    fs::write(&file, r#"{"keys": [], "spiffe_sequence": 4}"#).unwrap();
    until("nothing", || generation() == 4).await;
    assert_eq!(outcome(&authenticator, &by_new).await, "unknown key");
}

#[tokio::test]
async fn a_bundle_that_was_not_read_for_too_long_verifies_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let pair = pair_for("ES256");
    let file = write(dir.path(), "b.json", &bundle(&[("k1", pair)], json!({})));
    let clock = clock();
    let mut config = trusting(vec![in_file(DOMAIN, &file)]);
    config.spiffe.as_mut().unwrap().bundle_max_age = Period::secs(600);
    config.cache_ttl = Period::secs(100_000);
    let authenticator = quick(&config, &clock);
    let mut claims = svid("spiffe://example.org/a");
    claims["exp"] = json!(NOW + 10_000);
    let token = pair.token("ES256", "k1", &claims);
    assert_eq!(kind(&authenticator, &token).await, None);
    fs::remove_file(&file).unwrap();
    for (seconds, expected) in [(600, None), (601, Some(FailureKind::VerifierUnavailable))] {
        clock.set(Timestamp::from_unix_seconds(NOW + seconds));
        authenticator.refresh_now().await;
        assert_eq!(kind(&authenticator, &token).await, expected, "after {seconds} s, from the cache");
        assert_eq!(authenticator.status()[0].too_old, expected.is_some());
    }
    write(dir.path(), "b.json", &bundle(&[("k1", pair)], json!({})));
    authenticator.refresh_now().await;
    assert_eq!(kind(&authenticator, &token).await, None);
}

#[tokio::test]
async fn a_reload_keeps_what_is_known_of_the_same_source() {
    let dir = tempfile::tempdir().unwrap();
    let provider = Provider::start(Answer::Body(bundle(&[("k1", pair_for("ES256"))], json!({})))).await;
    let token = pair_for("ES256").token("ES256", "k1", &svid("spiffe://example.org/a"));
    let federated = |name: &str| TrustDomainConfig {
        name: name.to_owned(),
        federation: Some(FederationConfig {
            endpoint_url: provider.url.as_str().into(),
            profile: EndpointProfile::HttpsWeb,
            endpoint_spiffe_id: None,
        }),
        ..TrustDomainConfig::default()
    };
    let first = quick(&trusting(vec![federated(DOMAIN)]), &clock());
    assert_eq!(kind(&first, &token).await, Some(FailureKind::VerifierUnavailable), "nothing was fetched yet");
    first.refresh_now().await;
    assert_eq!(kind(&first, &token).await, None);
    let file = write(dir.path(), "b.json", &bundle(&[("other", pair_for("ES256"))], json!({})));
    for (domains, expected) in [
        (vec![in_file("b.example", &file), federated(DOMAIN)], None),
        (vec![federated("other.example")], Some(FailureKind::CredentialInvalid)),
        (vec![in_file(DOMAIN, &file)], Some(FailureKind::CredentialInvalid)),
    ] {
        let mut next = quick(&trusting(domains), &clock());
        next.adopt_keys(&first);
        assert_eq!(kind(&next, &token).await, expected);
    }
}

#[test]
fn what_does_not_hold_together_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let empty = write(dir.path(), "empty.json", r#"{"keys": []}"#);
    let useless = write(dir.path(), "useless.json", &bundle(&[("k", pair_for("EdDSA"))], json!({})));
    let domain = |change: &dyn Fn(&mut TrustDomainConfig)| {
        let mut one = in_file("a.example", &empty);
        change(&mut one);
        vec![one]
    };
    let federation = |url: &str, profile, id: Option<&str>| {
        Some(FederationConfig {
            endpoint_url: url.into(),
            profile,
            endpoint_spiffe_id: id.map(str::to_owned),
        })
    };
    let (web, spiffe) = (EndpointProfile::HttpsWeb, EndpointProfile::HttpsSpiffe);
    let own = "spiffe://a.example/server";
    let cases: Vec<(Vec<TrustDomainConfig>, &str, &str)> = vec![
        (vec![], "trust_domains", "there is no trust domain"),
        (domain(&|one| one.name = "A.example".to_owned()), "trust_domains[0].name", "small letters"),
        (domain(&|one| one.name = "spiffe://a.example".to_owned()), "trust_domains[0].name", "small letters"),
        (domain(&|one| one.name.clear()), "trust_domains[0].name", "has no trust domain"),
        ([domain(&|_| {}), domain(&|_| {})].concat(), "trust_domains[1].name", "duplicate"),
        (domain(&|one| one.bundle_file = None), "trust_domains[0]", "no source"),
        (domain(&|one| one.bundle_file = Some("".into())), "trust_domains[0].bundle_file", "empty"),
        (
            domain(&|one| one.bundle_file = Some("/none/b".into())),
            "trust_domains[0].bundle_file",
            "cannot read",
        ),
        (
            domain(&|one| one.bundle_file = Some(useless.clone())),
            "trust_domains[0].bundle_file",
            "no usable key",
        ),
        (
            domain(&|one| one.workload_api = Some("unix:///s".to_owned())),
            "trust_domains[0]",
            "mutually exclusive",
        ),
        (
            domain(&|one| one.federation = federation("https://a.example", web, None)),
            "trust_domains[0]",
            "mutually exclusive",
        ),
        (
            domain(&|one| {
                one.bundle_file = None;
                one.federation = federation("http://a.example", web, None);
            }),
            "trust_domains[0].federation.endpoint_url",
            "authorities of their own",
        ),
        (
            domain(&|one| one.federation = federation("http://127.0.0.1", spiffe, Some(own))),
            "trust_domains[0].federation.endpoint_url",
            "needs https",
        ),
        (
            domain(&|one| one.federation = federation("https://u:p@a.example", spiffe, Some(own))),
            "trust_domains[0].federation.endpoint_url",
            "password",
        ),
        (
            domain(&|one| one.federation = federation("https://a.example", spiffe, None)),
            "trust_domains[0].federation.endpoint_spiffe_id",
            "is required",
        ),
        (
            domain(&|one| {
                one.federation = federation("https://a.example", spiffe, Some("spiffe://a.example"))
            }),
            "trust_domains[0].federation.endpoint_spiffe_id",
            "has no path",
        ),
        (
            domain(&|one| {
                one.bundle_file = None;
                one.federation = federation("https://a.example", spiffe, Some(own));
            }),
            "trust_domains[0].federation.endpoint_spiffe_id",
            "nothing tells",
        ),
        (
            domain(&|one| {
                one.federation = federation("https://a.example", spiffe, Some("spiffe://c.example/s"))
            }),
            "trust_domains[0].federation.endpoint_spiffe_id",
            "no trust domain `c.example`",
        ),
        (
            domain(&|one| {
                one.bundle_file = None;
                one.federation = federation("https://a.example", web, Some(own));
            }),
            "trust_domains[0].federation.endpoint_spiffe_id",
            "is for",
        ),
    ];
    for (domains, key, text) in cases {
        let error = build(&trusting(domains), &clock()).unwrap_err();
        assert_eq!(error.at, format!("identity.spiffe.{key}"), "{text}");
        assert!(error.message.contains(text), "{}: {}", error.at, error.message);
    }
    for socket in
        ["", "s", "/s", "unix:s", "unix://host/s", "tcp://127.0.0.1:8081", "unix:///s?x", "http://127.0.0.1"]
    {
        let domains = domain(&|one| {
            one.bundle_file = None;
            one.workload_api = Some(socket.to_owned());
        });
        let error = build(&trusting(domains), &clock()).unwrap_err();
        assert_eq!(error.at, "identity.spiffe.trust_domains[0].workload_api", "{socket}");
    }
    let change = |change: &dyn Fn(&mut SpiffeConfig)| {
        let mut config = trusting(domain(&|_| {}));
        change(config.spiffe.as_mut().unwrap());
        build(&config, &clock()).map(|_| ()).map_err(|error| error.at)
    };
    assert_eq!(change(&|_| {}), Ok(()));
    let at = |key: &str| Err(format!("identity.spiffe.{key}"));
    assert_eq!(change(&|it| it.audience = vec![String::new()]), at("audience"));
    assert_eq!(change(&|it| it.bundle_max_age = Period::secs(599)), at("bundle_max_age"));
    assert_eq!(change(&|it| it.leeway = Period::secs(301)), at("leeway"));
}

#[test]
fn a_configuration_file_says_it_with_its_line() {
    let loaded = |domain: &str| {
        let text = format!("identity:\n  spiffe:\n    audience: api\n    trust_domains:\n      - {domain}\n");
        let folder = tempfile::tempdir().unwrap();
        let file = write(folder.path(), "verdict.yaml", &text);
        load(Sources { file: Some(file), ..Sources::default() })
            .map(|_| ())
            .map_err(|error| error.to_string())
    };
    for (domain, expected) in [
        ("{name: a.example, workload_api: 'unix:///run/spire.sock'}", None),
        ("{name: a.example, federation: {endpoint_url: 'https://a.example', profile: https_web}}", None),
        ("{name: A, workload_api: 'unix:///run/spire.sock'}", Some(":5:")),
        ("{name: a.example, federation: {endpoint_url: 'https://a.example'}}", Some("profile")),
        ("{name: a.example, federation: {endpoint_url: 'https://a.example', profile: web}}", Some(":5:")),
        ("{name: a.example, socket: x}", Some("socket")),
    ] {
        let errors = loaded(domain).err();
        match expected {
            None => assert_eq!(errors, None, "{domain}"),
            Some(text) => assert!(errors.unwrap().contains(text), "{domain}"),
        }
    }
}

/// What is in a bundle and cannot be used is left out; the rest is used.
#[tokio::test]
async fn what_cannot_be_used_is_left_out() {
    let dir = tempfile::tempdir().unwrap();
    let pair = pair_for("ES256");
    let jwk = |change: Value| {
        let mut jwk = pair.jwk("k1", json!({ "use": "jwt-svid" }));
        for (name, value) in change.as_object().unwrap() {
            match value {
                Value::Null => drop(jwk.as_object_mut().unwrap().remove(name)),
                value => jwk[name] = value.clone(),
            }
        }
        jwk
    };
    let token = pair.token("ES256", "k1", &svid("spiffe://example.org/a"));
    let leaf = rcgen::generate_simple_self_signed(["a.example".to_owned()]).unwrap();
    let leaf = BASE64_STANDARD.encode(leaf.cert.der());
    for (key, warning) in [
        (jwk(json!({})), None),
        (jwk(json!({ "alg": "ES256", "x-new": 1 })), None),
        (jwk(json!({ "use": null })), Some("it has no `use`")),
        (jwk(json!({ "use": 1 })), Some("it has no `use`")),
        (jwk(json!({ "use": "sig" })), Some("its `use` is neither")),
        (jwk(json!({ "use": "wit-svid" })), Some("its `use` is neither")),
        (jwk(json!({ "use": "x509-svid" })), Some("its `x5c` is not one certificate")),
        (jwk(json!({ "use": "x509-svid", "x5c": [] })), Some("its `x5c` is not one certificate")),
        (
            jwk(json!({ "use": "x509-svid", "x5c": ["AA==", "AA=="] })),
            Some("its `x5c` is not one certificate"),
        ),
        (jwk(json!({ "use": "x509-svid", "x5c": ["_-"] })), Some("its `x5c` is not base64")),
        (jwk(json!({ "use": "x509-svid", "x5c": ["AA=="] })), Some("it is not one X.509 certificate")),
        (
            jwk(json!({ "use": "x509-svid", "x5c": [leaf] })),
            Some("it is not the certificate of an authority"),
        ),
        (jwk(json!({ "kid": null })), Some("it has no `kid`")),
        (jwk(json!({ "kid": "" })), Some("it has no `kid`")),
        (jwk(json!({ "kty": "XYZ" })), Some("its type `XYZ` is not supported")),
        (jwk(json!({ "kty": null })), Some("it has no `kty`")),
        (jwk(json!({ "y": "AA" })), Some("its point is not on P-256")),
        (
            pair_for("EdDSA").jwk("k1", json!({ "use": "jwt-svid" })),
            Some("of a kind that signs no JWT-SVIDs"),
        ),
        (json!({ "kty": "oct", "k": "AA", "kid": "k1", "use": "jwt-svid" }), Some("symmetric")),
        (json!([]), Some("it is not a json object")),
    ] {
        let other = pair_for("ES384").jwk("k2", json!({ "use": "jwt-svid" }));
        let text = json!({ "keys": [key, other], "spiffe_refresh_hint": 60, "more": {} }).to_string();
        let file = write(dir.path(), "b.json", &text);
        let authenticator = build(&trusting(vec![in_file(DOMAIN, &file)]), &clock()).unwrap();
        let status = authenticator.status().remove(0);
        let expected = if warning.is_some() { "unknown key" } else { "ok" };
        assert_eq!(outcome(&authenticator, &token).await, expected, "{key}");
        assert_eq!(status.warnings.len(), usize::from(warning.is_some()), "{key}: {:?}", status.warnings);
        assert!(warning.is_none_or(|text| status.warnings[0].contains(text)), "{key}: {:?}", status.warnings);
    }
    let many = vec![json!({}); 101];
    let file = write(dir.path(), "many.json", &json!({ "keys": many }).to_string());
    let error = build(&trusting(vec![in_file(DOMAIN, &file)]), &clock()).unwrap_err();
    assert!(error.message.contains("101 keys"), "{}", error.message);
}
