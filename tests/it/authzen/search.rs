//! Searches: what is found, page by page, and what is refused.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{EVALUATION, asked, evaluation, post, records};
use crate::harness::{Server, TestApp};

const SUBJECT: &str = "/access/v1/search/subject";
const RESOURCE: &str = "/access/v1/search/resource";
const ACTION: &str = "/access/v1/search/action";

#[test]
fn a_search_finds_what_evaluations_allow() {
    let server = records("").start();
    let archived = json!({"type": "record", "id": "record-2", "properties": {"status": "archived"}});
    let user = |id: &str| json!({"type": "user", "id": id});
    let record = |id: &str| json!({"type": "record", "id": id});
    let name = |name: &str| json!({"name": name});
    let (read, write) = (name("read"), name("write"));
    let admin = json!({"type": "user", "id": "bob", "properties": {"role": "admin"}});
    for (path, query, expected) in [
        (
            SUBJECT,
            json!({"subject": {"type": "user"}, "action": read, "resource": record("record-1")}),
            vec![user("alice"), user("bob")],
        ),
        (
            SUBJECT,
            json!({"subject": {"type": "user", "id": "ignored"}, "action": write, "resource": record("record-1")}),
            vec![user("alice")],
        ),
        (
            SUBJECT,
            json!({"subject": {"type": "user", "id": 1}, "action": write, "resource": archived}),
            vec![user("bob")],
        ),
        (
            SUBJECT,
            json!({"subject": {"type": "spaceship"}, "action": read, "resource": record("record-1")}),
            vec![],
        ),
        (
            RESOURCE,
            json!({"subject": user("alice"), "action": read, "resource": {"type": "record", "id": "ignored"}, "context": {"x": 1}}),
            vec![record("record-1"), record("record-2")],
        ),
        (
            RESOURCE,
            json!({"subject": admin, "action": write, "resource": {"type": "record"}}),
            vec![record("record-2")],
        ),
        (RESOURCE, json!({"subject": user("alice"), "action": read, "resource": {"type": "planet"}}), vec![]),
        (
            ACTION,
            json!({"subject": user("alice"), "resource": record("record-1"), "action": "ignored"}),
            vec![read.clone(), write.clone()],
        ),
        (ACTION, json!({"subject": admin, "resource": archived}), vec![read.clone(), write.clone()]),
        (ACTION, json!({"subject": user("nonexistent-user"), "resource": record("record-1")}), vec![]),
    ] {
        assert_eq!(asked(&server, path, &query), json!({"results": expected}), "{path} {query}");
    }
    // Whatever is found is allowed when it is asked about by itself.
    assert_eq!(
        asked(&server, EVALUATION, &evaluation("bob", "write", "record-2")),
        json!({"decision": true})
    );
}

/// Where candidates come from a list in data, in which every seventh may do it.
const MANY: &str = r#"package many

default allow := false

allow if to_number(split(input.subject.id, "-")[1]) % 7 == 0

subjects := [sprintf("u-%d", [n]) | some n in numbers.range(1, input.context.count)]

not_a_list := {"a": 1}

no_candidate := ["a", 1]

fails := to_number("x") if input.action

yes := true
"#;

fn many(search: &str, limit: usize) -> Server {
    let config = format!(
        "identity: {{mode: off}}\ndecision: {{deadline: 10s}}\nserver: {{listen: 127.0.0.1:0, max_batch_items: {limit}}}\n\
         doors: {{authzen: {{document: many/allow, search: {{subjects: {search}}}}}}}\n"
    );
    TestApp::new().config(&config).file("many/many/p.rego", MANY).start()
}

fn query(count: usize) -> Value {
    json!({
        "subject": {"type": "user"}, "action": {"name": "read"}, "resource": {"type": "r", "id": "1"},
        "context": {"count": count},
    })
}

fn ids(answer: &Value) -> Vec<String> {
    let results = answer["results"].as_array().unwrap().iter();
    results.map(|result| result["id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn pages_have_every_result_once_and_end_with_an_empty_token() {
    let server = many("many/subjects", 50);
    let expected: Vec<String> = (1..=28).map(|n| format!("u-{}", n * 7)).collect();
    for (limit, pages) in [(Some(1), 29), (Some(5), 6), (Some(100), 4), (None, 4)] {
        let mut body = query(200);
        body["page"] = json!({});
        if let Some(limit) = limit {
            body["page"]["limit"] = json!(limit);
        }
        let (mut found, mut asked_for) = (Vec::new(), 0);
        loop {
            let answer = asked(&server, SUBJECT, &body);
            asked_for += 1;
            let page = ids(&answer);
            assert!(page.len() <= limit.unwrap_or(usize::MAX), "{limit:?}");
            assert_eq!(answer["page"]["count"], page.len());
            found.extend(page);
            let token = answer["page"]["next_token"].as_str().unwrap().to_owned();
            if token.is_empty() {
                break;
            }
            // Some callers repeat the limit, others do not.
            body["page"] = if asked_for % 2 == 0 {
                json!({"token": token})
            } else {
                json!({"token": token, "limit": limit})
            };
        }
        assert_eq!((&found, asked_for), (&expected, pages), "{limit:?}");
        assert_eq!(found.iter().collect::<BTreeSet<_>>().len(), found.len());
    }
    let mut body = query(200);
    body["page"] = json!({"limit": 0});
    let answer = asked(&server, SUBJECT, &body);
    assert_eq!(answer["results"], json!([]));
    assert_ne!(answer["page"]["next_token"], "");
}

#[test]
fn a_token_is_good_for_its_own_query_only() {
    let server = many("many/subjects", 50);
    let mut body = query(40);
    body["page"] = json!({"limit": 2});
    let token = asked(&server, SUBJECT, &body)["page"]["next_token"].as_str().unwrap().to_owned();
    body["page"]["token"] = json!(token);
    assert_eq!(ids(&asked(&server, SUBJECT, &body)), ["u-21", "u-28"]);
    for (place, value) in [
        ("/page/limit", json!(3)),
        ("/action/name", json!("write")),
        ("/context/count", json!(41)),
        ("/subject/type", json!("robot")),
        ("/resource/id", json!("2")),
        ("/page/token", json!("AAAA")),
    ] {
        let mut changed = body.clone();
        *changed.pointer_mut(place).unwrap() = value;
        let (reply, _) = server.recorded(|| post(&server, SUBJECT, &changed));
        assert_eq!(reply.status, 400, "{place}: {}", String::from_utf8_lossy(&reply.body));
        assert!(reply.json().as_str().unwrap().contains("`page."), "{place}: {}", reply.json());
    }
}

#[test]
fn what_is_too_much_for_one_answer_asks_for_pages() {
    let server = many("many/subjects", 50);
    assert_eq!(ids(&asked(&server, SUBJECT, &query(50))).len(), 7);
    let before = server.records().len();
    let reply = post(&server, SUBJECT, &query(51));
    assert_eq!(reply.status, 413);
    let said = reply.json();
    assert!(
        said.as_str().unwrap().contains("51 candidates") && said.as_str().unwrap().contains("`page`"),
        "{said}"
    );
    // The list, and that it was too long; no candidate was decided about.
    assert_eq!(server.records().len() - before, 2);
}

/// Every list and every candidate has its record; a page that is full ends the search.
#[test]
fn a_search_leaves_the_records_of_what_it_decided() {
    let server = many("many/subjects", 50);
    let before = server.records().len();
    let mut body = query(40);
    body["page"] = json!({"limit": 2});
    let reply = post(&server, SUBJECT, &body);
    let records = server.records().split_off(before);
    let paths: Vec<&str> = records.iter().map(|record| record["path"].as_str().unwrap()).collect();
    assert_eq!(paths.len(), 15, "a list, and candidates up to the second that is allowed");
    assert_eq!(paths.iter().filter(|path| **path == "many/subjects").count(), 1);
    for record in &records {
        assert_eq!(record["batch_decision_id"].as_str(), reply.header("verdict-decision-id"));
    }
}

#[test]
fn a_document_that_lists_no_candidates_fails_the_search() {
    for (document, status, why) in [
        ("many/not_a_list", 500, "it is not a list but object"),
        ("many/no_candidate", 500, "neither a text nor an object"),
        ("many/fails", 500, "to_number"),
        ("many/yes", 500, "it is not a list but boolean"),
    ] {
        let server = many(document, 50);
        let reply = post(&server, SUBJECT, &query(1));
        let said = reply.json();
        assert_eq!(reply.status, status, "{document}: {said}");
        assert!(said.as_str().unwrap().contains(why), "{document}: {said}");
    }
    let server = many("many/nothing_there", 50);
    assert_eq!(asked(&server, SUBJECT, &query(1)), json!({"results": []}));
    let (reply, _) = server.recorded(|| post(&server, RESOURCE, &json!({})));
    assert_eq!(reply.status, 404);
    assert!(reply.json().as_str().unwrap().contains("doors.authzen.search.resources"), "{}", reply.json());
}

/// A candidate that nobody could decide about would be missing from the results as if it were denied.
#[test]
fn a_candidate_whose_evaluation_fails_fails_the_search() {
    let policy =
        "package odd\n\nallow if to_number(input.subject.id) > 1\n\nsubjects := [\"1\", \"2\", \"x\"]\n";
    let config =
        "identity: {mode: off}\ndoors: {authzen: {document: odd/allow, search: {subjects: odd/subjects}}}\n";
    let server = TestApp::new().config(config).file("odd/odd/p.rego", policy).start();
    let reply = post(&server, SUBJECT, &query(1));
    assert_eq!(reply.status, 500, "{}", String::from_utf8_lossy(&reply.body));
}
