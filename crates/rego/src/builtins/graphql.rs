//! GraphQL: parsing, and validation against a schema.

pub(crate) mod document;
pub(crate) mod functions;
pub(crate) mod lexer;
pub(crate) mod overlap;
pub(crate) mod parse_schema;
pub(crate) mod parser;
pub(crate) mod prelude;
pub(crate) mod query;
pub(crate) mod schema;
pub(crate) mod values;
pub(crate) mod variables;

use super::declaration::{Declaration, builtin};

/// The built-ins of this family.
pub const BUILTINS: &[Declaration] = &[
    builtin(
        "graphql.is_valid",
        "<string | {...any: any}>, <string | {...any: any}>",
        "boolean",
        functions::is_valid,
    ),
    builtin(
        "graphql.parse",
        "<string | {...any: any}>, <string | {...any: any}>",
        "[{...any: any}, {...any: any}]",
        functions::parse,
    ),
    builtin(
        "graphql.parse_and_verify",
        "<string | {...any: any}>, <string | {...any: any}>",
        "[boolean, {...any: any}, {...any: any}]",
        functions::parse_and_verify,
    ),
    builtin("graphql.parse_query", "string", "{...any: any}", functions::parse_query),
    builtin("graphql.parse_schema", "string", "{...any: any}", functions::parse_schema),
    builtin("graphql.schema_is_valid", "<string | {...any: any}>", "boolean", functions::schema_is_valid),
];
