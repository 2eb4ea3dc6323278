//! The decisions that the working group publishes for the interoperability scenarios, with a policy of our own.

use serde_json::Value;

use super::{EVALUATION, EVALUATIONS, asked};
use crate::harness::{TestApp, conformance};

const FILES: [(&str, usize); 3] =
    [("todo-1_0-01.json", 40), ("todo-1_0-02.json", 43), ("api-gateways.json", 25)];

/// People of the scenario, who are known by the ids of an identity provider, and what their roles may do.
const POLICY: &str = r#"package todo

import data.people.people

default allow := false

person := people[input.subject.id]

allow if operation in {"read_user", "read_todos"}

allow if {
	operation == "create"
	person.roles & {"admin", "editor"} != set()
}

allow if {
	operation in {"update", "delete"}
	"admin" in person.roles
}

allow if {
	operation in {"update", "delete"}
	"editor" in person.roles
	is_own
}

is_own if input.resource.properties.ownerID == person.email

# A gateway asks about routes, and leaves whose record it is to the service.
is_own if input.resource.type == "route"

operation := names[input.action.name]

operation := routes[input.resource.id][input.action.name]

names := {
	"can_read_user": "read_user", "can_read_todos": "read_todos", "can_create_todo": "create",
	"can_update_todo": "update", "can_delete_todo": "delete",
}

routes := {
	"/users/{userId}": {"GET": "read_user"},
	"/todos": {"GET": "read_todos", "POST": "create"},
	"/todos/{todoId}": {"PUT": "update", "DELETE": "delete"},
}
"#;

/// The people, by the part of their id that differs.
const PEOPLE: [(&str, &str, &str); 5] = [
    ("A2", "rick@the-citadel.com", r#"{"admin"}"#),
    ("E2", "morty@the-citadel.com", r#"{"editor"}"#),
    ("I2", "summer@the-smiths.com", r#"{"editor"}"#),
    ("M2", "beth@the-smiths.com", r#"{"viewer"}"#),
    ("Q2", "jerry@the-smiths.com", r#"{"viewer"}"#),
];

#[test]
fn the_published_decisions_are_ours() {
    let Some(folder) = conformance("authzen") else { return };
    let people: String = PEOPLE
        .map(|(part, email, roles)| {
            let id = format!("CiRmZD{part}MTRkMy1jMzlhLTQ3ODEtYjdiZC04Yjk2ZjVhNTEwMGQSBWxvY2Fs");
            format!("people[\"{id}\"] := {{\"email\": \"{email}\", \"roles\": {roles}}}\n")
        })
        .concat();
    let server = TestApp::new()
        .config("identity: {mode: off}\ndoors: {authzen: {document: todo/allow}}\n")
        .file("todo/todo/p.rego", POLICY)
        .file("todo/people/p.rego", &format!("package people\n\n{people}"))
        .start();
    for (file, count) in FILES {
        let text = std::fs::read_to_string(folder.join(file)).unwrap();
        let cases: Value = serde_json::from_str(&text).unwrap();
        let mut run = 0;
        for case in cases["evaluation"].as_array().unwrap() {
            let answer = asked(&server, EVALUATION, &case["request"]);
            assert_eq!(
                answer.to_string(),
                format!("{{\"decision\":{}}}", case["expected"]),
                "{file}: {case}"
            );
            run += 1;
        }
        for case in cases["evaluations"].as_array().into_iter().flatten() {
            let answer = asked(&server, EVALUATIONS, &case["request"]);
            // As the published runner compares them: to the letter.
            assert_eq!(answer["evaluations"].to_string(), case["expected"].to_string(), "{file}: {case}");
            run += 1;
        }
        assert_eq!(run, count, "{file}");
    }
}
