//! A client of gRPC, which can say what Envoy would not.

use std::collections::HashMap;

use envoy_types::pb::envoy::config::core::v3::address::Address as Place;
use envoy_types::pb::envoy::config::core::v3::socket_address::PortSpecifier;
use envoy_types::pb::envoy::config::core::v3::{Address, HeaderMap, HeaderValue, Metadata, SocketAddress};
use envoy_types::pb::envoy::service::auth::v3::CheckRequest;
use envoy_types::pb::envoy::service::auth::v3::attribute_context::TlsSession;
use envoy_types::pb::google::protobuf::value::Kind;
use envoy_types::pb::google::protobuf::{Struct, Timestamp, Value as Proto};
use serde_json::json;

use super::{allowed, app, check, configured, denied, described, header, http, input, said, token};
use crate::harness::TestApp;

#[test]
fn a_decision_is_an_allow_or_a_denial_and_has_one_record() {
    let server = app().start();
    let alice = format!("Bearer {}", token(&server, "alice"));
    let bob = format!("Bearer {}", token(&server, "bob"));
    for (path, authorization, status, outcome) in [
        ("/open", None, None, "allow"),
        ("/closed", None, Some(403), "deny"),
        ("/nothing", None, Some(403), "undefined"),
        ("/broken?zero=0", None, Some(500), "error"),
        ("/unsayable", None, Some(500), "error"),
        ("/mine", Some(&alice), None, "allow"),
        ("/mine", Some(&bob), Some(403), "undefined"),
        ("/mine", None, Some(403), "deny"),
        ("/open", Some(&"Bearer a.b.c".to_owned()), Some(401), "refused"),
        ("/open", Some(&"Basic YTpi".to_owned()), Some(401), "refused"),
        ("/open/../closed", None, Some(400), "refused"),
        ("/open%2fclosed", None, Some(400), "refused"),
    ] {
        let headers: Vec<_> = authorization.iter().map(|value| ("authorization", value.as_str())).collect();
        let (response, record) = server.recorded(|| check(&server, described("GET", path, &headers)));
        match status {
            None => drop(allowed(&response)),
            Some(status) => assert_eq!(denied(&response).0, status, "{path}: {response:?}"),
        }
        assert_eq!(record["outcome"], outcome, "{path}: {record:#}");
        assert_eq!(record["protocol"], "ext_authz", "{record:#}");
        assert_eq!(said(&response, "decision_id").as_deref(), record["decision_id"].as_str(), "{path}");
        assert_eq!(said(&response, "outcome").as_deref(), Some(outcome), "{path}");
    }
}

#[test]
fn who_is_refused_for_its_credential_is_told_what_would_do() {
    let server = TestApp::new()
        .file("gateway/policy.rego", super::POLICY)
        .config("identity: {mode: required}\ndecision: {default_path: gateway/decision}\n")
        .start();
    let response = check(&server, described("GET", "/open", &[]));
    let (status, refused) = denied(&response);
    assert_eq!((status, header(&refused.headers, "www-authenticate")), (401, vec!["Bearer".to_owned()]));
    let body: serde_json::Value = serde_json::from_str(&refused.body).unwrap();
    assert_eq!(body["message"], "a credential is required");
    assert_eq!(header(&refused.headers, "verdict-decision-id")[0], body["decision_id"].as_str().unwrap());
    let alice = format!("Bearer {}", token(&server, "alice"));
    let response = check(&server, described("GET", "/scoped", &[("authorization", &alice)]));
    let challenge = header(&denied(&response).1.headers, "www-authenticate");
    assert!(
        challenge[0].contains("insufficient_scope") && challenge[0].contains("orders:write"),
        "{challenge:?}"
    );
}

#[test]
fn what_failed_within_is_told_to_no_client() {
    let server = app().start();
    let response = check(&server, described("GET", "/broken?zero=0", &[]));
    let (_, refused) = denied(&response);
    assert!(refused.body.contains("could not be decided"), "{refused:?}");
    assert_eq!(header(&refused.headers, "verdict-reason"), Vec::<String>::new());
    assert!(said(&response, "reason").is_some());
}

#[test]
fn policy_says_what_the_service_behind_and_the_client_get() {
    let server = app().start();
    let alice = format!("Bearer {}", token(&server, "alice"));
    let spoofed = [
        ("authorization", alice.as_str()),
        ("x-auth-user", "root"),
        ("x-auth-issuer", "forged"),
        ("x-forwarded-user", "root"),
        ("x-harmless", "1"),
    ];
    let response = check(&server, described("GET", "/told?admin=1", &spoofed));
    let ok = allowed(&response);
    assert_eq!(header(&ok.headers, "x-team"), ["red", "blue"]);
    assert_eq!(header(&ok.headers, "x-auth-user"), ["from-policy"]);
    assert_eq!(header(&ok.headers, "x-auth-issuer").len(), 1, "{ok:?}");
    let actions: Vec<i32> = ok
        .headers
        .iter()
        .filter(|option| option.header.as_ref().unwrap().key == "x-team")
        .map(|option| option.append_action)
        .collect();
    assert_eq!(actions, [2, 0], "the first value replaces, the second is added");
    // What is set must not be removed, which Envoy does last.
    assert_eq!(ok.headers_to_remove, ["x-debug", "x-forwarded-user"]);
    assert_eq!(header(&ok.response_headers_to_add, "set-cookie"), ["a=1", "b=2"]);
    assert_eq!(header(&ok.response_headers_to_add, "x-seen"), ["yes"]);
    assert_eq!(ok.query_parameters_to_set[0].key, "limit");
    assert_eq!(ok.query_parameters_to_remove, ["admin"]);
    assert_eq!(said(&response, "tier").as_deref(), Some("gold"));
    let id = said(&response, "decision_id").unwrap();
    assert_ne!(id, "forged");
    assert_eq!(header(&ok.headers, "verdict-decision-id"), [id]);
    assert_eq!(header(&ok.response_headers_to_add, "verdict-outcome"), Vec::<String>::new());
}

#[test]
fn nobody_is_somebody_by_a_header() {
    let server = app().start();
    for name in ["x-auth-user", "x_auth_user", "X-Forwarded-User", "x-verdict-subject"] {
        let (response, record) =
            server.recorded(|| check(&server, described("GET", "/open", &[(name, "root")])));
        let ok = allowed(&response);
        assert_eq!(header(&ok.headers, "x-auth-user"), Vec::<String>::new());
        assert!(ok.headers_to_remove.contains(&name.to_ascii_lowercase()), "{ok:?}");
        assert!(!input(&record).to_string().contains("root"), "{record:#}");
    }
}

#[test]
fn a_denials_status_is_one_that_envoy_knows() {
    let server = app().start();
    for (said, expected) in [
        (401, 401),
        (404, 404),
        (429, 429),
        (503, 503),
        (302, 302),
        (200, 403),
        (204, 403),
        (100, 403),
        (418, 403),
        (451, 403),
        (599, 403),
        (99, 403),
        (1000, 403),
        (0, 403),
    ] {
        let response = check(&server, described("GET", &format!("/refused?status={said}"), &[]));
        let (status, refused) = denied(&response);
        assert_eq!(status, expected, "{said}");
        assert_eq!(
            (header(&refused.headers, "x-why"), refused.body.as_str()),
            (vec!["closed".to_owned()], "come back tomorrow")
        );
    }
}

#[test]
fn policy_sees_what_envoy_knows_in_the_words_of_opas_plugin() {
    let server = app().start();
    let mut asked =
        described("POST", "/open?q=1&q=2", &[("x-tag", "a"), ("content-type", "application/json")]);
    http(&mut asked).body = r#"{"amount": 5}"#.to_owned();
    let attributes = asked.attributes.as_mut().unwrap();
    attributes.context_extensions = HashMap::from([("tier".to_owned(), "gold".to_owned())]);
    let number = Proto { kind: Some(Kind::NumberValue(7.0)) };
    let filter = Struct { fields: HashMap::from([("id".to_owned(), number)]) };
    let metadata = Metadata {
        filter_metadata: HashMap::from([("envoy.filters.http.mcp".to_owned(), filter)]),
        ..Metadata::default()
    };
    attributes.metadata_context = Some(metadata.clone());
    attributes.route_metadata_context = Some(metadata);
    attributes.tls_session = Some(TlsSession { sni: "shop.example".to_owned() });
    attributes.request.as_mut().unwrap().time = Some(Timestamp { seconds: 1_800_000_000, nanos: 5_000_000 });
    let source = attributes.source.as_mut().unwrap();
    source.principal = "spiffe://mesh.example/web".to_owned();
    source.address = Some(Address {
        address: Some(Place::SocketAddress(SocketAddress {
            address: "203.0.113.7".to_owned(),
            port_specifier: Some(PortSpecifier::PortValue(4711)),
            ..SocketAddress::default()
        })),
    });
    let (response, record) = server.recorded(|| check(&server, asked));
    allowed(&response);
    let seen = input(&record);
    for (pointer, expected) in [
        ("/action", json!("post")),
        ("/resource/id", json!("/open")),
        ("/parsed_path", json!(["open"])),
        ("/parsed_query", json!({"q": ["1", "2"]})),
        ("/parsed_body", json!({"amount": 5})),
        ("/truncated_body", json!(false)),
        ("/version", json!({"encoding": "protojson", "ext_authz": "v3"})),
        ("/source_principal", json!("spiffe://mesh.example/web")),
        ("/attributes/source/principal", json!("spiffe://mesh.example/web")),
        ("/attributes/source/address/socketAddress", json!({"address": "203.0.113.7", "portValue": 4711})),
        ("/attributes/contextExtensions", json!({"tier": "gold"})),
        ("/attributes/metadataContext/filterMetadata", json!({"envoy.filters.http.mcp": {"id": 7}})),
        ("/attributes/routeMetadataContext/filterMetadata", json!({"envoy.filters.http.mcp": {"id": 7}})),
        ("/attributes/tlsSession", json!({"sni": "shop.example"})),
        ("/attributes/request/time", json!("2027-01-15T08:00:00.005Z")),
        ("/attributes/request/http/method", json!("POST")),
        ("/attributes/request/http/path", json!("/open?q=1&q=2")),
        ("/attributes/request/http/host", json!("shop.example")),
        ("/attributes/request/http/headers/x-tag", json!("a")),
        ("/attributes/request/http/headers/:authority", json!("shop.example")),
        ("/attributes/request/http/body", json!(r#"{"amount": 5}"#)),
        ("/attributes/request/http/size", json!("-1")),
        ("/context/http/client_ip", json!("203.0.113.7")),
        ("/subject/type", json!("anonymous")),
    ] {
        assert_eq!(seen.pointer(pointer), Some(&expected), "{pointer} in {seen:#}");
    }
}

#[test]
fn credentials_are_in_no_record() {
    let server = app().start();
    let secret = token(&server, "alice");
    let alice = format!("Bearer {secret}");
    let headers = [("authorization", alice.as_str()), ("cookie", "session=s3cr3t")];
    check(&server, described("GET", "/mine", &headers));
    let log = std::fs::read_to_string(server.dir.path().join("decisions.jsonl")).unwrap();
    assert!(!log.contains(&secret) && !log.contains("s3cr3t"), "{log}");
}

#[test]
fn part_of_a_body_is_never_taken_for_all_of_it() {
    let server = app().start();
    let asked = |body: &str, headers: &[(&str, &str)], raw: bool| {
        let typed: Vec<_> = [("content-type", "application/json")].iter().chain(headers).copied().collect();
        let mut asked = described("POST", "/body", &typed);
        match raw {
            true => http(&mut asked).raw_body = body.as_bytes().to_vec(),
            false => http(&mut asked).body = body.to_owned(),
        }
        server.recorded(|| check(&server, asked))
    };
    let whole = r#"{"amount": 5}"#;
    for raw in [false, true] {
        allowed(&asked(whole, &[("x-envoy-auth-partial-body", "false"), ("content-length", "13")], raw).0);
        for cut in
            [("x-envoy-auth-partial-body", "true"), ("content-length", "14"), ("content-length", "5000")]
        {
            let (response, record) = asked(whole, &[cut], raw);
            assert_eq!(denied(&response).0, 403, "{cut:?}");
            assert_eq!(input(&record)["truncated_body"], true);
            assert_eq!(input(&record).get("parsed_body"), None);
        }
        let (response, _) = asked(r#"{"amount": 5, "amount": 500}"#, &[], raw);
        assert_eq!(denied(&response).0, 400, "a member twice");
    }
}

#[test]
fn headers_in_a_list_keep_their_duplicates() {
    let server = app().start();
    let listed = |headers: &[(&str, &str)]| {
        let mut asked = described("GET", "/open", &[]);
        http(&mut asked).headers.clear();
        let headers = headers.iter().map(|(name, value)| HeaderValue {
            key: (*name).to_owned(),
            value: String::new(),
            raw_value: value.as_bytes().to_vec(),
        });
        http(&mut asked).header_map = Some(HeaderMap { headers: headers.collect() });
        server.recorded(|| check(&server, asked))
    };
    let (response, record) = listed(&[(":path", "/open"), ("x-tag", "a"), ("x-tag", "b")]);
    allowed(&response);
    assert_eq!(input(&record)["attributes"]["request"]["http"]["headers"]["x-tag"], "a,b");
    let (response, _) = listed(&[("authorization", "Bearer a.b.c"), ("authorization", "Bearer a.b.c")]);
    assert!(matches!(denied(&response).0, 400 | 401), "{response:?}");
    let (response, _) = listed(&[(":path", "/closed")]);
    assert_eq!(denied(&response).0, 400, "the path is one thing and its pseudo-header another");
}

#[test]
fn what_is_no_check_is_denied_and_recorded() {
    let server = configured("server: {listen: '127.0.0.1:0', max_body: 64KiB}\n").start();
    let mut without_host = described("GET", "/open", &[]);
    http(&mut without_host).host = "user@shop.example".to_owned();
    http(&mut without_host).headers.clear();
    let mut queried = described("GET", "/open", &[]);
    http(&mut queried).query = "a=1".to_owned();
    let mut lower = described("GET", "/open", &[]);
    http(&mut lower).headers.clear();
    http(&mut lower).method = "get".to_owned();
    let mut long = described("POST", "/open", &[]);
    http(&mut long).body = "x".repeat(70 << 10);
    for (asked, status) in [
        (CheckRequest::default(), 400),
        (described("GET", "/open", &[("bad header", "x")]), 400),
        (described("GET", "/open", &[("x-bad", "a\r\nb")]), 400),
        (described("GET", "open", &[]), 400),
        (described("GET", "/open#closed", &[]), 400),
        (without_host, 400),
        (queried, 400),
        (lower, 400),
        (long, 413),
    ] {
        let (response, record) = server.recorded(|| check(&server, asked));
        assert_eq!(denied(&response).0, status, "{record:#}");
        assert_eq!(record["outcome"], "refused", "{record:#}");
    }
}

#[test]
fn what_is_no_message_is_denied_and_recorded_and_what_is_no_call_is_neither() {
    let server = app().start();
    let client = reqwest_h2(&server);
    let send = |version: http::Version, content: &'static str, body: &'static [u8]| {
        let path = server.url("/envoy.service.auth.v3.Authorization/Check");
        let request = client.post(path).version(version).header("content-type", content).body(body);
        server.block_on(async {
            let answer = request.send().await.unwrap();
            (answer.status().as_u16(), answer.bytes().await.unwrap())
        })
    };
    for body in [&b""[..], b"junk", &[0, 0, 0, 0, 9, 1], &[1, 0, 0, 0, 0], &[0, 0, 0, 0, 2, 0xff, 0xff]] {
        let ((status, answer), record) =
            server.recorded(|| send(http::Version::HTTP_2, "application/grpc", body));
        assert_eq!(status, 200, "gRPC has its own statuses");
        let response: super::CheckResponse = prost::Message::decode(&answer[5..]).unwrap();
        assert_eq!(denied(&response).0, 400, "{body:?}");
        assert_eq!(record["outcome"], "refused");
    }
    let before = server.records().len();
    assert_eq!(send(http::Version::HTTP_2, "application/json", b"{}").0, 415);
    assert_eq!(server.records().len(), before);
}

#[expect(clippy::disallowed_methods, reason = "the test's own client, not the server's")]
fn reqwest_h2(_: &crate::harness::Server) -> reqwest::Client {
    reqwest::Client::builder().http2_prior_knowledge().build().unwrap()
}

#[test]
fn without_policy_or_without_a_record_nothing_is_allowed() {
    let server = TestApp::new().config("identity: {mode: optional}\n").start();
    let response = check(&server, described("GET", "/open", &[]));
    assert_eq!(denied(&response).0, 503);
}

#[test]
fn another_document_may_decide() {
    let server = configured("doors: {ext_authz: {document: other/allow}}\n")
        .file("gateway/other.rego", "package other\n\nallow := input.action == \"get\"\n")
        .start();
    allowed(&check(&server, described("GET", "/closed", &[])));
    let (response, record) = server.recorded(|| check(&server, described("POST", "/open", &[])));
    assert_eq!((denied(&response).0, record["path"].as_str()), (403, Some("other/allow")));
}

#[test]
fn routes_name_what_is_asked_for() {
    let routes = "doors: {http: {routes: [{path: '/invoices/{id}', methods: [GET], action: read, resource: {type: invoice, id: '{id}'}}]}}\n";
    let server = configured(routes)
        .file("gateway/more.rego", "package gateway\n\ndecision := true if {\n\tinput.action == \"read\"\n\tinput.resource == {\"type\": \"invoice\", \"id\": \"42\"}\n}\n")
        .start();
    allowed(&check(&server, described("GET", "/invoices/42", &[])));
    assert_eq!(denied(&check(&server, described("GET", "/invoices/43", &[]))).0, 403);
}
