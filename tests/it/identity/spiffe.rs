//! JWT-SVIDs and trust bundles: from files, from bundle endpoints, and from a Workload API on a real socket.

pub mod agent;
pub mod bundles;
mod federation;
mod https_spiffe;
mod served;
mod workload_api;

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::{Value, json};
use verdict::identity::{Authenticator, Config, Pace, Setup, SpiffeConfig, TrustDomainConfig};
use verdict::model::clock::Clock;
use verdict::model::failure::FailureKind;
use verdict_jose::Algorithm;

use super::support::*;

pub const DOMAIN: &str = "example.org";

/// A bundle document with keys for JWT-SVIDs.
pub fn bundle(keys: &[(&str, &Pair)], more: Value) -> String {
    let keys: Vec<Value> =
        keys.iter().map(|(kid, pair)| pair.jwk(kid, json!({ "use": "jwt-svid" }))).collect();
    let mut document = json!({ "keys": keys });
    document.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    document.to_string()
}

/// Claims that everything accepts, of a workload.
pub fn svid(id: &str) -> Value {
    json!({ "sub": id, "aud": AUDIENCE, "exp": NOW + 300 })
}

pub fn in_file(name: &str, path: &Path) -> TrustDomainConfig {
    TrustDomainConfig {
        name: name.to_owned(),
        bundle_file: Some(path.to_path_buf()),
        ..TrustDomainConfig::default()
    }
}

pub fn trusting(domains: Vec<TrustDomainConfig>) -> Config {
    Config { spiffe: Some(SpiffeConfig::new(domains, vec![AUDIENCE.to_owned()])), ..Config::default() }
}

/// With fetches that follow each other without pause.
pub fn quick(config: &Config, clock: &Clock) -> Authenticator {
    let mut setup = Setup::new(Path::new("."), clock.clone(), client());
    let short = std::time::Duration::from_millis(5);
    setup.pace = Pace { cooldown: short, file_poll: short, ..Pace::default() };
    Authenticator::new(config, &setup).unwrap()
}

pub async fn kind(authenticator: &Authenticator, token: &str) -> Option<FailureKind> {
    present(authenticator, token).await.err().map(|failure| failure.kind)
}

pub fn write(dir: &Path, name: &str, document: &str) -> PathBuf {
    let path = dir.join(name);
    fs::write(&path, document).unwrap();
    path
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    #[serde(default = "usual_header")]
    header: String,
    payload: String,
    expect: String,
}

fn usual_header() -> String {
    json!({ "alg": "ES256", "kid": "k1" }).to_string()
}

#[tokio::test]
async fn jwt_svids_are_judged_as_the_cases_say() {
    let dir = tempfile::tempdir().unwrap();
    let pair = pair_for("ES256");
    let file = write(dir.path(), "b.json", &bundle(&[("k1", pair)], json!({})));
    let authenticator = build(&trusting(vec![in_file(DOMAIN, &file)]), &clock()).unwrap();
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cases/identity/jwt-svids.json");
    let cases: Vec<Case> = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    assert!(cases.len() > 90);
    let mut wrong = Vec::new();
    for case in cases {
        let token = pair.sign(Algorithm::Es256, &case.header, &case.payload);
        // Twice: a token that is now in the cache must be judged the same, and a refused one must not be in it.
        for turn in ["first", "second"] {
            let got = outcome(&authenticator, &token).await;
            if got != case.expect {
                wrong.push(format!("{} ({turn}): expected `{}`, got `{got}`", case.name, case.expect));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn each_algorithm_of_the_standard_verifies_and_no_other() {
    let dir = tempfile::tempdir().unwrap();
    let keys: Vec<(&str, &Pair)> = ALGORITHMS.iter().map(|(name, _)| (*name, pair_for(name))).collect();
    let file = write(dir.path(), "b.json", &bundle(&keys, json!({})));
    let authenticator = build(&trusting(vec![in_file(DOMAIN, &file)]), &clock()).unwrap();
    for (name, _) in ALGORITHMS.iter().chain(&SYMMETRIC) {
        let token = pair_for(name).token(name, name, &svid("spiffe://example.org/a"));
        let expected = match *name {
            "EdDSA" | "HS256" | "HS384" | "HS512" => "the token's algorithm is not accepted",
            _ => "ok",
        };
        assert_eq!(outcome(&authenticator, &token).await, expected, "{name}");
    }
    let status = authenticator.status().remove(0);
    assert_eq!((status.issuer.as_str(), status.keys), ("spiffe://example.org", 9));
    assert!(status.warnings[0].contains("of a kind that signs no JWT-SVIDs"), "{:?}", status.warnings);
    let token = pair_for("ES256").token("ES256", "ES256", &svid("spiffe://example.org/a"));
    let mut forged = token.clone();
    forged.replace_range(token.len() - 8..token.len() - 4, "AAAA");
    assert_eq!(outcome(&authenticator, &forged).await, "the signature is not valid");
    for (cut, expected) in [
        (token.rsplit_once('.').unwrap().0.to_owned() + ".", "the signature is not valid"),
        (token.rsplit_once('.').unwrap().0.to_owned(), "malformed token: it does not have three parts"),
        (format!("{token}.x"), "malformed token: it does not have three parts"),
        (format!("{token}.x.y"), "encrypted tokens are not accepted"),
    ] {
        assert_eq!(outcome(&authenticator, &cut).await, expected, "{cut}");
    }
}

#[tokio::test]
async fn policy_sees_the_id_its_trust_domain_and_its_path_and_believes_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let pair = pair_for("ES256");
    let file = write(dir.path(), "b.json", &bundle(&[("k1", pair)], json!({})));
    let authenticator = build(&trusting(vec![in_file("agentvault.com", &file)]), &clock()).unwrap();
    for (path, kind) in [
        ("/agent/agent123", "agent"),
        ("/agent/executor/python", "agent"),
        ("/service/teg-core", "service"),
        ("/spire-agent", "workload"),
    ] {
        let id = format!("spiffe://agentvault.com{path}");
        let mut claims = svid(&id);
        claims.as_object_mut().unwrap().extend(
            json!({ "iss": "https://elsewhere.example", "roles": ["admin"], "scope": "all", "tenant": "acme", "type": "user",
                    "permissions": ["p"], "agent_id": "x", "act": { "sub": "spiffe://agentvault.com/agent/other" }, "jti": "j" })
            .as_object()
            .unwrap()
            .clone(),
        );
        let verified = present(&authenticator, &pair.token("ES256", "k1", &claims)).await.unwrap();
        let mut seen = serde_json::to_value(&*verified.principal).unwrap();
        assert_eq!(seen["claims"].take(), claims);
        assert_eq!(
            seen,
            json!({
                "id": id, "type": kind, "issuer": "spiffe://agentvault.com", "method": "jwt-svid", "roles": [], "scopes": [],
                "permissions": [], "attributes": { "trust_domain": "agentvault.com", "path": path }, "claims": null,
                "proof": { "type": "bearer" },
            })
        );
        assert_eq!(verified.expires_at.unwrap().unix_seconds(), NOW + 300);
    }
}

#[tokio::test]
async fn a_trust_domain_vouches_for_its_own_workloads_alone() {
    let dir = tempfile::tempdir().unwrap();
    let (ours, theirs) = (Pair::new(Algorithm::Es256), Pair::new(Algorithm::Es256));
    let file = |name: &str, pair: &Pair| write(dir.path(), name, &bundle(&[("k1", pair)], json!({})));
    let domains = vec![in_file("a.example", &file("a", &ours)), in_file("b.example", &file("b", &theirs))];
    let authenticator = build(&trusting(domains), &clock()).unwrap();
    for (pair, domain, expected) in [
        (&ours, "a.example", "ok"),
        (&theirs, "b.example", "ok"),
        (&theirs, "a.example", "the signature is not valid"),
        (&ours, "b.example", "the signature is not valid"),
        (&ours, "c.example", "unknown trust domain"),
    ] {
        for iss in [None, Some("spiffe://a.example"), Some("spiffe://b.example")] {
            let mut claims = svid(&format!("spiffe://{domain}/service/x"));
            claims.as_object_mut().unwrap().extend(iss.map(|iss| ("iss".to_owned(), json!(iss))));
            for header in [json!({ "alg": "ES256", "kid": "k1" }), json!({ "alg": "ES256" })] {
                let token = pair.sign(Algorithm::Es256, &header.to_string(), &claims.to_string());
                let got = outcome(&authenticator, &token).await;
                let expected = match (expected, header.get("kid")) {
                    ("the signature is not valid", None) => "unknown key",
                    (expected, _) => expected,
                };
                assert_eq!(got, expected, "{domain} {iss:?} {header}");
            }
        }
    }
}

#[tokio::test]
async fn an_issuer_keeps_its_own_tokens_whatever_their_subject_is() {
    let dir = tempfile::tempdir().unwrap();
    let (of_issuer, of_domain) = (Pair::new(Algorithm::Es256), Pair::new(Algorithm::Es256));
    let file = write(dir.path(), "b.json", &bundle(&[("k1", &of_domain)], json!({})));
    let issuers = vec![issuer(&["ES256"], jwks(&[of_issuer.jwk("k1", json!({}))]))];
    let both = Config { issuers, ..trusting(vec![in_file(DOMAIN, &file)]) };
    let authenticator = build(&both, &clock()).unwrap();
    let with_iss = |iss: &str| {
        let mut claims = svid("spiffe://example.org/service/api");
        claims["iss"] = iss.into();
        claims
    };
    let method =
        async |pair: &Pair, claims: &Value| match present(&authenticator, &pair.token("ES256", "k1", claims))
            .await
        {
            Ok(verified) => format!("{} {}", verified.principal.method, verified.principal.issuer),
            Err(failure) => failure.message,
        };
    assert_eq!(method(&of_issuer, &with_iss(ISSUER)).await, format!("jwt {ISSUER}"));
    assert_eq!(method(&of_domain, &with_iss(ISSUER)).await, "the signature is not valid");
    assert_eq!(method(&of_issuer, &with_iss("https://nobody.example")).await, "the signature is not valid");
    let svid = "jwt-svid spiffe://example.org";
    assert_eq!(method(&of_domain, &with_iss("https://nobody.example")).await, svid);
    assert_eq!(method(&of_issuer, &claims()).await, format!("jwt {ISSUER}"));
    // Without an audience, no JWT-SVID is accepted.
    let mut none = both.clone();
    none.spiffe.as_mut().unwrap().audience.clear();
    let authenticator = build(&none, &clock()).unwrap();
    let token = of_domain.token("ES256", "k1", &with_iss("https://nobody.example"));
    assert_eq!(outcome(&authenticator, &token).await, "unknown issuer");
}
