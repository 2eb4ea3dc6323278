//! The cases of `tests/cases/identity`, each through the whole authenticator.

use serde::Deserialize;
use serde_json::{Map, Value, json};
use verdict::identity::ClaimMapping;

use super::support::*;

fn cases<T: serde::de::DeserializeOwned>(file: &str) -> Vec<T> {
    let path = format!("{}/tests/cases/identity/{file}", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// Header and payload are texts, because much of what is tried here is not the JSON of any value.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TokenCase {
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
async fn tokens_are_judged_as_the_cases_say() {
    let pair = pair_for("ES256");
    let mut honest = issuer(&["ES256"], jwks(&[pair.jwk("k1", json!({ "alg": "ES256", "use": "sig" }))]));
    honest.audience.push("api-2".to_owned());
    let authenticator = build(&config(vec![honest]), &clock()).unwrap();
    let cases = cases::<TokenCase>("tokens.json");
    assert!(cases.len() > 100);
    let mut wrong = Vec::new();
    for case in cases {
        let token = pair.sign(verdict_jose::Algorithm::Es256, &case.header, &case.payload);
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

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MappingCase {
    name: String,
    mapping: ClaimMapping,
    claims: Map<String, Value>,
    subject: Option<Value>,
    refused: Option<String>,
}

#[tokio::test]
async fn claims_become_a_subject_as_the_cases_say() {
    let pair = pair_for("ES256");
    for case in cases::<MappingCase>("mapping.json") {
        let mut mapped = issuer(&["ES256"], jwks(&[pair.jwk("k1", json!({}))]));
        mapped.claims = case.mapping;
        let authenticator = build(&config(vec![mapped]), &clock()).unwrap();
        let mut payload = claims();
        payload.as_object_mut().unwrap().extend(case.claims);
        let got = present(&authenticator, &es256_token(&payload)).await;
        let (subject, refused) = match got {
            Ok(verified) => {
                let principal = &verified.principal;
                assert_eq!(principal.issuer, ISSUER);
                assert_eq!(
                    Value::Object(principal.claims.clone()),
                    payload,
                    "{}: every claim is kept",
                    case.name
                );
                let subject = json!({
                    "id": principal.id, "type": principal.kind, "roles": principal.roles, "scopes": principal.scopes,
                    "permissions": principal.permissions, "tenant": principal.tenant,
                });
                (Some(subject), None)
            }
            Err(failure) => (None, Some(failure.message)),
        };
        assert_eq!((subject, refused), (case.subject, case.refused), "{}", case.name);
    }
}
