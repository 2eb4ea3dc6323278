//! OPA's bundle protocol over HTTP: entity tags, polling, answers that are held back, and a real nginx.

use std::sync::Condvar;

use super::*;
use crate::harness::nginx::Nginx;
use crate::tls::authority::Authority;

const PATH: &str = "/v1/authz.tar.gz";

#[test]
fn a_bundle_is_fetched_and_only_again_when_it_has_changed() {
    let shared = Shared::default();
    shared.publish(PATH, &bundle("app", "1", "first"));
    let stub = shared.stub();
    let server = start(&config(&format!("{}/v1/", stub.url()), QUICK, &[("authz", "/authz.tar.gz")], ""));
    // The start has waited for it.
    assert_eq!(answer(&server, "app"), "first");
    wait_until("another question", || stub.count(PATH) > 3);
    assert_eq!(server.app.bundles.report().generation, 1);
    let asked = stub.asked();
    assert_eq!(asked[0].header("if-none-match"), None);
    assert_eq!(asked[0].header("prefer"), Some("modes=snapshot"));
    assert!(asked[0].header("user-agent").unwrap().starts_with("verdict/"));
    assert!(asked[1].header("if-none-match").unwrap().starts_with('"'));
    let status = remote(&server, "authz");
    assert_eq!(status["revision"], "1");
    assert_eq!(status["from"], format!("{}{PATH}", stub.url()));
    assert_eq!(
        (&status["kept"], &status["restored"], &status["error"]),
        (&json!(true), &json!(false), &Value::Null)
    );

    shared.publish(PATH, &bundle("app", "2", "second"));
    wait_answer(&server, "app", "second");
    let shown = server.get("/v1/status").json();
    assert_eq!(shown["result"]["bundles"]["authz"]["active_revision"], "2");
    assert_eq!(shown["result"]["tasks"]["bundles: acme"]["running"], true);
    assert!(fetches(&server, "new") >= 2.0);
    assert!(fetches(&server, "unchanged") >= 2.0);
    assert!(server.metric("verdict_bundle_confirmed_timestamp_seconds") > 1e9);
    assert!(server.shutdown());
}

/// Without tags, every answer has the whole bundle; it is activated when it is another.
#[test]
fn a_service_without_tags_is_compared_by_content() {
    let shared = Shared::default();
    shared.set(PATH, Answer::of(200, &bundle("app", "1", "first")));
    let stub = shared.stub();
    let server = start(&config(&stub.url(), QUICK, &[("authz", PATH)], ""));
    wait_until("another question", || stub.count(PATH) > 3);
    assert_eq!((answer(&server, "app"), server.app.bundles.report().generation), (json!("first"), 1));
    shared.set(PATH, Answer::of(200, &bundle("app", "2", "second")));
    wait_answer(&server, "app", "second");
}

#[test]
fn it_goes_together_with_the_directory_and_a_name_is_there_once() {
    let shared = Shared::default();
    shared.publish(PATH, &bundle("app", "1", "first"));
    let stub = shared.stub();
    let text = config(&stub.url(), QUICK, &[("authz", PATH)], "");
    let own = "package own\n\nanswer := data.app.answer\n";
    let app = TestApp::new().file("own/policy.rego", own).file("own/.manifest", r#"{"roots": ["own"]}"#);
    let server = app.config(&text).start();
    assert_eq!(answer(&server, "own"), "first");
    server.write("authz/.manifest", r#"{"roots": ["other"]}"#);
    server.write("authz/policy.rego", "package other\n");
    server.wait_failure();
    let error = server.app.bundles.report().error.clone().unwrap();
    assert!(error.contains("bundle `authz`: is fetched") && error.contains("rename one"), "{error}");
    assert_eq!(answer(&server, "own"), "first");
}

/// SIGHUP and `reload` ask at once, whatever the pause.
#[test]
fn whoever_asks_for_a_reload_asks_the_services() {
    let shared = Shared::default();
    shared.publish(PATH, &bundle("app", "1", "first"));
    let stub = shared.stub();
    let slow = "polling: {min: 1h, max: 1h}";
    let server = start(&config(&stub.url(), slow, &[("authz", PATH)], ""));
    assert_eq!(answer(&server, "app"), "first");
    shared.publish(PATH, &bundle("app", "2", "second"));
    let live = std::sync::Arc::clone(&server.app.live);
    server.block_on(async move { live.reload() }).unwrap();
    wait_answer(&server, "app", "second");
}

/// A service that holds its answer back: what it has, and who waits for news.
#[derive(Default)]
struct Held {
    state: Mutex<(Vec<u8>, bool)>,
    news: Condvar,
}

#[test]
fn an_answer_that_is_held_back_comes_into_force_at_once() {
    let held = Arc::new(Held::default());
    held.state.lock().unwrap().0 = bundle("app", "1", "first");
    let service = Arc::clone(&held);
    let stub = Stub::start(move |asked| {
        let mut state = service.state.lock().unwrap();
        let tag = |bytes: &[u8]| match Answer::tagged(bytes) {
            Answer::Whole { headers, .. } => headers[0].1.clone(),
            _ => unreachable!(),
        };
        let waits = asked.header("prefer").is_some_and(|prefer| prefer.contains("wait=3600"));
        while waits && !state.1 && asked.header("if-none-match") == Some(&tag(&state.0)) {
            state = service.news.wait(state).unwrap();
        }
        Answer::tagged(&state.0).with("Content-Type", "application/vnd.openpolicyagent.bundles")
    });
    let long = "polling: {min: 1h, max: 1h, wait: 1h}";
    let server = start(&config(&stub.url(), long, &[("authz", "x")], ""));
    assert_eq!(answer(&server, "app"), "first");
    // The first is answered by polling: only then is it known that the service can hold answers back.
    let live = std::sync::Arc::clone(&server.app.live);
    server.block_on(async move { live.reload() }).unwrap();
    for n in 2..5 {
        let asked = || {
            stub.asked()
                .iter()
                .filter(|asked| asked.header("prefer") == Some("modes=snapshot;wait=3600"))
                .count()
        };
        let before = n - 2;
        wait_until("a question that waits", || asked() > before);
        held.state.lock().unwrap().0 = bundle("app", "1", &format!("answer {n}"));
        held.news.notify_all();
        wait_answer(&server, "app", &format!("answer {n}"));
    }
    // The rest of the test's questions end.
    held.state.lock().unwrap().1 = true;
    held.news.notify_all();
}

/// Who says to hold answers back, and does not, is not asked all the time.
#[test]
fn a_service_that_answers_at_once_is_polled() {
    let shared = Shared::default();
    let answer_ = Answer::tagged(&bundle("app", "1", "first"));
    shared.set(PATH, answer_.with("Content-Type", "application/vnd.openpolicyagent.bundles"));
    let stub = shared.stub();
    let long = "polling: {min: 1h, max: 1h, wait: 30s}";
    let server = start(&config(&stub.url(), long, &[("authz", PATH)], ""));
    assert_eq!(answer(&server, "app"), "first");
    let live = std::sync::Arc::clone(&server.app.live);
    for asked in 2..4 {
        let live = std::sync::Arc::clone(&live);
        server.block_on(async move { live.reload() }).unwrap();
        wait_until("the question", || stub.count(PATH) >= asked);
    }
    wait_until("the answer", || remote(&server, "authz")["failures"] == 0);
    assert!(stub.count(PATH) < 10, "{}", stub.count(PATH));
}

#[test]
fn nginx_serves_bundles_by_tag_behind_a_token_and_a_certificate() {
    let authority = Authority::new();
    let (pair, root) = (authority.pair(1, 2099), authority.pem().to_owned());
    let lines = "    ssl_protocols TLSv1.3; ssl_certificate server.pem; ssl_certificate_key server.key;\n    ssl_client_certificate ca.pem; ssl_verify_client on;\n    \
                 root files;\n    location / { if ($http_authorization != \"Bearer open sesame\") { return 401; } }";
    let mut folder = std::path::PathBuf::new();
    let started = Nginx::start("bundles from nginx", lines, "ssl", |dir| {
        std::fs::write(dir.join("server.pem"), &pair.0).unwrap();
        std::fs::write(dir.join("server.key"), &pair.1).unwrap();
        std::fs::write(dir.join("ca.pem"), &root).unwrap();
        std::fs::create_dir(dir.join("files")).unwrap();
        std::fs::write(dir.join("files/authz.tar.gz"), bundle("app", "1", "first")).unwrap();
        folder = dir.join("files");
    });
    let Some(nginx) = started else { return };
    let app = TestApp::new();
    let dir = app.dir.path().to_owned();
    authority.issue(&dir, 2);
    std::fs::write(dir.join("ca.pem"), authority.pem()).unwrap();
    std::fs::write(dir.join("token"), "wrong\n").unwrap();
    let url = format!("https://localhost:{}", nginx.address.port());
    let more =
        format!("{QUICK}, tls: {{ca: ca.pem, cert: cert.pem, key: key.pem}}, bearer: {{token_file: token}}");
    let server = app.config(&config(&url, &more, &[("authz", "authz.tar.gz")], "")).start();
    wait_trouble(&server, "authz", "answered 401 instead of 200; check the service's credentials");
    assert_eq!(server.get("/health/ready").status, 503);
    let error = server.app.bundles.report().error.clone().unwrap();
    assert!(error.contains("could not be fetched from") && error.contains("401"), "{error}");
    // The file is read for every request.
    std::fs::write(dir.join("token"), "open sesame\n").unwrap();
    wait_answer(&server, "app", "first");
    assert_eq!(server.get("/health/ready").status, 200);
    let confirmed = || fetches(&server, "unchanged");
    let before = confirmed();
    wait_until("answers of 304", || confirmed() > before + 2.0);
    // nginx makes tags of size and time: the same second, and the same size, would be the same tag.
    std::fs::write(folder.join("next"), bundle("app", "2", "the second one")).unwrap();
    std::fs::rename(folder.join("next"), folder.join("authz.tar.gz")).unwrap();
    wait_answer(&server, "app", "the second one");
    drop(nginx);
    wait_trouble(&server, "authz", "the call failed");
    assert_eq!(answer(&server, "app"), "the second one");
    let ready = server.get("/health/ready");
    assert_eq!(
        (ready.status, &ready.json()["warnings"][0]),
        (200, &json!("a bundle cannot be fetched; the last one stays in force"))
    );
}

/// A service that answers nothing at all does not keep the server from starting.
#[test]
fn an_answer_that_does_not_end_ends_at_the_timeout() {
    let stub = Stub::start(|_| Answer::Stuck(b"HTTP/1.1 200 x\r\nContent-Length: 1000\r\n\r\nabc".to_vec()));
    let more = format!("{QUICK}, timeout: 200ms");
    let server = start(&config(&stub.url(), &more, &[("authz", PATH)], ""));
    wait_trouble(&server, "authz", "no complete answer within 200ms");
    wait_until("another question", || stub.count(PATH) > 2);
    assert_eq!(server.get("/health/ready").status, 503);
}
