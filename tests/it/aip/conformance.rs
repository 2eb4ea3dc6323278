//! The cases of AIP's conformance suite, against the real server over HTTP. Only what is said of responses (data loss prevention)
//! is asked of the library: a decision point sees no responses.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;

use serde_json::{Map, Value, json};
use verdict::aip::Policy;

use super::world::{GATEWAY, World, key_file, next_token, payload, standing};
use crate::harness::{Reply, conformance};
use verdict::model::clock::Clock;

/// Cases that fail on purpose, each with its reason. One that passes has to leave the list.
const CONTRADICTIONS: [(&str, &str); 0] = [];

/// What a case has come to know.
struct Run {
    world: World,
    policy: String,
    known: Map<String, Value>,
    /// The nonces that a case calls by names of its own.
    tokens: BTreeMap<String, String>,
}

type Outcome = Result<(), String>;

fn check(right: bool, said: impl FnOnce() -> String) -> Outcome {
    if right { Ok(()) } else { Err(said()) }
}

/// Whether a value is as expected: a subset, with the suite's ways to say more.
fn fits(expected: &Value, got: &Value) -> bool {
    match expected {
        Value::Object(members) => members.iter().all(|(name, value)| match name.strip_suffix("_length") {
            Some(of) if value.is_u64() && got.get(name).is_none() => {
                got[of].as_str().map(|text| text.len() as u64) == value.as_u64()
            }
            _ => fits(value, &got[name]),
        }),
        Value::Array(items) => {
            let got = got.as_array();
            got.is_some_and(|got| {
                got.len() == items.len() && items.iter().zip(got).all(|(one, other)| fits(one, other))
            })
        }
        Value::String(text) if text == "!null" => !got.is_null(),
        Value::String(text) if text.starts_with(">=") => {
            got.as_f64().is_some_and(|got| got >= text[2..].trim().parse().unwrap())
        }
        Value::String(text) if text.starts_with('>') => {
            got.as_f64().is_some_and(|got| got > text[1..].trim().parse().unwrap())
        }
        expected => expected == got,
    }
}

/// `35s`, `4m`, in seconds.
fn seconds(text: &str) -> i64 {
    let (number, unit) = text.split_at(text.len() - 1);
    number.parse::<i64>().unwrap()
        * match unit {
            "s" => 1,
            "m" => 60,
            "h" => 3_600,
            _ => panic!("{text}"),
        }
}

fn policy_of(case: &Value) -> Option<String> {
    let first = case["policy_sequence"].get(0).or(case["policies"].get(0));
    let text = case["policy"].as_str().or_else(|| first.and_then(|first| text_of(first)));
    text.map(str::to_owned)
}

fn text_of(policy: &Value) -> Option<&str> {
    policy["content"].as_str().or(policy["policy"].as_str())
}

/// Signs with a key that two processes share.
fn with_key(policy: &str) -> String {
    policy.replace(
        "enabled: true\n    require_token",
        "enabled: true\n    keys: {key_source: file, key_path: key.pem}\n    require_token",
    )
}

impl Run {
    fn new(case: &Value) -> Self {
        let processes = matches!(case["test_type"].as_str(), Some("cross_process" | "context_change"));
        let policy = policy_of(case).unwrap_or_default();
        let policy = if processes { with_key(&policy) } else { policy };
        let mut files = BTreeMap::new();
        if !policy.is_empty() {
            files.insert("agent.yaml".to_owned(), policy.clone());
        }
        if processes {
            assert!(policy.contains("key.pem"), "{policy}");
            files.insert("key.pem".to_owned(), key_file());
        }
        // The clock of another process cannot be set.
        let clock = if processes { Clock::System } else { standing() };
        let app = World::with_files(&files, clock);
        Self { world: app, policy, known: Map::new(), tokens: BTreeMap::new() }
    }

    /// `${NAME}` in a text.
    fn filled(&mut self, value: &Value) -> Value {
        match value {
            Value::String(text) => match text.split_once("${") {
                Some((before, rest)) => {
                    let (name, after) = rest.split_once('}').unwrap();
                    let known = self.variable(name);
                    json!(format!("{before}{known}{after}"))
                }
                None => value.clone(),
            },
            Value::Object(members) => Value::Object(
                members.iter().map(|(name, value)| (name.clone(), self.filled(value))).collect(),
            ),
            Value::Array(items) => items.iter().map(|item| self.filled(item)).collect(),
            other => other.clone(),
        }
    }

    fn variable(&mut self, name: &str) -> String {
        if let Some(known) = self.known.get(name) {
            return known.as_str().unwrap().to_owned();
        }
        assert!(name == "VALID_TOKEN", "{name} is not known");
        let token = self.world.first_token(None);
        self.known.insert(name.to_owned(), json!(token));
        token
    }

    fn capture(&mut self, step: &Value, token: Option<&str>) {
        let Some(captured) = step["capture"].as_object() else { return };
        for (what, name) in captured {
            let token = token.unwrap();
            let value = if what == "token" { json!(token) } else { payload(token)[what].clone() };
            let name = name.as_str().unwrap().to_owned();
            if what == "token" {
                // The case shows it itself from now on.
                self.world.token = None;
                self.known.insert("token_from_step_1".to_owned(), value.clone());
            }
            self.known.insert(name, value);
        }
    }

    /// Every case that is told by requests.
    fn exchange(&mut self, step: &Value) -> Outcome {
        let request = self.filled(&step["http_request"]);
        let empty = Map::new();
        let headers = request["headers"].as_object().unwrap_or(&empty);
        let headers: Vec<(&str, &str)> =
            headers.iter().map(|(name, value)| (name.as_str(), value.as_str().unwrap())).collect();
        let body = match &request["body"] {
            Value::Null => String::new(),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let (method, path) = (request["method"].as_str().unwrap(), request["path"].as_str().unwrap());
        let reply = self.world.server.send(method, path, &headers, body.as_bytes());
        let expected = &step["expected"];
        let text = String::from_utf8_lossy(&reply.body).into_owned();
        let shown = || format!("{} {text}", reply.status);
        check(
            expected["http_status"].as_u64().is_none_or(|status| status == u64::from(reply.status)),
            shown,
        )?;
        if expected["body"].is_object() {
            check(fits(&expected["body"], &reply.json()), shown)?;
        }
        if let Some(kind) = expected["content_type"].as_str() {
            check(reply.header("content-type").unwrap().starts_with(kind), || {
                format!("{:?}", reply.headers)
            })?;
        }
        for part in expected["body_contains"].as_array().into_iter().flatten() {
            check(text.contains(part.as_str().unwrap()), || format!("no {part}"))?;
        }
        Ok(())
    }

    /// A call as a gateway makes it: with its own key, and the session's token, if it is in one.
    fn call(&mut self, input: &Value) -> Reply {
        let input = self.filled(input);
        let response = input["context"]["user_response"].as_str();
        let body = match response {
            Some(response) => {
                json!({ "tool": input["tool"], "arguments": input["args"], "user_response": response })
            }
            None => {
                let params = match input["tool"].as_str() {
                    Some(tool) => {
                        json!({ "name": tool, "arguments": input.get("args").unwrap_or(&json!({})) })
                    }
                    None => json!({}),
                };
                let method = input.get("method").cloned().unwrap_or(json!("tools/call"));
                json!({ "jsonrpc": "2.0", "id": input.get("request_id").unwrap_or(&json!(1)), "method": method, "params": params })
            }
        };
        let token = match input.get("token") {
            Some(Value::Null) => None,
            Some(token) => token.as_str().map(str::to_owned).filter(|token| !token.is_empty()),
            None => self.world.token.clone(),
        };
        let bearer = token.as_ref().map(|token| format!("Bearer {token}"));
        let mut headers = vec![GATEWAY];
        if let Some(bearer) = &bearer {
            headers = vec![("Authorization", bearer.as_str())];
        }
        self.world.server.send("POST", "/v1/validate", &headers, body.to_string().as_bytes())
    }

    /// What a case without a call of its own calls: the first tool that its policy allows.
    fn usual(&self) -> Value {
        let policy: Value = yaml_serde::from_str(&self.policy).unwrap();
        json!({ "method": "tools/call", "tool": policy["spec"]["allowed_tools"][0], "args": {} })
    }

    fn expect(&mut self, expected: &Value, reply: &Reply) -> Outcome {
        let body = reply.json();
        let shown = || format!("{} {body}", reply.status);
        let decision = match (reply.status, body["decision"].as_str()) {
            (200, Some(decision)) => decision.to_uppercase(),
            (429, _) => "RATE_LIMITED".to_owned(),
            (401 | 403, _) => "BLOCK".to_owned(),
            _ => return Err(shown()),
        };
        let error = &body["rpc_error"];
        for (name, wanted) in expected.as_object().into_iter().flatten() {
            let right = match name.as_str() {
                "decision" => wanted == &decision,
                "error_code" => wanted == &error["code"],
                "error_message" => wanted == &error["message"],
                "error_data" => fits(wanted, &error["data"]),
                "response_format" => fits(wanted, &body["response"]),
                "violation" => {
                    *wanted == json!(body["violations"].as_array().is_some_and(|all| !all.is_empty()))
                }
                "token_error" => *wanted == body["token_error"] && *wanted == error["data"]["token_error"],
                "token_generated" => *wanted == json!(next_token(reply).is_some()),
                "token_fields" => {
                    let token = next_token(reply).ok_or_else(shown)?;
                    wanted
                        .as_array()
                        .unwrap()
                        .iter()
                        .all(|name| !payload(&token)[name.as_str().unwrap()].is_null())
                }
                "token" => return self.expect_token(wanted, reply),
                "token_id" => {
                    let nonce =
                        payload(&next_token(reply).ok_or_else(shown)?)["nonce"].as_str().unwrap().to_owned();
                    let new = !self.tokens.values().any(|known| *known == nonce);
                    self.tokens.insert(wanted.as_str().unwrap().to_owned(), nonce);
                    new
                }
                "session_id" => {
                    self.filled(wanted) == payload(&next_token(reply).ok_or_else(shown)?)["session_id"]
                }
                "session_preserved" => {
                    let before = payload(self.world.token.as_ref().unwrap());
                    *wanted
                        == json!(
                            before["session_id"]
                                == payload(&next_token(reply).ok_or_else(shown)?)["session_id"]
                        )
                }
                other => return Err(format!("`{other}` cannot be checked")),
            };
            check(right, || format!("{name}: {wanted}, not {}", shown()))?;
        }
        Ok(())
    }

    fn expect_token(&mut self, expected: &Value, reply: &Reply) -> Outcome {
        let token = next_token(reply).ok_or("no token")?;
        let said = payload(&token);
        let again = || payload(&self.world.first_token(None));
        let time = |name: &str| said[name].as_str().unwrap().parse::<jiff::Timestamp>().unwrap().as_second();
        for (name, wanted) in expected.as_object().unwrap() {
            let right = match name.as_str() {
                "ttl_seconds" => wanted.as_i64() == Some(time("expires_at") - time("issued_at")),
                "nonce_unique" => again()["nonce"] != said["nonce"],
                "policy_hash_deterministic" => again()["policy_hash"] == said["policy_hash"],
                _ => fits(&json!({ name.as_str(): wanted }), &said),
            };
            check(right, || format!("token.{name}: {wanted}, not {said}"))?;
        }
        Ok(())
    }

    /// One step of a case that has several.
    fn step(&mut self, step: &Value) -> Outcome {
        self.world.wait(step["wait"].as_str().or(step["duration"].as_str()).map_or(0, seconds));
        if step.get("http_request").is_some() {
            return self.exchange(step);
        }
        match step["action"].as_str().or(step["step"].as_str()).unwrap_or_default() {
            "wait" => Ok(()),
            "get_valid_token" | "issue_token" => {
                let token = self.world.first_token(None);
                self.known.insert("token_from_step_1".to_owned(), json!(token));
                self.capture(step, Some(&token));
                Ok(())
            }
            "call" | "use_token" | "replay_token" | "use_old_token" => {
                let mut input = self.usual();
                input.as_object_mut().unwrap().extend(step["input"].as_object().cloned().unwrap_or_default());
                // A session that has to have a token has one, unless the case says that it has none.
                if self.world.token.is_none()
                    && input.get("token").is_none()
                    && self.policy.contains("require_token: true")
                {
                    self.world.token = Some(self.world.first_token(None));
                }
                if step["process"].as_str().is_some_and(|process| process != "A") {
                    return self.elsewhere(&input, &step["expected"], &[]);
                }
                let reply = self.call(&input);
                self.expect(&step["expected"], &reply)?;
                let next = next_token(&reply);
                self.world.token.clone_from(&next);
                self.capture(step, next.as_deref());
                Ok(())
            }
            "change_policy" => {
                self.policy = text_of(step).unwrap().to_owned();
                self.world.change(&self.policy);
                Ok(())
            }
            other => Err(format!("`{other}` cannot be done")),
        }
    }

    /// The same call in another process.
    fn elsewhere(&mut self, input: &Value, expected: &Value, env: &[(&str, &str)]) -> Outcome {
        let input = self.filled(input);
        let other = self.world.other_process(env);
        let body = json!({ "tool": input["tool"], "arguments": input["args"] });
        let (status, body) = other.validate(&self.world, input["token"].as_str().unwrap(), &body);
        let got = json!({
            "decision": if status == 200 { body["decision"].clone() } else { json!("BLOCK") },
            "error_code": body["rpc_error"]["code"], "token_error": body["token_error"],
        });
        check(fits(expected, &got), || format!("{expected}, not {status} {body}"))
    }

    fn case(&mut self, case: &Value) -> Outcome {
        for step in case["setup"].as_array().into_iter().flatten() {
            self.step(step)?;
        }
        if let Some(policies) = case["policies"].as_array() {
            let hashes = policies.iter().map(|policy| {
                self.world.change(text_of(policy).unwrap());
                payload(&self.world.first_token(None))["policy_hash"].clone()
            });
            let hashes: Vec<Value> = hashes.collect();
            return check(hashes[0] != hashes[1], || format!("{hashes:?}"));
        }
        if let Some(steps) = case["steps"].as_array() {
            for step in steps {
                match step["policy"].as_str().filter(|_| step["action"] == "load_policy") {
                    Some(name) => {
                        let all = case["policy_sequence"].as_array().unwrap();
                        let policy = all.iter().find(|policy| policy["name"] == name).unwrap();
                        self.world.change(text_of(policy).unwrap());
                    }
                    None => self.step(step)?,
                }
            }
            return Ok(());
        }
        for list in ["sequence", "tests", "policy_sequence"] {
            if let Some(steps) = case[list].as_array() {
                return steps.iter().try_for_each(|step| self.step(step));
            }
        }
        if case.get("http_request").is_some() {
            return self.exchange(case);
        }
        if case["test_type"] == "context_change" {
            // The case has no steps: the same session here, and in a process that is elsewhere.
            let token = self.world.first_token(None);
            let input = json!({ "tool": self.usual()["tool"], "args": {}, "token": token });
            let elsewhere =
                json!({ "decision": "BLOCK", "error_code": -32009, "token_error": "binding_mismatch" });
            self.elsewhere(&input, &elsewhere, &[("POD_UID", "another-pod")])?;
            let reply = self.call(&input);
            return self.expect(&json!({ "decision": "ALLOW" }), &reply);
        }
        let input = &case["input"];
        for _ in 0..input["context"]["previous_calls"].as_u64().unwrap_or_default() {
            self.call(input);
        }
        let reply = self.call(input);
        self.expect(&case["expected"], &reply)
    }
}

/// What is said of responses.
fn redacts(case: &Value) -> Outcome {
    let (input, expected) = (&case["input"], &case["expected"]);
    let policy = Policy::parse(Path::new("agent.yaml"), case["policy"].as_str().unwrap(), &[]);
    let policy = policy.map_err(|problems| format!("{problems:?}"))?;
    let content = input["content"].as_str().unwrap();
    let (output, found) = policy.redact(content);
    let events: Vec<Value> =
        found.iter().map(|found| json!({ "rule": found.rule, "count": found.count })).collect();
    let got = json!({ "redacted": output != content, "output": output, "dlp_events": events });
    check(fits(expected, &got), || got.to_string())
}

/// What comes of a policy that no server takes; nothing where it is a good one.
fn refused(case: &Value) -> Option<Outcome> {
    let problems = Policy::parse(Path::new("agent.yaml"), &policy_of(case)?, &[]).err()?;
    let said: Vec<String> = problems.iter().map(ToString::to_string).collect();
    let (expected, said) = (&case["expected"], said.join("\n"));
    let wanted = expected["error"] == "policy_validation_failed";
    Some(check(wanted && said.contains(expected["field"].as_str().unwrap_or_default()), || said))
}

#[test]
fn the_suite() {
    let Some(folder) = conformance("aip") else { return };
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let (mut passed, mut of, mut wrong) = (0, 0, Vec::new());
    for file in files.iter().filter(|file| file.extension().is_some_and(|kind| kind == "yaml")) {
        let suite: Value = yaml_serde::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
        for case in suite["tests"].as_array().unwrap() {
            let name = format!("{}/{}", file.file_stem().unwrap().display(), case["id"].as_str().unwrap());
            of += 1;
            let outcome = match case["input"]["type"].as_str() {
                Some("response") => redacts(case),
                _ => refused(case).unwrap_or_else(|| Run::new(case).case(case)),
            };
            let listed = CONTRADICTIONS.iter().find(|(listed, _)| *listed == name);
            match (&outcome, listed) {
                (Ok(()), None) => passed += 1,
                (Ok(()), Some(_)) => wrong.push(format!("{name} passes: take it off the list")),
                (Err(why), None) => wrong.push(format!("{name}: {why}")),
                (Err(_), Some(_)) => {}
            }
        }
    }
    let _ = writeln!(std::io::stdout(), "aip conformance: {passed} of {of}");
    assert!(wrong.is_empty(), "{} of {of} are wrong:\n{}", wrong.len(), wrong.join("\n"));
    assert!(of > 0, "no cases");
}
