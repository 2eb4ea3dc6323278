use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::*;
use crate::effects::Responses;
use crate::effects::{Effects, Host};
use crate::outbound::Client;
use crate::outbound::Request;

/// Answers from a list, and remembers what it was asked.
#[derive(Debug, Default)]
struct Script {
    answers: Mutex<Vec<Result<Response, outbound::Fault>>>,
    asked: Mutex<Vec<Request>>,
}

impl Client for Script {
    fn send(&self, request: &Request, _: Instant) -> Result<Response, outbound::Fault> {
        self.asked.lock().unwrap().push(request.clone());
        self.answers.lock().unwrap().remove(0)
    }

    fn look_up(&self, _: &str, _: Instant) -> Result<Vec<std::net::IpAddr>, outbound::Fault> {
        Err(outbound::Fault::Deadline)
    }

    fn read_file(&self, path: &str) -> Result<Vec<u8>, String> {
        Ok(path.as_bytes().to_vec())
    }
}

struct World {
    script: Arc<Script>,
    around: Arc<Host>,
}

impl World {
    fn new(answers: Vec<Result<Response, outbound::Fault>>) -> Self {
        let script = Arc::new(Script { answers: Mutex::new(answers), ..Script::default() });
        let client: Arc<dyn Client> = script.clone();
        let env = [("CA".to_owned(), "pem-of-variable".to_owned())].into();
        let around = Host {
            version: "1.2.3".to_owned(),
            commit: String::new(),
            client: Some(client),
            env,
            config: None,
            responses: Responses::new(1 << 20),
        };
        Self { script, around: Arc::new(around) }
    }

    fn context(&self, now: i64) -> Context {
        let deadline = Instant::now() + Duration::from_secs(60);
        Context { effects: Effects::new(&self.around), ..Context::new(now, deadline, 1 << 20) }
    }

    fn send(&self, context: &mut Context, request: &str) -> Result<String, String> {
        let request = Value::from_json(request.as_bytes()).unwrap();
        let answer = send(context, &[request]);
        answer.map(|value| value.unwrap().to_string()).map_err(|error| error.message)
    }

    fn asked(&self) -> usize {
        self.script.asked.lock().unwrap().len()
    }
}

fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Result<Response, outbound::Fault> {
    let headers = headers.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
    let reason = http::StatusCode::from_u16(status).unwrap().canonical_reason().unwrap().to_owned();
    Ok(Response { status, reason, headers, body: body.as_bytes().to_vec() })
}

fn network(cause: &str) -> Result<Response, outbound::Fault> {
    Err(outbound::Fault::Network { url: "http://a/".to_owned(), cause: cause.to_owned() })
}

#[test]
fn responses_are_read_by_their_kind() {
    for (kind, more, body, want) in [
        ("application/json; charset=utf-8", "", r#"{"a":1}"#, r#"{"a":1}"#),
        ("text/plain", "", r#"{"a":1}"#, "null"),
        ("text/plain", r#","force_json_decode":true"#, r#"{"a":1}"#, r#"{"a":1}"#),
        ("text/plain", r#","force_yaml_decode":true"#, "a: [1]", r#"{"a":[1]}"#),
        ("application/x-yaml", "", "a: [1]", r#"{"a":[1]}"#),
        ("application/json", "", "nonsense", "null"),
    ] {
        let world = World::new(vec![answer(200, &[("content-type", kind)], body)]);
        let got =
            world.send(&mut world.context(1), &format!(r#"{{"method":"get","url":"http://a/"{more}}}"#));
        let raw = Value::from(body);
        let want = format!(
            r#"{{"body":{want},"headers":{{"content-type":["{kind}"]}},"raw_body":{raw},"status":"200 OK","status_code":200}}"#
        );
        assert_eq!(got.unwrap(), want, "{kind} {more}");
    }
}

#[test]
fn what_is_wrong_with_a_request_is_said() {
    for (request, want) in [
        (r#"{"method":"get"}"#, r#"operand 1 missing required request parameters(s): {"url"}"#),
        (r#"{"method":"get","url":"u","x":1}"#, r#"operand 1 invalid request parameters(s): {"x"}"#),
        (r#"{"method":"get","url":"u","raise_error":1}"#, "invalid value for raise_error field"),
        (r#"{"method":1,"url":"u"}"#, r#""method" must be a string"#),
        (r#"{"method":"get","url":"u","headers":1}"#, "invalid type for headers key"),
        (r#"{"method":"get","url":"u","headers":{"a":1}}"#, r#"invalid type for headers value "1""#),
        (r#"{"method":"get","url":"u","cache":"yes"}"#, r#"invalid value for "cache" field"#),
        (
            r#"{"method":"get","url":"u","force_cache":true}"#,
            "'force_cache' set but 'force_cache_duration_seconds' parameter is missing",
        ),
        (
            r#"{"method":"get","url":"u","timeout":"soon"}"#,
            r#"invalid timeout value "soon": time: invalid duration "soon""#,
        ),
        (
            r#"{"method":"get","url":"u","timeout":[]}"#,
            "operand 1 'timeout' must be one of {string, number} but got array",
        ),
        (
            r#"{"method":"get","url":"u","enable_redirect":"true"}"#,
            r#"strconv.ParseBool: parsing "\"true\"": invalid syntax"#,
        ),
        (
            r#"{"method":"get","url":"u","max_retry_attempts":"x"}"#,
            r#"invalid value for "max_retry_attempts" field"#,
        ),
        (
            r#"{"method":"get","url":"u","tls_ca_cert_env_variable":"HOME"}"#,
            "the environment variable HOME is not set, or may not be seen",
        ),
    ] {
        let world = World::new(Vec::new());
        assert_eq!(world.send(&mut world.context(1), request), Err(want.to_owned()), "{request}");
        assert_eq!(world.asked(), 0, "{request}");
    }
    let mut alone = Context::new(1, Instant::now() + Duration::from_secs(60), 1 << 20);
    let world = World::new(Vec::new());
    let refused = world.send(&mut alone, r#"{"method":"get","url":"u"}"#);
    assert_eq!(refused, Err("policy may not call others here".to_owned()));
}

#[test]
fn every_part_of_a_request_arrives() {
    let world = World::new(vec![answer(200, &[], "")]);
    let request = r#"{"method":"post","url":"\"http://a/\"","body":{"b":"<"},"headers":{"host":"h","x":"y"},
        "enable_redirect":true,"timeout":"250ms","max_retry_attempts":3,"tls_ca_cert_env_variable":"CA",
        "tls_client_cert_file":"c","tls_client_key":"k","tls_insecure_skip_verify":true,"tls_use_system_certs":false}"#;
    world.send(&mut world.context(1), request).unwrap();
    let asked = world.script.asked.lock().unwrap().remove(0);
    assert_eq!((asked.method.as_str(), asked.url.as_str()), ("POST", "http://a/"));
    assert_eq!(asked.body, br#"{"b":"\u003c"}"#);
    assert_eq!(asked.headers, [("host".to_owned(), "h".to_owned()), ("x".to_owned(), "y".to_owned())]);
    assert!(asked.follow_redirects && asked.retries == 3);
    assert_eq!(asked.timeout, Some(Duration::from_millis(250)));
    let tls = asked.tls;
    assert_eq!(tls.roots, [b"pem-of-variable".to_vec()]);
    assert_eq!(tls.identity, Some((b"c".to_vec(), b"k".to_vec())));
    assert_eq!(
        (tls.system_roots, tls.unverified, tls.server_name.as_deref()),
        (Some(false), true, Some("h"))
    );
}

#[test]
fn errors_are_raised_or_told() {
    let told = r#"{"method":"get","url":"http://a/","raise_error":false}"#;
    let raised = r#"{"method":"get","url":"http://a/"}"#;
    let refused = || Err(outbound::Fault::Refused("unallowed host: a".to_owned()));
    let timed_out = || Err(outbound::Fault::TimedOut { url: "http://a/".to_owned() });
    for (answer, want_raised, code, message) in [
        (
            network("connection refused"),
            r#"Get "http://a/": connection refused"#,
            "network",
            r#"Get \"http://a/\": connection refused"#,
        ),
        (refused(), "unallowed host: a", "internal", "unallowed host: a"),
        (
            timed_out(),
            "Get http://a/: request timed out",
            "network",
            r#"Get \"http://a/\": context deadline exceeded (Client.Timeout exceeded while awaiting headers)"#,
        ),
    ] {
        let world = World::new(vec![answer.clone(), answer]);
        assert_eq!(world.send(&mut world.context(1), raised), Err(want_raised.to_owned()));
        let want = format!(
            r#"{{"error":{{"code":"eval_http_send_{code}_error","message":"{message}"}},"status_code":0}}"#
        );
        assert_eq!(world.send(&mut world.context(1), told), Ok(want));
    }
    let world = World::new(vec![Err(outbound::Fault::Deadline)]);
    let request = Value::from_json(told.as_bytes()).unwrap();
    assert_eq!(send(&mut world.context(1), &[request]).unwrap_err().kind, Kind::Cancelled);
}

#[test]
fn the_same_request_is_sent_once_in_an_evaluation() {
    let world = World::new(vec![answer(200, &[], "1"), network("gone"), answer(200, &[], "3")]);
    let mut context = world.context(1);
    let with = |trace: &str, ignored: &str| {
        format!(
            r#"{{"method":"get","url":"http://a/","headers":{{"trace":"{trace}"}},"cache_ignored_headers":{ignored}}}"#
        )
    };
    let first = world.send(&mut context, &with("1", r#"["trace"]"#)).unwrap();
    assert_eq!(world.send(&mut context, &with("2", r#"["trace"]"#)).unwrap(), first);
    assert_eq!(world.asked(), 1);
    // An error, too.
    assert!(world.send(&mut context, &with("1", "null")).is_err());
    assert!(world.send(&mut context, &with("1", "null")).is_err());
    assert_eq!(world.asked(), 2);
    assert!(
        world.send(&mut world.context(1), &with("1", r#"["trace"]"#)).unwrap().contains(r#""raw_body":"3""#)
    );
}

const DATE: (&str, &str) = ("date", "Wed, 21 Oct 2015 07:28:00 GMT");
const NOW: i64 = 1_445_412_480_000_000_000;
const LATER: i64 = NOW + 61_000_000_000;

#[test]
fn what_is_kept_for_one_is_not_given_to_another() {
    let fresh = |body| answer(200, &[DATE, ("cache-control", "max-age=60")], body);
    let world = World::new(vec![fresh("shared"), fresh("a"), fresh("b")]);
    let request = r#"{"method":"get","url":"http://a/","cache":true}"#;
    let send = |part: Option<&str>| {
        let context = world.context(NOW);
        let effects = context.effects.clone().apart(part.map(Arc::from));
        world.send(&mut Context { effects, ..context }, request).unwrap()
    };
    for _ in 0..2 {
        for (part, body) in [(None, "shared"), (Some("a"), "a"), (Some("b"), "b")] {
            let raw = format!(r#""raw_body":"{body}""#);
            assert!(send(part).contains(&raw), "{part:?}");
        }
    }
    assert_eq!(world.asked(), 3);
}

#[test]
fn responses_are_kept_while_they_are_fresh_and_asked_about_afterwards() {
    let fresh = |body| answer(200, &[DATE, ("cache-control", "max-age=60"), ("etag", "v1")], body);
    let renewed = [("date", "Wed, 21 Oct 2015 07:29:01 GMT"), ("cache-control", "max-age=60"), ("x", "y")];
    let world = World::new(vec![fresh("one"), answer(304, &renewed, ""), answer(200, &[DATE], "two")]);
    let request = r#"{"method":"get","url":"http://a/","cache":true}"#;
    let body = |now, want: &str| {
        let got = world.send(&mut world.context(now), request).unwrap();
        assert!(got.contains(&format!(r#""raw_body":"{want}""#)), "{got}");
        got
    };
    body(NOW, "one");
    body(NOW, "one");
    assert_eq!(world.asked(), 1);
    let got = body(LATER, "one");
    assert!(got.contains(r#""status_code":200"#) && got.contains(r#""x":["y"]"#), "{got}");
    assert_eq!(world.asked(), 2);
    let conditional = world.script.asked.lock().unwrap()[1].clone();
    assert_eq!(conditional.headers, [("If-None-Match".to_owned(), "v1".to_owned())]);
    // The answer that nothing has changed has made it fresh again.
    body(LATER, "one");
    assert_eq!(world.asked(), 2);
    body(LATER + 61_000_000_000, "two");
    assert_eq!(world.asked(), 3);
}

#[test]
fn what_must_not_be_kept_is_asked_for_again() {
    for (headers, status, more, asked) in [
        (vec![DATE, ("cache-control", "max-age=60")], 200, r#""cache":true"#, 1),
        (vec![DATE, ("cache-control", "max-age=60")], 200, r#""cache":false"#, 2),
        (vec![DATE, ("cache-control", "no-store, max-age=60")], 200, r#""cache":true"#, 2),
        (vec![DATE, ("cache-control", "max-age=60")], 500, r#""cache":true"#, 2),
        (vec![], 200, r#""cache":true"#, 2),
        (
            vec![("cache-control", "no-store")],
            200,
            r#""force_cache":true,"force_cache_duration_seconds":60"#,
            1,
        ),
        (vec![], 200, r#""force_cache":true,"force_cache_duration_seconds":0"#, 2),
    ] {
        let world = World::new(vec![answer(status, &headers, "1"), answer(status, &headers, "2")]);
        let request = format!(r#"{{"method":"get","url":"http://a/",{more}}}"#);
        for _ in 0..2 {
            world.send(&mut world.context(NOW), &request).unwrap();
        }
        assert_eq!(world.asked(), asked, "{headers:?} {status} {more}");
    }
}
