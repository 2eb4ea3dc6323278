//! Tokens signed and verified with keys made here.

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, ECDSA_P521_SHA512_FIXED_SIGNING,
    EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair as _, RsaKeyPair,
};
use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};

use crate::builtins::json::decode::read;
use crate::builtins::json::encoding::go_json as write;
use crate::builtins::testing;
use crate::value::Value;

fn call(name: &str, args: &[Value]) -> Result<Value, String> {
    testing::call(name, args).map(Option::unwrap).map_err(|error| error.message)
}

fn json(text: &str) -> Value {
    read(text).unwrap()
}

fn pem(label: &str, der: &[u8]) -> Value {
    let text = BASE64_STANDARD.encode(der);
    let lines: Vec<&str> =
        text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    Value::from(format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n")))
}

/// A private JWK, and the public key as PEM.
fn pair(algorithm: &str) -> (Value, Value) {
    let elliptic = |algorithm: &'static EcdsaSigningAlgorithm| {
        let pair = EcdsaKeyPair::generate(algorithm).unwrap();
        let public: PublicKeyX509Der = pair.public_key().as_der().unwrap();
        (pair.to_pkcs8v1().unwrap().as_ref().to_vec(), public.as_ref().to_vec())
    };
    let (private, public) = match algorithm {
        "ES256" => elliptic(&ECDSA_P256_SHA256_FIXED_SIGNING),
        "ES384" => elliptic(&ECDSA_P384_SHA384_FIXED_SIGNING),
        "ES512" => elliptic(&ECDSA_P521_SHA512_FIXED_SIGNING),
        "EdDSA" => {
            let pair = Ed25519KeyPair::generate().unwrap();
            let public: PublicKeyX509Der = pair.public_key().as_der().unwrap();
            (pair.to_pkcs8().unwrap().as_ref().to_vec(), public.as_ref().to_vec())
        }
        _ => {
            let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
            let private: Pkcs8V1Der = pair.as_der().unwrap();
            let public: PublicKeyX509Der = pair.public_key().as_der().unwrap();
            (private.as_ref().to_vec(), public.as_ref().to_vec())
        }
    };
    let jwk = call("crypto.x509.parse_rsa_private_key", &[pem("PRIVATE KEY", &private)]).unwrap();
    (jwk, pem("PUBLIC KEY", &public))
}

/// The public part of a JWK, with more members.
fn public(jwk: &Value, more: &[(&str, &str)]) -> String {
    let Value::Object(members) = jwk else { panic!() };
    let secret = ["d", "p", "q", "dp", "dq", "qi"].map(Value::from);
    let members =
        members.iter().filter(|(name, _)| !secret.contains(name)).map(|(n, v)| (n.clone(), v.clone()));
    let more = more.iter().map(|(name, value)| (Value::from(*name), Value::from(*value)));
    write(&Value::from(members.chain(more).collect::<crate::value::Object>()))
}

fn sign(header: &str, payload: &str, key: &Value) -> Value {
    call("io.jwt.encode_sign", &[json(header), json(payload), key.clone()]).unwrap()
}

fn verified(token: &Value, constraints: &Value) -> Value {
    let answer = call("io.jwt.decode_verify", &[token.clone(), constraints.clone()]).unwrap();
    answer.lookup(&Value::from(0)).unwrap().clone()
}

fn object(members: &[(&str, Value)]) -> Value {
    let members = members.iter().map(|(name, value)| (Value::from(*name), value.clone()));
    Value::from(members.collect::<crate::value::Object>())
}

#[test]
fn what_is_signed_is_verified_and_nothing_else() {
    let families = [
        ("RS256", &["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"][..]),
        ("ES256", &["ES256"]),
        ("ES384", &["ES384"]),
        ("ES512", &["ES512"]),
        ("EdDSA", &["EdDSA"]),
    ];
    for (kind, algorithms) in families {
        let ((private, pem), (other, _)) = (pair(kind), pair(kind));
        for algorithm in algorithms {
            let token = sign(&format!(r#"{{"alg":"{algorithm}"}}"#), r#"{"a":1}"#, &private);
            let verify = format!("io.jwt.verify_{}", algorithm.to_lowercase());
            let jwk = Value::from(public(&private, &[]));
            let set = Value::from(format!(
                r#"{{"keys":[{},{}]}}"#,
                public(&other, &[("kid", "o")]),
                public(&private, &[("alg", algorithm)])
            ));
            for key in [&pem, &jwk, &set] {
                assert_eq!(
                    call(&verify, &[token.clone(), key.clone()]),
                    Ok(Value::Bool(true)),
                    "{algorithm}"
                );
                assert_eq!(
                    verified(&token, &object(&[("cert", key.clone())])),
                    Value::Bool(true),
                    "{algorithm}"
                );
            }
            let changed = Value::from(token.as_str().unwrap().replacen('.', ".e30", 1));
            let wrong = Value::from(public(&other, &[]));
            for (token, key) in [(&changed, &jwk), (&token, &wrong)] {
                assert_eq!(
                    call(&verify, &[token.clone(), key.clone()]),
                    Ok(Value::Bool(false)),
                    "{algorithm}"
                );
                assert_eq!(
                    verified(token, &object(&[("cert", key.clone())])),
                    Value::Bool(false),
                    "{algorithm}"
                );
            }
            // Only the function for the algorithm that it is signed with.
            let others = ["rs256", "ps256", "es256", "eddsa"].map(|name| format!("io.jwt.verify_{name}"));
            for other in others.iter().filter(|other| **other != verify) {
                assert_eq!(
                    call(other, &[token.clone(), jwk.clone()]),
                    Ok(Value::Bool(false)),
                    "{algorithm} {other}"
                );
            }
        }
    }
}

#[test]
fn no_public_key_is_a_secret_and_none_is_no_algorithm() {
    let (_, pem) = pair("ES256");
    let as_secret = BASE64_URL_SAFE_NO_PAD.encode(pem.as_str().unwrap());
    let key = object(&[("kty", Value::from("oct")), ("k", Value::from(as_secret))]);
    let confused = sign(r#"{"alg":"HS256"}"#, "{}", &key);
    assert_eq!(verified(&confused, &object(&[("cert", pem.clone())])), Value::Bool(false));
    assert_eq!(verified(&confused, &object(&[("secret", pem.clone())])), Value::Bool(true));
    let none = Value::from(format!("{}.e30.", BASE64_URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#)));
    for key in [("cert", pem), ("secret", Value::from("s"))] {
        assert_eq!(verified(&none, &object(&[key])), Value::Bool(false));
    }
}

#[test]
fn constraints_are_met_or_the_token_is_not_valid() {
    let key = json(r#"{"kty":"oct","k":"c2VjcmV0"}"#);
    for (header, payload, constraints, valid) in [
        (r#"{"alg":"HS256"}"#, r#"{}"#, r#"{}"#, true),
        (r#"{"alg":"HS384"}"#, r#"{}"#, r#"{"alg":"HS256"}"#, false),
        (r#"{"alg":"HS256"}"#, r#"{"iss":"me"}"#, r#"{"iss":"me"}"#, true),
        (r#"{"alg":"HS256"}"#, r#"{"iss":"me"}"#, r#"{"iss":"you"}"#, false),
        (r#"{"alg":"HS256"}"#, r#"{"aud":["a","b"]}"#, r#"{"aud":"b"}"#, true),
        (r#"{"alg":"HS256"}"#, r#"{"aud":"a"}"#, r#"{}"#, false),
        (r#"{"alg":"HS256"}"#, r#"{}"#, r#"{"aud":"a"}"#, false),
        // The decision is at the begin of 2025.
        (r#"{"alg":"HS256"}"#, r#"{"exp":1735689600}"#, r#"{}"#, false),
        (r#"{"alg":"HS256"}"#, r#"{"exp":1735689600.5}"#, r#"{}"#, true),
        (r#"{"alg":"HS256"}"#, r#"{"nbf":1735689600}"#, r#"{}"#, true),
        (r#"{"alg":"HS256"}"#, r#"{"nbf":1735689601}"#, r#"{}"#, false),
        (r#"{"alg":"HS256"}"#, r#"{"nbf":1735689601}"#, r#"{"time":1735689601000000000}"#, true),
        (r#"{"alg":"HS256","crit":["x"],"x":1}"#, r#"{}"#, r#"{}"#, false),
        (r#"{"alg":"HS256","crit":["x"]}"#, r#"{}"#, r#"{}"#, true),
    ] {
        let Value::Object(mut constraints) = json(constraints) else { panic!() };
        std::sync::Arc::make_mut(&mut constraints).insert(Value::from("secret"), Value::from("secret"));
        let token = sign(header, payload, &key);
        let answer = verified(&token, &Value::Object(constraints.clone()));
        assert_eq!(answer, Value::Bool(valid), "{header} {payload} {constraints:?}");
    }
}

#[test]
fn an_inner_token_has_to_meet_the_constraints_too() {
    let key = json(r#"{"kty":"oct","k":"c2VjcmV0"}"#);
    let secret = object(&[("secret", Value::from("secret"))]);
    for (inner_key, valid) in
        [(r#"{"kty":"oct","k":"c2VjcmV0"}"#, true), (r#"{"kty":"oct","k":"AA"}"#, false)]
    {
        let inner = sign(r#"{"alg":"HS512"}"#, r#"{"inner":1}"#, &json(inner_key));
        let header = Value::from(r#"{"alg":"HS256","typ":"x","cty":"jwt"}"#);
        let outer = call("io.jwt.encode_sign_raw", &[header, inner, Value::from(write(&key))]).unwrap();
        assert_eq!(verified(&outer, &secret), Value::Bool(valid));
    }
}

#[test]
fn errors_are_not_answers() {
    let key = json(r#"{"kty":"oct","k":"c2VjcmV0"}"#);
    let token = sign(r#"{"alg":"HS256"}"#, r#"{"exp":"soon"}"#, &key);
    for (constraints, wanted) in [
        (r#"{}"#, "no key constraint"),
        (r#"{"secret":""}"#, "no key constraint"),
        (r#"{"secret":"secret","cert":"{\"keys\":[]}"}"#, "duplicate key constraints"),
        (r#"{"secret":1}"#, "secret constraint: must be a string"),
        (r#"{"secret":"secret","time":"now"}"#, "token time constraint: must be a number"),
        (r#"{"secret":"secret","time":-1}"#, "token time constraint: must not be negative"),
        (r#"{"secret":"secret","sub":"me"}"#, "unknown token validation constraint: sub"),
        (r#"{"secret":"secret"}"#, "exp value must be a number"),
    ] {
        let answer = call("io.jwt.decode_verify", &[token.clone(), json(constraints)]);
        assert_eq!(answer, Err(wanted.to_owned()), "{constraints}");
    }
    for (header, payload, key, wanted) in [
        (r#"{"alg":"none"}"#, "{}", r#"{"kty":"oct","k":"AA"}"#, "unknown JWS algorithm: none"),
        (r#"{"alg":"HS256"}"#, "{", r#"{"kty":"oct","k":"AA"}"#, "type is JWT but payload is not JSON"),
        (r#"{"alg":"HS256"}"#, "{}", r#"{"keys":[]}"#, "no keys found in JWK set"),
        (
            r#"{"alg":"RS256"}"#,
            "{}",
            r#"{"kty":"oct","k":"AA"}"#,
            "failed to sign: the key is not for this algorithm",
        ),
        (
            r#"["alg"]"#,
            "{}",
            r#"{"kty":"oct","k":"AA"}"#,
            "missing or invalid 'alg' header: jwsbb: header \"alg\" not found",
        ),
    ] {
        let args = [header, payload, key].map(Value::from);
        assert_eq!(call("io.jwt.encode_sign_raw", &args), Err(wanted.to_owned()), "{header}");
    }
}
