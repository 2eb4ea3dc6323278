//! Whatever a body says of who is calling: policy and record say what the registry has.
//!
//! Bodies are made as text, so that names can be escaped, and members be there twice.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use super::*;
use crate::harness::Reply;

/// Names that say who is calling, in every spelling that might be taken for one.
const NAMES: &[&str] = &[
    "agent",
    "subject",
    "agent_id",
    "org_id",
    "asserted",
    "agent\\u005fid",
    "\\u0061gent",
    "sub\\u006aect",
    "org\\u005Fid",
    "Agent_ID",
    "AGENT",
    "Subject",
    "agentId",
    "agent-id",
    "agent_id\\u0000",
    " agent_id",
    "\u{ff41}gent_id",
    "input",
    "input.subject",
    "input/subject",
    "manifest",
    "context",
    "identity",
    "principal",
    "tenant",
    "roles",
    "permissions",
    "limits",
    "delegation",
    "attributes",
    "act",
    "claims",
    "key",
    "__proto__",
    "x",
];

fn leaf() -> impl Strategy<Value = String> {
    let forged = [
        r#""victim""#,
        r#""""#,
        "null",
        "true",
        "1e3",
        "-0",
        "[]",
        "{}",
        r#"{"agent_id": "victim", "org_id": "rival"}"#,
        r#"{"id": "root", "type": "agent", "roles": ["verdict-admin"], "tenant": "rival", "agent": "victim"}"#,
        r#"{"agent": {"agent_id": "victim"}, "subject": {"id": "root"}}"#,
        r#"["victim", {"agent_id": "victim"}]"#,
    ];
    let deep =
        (1..40_usize).prop_map(|n| format!("{}{}{}", r#"{"subject":["#.repeat(n), "1", "]}".repeat(n)));
    prop_oneof![8 => prop::sample::select(forged.to_vec()).prop_map(str::to_owned), 1 => deep]
}

/// An object; now and then with members that are there twice, which the server may refuse.
fn object_of(value: impl Strategy<Value = String> + Clone, most: usize) -> impl Strategy<Value = String> {
    let once = prop::sample::subsequence(NAMES, 0..most).prop_shuffle();
    let many = prop::collection::vec(prop::sample::select(NAMES), 0..most);
    let names = prop_oneof![6 => once, 1 => many];
    let members = names.prop_flat_map(move |names| {
        let values = prop::collection::vec(value.clone(), names.len());
        values.prop_map(move |values| {
            let members = names.iter().zip(values).map(|(name, value)| format!("\"{name}\": {value}"));
            members.collect::<Vec<_>>()
        })
    });
    members.prop_map(|members| format!("{{{}}}", members.join(", ")))
}

fn value() -> BoxedStrategy<String> {
    let nested = leaf().prop_recursive(3, 24, 5, |inner| {
        let list = prop::collection::vec(inner.clone(), 0..4).prop_map(|all| format!("[{}]", all.join(", ")));
        prop_oneof![3 => object_of(inner, 5), 1 => list]
    });
    nested.boxed()
}

/// An input: mostly an object, with an action that the delegation is for.
fn input() -> BoxedStrategy<String> {
    let object = object_of(value(), 8).prop_map(|text| match text.strip_suffix('}') {
        Some("{") | None => r#"{"action": "mail:send"}"#.to_owned(),
        Some(rest) => format!(r#"{rest}, "action": "mail:send"}}"#),
    });
    prop_oneof![20 => object, 1 => value()].boxed()
}

/// One request: its method, target and body.
#[derive(Debug, Clone)]
enum Asked {
    Data(String, Option<String>),
    Bare(&'static str, String),
    Parameter(String),
    Batch(Vec<String>, String),
}

fn asked() -> impl Strategy<Value = Asked> {
    prop_oneof![
        3 => (input(), prop::option::weighted(0.1, value())).prop_map(|(input, beside)| Asked::Data(input, beside)),
        1 => (prop::sample::select(vec!["/v0/data/app/echo", "/"]), input()).prop_map(|(at, input)| Asked::Bare(at, input)),
        1 => input().prop_map(Asked::Parameter),
        2 => (prop::collection::vec(input(), 1..4), input()).prop_map(|(inputs, common)| Asked::Batch(inputs, common)),
    ]
}

/// Somebody who calls, and what policy sees of it.
struct Identity {
    headers: Vec<(&'static str, String)>,
    /// `input` for a body that says nothing.
    sees: Value,
    /// `subject` of the record.
    recorded: Value,
    /// How many decisions it is owed.
    asked: AtomicUsize,
}

const VERIFIED: [&str; 4] = ["subject", "agent", "agent_id", "org_id"];

impl Identity {
    fn new(server: &Server, headers: Vec<(&'static str, String)>) -> Self {
        let mut this = Self { headers, sees: Value::Null, recorded: Value::Null, asked: AtomicUsize::new(0) };
        let ask = || this.send(server, "POST", "/v1/data/app/echo", r#"{"input": {"action": "mail:send"}}"#);
        let (reply, record) = server.recorded(ask);
        assert_eq!(reply.status, 200, "{reply:?}");
        this.sees = reply.json()["result"].clone();
        this.recorded = record["subject"].clone();
        this
    }

    fn send(&self, server: &Server, method: &str, target: &str, body: &str) -> Reply {
        // Headers say nothing, either.
        let mut headers =
            vec![("content-type", "application/json"), ("x-agent-id", "victim"), ("x-org-id", "rival")];
        headers.extend(self.headers.iter().map(|(name, value)| (*name, value.as_str())));
        server.send(method, target, &headers, body.as_bytes())
    }

    /// What policy saw of the caller is what the registry has.
    fn check(&self, seen: &Value) -> Result<(), TestCaseError> {
        for name in VERIFIED {
            prop_assert_eq!(seen.get(name), self.sees.get(name), "{}", name);
        }
        Ok(())
    }

    /// Asks, and checks every answer: either policy saw the right caller, or nothing was decided.
    fn ask(&self, server: &Server, asked: &Asked) -> Result<bool, TestCaseError> {
        let (method, target, body, count) = match asked {
            Asked::Data(input, None) => {
                ("POST", "/v1/data/app/echo".to_owned(), format!("{{\"input\": {input}}}"), 1)
            }
            Asked::Data(input, Some(beside)) => {
                let body = format!(r#"{{"subject": {beside}, "agent_id": {beside}, "input": {input}}}"#);
                ("POST", "/v1/data/app/echo".to_owned(), body, 1)
            }
            Asked::Bare(target, input) => ("POST", (*target).to_owned(), input.clone(), 1),
            Asked::Parameter(input) => {
                let escaped: String = input.bytes().map(|byte| format!("%{byte:02x}")).collect();
                ("GET", format!("/v1/data/app/echo?input={escaped}"), String::new(), 1)
            }
            Asked::Batch(inputs, common) => {
                let inputs: Vec<_> =
                    inputs.iter().enumerate().map(|(n, input)| format!("\"{n}\": {input}")).collect();
                let body = format!("{{\"inputs\": {{{}}}, \"common_input\": {common}}}", inputs.join(", "));
                ("POST", "/v1/batch/data/app/echo".to_owned(), body, inputs.len())
            }
        };
        let reply = self.send(server, method, &target, &body);
        let seen = match (asked, reply.status) {
            (Asked::Batch(..), 200 | 207) => {
                let answers = reply.json()["responses"].as_object().cloned().unwrap_or_default();
                prop_assert_eq!(answers.len(), count);
                answers.into_values().filter_map(|answer| answer.get("result").cloned()).collect()
            }
            (Asked::Bare(..), 200) => vec![reply.json()],
            (_, 200) => vec![reply.json()["result"].clone()],
            (_, 400 | 403 | 413 | 500) => {
                prop_assert!(reply.json().get("result").is_none(), "{:?}", reply);
                Vec::new()
            }
            _ => return Err(TestCaseError::fail(format!("{reply:?}"))),
        };
        let items = if reply.status == 400 && matches!(asked, Asked::Batch(..)) { None } else { Some(count) };
        self.asked.fetch_add(items.unwrap_or(1), Ordering::Relaxed);
        for input in &seen {
            self.check(input)?;
        }
        Ok(!seen.is_empty())
    }
}

fn identities(server: &Server) -> Vec<Identity> {
    let registry = registry(server);
    organisation(registry, "acme");
    let record = json!({
        "roles": ["cashier"], "permissions": ["mail:send"], "limits": {"allowed_methods": ["mail:*"]},
        "attributes": {"team": "billing"},
    });
    let limited = agent(registry, "acme", record);
    let plain = agent(registry, "acme", json!({}));
    let service = json!({ "kind": "service", "organisation": "acme", "roles": ["reader"] });
    let (_, service) = key(registry, service);
    let delegation = delegation(registry, &limited.id, &plain.id, &["mail:*"]);
    let calls = [
        vec![("x-api-key", limited.key)],
        vec![("x-api-key", plain.key.clone())],
        vec![("x-api-key", service)],
        vec![("x-api-key", plain.key), ("x-agentpack-delegation", delegation)],
    ];
    calls.into_iter().map(|headers| Identity::new(server, headers)).collect()
}

#[test]
fn no_body_says_who_is_calling() {
    let server = start("decision: {default_path: app/echo}\n");
    let identities = identities(&server);
    let decided = AtomicUsize::new(0);
    let config = ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() };
    let mut runner = TestRunner::new(config);
    let cases = (0..identities.len(), asked());
    let run = runner.run(&cases, |(who, asked)| {
        decided.fetch_add(usize::from(identities[who].ask(&server, &asked)?), Ordering::Relaxed);
        Ok(())
    });
    run.unwrap_or_else(|error| panic!("{error}"));
    let decided = decided.into_inner();
    assert!(decided > 150, "only {decided} of 300 were decided");
    records_say_the_same(&server, &identities);
}

/// Every record is of the caller that the registry has, and what it says of the input agrees.
fn records_say_the_same(server: &Server, identities: &[Identity]) {
    let mut by_subject = BTreeMap::new();
    for record in server.records() {
        let who = identities.iter().position(|identity| identity.recorded == record["subject"]);
        let who = who.unwrap_or_else(|| panic!("nobody asked this: {record:#}"));
        *by_subject.entry(who).or_insert(0) += 1;
        if let Some(input) =
            record.get("input").filter(|_| record["outcome"] == "allow" || record["outcome"] == "value")
        {
            for name in VERIFIED {
                let mut seen = identities[who].sees.get(name).cloned();
                // Records have as many claims as are configured: none.
                if let Some(subject) = seen.as_mut().and_then(Value::as_object_mut) {
                    subject.remove("claims");
                }
                assert_eq!(input.get(name), seen.as_ref(), "{name} in {record:#}");
            }
        }
    }
    // One more was asked to find out what there is to see.
    let asked = identities.iter().map(|identity| identity.asked.load(Ordering::Relaxed) + 1);
    assert_eq!(by_subject.into_values().collect::<Vec<_>>(), asked.collect::<Vec<usize>>());
}
