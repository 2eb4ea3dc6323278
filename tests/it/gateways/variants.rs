//! The same facts get the same decision through every door: 2,000 generated requests, whose paths, hosts, methods and headers are
//! spelled in every way that gateways pass on.

use serde_json::{Value, json};

use super::{alice, server};
use crate::harness::Server;

/// A request, as a gateway has it.
#[derive(Debug, Clone)]
pub struct Variant {
    pub method: &'static str,
    /// Path and query.
    pub target: String,
    pub host: String,
    pub scheme: &'static str,
    /// The client's.
    pub headers: Vec<(String, String)>,
    pub client: &'static str,
}

/// A door that is told of a request; nothing where it cannot be told of this one.
pub type Door = (&'static str, fn(&Server, &Variant) -> Option<()>);

/// Numbers that are the same every time (xorshift64*).
struct Random(u64);

impl Random {
    fn below(&mut self, most: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        usize::try_from(self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33).unwrap() % most
    }

    fn of<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.below(list.len())]
    }
}

const SEGMENTS: [&str; 30] = [
    "public",
    "invoices",
    "42",
    "nothing",
    "error",
    "teapot",
    "sly",
    "who",
    "%70ublic",
    "%69nvoices",
    "4%32",
    "Public",
    "a%20b",
    "%c3%ab",
    "%C3%AB",
    "a:b@c",
    "x,y=z",
    "~user",
    ".well-known",
    "...",
    "..",
    ".",
    "%2e%2e",
    "a%2fb",
    "a%5cb",
    "a;b",
    "%00",
    "%zz",
    "%252e",
    "",
];
const QUERIES: [&str; 12] = [
    "",
    "",
    "?a=1",
    "?a=1&a=2",
    "?a=%41&b=+",
    "?a",
    "?&&",
    "?a=%",
    "?a;b",
    "?access_token=x&b=1",
    "?%C3%AB=%2F",
    "?a=%00",
];
const HOSTS: [&str; 8] = [
    "api.example",
    "API.Example",
    "api.example.",
    "api.example:443",
    "api.example:8443",
    "[::1]",
    "a b",
    "u@a",
];
const NAMES: [&str; 12] = [
    "accept",
    "Accept",
    "ACCEPT-language",
    "x-auth-user",
    "X-Auth-User",
    "x_auth_user",
    "remote-user",
    "cookie",
    "x-custom",
    "content-type",
    "x-http-method-override",
    "x-tenant",
];
const VALUES: [&str; 6] = ["root", "a, b", "text/html;q=0.9", "x\ty", "", "1"];

/// Variants, the same ones every time.
pub fn variants(count: usize, token: &str) -> Vec<Variant> {
    let mut random = Random(0x5eed);
    let mut one = || {
        let mut target = String::new();
        for _ in 0..=random.below(3) {
            // Mostly what means something.
            let among = random.of(&[1, 2, 2, 8, 8, 20, SEGMENTS.len()]);
            target.push('/');
            target.push_str(random.of(&SEGMENTS[..among]));
        }
        if random.below(2) == 0 {
            target.push_str(random.of(&QUERIES));
        }
        let mut headers = Vec::new();
        for _ in 0..random.below(4) {
            headers.push((random.of(&NAMES).to_owned(), random.of(&VALUES).to_owned()));
        }
        if !headers.iter().any(|(name, _): &(String, String)| name.eq_ignore_ascii_case("accept")) {
            // The tests' client would add one where it can.
            headers.push(("accept".to_owned(), "*/*".to_owned()));
        }
        match random.below(8) {
            0..4 => headers.push(("Authorization".to_owned(), token.to_owned())),
            4 => headers.push(("authorization".to_owned(), "Bearer forged.forged.forged".to_owned())),
            _ => {}
        }
        let among = random.of(&[4, 4, 4, HOSTS.len()]);
        Variant {
            method: random
                .of(&["GET", "GET", "GET", "GET", "GET", "HEAD", "POST", "DELETE", "PROPFIND", "get"]),
            target,
            host: random.of(&HOSTS[..among]).to_owned(),
            scheme: random.of(&["https", "http"]),
            headers,
            client: random.of(&["192.0.2.7", "2001:db8::1"]),
        }
    };
    (0..count).map(|_| one()).collect()
}

fn nginx(server: &Server, variant: &Variant) -> Option<()> {
    let own = [
        ("X-Original-Method", variant.method),
        ("X-Original-URI", &variant.target),
        ("X-Original-Host", &variant.host),
        ("X-Forwarded-Proto", variant.scheme),
        ("X-Forwarded-For", variant.client),
    ];
    send(server, "/authz/nginx", &own, variant)
}

fn forward(server: &Server, variant: &Variant) -> Option<()> {
    let own = [
        ("X-Forwarded-Method", variant.method),
        ("X-Forwarded-Uri", &variant.target),
        ("X-Forwarded-Host", &variant.host),
        ("X-Forwarded-Proto", variant.scheme),
        ("X-Forwarded-For", variant.client),
    ];
    send(server, "/authz/forward", &own, variant)
}

fn send(server: &Server, door: &str, own: &[(&str, &str)], variant: &Variant) -> Option<()> {
    let client = variant.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let headers: Vec<_> = own.iter().copied().chain(client).collect();
    server.send("GET", door, &headers, b"");
    Some(())
}

/// Format 2.0, which has each header once, and its values with commas.
fn lambda(server: &Server, variant: &Variant) -> Option<()> {
    let (path, query) = variant.target.split_once('?').unwrap_or((&variant.target, ""));
    let mut headers = serde_json::Map::new();
    let own = [("host", variant.host.as_str()), ("x-forwarded-proto", variant.scheme)];
    let client = variant.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    for (name, value) in own.into_iter().chain(client) {
        if headers.insert(name.to_ascii_lowercase(), value.into()).is_some() {
            return None;
        }
    }
    let event = json!({
        "version": "2.0", "rawPath": path, "rawQueryString": query, "headers": headers,
        "requestContext": {"http": {"method": variant.method, "sourceIp": variant.client}},
    });
    server.post("/authz/lambda", &event.to_string());
    Some(())
}

/// What of a record is the same whichever door was asked.
fn essence(record: &Value) -> Value {
    let members = ["path", "outcome", "result", "reason", "error", "input", "requested_for", "subject"];
    members
        .into_iter()
        .map(|name| (name.to_owned(), record[name].clone()))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

/// Asks through every door, and compares what is recorded.
pub fn check(server: &Server, doors: &[Door], variants: &[Variant]) {
    let before = server.records().len();
    let mut asked = Vec::new();
    for variant in variants {
        let told = doors.iter().filter_map(|(name, ask)| ask(server, variant).map(|()| *name));
        asked.push(told.collect::<Vec<_>>());
    }
    let mut records = server.records().split_off(before).into_iter();
    let mut allowed = 0;
    for (variant, doors) in variants.iter().zip(&asked) {
        let own: Vec<Value> = records.by_ref().take(doors.len()).collect();
        assert_eq!(own.len(), doors.len(), "{variant:?}");
        let first = essence(&own[0]);
        allowed += usize::from(first["outcome"] == "allow");
        for (name, record) in doors.iter().zip(&own).skip(1) {
            assert_eq!(first, essence(record), "{} and {name} differ: {variant:?}", doors[0]);
        }
    }
    assert!(records.next().is_none());
    assert!(allowed * 8 > variants.len(), "only {allowed} of {} are allowed: it says little", variants.len());
}

#[test]
fn the_same_facts_get_the_same_decision_through_every_door() {
    let server = server();
    let variants = variants(2_000, &alice(&server));
    check(&server, &[("nginx", nginx), ("forward", forward), ("lambda", lambda)], &variants);
}
