//! JSON Web Tokens (RFC 7519): `io.jwt.*`.

pub(crate) mod constraints;
pub(crate) mod header;
pub(crate) mod keys;
pub(crate) mod sign;
#[cfg(test)]
mod tests;
pub(crate) mod token;
pub(crate) mod verify;

use verdict_jose::{Hash, Scheme};

use super::declaration::{Declaration, builtin};

/// The built-ins of this family.
pub const BUILTINS: &[Declaration] = &[
    builtin("io.jwt.decode", "string", "[{...any: any}, {...any: any}, string]", token::decode),
    builtin(
        "io.jwt.decode_verify",
        "string, {...string: any}",
        "[boolean, {...any: any}, {...any: any}]",
        constraints::decode_verify,
    )
    .nondeterministic(),
    builtin(
        "io.jwt.encode_sign",
        "{...string: any}, {...string: any}, {...string: any}",
        "string",
        sign::encode_sign,
    )
    .nondeterministic(),
    builtin("io.jwt.encode_sign_raw", "string, string, string", "string", sign::encode_sign_raw)
        .nondeterministic(),
    builtin("io.jwt.verify_rs256", "string, string", "boolean", |context, args| {
        verify::verify(context, args, Scheme::Pkcs1(Hash::Sha256))
    }),
    builtin("io.jwt.verify_rs384", "string, string", "boolean", |context, args| {
        verify::verify(context, args, Scheme::Pkcs1(Hash::Sha384))
    }),
    builtin("io.jwt.verify_rs512", "string, string", "boolean", |context, args| {
        verify::verify(context, args, Scheme::Pkcs1(Hash::Sha512))
    }),
    builtin("io.jwt.verify_ps256", "string, string", "boolean", |context, args| {
        verify::verify(context, args, Scheme::Pss(Hash::Sha256))
    }),
    builtin("io.jwt.verify_ps384", "string, string", "boolean", |context, args| {
        verify::verify(context, args, Scheme::Pss(Hash::Sha384))
    }),
    builtin("io.jwt.verify_ps512", "string, string", "boolean", |context, args| {
        verify::verify(context, args, Scheme::Pss(Hash::Sha512))
    }),
    builtin("io.jwt.verify_es256", "string, string", "boolean", |context, args| {
        verify::verify(context, args, Scheme::Ecdsa(Hash::Sha256))
    }),
    builtin("io.jwt.verify_es384", "string, string", "boolean", |context, args| {
        verify::verify(context, args, Scheme::Ecdsa(Hash::Sha384))
    }),
    builtin("io.jwt.verify_es512", "string, string", "boolean", |context, args| {
        verify::verify(context, args, Scheme::Ecdsa(Hash::Sha512))
    }),
    builtin("io.jwt.verify_eddsa", "string, string", "boolean", |context, args| {
        verify::verify(context, args, Scheme::Ed25519)
    }),
    builtin("io.jwt.verify_hs256", "string, string", "boolean", |_, args| {
        verify::verify_shared(args, Hash::Sha256)
    }),
    builtin("io.jwt.verify_hs384", "string, string", "boolean", |_, args| {
        verify::verify_shared(args, Hash::Sha384)
    }),
    builtin("io.jwt.verify_hs512", "string, string", "boolean", |_, args| {
        verify::verify_shared(args, Hash::Sha512)
    }),
];
