//! JSON: reading and writing, patches, paths and schemas.

pub(crate) mod decode;
pub(crate) mod encoding;
pub(crate) mod patch;
pub(crate) mod paths;
pub(crate) mod schema;

use super::declaration::{Declaration, builtin};

/// The built-ins of this family.
pub const BUILTINS: &[Declaration] = &[
    builtin("json.marshal", "any", "string", encoding::marshal),
    builtin(
        "json.marshal_with_options",
        r#"any, {"indent": string, "prefix": string, "pretty": boolean, ...string: any}"#,
        "string",
        encoding::marshal_with_options,
    ),
    builtin("json.unmarshal", "string", "any", encoding::unmarshal),
    builtin("json.is_valid", "string", "boolean", encoding::is_valid),
    builtin("json.patch", r#"any, [...{"op": string, "path": any, ...any: any}]"#, "any", patch::patch),
    builtin(
        "json.filter",
        "{...any: any}, <[...<string | [...any]>] | set[<string | [...any]>]>",
        "{...any: any}",
        paths::filter,
    ),
    builtin(
        "json.remove",
        "{...any: any}, <[...<string | [...any]>] | set[<string | [...any]>]>",
        "{...any: any}",
        paths::remove,
    ),
    builtin("json.pointer_escape", "string", "string", paths::pointer_escape),
    builtin(
        "json.match_schema",
        "<string | {...any: any}>, <string | {...any: any}>",
        r#"[boolean, [...{"desc": string, "error": string, "field": string, "type": string}]]"#,
        schema::match_schema,
    )
    .prepared(schema::prepare),
    builtin(
        "json.verify_schema",
        "<string | {...any: any}>",
        "[boolean, <null | string>]",
        schema::verify_schema,
    ),
];
