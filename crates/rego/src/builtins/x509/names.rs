//! Distinguished names (X.501) and the texts in them, as Go reads them.

use x509_parser::asn1_rs::{Any, Oid, Tag};
use x509_parser::x509::X509Name;

use super::der::Refused;
use crate::builtins::encoding::pem::lossy;
use crate::builtins::x509::go_json::{base64, object};
use crate::value::Value;

/// The members of a name that may be there several times, by the last number of their identifier.
const LISTS: [(u64, &str); 7] = [
    (6, "Country"),
    (7, "Locality"),
    (8, "Province"),
    (9, "StreetAddress"),
    (10, "Organization"),
    (11, "OrganizationalUnit"),
    (17, "PostalCode"),
];

/// A name as Go's JSON has it.
///
/// # Errors
/// When one of its texts is not of its kind.
pub fn name_value(name: &X509Name) -> Result<Value, Refused> {
    let mut names = Vec::new();
    let mut lists: [Vec<Value>; LISTS.len()] = Default::default();
    let (mut common, mut serial) = (String::new(), String::new());
    for attribute in name.iter_attributes() {
        let text = text_of(attribute.attr_value())?;
        let id = attribute.attr_type();
        names.push(object([("Type", id_value(id)), ("Value", Value::from(text.as_str()))]));
        let arcs: Vec<u64> = id.iter().into_iter().flatten().collect();
        let [2, 5, 4, last] = *arcs.as_slice() else { continue };
        match last {
            3 => common = text,
            5 => serial = text,
            _ => {
                let list = LISTS.iter().zip(&mut lists).find(|((number, _), _)| *number == last);
                if let Some((_, list)) = list {
                    list.push(Value::from(text));
                }
            }
        }
    }
    let lists = LISTS.iter().zip(lists).map(|((_, name), list)| (*name, list_or_null(list)));
    Ok(object(lists.chain([
        ("CommonName", Value::from(common)),
        ("SerialNumber", Value::from(serial)),
        ("Names", list_or_null(names)),
        ("ExtraNames", Value::Null),
    ])))
}

/// Go's JSON has no empty lists where nothing has been put into them.
pub fn list_or_null(list: Vec<Value>) -> Value {
    if list.is_empty() { Value::Null } else { Value::from(list) }
}

/// An identifier as an array of its numbers.
pub fn id_value(id: &Oid) -> Value {
    let arcs = id.iter().into_iter().flatten();
    Value::from(arcs.map(|arc| Value::from(i64::try_from(arc).unwrap_or(i64::MAX))).collect::<Vec<_>>())
}

/// The text of a value in a name.
fn text_of(value: &Any) -> Result<String, Refused> {
    let bytes = value.data;
    let checked = |is_allowed: fn(&u8) -> bool, wrong| {
        if bytes.iter().all(is_allowed) { Ok(lossy(bytes)) } else { Err(wrong) }
    };
    match value.tag() {
        // The asterisk and the ampersand do not belong to it, and are there all the same.
        Tag::PrintableString => checked(
            |byte| byte.is_ascii_alphanumeric() || b" '()+,-./:=?*&".contains(byte),
            "x509: invalid PrintableString",
        ),
        Tag::Utf8String => {
            std::str::from_utf8(bytes).map(str::to_owned).map_err(|_| "x509: invalid UTF-8 string")
        }
        Tag::Ia5String => checked(u8::is_ascii, "x509: invalid IA5String"),
        Tag::NumericString => {
            checked(|byte| byte.is_ascii_digit() || *byte == b' ', "x509: invalid NumericString")
        }
        Tag::T61String => Ok(lossy(bytes)),
        Tag::BmpString => {
            let (pairs, odd) = bytes.as_chunks::<2>();
            if !odd.is_empty() {
                return Err("x509: invalid BMPString");
            }
            let mut units: Vec<u16> = pairs.iter().map(|pair| u16::from_be_bytes(*pair)).collect();
            // A zero at the end is a habit of some writers.
            if units.last() == Some(&0) {
                units.pop();
            }
            Ok(String::from_utf16_lossy(&units))
        }
        _ => Err("x509: unsupported string type"),
    }
}

/// A value of any type, where Go takes it as it comes.
pub fn any_value(value: &Any) -> Value {
    match value.tag() {
        Tag::Boolean => Value::Bool(value.data != [0]),
        Tag::OctetString => base64(value.data),
        Tag::Oid => value.as_oid().map_or(Value::Null, |id| id_value(&id)),
        Tag::Integer => value.as_i64().map_or(Value::Null, Value::from),
        _ => text_of(value).map_or(Value::Null, Value::from),
    }
}
