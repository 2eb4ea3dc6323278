//! Host and port: one spelling, and one place where several are named.

use std::net::Ipv6Addr;

/// The longest host name (RFC 1035 section 2.3.4), in bytes.
const MAX_HOST: usize = 255;

/// Where a request goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// In lower case; an IPv6 address in brackets.
    pub(super) host: String,
    /// None where it is the scheme's own.
    pub(super) port: Option<u16>,
}

/// The one place that all of these name; none where nothing names one.
///
/// # Errors
/// What is no host and port, or places that differ.
pub(super) fn agreed(named: &[&str], scheme: Option<&str>) -> Result<Option<Place>, String> {
    let mut agreed: Option<Place> = None;
    for text in named {
        let place = place(text, scheme)?;
        if agreed.as_ref().is_some_and(|other| *other != place) {
            return Err("ambiguous request: it names two different hosts".to_owned());
        }
        agreed = Some(place);
    }
    Ok(agreed)
}

fn place(text: &str, scheme: Option<&str>) -> Result<Place, String> {
    let wrong = |what: &str| format!("ambiguous host: {what}");
    if text.contains('@') {
        return Err(wrong("a user name before it"));
    }
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (address, rest) = rest.split_once(']').ok_or_else(|| wrong("a bracket that does not end"))?;
            let address: Ipv6Addr =
                address.parse().map_err(|_| wrong("what stands in brackets is no IPv6 address"))?;
            let port = match rest {
                "" => None,
                rest => Some(rest.strip_prefix(':').ok_or_else(|| wrong("something behind the brackets"))?),
            };
            (format!("[{address}]"), port)
        }
        None => {
            let (host, port) = text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port)));
            (name(host).ok_or_else(|| wrong("it is not made of letters, digits, `-`, `_` and `.`"))?, port)
        }
    };
    let port =
        port.map(|digits| port_of(digits).ok_or_else(|| wrong("its port is not 1 to 65535"))).transpose()?;
    let usual = match scheme {
        Some("http") => Some(80),
        Some("https") => Some(443),
        _ => None,
    };
    Ok(Place { host, port: port.filter(|port| Some(*port) != usual) })
}

/// A name in lower case, without the dot at its end that says that it is whole.
fn name(host: &str) -> Option<String> {
    let host = host.strip_suffix('.').unwrap_or(host);
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    let labels = || host.split('.').all(|label| !label.is_empty() && label.bytes().all(plain));
    (host.len() <= MAX_HOST && labels()).then(|| host.to_ascii_lowercase())
}

fn port_of(digits: &str) -> Option<u16> {
    let plain = !digits.starts_with('0') && digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|_| plain)
}
