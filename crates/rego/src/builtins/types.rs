//! Tests of a value's type, and conversions between types.

pub(crate) mod conversions;

use super::declaration::{Declaration, builtin};

/// The built-ins of this family.
pub const BUILTINS: &[Declaration] = &[
    builtin("is_array", "any", "boolean", |_, args| conversions::is(args, "array")),
    builtin("is_boolean", "any", "boolean", |_, args| conversions::is(args, "boolean")),
    builtin("is_null", "any", "boolean", |_, args| conversions::is(args, "null")),
    builtin("is_number", "any", "boolean", |_, args| conversions::is(args, "number")),
    builtin("is_object", "any", "boolean", |_, args| conversions::is(args, "object")),
    builtin("is_set", "any", "boolean", |_, args| conversions::is(args, "set")),
    builtin("is_string", "any", "boolean", |_, args| conversions::is(args, "string")),
    builtin("type_name", "any", "string", conversions::type_name),
    builtin("cast_array", "any", "[...any]", conversions::cast_array),
    builtin("cast_boolean", "any", "boolean", |_, args| conversions::cast(args, "boolean")),
    builtin("cast_null", "any", "null", |_, args| conversions::cast(args, "null")),
    builtin("cast_object", "any", "{...any: any}", |_, args| conversions::cast(args, "object")),
    builtin("cast_set", "any", "set[any]", conversions::cast_set),
    builtin("cast_string", "any", "string", |_, args| conversions::cast(args, "string")),
    builtin("to_number", "<null | boolean | number | string>", "number", conversions::to_number),
];
