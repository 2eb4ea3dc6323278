//! What every key means, a file for each part of the configuration. The order is that of the reference page.

mod aip;
mod bundles;
mod decision;
mod decision_log;
mod doors;
mod entry;
mod events;
mod identity;
mod master_key;
mod outbound;
mod permissions;
mod rates;
mod registry;
mod remote;
mod server;
mod spiffe;
mod tls;

pub(super) use self::entry::{Entry, Kind, Shape};

/// Every key.
pub(super) fn entries() -> impl Iterator<Item = &'static Entry> {
    [
        server::ENTRIES,
        tls::SERVER,
        tls::MANAGEMENT,
        doors::ENTRIES,
        bundles::ENTRIES,
        self::remote::ENTRIES,
        identity::ENTRIES,
        self::spiffe::ENTRIES,
        events::ENTRIES,
        registry::ENTRIES,
        master_key::ENTRIES,
        permissions::ENTRIES,
        outbound::ENTRIES,
        aip::ENTRIES,
        rates::ENTRIES,
        decision::ENTRIES,
        decision_log::ENTRIES,
    ]
    .into_iter()
    .flatten()
}

/// The keys whose values are written in this way.
pub(super) fn of_kind(kind: Kind) -> impl Iterator<Item = &'static str> {
    entries().filter(move |entry| entry.kind == kind).map(|entry| entry.key)
}

/// Where a key is known that was written in a place where it is not.
pub(super) fn home_of(name: &str) -> Option<&'static str> {
    let mut homes = entries().filter(|entry| entry.key.rsplit('.').next() == Some(name));
    let first = homes.next()?;
    homes.next().is_none().then_some(first.key)
}
