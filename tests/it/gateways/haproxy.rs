//! A real HAProxy with the files of docs/haproxy.md, and one that asks the data API with a chunked body.

use std::net::SocketAddr;

use super::cases::{Statuses, block, check, closed};
use super::server;
use super::service::{Service, Silent};
use crate::harness::program::{Program, free_port};
use crate::harness::wire::Wire;

const STATUSES: Statuses =
    Statuses { denied: 403, undefined: 403, failed: 503, forged: 401, teapot: 403, down: 503, slow: 503 };

fn start(verdict: SocketAddr, service: &Service) -> Option<Program> {
    let (page, port) = (include_str!("../../../docs/haproxy.md"), free_port());
    let addresses = [(":8080", format!("127.0.0.1:{port}")), ("127.0.0.1:3000", service.address.to_string())];
    let config = block(page, "haproxy", &addresses);
    let script = block(page, "lua", &[("127.0.0.1:8181", verdict.to_string())]);
    run(port, &config, &script)
}

fn run(port: u16, config: &str, script: &str) -> Option<Program> {
    let command = ["haproxy", "-db", "-f", "haproxy.cfg"];
    let files = [("haproxy.cfg", config), ("verdict.lua", script)];
    Program::start("HAProxy that asks about each request", &command, port, &files)
}

#[test]
fn haproxy_lets_through_what_is_allowed_and_nothing_else() {
    let (server, service) = (server(), Service::start());
    let Some(haproxy) = start(server.app.address, &service) else { return };
    check(server, &service, haproxy.address, &STATUSES);
}

#[test]
fn haproxy_fails_closed_where_the_pdp_is_slow() {
    let (silent, service) = (Silent::start(), Service::start());
    let Some(haproxy) = start(silent.address(), &service) else { return };
    closed(&service, haproxy.address, STATUSES.slow);
}

#[test]
fn its_chunked_questions_to_the_data_api_are_answered() {
    let (server, service, port) = (server(), Service::start(), free_port());
    let script = format!(
        "core.register_action('ask', {{'http-req'}}, function(txn)\n\
           local input = '{{\"input\": {{\"parsed_path\": [\"' .. txn.sf:path():sub(2) .. '\"]}}}}'\n\
           local answer = core.httpclient():post{{url = 'http://{}/v1/data/http/decision', body = input}}\n\
           local allowed = answer.status == 200 and answer.body:find('\"allowed\":true', 1, true)\n\
           txn:set_var('txn.allowed', allowed ~= nil)\n\
         end)\n",
        server.app.address
    );
    let config = format!(
        "global\n  lua-load verdict.lua\ndefaults\n  mode http\n  timeout connect 1s\n  timeout client 9s\n  timeout server 9s\n\
         frontend web\n  bind 127.0.0.1:{port}\n  http-request lua.ask\n  http-request deny unless {{ var(txn.allowed) -m bool }}\n  \
         default_backend service\nbackend service\n  server one {}\n",
        service.address
    );
    let Some(haproxy) = run(port, &config, &script) else { return };
    for (path, status) in [("/public", 200), ("/teapot", 403), ("/nothing", 403)] {
        let mut wire = Wire::open(haproxy.address);
        wire.send(format!("GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").as_bytes());
        assert_eq!(wire.reply().unwrap().status, status, "{path}");
        assert_eq!(service.asked().len(), usize::from(status == 200), "{path}");
    }
}
