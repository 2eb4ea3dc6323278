//! `verdict health`, as a probe calls it.

use std::fs;

use super::{Ran, verdict, verdict_in};
use crate::harness::TestApp;
use crate::tls::authority::Authority;

const POLICY: &str = "package app\n\nallow if input.ok\n";

#[test]
fn exit_codes_tell_well_from_unwell_and_from_what_could_not_be_asked() {
    let server = TestApp::new().start();
    let (here, url) = (server.dir.path(), server.url(""));
    let ask = |args: &[&str]| -> Ran { verdict(here, &[&["health"], args].concat()) };
    ask(&[&url, "--live"]).exits(0);
    let unready = ask(&[&url, "--ready"]).exits(1);
    assert!(unready.out.contains("no bundle is active yet"), "{}", unready.out);
    assert!(unready.err.contains("/health/ready` answers 503"), "{}", unready.err);
    server.write("app/p.rego", POLICY);
    server.wait_generation(1);
    let ready = ask(&[&url, "--ready"]).exits(0);
    assert!(ready.out.contains("\"ready\":true") && ready.err.is_empty(), "{}{}", ready.out, ready.err);
    // An image may have no authorities.
    let none = [("SSL_CERT_FILE", "/nonexistent"), ("SSL_CERT_DIR", "/nonexistent")];
    verdict_in(here, &none, &["health", &url]).exits(0);
    assert_eq!(ask(&[&format!("{url}/")]).exits(0).out, "{}\n");
    // Where the configuration listens.
    fs::write(here.join("probe.yaml"), format!("server: {{listen: '{}'}}\n", server.app.address)).unwrap();
    ask(&["--config", "probe.yaml", "--ready"]).exits(0);
    verdict_in(here, &[("VERDICT_CONFIG", "probe.yaml")], &["health", "--ready"]).exits(0);

    let address = server.app.address;
    drop(server);
    let gone = format!("http://{address}");
    let here = tempfile::tempdir().unwrap();
    for (args, code, said) in [
        (&[gone.as_str()][..], 1, "hint: nothing listens there"),
        (&["nonsense"], 2, "write e.g. `http://127.0.0.1:8181`"),
        (&["ftp://127.0.0.1"], 2, "only http and https"),
        (&["http://127.0.0.1:1/health"], 2, "has a path"),
        (&["--config", "none.yaml"], 2, "none.yaml"),
        (&["--ready", "--live"], 2, "cannot be used with"),
        (&[&gone, "--timeout", "long"], 2, "long"),
        (&[&gone, "--ca", "none.pem"], 2, "--ca"),
    ] {
        verdict(here.path(), &[&["health"], args].concat()).exits(code).only_complains(said);
    }
}

#[test]
fn a_server_that_never_answers_is_unwell() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let here = tempfile::tempdir().unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let args = ["health", &url, "--timeout", "50ms"];
    verdict(here.path(), &args).exits(1).only_complains("no complete answer within 50ms");
}

#[test]
fn an_own_authority_is_trusted_where_it_is_named() {
    let authority = Authority::new();
    let app = TestApp::new().file("app/p.rego", POLICY);
    let tls = app.dir.path().join("tls");
    fs::create_dir(&tls).unwrap();
    authority.issue(&tls, 1);
    fs::write(tls.join("ca.pem"), authority.pem()).unwrap();
    let config = "server: {listen: '127.0.0.1:0', tls: {cert: tls/cert.pem, key: tls/key.pem}}\nidentity: {mode: off}\n";
    let server = app.config(config).start();
    let url = format!("https://localhost:{}", server.app.address.port());
    let ca = tls.join("ca.pem").display().to_string();
    verdict(server.dir.path(), &["health", &url, "--ready", "--ca", &ca]).exits(0);
    verdict(server.dir.path(), &["health", &url, "--ready"]).exits(1).only_complains("certificate");
}
