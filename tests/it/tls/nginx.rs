//! A real nginx that shakes hands with clients and passes their certificates on.

use std::fs;

use serde_json::{Value, json};
use tokio_rustls::rustls::version::TLS13;

use super::authority::{Authority, Client};
use super::mode;
use crate::harness::TestApp;
use crate::harness::nginx::Nginx;

/// As docs/certificates.md has it.
const LINES: &str = r#"
    ssl_certificate cert.pem;
    ssl_certificate_key key.pem;
    ssl_protocols TLSv1.3;
    ssl_client_certificate clients.pem;
    ssl_verify_client optional;
    location / {
        proxy_pass https://PLACE;
        proxy_http_version 1.1;
        proxy_set_header Host $http_host;
        proxy_set_header X-Forwarded-Client-Cert $passed_on;
        proxy_ssl_name localhost;
        proxy_ssl_verify on;
        proxy_ssl_protocols TLSv1.3;
        proxy_ssl_trusted_certificate authority.pem;
        proxy_ssl_certificate gateway.pem;
        proxy_ssl_certificate_key gateway.key;
        set $passed_on "";
        if ($ssl_client_verify = SUCCESS) {
            set $passed_on "Cert=\"$ssl_client_escaped_cert\"";
        }
    }
"#;

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
    let lines = LINES.replace("PLACE", &server.app.address.to_string());
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
