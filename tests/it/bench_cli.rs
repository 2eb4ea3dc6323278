//! `verdict bench`, against a server of known behaviour and policies of known answers.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use clap::Parser;
use serde_json::Value;
use verdict::cli::bench::load::{self, Control, Limit, LoadReport, Plan};
use verdict::cli::bench::requests::RequestSet;
use verdict::cli::bench::url::Url;
use verdict::cli::bench::{BenchArgs, BenchError, Finished, bench, closed_loop};

mod stub;

use stub::{Act, Stub, ok};

#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    bench: BenchArgs,
}

fn run(args: &[&str]) -> Result<Finished, BenchError> {
    bench(Cli::try_parse_from([&["bench"], args].concat()).unwrap_or_else(|error| panic!("{error}")).bench)
}

fn run_json(args: &[&str]) -> (Value, bool) {
    let finished = run(&[args, &["--format", "json"]].concat()).unwrap();
    (serde_json::from_str(&finished.text).unwrap(), finished.sound)
}

fn write(dir: &Path, name: &str, text: &str) -> String {
    let path = dir.join(name);
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

/// So many requests over one connection, one after another.
fn one_by_one(stub: &Stub, count: u64) -> LoadReport {
    let url = Url::parse(&stub.url("/v1/data/app/allow")).unwrap();
    let requests = RequestSet::of_input(None).unwrap().prepare(&url, &[]);
    closed_loop(stub.address, 1, Limit::Requests(count), requests).unwrap()
}

#[test]
fn a_stall_that_service_time_hides_shows_in_latency() {
    // Once, for a second, nobody is answered: of 300 requests at 100/s, four are under way, a hundred are not sent.
    let gate = Mutex::new(());
    let stub = Stub::start(move |number| {
        let held = gate.lock().unwrap();
        if number == 150 {
            std::thread::sleep(Duration::from_secs(1));
        }
        drop(held);
        ok("allow")
    });
    let url = stub.url("/v1/data/app/allow");
    let (report, sound) = run_json(&[
        "--url",
        &url,
        "--rate",
        "100",
        "--connections",
        "4",
        "--duration",
        "3s",
        "--warmup",
        "0",
    ]);
    let server = &report["servers"][0];
    let nanos = |of: &str, what: &str| server[of][what].as_u64().unwrap();
    assert!(sound);
    assert_eq!(server["mode"], "open_loop");
    assert_eq!(server["requests_sent"], 300);
    assert_eq!(server["latency"]["samples"], 300);
    assert!(nanos("latency", "p90_ns") >= 300_000_000, "{server:#}");
    // Of each request alone, most of that second is hidden.
    assert!(nanos("service_time", "p90_ns") < nanos("latency", "p90_ns") / 2, "{server:#}");
    assert!(nanos("service_time", "max_ns") >= 900_000_000, "{server:#}");
}

#[test]
fn a_rate_that_the_server_cannot_take_is_said_loudly_and_counted() {
    let stub = Stub::start(|_| {
        std::thread::sleep(Duration::from_millis(50));
        ok("allow")
    });
    let url = stub.url("/");
    let args =
        ["--url", &url, "--rate", "1000", "--connections", "2", "--duration", "500ms", "--warmup", "0"];
    let (report, sound) = run_json(&args);
    let server = &report["servers"][0];
    let (sent, unsent) =
        (server["requests_sent"].as_u64().unwrap(), server["requests_unsent"].as_u64().unwrap());
    assert!(sound);
    assert_eq!(sent + unsent, 500);
    assert!(unsent > 300, "{server:#}");
    assert_eq!(server["latency"]["samples"], 500, "what was never sent counts, too");
    assert_eq!(server["service_time"]["samples"], sent);
    assert_eq!(server["rate"]["held"], false);
    assert!(server["rate"]["achieved_per_s"].as_f64().unwrap() < 500.0);
    assert!(run(&args).unwrap().text.contains("RATE NOT HELD"));
}

#[test]
fn every_kind_of_answer_is_counted_for_what_it_is() {
    let answers = [
        ("HTTP/1.1 200 OK\r\nverdict-outcome: deny\r\ncontent-length: 2\r\n\r\n{}", "200"),
        ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", "200"),
        ("HTTP/1.1 204 No Content\r\n\r\n", "204"),
        ("HTTP/1.1 401 No\r\nverdict-outcome: refused\r\ncontent-length: 0\r\n\r\n", "401"),
        ("HTTP/1.1 503 Busy\r\ncontent-length: 4\r\n\r\nbusy", "503"),
        ("* OK IMAP4rev1\r\n", "undecodable"),
        ("HTTP/1.1 200 OK\r\ncontent-length: ten\r\n\r\n0123456789", "undecodable"),
    ];
    let stub = Stub::start(move |number| Act::Send(answers[number % answers.len()].0.to_owned()));
    let report = one_by_one(&stub, 70);
    let tally = report.tally;
    assert_eq!(tally.statuses, BTreeMap::from([(200, 20), (204, 10), (401, 10), (503, 10)]));
    assert_eq!((tally.sent, tally.answered(), tally.of_class(5)), (70, 50, 10));
    assert_eq!((tally.failures.undecodable, tally.failures.total()), (20, 20));
    assert_eq!(tally.failures.first.as_deref(), Some("the answer is not HTTP/1.1: its head cannot be read"));
    let outcomes: Vec<_> = tally.by_outcome().filter(|(_, count)| *count > 0).collect();
    let names: Vec<_> = outcomes.iter().map(|(outcome, count)| (outcome.name(), *count)).collect();
    assert_eq!(names, [("deny", 10), ("refused", 10)]);
    assert_eq!(tally.latency.summary().samples, 50);
}

#[test]
fn server_errors_and_cut_answers_are_not_sound() {
    let dies = "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{";
    let fails = "HTTP/1.1 500 x\r\ncontent-length: 0\r\n\r\n";
    for (act, closed) in [(Act::SendAndClose as fn(_) -> _, dies), (Act::Send, fails)]
        .map(|(act, text): (fn(String) -> Act, &'static str)| (move |_| act(text.to_owned()), text == dies))
    {
        let stub = Stub::start(act);
        let url = stub.url("/");
        let args = ["--url", &url, "--connections", "2", "--duration", "100ms", "--warmup", "0"];
        let (report, sound) = run_json(&args);
        let server = &report["servers"][0];
        assert!(!sound);
        assert_eq!(server["failed_requests"]["closed"].as_u64().unwrap() > 0, closed);
        assert_eq!(server["answers_by_status_class"]["5xx"].as_u64().is_some(), !closed);
        let text = run(&args).unwrap().text;
        assert!(text.contains(if closed { "FAILED: closed" } else { "NOTHING MEASURED" }), "{text}");
    }
}

fn answer(status: &str, outcome: &str, reason: &str) -> Act {
    let header = |name: &str, value: &str| match value {
        "" => String::new(),
        value => format!("{name}: {value}\r\n"),
    };
    let (outcome, reason) = (header("verdict-outcome", outcome), header("verdict-reason", reason));
    Act::Send(format!("HTTP/1.1 {status} x\r\n{outcome}{reason}content-length: 0\r\n\r\n"))
}

#[test]
fn a_load_without_a_decision_measures_nothing_and_fails() {
    for (status, outcome, reason, parts) in [
        (
            "401",
            "refused",
            "no token",
            &["all are 401 refused (no token)", "--token \"$(verdict token --sub alice)\""][..],
        ),
        ("401", "", "", &["all are 401\nhint: send a credential"]),
        (
            "403",
            "refused",
            "not for you",
            &["all are 403 refused (not for you)", "the credential was not good enough"],
        ),
        (
            "200",
            "undefined",
            "no rule",
            &["all are 200 undefined (no rule)", "check the path of `--url`, and the input"],
        ),
        ("404", "", "", &["all are 404\nhint: check the path of `--url`"]),
        ("500", "error", "division by zero", &["all are 500 error (division by zero)"]),
    ] {
        let (kind, why) = ((status, outcome), reason);
        let stub = Stub::start(move |_| answer(kind.0, kind.1, why));
        let url = stub.url("/v1/data/app/allow");
        let args = ["--url", &url, "--connections", "2", "--duration", "50ms", "--warmup", "0"];
        let finished = run(&args).unwrap();
        assert!(!finished.sound && finished.text.contains("NOTHING MEASURED"), "{}", finished.text);
        let [said] = finished.nothing.as_slice() else { panic!("{:?}", finished.nothing) };
        for part in parts.iter().chain(&["nothing was measured at http://"]) {
            assert!(said.contains(part), "no {part} in {said}");
        }
        let finished = run(&[&args[..], &["--token", "canary"]].concat()).unwrap();
        let inspect =
            finished.nothing[0].contains("this token is not accepted; `verdict credential inspect`");
        assert_eq!(inspect, status == "401", "{:?}", finished.nothing);
        // Unless that is what is wanted.
        let finished = run(&[&args[..], &["--fail=false"]].concat()).unwrap();
        assert_eq!((finished.sound, finished.nothing.len()), (status != "500", 0));
    }
    let stub = Stub::start(|_| Act::SendAndClose("HTTP".to_owned()));
    let url = stub.url("/");
    let finished = run(&["--url", &url, "--duration", "50ms", "--warmup", "0"]).unwrap();
    assert!(
        !finished.sound && finished.nothing[0].contains("requests was answered: "),
        "{:?}",
        finished.nothing
    );
}

#[test]
fn denials_are_decisions_and_of_a_mixture_the_share_is_said() {
    // A forward-auth door says 403 when policy denies; a server that is not ours says nothing but 200.
    for act in [
        (|| answer("403", "deny", "")) as fn() -> Act,
        || answer("200", "", ""),
        || answer("200", "value", ""),
    ] {
        let stub = Stub::start(move |_| act());
        let url = stub.url("/");
        let finished =
            run(&["--url", &url, "--connections", "1", "--duration", "50ms", "--warmup", "0"]).unwrap();
        assert!(finished.sound && !finished.text.contains("DECISIONS"), "{}", finished.text);
    }
    let stub = Stub::start(|number| match number % 4 {
        0 => answer("401", "refused", "expired"),
        _ => answer("200", "allow", ""),
    });
    let tally = one_by_one(&stub, 40).tally;
    assert_eq!((tally.decided(), tally.undecided[&(401, Some("refused"))].count), (30, 10));
    let url = stub.url("/");
    let args = ["--url", &url, "--connections", "1", "--duration", "100ms", "--warmup", "0"];
    let finished = run(&args).unwrap();
    assert!(finished.sound && finished.nothing.is_empty());
    let said =
        finished.text.lines().find(|line| line.contains("NOT ALL DECISIONS: 2")).expect(&finished.text);
    assert!(said.ends_with("% of the answers are none, most of them 401 refused: expired"), "{said}");
    let undecided = &run_json(&args).0["servers"][0]["undecided"][0];
    assert_eq!((&undecided["status"], &undecided["reason"]), (&401.into(), &"expired".into()));
}

#[test]
fn bodies_that_do_not_look_as_their_path_wants_them_are_asked_about() {
    let input = r#"{"input": {"a": 1}}"#;
    let of =
        |set: RequestSet, path: &str| set.warning("r.json", &Url::parse(&format!("http://h{path}")).unwrap());
    let wrapped = of(RequestSet::of_input(Some(input)).unwrap(), "/v1/data/app").unwrap();
    assert!(wrapped.starts_with("the only member of the input in `r.json` is `input`"), "{wrapped}");
    let requests = |text: &str| RequestSet::parse(text).unwrap();
    let bare = of(requests(&format!("{input}\n{{\"a\": 1}}")), "/v1/data/app").unwrap();
    assert!(bare.starts_with("request 2 in `r.json` has no member `input`"), "{bare}");
    let v0 = of(requests(input), "/v0/data/app").unwrap();
    assert!(v0.starts_with("the only member of request 1 in `r.json` is `input`"), "{v0}");
    for (set, path) in [
        (RequestSet::of_input(Some(r#"{"a": 1}"#)).unwrap(), "/v1/data/app"),
        (RequestSet::of_input(None).unwrap(), "/v1/data/app"),
        (requests(input), "/v1/data/app"),
        (requests(r#"{"a": 1}"#), "/v0/data/app"),
        (requests(r#"{"a": 1}"#), "/access/v1/evaluation"),
        (requests(r#"{"method": "GET", "path": "/health"}"#), "/v1/data/app"),
    ] {
        assert_eq!(of(set, path), None, "{path}");
    }
}

#[test]
fn a_connection_that_the_server_ends_is_opened_again() {
    let last = "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
    let stub = Stub::start(
        move |number| {
            if number % 3 == 2 { Act::SendAndClose(last.to_owned()) } else { ok("allow") }
        },
    );
    let report = one_by_one(&stub, 30);
    assert_eq!((report.tally.answered(), report.tally.failures.total()), (30, 0));
    assert_eq!(stub.connections.load(std::sync::atomic::Ordering::SeqCst), 10);
}

#[test]
fn a_connection_closed_while_idle_is_no_failure() {
    // Closed without a word after each answer: there is time to notice before the next request is due.
    let stub = Stub::start(|_| Act::SendAndClose("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n".to_owned()));
    let url = stub.url("/");
    let (report, sound) =
        run_json(&["--url", &url, "--rate", "2", "--connections", "1", "--duration", "2s", "--warmup", "0"]);
    assert!(sound, "{report:#}");
    assert_eq!(report["servers"][0]["requests_answered"], 4);
}

#[test]
fn no_answer_in_time_is_a_timeout_and_counts_in_latency() {
    let stub = Stub::start(|_| {
        std::thread::sleep(Duration::from_secs(60));
        ok("allow")
    });
    let url = Url::parse(&stub.url("/")).unwrap();
    let requests = RequestSet::of_input(None).unwrap().prepare(&url, &[]).into();
    let timeout = Duration::from_millis(50);
    let plan = Plan { timeout, ..Plan::closed(stub.address, 2, Limit::Requests(4)) };
    let tally = load::run(&plan, &requests, &Arc::default()).unwrap().tally;
    assert_eq!((tally.sent, tally.failures.timeout, tally.answered()), (4, 4, 0));
    assert!(tally.latency.summary().min_ns >= 50_000_000);

    // Stopped while requests are under way: it ends all the same, and says that they are not finished.
    let control = Arc::new(Control::default());
    let plan = Plan::closed(stub.address, 2, Limit::Time(Duration::from_secs(600)));
    let stopped = std::thread::scope(|scope| {
        let run = scope.spawn(|| load::run(&plan, &requests, &control));
        while stub.seen.lock().unwrap().len() < 6 {
            std::thread::sleep(Duration::from_millis(5));
        }
        control.stop();
        run.join().unwrap().unwrap()
    });
    assert_eq!((stopped.tally.sent, stopped.tally.unfinished()), (2, 2));
}

#[test]
fn threads_share_the_connections_and_the_requests() {
    let stub = Stub::start(|_| ok("allow"));
    let url = Url::parse(&stub.url("/")).unwrap();
    let requests = RequestSet::of_input(None).unwrap().prepare(&url, &[]).into();
    let plan = Plan { threads: 3, ..Plan::closed(stub.address, 7, Limit::Requests(100)) };
    let report = load::run(&plan, &requests, &Arc::default()).unwrap();
    assert_eq!((report.tally.sent, report.tally.answered()), (100, 100));
    assert_eq!(stub.connections.load(std::sync::atomic::Ordering::SeqCst), 7);
    assert_eq!(report.generator.requests, 100);
}

#[test]
fn requests_from_a_file_are_sent_in_turn_with_the_token() {
    let dir = tempfile::tempdir().unwrap();
    let lines = "{\"input\": {\"n\": 1}}\n{\"method\": \"GET\", \"path\": \"/v1/data/x\", \"headers\": {\"x-n\": \"2\"}}\n";
    let (file, token) = (write(dir.path(), "r.jsonl", lines), write(dir.path(), "token", "canary\n"));
    let stub = Stub::start(|_| ok("allow"));
    let url = stub.url("/v1/data/app/allow");
    let mut args = vec!["--url", &url, "--requests", &file, "--token-file", &token, "--header", "X-Extra: e"];
    args.extend(["--connections", "1", "--duration", "50ms", "--warmup", "0"]);
    let finished = run(&args).unwrap();
    assert!(finished.sound && !finished.text.contains("canary"));
    let seen = stub.seen.lock().unwrap();
    assert!(seen.len() > 4);
    for (number, request) in seen.iter().enumerate() {
        let (first, body) = [
            ("POST /v1/data/app/allow HTTP/1.1", "{\"input\": {\"n\": 1}}"),
            ("GET /v1/data/x HTTP/1.1", ""),
        ][number % 2];
        assert_eq!((request.head[0].as_str(), request.body.as_str()), (first, body));
        for line in ["authorization: Bearer canary", "x-extra: e"] {
            assert!(request.head.iter().any(|header| header == line), "{line}");
        }
    }
}

#[test]
fn two_servers_are_measured_in_alternating_rounds_and_compared() {
    let quick = Stub::start(|_| ok("allow"));
    let slow = Stub::start(|_| {
        std::thread::sleep(Duration::from_millis(100));
        ok("deny")
    });
    let (first, second) = (quick.url("/v1/data/app"), slow.url("/v1/data/app"));
    let mut args = vec!["--url", &first, "--compare", &second, "--rounds", "3"];
    args.extend(["--connections", "2", "--duration", "300ms", "--warmup", "30ms"]);
    let (report, sound) = run_json(&args);
    assert!(sound);
    assert_eq!(report["form"], "server");
    assert_eq!(report["interrupted"], false);
    assert_eq!(report["servers"][0]["answers_by_outcome"]["allow"], report["servers"][0]["requests_sent"]);
    assert_eq!(report["servers"][1]["answers_by_outcome"]["deny"], report["servers"][1]["requests_sent"]);
    for server in report["servers"].as_array().unwrap() {
        assert_eq!(server["rounds"], 3);
        assert_eq!(server["rate"], Value::Null);
        assert_eq!(server["latency"]["samples"], server["requests_answered"]);
        assert!(server["elapsed_s"].as_f64().unwrap() >= 0.3);
    }
    let ratio = &report["first_over_second"];
    assert_eq!(ratio["by_round"].as_array().unwrap().len(), 3);
    assert!(ratio["throughput"].as_f64().unwrap() > 2.0, "{ratio:#}");
    assert!(ratio["latency_p50"].as_f64().unwrap() < 0.5, "{ratio:#}");
    assert!(run(&args).unwrap().text.contains("3 rounds each"));
}

#[test]
fn every_number_in_the_json_has_its_unit_in_its_name() {
    let stub = Stub::start(|_| ok("allow"));
    let url = stub.url("/");
    let (report, _) = run_json(&["--url", &url, "--rate", "200", "--duration", "100ms", "--warmup", "0"]);
    let counted = [
        "connections",
        "threads",
        "rounds",
        "samples",
        "connect",
        "timeout",
        "closed",
        "undecodable",
        "200",
        "2xx",
        "allow",
    ];
    check_units(&report["servers"][0], &mut |name| {
        let unit = ["_ns", "_s", "_ratio", "_ns_per_request"].iter().any(|end| name.ends_with(end));
        assert!(unit || name.starts_with("requests_") || counted.contains(&name), "`{name}` has no unit");
    });
}

fn check_units(value: &Value, check: &mut impl FnMut(&str)) {
    for (name, value) in value.as_object().unwrap() {
        match value {
            Value::Number(_) => check(name),
            Value::Object(_) => check_units(value, check),
            _ => {}
        }
    }
}

#[test]
fn a_server_that_is_not_there_is_said_with_a_hint() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let error = run(&["--url", &format!("http://{free}/")]).unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, BenchError::Failed(_)), "{text}");
    assert!(
        text.contains(&format!("cannot connect to {free}")) && text.contains("hint: nothing listens there"),
        "{text}"
    );
}

#[test]
fn arguments_that_make_no_sense_are_refused() {
    for args in [
        &[][..],
        &["--url", "http://h/", "data.app.allow"],
        &["--url", "http://h/", "-d", "x.rego"],
        &["--url", "http://h/", "--count", "2"],
        &["--rate", "5", "data.app.allow"],
        &["--connections", "5", "data.app.allow"],
        &["--url", "http://h/", "--rate", "0"],
        &["--url", "http://h/", "--rate", "inf"],
        &["--url", "http://h/", "--connections", "0"],
        &["--url", "http://h/", "--duration", "0"],
        &["--url", "http://h/", "--duration", "10"],
        &["--url", "http://h/", "--rounds", "2"],
        &["--url", "http://h/", "--token", "a", "--token-file", "b"],
        &["--url", "http://h/", "--requests", "a", "--input", "b"],
        &["data.app.allow", "--format", "xml"],
    ] {
        assert!(Cli::try_parse_from([&["bench"], args].concat()).is_err(), "{args:?}");
    }
    for (args, part) in [
        (&["--url", "https://h/"][..], "plain http only"),
        (&["--url", "http://h/", "--format", "gobench"], "gobench"),
        (&["--url", "http://h/", "--requests", "no-such-file"], "cannot read `no-such-file`"),
        (&["--url", "http://h/", "--header", "canary"], "no colon"),
        (&["--url", "http://h/", "--header", "a b: canary"], "`a b` is not a header name"),
        (&["--url", "http://h/", "--token", "canary\n"], "header `authorization`"),
        (&["data.app.allow"], "no policy to measure"),
    ] {
        let error = run(args).unwrap_err();
        assert!(matches!(error, BenchError::Usage(_)), "{args:?}: {error}");
        assert!(
            error.to_string().contains(part) && !error.to_string().contains("canary"),
            "{args:?}: {error}"
        );
    }
    let args =
        Cli::try_parse_from(["bench", "--url", "http://h/", "--token", "canary", "--header", "x:canary"]);
    assert!(!format!("{:?}", args.unwrap_or_else(|error| panic!("{error}")).bench).contains("canary"));
}

#[test]
fn a_policy_is_measured_in_process() {
    let dir = tempfile::tempdir().unwrap();
    let policy = write(
        dir.path(),
        "policy.rego",
        "package app\n\ndefault allow := false\n\nallow if data.roles[input.user] == \"admin\"\n\nnever if false\n",
    );
    let data = write(dir.path(), "data.json", r#"{"roles": {"ann": "admin"}}"#);
    let input = write(dir.path(), "input.json", r#"{"user": "ann"}"#);
    let common = ["-d", &policy, "-d", &data, "--benchtime", "20ms"];
    let with = |more: &[&'static str]| [&common[..], more].concat();

    let args = [&with(&["data.app.allow", "--count", "2"])[..], &["-i", &input]].concat();
    let (report, sound) = run_json(&args);
    assert!(sound);
    assert_eq!((&report["form"], &report["entrypoint"]), (&"policy".into(), &"app/allow".into()));
    assert_eq!(report["outcome"], "allow");
    let samples = report["samples"].as_array().unwrap();
    assert_eq!(samples.len(), 2);
    for sample in samples {
        assert!(sample["iterations"].as_u64().unwrap() > 1);
        assert_eq!(sample["evaluation"]["samples"], sample["iterations"]);
        let of = |name: &str| sample["evaluation"][name].as_u64().unwrap();
        assert!(of("min_ns") > 0 && of("min_ns") <= of("p50_ns") && of("p50_ns") <= of("max_ns"));
    }
    let lines = run(&[&args[..], &["--format", "gobench"]].concat()).unwrap().text;
    assert_eq!(
        lines
            .lines()
            .filter(|l| l.starts_with("BenchmarkDecide/app/allow\t") && l.contains(" ns/op\t"))
            .count(),
        2
    );
    let text = run(&with(&["app/allow"])).unwrap().text;
    assert!(text.starts_with("app/allow: deny\n") && text.contains("p99.99"), "{text}");

    for (args, part) in [
        (with(&["app/never"]), "undefined"),
        (with(&["app/alow"]), "undefined"),
        (vec!["app/allow", "-d", &input, "-d", &data], "undefined"),
        (vec!["data.app.allow", "-d", "no-such.rego"], "cannot read `no-such.rego`"),
        (vec!["data.a-b.c", "-d", "no-such.rego"], "cannot read `no-such.rego`"),
        (with(&["x +"]), "1:4: rego_parse_error"),
        (with(&["nosuch(1)"]), "undefined function nosuch"),
    ] {
        let error = run(&args).unwrap_err();
        assert!(matches!(error, BenchError::Failed(_)) && error.to_string().contains(part), "{error}");
    }
    let args = with(&["x := data.roles[_]; x == \"admin\"", "--metrics=false", "--count", "1"]);
    let (report, _) = run_json(&args);
    assert_eq!(report["entrypoint"], "x := data.roles[_]; x == \"admin\"");
    let sample = &report["samples"][0];
    assert_eq!((&sample["N"], sample.get("Extra")), (&sample["iterations"], None));
    let (report, _) = run_json(&with(&["allow", "--package", "app", "--fail=false"]));
    let figures = report["samples"][0]["Extra"].as_object().unwrap();
    assert!(figures["histogram_timer_rego_query_eval_ns_99.9%"].as_f64().unwrap() > 0.0, "{report:#}");
    assert!(run(&with(&["app/never", "--fail=false"])).unwrap().text.starts_with("app/never: undefined"));
    let broken = write(dir.path(), "broken.rego", "package app\n\nallow if {\n");
    let error = run(&["app/allow", "-d", &broken]).unwrap_err();
    assert!(matches!(error, BenchError::Failed(_)) && error.to_string().contains("broken.rego:"), "{error}");
}
