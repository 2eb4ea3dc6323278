//! What every gateway is tried with, and what the service behind may see of it.

use std::net::SocketAddr;

use super::alice;
use super::service::Service;
use crate::harness::Server;
use crate::harness::wire::Wire;

/// The statuses with which a gateway answers its clients.
pub struct Statuses {
    pub denied: u16,
    pub undefined: u16,
    pub failed: u16,
    pub forged: u16,
    pub teapot: u16,
    /// The PDP does not answer.
    pub down: u16,
    /// The PDP does not answer in time.
    pub slow: u16,
}

fn ask(gateway: SocketAddr, path: &str, headers: &[(&str, &str)]) -> crate::harness::Reply {
    let mut request = format!("GET {path} HTTP/1.1\r\nHost: api.example\r\nConnection: close\r\n");
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    let mut wire = Wire::open(gateway);
    wire.send(format!("{request}\r\n").as_bytes());
    wire.reply().unwrap()
}

/// Asks through a gateway for everything that can happen, stops the server, and asks once more.
pub fn check(server: Server, service: &Service, gateway: SocketAddr, statuses: &Statuses) {
    let token = alice(&server);
    let bearer = ("Authorization", token.as_str());
    let forged = ("Authorization", "Bearer forged.forged.forged");
    // What a gateway asks at its own start is nobody's request.
    service.asked();
    for (path, headers) in [
        ("/public/a?x=1", &[][..]),
        ("/public/a", &[("X-Auth-User", "root"), ("X-Auth-Issuer", "root")]),
        ("/invoices/42", &[bearer, ("X-Auth-User", "root")]),
        ("/headers", &[bearer]),
    ] {
        let reply = ask(gateway, path, headers);
        assert_eq!((reply.status, reply.body.as_slice()), (200, &b"service"[..]), "{path} {headers:?}");
        let asked = service.asked();
        assert_eq!(asked.len(), 1, "{asked:?}");
        assert!(asked[0].starts_with(&format!("get {path} http")), "{}", asked[0]);
        assert!(!asked[0].contains("root"), "{}", asked[0]);
        let known = headers.contains(&bearer);
        assert_eq!(asked[0].contains("x-auth-user: alice"), known, "{}", asked[0]);
    }
    for (path, headers, status) in [
        ("/invoices/42", &[][..], statuses.denied),
        ("/invoices/42", &[("X-Auth-User", "alice")], statuses.denied),
        ("/nothing", &[bearer], statuses.undefined),
        ("/error", &[bearer], statuses.failed),
        ("/broken", &[bearer], statuses.failed),
        ("/public", &[forged], statuses.forged),
        ("/teapot", &[], statuses.teapot),
        ("/sly", &[], statuses.denied),
    ] {
        let reply = ask(gateway, path, headers);
        assert_eq!(reply.status, status, "{path} {headers:?}");
        assert_eq!(service.asked(), Vec::<String>::new(), "{path} {headers:?}");
    }
    // What could be taken for another request, by the gateway or by the service.
    for path in [
        "/public/../invoices/42",
        "/public/%2e%2e/invoices/42",
        "/public/..%2finvoices/42",
        "/public/..;/invoices/42",
        "/public//invoices/42",
        "//public",
        "/public/%252e%252e/x",
        "/public%00",
        "/public?x=1;y=2",
    ] {
        let reply = ask(gateway, path, &[]);
        assert!((400..600).contains(&reply.status), "{path}: {}", reply.status);
        assert_eq!(service.asked(), Vec::<String>::new(), "{path}");
    }
    for (name, value) in [
        ("X-Original-URL", "/public"),
        ("X-Original-URI", "/public"),
        ("X-Forwarded-Uri", "/public"),
        ("X-Original-Method", "POST"),
        ("X-Forwarded-Method", "POST"),
        ("X-Forwarded-Host", "other.example"),
    ] {
        let reply = ask(gateway, "/invoices/42", &[(name, value)]);
        assert!((400..600).contains(&reply.status), "{name}: {}", reply.status);
        assert_eq!(service.asked(), Vec::<String>::new(), "{name}");
    }
    for record in server.records() {
        let host = &record["input"]["context"]["http"]["host"];
        assert!(host.is_null() || host == "api.example", "{record:#}");
    }
    server.shutdown();
    closed(service, gateway, statuses.down);
}

/// Nobody decides.
pub fn closed(service: &Service, gateway: SocketAddr, status: u16) {
    let reply = ask(gateway, "/public", &[]);
    assert_eq!(reply.status, status);
    assert_eq!(service.asked(), Vec::<String>::new());
}

/// A block of a page, with these addresses in the place of its own.
pub fn block(page: &str, language: &str, addresses: &[(&str, String)]) -> String {
    let (_, block) = page.split_once(&format!("```{language}\n")).unwrap();
    let (text, _) = block.split_once("```").unwrap();
    addresses.iter().fold(text.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "{from} is not in the page");
        text.replace(from, to)
    })
}
