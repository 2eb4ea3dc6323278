//! Messages of the Model Context Protocol, as gateways ask about them.

mod coaz;
mod envoy;
mod filter;
mod messages;
mod peers;
mod world;
