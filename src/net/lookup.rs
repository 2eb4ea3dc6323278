//! From host names to addresses.

use std::io;
use std::net::IpAddr;
use std::pin::Pin;

/// The addresses of a name, once they are known.
pub type Addresses = Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>>;

/// Looks names up. Tests put an answer of their own in the place of the system's.
pub trait Lookup: Send + Sync {
    /// The addresses of `name`, in the order in which they are to be tried.
    fn look_up(&self, name: &str) -> Addresses;
}

/// The system's resolver: `/etc/hosts` and DNS, as the machine is configured.
#[derive(Debug, Clone, Copy)]
pub struct System;

impl Lookup for System {
    fn look_up(&self, name: &str) -> Addresses {
        let name = name.to_owned();
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            Ok(found.map(|address| address.ip()).collect())
        })
    }
}
