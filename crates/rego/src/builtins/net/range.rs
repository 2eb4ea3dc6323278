//! Ranges of addresses, as Go reads and writes them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// IPv4 addresses as they are among the IPv6 ones.
const MAPPED: u128 = 0xffff_0000_0000;

/// An address: of IPv4 ones the mapped form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Address(pub u128);

impl Address {
    /// Reads an address without a zone.
    pub fn read(text: &str) -> Option<Self> {
        Some(Self(match text.parse().ok()? {
            IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
            IpAddr::V6(address) => address.to_bits(),
        }))
    }

    /// Whether it is one of IPv4.
    pub const fn is_v4(self) -> bool {
        self.0 >> 32 == MAPPED >> 32
    }
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.is_v4() {
            Ipv4Addr::from_bits(self.0 as u32).fmt(f)
        } else {
            Ipv6Addr::from_bits(self.0).fmt(f)
        }
    }
}

/// A range of addresses with a common prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    /// The first address.
    pub first: Address,
    /// How many bits are common, of 128: 96 more than is written of IPv4 ranges.
    pub prefix: u32,
}

impl Range {
    /// The range of a prefix that an address is in.
    pub fn around(address: Address, prefix: u32) -> Self {
        Self { first: Address(address.0 & !rest(prefix)), prefix }
    }

    /// Reads an address and a number of bits.
    pub fn read(text: &str) -> Option<Self> {
        let (address, bits) = text.split_once('/')?;
        if bits.is_empty() || !bits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let bits: u32 = bits.parse().ok()?;
        let most = if address.contains(':') { 128 } else { 32 };
        let address = Address::read(address)?;
        (bits <= most).then(|| Self::around(address, bits + 128 - most))
    }

    /// The last address.
    pub const fn last(&self) -> Address {
        Address(self.first.0 | rest(self.prefix))
    }

    /// Whether an address is in it. IPv4 addresses are in no range of IPv6.
    pub fn contains(&self, address: Address) -> bool {
        self.first.is_v4() == address.is_v4() && (self.first..=self.last()).contains(&address)
    }

    /// As ranges with an address are written.
    pub fn written(&self, address: Address) -> String {
        format!(
            "{address}/{}",
            if address.is_v4() && self.prefix >= 96 { self.prefix - 96 } else { self.prefix }
        )
    }
}

/// The bits after a prefix.
const fn rest(prefix: u32) -> u128 {
    match u128::MAX.checked_shr(prefix) {
        Some(rest) => rest,
        None => 0,
    }
}

/// The fewest ranges that have all addresses from one to another.
pub fn cover(first: Address, last: Address) -> Vec<Range> {
    let mut ranges = Vec::new();
    let mut next = first.0;
    loop {
        // As large as the first address allows, and as the last one does.
        let mut bits = next.trailing_zeros().min(128);
        while bits > 0
            && (bits == 128 && last.0 != u128::MAX || bits < 128 && next | rest(128 - bits) > last.0)
        {
            bits -= 1;
        }
        let range = Range { first: Address(next), prefix: 128 - bits };
        ranges.push(range);
        match range.last().0.checked_add(1) {
            Some(after) if after <= last.0 => next = after,
            _ => return ranges,
        }
    }
}
