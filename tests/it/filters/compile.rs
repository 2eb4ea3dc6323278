//! `POST /v1/compile` and `POST /v1/compile/{path}` on the wire: who may ask, what is answered, what is recorded.

use std::time::Duration;

use serde_json::{Value, json};
use verdict::identity::dev::TokenRequest;

use super::{POSTGRESQL, filter, policy, query};
use crate::harness::{Reply, Server};

const POLICY: &str = r#"# METADATA
# scope: package
# compile:
#   unknowns: [input.fruits]
#   mask_rule: masks
package rows

include if input.fruits.owner == input.subject.id

include if input.fruits.public == true

bare if input.fruits.owner == input.user

masks.fruits.price.replace.value := "***" if input.subject.id != "ann"

never if input.user == "nobody"

lower_case if lower(input.fruits.name) == "x"

own contains role if {
	some role in ["reader", "writer"]
	input.fruits.role == role
}
"#;

fn token(server: &Server, sub: &str, roles: &[&str]) -> String {
    server.token(&TokenRequest {
        sub: sub.to_owned(),
        roles: roles.iter().map(|role| (*role).to_owned()).collect(),
        ttl: Duration::from_secs(600),
        ..TokenRequest::default()
    })
}

fn asked(server: &Server, path: &str, token: &str, accept: &str, body: &Value) -> Reply {
    let bearer = format!("Bearer {token}");
    let headers = [("authorization", bearer.as_str()), ("accept", accept)];
    server.send("POST", path, &headers, body.to_string().as_bytes())
}

/// The verified subject is known, and annotations say what is not; the record has the filter.
#[test]
fn a_filter_is_a_decision_for_the_verified_caller() {
    let server = policy(POLICY).config("identity: {mode: required}\n").start();
    let bob = token(&server, "bob", &[]);
    let (path, body) = ("/v1/compile/rows/include", json!({"input": {"subject": {"id": "ann"}}}));
    let (reply, record) = server.recorded(|| asked(&server, path, &bob, POSTGRESQL, &body));
    assert_eq!(reply.status, 200, "{}", reply.json());
    let expected = json!({
        "query": "WHERE (\"fruits\".\"owner\" = 'bob' OR \"fruits\".\"public\" = TRUE)",
        "masks": {"fruits": {"price": {"replace": {"value": "***"}}}},
    });
    assert_eq!(reply.json(), json!({ "result": expected }));
    assert_eq!((&record["path"], &record["outcome"]), (&json!("rows/include"), &json!("value")));
    assert_eq!((&record["result"], &record["subject"]["id"]), (&expected, &json!("bob")));
    let reply = server.send("POST", path, &[("accept", POSTGRESQL)], b"{}");
    assert_eq!(reply.status, 401);
    for unknown in ["input", "input.subject", "input.subject.id"] {
        let reply = asked(&server, path, &bob, POSTGRESQL, &json!({"unknowns": [unknown]}));
        assert_eq!(reply.status, 400, "{unknown}: {}", reply.json());
        assert!(reply.json()["message"].as_str().unwrap().contains("is verified"), "{}", reply.json());
    }
}

#[test]
fn each_target_has_a_media_type() {
    let server = policy(POLICY).start();
    let body = json!({"input": {"user": "bob"}});
    for (target, expected) in [
        ("sql.postgresql", json!("WHERE \"fruits\".\"owner\" = 'bob'")),
        ("sql.sqlite", json!("WHERE \"fruits\".\"owner\" = 'bob'")),
        ("sql.mysql", json!("WHERE `fruits`.`owner` = _utf8mb4'bob' COLLATE utf8mb4_bin")),
        ("sql.sqlserver", json!("WHERE [fruits].[owner] = N'bob' COLLATE Latin1_General_100_BIN2")),
        ("ucast.all", json!({"type": "field", "operator": "eq", "field": "fruits.owner", "value": "bob"})),
        (
            "ucast.minimal",
            json!({"type": "field", "operator": "eq", "field": "fruits.owner", "value": "bob"}),
        ),
        ("ucast.linq", json!({"type": "field", "operator": "eq", "field": "fruits.owner", "value": "bob"})),
        ("ucast.prisma", json!({"type": "field", "operator": "eq", "field": "fruits.owner", "value": "bob"})),
    ] {
        let accept = format!("application/vnd.opa.{target}+json");
        let reply = filter(&server, "rows/bare", &accept, &body);
        assert_eq!((reply.status, reply.header("content-type")), (200, Some(accept.as_str())));
        assert_eq!(reply.json()["result"]["query"], expected, "{target}");
    }
    let mut several = body;
    several["options"] = json!({"targetDialects": ["sql+sqlite", "ucast+all"]});
    let reply = filter(&server, "rows/bare", "application/vnd.opa.multitarget+json", &several);
    let result = &reply.json()["result"];
    assert_eq!(result["sqlite"]["query"], "WHERE \"fruits\".\"owner\" = 'bob'");
    assert_eq!(result["ucast"]["query"]["operator"], "eq");
}

#[test]
fn what_is_wrong_is_said_and_recorded() {
    let server = policy(POLICY).start();
    for (path, accept, body, why) in [
        ("rows/bare", "application/json", "{}", "the header `Accept` is another media type"),
        ("rows/bare", "application/vnd.opa.multitarget+json", "{}", "`options.targetDialects` names none"),
        ("rows/bare", POSTGRESQL, r#"{"unknowns": ["foo.bar"]}"#, "`foo.bar` is not a reference"),
        ("rows/bare", POSTGRESQL, r#"{"unknown": []}"#, "unknown field `unknown`"),
        ("rows/bare", POSTGRESQL, r#"{"options": {"x": 1}}"#, "unknown field `options.x`"),
        ("rows/bare", POSTGRESQL, r#"{"unknowns": []}"#, "nothing says what is unknown"),
        (
            "rows/bare",
            POSTGRESQL,
            r#"{"options": {"maskRule": "nowhere"}}"#,
            "the mask rule `data.rows.nowhere` does not exist",
        ),
        ("rows/bare", POSTGRESQL, "{", "malformed"),
    ] {
        // No condition is left without a user, so that masks are not looked at.
        let body = body.replacen('{', "{\"input\": {\"user\": \"bob\"}, ", 1).replace(", }", "}");
        let (reply, record) = server.recorded(|| {
            server.send("POST", &format!("/v1/compile/{path}"), &[("accept", accept)], body.as_bytes())
        });
        assert_eq!(reply.status, 400, "{body}: {}", reply.json());
        let message = reply.json()["message"].as_str().unwrap().to_owned();
        assert!(message.contains(why), "{body}: {message}");
        assert!(["refused", "error"].contains(&record["outcome"].as_str().unwrap()), "{record}");
    }
    let reply = filter(&server, "rows/lower_case", POSTGRESQL, &json!({}));
    assert_eq!((reply.status, &reply.json()["code"]), (400, &json!("evaluation_error")));
    let error = &reply.json()["errors"][0];
    assert_eq!(error["code"], "pe_fragment_error");
    assert_eq!(error["message"], "`lower` of a column is not possible in a filter");
    assert_eq!(error["location"]["file"], "rows/rows/policy.rego");
    assert!(error["location"]["row"].as_u64().unwrap() > 10, "{error}");
}

#[test]
fn no_row_is_no_filter_and_every_row_an_empty_one() {
    let server = policy(POLICY).start();
    let (reply, record) = server.recorded(|| filter(&server, "rows/never", POSTGRESQL, &json!({})));
    assert_eq!((reply.status, reply.json()), (200, json!({})));
    assert_eq!(record["outcome"], "deny");
    assert_eq!(filter(&server, "rows/nowhere", POSTGRESQL, &json!({})).json(), json!({}));
    let all = json!({"input": {"user": "nobody"}});
    assert_eq!(query(&server, "rows/never", POSTGRESQL, &all).as_deref(), Some(""));
}

#[test]
fn a_query_leaves_conditions_in_the_shape_of_opa() {
    let server = policy(POLICY).start();
    let body =
        json!({"query": "data.rows.bare == true", "input": {"user": "bob"}, "unknowns": ["input.fruits"]});
    let reply = server.post("/v1/compile", &body.to_string());
    assert_eq!(reply.status, 200, "{}", reply.json());
    let terms = json!([
        {"type": "ref", "value": [{"type": "var", "value": "equal"}]},
        {"type": "ref", "value": [{"type": "var", "value": "input"}, {"type": "string", "value": "fruits"}, {"type": "string", "value": "owner"}]},
        {"type": "string", "value": "bob"},
    ]);
    assert_eq!(reply.json(), json!({"result": {"queries": [[{"index": 0, "terms": terms}]]}}));
    for (query, unknowns, expected) in [
        ("data.rows.never", json!(["input.fruits"]), json!({"result": {}})),
        ("1 == 1", json!(null), json!({"result": {"queries": [[]]}})),
    ] {
        let body = json!({"query": query, "unknowns": unknowns});
        assert_eq!(server.post("/v1/compile", &body.to_string()).json(), expected, "{query}");
    }
    for (body, why) in [
        (json!({}), "`query` is missing"),
        (json!({"query": "x +"}), "parse"),
        (json!({"query": "input.x", "options": {"disableInlining": ["data.rows.bare"]}}), "not supported"),
    ] {
        let reply = server.post("/v1/compile", &body.to_string());
        assert_eq!(reply.status, 400, "{body}");
        assert!(reply.json().to_string().contains(why), "{body}: {}", reply.json());
    }
}

#[test]
fn a_query_of_ones_own_needs_the_management_role() {
    let server = policy(POLICY).config("identity: {mode: required}\n").start();
    let body = json!({"query": "data.rows.bare", "unknowns": ["input.fruits"]});
    let (bob, ada) = (token(&server, "bob", &[]), token(&server, "ada", &["verdict-admin"]));
    assert_eq!(server.post("/v1/compile", &body.to_string()).status, 401);
    let (reply, record) = server.recorded(|| server.ask("/v1/compile", &bob, &body.to_string()));
    assert_eq!((reply.status, &record["outcome"]), (403, &json!("refused")));
    let (reply, record) = server.recorded(|| server.ask("/v1/compile", &ada, &body.to_string()));
    assert_eq!((reply.status, &record["operation"]), (200, &json!("POST /v1/compile")));
}
