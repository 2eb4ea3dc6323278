//! Bundles of one service come into force together, or not at all.

use super::*;

const BOTH: [(&str, &str); 2] = [("policy", "policy.tar.gz"), ("users", "users.tar.gz")];

/// Policy that says what it and the other bundle are.
fn policy(n: u32) -> Vec<u8> {
    let text = format!("package app\n\nanswer := sprintf(\"{n}-%s\", [data.users.answer])\n");
    pack(&[(".manifest", br#"{"roots": ["app"]}"#.to_vec()), ("policy.rego", text.into_bytes())])
}

fn users(n: u32) -> Vec<u8> {
    bundle("users", "", &n.to_string())
}

#[test]
fn one_that_cannot_be_had_holds_the_others_back() {
    let shared = Shared::default();
    shared.publish("/policy.tar.gz", &policy(1));
    shared.publish("/users.tar.gz", &users(1));
    let stub = shared.stub();
    let server = start(&config(&stub.url(), QUICK, &BOTH, ""));
    assert_eq!(answer(&server, "app"), "1-1");

    shared.set("/users.tar.gz", Answer::of(500, b""));
    wait_trouble(&server, "users", "answered 500 instead of 200");
    shared.publish("/policy.tar.gz", &policy(2));
    wait_until("the new policy", || {
        remote(&server, "policy")["error"].is_null() && stub.count("/policy.tar.gz") > 10
    });
    let before = stub.count("/users.tar.gz");
    wait_until("more questions", || stub.count("/users.tar.gz") > before + 3);
    assert_eq!(answer(&server, "app"), "1-1", "half an update");
    shared.publish("/users.tar.gz", &users(2));
    wait_answer(&server, "app", "2-2");
    assert_eq!(server.app.bundles.report().generation, 2, "both at once");
}

/// A service that publishes one bundle after the other, as files are copied: nobody sees half of it.
#[test]
fn what_is_published_in_pieces_is_not_taken_apart() {
    let state = Arc::new(Mutex::new((1_u32, 1_u32)));
    let service = Arc::clone(&state);
    let stub = Stub::start(move |asked| {
        let mut state = service.lock().unwrap();
        if asked.path == "/policy.tar.gz" {
            let answer = Answer::tagged(&policy(state.0));
            // The other one follows only now that somebody has this one.
            state.1 = state.0;
            return answer;
        }
        Answer::tagged(&users(state.1))
    });
    let server = start(&config(&stub.url(), QUICK, &BOTH, ""));
    assert_eq!(answer(&server, "app"), "1-1");
    for n in 2..6 {
        state.lock().unwrap().0 = n;
        let mut seen = Value::Null;
        wait_until("the next pair", || {
            seen = answer(&server, "app");
            seen != format!("{}-{}", n - 1, n - 1)
        });
        assert_eq!(seen, format!("{n}-{n}"));
    }
}

/// A bundle that does not go with the others changes nothing, and the service that repairs it is believed.
#[test]
fn what_does_not_compile_together_leaves_the_last_good_in_force() {
    let shared = Shared::default();
    shared.publish("/policy.tar.gz", &policy(1));
    shared.publish("/users.tar.gz", &users(1));
    let stub = shared.stub();
    let server = start(&config(&stub.url(), QUICK, &BOTH, ""));
    shared.publish("/users.tar.gz", &bundle("app", "", "an overlapping root"));
    server.wait_failure();
    let report = server.app.bundles.report();
    assert!(report.error.as_ref().unwrap().contains("root"), "{:?}", report.error);
    assert_eq!(answer(&server, "app"), "1-1");
    shared.publish("/users.tar.gz", &users(3));
    wait_answer(&server, "app", "1-3");
    assert!(server.app.bundles.report().failing_since.is_none());
}
