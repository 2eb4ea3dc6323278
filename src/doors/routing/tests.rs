use verdict_rego::Value;

use super::*;

fn routes(yaml: &str) -> Result<Routes, Vec<Flaw>> {
    Routes::new(&yaml_serde::from_str::<HttpConfig>(yaml).unwrap())
}

/// `name action type:id {properties}` of the route of a request.
fn found(routes: &Routes, request: &str) -> String {
    let mut parts = request.split(' ');
    let (method, path) = (parts.next().unwrap(), parts.next().unwrap());
    let segments: Vec<String> = path.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect();
    let Some(found) = routes.find(parts.next(), method, &segments) else { return "none".to_owned() };
    let text = |name: &str| found.resource.get(name).and_then(Value::as_str).unwrap_or_default();
    let properties = found.resource.get("properties").map(|properties| format!(" {properties}"));
    format!("{} {}:{}{}", found.action, text("type"), text("id"), properties.unwrap_or_default())
}

#[test]
fn the_most_specific_route_counts() {
    let routes = routes(
        "routes:
- {path: /invoices, methods: [GET], action: list, resource: {type: invoice, id: all}}
- {path: '/invoices/{id}', methods: [GET], action: read, resource: {type: invoice, id: '{id}'}}
- {path: '/invoices/{id}', methods: [PUT, PATCH], action: write, resource: {type: invoice}}
- {path: '/invoices/{id}', action: touch, resource: {type: invoice}}
- {path: /invoices/new, methods: [GET], action: draft, resource: {type: invoice}}
- {path: '/orgs/{org}/files/{*path}', action: open, resource: {type: file, id: '{path}'}}
- {path: '/orgs/{org}/users/{id}', action: see, resource: {type: user, id: '{org}/{id}'}}
- {path: '/orgs/{org}/users/{id}', host: Admin.Example, action: manage, resource: {type: user, id: '{id}'}}
- {path: '/%7Eme', action: me, resource: {type: self}}
- {path: /, action: home, resource: {type: page}}
",
    )
    .unwrap();
    for (request, expected) in [
        ("GET /invoices", "list invoice:all"),
        ("POST /invoices", "none"),
        ("GET /invoices/42", "read invoice:42"),
        ("HEAD /invoices/42", "read invoice:42"),
        ("PATCH /invoices/42", "write invoice:42"),
        ("DELETE /invoices/42", "touch invoice:42"),
        ("GET /invoices/new", "draft invoice:/invoices/new"),
        ("PUT /invoices/new", "write invoice:new"),
        ("DELETE /invoices/new", "touch invoice:new"),
        ("GET /invoices/42/lines", "none"),
        ("GET /orgs/acme/files/a/b", r#"open file:a/b {"org":"acme"}"#),
        ("GET /orgs/acme/files", "none"),
        ("GET /orgs/acme/users/7", "see user:acme/7"),
        ("GET /orgs/acme/users/7 admin.example", r#"manage user:7 {"org":"acme"}"#),
        ("GET /invoices/42 admin.example", "read invoice:42"),
        ("GET /~me", "me self:/%7Eme"),
        ("GET /", "home page:/"),
    ] {
        assert_eq!(found(&routes, request), expected, "{request}");
    }
}

#[test]
fn what_no_request_can_mean_is_an_error_at_its_key() {
    for (yaml, at, why) in [
        ("routes: [{path: a, action: x, resource: {type: t}}]", "routes[0].path", "begin with"),
        ("routes: [{path: /a//b, action: x, resource: {type: t}}]", "routes[0].path", "empty segment"),
        ("routes: [{path: /a/../b, action: x, resource: {type: t}}]", "routes[0].path", "dot segment"),
        ("routes: [{path: '/a{id}', action: x, resource: {type: t}}]", "routes[0].path", "whole segment"),
        ("routes: [{path: '/{id}/{id}', action: x, resource: {type: t}}]", "routes[0].path", "twice"),
        ("routes: [{path: '/{*id}/a', action: x, resource: {type: t}}]", "routes[0].path", "behind"),
        ("routes: [{path: '/{}', action: x, resource: {type: t}}]", "routes[0].path", "without a name"),
        ("routes: [{path: /a, resource: {type: t}}]", "routes[0].action", "empty"),
        ("routes: [{path: /a, action: x}]", "routes[0].resource.type", "empty"),
        (
            "routes: [{path: /a, action: x, resource: {type: t, id: '{b}'}}]",
            "routes[0].resource.id",
            "no variable",
        ),
        (
            "routes: [{path: '/{a}/{b}', action: x, resource: {type: t, id: '{a}-{b}'}}]",
            "resource.id",
            "without a `/`",
        ),
        (
            "routes: [{path: /a, methods: [get], action: x, resource: {type: t}}]",
            "routes[0].methods",
            "no method",
        ),
        ("routes: [{path: /a, host: 'a:1', action: x, resource: {type: t}}]", "routes[0].host", "no host"),
        (
            "routes: [{path: '/{a}', action: x, resource: {type: t}}, {path: '/{b}/', action: y, resource: {type: t}}]",
            "routes[1]",
            "`/{b}/` matches the same requests (any method) as `/{a}` (doors.http.routes[0])",
        ),
        (
            "routes: [{path: /a, methods: [GET], action: x, resource: {type: t}}, {path: /a, methods: [PUT, GET], action: y, resource: {type: t}}]",
            "routes[1]",
            "(GET)",
        ),
        ("identity_headers: ['x y']", "identity_headers[0]", "not the name"),
        ("upstream_headers: {x_a: subject.id}", "upstream_headers.x_a", "not the name"),
        ("upstream_headers: {x-a: action}", "upstream_headers.x-a", "verified"),
        ("openapi: /nowhere.yaml", "openapi", "/nowhere.yaml"),
    ] {
        let flaws = routes(yaml).unwrap_err();
        let flaw = flaws.first().unwrap();
        assert!(flaw.at.starts_with("doors.http.") && flaw.at.contains(at), "{yaml}: {flaw:?}");
        assert!(flaw.message.contains(why), "{yaml}: {flaw:?}");
    }
}

const OPENAPI: &str = r##"
openapi: 3.1.0
info: {title: Invoices, version: "1"}
servers: [{url: "https://api.example.com/v2/"}]
paths:
  /invoices:
    get: {operationId: listInvoices, tags: [invoice]}
    post: {tags: [invoice], x-verdict: {action: create, resource: {type: invoice, id: new}}}
  "/invoices/{id}":
    parameters: [{name: id, in: path, required: true, schema: {type: string}}]
    get: {operationId: readInvoice}
    delete: {operationId: dropInvoice, x-verdict: {action: delete}}
"##;

fn openapi(text: &str) -> Result<Routes, Vec<Flaw>> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    Routes::new(&HttpConfig { openapi: Some(file.path().to_owned()), ..HttpConfig::default() })
}

#[test]
fn an_openapi_document_is_a_route_table() {
    let routes = openapi(OPENAPI).unwrap();
    for (request, expected) in [
        ("GET /v2/invoices", "listInvoices invoice:/v2/invoices"),
        ("POST /v2/invoices", "create invoice:new"),
        ("GET /v2/invoices/42", "readInvoice invoices:42"),
        ("DELETE /v2/invoices/42", "delete invoices:42"),
        ("GET /invoices/42", "none"),
    ] {
        assert_eq!(found(&routes, request), expected, "{request}");
    }
    for (from, to, why) in [
        ("openapi: 3.1.0", "swagger: \"2.0\"", "3.x"),
        ("x-verdict: {action: delete}", "x-verdict: {act: delete}", "`x-verdict.act`"),
        ("/invoices/{id}", "/invoices/{id}.pdf", "whole segment"),
        ("get: {operationId: readInvoice}", "$ref: other.yaml", "not followed"),
        ("paths:", "paths: [", "paths"),
    ] {
        let flaws = openapi(&OPENAPI.replace(from, to)).unwrap_err();
        let said = format!("{flaws:?}");
        assert!(said.contains(why) || why == "paths", "{said}");
    }
}

#[test]
fn names_of_identity_headers_have_no_second_spelling() {
    let routes = routes("identity_headers: [x-user, 'x-sso-*']").unwrap();
    for (name, named) in [
        ("x-user", true),
        ("x_user", true),
        ("x-user-agent", false),
        ("x-sso-groups", true),
        ("x_sso_groups", true),
        ("x-auth-user", true),
        ("x_auth_user", true),
        ("accept", false),
    ] {
        assert_eq!(routes.names_identity(&HeaderName::from_bytes(name.as_bytes()).unwrap()), named, "{name}");
    }
}
