//! Addresses: ranges (CIDR) and names.

pub(crate) mod cidr;
pub(crate) mod range;

use super::declaration::{Declaration, builtin};

/// The built-ins of this family.
pub const BUILTINS: &[Declaration] = &[
    builtin("net.cidr_contains", "string, string", "boolean", cidr::contains),
    builtin("net.cidr_overlap", "string, string", "boolean", cidr::contains),
    builtin(
        "net.cidr_contains_matches",
        "<string | [...<string | [...any]>] | {...string: <string | [...any]>} | set[<string | [...any]>]>, <string | [...<string | [...any]>] | {...string: <string | [...any]>} | set[<string | [...any]>]>",
        "set[[any, any]]",
        cidr::contains_matches,
    ),
    builtin("net.cidr_intersects", "string, string", "boolean", cidr::intersects),
    builtin("net.cidr_expand", "string", "set[string]", cidr::expand),
    builtin("net.cidr_is_valid", "string", "boolean", cidr::is_valid),
    builtin("net.cidr_merge", "<[...<string>] | set[string]>", "set[string]", cidr::merge),
    builtin("net.lookup_ip_addr", "string", "set[string]", cidr::lookup_ip_addr)
        .nondeterministic()
        .blocking(),
];
