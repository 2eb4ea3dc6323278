//! Requests and responses: what is sent, what comes back, redirects, what is kept.

use serde_json::json;

use super::{Peer, Reply, World, get};

#[test]
fn a_request_arrives_as_it_was_written_and_its_answer_as_it_was_sent() {
    let peer = Peer::start(|_, _| {
        let mut reply = Reply::json(&json!({"ok": [1, 2.50]}));
        reply.headers.extend([("x-many", "a".to_owned()), ("x-many", "b".to_owned())]);
        reply
    });
    let request = json!({
        "method": "post", "url": peer.url("/a?b=c"), "body": {"x": "<y>"},
        "headers": {"X-Trace": "1", "host": "other.example", "Content-Length": "9999", "transfer-encoding": "chunked"},
    });
    let got = World::everybody().send(&request).unwrap();
    assert_eq!((&got["status"], &got["status_code"]), (&json!("200 OK"), &json!(200)));
    assert_eq!((&got["body"], &got["raw_body"]), (&json!({"ok": [1, 2.50]}), &json!(r#"{"ok":[1,2.5]}"#)));
    assert_eq!(got["headers"]["x-many"], json!(["a", "b"]));
    assert_eq!(got["headers"]["content-type"], json!(["application/json"]));
    let seen = peer.seen().remove(0);
    assert_eq!((seen.method.as_str(), seen.path.as_str()), ("POST", "/a?b=c"));
    assert_eq!(seen.body, r#"{"x":"\u003cy\u003e"}"#);
    assert_eq!((seen.headers["x-trace"].as_str(), seen.headers["host"].as_str()), ("1", "other.example"));
    assert_eq!(seen.headers["content-length"], seen.body.len().to_string());
    assert!(seen.headers["user-agent"].starts_with("verdict/"));
}

#[test]
fn every_status_is_an_answer() {
    let peer = Peer::start(|seen, _| Reply::new(seen.path[1..].parse().unwrap(), &[], "text"));
    for (status, text) in [(204, "204 No Content"), (404, "404 Not Found"), (503, "503 Service Unavailable")]
    {
        let got = World::everybody().send(&get(&peer.url(&format!("/{status}")), json!({}))).unwrap();
        assert_eq!(
            (&got["status"], &got["status_code"], &got["body"]),
            (&json!(text), &json!(status), &json!(null))
        );
    }
}

#[test]
fn redirects_are_followed_where_the_request_says_so() {
    let peer = Peer::start(|seen, _| match seen.path.as_str() {
        "/end" => Reply::new(200, &[], &format!("{} {}", seen.method, seen.body)),
        "/loop" => Reply::new(302, &[("location", "/loop")], ""),
        "/nowhere" => Reply::new(302, &[], "as it is"),
        "/file" => Reply::new(302, &[("location", "file:///etc/passwd")], ""),
        path => Reply::new(path[1..].parse().unwrap(), &[("location", "/end")], ""),
    });
    let world = World::everybody();
    let post = |path: &str, follow: bool| {
        let request =
            json!({"method": "POST", "url": peer.url(path), "raw_body": "x", "enable_redirect": follow});
        world.send(&request)
    };
    for (path, follow, status, body) in [
        ("/302", false, 302, ""),
        ("/301", true, 200, "GET "),
        ("/302", true, 200, "GET "),
        ("/303", true, 200, "GET "),
        ("/307", true, 200, "POST x"),
        ("/308", true, 200, "POST x"),
        ("/nowhere", true, 302, "as it is"),
    ] {
        let got = post(path, follow).unwrap();
        assert_eq!(
            (&got["status_code"], &got["raw_body"]),
            (&json!(status), &json!(body)),
            "{path} {follow}"
        );
    }
    assert!(post("/loop", true).unwrap_err().contains("stopped after 10 redirects"));
    assert!(post("/file", true).unwrap_err().contains("unsupported protocol scheme \"file\""));
}

#[test]
fn another_host_does_not_see_what_the_first_was_trusted_with() {
    let end = Peer::start(|_, _| Reply::new(200, &[], ""));
    let to = format!("http://localhost:{}/", end.address.port());
    let first = Peer::start(move |seen, _| match seen.path.as_str() {
        "/away" => Reply { headers: vec![("location", to.clone())], ..Reply::new(302, &[], "") },
        _ => Reply::new(200, &[], ""),
    });
    let headers = json!({"Authorization": "Bearer secret", "Cookie": "a=b", "X-Trace": "1"});
    let request = get(&first.url("/away"), json!({"enable_redirect": true, "headers": headers}));
    assert_eq!(World::everybody().send(&request).unwrap()["status_code"], json!(200));
    let seen = end.seen().remove(0);
    assert_eq!(seen.headers.get("x-trace").map(String::as_str), Some("1"));
    assert!(!seen.headers.contains_key("authorization") && !seen.headers.contains_key("cookie"), "{seen:?}");
    assert_eq!(first.seen()[0].headers["authorization"], "Bearer secret");
}

const SECOND: i64 = 1_000_000_000;
/// When the peer's responses say that they were made.
const NOW: i64 = 1_445_412_480 * SECOND;
const DATE: (&str, &str) = ("date", "Wed, 21 Oct 2015 07:28:00 GMT");

#[test]
fn what_is_fresh_is_not_asked_for_and_what_is_stale_is_asked_about() {
    let peer = Peer::start(|seen, _| {
        let fresh = [DATE, ("cache-control", "max-age=60"), ("etag", "\"v1\"")];
        match seen.headers.get("if-none-match").map(String::as_str) {
            Some("\"v1\"") if !seen.path.contains("changed") => Reply::new(
                304,
                &[("date", "Wed, 21 Oct 2015 07:30:00 GMT"), ("cache-control", "max-age=60")],
                "",
            ),
            Some(_) => Reply::new(200, &fresh, "new"),
            None => Reply::new(200, &fresh, "first"),
        }
    });
    let world = World::everybody();
    for (path, at, body, asked) in [
        ("/a", 0, "first", 1),
        ("/a", 59, "first", 1),
        ("/a", 61, "first", 2),
        // Made fresh by the answer that nothing has changed, until 07:31:00.
        ("/a", 179, "first", 2),
        ("/a", 181, "first", 3),
        ("/changed", 0, "first", 4),
        ("/changed", 61, "new", 5),
    ] {
        let got =
            world.ask("sent", &get(&peer.url(path), json!({"cache": true})), NOW + at * SECOND).unwrap();
        assert_eq!((&got["raw_body"], &got["status_code"]), (&json!(body), &json!(200)), "{path} {at}");
        assert_eq!(peer.seen().len(), asked, "{path} {at}");
    }
}

#[test]
fn what_is_kept_is_bounded_and_for_requests_that_ask_for_it() {
    let peer = Peer::start(|_, _| Reply {
        body: vec![b'x'; 50_000],
        ..Reply::new(200, &[DATE, ("cache-control", "max-age=60")], "")
    });
    let world = World::everybody();
    for n in 0..40 {
        world.ask("sent", &get(&peer.url(&format!("/{n}")), json!({"cache": true})), NOW).unwrap();
        world.ask("sent", &get(&peer.url(&format!("/{n}")), json!({})), NOW).unwrap();
    }
    assert_eq!(peer.seen().len(), 80);
    let kept = &world.around.responses;
    assert!(
        !kept.is_empty() && kept.len() <= 20 && kept.bytes() <= 1 << 20,
        "{} {}",
        kept.len(),
        kept.bytes()
    );
}

#[test]
fn a_forced_response_is_kept_whatever_it_says() {
    let peer =
        Peer::start(|_, before| Reply::new(200, &[("cache-control", "no-store")], &before.to_string()));
    let world = World::everybody();
    let request = get(&peer.url("/"), json!({"force_cache": true, "force_cache_duration_seconds": 10}));
    for (at, body) in [(0, "0"), (9, "0"), (11, "1"), (20, "1")] {
        assert_eq!(world.ask("sent", &request, NOW + at * SECOND).unwrap()["raw_body"], json!(body), "{at}");
    }
}
