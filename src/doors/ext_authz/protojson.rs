//! Protobuf's well-known types as Rego values, in the words of its JSON mapping, and back.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use envoy_types::pb::envoy::config::core::v3::Metadata;
use envoy_types::pb::google::protobuf::value::Kind;
use envoy_types::pb::google::protobuf::{Any, ListValue, Struct, Timestamp, Value as Proto};

use verdict_rego::Value;

/// What filters of Envoy have left for others, by their names.
pub(super) fn metadata(metadata: &Metadata) -> Value {
    let mut filters = Value::object();
    for (name, members) in &metadata.filter_metadata {
        filters.insert(name, object(members));
    }
    let mut shown = Value::object();
    shown.insert("filterMetadata", filters);
    if !metadata.typed_filter_metadata.is_empty() {
        let mut typed = Value::object();
        for (name, message) in &metadata.typed_filter_metadata {
            typed.insert(name, any(message));
        }
        shown.insert("typedFilterMetadata", typed);
    }
    shown
}

/// A message of a type that nobody knows here.
fn any(message: &Any) -> Value {
    let mut shown = Value::object();
    shown.insert("@type", Value::from(message.type_url.as_str()));
    shown.insert("value", Value::from(BASE64_STANDARD.encode(&message.value)));
    shown
}

pub(super) fn object(members: &Struct) -> Value {
    let mut shown = Value::object();
    for (name, member) in &members.fields {
        shown.insert(name, value(member));
    }
    shown
}

fn value(proto: &Proto) -> Value {
    match &proto.kind {
        None | Some(Kind::NullValue(_)) => Value::Null,
        Some(Kind::BoolValue(truth)) => Value::from(*truth),
        // Whole numbers are written as such; JSON has no words for what is not finite.
        Some(Kind::NumberValue(number)) => {
            Value::from_json(number.to_string().as_bytes()).unwrap_or(Value::Null)
        }
        Some(Kind::StringValue(text)) => Value::from(text.as_str()),
        Some(Kind::StructValue(members)) => object(members),
        Some(Kind::ListValue(list)) => list.values.iter().map(value).collect::<Vec<_>>().into(),
    }
}

/// A time in RFC 3339; none where it is no time.
pub(super) fn time(time: &Timestamp) -> Option<String> {
    jiff::Timestamp::new(time.seconds, time.nanos).ok().map(|time| time.to_string())
}

/// The members of an object; sets become lists.
pub(super) fn to_struct(value: &Value) -> Struct {
    Struct { fields: value.members().map(|(name, member)| (name.to_owned(), to_proto(member))).collect() }
}

fn to_proto(value: &Value) -> Proto {
    let kind = match value {
        Value::Null => Kind::NullValue(0),
        Value::Bool(truth) => Kind::BoolValue(*truth),
        Value::Number(number) => Kind::NumberValue(number.to_string().parse().unwrap_or_default()),
        Value::String(text) => Kind::StringValue(text.to_string()),
        Value::Object(_) => Kind::StructValue(to_struct(value)),
        Value::Array(_) | Value::Set(_) => {
            let values = value.elements().into_iter().map(to_proto).collect();
            Kind::ListValue(ListValue { values })
        }
    };
    Proto { kind: Some(kind) }
}
