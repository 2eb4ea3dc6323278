//! Every way to reach an address that may not be called: none leads there, whatever the names say.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::json;
use verdict::net::lookup::{Addresses, Lookup};

use super::{Peer, Reply, World, get, only};

/// Answers with these addresses, and notes what it was asked for.
#[derive(Default)]
struct Names {
    addresses: BTreeMap<&'static str, Vec<IpAddr>>,
    /// Given one after the other, before the others.
    first: Mutex<Vec<IpAddr>>,
    asked: Mutex<Vec<String>>,
}

impl Names {
    fn of(names: &[(&'static str, &[&str])]) -> Arc<Self> {
        let parse = |list: &[&str]| list.iter().map(|text| text.parse().unwrap()).collect();
        let addresses = names.iter().map(|(name, list)| (*name, parse(list))).collect();
        Arc::new(Self { addresses, ..Self::default() })
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

impl Lookup for Names {
    fn look_up(&self, name: &str) -> Addresses {
        self.asked.lock().unwrap().push(name.to_owned());
        let first = self.first.lock().unwrap().pop().map(|address| vec![address]);
        let found = first.or_else(|| self.addresses.get(name).cloned());
        Box::pin(async move { found.ok_or_else(|| std::io::ErrorKind::NotFound.into()) })
    }
}

/// A socket that nobody may connect to; counts who does.
struct Trap {
    port: u16,
    caught: Arc<AtomicUsize>,
}

impl Trap {
    fn set() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let caught = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&caught);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                // 127.0.0.9 is where the allowed name leads.
                if stream.unwrap().local_addr().unwrap().ip() != IpAddr::from([127, 0, 0, 9]) {
                    count.fetch_add(1, Ordering::SeqCst);
                }
            }
        });
        Self { port, caught }
    }

    fn caught(&self) -> usize {
        self.caught.load(Ordering::SeqCst)
    }
}

/// The loopback address in the forms that a URL parser, a C library or an IDNA mapping takes for it.
const LOOPBACK: [&str; 13] = [
    "127.0.0.1",
    "127.0.0.1.",
    "127.1",
    "2130706433",
    "0x7f000001",
    "0x7f.1",
    "0177.0.0.1",
    "0",
    "0.0.0.0",
    "%31%32%37.0.0.1",
    "①②⑦.⓪.⓪.①",
    "127。0。0。1",
    "[::ffff:127.0.0.1]",
];

#[test]
fn a_server_name_that_is_an_address_is_not_connected_to() {
    let trap = Trap::set();
    let names = Names::of(&[("allowed.example", &["127.0.0.9"])]);
    let world = World::with_lookup(only(&["allowed.example"], &["127.0.0.9"]), names);
    let url = format!("https://allowed.example:{}/", trap.port);
    for address in LOOPBACK.into_iter().chain(["[::1]", "::1", "169.254.169.254", "[fd00:ec2::254]"]) {
        for name in [address.to_owned(), format!("{address}:443"), format!("{address}:{}", trap.port)] {
            for more in [
                json!({"tls_server_name": name}),
                json!({"headers": {"Host": name}}),
                json!({"headers": {"host": "allowed.example"}, "tls_server_name": name}),
            ] {
                let mut request = get(&url, more.clone());
                request["tls_insecure_skip_verify"] = json!(true);
                request["timeout"] = json!("10s");
                let refused = world.send(&request).unwrap_err();
                // A header that is not ASCII is refused as a header.
                let expected = ["is not a dns name", "invalid header field value"];
                assert!(expected.iter().any(|text| refused.contains(text)), "{more}: {refused}");
                assert_eq!(trap.caught(), 0, "{more}");
            }
        }
    }
    // Over plain HTTP the header names nothing that is connected to.
    let plain =
        get(&url.replace("https", "http"), json!({"headers": {"Host": "127.0.0.1"}, "timeout": "10s"}));
    assert!(world.send(&plain).is_err());
    assert_eq!(trap.caught(), 0);
}

#[test]
fn a_url_that_means_an_address_is_not_called_unless_the_address_is_listed() {
    let trap = Trap::set();
    let port = trap.port;
    let names = Names::of(&[("allowed.example", &["127.0.0.9"])]);
    let world = World::with_lookup(only(&["allowed.example"], &[]), names);
    let odd = LOOPBACK.into_iter().map(|host| format!("http://{host}:{port}/"));
    let more = [
        format!("http://[::1]:{port}/"),
        format!("http://allowed.example@127.0.0.1:{port}/"),
        format!("http://allowed.example:80@127.0.0.1:{port}/"),
        format!("http://allowed.example:80\\@127.0.0.1:{port}/"),
        format!("http://127.0.0.1:{port}\\@allowed.example/"),
        format!("http://127.0.0.1:{port}#@allowed.example/"),
        format!("http://127.0.0.1:{port}?@allowed.example/"),
        format!("http:127.0.0.1:{port}/"),
        format!("http:\\\\127.0.0.1:{port}/"),
        format!(" http://127.0.0.1:{port}/"),
        format!("ht\ttp://127.0.0.1:{port}/"),
        format!("http://127.0.0.1.allowed.example:{port}/"),
    ];
    for url in odd.chain(more) {
        let refused = world.send(&get(&url, json!({"timeout": "10s"}))).unwrap_err();
        assert!(refused.contains("unallowed host"), "{url}: {refused}");
        assert_eq!(trap.caught(), 0, "{url}");
    }
}

#[test]
fn a_redirect_to_an_address_in_any_form_is_not_followed() {
    let trap = Trap::set();
    let port = trap.port;
    let targets: Vec<String> = LOOPBACK
        .into_iter()
        .map(|host| format!("http://{host}:{port}/"))
        .chain([
            format!("//127.1:{port}/"),
            format!("\\\\127.1:{port}/"),
            format!("http://allowed.example@127.1:{port}/"),
            format!("http://inside.example:{port}/"),
            "unix://%2Frun%2Fdocker.sock/".to_owned(),
        ])
        .filter(|target| target.is_ascii())
        .collect();
    for to in targets {
        let location = to.clone();
        let peer = Peer::start(move |_, _| Reply {
            headers: vec![("location", location.clone())],
            ..Reply::new(302, &[], "")
        });
        let names = Names::of(&[("inside.example", &["127.0.0.1"])]);
        let allow = only(&[&peer.address.to_string(), "inside.example"], &[]);
        let request = get(&peer.url("/"), json!({"enable_redirect": true, "timeout": "10s"}));
        let refused = World::with_lookup(allow, names).send(&request).unwrap_err();
        assert!(
            refused.contains("unallowed host") || refused.contains("unsupported protocol scheme"),
            "{to}: {refused}"
        );
        assert_eq!((peer.seen().len(), trap.caught()), (1, 0), "{to}");
    }
}

#[test]
fn a_listed_name_leads_only_to_public_addresses_and_listed_networks() {
    let trap = Trap::set();
    for address in [
        "127.0.0.1",
        "0.0.0.0",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.0.1",
        "100.64.0.1",
        "169.254.169.254",
        "::1",
        "::",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "::127.0.0.1",
        "fd00:ec2::254",
        "fe80::1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
    ] {
        let names = Names::of(&[("allowed.example", &[address]), ("allowed.example.", &[address])]);
        let world = World::with_lookup(only(&["allowed.example"], &["127.0.0.9"]), Arc::clone(&names) as _);
        for url in [
            "http://allowed.example",
            "https://allowed.example",
            "http://allowed.example.",
            "http://ALLOWED.example",
        ] {
            let refused =
                world.send(&get(&format!("{url}:{}/", trap.port), json!({"timeout": "10s"}))).unwrap_err();
            assert!(
                refused.contains("unallowed host: allowed.example") && refused.contains(" leads to "),
                "{address}: {refused}"
            );
        }
        let named = json!({"tls_server_name": "other.example", "timeout": "10s"});
        let refused =
            world.send(&get(&format!("https://allowed.example:{}/", trap.port), named)).unwrap_err();
        assert!(refused.contains("unallowed host: allowed.example leads to"), "{address}: {refused}");
        assert!(names.asked().iter().all(|name| name.starts_with("allowed.example")), "{:?}", names.asked());
    }
    assert_eq!(trap.caught(), 0);
}

#[test]
fn the_addresses_that_were_checked_are_the_ones_that_are_connected_to() {
    let peer = Peer::start(|_, _| Reply::new(200, &[("connection", "close")], "ok"));
    let url = format!("http://allowed.example:{}/", peer.address.port());
    // Of several addresses, those that are not allowed are left out.
    let names = Names::of(&[("allowed.example", &["127.0.0.2", "10.0.0.1", "127.0.0.1"])]);
    let world = World::with_lookup(only(&["allowed.example"], &["127.0.0.1"]), names);
    assert_eq!(world.send(&get(&url, json!({}))).unwrap()["raw_body"], json!("ok"));
    // A name that leads elsewhere the second time is not asked for a second time between check and connection.
    let names = Names::of(&[("allowed.example", &["127.0.0.2"])]);
    names.first.lock().unwrap().push(IpAddr::from([127, 0, 0, 1]));
    let world = World::with_lookup(only(&["allowed.example"], &["127.0.0.1"]), Arc::clone(&names) as _);
    assert_eq!(world.send(&get(&url, json!({}))).unwrap()["raw_body"], json!("ok"));
    assert_eq!(names.asked(), ["allowed.example"]);
    let refused = world.send(&get(&url, json!({}))).unwrap_err();
    assert!(refused.contains("allowed.example leads to 127.0.0.2"), "{refused}");
    assert_eq!(peer.seen().len(), 2);
}

#[test]
fn names_are_compared_as_they_are_looked_up() {
    let peer = Peer::start(|_, _| Reply::new(200, &[], "ok"));
    let port = peer.address.port();
    let names = Names::of(&[("xn--bcher-kva.example", &["127.0.0.1"]), ("b.example.", &["127.0.0.1"])]);
    let allow = only(&["xn--bcher-kva.example", "b.example"], &["127.0.0.0/8"]);
    let world = World::with_lookup(allow, Arc::clone(&names) as _);
    for host in ["bücher.example", "B\u{fc}CHER.example", "xn--bcher-kva.example", "b.example."] {
        let got = world.send(&get(&format!("http://{host}:{port}/"), json!({}))).unwrap();
        assert_eq!(got["raw_body"], json!("ok"), "{host}");
    }
    for host in ["bucher.example", "b.example..", "xn--bcher-kva.example.evil.test"] {
        assert!(world.send(&get(&format!("http://{host}:{port}/"), json!({}))).is_err(), "{host}");
    }
    assert_eq!(peer.seen().len(), 4);
}

#[test]
fn proxies_of_the_environment_are_not_asked() {
    let (trap, peer) = (Trap::set(), Peer::start(|_, _| Reply::new(200, &[], "straight")));
    let folder = tempfile::tempdir().unwrap();
    let policy = format!(
        "package p\nx := http.send({{\"method\": \"get\", \"url\": \"{}\"}}).raw_body\n",
        peer.url("/")
    );
    std::fs::write(folder.path().join("p.rego"), policy).unwrap();
    let proxy = format!("http://127.0.0.1:{}", trap.port);
    let mut command = Command::new(env!("CARGO_BIN_EXE_verdict"));
    command.args(["eval", "--data", "p.rego", "--format", "raw", "data.p.x"]).current_dir(folder.path());
    for name in ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"] {
        command.env(name, &proxy);
    }
    command.env_remove("no_proxy").env_remove("NO_PROXY").env_remove("REQUEST_METHOD");
    let ran = command.output().unwrap();
    assert_eq!(String::from_utf8_lossy(&ran.stdout).trim(), "straight", "{ran:?}");
    assert_eq!((peer.seen().len(), trap.caught()), (1, 0));
}

#[test]
fn what_can_be_secret_in_a_url_is_not_in_errors() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let slow =
        Peer::start(|_, _| Reply { delay: std::time::Duration::from_secs(600), ..Reply::new(200, &[], "") });
    let to = |address: SocketAddr| format!("http://user:CANARY@{address}/path?key=CANARY#CANARY");
    let redirecting = {
        let to = to(closed);
        Peer::start(move |_, _| Reply { headers: vec![("location", to.clone())], ..Reply::new(302, &[], "") })
    };
    let nowhere = Peer::start(|_, _| Reply::new(302, &[("location", "http://[CANARY?CANARY")], ""));
    let world = World::everybody();
    for (url, shown) in [
        (to(closed), format!("Get \"http://***@{closed}/path?***#***\"")),
        (to(slow.address), format!("Get http://***@{}/path?***#***: request timed out", slow.address)),
        (redirecting.url("/"), format!("Get \"http://***@{closed}/path?***#***\"")),
        ("ftp://user:CANARY@a.example/?CANARY".to_owned(), "unsupported protocol scheme".to_owned()),
        ("//user:CANARY@a.example/?CANARY".to_owned(), "the url is not an absolute one".to_owned()),
    ] {
        let timeout = if shown.contains("timed out") { "20ms" } else { "60s" };
        let request = get(&url, json!({"enable_redirect": true, "timeout": timeout}));
        let error = world.send(&request).unwrap_err();
        assert!(error.contains(&shown) && !error.contains("CANARY"), "{error}");
    }
    let request = get(&nowhere.url("/"), json!({"enable_redirect": true}));
    let error = world.send(&request).unwrap_err();
    assert!(error.contains("failed to parse Location header"), "{error}");
    assert!(!error.contains("?CANARY"), "{error}");
}
