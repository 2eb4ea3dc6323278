//! A real Caddy with the file of docs/traefik-caddy.md.

use std::net::SocketAddr;

use super::cases::{Statuses, block, check, closed};
use super::server;
use super::service::{Service, Silent};
use crate::harness::program::{Program, free_port};

const STATUSES: Statuses =
    Statuses { denied: 403, undefined: 403, failed: 500, forged: 401, teapot: 418, down: 502, slow: 504 };

fn start(verdict: SocketAddr, service: &Service) -> Option<Program> {
    let port = free_port();
    let addresses = [
        (":8080", format!(":{port}")),
        ("127.0.0.1:8181", verdict.to_string()),
        ("127.0.0.1:3000", service.address.to_string()),
    ];
    let site = block(include_str!("../../../docs/traefik-caddy.md"), "caddyfile", &addresses);
    let site = format!("{{\n\tadmin off\n\tauto_https off\n}}\n{site}");
    let command = ["caddy", "run", "--config", "Caddyfile", "--adapter", "caddyfile"];
    Program::start("Caddy that asks about each request", &command, port, &[("Caddyfile", &site)])
}

#[test]
fn caddy_lets_through_what_is_allowed_and_nothing_else() {
    let (server, service) = (server(), Service::start());
    let Some(caddy) = start(server.app.address, &service) else { return };
    check(server, &service, caddy.address, &STATUSES);
}

#[test]
fn caddy_fails_closed_where_the_pdp_is_slow() {
    let (silent, service) = (Silent::start(), Service::start());
    let Some(caddy) = start(silent.address(), &service) else { return };
    closed(&service, caddy.address, STATUSES.slow);
}
