//! How an address to listen on is written: `127.0.0.1:8181`, `[::1]:8181`, `localhost:8181`, or `:8181`.
//!
//! No name but `localhost` is looked up: what a listener can be reached from must follow from the configuration alone.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use serde::de::{self, Deserializer, Visitor};

/// Reads an address. `localhost` is 127.0.0.1, and a port behind a colon alone is that port of every interface.
///
/// # Errors
/// What it is instead, and what to write.
pub(super) fn parse(text: &str) -> Result<SocketAddr, String> {
    if let Ok(address) = text.parse() {
        return Ok(address);
    }
    if let Some(path) = text.strip_prefix("unix:") {
        let path = path.strip_prefix("//").unwrap_or(path);
        return Err(format!(
            "`{text}`: a Unix socket is listened on beside an address: set `server.unix.path` to `{path}` (or give \
             `--set server.unix.path={path}`), and this to a loopback address, e.g. `127.0.0.1:8181`"
        ));
    }
    if let Some((scheme, rest)) = text.split_once("://") {
        let rest = rest.trim_end_matches('/');
        return Err(format!("`{text}` is a URL; write the address without `{scheme}://`, e.g. `{rest}`"));
    }
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(format!(
            "`{text}` is a port without an address; write `127.0.0.1:{text}`, or `:{text}` for every interface"
        ));
    }
    if let Ok(ip) = text.trim_matches(['[', ']']).parse::<IpAddr>() {
        return Err(format!("`{text}` has no port; write e.g. `{}`", SocketAddr::new(ip, 8181)));
    }
    let Some((host, port)) = text.rsplit_once(':') else {
        return Err(format!("`{text}` has no port; write e.g. `127.0.0.1:8181`, or `localhost:8181`"));
    };
    let digits = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    let Some(port) = port.parse::<u16>().ok().filter(|_| digits) else {
        return Err(format!(
            "`{text}`: the port is not a number from 0 to 65535; write e.g. `127.0.0.1:8181`"
        ));
    };
    match host {
        "" => Ok((Ipv4Addr::UNSPECIFIED, port).into()),
        "localhost" => Ok((Ipv4Addr::LOCALHOST, port).into()),
        _ => Err(format!(
            "`{text}` is not an address: names other than `localhost` are not looked up; write the IP address of the \
             interface, e.g. `127.0.0.1:{port}`, or `:{port}` for every interface"
        )),
    }
}

/// The same in a configuration.
pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SocketAddr, D::Error> {
    deserializer.deserialize_str(AddressVisitor)
}

struct AddressVisitor;

impl Visitor<'_> for AddressVisitor {
    type Value = SocketAddr;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("socket address")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<SocketAddr, E> {
        parse(text).map_err(E::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_or_its_error_says_what_to_write() {
        for (text, expected) in [
            ("127.0.0.1:8181", Ok("127.0.0.1:8181")),
            ("[::1]:8181", Ok("[::1]:8181")),
            ("localhost:8181", Ok("127.0.0.1:8181")),
            (":8181", Ok("0.0.0.0:8181")),
            ("0.0.0.0:0", Ok("0.0.0.0:0")),
            ("localhost", Err("`localhost` has no port; write e.g. `127.0.0.1:8181`")),
            ("10.1.2.3", Err("`10.1.2.3` has no port; write e.g. `10.1.2.3:8181`")),
            ("::1", Err("`::1` has no port; write e.g. `[::1]:8181`")),
            ("8181", Err("write `127.0.0.1:8181`, or `:8181` for every interface")),
            ("localhost:http", Err("the port is not a number from 0 to 65535")),
            ("127.0.0.1:+80", Err("the port is not a number from 0 to 65535")),
            (":99999", Err("the port is not a number from 0 to 65535")),
            ("pdp.example:80", Err("write the IP address of the interface, e.g. `127.0.0.1:80`")),
            ("http://localhost:8181/", Err("write the address without `http://`, e.g. `localhost:8181`")),
            ("unix:///run/verdict.sock", Err("set `server.unix.path` to `/run/verdict.sock`")),
            ("", Err("has no port")),
        ] {
            match (parse(text), expected) {
                (Ok(address), Ok(expected)) => assert_eq!(address.to_string(), expected, "{text}"),
                (Err(error), Err(expected)) => assert!(error.contains(expected), "{text}: {error}"),
                (got, _) => panic!("{text}: {got:?}"),
            }
        }
    }
}
