//! What other systems send to OPA's data API, as they send it: each with a policy, over a socket, and what they read of the answer.

use serde_json::{Value, json};

use crate::harness::wire::{Wire, chunked, request};
use crate::harness::{Reply, Server, TestApp};

/// A policy for each of them, in the package of its name.
const POLICIES: &[(&str, &str)] = &[
    (
        "apisix",
        r#"
default decision := {"allow": false, "reason": "not yours", "status_code": 403, "headers": {"x-why": "owner"}}

decision := {"allow": true, "headers": {"x-user": "ann"}} if {
	input.type == "http"
	input.request.method == "GET"
	input.request.headers["x-user"] == "ann"
}
"#,
    ),
    (
        "kong",
        r#"
default allow := false

allow if {
	input.request.http.method == "GET"
	startswith(input.request.http.path, "/public/")
}

detailed := {"allow": true} if allow

detailed := {"allow": false, "status": 418, "message": "no"} if not allow
"#,
    ),
    (
        "spring",
        r#"
decision := {"decision": allow, "context": {"id": "1", "reason_user": {"en": "only readers"}}}

default allow := false

allow if {
	{"authority": "ROLE_USER"} in input.subject.authorities
	input.action.name == "GET"
	input.resource.type == "endpoint"
}
"#,
    ),
    (
        "trino",
        r#"
default allow := false

allow if input.context.identity.user == "ann"

batch contains i if {
	some i
	input.action.filterResources[i].table.tableName != "secret"
	allow
}

row_filters contains {"expression": "owner = 'ann'"} if input.action.resource.table.tableName == "orders"

column_mask := {"expression": "NULL"} if input.action.resource.column.columnName == "salary"

batch_column_masks contains {"index": i, "viewExpression": {"expression": "'***'"}} if {
	some i
	input.action.filterResources[i].column.columnName == "salary"
}
"#,
    ),
    (
        "kafka",
        r#"
default allow := false

allow if {
	input.action.operation in {"READ", "DESCRIBE"}
	input.action.resourcePattern.resourceType == "TOPIC"
	startswith(input.action.resourcePattern.name, input.requestContext.principal.name)
}
"#,
    ),
    (
        "minio",
        "\ndefault allow := false\n\nallow if {\n\tinput.account == \"ann\"\n\tinput.action == \"s3:GetObject\"\n}\n\nwrapped := {\"allow\": allow}\n",
    ),
    (
        "backstage",
        r#"
decision := {"result": "ALLOW"} if input.permission.name == "catalog.entity.read"

decision := {
	"result": "CONDITIONAL",
	"pluginId": "catalog",
	"resourceType": "catalog-entity",
	"conditions": {"anyOf": [{
		"resourceType": "catalog-entity",
		"rule": "IS_ENTITY_OWNER",
		"params": {"claims": input.identity.claims},
	}]},
} if input.permission.name == "catalog.entity.delete"
"#,
    ),
    ("haproxy", "\ndefault allow := false\n\nallow if input.path == \"/public\"\n"),
    (
        "httpapi.authz",
        "\ndefault allow := false\n\nallow if {\n\tinput.request_method == \"GET\"\n\tinput.request_path == [\"invoices\", \"1\"]\n}\n",
    ),
];

fn server(config: &str) -> Server {
    let app = TestApp::new().config(&format!("identity: {{mode: off}}\n{config}"));
    let with = |app: TestApp, (package, policy): &(&str, &str)| {
        app.file(&format!("all/{package}.rego"), &format!("package {package}\n{policy}"))
    };
    POLICIES.iter().fold(app.file("all/.manifest", "{}"), with).start()
}

/// System, path, input, and the result that it reads; none where the document is undefined.
fn calls() -> Vec<(&'static str, &'static str, Value, Option<Value>)> {
    let apisix = |user: &str| {
        json!({"type": "http", "request": {"scheme": "http", "method": "GET", "host": "a.example", "port": 9080, "path": "/x",
               "headers": {"x-user": user, "host": "a.example"}, "query": {"q": "1"}},
               "var": {"server_addr": "10.0.0.1", "server_port": "9080", "remote_addr": "10.0.0.2", "remote_port": "5", "timestamp": 1_700_000_000}})
    };
    let kong = |path: &str| {
        json!({"request": {"http": {"host": "a.example", "port": "8000", "tls": {}, "method": "GET", "scheme": "http",
               "path": path, "querystring": {}, "headers": {"host": "a.example"}}}, "client_ip": "10.0.0.2"})
    };
    let spring = |method: &str| {
        json!({"subject": {"type": "java_authentication", "id": "ann", "details": {}, "authorities": [{"authority": "ROLE_USER"}]},
               "resource": {"type": "endpoint", "id": "/orders"}, "action": {"name": method, "protocol": "HTTP/1.1", "headers": {}},
               "context": {"type": "http", "host": "10.0.0.2", "ip": "10.0.0.2", "port": 5, "data": {}}})
    };
    let spring_says = |decision: bool| json!({"decision": decision, "context": {"id": "1", "reason_user": {"en": "only readers"}}});
    let trino = |user: &str, action: Value| json!({"context": {"identity": {"user": user, "groups": []}, "queryId": "q", "softwareStack": {"trinoVersion": "440"}}, "action": action});
    let tables = |names: &[&str]| {
        let table =
            |name: &&str| json!({"table": {"catalogName": "c", "schemaName": "s", "tableName": name}});
        json!({"operation": "FilterTables", "filterResources": names.iter().map(table).collect::<Vec<_>>()})
    };
    let table = |name: &str| json!({"operation": "GetRowFilters", "resource": {"table": {"catalogName": "c", "schemaName": "s", "tableName": name}}});
    let column = |name: &str| json!({"column": {"catalogName": "c", "schemaName": "s", "tableName": "t", "columnName": name, "columnType": "bigint"}});
    let kafka = |topic: &str| {
        json!({"requestContext": {"clientAddress": "10.0.0.2", "clientInformation": {}, "connectionId": "1", "header": {"name": {"clientId": "c"}},
               "listenerName": "PLAIN", "principal": {"principalType": "User", "name": "ann"}, "securityProtocol": "SASL_SSL"},
               "action": {"logIfAllowed": true, "operation": "READ", "resourcePattern": {"resourceType": "TOPIC", "name": topic, "patternType": "LITERAL"}}})
    };
    let minio = |action: &str| {
        json!({"account": "ann", "groups": null, "action": action, "originalAction": action, "bucket": "b", "object": "o", "conditions": {"SourceIp": ["10.0.0.2"]},
               "owner": false, "claims": {}, "denyOnly": false})
    };
    let backstage = |permission: &str| json!({"permission": {"name": permission}, "identity": {"user": "user:default/ann", "claims": ["group:a"]}});
    let conditional = json!({"result": "CONDITIONAL", "pluginId": "catalog", "resourceType": "catalog-entity", "conditions": {"anyOf": [
        {"resourceType": "catalog-entity", "rule": "IS_ENTITY_OWNER", "params": {"claims": ["group:a"]}}]}});
    let denied =
        json!({"allow": false, "reason": "not yours", "status_code": 403, "headers": {"x-why": "owner"}});
    let bools = |value: bool| Some(json!(value));
    vec![
        (
            "APISIX",
            "apisix/decision",
            apisix("ann"),
            Some(json!({"allow": true, "headers": {"x-user": "ann"}})),
        ),
        ("APISIX", "apisix/decision", apisix("eve"), Some(denied)),
        ("Kong", "kong/allow", kong("/public/a"), bools(true)),
        (
            "Kong",
            "kong/detailed",
            kong("/private"),
            Some(json!({"allow": false, "status": 418, "message": "no"})),
        ),
        ("Spring", "spring/decision", spring("GET"), Some(spring_says(true))),
        ("Spring", "spring/decision", spring("DELETE"), Some(spring_says(false))),
        ("Trino", "trino/allow", trino("ann", json!({"operation": "ExecuteQuery"})), bools(true)),
        ("Trino", "trino/allow", trino("eve", json!({"operation": "ExecuteQuery"})), bools(false)),
        ("Trino batch", "trino/batch", trino("ann", tables(&["a", "secret", "b"])), Some(json!([0, 2]))),
        ("Trino batch", "trino/batch", trino("eve", tables(&["a"])), Some(json!([]))),
        (
            "Trino rows",
            "trino/row_filters",
            trino("ann", table("orders")),
            Some(json!([{"expression": "owner = 'ann'"}])),
        ),
        ("Trino rows", "trino/row_filters", trino("ann", table("other")), Some(json!([]))),
        (
            "Trino mask",
            "trino/column_mask",
            trino("ann", json!({"operation": "GetColumnMask", "resource": column("salary")})),
            Some(json!({"expression": "NULL"})),
        ),
        (
            "Trino mask",
            "trino/column_mask",
            trino("ann", json!({"operation": "GetColumnMask", "resource": column("id")})),
            None,
        ),
        (
            "Trino masks",
            "trino/batch_column_masks",
            trino(
                "ann",
                json!({"operation": "GetColumnMask", "filterResources": [column("id"), column("salary")]}),
            ),
            Some(json!([{"index": 1, "viewExpression": {"expression": "'***'"}}])),
        ),
        ("Kafka", "kafka/allow", kafka("ann-topic"), bools(true)),
        ("Kafka", "kafka/allow", kafka("other"), bools(false)),
        ("MinIO", "minio/allow", minio("s3:GetObject"), bools(true)),
        ("MinIO", "minio/wrapped", minio("s3:DeleteObject"), Some(json!({"allow": false}))),
        (
            "Backstage",
            "backstage/decision",
            backstage("catalog.entity.read"),
            Some(json!({"result": "ALLOW"})),
        ),
        ("Backstage", "backstage/decision", backstage("catalog.entity.delete"), Some(conditional)),
        ("Backstage", "backstage/decision", backstage("other"), None),
    ]
}

fn sent(server: &Server, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
    let mut wire = Wire::open(server.app.address);
    wire.send(&request("POST", path, headers, body));
    wire.reply().unwrap()
}

#[test]
fn each_system_reads_what_it_expects() {
    let server = server("");
    for (system, path, input, expected) in calls() {
        let body = json!({"input": input}).to_string();
        let headers = [("Content-Type", "application/json"), ("Accept", "*/*")];
        let reply = sent(&server, &format!("/v1/data/{path}"), &headers, body.as_bytes());
        assert_eq!((reply.status, reply.json().get("result")), (200, expected.as_ref()), "{system} {input}");
        assert_eq!(reply.header("content-type"), Some("application/json"), "{system}");
    }
}

#[test]
fn spring_sends_its_input_bare_to_the_default_decision() {
    let server = server("decision: {default_path: spring/decision}\n");
    let (_, _, input, expected) = calls().into_iter().find(|(system, ..)| *system == "Spring").unwrap();
    let reply = sent(&server, "/", &[("Content-Type", "application/json")], input.to_string().as_bytes());
    assert_eq!((reply.status, Some(reply.json())), (200, expected));
}

#[test]
fn haproxy_sends_its_body_in_chunks() {
    let server = server("");
    for (path, allowed) in [("/public", true), ("/private", false)] {
        let body = json!({"input": {"path": path, "method": "GET"}}).to_string();
        for size in [1, 7, 1 << 16] {
            let headers = [
                ("transfer-encoding", "chunked"),
                ("user-agent", "HAProxy"),
                ("content-type", "application/json"),
            ];
            let reply = sent(&server, "/v1/data/haproxy/allow", &headers, &chunked(body.as_bytes(), size));
            assert_eq!((reply.status, &reply.json()["result"]), (200, &json!(allowed)), "{path} {size}");
        }
    }
}

#[test]
fn fastapi_sends_no_content_type() {
    let server = server("");
    for (method, allowed) in [("GET", true), ("DELETE", false)] {
        let input = json!({"user": "APIKey", "request_method": method, "request_path": ["invoices", "1"]});
        let body = json!({"input": input}).to_string();
        let reply = sent(&server, "/v1/data/httpapi/authz", &[], body.as_bytes());
        assert_eq!((reply.status, &reply.json()["result"]["allow"]), (200, &json!(allowed)), "{method}");
    }
}

#[test]
fn keys_beside_the_input_are_refused_or_recorded() {
    let body = r#"{"input": {"path": "/public"}, "trace": {"id": "t-1"}, "INPUT": 1}"#;
    let ask = |server: &Server| server.post("/v1/data/haproxy/allow", body);
    let refusing = server("");
    let (reply, record) = refusing.recorded(|| ask(&refusing));
    assert_eq!((reply.status, record.get("custom")), (400, None));
    let recording = server("doors: {opa: {extra_keys: record}}\n");
    let (reply, record) = recording.recorded(|| ask(&recording));
    assert_eq!((reply.status, reply.json()["result"].clone()), (200, json!(true)));
    assert_eq!(record["custom"], json!({"incoming_metadata": {"trace": {"id": "t-1"}, "INPUT": 1}}));
    assert_eq!(record["input"], json!({"path": "/public"}));
    for (body, status) in
        [("[]", 400), ("1", 400), (r#"{"input": 1, "input": 2}"#, 400), ("null", 200), (r#"{"a": 1}"#, 200)]
    {
        assert_eq!(recording.post("/v1/data/haproxy/allow", body).status, status, "{body}");
    }
    let (_, record) = recording.recorded(|| recording.post("/v1/data/haproxy/allow", r#"{"input": {}}"#));
    assert_eq!(record.get("custom"), None);
}
