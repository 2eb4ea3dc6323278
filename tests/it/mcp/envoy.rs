//! A real Envoy in front of an MCP server: over HTTP, where a denial is the client's answer as it is, and over gRPC, with the word of
//! Envoy's MCP filter.

use serde_json::{Value, json};

use super::world::{POLICY, call, code, modern, request, token};
use crate::harness::envoy::Envoy;
use crate::harness::upstream::Upstream;
use crate::harness::{Reply, Server, TestApp};

const HTTP: &str = "
              - name: envoy.filters.http.ext_authz
                typed_config:
                  '@type': type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthz
                  failure_mode_allow: false
                  allowed_headers: {patterns: [{exact: authorization}, {prefix: mcp-}]}
                  with_request_body: {max_request_bytes: 1048576, allow_partial_message: false}
                  http_service:
                    server_uri: {uri: 'http://verdict', cluster: verdict, timeout: 5s}
                    path_prefix: /mcp/authorize/calc
                    authorization_response:
                      allowed_client_headers: {patterns: [{exact: www-authenticate}, {exact: content-type}, {exact: verdict-decision-id}]}";

/// With the filter, whose word is all that is sent of a message.
const GRPC: &str = "
              - name: envoy.filters.http.mcp
                typed_config:
                  '@type': type.googleapis.com/envoy.extensions.filters.http.mcp.v3.Mcp
              - name: envoy.filters.http.ext_authz
                typed_config:
                  '@type': type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthz
                  failure_mode_allow: false
                  metadata_context_namespaces: [envoy.filters.http.mcp]
                  grpc_service: {envoy_grpc: {cluster_name: verdict_grpc}, timeout: 5s}";

/// With the body.
const GRPC_BODY: &str = "
              - name: envoy.filters.http.ext_authz
                typed_config:
                  '@type': type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthz
                  failure_mode_allow: false
                  with_request_body: {max_request_bytes: 1048576, allow_partial_message: false}
                  grpc_service: {envoy_grpc: {cluster_name: verdict_grpc}, timeout: 5s}";

fn gateway(server: &Server, upstream: &Upstream, filters: &str) -> Option<Envoy> {
    let cluster = |name: &str, port: u16, options: &str| {
        format!(
            "
  - name: {name}
    type: STATIC{options}
    load_assignment:
      cluster_name: {name}
      endpoints: [{{lb_endpoints: [{{endpoint: {{address: {{socket_address: {{address: 127.0.0.1, port_value: {port}}}}}}}}}]}}]"
        )
    };
    let http2 = "
    typed_extension_protocol_options:
      envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
        '@type': type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
        explicit_http_config: {http2_protocol_options: {}}";
    let verdict = server.app.address.port();
    let clusters = [
        cluster("verdict", verdict, ""),
        cluster("verdict_grpc", verdict, http2),
        cluster("tools", upstream.address.port(), ""),
    ]
    .concat();
    Envoy::start("MCP through Envoy", |port| {
        format!(
            "static_resources:
  listeners:
  - address: {{socket_address: {{address: 127.0.0.1, port_value: {port}}}}}
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          '@type': type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: mcp
          route_config:
            virtual_hosts:
            - name: tools
              domains: ['*']
              routes:
              - match: {{prefix: /}}
                route: {{cluster: tools}}
                typed_per_filter_config:
                  envoy.filters.http.ext_authz:
                    '@type': type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthzPerRoute
                    check_settings: {{context_extensions: {{mcp_server: calc}}}}
          http_filters:{filters}
              - name: envoy.filters.http.router
                typed_config:
                  '@type': type.googleapis.com/envoy.extensions.filters.http.router.v3.Router
  clusters:{clusters}
"
        )
    })
}

fn world() -> Server {
    let config =
        "identity: {mode: optional}\ndoors: {mcp: {document: mcp/allow}, ext_authz: {document: mcp/allow}}\n";
    TestApp::new().config(config).file("mcp/mcp.rego", POLICY).start()
}

fn send(server: &Server, envoy: &Envoy, headers: &[(&str, String)], message: &Value) -> Reply {
    let mut request = server.client.post(format!("http://{}/rpc", envoy.address));
    request = request.header("Content-Type", "application/json");
    request = request.header("Accept", "application/json, text/event-stream");
    for (name, value) in headers {
        request = request.header(*name, value);
    }
    server.block_on(async {
        let answer = request.body(message.to_string()).send().await.unwrap();
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        Reply { status, headers, body: answer.bytes().await.unwrap().to_vec() }
    })
}

#[test]
fn over_http_a_denial_is_the_clients_answer() {
    let (server, upstream) = (world(), Upstream::start());
    let Some(envoy) = gateway(&server, &upstream, HTTP) else { return };
    let bearer = ("Authorization", format!("Bearer {}", token(&server, "alice")));
    let (good, mut headers) = modern("tools/call", json!({ "name": "add", "arguments": { "a": 1 } }));
    let lying = modern("tools/list", json!({})).1;
    headers.push(bearer.clone());
    for (headers, message, status, expected) in [
        (headers.clone(), good.clone(), 200, None),
        (vec![bearer.clone()], call("rm", 1), 403, Some(-32001)),
        (vec![bearer.clone()], call("add", 13), 403, Some(-32001)),
        (vec![("Authorization", "Bearer a.b.c".to_owned())], call("add", 1), 401, Some(-32001)),
        (lying, good, 400, Some(-32020)),
        (vec![], json!([call("add", 1)]), 400, Some(-32600)),
        (vec![], request("tools/destroy", json!({})), 403, Some(-32001)),
    ] {
        let reply = send(&server, &envoy, &headers, &message);
        assert_eq!(reply.status, status, "{message}: {}", String::from_utf8_lossy(&reply.body));
        let seen = upstream.taken();
        match expected {
            None => assert_eq!((seen.len(), seen[0].target.as_str()), (1, "/rpc"), "{message}"),
            Some(expected) => {
                assert!(seen.is_empty(), "{message}: {seen:?}");
                assert_eq!(code(&reply), expected, "{message}");
                assert!(reply.header("verdict-decision-id").is_some(), "{message}");
            }
        }
    }
    let record = server.records().pop().unwrap();
    assert_eq!((&record["protocol"], &record["outcome"]), (&json!("mcp"), &json!("refused")));
    server.shutdown();
    // Nobody decides: nobody passes.
    let gone = world();
    assert_eq!(send(&gone, &envoy, &[], &call("add", 1)).status, 403);
    assert!(upstream.taken().is_empty());
}

#[test]
fn over_grpc_messages_are_seen_by_body_or_by_the_filters_word() {
    for (filters, arguments) in [(GRPC_BODY, true), (GRPC, false)] {
        let (server, upstream) = (world(), Upstream::start());
        let Some(envoy) = gateway(&server, &upstream, filters) else { return };
        let bearer = vec![("Authorization", format!("Bearer {}", token(&server, "alice")))];
        for (message, status) in [
            (call("add", 1), 200),
            (call("rm", 1), 403),
            (request("tools/list", json!({})), 200),
            (request("ping", json!({})), 200),
            (request("tools/destroy", json!({})), 403),
            // Its arguments are in the body alone.
            (call("add", 13), if arguments { 403 } else { 200 }),
        ] {
            let reply = send(&server, &envoy, &bearer, &message);
            assert_eq!(reply.status, status, "{message}: {}", String::from_utf8_lossy(&reply.body));
            assert_eq!(upstream.taken().len(), usize::from(status == 200), "{message}");
            let record = server.records().pop().unwrap();
            assert_eq!(record["protocol"], "ext_authz", "{record}");
            if status == 200 {
                assert_eq!(record["input"]["action"], message["method"], "{record}");
                assert_eq!(record["input"]["mcp"]["server"], "calc");
                assert_eq!(record["input"]["context"]["http"]["path"], "/rpc");
            }
        }
    }
}
