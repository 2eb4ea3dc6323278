//! Security events of issuers, over real sockets: what is believed of them, what they revoke, and when.

mod misconfigured;
mod poll;
mod push;
mod restart;
mod subjects;
mod world;
