//! Digests, message authentication codes, and signed requests.

pub(crate) mod aws;
pub(crate) mod hash;

use aws_lc_rs::{digest, hmac};

use super::declaration::{Declaration, builtin};

/// The built-ins of this family.
pub const BUILTINS: &[Declaration] = &[
    builtin(
        "providers.aws.sign_req",
        "{...string: any}, {...string: any}, number",
        "{...any: any}",
        aws::sign_request,
    ),
    builtin("crypto.md5", "string", "string", hash::md5_of),
    builtin("crypto.sha1", "string", "string", |_, args| {
        hash::digest_of(&digest::SHA1_FOR_LEGACY_USE_ONLY, args)
    }),
    builtin("crypto.sha256", "string", "string", |_, args| hash::digest_of(&digest::SHA256, args)),
    builtin("crypto.hmac.md5", "string, string", "string", hash::hmac_md5),
    builtin("crypto.hmac.sha1", "string, string", "string", |_, args| {
        hash::hmac_of(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, args)
    }),
    builtin("crypto.hmac.sha256", "string, string", "string", |_, args| {
        hash::hmac_of(hmac::HMAC_SHA256, args)
    }),
    builtin("crypto.hmac.sha512", "string, string", "string", |_, args| {
        hash::hmac_of(hmac::HMAC_SHA512, args)
    }),
    builtin("crypto.hmac.equal", "string, string", "boolean", hash::equal),
];
