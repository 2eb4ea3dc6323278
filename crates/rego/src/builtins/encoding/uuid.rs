//! `uuid.*`

use crate::builtins::context::{Context, text};
use crate::builtins::error::Error;
use crate::value::{Object, Value};

/// From the start of the Gregorian calendar to 1970, in units of 100 nanoseconds.
const GREGORIAN: i64 = 122_192_928_000_000_000;

/// The bytes of an identifier in any of the forms that Go's library reads: plain, as URN, in braces, without dashes.
fn read(text: &str) -> Option<[u8; 16]> {
    let text = text.as_bytes();
    let text = match text.len() {
        45 => {
            let (urn, rest) = text.split_at_checked(9)?;
            urn.eq_ignore_ascii_case(b"urn:uuid:").then_some(rest)?
        }
        // What stands for the braces is not looked at.
        38 => text.get(1..37)?,
        36 | 32 => text,
        _ => return None,
    };
    let dashed = text.len() == 36;
    let mut digits = Vec::with_capacity(32);
    for (at, byte) in text.iter().enumerate() {
        if dashed && matches!(at, 8 | 13 | 18 | 23) {
            (*byte == b'-').then_some(())?;
        } else {
            digits.push(u8::try_from(char::from(*byte).to_digit(16)?).ok()?);
        }
    }
    let mut bytes = [0; 16];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        if let [high, low] = pair {
            *byte = high << 4 | low;
        }
    }
    Some(bytes)
}

pub fn parse(_: &mut Context, args: &[Value]) -> Result<Option<Value>, Error> {
    let Some(bytes) = read(text(args, 1)?) else { return Ok(None) };
    let [a, b, c, d, e, f, g, h, i, j, node @ ..] = bytes;
    let variant = match i >> 5 {
        0b100 | 0b101 => "RFC4122",
        0b110 => "Microsoft",
        0b111 => "Future",
        _ => "Reserved",
    };
    let version = g >> 4;
    let mut members = Object::new();
    let mut put = |name: &str, value: Value| drop(members.insert(Value::from(name), value));
    put("version", Value::from(i64::from(version)));
    put("variant", Value::from(variant));
    if matches!(version, 1 | 2) {
        let id = i64::from(u32::from_be_bytes([a, b, c, d]));
        let ticks = id
            | i64::from(u16::from_be_bytes([e, f])) << 32
            | i64::from(u16::from_be_bytes([g & 0xf, h])) << 48;
        // Beyond what 64 bits hold, time starts anew, as in OPA.
        put("time", Value::from((ticks - GREGORIAN).wrapping_mul(100)));
        put("clocksequence", Value::from(i64::from(u16::from_be_bytes([i & 0x3f, j]))));
        let [first, ..] = node;
        let scope = if first & 2 == 0 { "global" } else { "local" };
        let cast = if first & 1 == 0 { "unicast" } else { "multicast" };
        put("macvariables", Value::from(format!("{scope}:{cast}")));
        put("nodeid", Value::from(node.map(|byte| format!("{byte:02x}")).join("-")));
        if version == 2 {
            put("id", Value::from(id));
            let domain = match j {
                0 => "Person".to_string(),
                1 => "Group".to_string(),
                2 => "Org".to_string(),
                other => format!("Domain{other}"),
            };
            put("domain", Value::from(domain));
        }
    }
    Ok(Some(Value::from(members)))
}

/// A random identifier. The machine asks once for each key, so it is the same as long as the decision lasts.
pub fn rfc4122(_: &mut Context, args: &[Value]) -> Result<Option<Value>, Error> {
    text(args, 1)?;
    Ok(Some(Value::from(uuid::Uuid::new_v4().to_string())))
}
