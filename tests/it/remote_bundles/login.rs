//! Credentials: what services are shown, and that nobody else sees it.

use super::*;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

const PATH: &str = "/authz.tar.gz";
const SECRET: &str = "hunter2 hunter2";

/// A service that wants this value of a header.
fn wanting(header: &'static str, value: String) -> Stub {
    let archive = bundle("app", "1", "first");
    Stub::start(move |asked| match asked.header(header) == Some(&value) {
        true => Answer::tagged(&archive),
        false => Answer::of(401, b""),
    })
}

#[test]
fn a_service_is_shown_what_it_asks_for_and_nobody_else_sees_it() {
    let basic = format!("Basic {}", BASE64_STANDARD.encode(format!("user:{SECRET}")));
    for (more, header, value) in [
        (format!("bearer: {{token: '{SECRET}'}}"), "authorization", format!("Bearer {SECRET}")),
        ("bearer: {token_env: SECRET}".to_owned(), "authorization", format!("Bearer {SECRET}")),
        ("bearer: {token_env: SECRET, scheme: Token}".to_owned(), "authorization", format!("Token {SECRET}")),
        ("bearer: {token_file: secret}".to_owned(), "authorization", format!("Bearer {SECRET}")),
        ("basic: {username: user, password_env: SECRET}".to_owned(), "authorization", basic.clone()),
        ("basic: {username: user, password_file: secret}".to_owned(), "authorization", basic.clone()),
        ("headers_env: {Private-Token: SECRET}".to_owned(), "private-token", SECRET.to_owned()),
    ] {
        let stub = wanting(header, value);
        let app = TestApp::new();
        std::fs::write(app.dir.path().join("secret"), format!("{SECRET}\n")).unwrap();
        let text = config(&stub.url(), &format!("{QUICK}, {more}"), &[("authz", PATH)], "");
        let server = app.env(&[("SECRET", SECRET)]).config(&text).start();
        assert_eq!(answer(&server, "app"), "first", "{more}: {}", remote(&server, "authz"));
        for path in ["/v1/config", "/v1/status", "/metrics"] {
            let shown = String::from_utf8(server.get(path).body).unwrap();
            assert!(
                !shown.contains("hunter2")
                    && !shown.contains(&BASE64_STANDARD.encode(format!("user:{SECRET}"))),
                "{more}: {path}"
            );
        }
    }
}

#[test]
fn a_secret_file_that_is_gone_is_said_and_its_content_never() {
    let stub = wanting("authorization", format!("Bearer {SECRET}"));
    let app = TestApp::new();
    let file = app.dir.path().join("secret");
    let text =
        config(&stub.url(), &format!("{QUICK}, bearer: {{token_file: secret}}"), &[("authz", PATH)], "");
    let server = app.config(&text).start();
    wait_trouble(&server, "authz", "secret");
    assert_eq!(stub.count(PATH), 0);
    std::fs::write(&file, "").unwrap();
    wait_trouble(&server, "authz", "is empty");
    std::fs::write(&file, [0xff, 0xfe]).unwrap();
    wait_trouble(&server, "authz", "is not text");
    std::fs::write(&file, "hunter2\nhunter2").unwrap();
    let said = wait_trouble(&server, "authz", "characters that no header can have");
    assert!(!said.contains("hunter2"), "{said}");
    std::fs::write(&file, SECRET).unwrap();
    wait_answer(&server, "app", "first");
}

/// An authorization server whose tokens can be made invalid.
fn authorization_server(valid: &Arc<Mutex<u32>>, expires_in: u64) -> Stub {
    let (valid, archive) = (Arc::clone(valid), bundle("app", "1", "first"));
    let client = format!("Basic {}", BASE64_STANDARD.encode("client%20one:hunter2%20hunter2"));
    Stub::start(move |asked| {
        let mut n = valid.lock().unwrap();
        if asked.path == "/token" {
            let form = "grant_type=client_credentials&scope=bundles%20read";
            if asked.method != "POST" || asked.header("authorization") != Some(&client) || asked.body != form
            {
                return Answer::of(400, format!("{asked:?}").as_bytes());
            }
            *n += 1;
            let token = json!({ "access_token": format!("token-{n}"), "token_type": "Bearer", "expires_in": expires_in });
            return Answer::of(200, token.to_string().as_bytes());
        }
        match asked.header("authorization") == Some(&format!("Bearer token-{n}")) {
            true => Answer::tagged(&archive),
            false => Answer::of(401, b""),
        }
    })
}

fn oauth2(url: &str) -> String {
    format!(
        "{QUICK}, oauth2: {{token_url: '{url}/token', client_id: client one, client_secret_env: SECRET, scopes: [bundles, read]}}"
    )
}

#[test]
fn a_token_is_asked_for_once_and_again_when_it_is_refused() {
    let valid = Arc::new(Mutex::new(0));
    let stub = authorization_server(&valid, 3600);
    let text = config(&stub.url(), &oauth2(&stub.url()), &[("authz", PATH)], "");
    let server = TestApp::new().env(&[("SECRET", SECRET)]).config(&text).start();
    assert_eq!(answer(&server, "app"), "first");
    wait_until("more questions", || stub.count(PATH) > 3);
    assert_eq!(stub.count("/token"), 1);
    // The token is no longer valid: the next failure has another one fetched.
    *valid.lock().unwrap() = 7;
    wait_until("another token", || stub.count("/token") == 2);
    wait_until("no error", || remote(&server, "authz")["error"].is_null());
    assert_eq!(*valid.lock().unwrap(), 8);
}

#[test]
fn a_token_that_ends_soon_is_not_used_again() {
    let valid = Arc::new(Mutex::new(0));
    let stub = authorization_server(&valid, 20);
    let text = config(&stub.url(), &oauth2(&stub.url()), &[("authz", PATH)], "");
    let server = TestApp::new().env(&[("SECRET", SECRET)]).config(&text).start();
    wait_until("tokens", || stub.count("/token") > 3);
    assert_eq!(answer(&server, "app"), "first");
    assert!(remote(&server, "authz")["error"].is_null());
}

#[test]
fn a_token_endpoint_that_fails_is_named_and_tells_nothing() {
    let answers = [
        (
            Answer::of(401, b"hunter2"),
            "`oauth2.token_url`: answered 401 instead of 200; check client id, secret and scopes",
        ),
        (Answer::of(200, b"{}"), "`oauth2.token_url`: the answer has no `access_token`"),
        (Answer::of(302, b"").with("Location", "http://127.0.0.1:1/"), "redirects are not followed"),
        (Answer::Raw(Vec::new()), "`oauth2.token_url`: the call failed"),
    ];
    let current = Arc::new(Mutex::new(answers[0].0.clone()));
    let served = Arc::clone(&current);
    let stub = Stub::start(move |_| served.lock().unwrap().clone());
    let text = config(&stub.url(), &oauth2(&stub.url()), &[("authz", PATH)], "");
    let server = TestApp::new().env(&[("SECRET", SECRET)]).config(&text).start();
    for (fault, part) in answers {
        *current.lock().unwrap() = fault;
        let said = wait_trouble(&server, "authz", part);
        assert!(!said.contains("hunter2"), "{said}");
    }
    assert_eq!(stub.count(PATH), 0, "nobody is asked without a token");
}
