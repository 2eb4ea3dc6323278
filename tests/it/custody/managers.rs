//! Each secrets manager, asked as its protocol says.

use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use aws_lc_rs::{digest, hmac};
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

use super::stub::{Request, Stub};
use super::*;

fn vault(url: &str) -> Value {
    json!({ "vault": { "address": url, "path": "verdict/master key" } })
}

#[tokio::test]
async fn vault_is_asked_for_a_field_of_version_2() {
    let stub =
        Stub::start(|_| ok(&json!({ "data": { "data": { "value": KEY }, "metadata": { "version": 3 } } })))
            .await;
    assert_eq!(fetched(vault(&stub.url), &setup()).await.unwrap(), KEY.as_bytes());
    let [request] = stub.requests().try_into().unwrap();
    assert_eq!(
        (request.method.as_str(), request.target.as_str()),
        ("GET", "/v1/secret/data/verdict/master%20key")
    );
    assert_eq!(request.header("x-vault-token"), VAULT_TOKEN);
    assert_eq!(request.header("x-vault-request"), "true");
    assert!(!request.headers.contains_key("x-vault-namespace"));
    assert_eq!(names(vault(&stub.url), &setup()).await.unwrap(), (id(KEY), vec![]));
}

#[tokio::test]
async fn vault_is_asked_for_a_field_of_version_1_in_a_namespace_with_a_token_from_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let token_file = folder.path().join("token");
    std::fs::write(&token_file, "first\n").unwrap();
    let stub = Stub::start(|_| ok(&json!({ "data": { "key": KEY, "other": 7 } }))).await;
    let config = json!({ "vault": {
        "address": format!("{}/proxied/", stub.url), "mount": "/kv/team/", "path": "verdict", "field": "key",
        "kv_version": 1, "namespace": "team/authz", "token_file": token_file,
    } });
    let source = source("at", &source_config(config), Period::secs(5), &setup()).unwrap();
    assert_eq!(source.fetch().await.unwrap().expose().as_slice(), KEY.as_bytes());
    std::fs::write(&token_file, "renewed").unwrap();
    source.fetch().await.unwrap();
    let [first, renewed] = stub.requests().try_into().unwrap();
    assert_eq!(first.target, "/proxied/v1/kv/team/verdict");
    assert_eq!(first.header("x-vault-namespace"), "team/authz");
    assert_eq!((first.header("x-vault-token"), renewed.header("x-vault-token")), ("first", "renewed"));
}

#[tokio::test]
async fn a_field_that_vault_does_not_have_is_named() {
    let stub = Stub::start(|_| ok(&json!({ "data": { "data": { "value": KEY, "number": 7 } } }))).await;
    for (field, expected) in [("key", "has no field `key`"), ("number", "`number` of the secret is not text")]
    {
        let mut config = vault(&stub.url);
        config["vault"]["field"] = field.into();
        let error = fetched(config, &setup()).await.unwrap_err();
        assert!(shown(&error, "at.vault").contains(expected), "{error}");
    }
    // What `kv_version: 2` finds at the same path in a version 1 engine, and the other way round.
    let stub = Stub::start(|_| ok(&json!({ "data": { "value": KEY } }))).await;
    let error = fetched(vault(&stub.url), &setup()).await.unwrap_err();
    assert!(shown(&error, "at.vault").contains("version 2, does not have the expected fields"), "{error}");
    let error = fetched(vault(&stub.url), &without(setup(), "VAULT_TOKEN")).await.unwrap_err();
    assert!(shown(&error, "at.vault").contains("`VAULT_TOKEN` is not set"), "{error}");
}

/// The signature of a request as it came, after the description of Signature Version 4.
fn signature(request: &Request, secret: &str, region: &str) -> String {
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let sha = |bytes: &[u8]| hex(digest::digest(&digest::SHA256, bytes).as_ref());
    let mac = |key: &[u8], text: &str| {
        hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes()).as_ref().to_vec()
    };
    let authorization = request.header("authorization");
    let names = authorization.split("SignedHeaders=").nth(1).unwrap().split(',').next().unwrap();
    let mut sorted: Vec<&str> = names.split(';').collect();
    sorted.sort_unstable();
    assert_eq!(sorted.join(";"), names);
    let headers: String = sorted.iter().map(|name| format!("{name}:{}\n", request.headers[*name])).collect();
    let canonical = [&request.method, &request.target, "", &headers, names, &sha(&request.body)].join("\n");
    let date = request.header("x-amz-date");
    let scope = format!("{}/{region}/secretsmanager/aws4_request", &date[..8]);
    let text = format!("AWS4-HMAC-SHA256\n{date}\n{scope}\n{}", sha(canonical.as_bytes()));
    let key = [&date[..8], region, "secretsmanager", "aws4_request"]
        .iter()
        .fold(format!("AWS4{secret}").into_bytes(), |key, part| mac(&key, part));
    let signature = hex(&mac(&key, &text));
    format!("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/{scope}, SignedHeaders={names}, Signature={signature}")
}

fn aws(url: &str) -> Value {
    json!({ "aws": { "region": "eu-central-1", "secret_id": "verdict/master", "endpoint": url } })
}

#[tokio::test]
async fn aws_is_asked_with_a_signature() {
    let stub = Stub::start(|_| ok(&json!({ "ARN": "arn:aws:…", "SecretString": KEY }))).await;
    assert_eq!(fetched(aws(&stub.url), &setup()).await.unwrap(), KEY.as_bytes());
    let mut staged = aws(&stub.url);
    staged["aws"]["version_stage"] = "AWSPREVIOUS".into();
    fetched(staged, &without(setup(), "AWS_SESSION_TOKEN")).await.unwrap();
    let [request, lasting] = stub.requests().try_into().unwrap();
    assert_eq!((request.method.as_str(), request.target.as_str()), ("POST", "/"));
    assert_eq!(request.header("content-type"), "application/x-amz-json-1.1");
    assert_eq!(request.header("x-amz-target"), "secretsmanager.GetSecretValue");
    assert_eq!(request.header("x-amz-security-token"), AWS_SESSION);
    assert_eq!(request.header("x-amz-date"), "20270115T080000Z");
    assert_eq!(request.header("host"), stub.url.strip_prefix("http://").unwrap());
    assert_eq!(request.header("authorization"), signature(&request, AWS_KEY, "eu-central-1"));
    let signed = "content-type;host;x-amz-date;x-amz-security-token;x-amz-target,";
    assert!(request.header("authorization").contains(signed), "{request:?}");
    let body: Value = serde_json::from_slice(&request.body).unwrap();
    assert_eq!(body, json!({ "SecretId": "verdict/master" }));
    assert!(!lasting.headers.contains_key("x-amz-security-token"));
    assert_eq!(lasting.header("authorization"), signature(&lasting, AWS_KEY, "eu-central-1"));
    let body: Value = serde_json::from_slice(&lasting.body).unwrap();
    assert_eq!(body, json!({ "SecretId": "verdict/master", "VersionStage": "AWSPREVIOUS" }));
}

#[tokio::test]
async fn a_secret_of_aws_is_text_bytes_or_a_field() {
    let raw: Vec<u8> = (100..132).collect();
    let binary = json!({ "SecretBinary": BASE64_STANDARD.encode(&raw) });
    let stub = Stub::start(move |_| ok(&binary)).await;
    assert_eq!(fetched(aws(&stub.url), &setup()).await.unwrap(), raw);
    assert!(names(aws(&stub.url), &setup()).await.is_ok(), "32 raw bytes are a master key");

    let fields = json!({ "SecretString": json!({ "key": KEY, "n": 7 }).to_string(), "SecretBinary": null });
    let stub = Stub::start(move |_| ok(&fields)).await;
    for (field, expected) in
        [("key", None), ("n", Some("no field `n` that is text")), ("k", Some("no field `k`"))]
    {
        let mut config = aws(&stub.url);
        config["aws"]["field"] = field.into();
        match (fetched(config, &setup()).await, expected) {
            (Ok(bytes), None) => assert_eq!(bytes, KEY.as_bytes()),
            (Err(error), Some(text)) => assert!(shown(&error, "at.aws").contains(text), "{error}"),
            (got, _) => panic!("{field}: {got:?}"),
        }
    }
    for (answer, expected) in [
        (json!({ "SecretBinary": format!("{KEY}!") }), "is not base64"),
        (json!({ "Name": KEY }), "neither `SecretString` nor `SecretBinary`"),
    ] {
        let stub = Stub::start(move |_| ok(&answer)).await;
        let error = fetched(aws(&stub.url), &setup()).await.unwrap_err();
        assert!(shown(&error, "at.aws").contains(expected), "{error}");
    }
    for name in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"] {
        let error = fetched(aws("https://127.0.0.1:9"), &without(setup(), name)).await.unwrap_err();
        assert!(shown(&error, "at.aws").contains(&format!("`{name}` is not set")), "{error}");
    }
}

#[tokio::test]
async fn what_aws_says_of_an_error_is_told() {
    for (body, word, hint) in [
        (
            json!({ "__type": "ResourceNotFoundException", "Message": KEY }),
            "ResourceNotFoundException",
            "secret_id",
        ),
        (
            json!({ "__type": "com.amazon.coral#AccessDeniedException", "message": KEY }),
            "AccessDeniedException",
            "GetSecretValue",
        ),
        (json!({ "__type": "UnrecognizedClientException" }), "UnrecognizedClientException", "credentials"),
        (json!({ "__type": "InvalidSignatureException" }), "InvalidSignatureException", "clock"),
    ] {
        let stub = Stub::start(move |_| Answer::Status(400, body.to_string())).await;
        let error = fetched(aws(&stub.url), &setup()).await.unwrap_err();
        let text = shown(&error, "at.aws");
        assert!(text.contains(&format!("answered 400 (`{word}`)")) && error.hint.contains(hint), "{text}");
    }
}

fn azure(url: &str) -> Value {
    json!({ "azure": {
        "vault": url, "secret": "master-key", "tenant": "11111111-2222-3333-4444-555555555555", "client_id": "app-1",
        "client_secret_env": "CLIENT_SECRET", "login_endpoint": format!("{url}/login"),
    } })
}

fn azure_answers(request: &Request) -> Answer {
    match request.target.split('?').next().unwrap() {
        "/login/11111111-2222-3333-4444-555555555555/oauth2/v2.0/token"
        | "/metadata/identity/oauth2/token" => {
            ok(&json!({ "token_type": "Bearer", "expires_in": 3599, "access_token": ACCESS_TOKEN }))
        }
        "/secrets/master-key" | "/secrets/master-key/7f" => ok(&json!({ "value": KEY, "id": "https://…" })),
        _ => Answer::Status(404, String::new()),
    }
}

#[tokio::test]
async fn azure_is_asked_as_an_application() {
    let stub = Stub::start(azure_answers).await;
    assert_eq!(names(azure(&stub.url), &setup()).await.unwrap(), (id(KEY), vec![]));
    let [login, read] = stub.requests().try_into().unwrap();
    assert_eq!(login.method, "POST");
    let expected = [
        ("grant_type", "client_credentials"),
        ("client_id", "app-1"),
        ("client_secret", CLIENT_SECRET),
        ("scope", "https://vault.azure.net/.default"),
    ];
    assert_eq!(login.form(), expected.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
    assert_eq!((read.method.as_str(), read.target.as_str()), ("GET", "/secrets/master-key?api-version=7.4"));
    assert_eq!(read.header("authorization"), format!("Bearer {ACCESS_TOKEN}"));
}

#[tokio::test]
async fn azure_is_asked_with_the_managed_identity() {
    let stub = Stub::start(azure_answers).await;
    let mut config = json!({ "azure": {
        "vault": stub.url, "secret": "master-key", "version": "7f", "managed_identity": true,
        "identity_endpoint": stub.url, "resource": "https://vault.azure.cn/",
    } });
    assert_eq!(fetched(config.clone(), &setup()).await.unwrap(), KEY.as_bytes());
    config["azure"]["client_id"] = "one-of-two".into();
    fetched(config, &setup()).await.unwrap();
    let [machine, read, one_of_two, _] = stub.requests().try_into().unwrap();
    let target =
        "/metadata/identity/oauth2/token?api-version=2018-02-01&resource=https%3A%2F%2Fvault.azure.cn";
    assert_eq!((machine.method.as_str(), machine.target.as_str()), ("GET", target));
    assert_eq!(machine.header("metadata"), "true");
    assert_eq!(one_of_two.target, format!("{target}&client_id=one-of-two"));
    assert_eq!(read.target, "/secrets/master-key/7f?api-version=7.4");
    assert_eq!(read.header("authorization"), format!("Bearer {ACCESS_TOKEN}"));
}

fn gcp(url: &str, credentials: Option<PathBuf>) -> Value {
    json!({ "gcp": {
        "project": "demo", "secret": "master_key", "credentials_file": credentials, "endpoint": url,
        "metadata_endpoint": url,
    } })
}

/// `checksum` is that of the key, where it is to be right.
async fn gcp_stub(checksum: Value) -> Stub {
    Stub::start(move |request| match request.target.as_str() {
        "/token" | "/computeMetadata/v1/instance/service-accounts/default/token" => {
            ok(&json!({ "access_token": ACCESS_TOKEN, "expires_in": 3599, "token_type": "Bearer" }))
        }
        "/v1/projects/demo/secrets/master_key/versions/latest:access" => {
            let mut payload = json!({ "data": BASE64_STANDARD.encode(KEY) });
            if !checksum.is_null() {
                payload["dataCrc32c"] = checksum.clone();
            }
            ok(&json!({ "name": "projects/1/secrets/master_key/versions/4", "payload": payload }))
        }
        _ => Answer::Status(404, String::new()),
    })
    .await
}

#[tokio::test]
async fn gcp_is_asked_as_a_service_account() {
    let stub = gcp_stub(Value::Null).await;
    let folder = tempfile::tempdir().unwrap();
    let token_uri = format!("{}/token", stub.url);
    let config = gcp(&stub.url, Some(key_file(&folder, &token_uri)));
    assert_eq!(names(config, &setup()).await.unwrap(), (id(KEY), vec![]));
    let [login, read] = stub.requests().try_into().unwrap();
    let form = login.form();
    assert_eq!(form["grant_type"], "urn:ietf:params:oauth:grant-type:jwt-bearer");
    let [header, claims, signature] = form["assertion"].split('.').collect::<Vec<_>>().try_into().unwrap();
    let decoded = |part: &str| BASE64_URL_SAFE_NO_PAD.decode(part).unwrap();
    let json_of = |part: &str| serde_json::from_slice::<Value>(&decoded(part)).unwrap();
    assert_eq!(json_of(header), json!({ "alg": "RS256", "typ": "JWT", "kid": "key-1" }));
    assert_eq!(
        json_of(claims),
        json!({
            "iss": "verdict@demo.iam.gserviceaccount.com",
            "scope": "https://www.googleapis.com/auth/cloud-platform",
            "aud": token_uri, "iat": NOW, "exp": NOW + 600,
        })
    );
    UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, modulus())
        .verify(format!("{header}.{claims}").as_bytes(), &decoded(signature))
        .unwrap();
    assert_eq!(read.method, "GET");
    assert_eq!(read.header("authorization"), format!("Bearer {ACCESS_TOKEN}"));
}

#[tokio::test]
async fn gcp_is_asked_as_the_machine_and_the_checksum_counts() {
    // CRC-32C of the key, by another implementation.
    let right = 4_101_116_839_u32;
    for (checksum, fits) in [
        (json!(right.to_string()), true),
        (json!(right), true),
        (Value::Null, true),
        (json!((right ^ 1).to_string()), false),
        (json!("many"), false),
        (json!(-1), false),
    ] {
        let stub = gcp_stub(checksum.clone()).await;
        match fetched(gcp(&stub.url, None), &setup()).await {
            Ok(bytes) => assert!(fits && bytes == KEY.as_bytes(), "{checksum}"),
            Err(error) => {
                let text = shown(&error, "at.gcp");
                assert!(!fits && text.contains("does not have its checksum"), "{checksum}: {text}");
            }
        }
        let [machine, _] = stub.requests().try_into().unwrap();
        assert_eq!(machine.header("metadata-flavor"), "Google");
    }
}

#[tokio::test]
async fn a_key_file_that_is_none_is_refused_and_not_shown() {
    let folder = tempfile::tempdir().unwrap();
    let path = key_file(&folder, "https://oauth2.googleapis.com/token");
    let good: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    for (key, value, expected) in [
        ("private_key", json!(KEY), "is not an rsa key in pem"),
        ("private_key", json!(pem(&PAIR).replace("PRIVATE", "RSA PRIVATE")), "is not an rsa key in pem"),
        ("private_key", json!({ "x": KEY }), "it is not json with"),
        ("token_uri", json!("http://oauth2.example.com/token"), "`token_uri` is not an https url"),
        ("token_uri", json!(KEY), "`token_uri` is not an https url"),
    ] {
        let mut bad = good.clone();
        bad[key] = value;
        std::fs::write(&path, bad.to_string()).unwrap();
        let error = fetched(gcp("https://127.0.0.1:9", Some(path.clone())), &setup()).await.unwrap_err();
        assert!(shown(&error, "at.gcp").contains(expected), "{error}");
    }
}
