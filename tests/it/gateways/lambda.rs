//! `/authz/lambda`: the events of API Gateway, and the answers that it takes.

use serde_json::{Value, json};

use super::{alice, server};
use crate::harness::Server;

const ARN: &str = "arn:aws:execute-api:eu-west-1:123456789012:abcdef123/prod/GET/invoices/42";

/// Format 2.0, as AWS documents it, shortened.
fn second(path: &str, token: &str) -> Value {
    let mut event = json!({
        "version": "2.0", "type": "REQUEST", "routeArn": ARN, "identitySource": [token], "routeKey": "GET /invoices/{id}",
        "rawPath": path, "rawQueryString": "q=1&q=2", "cookies": ["a=1", "b=2"],
        "headers": {"accept": "text/html", "host": "api.example", "x-forwarded-proto": "https", "X-Auth-User": "root"},
        "requestContext": {"http": {"method": "GET", "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.7"}},
    });
    if !token.is_empty() {
        event["headers"]["authorization"] = token.into();
    }
    event
}

/// Format 1.0.
fn first(path: &str, token: &str) -> Value {
    let mut event = json!({
        "version": "1.0", "type": "REQUEST", "methodArn": ARN, "path": path, "httpMethod": "GET",
        "headers": {"host": "last"}, "multiValueHeaders": {"Host": ["api.example"], "Accept": ["a", "b"]},
        "multiValueQueryStringParameters": {"q": ["1", "2 3"]},
        "requestContext": {"protocol": "HTTP/1.1", "identity": {"sourceIp": "192.0.2.7"}},
    });
    if !token.is_empty() {
        event["multiValueHeaders"]["Authorization"] = json!([token]);
    }
    event
}

fn ask(server: &Server, event: &Value) -> (u16, Value, Value) {
    let (reply, record) = server.recorded(|| server.post("/authz/lambda", &event.to_string()));
    (reply.status, reply.json(), record)
}

#[test]
fn both_formats_are_answered_in_kind() {
    let server = server();
    let token = alice(&server);
    let (status, answer, record) = ask(&server, &second("/invoices/42", &token));
    assert_eq!((status, &answer["isAuthorized"]), (200, &json!(true)), "{record:#}");
    assert_eq!(
        (&answer["context"]["x_auth_user"], &answer["context"]["decision_id"]),
        (&json!("alice"), &record["decision_id"])
    );
    let http = &record["input"]["context"]["http"];
    assert_eq!(
        (&http["host"], &http["client_ip"], &http["scheme"]),
        (&json!("api.example"), &json!("192.0.2.7"), &json!("https"))
    );
    assert_eq!(record["input"]["parsed_query"], json!({"q": ["1", "2"]}));
    let (status, answer, record) = ask(&server, &first("/invoices/42", &token));
    assert_eq!((status, &answer["principalId"]), (200, &json!("alice")), "{record:#}");
    let statement = json!([{"Action": "execute-api:Invoke", "Effect": "Allow", "Resource": ARN}]);
    assert_eq!(answer["policyDocument"], json!({"Version": "2012-10-17", "Statement": statement}));
    assert_eq!(record["input"]["parsed_query"], json!({"q": ["1", "2 3"]}));
    assert_eq!(record["input"]["context"]["http"]["headers"]["accept"], "a,b");
    let event = json!({"type": "TOKEN", "authorizationToken": token, "methodArn": ARN});
    let (_, answer, record) = ask(&server, &event);
    assert_eq!(answer["policyDocument"]["Statement"][0]["Effect"], "Allow", "{record:#}");
    assert_eq!(record["input"]["resource"], json!({"type": "invoice", "id": "42"}));
}

#[test]
fn whatever_goes_wrong_the_body_denies() {
    let server = server();
    let token = alice(&server);
    for (path, token, status, outcome) in [
        ("/invoices/42", "", 200, "deny"),
        ("/nothing", token.as_str(), 200, "undefined"),
        ("/error", &token, 500, "error"),
        ("/broken", &token, 500, "error"),
        ("/sly", &token, 200, "deny"),
        ("/invoices/42", "Bearer forged.forged.forged", 401, "refused"),
        ("/public/../invoices/42", &token, 400, "refused"),
        ("/public;x", &token, 400, "refused"),
    ] {
        let (got, answer, record) = ask(&server, &second(path, token));
        assert_eq!((got, &record["outcome"]), (status, &json!(outcome)), "{path}: {record:#}");
        assert_eq!(answer["isAuthorized"], json!(false), "{path}");
        let (got, answer, record) = ask(&server, &first(path, token));
        assert_eq!((got, &record["outcome"]), (status, &json!(outcome)), "{path}: {record:#}");
        assert_eq!(answer["policyDocument"]["Statement"][0]["Effect"], json!("Deny"), "{path}");
    }
    for (body, why) in [
        ("", "not an event"),
        ("[]", "no `"),
        ("{}", "no `"),
        (r#"{"version": "3.0"}"#, "neither"),
        (r#"{"version": "2.0", "version": "1.0"}"#, "duplicate"),
        (r#"{"version": "2.0", "rawPath": 1}"#, "rawPath"),
        (r#"{"type": "TOKEN", "methodArn": "arn"}"#, "no method"),
        (
            r#"{"version": "2.0", "rawPath": "/public", "headers": {"a b": "1"}, "requestContext": {"http": {"method": "GET"}}}"#,
            "header",
        ),
    ] {
        let (reply, record) = server.recorded(|| server.post("/authz/lambda", body));
        assert_eq!((reply.status, &reply.json()["isAuthorized"]), (400, &json!(false)), "{body}");
        assert!(record["reason"].as_str().unwrap().contains(why), "{body}: {}", record["reason"]);
    }
    assert_eq!(server.get("/authz/lambda").status, 405);
    let huge = format!("{{\"version\": \"{}\"}}", "2".repeat(200_000));
    let (reply, record) = server.recorded(|| server.post("/authz/lambda", &huge));
    assert_eq!((reply.status, &record["error"]["kind"]), (413, &json!("too_large")));
}
