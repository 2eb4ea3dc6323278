//! `net.*`

use crate::builtins::context::{Context, argument};
use crate::builtins::error::{Error, Kind};
use crate::builtins::net::range::{Address, Range, cover};
use crate::outbound::Fault;
use crate::value::{Set, Value};

type Answer = Result<Option<Value>, Error>;

/// The most addresses that a range is expanded to.
const MOST_ADDRESSES: u128 = 65_536;

/// OPA says operand 1 of all of them.
fn text(value: &Value) -> Result<&str, Error> {
    value.as_str().ok_or_else(|| Error::operand(1, "string", value))
}

fn range(value: &Value) -> Result<Range, Error> {
    let text = text(value)?;
    Range::read(text).ok_or_else(|| Error::failed(format!("invalid CIDR address: {text}")))
}

/// An address or a range, as a range.
fn address_or_range(value: &Value) -> Result<Range, Error> {
    let text = text(value)?;
    if let Some(address) = Address::read(text) {
        return Ok(Range::around(address, 128));
    }
    let wrong =
        || Error::failed(format!("not a valid textual representation of an IP address or CIDR: {text}"));
    Range::read(text).ok_or_else(wrong)
}

fn is_within(outer: &Range, inner: &Range) -> bool {
    outer.contains(inner.first) && outer.contains(inner.last())
}

pub fn contains(_: &mut Context, args: &[Value]) -> Answer {
    let outer = range(argument(args, 1)?)?;
    Ok(Some(Value::from(is_within(&outer, &address_or_range(argument(args, 2)?)?))))
}

pub fn intersects(_: &mut Context, args: &[Value]) -> Answer {
    let (a, b) = (range(argument(args, 1)?)?, range(argument(args, 2)?)?);
    Ok(Some(Value::from(a.contains(b.first) || b.contains(a.first))))
}

pub fn is_valid(_: &mut Context, args: &[Value]) -> Answer {
    Ok(Some(Value::from(argument(args, 1)?.as_str().is_some_and(|text| Range::read(text).is_some()))))
}

/// What a collection has to be matched, each with what it is called in the answer.
fn candidates(value: &Value) -> Vec<(Value, Value)> {
    match value {
        Value::String(_) => vec![(value.clone(), value.clone())],
        Value::Array(items) => {
            (0..).zip(items.iter()).map(|(at, item)| (item.clone(), Value::from(at))).collect()
        }
        Value::Set(elements) => elements.keys().map(|element| (element.clone(), element.clone())).collect(),
        Value::Object(members) => members.iter().map(|(key, item)| (item.clone(), key.clone())).collect(),
        _ => Vec::new(),
    }
}

/// The text of a candidate, which may be the first element of an array.
fn candidate(value: &Value, position: u8) -> Result<&Value, Error> {
    match value {
        Value::String(_) => Some(value),
        Value::Array(items) => items.first(),
        _ => None,
    }
    .ok_or_else(|| Error::failed(format!("operand {position}: element must be string or non-empty array")))
}

pub fn contains_matches(context: &mut Context, args: &[Value]) -> Answer {
    let (outers, inners) = (candidates(argument(args, 1)?), candidates(argument(args, 2)?));
    let mut read: Vec<(Range, &Value)> = Vec::new();
    let mut found = Vec::new();
    for (at, (outer, outer_name)) in outers.iter().enumerate() {
        let outer = candidate(outer, 1)?;
        if at == 0 {
            for (inner, name) in &inners {
                let inner = candidate(inner, 2)?;
                range(outer)?;
                read.push((address_or_range(inner)?, name));
            }
        }
        if read.is_empty() {
            continue;
        }
        let outer = range(outer)?;
        for chunk in read.chunks(4096) {
            context.check_deadline()?;
            for (inner, name) in chunk {
                if is_within(&outer, inner) {
                    found.push(Value::from(vec![outer_name.clone(), (*name).clone()]));
                }
            }
        }
        if found.len().saturating_mul(128) > context.max_bytes {
            return Err(Error::new(Kind::TooLarge, "too many matches"));
        }
    }
    Ok(Some(Value::from(found.into_iter().collect::<Set>())))
}

pub fn expand(context: &mut Context, args: &[Value]) -> Answer {
    let range = range(argument(args, 1)?)?;
    let more = range.last().0 - range.first.0;
    let bytes = usize::try_from(more).unwrap_or(usize::MAX).saturating_mul(64);
    if more >= MOST_ADDRESSES || bytes > context.max_bytes {
        return Err(Error::failed("the range has too many addresses"));
    }
    let addresses = (range.first.0..=range.last().0).map(|address| Value::from(Address(address).to_string()));
    Ok(Some(Value::from(addresses.collect::<Set>())))
}

/// What is merged: a range, and the address that it was given with.
struct Block {
    first: Address,
    last: Address,
    /// Gone when merged with another.
    given: Option<String>,
}

impl Block {
    fn read(value: &Value) -> Result<Self, Error> {
        let text = value.as_str().ok_or_else(|| Error::failed("element must be string"))?;
        let (range, shown) = match Address::read(text) {
            None => {
                let range = range(value)?;
                (range, range.first)
            }
            Some(address) if address.is_v4() => {
                // An address alone stands for its network of the old classes.
                let bits = match (address.0 >> 24) & 0xff {
                    0..0x80 => 8,
                    0x80..0xc0 => 16,
                    _ => 24,
                };
                (Range::around(address, 96 + bits), address)
            }
            Some(_) => return Err(Error::failed("IPv6 invalid: needs prefix length")),
        };
        Ok(Self { first: range.first, last: range.last(), given: Some(range.written(shown)) })
    }
}

pub fn merge(_: &mut Context, args: &[Value]) -> Answer {
    let mut blocks: Vec<Block> = match argument(args, 1)? {
        Value::Array(items) => items.iter().map(Block::read).collect::<Result<_, _>>()?,
        Value::Set(elements) => elements.keys().map(Block::read).collect::<Result<_, _>>()?,
        _ => return Err(Error::failed("operand must be an array")),
    };
    blocks.sort_by_key(|block| (block.last, block.first));
    let mut merged: Vec<Block> = Vec::with_capacity(blocks.len());
    for block in blocks.into_iter().rev() {
        match merged.last_mut() {
            // From the highest downwards: the one above starts in this one, or right after it.
            Some(above) if before(above.first) <= block.last => {
                above.first = above.first.min(block.first);
                above.given = None;
            }
            _ => merged.push(block),
        }
    }
    let mut ranges = Set::new();
    for block in merged {
        match block.given {
            Some(given) => drop(ranges.add(Value::from(given))),
            None => {
                for range in cover(block.first, block.last) {
                    ranges.add(Value::from(range.written(range.first)));
                }
            }
        }
    }
    Ok(Some(Value::from(ranges)))
}

/// The address before; the first ones of both kinds have none.
fn before(address: Address) -> Address {
    let is_first = address.0 == 0 || address.is_v4() && address.0 as u32 == 0;
    if is_first { address } else { Address(address.0 - 1) }
}

pub fn lookup_ip_addr(context: &mut Context, args: &[Value]) -> Answer {
    let name = text(argument(args, 1)?)?;
    if let Some(address) = Address::read(name) {
        return Ok(Some(Value::from(Set::from_iter([Value::from(address.to_string())]))));
    }
    let Some(client) = context.effects.client() else {
        return Err(Error::failed(format!("unallowed host: {name}")));
    };
    let found = client.look_up(name, context.deadline).map_err(|fault| match fault {
        Fault::Deadline => Error::new(Kind::Cancelled, "net.lookup_ip_addr: timed out"),
        Fault::Refused(why) => Error::failed(why),
        Fault::Network { cause, .. } => Error::failed(cause),
        Fault::TimedOut { .. } => Error::failed(format!("lookup {name}: i/o timeout")),
    })?;
    Ok(Some(Value::from(found.iter().map(|address| Value::from(address.to_string())).collect::<Set>())))
}
