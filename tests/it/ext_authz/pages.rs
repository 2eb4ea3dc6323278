//! The configurations of docs/envoy.md, in a real Envoy.

use super::{app, token};
use crate::harness::envoy::Envoy;
use crate::harness::upstream::Upstream;
use crate::harness::wire::Wire;

/// The blocks of the page that are configurations of Envoy's, as they stand there.
fn blocks() -> (&'static str, &'static str) {
    let page = include_str!("../../../docs/envoy.md");
    let mut blocks = page.split("runs it in a real Envoy -->\n```yaml\n").skip(1);
    let mut next = || blocks.next().unwrap().split("```").next().unwrap();
    (next(), next())
}

#[test]
fn the_page_has_configurations_that_envoy_takes() {
    let server = app().start();
    let alice = token(&server, "alice");
    let (whole, over_http) = blocks();
    let (before, filters) =
        whole.split_once("                  - name: envoy.filters.http.ext_authz\n").unwrap();
    let (_, router) = filters.split_once("                  - name: envoy.filters.http.router\n").unwrap();
    let other = format!("{before}{over_http}                  - name: envoy.filters.http.router\n{router}");
    for config in [whole.to_owned(), other] {
        let upstream = Upstream::start();
        let config = |port| {
            let ported = |text: String, from: u16, to: u16| {
                let (from, to) = (format!("port_value: {from}}}"), format!("port_value: {to}}}"));
                assert_eq!(text.matches(&from).count(), 1, "{from}");
                text.replace(&from, &to)
            };
            let text = ported(config.clone(), 10000, port);
            ported(ported(text, 8181, server.app.address.port()), 8080, upstream.address.port())
        };
        let Some(envoy) = Envoy::start("the configurations of docs/envoy.md", config) else { return };
        for (path, status) in [("/mine", 200), ("/closed", 403)] {
            let mut wire = Wire::open(envoy.address);
            let head = format!("GET {path} HTTP/1.1\r\nHost: shop.example\r\nX-Auth-User: root\r\n");
            wire.send(format!("{head}Authorization: Bearer {alice}\r\n\r\n").as_bytes());
            assert_eq!(wire.reply().unwrap().status, status, "{path}");
            let seen = upstream.taken();
            assert_eq!(seen.len(), usize::from(status == 200));
            if let [seen] = seen.as_slice() {
                assert_eq!(seen.header("x-auth-user").as_deref(), Some("alice"));
            }
        }
    }
}
