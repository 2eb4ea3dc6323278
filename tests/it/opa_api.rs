//! OPA's API: exchanges that were recorded with a real OPA (ours agree, save where a case says that it deviates), other systems that
//! call it, writing, ad-hoc queries, and OPA's own clients.

mod callers;
mod queries;
mod sdk;
mod writes;

use serde_json::Value;

use crate::harness::{Reply, TestApp, conformance};

/// Where Verdict deviates, as the case itself says with its reason.
const DEVIATES: [&str; 15] = [
    "list index out of range",
    "function path",
    "data root slash",
    "double slash",
    "extra envelope key",
    "upper-case input key",
    "duplicate input key",
    "trailing bytes",
    "health/live",
    "health/ready",
    "policies slash",
    "status",
    "head",
    "root get",
    "batch",
];

#[test]
fn recorded_exchanges_agree() {
    let Some(root) = conformance("opa-api") else { return };
    let cases: Value = serde_json::from_slice(&std::fs::read(root.join("cases.json")).unwrap()).unwrap();
    let writes = "identity: {mode: off}\ndoors: {opa: {writes: {enabled: true}}}\n";
    let server = TestApp::new().config(writes).bundle("bundle", &root.join("bundle")).start();
    let cases = cases["cases"].as_array().unwrap();
    let (mut agree, mut deviate, mut differ) = (0, Vec::new(), Vec::new());
    for case in cases {
        let name = case["name"].as_str().unwrap();
        let request = &case["request"];
        let headers: Vec<(&str, &str)> = request["headers"]
            .as_object()
            .into_iter()
            .flatten()
            .map(|(name, value)| (name.as_str(), value.as_str().unwrap()))
            .collect();
        let body = request["body"].as_str().unwrap_or_default();
        let reply = server.send(
            request["method"].as_str().unwrap(),
            request["path"].as_str().unwrap(),
            &headers,
            body.as_bytes(),
        );
        match disagreement(&case["response"], &reply) {
            None => agree += 1,
            Some(_) if case.get("deviates").is_some() => deviate.push(name),
            Some(why) => differ.push(format!("{name}: {why}")),
        }
    }
    println!("opa api: {agree} of {} agree; deviating by design: {deviate:?}", cases.len());
    assert!(differ.is_empty(), "{}", differ.join("\n"));
    assert!(agree > 0, "no cases");
    // The folder may hold more cases; those that deviate say so themselves.
    let here = |name: &&&str| cases.iter().any(|case| case["name"] == ***name);
    let agree_now: Vec<_> = DEVIATES.iter().filter(here).filter(|name| !deviate.contains(*name)).collect();
    assert!(agree_now.is_empty(), "these agree by now; take them off the list: {agree_now:?}");
}

/// What differs in status, error code, result, or what else the case pins.
fn disagreement(expected: &Value, reply: &Reply) -> Option<String> {
    let shown = || format!("{} {}", reply.status, String::from_utf8_lossy(&reply.body));
    if expected["status"].as_u64() != Some(u64::from(reply.status)) {
        return Some(format!("status is not {}: {}", expected["status"], shown()));
    }
    if let Some(vary) = expected["vary"].as_str()
        && reply.header("vary") != Some(vary)
    {
        return Some(format!("vary is {:?}", reply.header("vary")));
    }
    if let Some(kind) = expected["content_type"].as_str()
        && reply.header("content-type") != Some(kind)
    {
        return Some(format!("content type is {:?}", reply.header("content-type")));
    }
    for (key, at) in [("json_keys_of_result", "/result"), ("json_keys_of_each_result", "/result/0")] {
        if let Some(keys) = expected.get(key) {
            let json = reply.json();
            let Some(object) = json.pointer(at).and_then(Value::as_object) else {
                return Some(format!("no object at `{at}`: {}", shown()));
            };
            let got: Vec<Value> = object.keys().map(|key| Value::from(key.as_str())).collect();
            return (*keys != Value::from(got.clone())).then(|| format!("keys are {got:?}"));
        }
    }
    let Some(wanted) = expected.get("json") else {
        let text = expected["text"].as_str().unwrap();
        return (text.as_bytes() != reply.body).then(|| format!("{text:?} is not {}", shown()));
    };
    let got = reply.json();
    let equal = if let Some(code) = wanted.get("code") {
        let places = |value: &Value| value.pointer("/errors/0/location").cloned();
        Some(code) == got.get("code")
            && (places(wanted).is_none() || reply.status == 400 || places(wanted) == places(&got))
    } else if wanted.get("decision_id").is_some() {
        let shape = |value: &Value, key: &str| {
            value.get(key).and_then(Value::as_object).map(|o| o.keys().cloned().collect::<Vec<_>>())
        };
        same(wanted.get("result"), got.get("result"))
            && got["decision_id"].is_string()
            && wanted.get("warning") == got.get("warning")
            && shape(wanted, "metrics") == shape(&got, "metrics")
            && wanted.pointer("/provenance/bundles") == got.pointer("/provenance/bundles")
    } else {
        same(Some(wanted), Some(&got))
    };
    (!equal).then(|| format!("{wanted} is not {}", shown()))
}

/// Equal in value: `1.0` is `1`, as in JSON Schema and in OPA.
fn same(wanted: Option<&Value>, got: Option<&Value>) -> bool {
    match (wanted, got) {
        (Some(Value::Number(a)), Some(Value::Number(b))) => a.as_f64() == b.as_f64(),
        (Some(Value::Array(a)), Some(Value::Array(b))) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(Some(a), Some(b)))
        }
        (Some(Value::Object(a)), Some(Value::Object(b))) => {
            a.len() == b.len() && a.iter().all(|(key, value)| same(Some(value), b.get(key)))
        }
        (a, b) => a == b,
    }
}
