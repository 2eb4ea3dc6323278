//! `management:` in the configuration: where the server is managed, and by whom.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::address;
use super::tls::TlsConfig;

/// The port of management unless the configuration says another.
const MANAGEMENT_PORT: u16 = 8282;

/// `management:` in the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ManagementConfig {
    /// Where to listen for management.
    pub listen: ManagementListen,
    /// What management is served TLS with; plain HTTP without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<TlsConfig>,
    /// The role that a caller must have, on either listener, unless identity is off.
    pub role: String,
}

impl Default for ManagementConfig {
    fn default() -> Self {
        Self { listen: ManagementListen::Auto, tls: None, role: "verdict-admin".to_owned() }
    }
}

impl ManagementConfig {
    /// Where management listens unless the configuration says where: on a port of its own, or on any if calls do.
    pub fn default_address(&self, calls: SocketAddr) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, if calls.port() == 0 { 0 } else { MANAGEMENT_PORT }))
    }

    /// The URL where management is reached on the machine that it runs on; none where it has no listener, or one that nobody knows
    /// before it is bound.
    pub fn reached_at(&self, calls: SocketAddr) -> Option<String> {
        let address = match self.listen {
            ManagementListen::Off => return None,
            ManagementListen::Auto => self.default_address(calls),
            ManagementListen::At(address) => address,
        };
        local(address).map(|address| url(address, self.tls.is_some()))
    }
}

/// The URL of what listens at an address.
pub(super) fn url(address: SocketAddr, tls: bool) -> String {
    format!("{}://{address}", if tls { "https" } else { "http" })
}

/// How this machine reaches what listens at `address`; none where the port is chosen when it is bound.
pub(super) fn local(address: SocketAddr) -> Option<SocketAddr> {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    (address.port() != 0).then(|| SocketAddr::new(ip, address.port()))
}

/// `management.listen:` `auto`, `off`, or an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ManagementListen {
    /// On 127.0.0.1:8282, or nowhere if that is taken.
    Auto,
    /// Nowhere: management is on the listener of decisions alone.
    Off,
    /// At this address.
    At(SocketAddr),
}

impl FromStr for ManagementListen {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(Self::Auto),
            "off" => Ok(Self::Off),
            address => {
                address::parse(address).map(Self::At).map_err(|why| format!("{why} (or `auto`, or `off`)"))
            }
        }
    }
}

impl fmt::Display for ManagementListen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Off => f.write_str("off"),
            Self::At(address) => write!(f, "{address}"),
        }
    }
}

impl Serialize for ManagementListen {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ManagementListen {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_management_is_reached_follows_from_where_it_listens() {
        let calls = |port| SocketAddr::from((Ipv4Addr::UNSPECIFIED, port));
        for (listen, port, expected) in [
            ("auto", 8181, Some("127.0.0.1:8282")),
            ("auto", 0, None),
            ("off", 8181, None),
            ("10.1.2.3:99", 8181, Some("10.1.2.3:99")),
            ("0.0.0.0:99", 8181, Some("127.0.0.1:99")),
            ("[::]:99", 8181, Some("[::1]:99")),
            ("127.0.0.1:0", 8181, None),
        ] {
            let config = ManagementConfig { listen: listen.parse().unwrap(), ..ManagementConfig::default() };
            let reached =
                config.reached_at(calls(port)).map(|url| url.strip_prefix("http://").unwrap().to_owned());
            assert_eq!(reached.as_deref(), expected, "{listen}");
        }
    }
}
