//! A real nginx with the lines of docs/nginx.md.

use std::net::SocketAddr;

use super::cases::{Statuses, block, check, closed};
use super::server;
use super::service::{Service, Silent};
use crate::harness::nginx::Nginx;

const STATUSES: Statuses =
    Statuses { denied: 403, undefined: 403, failed: 500, forged: 401, teapot: 403, down: 500, slow: 500 };

fn start(verdict: SocketAddr, service: &Service) -> Option<Nginx> {
    let addresses =
        [("127.0.0.1:8181", verdict.to_string()), ("127.0.0.1:3000", service.address.to_string())];
    let lines = block(include_str!("../../../docs/nginx.md"), "nginx", &addresses);
    Nginx::start("nginx that asks about each request", &lines, "", |_| {})
}

#[test]
fn nginx_lets_through_what_is_allowed_and_nothing_else() {
    let (server, service) = (server(), Service::start());
    let Some(nginx) = start(server.app.address, &service) else { return };
    check(server, &service, nginx.address, &STATUSES);
}

#[test]
fn nginx_fails_closed_where_the_pdp_is_slow() {
    let (silent, service) = (Silent::start(), Service::start());
    let Some(nginx) = start(silent.address(), &service) else { return };
    closed(&service, nginx.address, STATUSES.slow);
}
