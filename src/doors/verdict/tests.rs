use super::*;
use crate::doors::routing::HttpConfig;

fn value(text: &str) -> Value {
    Value::from_json(text.as_bytes()).unwrap()
}

fn said(allowed: bool, text: &str) -> Result<Effects, String> {
    Effects::said(allowed, Some(&value(text)))
}

fn shown(headers: &Headers) -> Vec<String> {
    headers.iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect()
}

#[test]
fn the_names_of_opas_plugin_are_read() {
    let effects = said(
        true,
        r#"{"allowed": true, "headers": {"X-A": "1", "x-b": ["2", "3"]}, "response_headers_to_add": [{"x-c": "4"}, {"x-c": "5"}],
            "request_headers_to_remove": ["X-Secret"], "query_parameters_to_set": {"tenant": "acme", "tag": ["a", "b"]},
            "query_parameters_to_remove": ["debug"], "dynamic_metadata": {"k": 1}, "http_status": 200, "reason": "because"}"#,
    )
    .unwrap();
    assert!(effects.allowed);
    assert_eq!(shown(&effects.headers), ["x-a: 1", "x-b: 2", "x-b: 3"]);
    assert_eq!(shown(&effects.response_headers_to_add), ["x-c: 4", "x-c: 5"]);
    assert_eq!(effects.request_headers_to_remove, ["x-secret"]);
    let parameters = [("tag", "a"), ("tag", "b"), ("tenant", "acme")];
    assert_eq!(
        effects.query_parameters_to_set,
        parameters.map(|(name, value)| (name.to_owned(), value.to_owned()))
    );
    assert_eq!(effects.query_parameters_to_remove, ["debug"]);
    assert_eq!(effects.dynamic_metadata, Some(value(r#"{"k": 1}"#)));
    assert_eq!((effects.status, effects.reason.as_deref()), (None, Some("because")));
}

#[test]
fn what_cannot_be_said_is_an_error_and_never_half_of_an_answer() {
    for (document, why) in [
        (r#"{"headers": []}"#, ""),
        (r#"{"headers": "x"}"#, "neither an object"),
        (r#"{"headers": ["x"]}"#, "no object"),
        (r#"{"headers": {"x a": "1"}}"#, "not the name"),
        (r#"{"headers": {"": "1"}}"#, "not the name"),
        (r#"{"headers": {":path": "/admin"}}"#, "not the name"),
        (r#"{"headers": {"content-length": "0"}}"#, "may not set"),
        (r#"{"headers": {"Transfer-Encoding": "chunked"}}"#, "may not set"),
        (r#"{"headers": {"host": "other"}}"#, "may not set"),
        (r#"{"headers": {"x-a": 1}}"#, "not text"),
        (r#"{"headers": {"x-a": "1\r\nx-b: 2"}}"#, "control character"),
        (r#"{"response_headers_to_add": {"x-a": "\n"}}"#, "control character"),
        (r#"{"request_headers_to_remove": "x"}"#, "not a list"),
        (r#"{"request_headers_to_remove": [1]}"#, "not text"),
        (r#"{"request_headers_to_remove": ["host"]}"#, "may not set"),
        (r#"{"query_parameters_to_set": ["a"]}"#, "not an object"),
        (r#"{"query_parameters_to_set": {"a": 1}}"#, "not text"),
        (r#"{"body": {}}"#, "`body`"),
        (r#"{"dynamic_metadata": 1}"#, "`dynamic_metadata`"),
        (r#"{"http_status": "200"}"#, ""),
    ] {
        match said(true, document) {
            Err(said) => assert!(!why.is_empty() && said.contains(why), "{document}: {said}"),
            Ok(_) => assert!(why.is_empty(), "{document}"),
        }
    }
    let many: Vec<String> = (0..=MOST).map(|index| format!(r#""x-{index}": "1""#)).collect();
    assert!(
        said(true, &format!(r#"{{"headers": {{{}}}}}"#, many.join(","))).unwrap_err().contains("more than")
    );
}

#[test]
fn a_denial_never_looks_like_a_success() {
    for (document, status) in [
        (r#"{}"#, None),
        (r#"{"http_status": 401}"#, Some(401)),
        (r#"{"http_status": 404}"#, Some(404)),
        (r#"{"http_status": 418}"#, Some(418)),
        (r#"{"http_status": 503}"#, Some(503)),
        (r#"{"http_status": 200}"#, Some(403)),
        (r#"{"http_status": 204}"#, Some(403)),
        (r#"{"http_status": 100}"#, Some(403)),
        (r#"{"http_status": 302}"#, Some(403)),
        (r#"{"http_status": 304, "headers": {"location": "/login"}}"#, Some(403)),
        (r#"{"http_status": 302, "headers": {"Location": "/login"}}"#, Some(302)),
        (r#"{"http_status": "x"}"#, Some(403)),
        (r#"{"http_status": 1e9}"#, Some(403)),
        (r#"{"http_status": -1}"#, Some(403)),
        (r#"{"http_status": 200.5}"#, Some(403)),
        (r#"{"http_status": 600}"#, Some(403)),
    ] {
        let effects = said(false, document).unwrap();
        assert!(!effects.allowed);
        assert_eq!(effects.status.map(|status| status.as_u16()), status, "{document}");
    }
}

#[test]
fn the_service_behind_is_told_what_was_verified_and_emptiness_otherwise() {
    let yaml =
        "upstream_headers: {x-user: subject.id, x-roles: subject.roles, x-level: subject.claims.level}";
    let routes = Routes::new(&yaml_serde::from_str::<HttpConfig>(yaml).unwrap()).unwrap();
    let told = |input: &str| shown(&identity(Some(&value(input)), &routes));
    for (input, expected) in [
        (
            r#"{"subject": {"id": "alice", "roles": ["a", "b"], "claims": {"level": 3}}}"#,
            ["x-level: 3", "x-roles: a,b", "x-user: alice"],
        ),
        (r#"{"subject": {"type": "anonymous", "roles": []}}"#, ["x-level: ", "x-roles: ", "x-user: "]),
        (r#"{}"#, ["x-level: ", "x-roles: ", "x-user: "]),
        (r#"{"subject": {"id": "a\nb", "roles": ["a"]}}"#, ["x-level: ", "x-roles: a", "x-user: "]),
        (r#"{"subject": {"roles": ["a,admin", "b"]}}"#, ["x-level: ", "x-roles: ", "x-user: "]),
        (r#"{"subject": {"claims": {"level": {}}}}"#, ["x-level: ", "x-roles: ", "x-user: "]),
    ] {
        assert_eq!(told(input), expected, "{input}");
    }
    assert_eq!(identity(None, &routes).len(), 3);
}
