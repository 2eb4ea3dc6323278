//! Tokens that are bound to a key, and proofs of it (RFC 9449): each thing that is checked of a proof, broken in turn.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aws_lc_rs::digest;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};
use verdict::identity::Authenticator;
use verdict::model::failure::{Failure, FailureKind};
use verdict::model::presented::Presented;
use verdict::model::principal::{AuthContext, IdentityMode, Proof, Verified};
use verdict_jose::Algorithm;

use super::support::*;
use crate::harness::TestApp;

const PATH: &str = "/v1/data/app/allow";
const HOST: &str = "pdp.example";

fn sha256(text: &str) -> String {
    b64(digest::digest(&digest::SHA256, text.as_bytes()))
}

/// RFC 7638, written independently of the code.
fn thumbprint(jwk: &Value) -> String {
    let members = match jwk["kty"].as_str().unwrap() {
        "EC" => format!(r#"{{"crv":{},"kty":"EC","x":{},"y":{}}}"#, jwk["crv"], jwk["x"], jwk["y"]),
        "OKP" => format!(r#"{{"crv":{},"kty":"OKP","x":{}}}"#, jwk["crv"], jwk["x"]),
        _ => format!(r#"{{"e":{},"kty":"RSA","n":{}}}"#, jwk["e"], jwk["n"]),
    };
    sha256(&members)
}

/// An access token that is bound by these members of `cnf`.
fn token(cnf: Value) -> String {
    let mut payload = claims();
    payload["cnf"] = cnf;
    es256_token(&payload)
}

fn token_of(holder: &Pair) -> String {
    token(json!({ "jkt": thumbprint(&holder.public) }))
}

/// Header and claims of a good proof.
fn parts(holder: &Pair, algorithm: &str, token: &str) -> (Value, Value) {
    let header = json!({ "typ": "dpop+jwt", "alg": algorithm, "jwk": holder.public });
    let claims = json!({
        "jti": "p-1", "htm": "POST", "htu": format!("https://{HOST}{PATH}"), "iat": NOW, "ath": sha256(token),
    });
    (header, claims)
}

fn sign(holder: &Pair, algorithm: &str, (header, claims): &(Value, Value)) -> String {
    holder.sign(Algorithm::by_name(algorithm).unwrap(), &header.to_string(), &claims.to_string())
}

fn headers(authorization: &str, proofs: &[&str]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert("authorization", HeaderValue::from_str(authorization).unwrap());
    for proof in proofs {
        headers.append(HeaderName::from_static("dpop"), HeaderValue::from_str(proof).unwrap());
    }
    headers
}

async fn call(
    authenticator: &Authenticator,
    authorization: &str,
    proofs: &[&str],
) -> Result<Verified, Failure> {
    let headers = headers(authorization, proofs);
    let presented = Presented::new("POST", HOST, PATH, &headers);
    match authenticator.authenticate(IdentityMode::Required, &presented).await? {
        AuthContext::Verified(verified) => Ok(verified),
        other => panic!("{other:?}"),
    }
}

async fn outcome_of(authenticator: &Authenticator, authorization: &str, proofs: &[&str]) -> String {
    match call(authenticator, authorization, proofs).await {
        Ok(_) => "ok".to_owned(),
        Err(failure) => failure.message,
    }
}

#[tokio::test]
async fn keys_of_every_kind_prove_themselves_and_every_use_needs_a_proof() {
    for name in ["ES256", "ES384", "ES512", "EdDSA", "PS256", "RS512"] {
        let (authenticator, _) = es256();
        let holder = pair_for(name);
        for token in [token_of(holder), token(json!({ "jwk": holder.public }))] {
            let good = parts(holder, name, &token);
            let mut proof = good.clone();
            proof.1["jti"] = sha256(&token).into();
            let verified =
                call(&authenticator, &format!("DPoP {token}"), &[&sign(holder, name, &proof)]).await;
            assert_eq!(verified.unwrap().principal.proof, Proof::Dpop, "{name}");
            assert!(authenticator.cached_tokens() > 0, "{name}");
            // The token is in the cache now.
            let missing = outcome_of(&authenticator, &format!("DPoP {token}"), &[]).await;
            assert_eq!(missing, "the DPoP proof is missing");
            let bearer =
                outcome_of(&authenticator, &format!("Bearer {token}"), &[&sign(holder, name, &good)]).await;
            assert_eq!(bearer, "the credential is bound to a key that the caller does not prove to hold");
            let used = call(&authenticator, &format!("DPoP {token}"), &[&sign(holder, name, &proof)]).await;
            assert_eq!(used.unwrap_err().kind, FailureKind::CredentialReplayed);
        }
    }
}

/// What is broken: a name, what it does to a proof's header and claims, and the end of the message.
type Broken = (&'static str, fn(&mut Value, &mut Value), &'static str);

const BROKEN: [Broken; 29] = [
    ("nothing", |_, _| {}, ""),
    ("typ: with application/", |header, _| header["typ"] = json!("application/DPOP+JWT"), ""),
    ("typ: JWT", |header, _| header["typ"] = json!("JWT"), "does not have the `typ` `dpop+jwt`"),
    ("typ: absent", |header, _| remove(header, "typ"), "does not have the `typ` `dpop+jwt`"),
    ("alg: none", |header, _| header["alg"] = json!("none"), "has an algorithm that is not accepted"),
    ("alg: of a secret", |header, _| header["alg"] = json!("HS256"), "has an algorithm that is not accepted"),
    ("alg: of another key", |header, _| header["alg"] = json!("ES256"), "has a signature that is not valid"),
    ("crit", |header, _| header["crit"] = json!(["exp"]), "is not one well-formed signed token"),
    ("jwk: absent", |header, _| remove(header, "jwk"), "has no `jwk`"),
    ("jwk: a text", |header, _| header["jwk"] = json!("key"), "has no `jwk`"),
    ("jwk: private", |header, _| header["jwk"]["d"] = json!("AAAA"), "shows a private key"),
    (
        "jwk: a secret",
        |header, _| header["jwk"] = json!({ "kty": "oct", "k": "AAAA" }),
        "shows a private key",
    ),
    (
        "jwk: not on its curve",
        |header, _| header["jwk"]["x"] = json!("AAAA"),
        "has a `jwk` that cannot be used",
    ),
    (
        "jwk: another",
        |header, _| header["jwk"] = pair_for("EdDSA").public.clone(),
        "is not of the key that the token is bound to",
    ),
    ("htm: absent", |_, claims| remove(claims, "htm"), "is not for this method (`htm`)"),
    ("htm: another", |_, claims| claims["htm"] = json!("GET"), "is not for this method (`htm`)"),
    ("htu: absent", |_, claims| remove(claims, "htu"), "is not for this url (`htu`)"),
    (
        "htu: another path",
        |_, claims| claims["htu"] = json!("https://pdp.example/v1/data"),
        "is not for this url (`htu`)",
    ),
    (
        "htu: another host",
        |_, claims| claims["htu"] = json!(format!("https://pdp{PATH}")),
        "is not for this url (`htu`)",
    ),
    (
        "htu: query and fragment",
        |_, claims| claims["htu"] = json!(format!("https://PDP.example:443{PATH}?a=b#c")),
        "",
    ),
    ("iat: absent", |_, claims| remove(claims, "iat"), "has no `iat`"),
    ("iat: a text", |_, claims| claims["iat"] = json!("now"), "has a time of a wrong form"),
    ("iat: old", |_, claims| claims["iat"] = json!(NOW - 60), "is too old"),
    ("iat: of the future", |_, claims| claims["iat"] = json!(NOW + 6), "is of the future"),
    ("exp", |_, claims| claims["exp"] = json!(NOW), "is too old"),
    ("jti: absent", |_, claims| remove(claims, "jti"), "has no `jti`, or one of a wrong form"),
    ("jti: empty", |_, claims| claims["jti"] = json!(""), "has no `jti`, or one of a wrong form"),
    ("ath: absent", |_, claims| remove(claims, "ath"), "is not for this token (`ath`)"),
    (
        "ath: of another token",
        |_, claims| claims["ath"] = json!(sha256("another")),
        "is not for this token (`ath`)",
    ),
];

fn remove(from: &mut Value, name: &str) {
    from.as_object_mut().unwrap().remove(name);
}

#[tokio::test]
async fn each_part_of_a_proof_is_checked() {
    let holder = pair_for("ES384");
    let token = token_of(holder);
    for (name, break_it, expected) in BROKEN {
        let (authenticator, _) = es256();
        let mut proof = parts(holder, "ES384", &token);
        break_it(&mut proof.0, &mut proof.1);
        let proof = sign(holder, "ES384", &proof);
        let expected = match expected {
            "" => "ok".to_owned(),
            problem => format!("the DPoP proof {problem}"),
        };
        assert_eq!(outcome_of(&authenticator, &format!("DPoP {token}"), &[&proof]).await, expected, "{name}");
        // A proof that was refused has used up nothing.
        let good = sign(holder, "ES384", &parts(holder, "ES384", &token));
        let then = if expected == "ok" {
            "the DPoP proof was used before, or is older than this server's memory of used ones"
        } else {
            "ok"
        };
        assert_eq!(
            outcome_of(&authenticator, &format!("dpop {token}"), &[&good]).await,
            then,
            "after {name}"
        );
    }
}

#[tokio::test]
async fn a_proof_comes_once_signed_by_its_key_and_for_a_bound_token() {
    let (authenticator, _) = es256();
    let (holder, thief) = (pair_for("ES384"), Pair::new(Algorithm::Es384));
    let bound = token_of(holder);
    let good = sign(holder, "ES384", &parts(holder, "ES384", &bound));
    let forged = thief.sign(
        Algorithm::Es384,
        &parts(holder, "ES384", &bound).0.to_string(),
        &parts(holder, "ES384", &bound).1.to_string(),
    );
    let thiefs = sign(&thief, "ES384", &parts(&thief, "ES384", &bound));
    let unbound = es256_token(&claims());
    let for_unbound = sign(holder, "ES384", &parts(holder, "ES384", &unbound));
    let certificate = token(json!({ "x5t#S256": sha256("certificate") }));
    let by_name = token(json!({ "kid": "k-1" }));
    let unproven = "the credential is bound to a key that the caller does not prove to hold";
    let not_bound = "the token is presented with the scheme DPoP, and is not bound to a key that way";
    for (authorization, proofs, expected) in [
        (
            format!("DPoP {bound}"),
            vec![good.as_str(), good.as_str()],
            "the DPoP proof comes in more than one header",
        ),
        (format!("DPoP {bound}"), vec![&forged], "the DPoP proof has a signature that is not valid"),
        (
            format!("DPoP {bound}"),
            vec![&thiefs],
            "the DPoP proof is not of the key that the token is bound to",
        ),
        (format!("DPoP {bound}"), vec![""], "the DPoP proof is not one well-formed signed token"),
        (format!("DPoP {unbound}"), vec![&for_unbound], not_bound),
        (format!("DPoP {unbound}"), vec![], not_bound),
        // Of no use to a token that anybody may use who has it.
        (format!("Bearer {unbound}"), vec![&for_unbound], "ok"),
        (format!("Bearer {certificate}"), vec![], unproven),
        (format!("DPoP {certificate}"), vec![&good], not_bound),
        (format!("DPoP {by_name}"), vec![&good], not_bound),
        (format!("DPoP {bound}"), vec![&good], "ok"),
    ] {
        assert_eq!(outcome_of(&authenticator, &authorization, &proofs).await, expected, "{authorization}");
    }
}

#[test]
fn of_a_thousand_replays_at_once_one_is_accepted() {
    let authenticator = Arc::new(es256().0);
    let holder = pair_for("ES384");
    let token = token_of(holder);
    let proof = sign(holder, "ES384", &parts(holder, "ES384", &token));
    let accepted = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..20 {
            scope.spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                for _ in 0..50 {
                    let got = runtime.block_on(call(&authenticator, &format!("DPoP {token}"), &[&proof]));
                    match got {
                        Ok(_) => accepted.fetch_add(1, Ordering::Relaxed),
                        Err(failure) => {
                            assert_eq!(failure.kind, FailureKind::CredentialReplayed);
                            0
                        }
                    };
                }
            });
        }
    });
    assert_eq!(accepted.into_inner(), 1);
}

/// Through the server: the URL is that of the request, and the challenge names the scheme and what is wrong.
#[test]
fn the_server_challenges_by_the_scheme_that_was_used() {
    const ALGS: &str = "algs=\"ES256 ES384 ES512 EdDSA PS256 PS384 PS512 RS256 RS384 RS512\"";
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("jwks.json");
    std::fs::write(&file, jwks(&[pair_for("ES256").jwk("k1", json!({}))])).unwrap();
    let config = format!(
        "identity: {{issuers: [{{issuer: '{ISSUER}', audience: {AUDIENCE}, algorithms: [ES256], jwks_file: '{}'}}]}}\n",
        file.display()
    );
    let policy = "package app\nallow := input.subject.proof.type == \"dpop\"\n";
    let server = TestApp::new().config(&config).clock(clock()).file("app/app.rego", policy).start();
    let holder = pair_for("ES384");
    let (bound, unbound) = (token_of(holder), es256_token(&claims()));
    let mut expired = claims();
    expired["exp"] = (NOW - 100).into();
    let expired = es256_token(&expired);
    let mut good = parts(holder, "ES384", &bound);
    good.1["htu"] = format!("http://{HOST}{PATH}").into();
    let good = sign(holder, "ES384", &good);
    let invalid_proof = format!("DPoP error=\"invalid_dpop_proof\", {ALGS}");
    let invalid_token = format!("DPoP error=\"invalid_token\", {ALGS}");
    for (authorization, proof, expected) in [
        (format!("DPoP {bound}"), Some(&good), Ok(json!(true))),
        (format!("DPoP {bound}"), Some(&good), Err(vec![invalid_proof.clone()])),
        (format!("DPoP {bound}"), None, Err(vec![invalid_proof])),
        (format!("DPoP {unbound}"), Some(&good), Err(vec![invalid_token.clone()])),
        (format!("DPoP {expired}"), Some(&good), Err(vec![invalid_token])),
        (
            format!("Bearer {bound}"),
            Some(&good),
            Err(vec![
                "Bearer error=\"invalid_token\", error_description=\"the credential is bound to a key that the caller does \
                 not prove to hold\""
                    .to_owned(),
                format!("DPoP {ALGS}"),
            ]),
        ),
    ] {
        let mut sent = vec![("authorization", authorization.as_str()), ("host", HOST)];
        sent.extend(proof.map(|proof| ("dpop", proof.as_str())));
        sent.push(("content-type", "application/json"));
        let reply = server.send("POST", PATH, &sent, b"{}");
        match expected {
            Ok(result) => assert_eq!((reply.status, &reply.json()["result"]), (200, &result)),
            Err(challenges) => {
                let got = reply.headers.get_all("www-authenticate").iter();
                let got: Vec<_> = got.map(|value| value.to_str().unwrap().to_owned()).collect();
                assert_eq!((reply.status, got), (401, challenges), "{authorization}");
            }
        }
    }
}
