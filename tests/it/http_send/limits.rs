//! Who may be called, for how long, how much is taken.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::time::Duration;

use serde_json::json;

use super::{Peer, Reply, World, get};

#[test]
fn only_listed_hosts_are_called_also_by_redirects() {
    let away = Peer::start(|_, _| Reply::new(200, &[], ""));
    let to = away.url("/");
    let peer = Peer::start(move |_, _| Reply {
        headers: vec![("location", to.clone())],
        ..Reply::new(302, &[], "")
    });
    let world = World::only(&[&peer.address.to_string()], &[]);
    assert_eq!(world.send(&get(&peer.url("/"), json!({}))).unwrap()["status_code"], json!(302));
    let redirected = world.send(&get(&peer.url("/"), json!({"enable_redirect": true}))).unwrap_err();
    assert!(
        redirected.contains(&format!("unallowed host: 127.0.0.1:{}", away.address.port())),
        "{redirected}"
    );
    let refused = world.send(&get(&away.url("/"), json!({}))).unwrap_err();
    assert!(refused.contains("`http_send.allow` does not list it"), "{refused}");
    let told = world.send(&get(&away.url("/"), json!({"raise_error": false}))).unwrap();
    assert_eq!(
        (&told["status_code"], &told["error"]["code"]),
        (&json!(0), &json!("eval_http_send_internal_error"))
    );
    assert!(away.seen().is_empty());
}

#[test]
fn a_name_leads_to_a_private_address_only_where_that_is_listed() {
    let peer = Peer::start(|_, _| Reply::new(200, &[], ""));
    let url = format!("http://localhost:{}/", peer.address.port());
    let refused = World::only(&["localhost"], &[]).send(&get(&url, json!({}))).unwrap_err();
    assert!(refused.contains("unallowed host: localhost leads to"), "{refused}");
    assert!(peer.seen().is_empty());
    let world = World::only(&["localhost"], &["127.0.0.0/8", "::1/128"]);
    assert_eq!(world.send(&get(&url, json!({}))).unwrap()["status_code"], json!(200));
    // Written otherwise, it is the same address.
    let world = World::only(&["localhost", "*.internal"], &["127.0.0.0/8"]);
    for host in ["169.254.169.254", "0xa9fea9fe", "2852039166", "[::ffff:169.254.169.254]", "127.1"] {
        let refused = world.send(&get(&format!("http://{host}/latest/meta-data"), json!({}))).unwrap_err();
        assert!(refused.contains("unallowed host"), "{host}: {refused}");
    }
}

#[test]
fn names_are_looked_up_as_far_as_they_may_be_called() {
    let everybody = World::everybody();
    let found = everybody.ask("found", &json!("localhost"), 1).unwrap();
    assert!(
        found.as_array().unwrap().iter().any(|one| *one == json!("127.0.0.1") || *one == json!("::1")),
        "{found}"
    );
    assert!(everybody.ask("found", &json!("no-such-host.invalid"), 1).unwrap_err().contains("no such host"));
    let refused = World::only(&["a.example"], &[]).ask("found", &json!("localhost"), 1).unwrap_err();
    assert!(refused.contains("unallowed host: localhost"), "{refused}");
}

#[test]
fn a_call_ends_with_its_own_time_and_with_that_of_the_evaluation() {
    let peer = Peer::start(|_, _| Reply { delay: Duration::from_secs(600), ..Reply::new(200, &[], "") });
    let mut world = World::everybody();
    let late = world.send(&get(&peer.url("/"), json!({"timeout": "20ms"}))).unwrap_err();
    assert_eq!(late, format!("http.send: Get {}: request timed out", peer.url("/")));
    let told =
        world.send(&get(&peer.url("/"), json!({"timeout": 20_000_000, "raise_error": false}))).unwrap();
    assert_eq!(told["error"]["code"], json!("eval_http_send_network_error"));
    world.deadline = Duration::from_millis(50);
    for more in [json!({}), json!({"timeout": "0s", "raise_error": false})] {
        let cut = world.send(&get(&peer.url("/"), more)).unwrap_err();
        assert!(cut.contains("did not finish within 50 ms"), "{cut}");
    }
}

#[test]
fn a_body_that_is_too_long_is_not_taken() {
    let peer = Peer::start(|seen, _| Reply {
        body: vec![b'x'; seen.path[1..].parse().unwrap()],
        ..Reply::new(200, &[], "")
    });
    let world = World::everybody();
    let got = world.send(&get(&peer.url("/100000"), json!({}))).unwrap();
    assert_eq!(got["raw_body"].as_str().unwrap().len(), 100_000);
    let refused = world.send(&get(&peer.url("/100001"), json!({}))).unwrap_err();
    assert!(refused.contains("the body is longer than 100000 bytes"), "{refused}");
}

#[test]
fn where_nobody_answers_it_is_tried_again_as_often_as_is_asked() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let answering = std::thread::spawn(move || {
        for attempt in 0..3 {
            let (mut stream, _) = listener.accept().unwrap();
            if attempt == 2 {
                let mut request = [0; 4096];
                assert!(stream.read(&mut request).unwrap() > 0);
                stream.write_all(b"HTTP/1.1 200 Quite Fine\r\ncontent-length: 2\r\n\r\nok").unwrap();
            }
        }
        listener
    });
    let request = get(&format!("http://{address}/"), json!({"max_retry_attempts": 2}));
    let got = World::everybody().send(&request).unwrap();
    assert_eq!((&got["raw_body"], &got["status"]), (&json!("ok"), &json!("200 Quite Fine")));
    drop(answering.join().unwrap());
    let refused = World::everybody().send(&get(&format!("http://{address}/"), json!({}))).unwrap_err();
    assert_eq!(
        refused,
        format!("http.send: Get \"http://{address}/\": dial tcp {address}: connect: connection refused")
    );
}

#[test]
fn what_is_no_http_is_not_spoken() {
    for (url, want) in [
        ("file:///etc/passwd", "unsupported protocol scheme \"file\""),
        ("unix://localhost/x?socket=a", "unsupported protocol scheme \"unix\""),
        ("nonsense", "unsupported protocol scheme \"\""),
    ] {
        let refused = World::everybody().send(&get(url, json!({}))).unwrap_err();
        assert!(refused.contains(want), "{url}: {refused}");
    }
    let method = json!({"method": "a b", "url": "http://127.0.0.1:1/"});
    assert!(World::everybody().send(&method).unwrap_err().contains("invalid method"));
    let header = get("http://127.0.0.1:1/", json!({"headers": {"x": "a\r\nhost: b"}}));
    assert!(World::everybody().send(&header).unwrap_err().contains("invalid header field value"));
}
