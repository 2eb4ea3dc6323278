//! From whom descriptions of requests are believed, and whom they call the client.

use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;

use crate::doors::flaw::Flaw;
use crate::listen::Peer;
use crate::model::failure::{Failure, FailureKind};

/// What was asked is no call.
pub(super) fn invalid(message: impl Into<String>) -> Failure {
    Failure::new(FailureKind::InvalidRequest, message)
}

/// The configured proxies.
#[derive(Debug)]
pub(super) struct Trusted(Vec<IpNet>);

impl Trusted {
    /// Reads `doors.forward_auth.trusted_proxies`.
    ///
    /// # Errors
    /// What is no address and no network.
    pub(super) fn new(networks: &[String]) -> Result<Self, Flaw> {
        let read = networks.iter().enumerate().map(|(index, text)| {
            let network = text.parse::<IpNet>().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from));
            network.ok_or_else(|| {
                let at = format!("doors.forward_auth.trusted_proxies[{index}]");
                let hint = "write an address like `10.0.0.7`, or a network like `10.0.0.0/8`";
                Flaw::new(at, format!("`{text}` is neither an address nor a network"), hint)
            })
        });
        read.collect::<Result<_, _>>().map(Self)
    }

    fn has(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }

    /// Whether the peer may describe requests: a configured proxy, or whoever may open the Unix socket.
    ///
    /// # Errors
    /// It is not one of the proxies.
    pub(super) fn check(&self, peer: Option<Peer>) -> Result<(), Failure> {
        match peer {
            Some(Peer::Unix { .. }) => return Ok(()),
            Some(Peer::Address(address)) if self.has(address.ip()) => return Ok(()),
            _ => {}
        }
        let message =
            "the peer may not describe the requests of others (`doors.forward_auth.trusted_proxies`)";
        Err(Failure::new(FailureKind::Mismatch, message))
    }

    /// The client by `X-Forwarded-For`: the last address that is not a proxy's, as every proxy adds the one that it was called from. If
    /// all are proxies', the first.
    ///
    /// # Errors
    /// What should be that address is none.
    pub(super) fn client(&self, forwarded_for: &str) -> Result<Option<SocketAddr>, Failure> {
        let mut client = None;
        for text in forwarded_for.rsplit(',').map(str::trim).filter(|text| !text.is_empty()) {
            let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
            let address = bare.parse::<IpAddr>().map(|ip| SocketAddr::new(ip, 0)).or_else(|_| text.parse());
            let address =
                address.map_err(|_| invalid("`X-Forwarded-For` names something that is no address"))?;
            client = Some(address);
            if !self.has(address.ip()) {
                break;
            }
        }
        Ok(client)
    }
}
