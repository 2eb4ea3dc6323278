//! Encodings of bytes and text: base64, hexadecimal, URLs, PEM, UUIDs.

pub(crate) mod base;
pub(crate) mod go_url;
pub(crate) mod pem;
pub(crate) mod uri;
pub(crate) mod url;
pub(crate) mod uuid;

use super::declaration::{Declaration, builtin};

/// The built-ins of this family.
pub const BUILTINS: &[Declaration] = &[
    builtin("base64.encode", "string", "string", base::encode),
    builtin("base64.decode", "string", "string", base::standard_decode),
    builtin("base64.is_valid", "string", "boolean", base::is_valid),
    builtin("base64url.encode", "string", "string", base::url_encode),
    builtin("base64url.encode_no_pad", "string", "string", base::url_encode_no_pad),
    builtin("base64url.decode", "string", "string", base::url_decode),
    builtin("hex.encode", "string", "string", base::hex_encode),
    builtin("hex.decode", "string", "string", base::hex_decode),
    builtin("uri.parse", "string", "{...string: string}", uri::parse),
    builtin("uri.is_valid", "any", "boolean", uri::is_valid),
    builtin("urlquery.encode", "string", "string", url::encode),
    builtin("urlquery.decode", "string", "string", url::decode),
    builtin(
        "urlquery.encode_object",
        "{...string: <string | [...string] | set[string]>}",
        "string",
        url::encode_object,
    ),
    builtin("urlquery.decode_object", "string", "{...string: [...string]}", url::decode_object),
    builtin("uuid.parse", "string", "{...string: any}", uuid::parse),
    builtin("uuid.rfc4122", "string", "string", uuid::rfc4122).nondeterministic(),
];
