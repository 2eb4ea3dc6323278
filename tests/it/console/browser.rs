//! A Chromium that a test drives, over WebDriver (W3C).

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::{Server, skipped};

/// What WebDriver calls an element.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// A browser with one window. It ends with the test.
pub struct Browser<'a> {
    server: &'a Server,
    driver: Child,
    /// The address of the session.
    session: String,
}

impl<'a> Browser<'a> {
    /// Starts one; `None`, and a message, where there is none on this machine.
    pub fn start(server: &'a Server) -> Option<Self> {
        let driver =
            Command::new("chromedriver").arg("--port=0").stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
        let Ok(mut driver) = driver else {
            skipped("the console in a browser: there is no chromedriver");
            return None;
        };
        let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines().map_while(Result::ok);
        let port = lines.find_map(|line| {
            let port = line.split("started successfully on port ").nth(1)?;
            port.trim_end_matches('.').parse::<u16>().ok()
        });
        // Whatever else it writes must not fill the pipe.
        std::thread::spawn(move || lines.for_each(drop));
        let port = port.unwrap_or_else(|| panic!("chromedriver does not say its port"));
        let mut browser = Self { server, driver, session: format!("http://127.0.0.1:{port}/session") };
        let arguments = [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--no-proxy-server",
        ];
        let wanted = json!({ "capabilities": { "alwaysMatch": {
            "goog:chromeOptions": { "args": arguments },
            "goog:loggingPrefs": { "browser": "ALL" },
        } } });
        let begun = browser.call("POST", "", &wanted);
        let Some(id) = begun["sessionId"].as_str() else {
            skipped(&format!("the console in a browser: chromedriver starts none: {}", begun["message"]));
            let _ = browser.driver.kill();
            return None;
        };
        browser.session = format!("{}/{id}", browser.session);
        Some(browser)
    }

    /// Calls the driver; its value.
    fn call(&self, method: &str, path: &str, body: &Value) -> Value {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let mut request = self.server.client.request(method, format!("{}{path}", self.session));
        if !body.is_null() {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        let text = self.server.block_on(async { request.send().await.unwrap().bytes().await.unwrap() });
        serde_json::from_slice::<Value>(&text).unwrap()["value"].take()
    }

    /// Goes to a page.
    pub fn open(&self, url: &str) {
        let opened = self.call("POST", "/url", &json!({ "url": url }));
        assert!(opened.is_null(), "{opened}");
    }

    /// The path of the page.
    pub fn path(&self) -> String {
        let url = self.call("GET", "/url", &Value::Null);
        url.as_str().unwrap().parse::<http::Uri>().unwrap().path().to_owned()
    }

    /// Makes the window this wide.
    pub fn width(&self, width: u32) {
        self.call("POST", "/window/rect", &json!({ "width": width, "height": 900 }));
    }

    /// Runs a script; what it returns.
    pub fn script(&self, script: &str) -> Value {
        self.call("POST", "/execute/sync", &json!({ "script": script, "args": [] }))
    }

    /// Runs a script that hands its result to `done`.
    pub fn script_until_done(&self, script: &str) -> Value {
        let script = format!("const done = arguments[0]; {script}");
        self.call("POST", "/execute/async", &json!({ "script": script, "args": [] }))
    }

    /// Does something with the first element that this XPath finds, as soon as it can be done.
    #[track_caller]
    fn with(&self, xpath: &str, act: impl Fn(&str) -> Value) -> Value {
        let begun = Instant::now();
        loop {
            let found = self.call("POST", "/element", &json!({ "using": "xpath", "value": xpath }));
            let done = match found[ELEMENT].as_str() {
                Some(id) => act(&format!("/element/{id}")),
                None => found,
            };
            if done.get("error").is_none() {
                return done;
            }
            assert!(
                begun.elapsed() < Duration::from_secs(20),
                "{xpath}: {} {}\n{}\n{}",
                done["error"],
                done["message"],
                self.script("return document.body.innerText"),
                self.log()
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    #[track_caller]
    fn click_at(&self, xpath: &str) {
        self.with(xpath, |element| self.call("POST", &format!("{element}/click"), &json!({})));
    }

    /// Clicks on what has this text or this name for assistive technology, in a dialog where one is open.
    #[track_caller]
    pub fn click(&self, name: &str) {
        let named = format!(
            "//*[self::button or self::a or self::summary][@aria-label='{name}' or \
             (not(@aria-label) and normalize-space()='{name}')]"
        );
        let open = "//dialog[@open]";
        self.click_at(&format!("{open}{named} | //body[not({open})]/*[not(self::dialog)]{named}"));
    }

    /// Types into the field with this label, in the place of what it has.
    #[track_caller]
    pub fn enter(&self, label: &str, text: &str) {
        let field = format!("//*[@id=//label[starts-with(normalize-space(), '{label}')]/@for]");
        self.with(&field, |element| {
            let cleared = self.call("POST", &format!("{element}/clear"), &json!({}));
            if cleared.get("error").is_some() {
                return cleared;
            }
            self.call("POST", &format!("{element}/value"), &json!({ "text": text }))
        });
    }

    /// Presses the Escape key in the dialog that is open.
    #[track_caller]
    pub fn escape(&self) {
        self.with("//dialog[@open]//button", |element| {
            self.call("POST", &format!("{element}/value"), &json!({ "text": "\u{e00c}" }))
        });
    }

    /// Chooses what is shown as this in the choice with this label.
    #[track_caller]
    pub fn choose(&self, label: &str, option: &str) {
        self.click_at(&format!("//select[@id=//label[.='{label}']/@for]/option[.='{option}']"));
    }

    /// The text of the element with this id, once it is there and has one.
    #[track_caller]
    pub fn text(&self, id: &str) -> String {
        let text = self.with(&format!("//*[@id='{id}'][normalize-space() != '']"), |element| {
            let text = self.call("GET", &format!("{element}/text"), &Value::Null);
            if text == "" { json!({ "error": "not shown", "message": id }) } else { text }
        });
        text.as_str().unwrap().to_owned()
    }

    /// Waits until the page shows this.
    #[track_caller]
    pub fn sees(&self, text: &str) {
        let begun = Instant::now();
        loop {
            let shown = self.shown();
            if shown.contains(text) {
                return;
            }
            assert!(begun.elapsed() < Duration::from_secs(20), "no {text:?} in\n{shown}\n{}", self.log());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// All that the page shows.
    pub fn shown(&self) -> String {
        self.script("return document.body.innerText").as_str().unwrap_or_default().to_owned()
    }

    /// What the browser has complained about since the last time.
    pub fn log(&self) -> Value {
        self.call("POST", "/se/log", &json!({ "type": "browser" }))
    }

    /// Keeps a picture of the whole page, where `CONSOLE_PICTURES` names a folder.
    #[expect(clippy::disallowed_methods, reason = "the test's own environment, not the server's")]
    pub fn picture(&self, name: &str) {
        use base64::Engine as _;
        let Some(folder) = std::env::var_os("CONSOLE_PICTURES") else { return };
        let taken = self.call("GET", "/screenshot", &Value::Null);
        let bytes = base64::engine::general_purpose::STANDARD.decode(taken.as_str().unwrap()).unwrap();
        std::fs::write(std::path::Path::new(&folder).join(format!("{name}.png")), bytes).unwrap();
    }
}

impl Drop for Browser<'_> {
    fn drop(&mut self) {
        let end = self.server.client.delete(&self.session);
        let _ = self.server.block_on(async { end.timeout(Duration::from_secs(10)).send().await });
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}
