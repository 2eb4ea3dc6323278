//! What requests of a daemon say.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::input;
use verdict_rego::Value;

fn json(text: &str) -> Value {
    Value::from_json(text.as_bytes()).unwrap()
}

#[test]
fn policy_sees_what_the_client_asked_the_daemon() {
    let body = STANDARD.encode(r#"{"Image": "alpine", "HostConfig": {"Privileged": true}}"#);
    let asked = format!(
        r#"{{"User": "jane", "UserAuthNMethod": "TLS", "RequestMethod": "POST",
            "RequestUri": "/v1.41/containers/create?name=%61b&name=c&x", "RequestBody": "{body}",
            "RequestHeaders": {{"Content-Type": "application/json; charset=utf-8", "X-Registry-Auth": "s3cret", "authorization": "s3cret"}}}}"#
    );
    let expected = r#"{
        "Method": "POST", "Path": "/v1.41/containers/create?name=%61b&name=c&x", "PathPlain": "/v1.41/containers/create",
        "PathArr": ["", "v1.41", "containers", "create"], "Query": {"name": ["ab", "c"], "x": [""]},
        "Headers": {"Content-Type": "application/json; charset=utf-8"},
        "Body": {"Image": "alpine", "HostConfig": {"Privileged": true}}, "User": "jane", "AuthMethod": "TLS",
        "subject": {"type": "user", "id": "jane"}, "action": {"name": "post"},
        "resource": {"type": "docker", "id": "/containers/create"}
    }"#;
    assert_eq!(input(&json(&asked)).unwrap(), json(expected));

    let stream = r#"{"RequestMethod": "GET", "RequestUri": "/%5fping", "RequestBody": "AAAA", "User": "",
        "ResponseStatusCode": 200, "ResponseBody": "e30=", "ResponseHeaders": {"Content-Type": "application/json"}}"#;
    let expected = r#"{
        "Method": "GET", "Path": "/_ping", "PathPlain": "/_ping", "PathArr": ["", "_ping"], "Query": {}, "Headers": {},
        "User": "", "AuthMethod": "", "subject": {"type": "user"}, "action": {"name": "get"},
        "resource": {"type": "docker", "id": "/_ping"},
        "Response": {"StatusCode": 200, "Headers": {"Content-Type": "application/json"}, "Body": {}}
    }"#;
    assert_eq!(input(&json(stream)).unwrap(), json(expected));
}

#[test]
fn what_can_be_read_in_two_ways_is_refused() {
    for (uri, why) in [
        ("//containers/create", "empty segment"),
        ("/v1.41/containers/../images", "dot segment"),
        ("/v1.41/containers/%2e%2e/images", "dot segment"),
        ("/v1.41/containers%2fcreate", "encoded slash"),
        ("/v1.41/%2563ontainers", "percent-encoding within"),
        ("/v1.41/containers/create;x", "`;`"),
        ("containers/create", "not a path"),
    ] {
        let asked = format!(r#"{{"RequestMethod": "POST", "RequestUri": "{uri}"}}"#);
        let wrong = input(&json(&asked)).unwrap_err();
        assert!(wrong.contains(why), "{uri}: {wrong}");
    }
    for (asked, why) in [
        ("{}", "no `RequestMethod`"),
        (r#"{"RequestMethod": "GET"}"#, "no `RequestUri`"),
        (r#"{"RequestMethod": "get", "RequestUri": "/"}"#, "not in capitals"),
        (r#"{"RequestMethod": 1, "RequestUri": "/"}"#, "`RequestMethod` is not a string"),
        (r#"{"RequestMethod": "GET", "RequestUri": "/", "User": 1}"#, "`User` is not a string"),
        (
            r#"{"RequestMethod": "GET", "RequestUri": "/", "RequestHeaders": []}"#,
            "`RequestHeaders` is not an object",
        ),
        (
            r#"{"RequestMethod": "POST", "RequestUri": "/", "RequestBody": "?", "RequestHeaders": {"Content-Type": "application/json"}}"#,
            "not base64",
        ),
        (
            r#"{"RequestMethod": "POST", "RequestUri": "/", "RequestBody": "e30", "RequestHeaders": {"Content-Type": "application/json"}}"#,
            "not base64",
        ),
        (
            r#"{"RequestMethod": "POST", "RequestUri": "/", "RequestBody": "eyJhIjoxLCJhIjoyfQ==", "RequestHeaders": {"content-type": "application/json"}}"#,
            "duplicate key",
        ),
    ] {
        let wrong = input(&json(asked)).unwrap_err();
        assert!(wrong.contains(why), "{asked}: {wrong}");
    }
}
