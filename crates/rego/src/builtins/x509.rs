//! X.509 certificates, certificate requests and private keys.

pub(crate) mod constraints;
pub(crate) mod der;
pub(crate) mod functions;
pub(crate) mod go_json;
pub(crate) mod json;
pub(crate) mod name_constraints;
pub(crate) mod names;
pub(crate) mod parse;
pub(crate) mod private_keys;
#[cfg(test)]
mod tests;
pub(crate) mod verify;

use super::declaration::{Declaration, builtin};

/// The built-ins of this family.
pub const BUILTINS: &[Declaration] = &[
    builtin(
        "crypto.x509.parse_certificates",
        "string",
        "[...{...string: any}]",
        functions::parse_certificates,
    ),
    builtin(
        "crypto.x509.parse_and_verify_certificates",
        "string",
        "[boolean, [...{...string: any}]]",
        functions::parse_and_verify,
    ),
    builtin(
        "crypto.x509.parse_and_verify_certificates_with_options",
        "string, {...string: any}",
        "[boolean, [...{...string: any}]]",
        functions::parse_and_verify_with_options,
    ),
    builtin("crypto.x509.parse_certificate_request", "string", "{...string: any}", functions::parse_request),
    builtin("crypto.x509.parse_keypair", "string, string", "{...string: any}", functions::parse_key_pair),
    builtin("crypto.x509.parse_rsa_private_key", "string", "{...string: any}", functions::parse_private_key),
    builtin("crypto.parse_private_keys", "string", "[...{...string: any}]", functions::parse_private_keys),
];
