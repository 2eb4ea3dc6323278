//! A real nginx that shakes hands with clients and passes their certificates on.

use std::fs;

use serde_json::{Value, json};
use tokio_rustls::rustls::version::TLS13;

use super::authority::{Authority, Client};
use super::mode;
use crate::harness::TestApp;
use crate::harness::nginx::Nginx;

/// The lines of docs/certificates.md, with this server in the place of theirs.
fn lines(address: std::net::SocketAddr) -> String {
    let page = include_str!("../../../docs/certificates.md");
    let (_, block) = page.split_once("```nginx\n").unwrap();
    let (lines, _) = block.split_once("```").unwrap();
    let lines = lines.replace("https://verdict:8181", &format!("https://{address}"));
    format!("ssl_certificate cert.pem; ssl_certificate_key key.pem; ssl_protocols TLSv1.3;\n{lines}")
}

#[test]
fn the_certificate_that_nginx_has_verified_is_the_callers() {
    let (authority, clients, gateways) = (Authority::new(), Authority::new(), Authority::new());
    let app = TestApp::new().file("app/p.rego", "package app\n\nwho := input.subject.id\n");
    let dir = app.dir.path().to_owned();
    authority.issue(&dir, 1);
    fs::write(dir.join("gateways.pem"), gateways.pem()).unwrap();
    let server = app
        .config(
            "server: {listen: '127.0.0.1:0', tls: {cert: cert.pem, key: key.pem, client_ca: gateways.pem}}\n\
             identity: {client_certificates: {subject: uri}, proxies: ['urn:gateway']}\n",
        )
        .start();
    let lines = lines(server.app.address);
    let nginx = Nginx::start("clients' certificates that nginx passes on", &lines, "ssl", |dir| {
        let (cert, key) = gateways.pair_with_uris(&["urn:gateway"]);
        authority.issue(dir, 2);
        for (name, text) in [
            ("gateway.pem", cert.as_str()),
            ("gateway.key", &key),
            ("authority.pem", authority.pem()),
            ("clients.pem", clients.pem()),
        ] {
            fs::write(dir.join(name), text).unwrap();
        }
        mode(&dir.join("gateway.key"), 0o600);
    });
    let Some(nginx) = nginx else { return };
    let ask = |own: Option<(String, String)>, headers: &[(&str, &str)]| {
        let client = Client::with(&authority, &TLS13, own);
        let (status, body) = client.send(nginx.address, "/v1/data/app/who", headers, "{}").unwrap();
        let answer: Value = serde_json::from_str(&body).unwrap_or_default();
        (status, answer["result"].clone())
    };
    let (alice, mallory) = (clients.pair_with_uris(&["urn:alice"]), gateways.pair_with_uris(&["urn:alice"]));
    assert_eq!(ask(Some(alice.clone()), &[]), (200, json!("urn:alice")));
    assert_eq!(ask(None, &[]).0, 401);
    assert_eq!(ask(Some(mallory), &[]).0, 400, "nginx refuses certificates of another authority");
    // What a client sends itself, nginx replaces.
    let forged = [("x-forwarded-client-cert", "URI=urn:root")];
    assert_eq!(ask(None, &forged).0, 401);
    assert_eq!(ask(Some(alice), &forged), (200, json!("urn:alice")));
    let refused: Vec<_> = server.records().iter().map(|record| record["error"]["kind"].clone()).collect();
    assert_eq!(refused.iter().filter(|kind| **kind == json!("credential_missing")).count(), 2, "{refused:?}");
}
