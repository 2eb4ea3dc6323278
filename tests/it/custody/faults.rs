//! What can go wrong with every secrets manager alike, at every call that its protocol has.

use std::time::Instant;

use super::stub::Stub;
use super::*;

/// A protocol: its name in the configuration, and the configuration for a stub.
struct Protocol {
    name: &'static str,
    config: fn(&str, &tempfile::TempDir) -> Value,
    /// Whether a token is asked for first.
    token: bool,
}

const PROTOCOLS: [Protocol; 6] = [
    Protocol {
        name: "vault",
        config: |url, _| json!({ "vault": { "address": url, "path": "verdict" } }),
        token: false,
    },
    Protocol {
        name: "aws",
        config: |url, _| json!({ "aws": { "region": "eu-central-1", "secret_id": "verdict", "endpoint": url } }),
        token: false,
    },
    Protocol {
        name: "azure",
        config: |url, _| {
            json!({ "azure": {
                "vault": url, "secret": "verdict", "tenant": "token", "client_id": "app",
                "client_secret_env": "CLIENT_SECRET", "login_endpoint": url,
            } })
        },
        token: true,
    },
    Protocol {
        name: "azure",
        config: |url, _| {
            json!({ "azure": {
                "vault": url, "secret": "verdict", "managed_identity": true, "identity_endpoint": url,
            } })
        },
        token: true,
    },
    Protocol {
        name: "gcp",
        config: |url, _| json!({ "gcp": { "project": "demo", "secret": "verdict", "endpoint": url, "metadata_endpoint": url } }),
        token: true,
    },
    Protocol {
        name: "gcp",
        config: |url, folder| {
            let file = key_file(folder, &format!("{url}/token"));
            json!({ "gcp": { "project": "demo", "secret": "verdict", "endpoint": url, "credentials_file": file } })
        },
        token: true,
    },
];

/// What each protocol answers where all is well.
fn secret_of(name: &str) -> Value {
    match name {
        "vault" => json!({ "data": { "data": { "value": KEY } } }),
        "aws" => json!({ "SecretString": KEY }),
        "azure" => json!({ "value": KEY }),
        _ => json!({ "payload": { "data": BASE64_STANDARD.encode(KEY) } }),
    }
}

/// Asks each protocol where the call for a token, or the one for the secret, is answered so. Returns the texts of the
/// errors, after it was looked at that they show nothing, and that no more was asked than expected.
async fn with_fault(fault: &Answer) -> Vec<(String, CustodyError)> {
    let mut errors = Vec::new();
    for protocol in &PROTOCOLS {
        for at_token in [true, false] {
            if at_token && !protocol.token {
                continue;
            }
            let folder = tempfile::tempdir().unwrap();
            let (name, fault) = (protocol.name, fault.clone());
            let stub = Stub::start(move |request| match request.target.contains("token") {
                is_token if is_token == at_token => fault.clone(),
                true => ok(&json!({ "access_token": ACCESS_TOKEN })),
                false => ok(&secret_of(name)),
            })
            .await;
            let began = Instant::now();
            let error = fetched((protocol.config)(&stub.url, &folder), &setup()).await.unwrap_err();
            assert!(began.elapsed().as_secs() < 30, "{name} took {:?}", began.elapsed());
            let text = shown(&error, &format!("at.{name}"));
            let calls = if at_token || !protocol.token { 1 } else { 2 };
            assert_eq!(stub.requests().len(), calls, "{text}");
            errors.push((text, error));
        }
    }
    assert_eq!(errors.len(), 10);
    errors
}

#[tokio::test]
async fn all_protocols_have_their_secret_where_nothing_is_wrong() {
    for protocol in &PROTOCOLS {
        let folder = tempfile::tempdir().unwrap();
        let stub = Stub::start(|request| match request.target.contains("token") {
            true => ok(&json!({ "access_token": ACCESS_TOKEN })),
            false => ok(&secret_of(protocol.name)),
        })
        .await;
        let config = (protocol.config)(&stub.url, &folder);
        assert_eq!(fetched(config, &setup()).await.unwrap(), KEY.as_bytes(), "{}", protocol.name);
    }
}

#[tokio::test]
async fn another_status_is_told_with_what_to_do() {
    // A body that repeats secrets, as a debugging proxy may.
    let body = json!({ "error": KEY, "errors": [VAULT_TOKEN], "__type": ACCESS_TOKEN, "access_token": KEY });
    for (status, hint) in [
        (401, None),
        (403, None),
        (404, None),
        (429, Some("too many calls")),
        (500, Some("try again later")),
        (503, Some("try again later")),
        (204, Some("check the configuration")),
        (400, Some("check the configuration")),
    ] {
        for (text, error) in with_fault(&Answer::Status(status, body.to_string())).await {
            assert!(text.contains(&format!("answered {status} instead of 200")), "{text}");
            match (status, hint) {
                (_, Some(hint)) => assert!(error.hint.contains(hint), "{status}: {text}"),
                (404, None) => assert!(error.hint.starts_with("check"), "{text}"),
                (_, None) => assert!(error.hint.contains("check") || error.hint.contains("give"), "{text}"),
            }
        }
    }
}

#[tokio::test]
async fn the_words_of_protocols_for_errors_are_told() {
    for (index, body, word) in [
        (2, json!({ "error": "invalid_client", "error_description": CLIENT_SECRET }), "invalid_client"),
        (2, json!({ "error": { "code": "Forbidden", "message": KEY } }), "Forbidden"),
        (5, json!({ "error": "invalid_grant", "error_description": KEY }), "invalid_grant"),
        (4, json!({ "error": { "status": "PERMISSION_DENIED", "message": KEY } }), "PERMISSION_DENIED"),
    ] {
        let protocol = &PROTOCOLS[index];
        let at_token = body["error"].is_string();
        let stub = Stub::start(move |request| match request.target.contains("token") {
            is_token if is_token == at_token => Answer::Status(403, body.to_string()),
            _ => ok(&json!({ "access_token": ACCESS_TOKEN })),
        })
        .await;
        let folder = tempfile::tempdir().unwrap();
        let error = fetched((protocol.config)(&stub.url, &folder), &setup()).await.unwrap_err();
        let text = shown(&error, &format!("at.{}", protocol.name));
        assert!(text.contains(&format!("answered 403 (`{word}`) instead of 200")), "{text}");
    }
}

#[tokio::test]
async fn an_answer_that_is_something_else_is_refused_and_not_repeated() {
    for body in ["", "<html>", KEY, "null", "[]", "{}", "7", "{\"data\": ", "\u{0}"] {
        for (text, _) in with_fault(&Answer::Status(200, body.to_owned())).await {
            let expected = ["is not json", "does not have the expected fields", "neither `SecretString` nor"];
            assert!(expected.iter().any(|expected| text.contains(expected)), "{body}: {text}");
        }
    }
    // Secrets in the place of something else, which the reader of JSON would repeat.
    let swapped =
        json!({ "data": KEY, "access_token": [KEY], "payload": KEY, "value": [KEY], "SecretString": [KEY] });
    for (text, _) in with_fault(&ok(&swapped)).await {
        assert!(text.contains("does not have the expected fields"), "{text}");
    }
}

#[tokio::test]
async fn an_answer_without_end_is_cut_short() {
    for fault in [Answer::Endless, Answer::Announces(1 << 30)] {
        for (text, _) in with_fault(&fault).await {
            assert!(text.contains("the body is longer than 262144 bytes"), "{text}");
        }
    }
    let long = "x".repeat(300_000);
    for (text, _) in with_fault(&Answer::Status(500, long)).await {
        assert!(text.contains("answered 500 instead of 200"), "{text}");
    }
}

#[tokio::test]
async fn silence_and_broken_connections_end_the_call() {
    for (text, _) in with_fault(&Answer::Silence).await {
        assert!(text.contains("no complete answer within 500ms"), "{text}");
    }
    for (text, _) in with_fault(&Answer::CutOff).await {
        assert!(text.contains("the call failed"), "{text}");
    }
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", nobody.local_addr().unwrap());
    drop(nobody);
    for protocol in &PROTOCOLS {
        let folder = tempfile::tempdir().unwrap();
        let error = fetched((protocol.config)(&url, &folder), &setup()).await.unwrap_err();
        let text = shown(&error, &format!("at.{}", protocol.name));
        assert!(text.contains("the call failed") && error.hint.contains("reached"), "{text}");
    }
}

#[tokio::test]
async fn no_redirect_is_followed() {
    let elsewhere = Stub::start(|_| ok(&json!({ "access_token": ACCESS_TOKEN, "value": KEY }))).await;
    for (text, _) in with_fault(&Answer::Redirect(format!("{}/token?{KEY}", elsewhere.url))).await {
        assert!(text.contains("answered 302, a redirect, and redirects are not followed"), "{text}");
    }
    assert!(elsewhere.requests().is_empty());
}

#[tokio::test]
async fn a_token_that_no_header_can_have_is_not_sent() {
    let stub = Stub::start(|_| ok(&json!({ "access_token": format!("{ACCESS_TOKEN}\r\nx: y") }))).await;
    let folder = tempfile::tempdir().unwrap();
    let error = fetched((PROTOCOLS[4].config)(&stub.url, &folder), &setup()).await.unwrap_err();
    assert!(shown(&error, "at.gcp").contains("characters that no header can have"), "{error}");
    assert_eq!(stub.requests().len(), 1);
    let mut setup = setup();
    setup.variables = BTreeMap::from([("VAULT_TOKEN".to_owned(), format!("{VAULT_TOKEN}\ny"))]).into();
    let error = fetched((PROTOCOLS[0].config)(&stub.url, &folder), &setup).await.unwrap_err();
    assert!(shown(&error, "at.vault").contains("characters that no header can have"), "{error}");
    assert_eq!(stub.requests().len(), 1);
}
