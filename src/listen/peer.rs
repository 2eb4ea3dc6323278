//! Who is at the other end of a connection.

use std::net::SocketAddr;
/// The peer's address, put into every request.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub SocketAddr);
