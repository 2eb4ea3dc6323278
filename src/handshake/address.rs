//! Where the server is, and how it is reached.

use std::fmt;
use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr, TcpStream, ToSocketAddrs as _};
use std::sync::mpsc;
use std::time::Instant;

use tokio_rustls::rustls::pki_types::ServerName;

use super::problem::Problem;

/// The port of a server that is named without one.
const HTTPS: u16 = 443;
/// A name's further addresses are not tried.
const MAX_ADDRESSES: usize = 8;

/// A server, as somebody names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Its name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
}

impl Target {
    /// Reads `HOST`, `HOST:PORT`, `[ADDRESS]:PORT`, or an address of IPv6.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.contains("://") || text.contains('/') {
            return Err("write the host and the port alone, e.g. `verdict.example.org:8181`".to_owned());
        }
        if text.parse::<IpAddr>().is_ok() {
            return Ok(Self { host: text.to_owned(), port: HTTPS });
        }
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) => (host, port.parse().map_err(|_| format!("`{port}` is not a port"))?),
            None => (text, HTTPS),
        };
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        if port == 0 || host.is_empty() || host.len() > 253 {
            return Err("write e.g. `verdict.example.org:8181`".to_owned());
        }
        Ok(Self { host: host.to_owned(), port })
    }

    /// Connects to the first of its addresses that lets us.
    pub(super) fn connect(&self, deadline: Instant) -> Result<(TcpStream, SocketAddr), Problem> {
        let addresses = self.addresses(deadline)?;
        let (mut left, mut last) = (u32::try_from(addresses.len()).unwrap_or(u32::MAX), None);
        for address in addresses {
            let within = deadline.saturating_duration_since(Instant::now()) / left.max(1);
            left = left.saturating_sub(1);
            if within.is_zero() {
                break;
            }
            match TcpStream::connect_timeout(&address, within) {
                Ok(stream) => return Ok((stream, address)),
                Err(error) => last = Some((address, error)),
            }
        }
        Err(last.map_or_else(
            || self.nameless("it has no address"),
            |(address, error)| unreached(address, &error),
        ))
    }

    /// The system's resolver knows no deadline; a thread that waits for it ends with the process.
    fn addresses(&self, deadline: Instant) -> Result<Vec<SocketAddr>, Problem> {
        let (tell, told) = mpsc::channel();
        let (host, port) = (self.host.clone(), self.port);
        std::thread::spawn(move || {
            let found = (host.as_str(), port).to_socket_addrs();
            // Nobody waits any more: that is no error.
            let _ = tell.send(found.map(|all| all.take(MAX_ADDRESSES).collect::<Vec<_>>()));
        });
        match told.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(Ok(addresses)) => Ok(addresses),
            Ok(Err(error)) => Err(self.nameless(&error.to_string())),
            Err(_) => Err(self.nameless("the resolver did not answer in time")),
        }
    }

    fn nameless(&self, why: &str) -> Problem {
        let what = format!("the name `{}` leads to no address: {why}", self.host);
        Problem::new("no_such_name", what, "check the spelling, and the DNS of this machine")
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port } = self;
        if host.contains(':') { write!(f, "[{host}]:{port}") } else { write!(f, "{host}:{port}") }
    }
}

/// What a server is called in a handshake.
///
/// # Errors
/// It is neither a name of DNS nor an address.
pub fn name(called: &str) -> Result<ServerName<'static>, String> {
    ServerName::try_from(called.to_owned()).map_err(|_| format!("`{called}` is no name of a server"))
}

fn unreached(address: SocketAddr, error: &io::Error) -> Problem {
    match error.kind() {
        ErrorKind::ConnectionRefused => Problem::new(
            "refused",
            format!("nothing listens on {address}: the connection was refused"),
            "start the server, or check its port",
        ),
        ErrorKind::TimedOut | ErrorKind::WouldBlock => Problem::new(
            "unreachable",
            format!("{address} did not answer in time"),
            "check the address, and whether a firewall drops the packets",
        ),
        _ => Problem::new(
            "unreachable",
            format!("cannot connect to {address}: {error}"),
            "check the address and the network of this machine",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::Target;

    #[test]
    fn a_server_is_named_with_or_without_a_port() {
        for (text, host, port, shown) in [
            ("a.example", "a.example", 443, "a.example:443"),
            ("a.example:8181", "a.example", 8181, "a.example:8181"),
            ("127.0.0.1:1", "127.0.0.1", 1, "127.0.0.1:1"),
            ("::1", "::1", 443, "[::1]:443"),
            ("[::1]:8181", "::1", 8181, "[::1]:8181"),
        ] {
            let target = Target::parse(text).unwrap();
            assert_eq!((target.host.as_str(), target.port, target.to_string().as_str()), (host, port, shown));
        }
        for text in ["", ":1", "a:", "a:0", "a:65536", "a:b", "https://a", "a/b", "a:1/"] {
            assert!(Target::parse(text).is_err(), "{text}");
        }
    }
}
