//! A real Envoy before a service that notes what it gets: whatever happens, it never gets what was denied.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use super::{app, configured, input, token};
use crate::harness::envoy::Envoy;
use crate::harness::upstream::Upstream;
use crate::harness::{Reply, Server, TestApp, skipped, wait_until};

/// How Envoy asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asks {
    Grpc,
    Http,
}

const BOTH: [Asks; 2] = [Asks::Grpc, Asks::Http];

/// An Envoy that asks one address about everything, and passes the rest on to another.
struct Gateway {
    envoy: Envoy,
    upstream: Upstream,
}

impl Gateway {
    fn start(asks: Asks, verdict: SocketAddr, timeout: &str) -> Option<Self> {
        let upstream = Upstream::start();
        let to = upstream.address;
        let config = |port| configuration(asks, port, verdict, to, timeout);
        Envoy::start("Envoy's external authorization", config).map(|envoy| Self { envoy, upstream })
    }

    /// The answer, and what the service behind got.
    fn send(
        &self,
        client: &Server,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> (Reply, Vec<crate::harness::upstream::Seen>) {
        let url = format!("http://{}{target}", self.envoy.address);
        let mut request = client.client.request(method.parse().unwrap(), url).body(body.to_owned());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let reply = client.block_on(async {
            let answer = request.send().await.unwrap();
            let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
            Reply { status, headers, body: answer.bytes().await.unwrap().to_vec() }
        });
        (reply, self.upstream.taken())
    }
}

/// The filter's settings, and the protocol of its cluster.
const GRPC: (&str, &str) = (
    "transport_api_version: V3
              grpc_service: {envoy_grpc: {cluster_name: verdict}, timeout: TIMEOUT}",
    "explicit_http_config: {http2_protocol_options: {}}",
);
const HTTP: (&str, &str) = (
    "http_service:
                path_prefix: /ext_authz
                server_uri: {uri: 'http://verdict', cluster: verdict, timeout: TIMEOUT}
                authorization_response:
                  allowed_upstream_headers: {patterns: [{prefix: x-auth-}, {prefix: x-team}, {exact: verdict-decision-id}]}
                  allowed_client_headers: {patterns: [{exact: www-authenticate}, {exact: x-why}, {exact: location}]}
              allowed_headers: {patterns: [{prefix: x-}, {exact: content-type}]}",
    "explicit_http_config: {http_protocol_options: {}}",
);

fn configuration(asks: Asks, port: u16, verdict: SocketAddr, upstream: SocketAddr, timeout: &str) -> String {
    let (service, protocol) = if asks == Asks::Grpc { GRPC } else { HTTP };
    include_str!("envoy.yaml")
        .replace("SERVICE", service)
        .replace("PROTOCOL", protocol)
        .replace("TIMEOUT", timeout)
        .replace("LISTEN", &port.to_string())
        .replace("VERDICT", &verdict.port().to_string())
        .replace("UPSTREAM", &upstream.port().to_string())
}

/// Long enough that it never runs out.
const PATIENT: &str = "60s";

#[test]
fn the_service_behind_gets_what_is_allowed_and_nothing_else() {
    let server = app().start();
    let alice = format!("Bearer {}", token(&server, "alice"));
    for asks in BOTH {
        let Some(gateway) = Gateway::start(asks, server.app.address, PATIENT) else { return };
        // What failed within comes out of Envoy's HTTP service as 403.
        let failed = if asks == Asks::Grpc { 500 } else { 403 };
        for (method, target, authorization, status, outcome) in [
            ("GET", "/open", "", 200, "allow"),
            ("DELETE", "/open?x=1", "", 200, "allow"),
            ("GET", "/closed", "", 403, "deny"),
            ("GET", "/nothing", "", 403, "undefined"),
            ("GET", "/broken?zero=0", "", failed, "error"),
            ("GET", "/unsayable", "", failed, "error"),
            ("GET", "/mine", alice.as_str(), 200, "allow"),
            ("GET", "/mine", "", 403, "deny"),
            ("GET", "/open", "Bearer a.b.c", 401, "refused"),
            ("GET", "/open", "Basic YTpi", 401, "refused"),
            ("GET", "/open//closed", "", 400, "refused"),
            ("GET", "/open%2f..%2fclosed", "", 400, "refused"),
            ("GET", "/refused?status=302", "", 302, "deny"),
            ("GET", "/refused?status=418", "", 403, "deny"),
        ] {
            let headers: Vec<_> = Some(("authorization", authorization))
                .filter(|(_, value)| !value.is_empty())
                .into_iter()
                .collect();
            let ((reply, seen), record) =
                server.recorded(|| gateway.send(&server, method, target, &headers, ""));
            // What is no status to Envoy's gRPC service is one to its HTTP service.
            let status = if target.ends_with("418") && asks == Asks::Http { 418 } else { status };
            assert_eq!(reply.status, status, "{asks:?} {method} {target}: {record:#}");
            assert_eq!(record["outcome"], outcome, "{asks:?} {method} {target}");
            assert_eq!(seen.len(), usize::from(status == 200), "{asks:?} {method} {target}: {seen:?}");
            if status == 401 {
                assert!(reply.header("www-authenticate").unwrap().starts_with("Bearer"), "{asks:?}");
            }
        }
    }
}

#[test]
fn nobody_is_somebody_by_a_header_and_the_service_behind_is_told_who_it_is() {
    let server = app().start();
    let alice = format!("Bearer {}", token(&server, "alice"));
    for asks in BOTH {
        let Some(gateway) = Gateway::start(asks, server.app.address, PATIENT) else { return };
        let spoofed = [("x-auth-user", "root"), ("x-auth-roles", "admin"), ("x-forwarded-user", "root")];
        let ((_, seen), record) = server.recorded(|| gateway.send(&server, "GET", "/open", &spoofed, ""));
        for name in ["x-auth-user", "x-auth-roles", "x-forwarded-user"] {
            assert_eq!(seen[0].header(name), None, "{asks:?} {name}");
        }
        assert!(!input(&record).to_string().contains("root"), "{record:#}");
        let known: Vec<_> = spoofed.iter().copied().chain([("authorization", alice.as_str())]).collect();
        let ((_, seen), record) = server.recorded(|| gateway.send(&server, "GET", "/mine", &known, ""));
        assert_eq!(seen[0].header("x-auth-user").as_deref(), Some("alice"), "{asks:?}");
        assert_eq!(
            seen[0].header("verdict-decision-id").as_deref(),
            record["decision_id"].as_str(),
            "{asks:?}"
        );
    }
}

#[test]
fn policy_adds_and_removes_both_ways() {
    let server = app().start();
    let Some(gateway) = Gateway::start(Asks::Grpc, server.app.address, PATIENT) else { return };
    let sent = [("x-team", "green"), ("x-debug", "1")];
    let ((reply, seen), record) =
        server.recorded(|| gateway.send(&server, "GET", "/told?admin=1&q=2", &sent, ""));
    let seen = &seen[0];
    assert_eq!(seen.header("x-team").as_deref(), Some("red,blue"));
    assert_eq!(seen.header("x-auth-user").as_deref(), Some("from-policy"));
    assert_eq!(seen.header("x-debug"), None);
    assert_eq!(seen.target, "/told?limit=10&q=2");
    assert_eq!(reply.header("x-seen"), Some("yes"));
    assert_eq!(reply.headers.get_all("set-cookie").iter().count(), 2);
    assert_eq!(reply.header("verdict-reason"), None);
    // What filters and logs of Envoy see; it writes parameters in the order of their names.
    let id = record["decision_id"].as_str().unwrap();
    let line = format!("/told?limit=10&q=2 {id} gold");
    let log = gateway.envoy.dir.path().join("access.log");
    wait_until("the access log", || {
        std::fs::read_to_string(&log).is_ok_and(|text| text.lines().any(|other| other == line))
    });
    let (reply, seen) = gateway.send(&server, "GET", "/refused?status=429", &[], "");
    assert_eq!((reply.status, reply.body.as_slice(), seen.len()), (429, &b"come back tomorrow"[..], 0));
    assert_eq!(reply.header("x-why"), Some("closed"));
}

#[test]
fn a_body_that_is_cut_is_no_whole_one() {
    let server = app().start();
    let json = [("content-type", "application/json")];
    for asks in BOTH {
        let Some(gateway) = Gateway::start(asks, server.app.address, PATIENT) else { return };
        let small = r#"{"amount": 5}"#;
        let ((reply, seen), record) =
            server.recorded(|| gateway.send(&server, "POST", "/body", &json, small));
        assert_eq!((reply.status, seen.len()), (200, 1), "{asks:?}: {record:#}");
        assert_eq!(seen[0].body, small.as_bytes());
        // The beginning of it alone would be another body.
        let long = format!("{small}{}", " ".repeat(200));
        let ((reply, seen), record) =
            server.recorded(|| gateway.send(&server, "POST", "/body", &json, &long));
        assert_eq!((reply.status, seen.len()), (403, 0), "{asks:?}: {record:#}");
        assert_eq!(input(&record)["truncated_body"], true, "{asks:?}");
    }
}

#[test]
fn a_route_tells_more() {
    let server = app().start();
    let Some(gateway) = Gateway::start(Asks::Grpc, server.app.address, PATIENT) else { return };
    let (reply, seen) = gateway.send(&server, "GET", "/extended", &[], "");
    assert_eq!((reply.status, seen.len()), (200, 1));
}

#[test]
fn without_verdict_nothing_passes() {
    let server = app().start();
    for asks in BOTH {
        // Nobody listens there.
        let gone = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
        // Somebody does, and never answers.
        let mute = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        for (address, timeout) in [(gone, PATIENT), (mute.local_addr().unwrap(), "0.2s")] {
            let Some(gateway) = Gateway::start(asks, address, timeout) else { return };
            let (reply, seen) = gateway.send(&server, "GET", "/open", &[], "");
            assert_eq!((reply.status, seen.len()), (403, 0), "{asks:?} {timeout}");
        }
    }
}

#[test]
fn without_policy_nothing_passes() {
    let server = TestApp::new().config("identity: {mode: optional}\n").start();
    for asks in BOTH {
        let Some(gateway) = Gateway::start(asks, server.app.address, PATIENT) else { return };
        let (reply, seen) = gateway.send(&server, "GET", "/open", &[], "");
        let status = if asks == Asks::Grpc { 503 } else { 403 };
        assert_eq!((reply.status, seen.len()), (status, 0), "{asks:?}");
    }
}

#[test]
fn what_cannot_be_recorded_does_not_pass() {
    if !std::path::Path::new("/dev/full").exists() {
        skipped("a full device: there is no /dev/full");
        return;
    }
    let full = "decision_log: {console: off, file: {path: /dev/full}}\n";
    let server = configured(full).start();
    for asks in BOTH {
        let Some(gateway) = Gateway::start(asks, server.app.address, PATIENT) else { return };
        let (reply, seen) = gateway.send(&server, "GET", "/open", &[], "");
        assert_eq!((reply.status, seen.len()), (403, 0), "{asks:?}");
    }
}
