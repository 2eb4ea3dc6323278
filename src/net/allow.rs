//! Whom policy may call: the configured hosts, and only where they really are.
//!
//! INVARIANT (no way inside): a name that is allowed does not lead to a private, loopback or link-local address unless
//! the network of that address is configured, too. The check is made on the addresses that are connected to.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Whom policy may call.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Allow {
    /// `None` is everybody.
    hosts: Option<Vec<Pattern>>,
    private: Vec<Network>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Pattern {
    host: Host,
    port: Option<u16>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Host {
    Address(IpAddr),
    Name(String),
    /// All names that end so, with the dot.
    Below(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Network {
    address: IpAddr,
    bits: u32,
}

/// Where a list is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// Whether it is the list of networks.
    pub private: bool,
    /// Which element, from 0.
    pub index: usize,
    /// What is wrong with it.
    pub message: String,
}

impl Allow {
    /// Everybody, wherever they are.
    pub fn everybody() -> Self {
        Self::default()
    }

    /// Only these hosts: names, `*.` before a name for all below it, or addresses, each with a port or for all ports.
    /// Names may lead to private addresses only in the networks of `private`.
    ///
    /// # Errors
    /// The first element that is none of these.
    pub fn only(hosts: &[String], private: &[String]) -> Result<Self, Wrong> {
        let wrong = |private, index| move |message| Wrong { private, index, message };
        let pattern = |(n, text): (usize, &String)| Pattern::parse(text).map_err(wrong(false, n));
        let network = |(n, text): (usize, &String)| Network::parse(text).map_err(wrong(true, n));
        let hosts = hosts.iter().enumerate().map(pattern).collect::<Result<_, _>>()?;
        let private = private.iter().enumerate().map(network).collect::<Result<_, _>>()?;
        Ok(Self { hosts: Some(hosts), private })
    }

    /// Whether a host, a name or an address, may be called; without a port, whether it may be at any.
    ///
    /// # Errors
    /// When it may not.
    pub(super) fn check(&self, host: &str, port: Option<u16>) -> Result<(), String> {
        let Some(patterns) = &self.hosts else { return Ok(()) };
        let bare = host.trim_matches(['[', ']']);
        let fits = |pattern: &Pattern| {
            (pattern.port.is_none() || port.is_none() || pattern.port == port)
                && match (&pattern.host, bare.parse::<IpAddr>()) {
                    (Host::Address(address), Ok(asked)) => *address == asked.to_canonical(),
                    (Host::Name(name), Err(_)) => *name == canonical(bare),
                    (Host::Below(end), Err(_)) => canonical(bare).ends_with(end.as_str()),
                    _ => false,
                }
        };
        if patterns.iter().any(fits) {
            return Ok(());
        }
        let port = port.map(|port| format!(":{port}")).unwrap_or_default();
        Err(format!("unallowed host: {host}{port} (`http_send.allow` does not list it)"))
    }

    /// Whether a name may lead to an address.
    ///
    /// # Errors
    /// When it may not.
    pub(super) fn check_address(&self, name: &str, address: IpAddr) -> Result<(), String> {
        let address = address.to_canonical();
        if self.hosts.is_none()
            || !is_private(address)
            || self.private.iter().any(|network| network.contains(address))
        {
            return Ok(());
        }
        Err(format!(
            "unallowed host: {name} leads to {address}, which is not public \
             (`http_send.private_addresses` does not list its network)"
        ))
    }
}

/// Lower case, without the dot of the root.
fn canonical(name: &str) -> String {
    name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase()
}

impl Pattern {
    fn parse(text: &str) -> Result<Self, String> {
        let wrong = |why: &str| Err(format!("`{text}` {why}; write a host, e.g. `idp.example.com:443`"));
        if let Ok(address) = text.parse::<IpAddr>() {
            return Ok(Self { host: Host::Address(address.to_canonical()), port: None });
        }
        if text.contains("//") || text.contains('/') {
            return wrong("is a url or a network, not a host");
        }
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) => match port.parse() {
                Ok(port) if port > 0 => (host, Some(port)),
                _ => return wrong("has no port behind the colon"),
            },
            None => (text, None),
        };
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        if let Ok(address) = bare.parse::<IpAddr>() {
            return Ok(Self { host: Host::Address(address.to_canonical()), port });
        }
        let (below, name) = match host.strip_prefix("*.") {
            Some(name) => (true, name),
            None => (false, host),
        };
        let label = |part: &str| {
            !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
        };
        if !name.strip_suffix('.').unwrap_or(name).split('.').all(label) {
            return wrong("is no host name");
        }
        let name = canonical(name);
        let host = if below { Host::Below(format!(".{name}")) } else { Host::Name(name) };
        Ok(Self { host, port })
    }
}

impl Network {
    fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no network; write e.g. `10.0.0.0/8` or `fd00::/8`");
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits.parse::<u32>().map_err(|_| wrong())?)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.unwrap_or(most);
        if bits > most { Err(wrong()) } else { Ok(Self { address, bits }) }
    }

    fn contains(&self, address: IpAddr) -> bool {
        let same = |a: u128, b: u128, width: u32| {
            let shift = width.saturating_sub(self.bits);
            shift >= 128 || a >> shift == b >> shift
        };
        match (self.address, address) {
            (IpAddr::V4(a), IpAddr::V4(b)) => same(u32::from(a).into(), u32::from(b).into(), 32),
            (IpAddr::V6(a), IpAddr::V6(b)) => same(a.into(), b.into(), 128),
            _ => false,
        }
    }
}

/// Whether an address is anything else than that of a host on the public internet.
fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_private_v4(address),
        IpAddr::V6(address) => is_private_v6(address),
    }
}

fn is_private_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    match a {
        // This host, private, loopback; multicast, reserved and broadcast.
        0 | 10 | 127 | 224.. => true,
        100 => (64..128).contains(&b),
        169 => b == 254,
        172 => (16..32).contains(&b),
        192 => b == 168 || (b == 0 && matches!(c, 0 | 2)) || (b == 88 && c == 99),
        198 => matches!(b, 18 | 19) || (b == 51 && c == 100),
        203 => b == 0 && c == 113,
        _ => false,
    }
}

fn is_private_v6(address: Ipv6Addr) -> bool {
    let segments = address.segments();
    let embedded = |high: u16, low: u16| Ipv4Addr::from(u32::from(high) << 16 | u32::from(low));
    match segments {
        // NAT64 (RFC 6052) and 6to4 (RFC 3056) lead to an IPv4 address.
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => is_private_v4(embedded(high, low)),
        // Protocol assignments, Teredo among them (RFC 2928, RFC 4380), and documentation (RFC 3849, RFC 9637).
        [0x2001, b, ..] => b < 0x200 || b == 0xdb8,
        [0x3fff, b, ..] => b < 0x1000,
        // 2000::/3 is all that is assigned to hosts on the internet (RFC 4291 section 2.4).
        [a, ..] => a & 0xe000 != 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allow(hosts: &[&str], private: &[&str]) -> Result<Allow, Wrong> {
        let owned = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        Allow::only(&owned(hosts), &owned(private))
    }

    #[test]
    fn only_what_is_listed_is_allowed() {
        let list =
            ["Api.example.com", "*.internal.example:8443", "10.1.2.3:80", "[::1]:9", "fd00::1", "h_1."];
        let allow = allow(&list, &[]).unwrap();
        for (host, port, want) in [
            ("api.example.com", 443, true),
            ("API.EXAMPLE.COM.", 80, true),
            ("example.com", 443, false),
            ("api.example.com.evil.test", 443, false),
            ("xapi.example.com", 443, false),
            ("a.b.internal.example", 8443, true),
            ("a.internal.example", 443, false),
            ("internal.example", 8443, false),
            ("xinternal.example", 8443, false),
            ("10.1.2.3", 80, true),
            ("10.1.2.3", 81, false),
            ("[::ffff:10.1.2.3]", 80, true),
            ("10.1.2.4", 80, false),
            ("[::1]", 9, true),
            ("[fd00::1]", 1, true),
            ("h_1", 1, true),
        ] {
            assert_eq!(allow.check(host, Some(port)).is_ok(), want, "{host}:{port}");
        }
        assert!(allow.check("a.internal.example", None).is_ok());
        assert!(Allow::everybody().check("169.254.169.254", Some(80)).is_ok());
        assert!(Allow::only(&[], &[]).unwrap().check("a", Some(80)).is_err());
    }

    #[test]
    fn names_do_not_lead_inside_unless_that_is_listed() {
        let none = allow(&["a"], &[]).unwrap();
        let some = allow(&["a"], &["10.0.0.0/8", "fd00::/8", "169.254.169.254"]).unwrap();
        for (address, without, with) in [
            ("93.184.216.34", true, true),
            ("2606:4700::1111", true, true),
            ("10.1.2.3", false, true),
            ("::ffff:10.1.2.3", false, true),
            ("11.0.0.1", true, true),
            ("127.0.0.1", false, false),
            ("169.254.169.254", false, true),
            ("169.254.169.253", false, false),
            ("100.64.0.1", false, false),
            ("100.128.0.1", true, true),
            ("172.16.0.1", false, false),
            ("172.32.0.1", true, true),
            ("192.168.1.1", false, false),
            ("0.0.0.0", false, false),
            ("255.255.255.255", false, false),
            ("::1", false, false),
            ("::", false, false),
            ("fd12::1", false, true),
            ("fe80::1", false, false),
            ("ff02::1", false, false),
            ("64:ff9b::a9fe:a9fe", false, false),
            ("64:ff9b::5db8:d822", true, true),
            ("2002:a9fe:a9fe::1", false, false),
            ("2002:5db8:d822::1", true, true),
            ("64:ff9b:1::5db8:d822", false, false),
            ("64:ff9b::1:0:5db8:d822", false, false),
            ("::10.1.2.3", false, false),
            ("::ffff:0:10.1.2.3", false, false),
            ("2001::1", false, false),
            ("2001:1ff::1", false, false),
            ("2001:4860:4860::8888", true, true),
            ("3fff:fff::1", false, false),
            ("3fff:1000::1", true, true),
            ("192.88.99.1", false, false),
        ] {
            let address: IpAddr = address.parse().unwrap();
            assert_eq!(none.check_address("a", address).is_ok(), without, "{address}");
            assert_eq!(some.check_address("a", address).is_ok(), with, "{address}");
            assert!(Allow::everybody().check_address("a", address).is_ok());
        }
    }

    #[test]
    fn what_is_no_host_or_network_is_said() {
        for (host, want) in [
            ("https://a", "is a url or a network, not a host"),
            ("10.0.0.0/8", "is a url or a network, not a host"),
            ("a:b", "has no port behind the colon"),
            ("a:0", "has no port behind the colon"),
            ("a b", "is no host name"),
            ("", "is no host name"),
            ("*", "is no host name"),
            ("a.*", "is no host name"),
        ] {
            let wrong = allow(&["ok", host], &[]).unwrap_err();
            assert_eq!((wrong.private, wrong.index), (false, 1));
            assert!(wrong.message.contains(want), "{host}: {}", wrong.message);
        }
        for network in ["10.0.0.0/33", "a", "10.0.0/8", "::/129", "10.0.0.0/x"] {
            assert!(allow(&[], &[network]).unwrap_err().message.contains("is no network"), "{network}");
        }
    }
}
