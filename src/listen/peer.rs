//! Who is at the other end of a connection.

use std::fmt;
use std::net::SocketAddr;

/// The peer of a connection, put into every request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Peer {
    /// Where it calls from.
    Address(SocketAddr),
    /// A process of this machine, on a Unix socket. Who may connect there, the socket's permissions say.
    Unix {
        /// Its user, as the kernel has it.
        uid: u32,
    },
}

impl Peer {
    /// The peer's address, where it has one.
    pub const fn address(self) -> Option<SocketAddr> {
        match self {
            Self::Address(address) => Some(address),
            Self::Unix { .. } => None,
        }
    }
}

/// `address:port`, or `unix:uid=1000`, as records and logs show it.
impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => write!(f, "{address}"),
            Self::Unix { uid } => write!(f, "unix:uid={uid}"),
        }
    }
}
