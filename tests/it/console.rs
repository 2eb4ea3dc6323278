//! The console: what its files are served with, and what people do with it in a browser.

mod browser;

use serde_json::{Value, json};

use self::browser::Browser;
use crate::admin::support::{Admin, CONFIG, bootstrap_token, new_server, once};
use crate::harness::{Server, TestApp, wait_until};

const PAGES: [&str; 4] = ["/admin", "/admin/", "/setup", "/setup/"];
const FILES: [&str; 7] = ["app.js", "setup.js", "shared.js", "views.js", "logs.js", "table.js", "style.css"];

fn all() -> impl Iterator<Item = String> {
    PAGES.into_iter().map(str::to_owned).chain(FILES.into_iter().map(|file| format!("/admin/{file}")))
}

fn url(server: &Server, path: &str) -> String {
    format!("http://{}{path}", server.app.management.unwrap())
}

#[test]
fn every_file_forbids_what_is_not_its_own() {
    let server = new_server(CONFIG);
    for path in all() {
        let answer = once(&server, "GET", &path, &[], b"");
        assert_eq!(answer.status, 200, "{path}");
        let policy = answer.header("content-security-policy").unwrap();
        assert_eq!(
            policy,
            "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; \
             form-action 'none'; frame-ancestors 'none'"
        );
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("cache-control", "no-store"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            assert_eq!(answer.header(name), Some(value), "{path}");
        }
        assert!(answer.header("set-cookie").is_none() && !answer.body.is_empty());
        let kind = match path.rsplit_once('.') {
            Some((_, "js")) => "text/javascript; charset=utf-8",
            Some((_, "css")) => "text/css; charset=utf-8",
            _ => "text/html; charset=utf-8",
        };
        assert_eq!(answer.header("content-type"), Some(kind), "{path}");
        let head = once(&server, "HEAD", &path, &[], b"");
        assert_eq!((head.status, head.body.len()), (200, 0), "{path}");
        let posted = once(&server, "POST", &path, &[], b"x");
        assert_eq!((posted.status, posted.header("allow")), (405, Some("GET, HEAD")), "{path}");
        assert_eq!(server.get(&path).status, 404, "{path} is not where decisions are asked for");
    }
}

#[test]
fn what_comes_from_elsewhere_is_text() {
    for file in FILES.into_iter().filter(|file| file.ends_with(".js")) {
        let path = format!("{}/src/doors/console/{file}", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(path).unwrap();
        for word in [
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "eval(",
            "localStorage",
            "sessionStorage",
            "cookie =",
        ] {
            assert!(!text.contains(word), "{file} has {word}");
        }
    }
}

#[test]
fn without_a_registry_the_pages_say_how_to_have_one() {
    let server =
        TestApp::new().config("identity: {mode: off}\nmanagement: {listen: '127.0.0.1:0'}\n").start();
    for path in PAGES {
        let answer = once(&server, "GET", path, &[], b"");
        let text = String::from_utf8(answer.body.clone()).unwrap();
        assert_eq!(answer.status, 404, "{path}");
        assert!(text.contains("registry:\n  enabled: true"), "{text}");
        assert!(answer.header("content-security-policy").is_some());
    }
}

#[test]
fn setting_up_works_once_and_the_page_says_so() {
    let page = |server: &Server| String::from_utf8(once(server, "GET", "/setup", &[], b"").body).unwrap();
    assert!(page(&new_server(CONFIG)).contains("Setup token"));
    let begun = Admin::start().server;
    let page = page(&begun);
    assert!(
        page.contains("Already set up") && page.contains("href=\"/admin\"") && !page.contains("Setup token")
    );
}

#[test]
fn no_other_origin_is_let_in() {
    let admin = Admin::start();
    let bearer = format!("Bearer {}", admin.operator);
    for (method, path) in
        [("OPTIONS", "/v1/orgs"), ("OPTIONS", "/v1/bootstrap"), ("GET", "/v1/orgs"), ("GET", "/admin")]
    {
        let headers = [
            ("origin", "https://evil.example"),
            ("access-control-request-method", "POST"),
            ("access-control-request-headers", "authorization"),
            ("authorization", bearer.as_str()),
        ];
        let answer = once(&admin.server, method, path, &headers, b"");
        let granted = answer.headers.keys().filter(|name| name.as_str().starts_with("access-control-"));
        assert_eq!(granted.count(), 0, "{method} {path}");
        assert!(method != "OPTIONS" || answer.status == 405, "{method} {path}: {}", answer.status);
    }
}

/// Begins the registry in the browser: the keys of operator and admin.
fn set_up(browser: &Browser<'_>, server: &Server) -> (String, String) {
    browser.open(&url(server, "/setup"));
    browser.enter("Setup token", "vbt_wrong");
    browser.enter("Organisation id", "acme");
    browser.enter("Organisation name", "Acme");
    browser.enter("Name of the first agent", "First");
    browser.picture("setup");
    browser.click("Set up");
    browser.sees("That is not the setup token");
    browser.enter("Setup token", &bootstrap_token(server));
    browser.click("Set up");
    browser.sees("Three keys, shown this once");
    let (operator, admin) = (browser.text("operator-key"), browser.text("admin-key"));
    let agent = browser.text("agent-key");
    browser.picture("keys");
    assert_eq!(server.ask("/v1/data/demo/allow", &agent, "{}").status, 200);
    browser.click("I have stored them: go to the console");
    browser.sees("Sign in");
    assert_eq!(browser.path(), "/admin");
    (operator, admin)
}

fn sign_in(browser: &Browser<'_>, key: &str) {
    browser.enter("Key", key);
    browser.click("Sign in");
}

/// Says that a key which is shown once is stored: the key.
fn stored(browser: &Browser<'_>) -> String {
    let key = browser.text("new-key");
    browser.picture("once");
    browser.escape();
    browser.escape();
    assert_eq!(browser.text("new-key"), key, "only who says so has stored it");
    browser.click("I have stored it");
    key
}

#[test]
fn people_manage_a_registry_in_a_browser() {
    let server = new_server(CONFIG);
    let Some(browser) = Browser::start(&server) else { return };
    browser.width(1280);
    let (operator, _) = set_up(&browser, &server);

    sign_in(&browser, "sk_wrong");
    browser.sees("The key is not accepted");
    sign_in(&browser, &operator);
    browser.sees("operator (key_");
    browser.sees("Acme");
    browser.picture("organisations");
    let umbrella = organisation_of_its_own(&browser);
    let key = agent_and_its_keys(&browser, &server);
    logs(&browser, &key);
    phone(&browser);

    // What the page knew is gone with the key.
    browser.click("Sign out");
    browser.sees("You are signed out.");
    assert!(!browser.shown().contains("umbrella"));
    assert_eq!(
        browser.script("return localStorage.length + sessionStorage.length + document.cookie.length"),
        0
    );

    browser.width(1280);
    sign_in(&browser, &umbrella);
    browser.sees("admin of umbrella");
    browser.sees("There are no agents yet.");
    browser.click("Audit log");
    browser.sees("organisation.create");
    let shown = browser.shown();
    assert!(!shown.contains("acme") && !shown.contains("Payments"), "{shown}");
    browser.script("location.reload()");
    browser.sees("Sign in");
    assert_eq!(complaints(&browser), Vec::<String>::new());
}

/// The operator makes an organisation whose name looks like markup, tries to make it again, and disables and enables it: its admin key.
fn organisation_of_its_own(browser: &Browser<'_>) -> String {
    let name = "<img src=x onerror=\"document.title='owned'\">";
    browser.click("New organisation");
    browser.enter("Id", "umbrella");
    browser.enter("Name", name);
    browser.click("Create organisation");
    let key = stored(browser);
    browser.sees("The organisation umbrella was created.");
    assert!(
        browser.shown().contains(name) && !browser.shown().contains(&key),
        "the name is text, the key is gone"
    );
    assert_ne!(browser.script("return document.title"), "owned");
    browser.click("New organisation");
    browser.enter("Id", "umbrella");
    browser.click("Create organisation");
    browser.sees("That conflicts with how things are");
    browser.click("Disable Acme");
    browser.sees("until it is enabled again");
    browser.click("Cancel");
    browser.click("Disable Acme");
    browser.click("Disable");
    browser.sees("Acme is disabled.");
    browser.click("Enable Acme");
    browser.sees("Acme is active.");
    key
}

/// Makes an agent in the first organisation, rotates its key, and revokes the agent: the key that it had.
fn agent_and_its_keys(browser: &Browser<'_>, server: &Server) -> String {
    let decide = |key: &str| server.ask("/v1/data/demo/allow", key, "{}").status;
    browser.click("Agents of Acme");
    browser.click("New agent");
    browser.enter("Name", "Payments");
    browser.enter("Roles", "payer, reader");
    browser.click("Create agent");
    let key = stored(browser);
    browser.sees("The agent Payments was created.");
    assert_eq!(decide(&key), 200);
    browser.sees("payer, reader");
    browser.click("Keys of Payments");
    browser.sees(&key[..8]);
    browser.picture("agent-keys");
    let id = browser.script("return document.querySelector('tbody tr').dataset.id");
    browser.click(&format!("Rotate {}", id.as_str().unwrap()));
    browser.choose("The old key stays valid for", "not at all");
    browser.click("Rotate");
    let second = stored(browser);
    browser.sees("The key was rotated.");
    assert_eq!((decide(&key), decide(&second)), (401, 200));
    browser.click("Back to agents");
    browser.picture("agents");
    browser.click("Revoke Payments");
    browser.sees("This cannot be taken back.");
    browser.picture("revoke");
    browser.click("Revoke");
    browser.sees("Payments is revoked.");
    assert_eq!(decide(&second), 401, "as soon as the page says so");
    second
}

/// The audit log by organisation and by action, and what happened to credentials.
fn logs(browser: &Browser<'_>, key: &str) {
    browser.click("Audit log");
    browser.sees("agent.revoke");
    browser.sees("an operator");
    assert!(!browser.shown().contains("umbrella\n"), "of the organisation that was chosen alone");
    browser.picture("audit");
    browser.enter("Action", "agent.create");
    browser.click("Filter");
    browser.sees("agent.create");
    wait_without(browser, "agent.revoke");
    browser.script("document.querySelector('td details').open = true");
    browser.sees("\"name\": \"Payments\"");
    browser.choose("Organisation", "All organisations");
    browser.sees("registry.bootstrap");
    assert!(!browser.script("return document.documentElement.outerHTML").as_str().unwrap().contains(key));
    browser.click("Authentication");
    browser.sees("Uses of credentials");
    browser.picture("events");
}

fn wait_without(browser: &Browser<'_>, text: &str) {
    wait_until("a filtered list", || {
        !browser.script("return document.querySelector('tbody').innerText").to_string().contains(text)
    });
}

/// On a phone nothing is wider than the page.
fn phone(browser: &Browser<'_>) {
    browser.width(390);
    for view in ["Organisations", "Agents", "Audit log"] {
        browser.click(view);
        wait_until("the view", || browser.text("view-title") == view);
        browser.picture(&format!("phone-{view}"));
        let over = browser
            .script("return document.documentElement.scrollWidth - document.documentElement.clientWidth");
        assert_eq!(over, 0, "{view} is too wide");
    }
}

/// What the browser has complained about, without the answers that were meant to be refusals.
fn complaints(browser: &Browser<'_>) -> Vec<String> {
    let log = browser.log();
    let messages = log.as_array().unwrap().iter().filter_map(|entry| entry["message"].as_str());
    messages
        .filter(|text| !text.contains("the server responded with a status of 40"))
        .map(str::to_owned)
        .collect()
}

#[test]
fn a_page_of_another_origin_cannot_call_the_admin_api() {
    let admin = Admin::start();
    let Some(browser) = Browser::start(&admin.server) else { return };
    let call = format!(
        "fetch('{}', {{ headers: {{ authorization: 'Bearer {}' }} }}).then((answer) => done(answer.status), () => done('refused'))",
        url(&admin.server, "/v1/whoami"),
        admin.operator
    );
    browser.open(&admin.server.url("/health"));
    assert_eq!(browser.script_until_done(&call), "refused");
    browser.open(&url(&admin.server, "/health"));
    assert_eq!(browser.script_until_done(&call), Value::from(200));
}

#[test]
fn lists_go_on_and_whoever_may_only_look_can_only_look() {
    let admin = Admin::start();
    let Some(browser) = Browser::start(&admin.server) else { return };
    let body = |n: u32| json!({ "organisation": "acme", "name": format!("agent-{n}") });
    for n in 0..105 {
        admin.make("/v1/agents", &admin.operator, &body(n));
    }
    let member =
        json!({ "organisation": "acme", "issuer": admin.issuer(), "subject": "alice", "role": "auditor" });
    admin.expect(200, "PUT", "/v1/members", &admin.operator, &member);
    browser.open(&url(&admin.server, "/admin"));
    sign_in(&browser, &admin.token("alice", &[], json!({ "tenant": "acme" })));
    browser.sees("auditor of acme");
    let rows = |count: u64| {
        let seen = || browser.script("return document.querySelectorAll('tbody tr').length");
        wait_until(&format!("{count} rows"), || seen() == count);
    };
    rows(100);
    browser.click("Show more");
    rows(105);
    let buttons = "return [...document.querySelectorAll('#content button:not([hidden])')].map((button) => button.textContent)";
    let buttons = browser.script(buttons);
    assert!(buttons.as_array().unwrap().iter().all(|text| text == "Keys"), "{buttons}");
    assert!(!browser.shown().contains("New agent"));
    browser.click("Audit log");
    rows(50);
    browser.click("Show more");
    rows(100);
    browser.click("Show more");
    let all = admin.get("/v1/audit?organisation=acme&limit=1000", &admin.operator);
    rows(all["items"].as_array().unwrap().len() as u64);
    assert!(!browser.shown().contains("Show more"), "that was the last page");

    // A credential that ends while its owner is signed in.
    let gone = format!(
        "/v1/members?organisation=acme&subject=alice&issuer={}",
        admin.issuer().replace(':', "%3A").replace('/', "%2F")
    );
    admin.expect(204, "DELETE", &gone, &admin.operator, &Value::Null);
    browser.click("Agents");
    browser.sees("This key may not do that");
    browser.click("Sign out");
    let key = admin.key("admin", "acme");
    sign_in(&browser, &key);
    browser.sees("admin of acme");
    rows(100);
    let id = admin.get("/v1/whoami", &key)["id"].as_str().unwrap().to_owned();
    admin.post(&format!("/v1/keys/{id}/revoke"), &admin.operator);
    browser.click("Audit log");
    browser.sees("You are signed out.");
    browser.sees("Sign in");
}
