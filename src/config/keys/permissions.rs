//! The keys of `permissions`.

use super::entry::{Entry, Kind, entry};

pub(super) const ENTRIES: &[Entry] = &[
    entry(
        "permissions.limits",
        Kind::Flag,
        "Whether the hard limits of agents and keys (`allowed_providers`, `allowed_methods`, `max_amount`) are enforced before \
         policy is asked. No policy can override them.",
    ),
    entry(
        "permissions.role_permissions",
        Kind::Flag,
        "Whether roles give the subject their permissions. If not, policy sees the roles alone.",
    ),
    entry("permissions.roles", Kind::Sections, "Roles and the permissions that they give."),
    entry("permissions.roles[].name", Kind::Text, "Name of the role, as credentials have it."),
    entry(
        "permissions.roles[].permissions",
        Kind::Texts,
        "Permissions of the role, e.g. `[invoke, \"stripe:create_payment\"]`. `stripe:*` stands for everything that begins \
         with `stripe:`, and `*` for every permission.",
    ),
    entry(
        "permissions.required",
        Kind::Sections,
        "Permissions that a call requires before policy is asked, e.g. `{path: app/deploy, permissions: [deploy]}`. Every rule \
         that applies must be met; otherwise, the call is answered with 403.",
    ),
    entry(
        "permissions.required[].path",
        Kind::Text,
        "Document that the rule guards, with everything below it and the documents that contain it; by default all.",
    ),
    entry(
        "permissions.required[].operation",
        Kind::Text,
        "Operation that the rule guards, e.g. `deploy` or `stripe:*`; by default all. The operation of a call is its \
         `input.action`: a string; an object with `provider` and `method` (`provider:method`); or one with `name`. Where an \
         action can be read as several, the rule applies if it guards one of them.",
    ),
    entry(
        "permissions.required[].permissions",
        Kind::Texts,
        "Permissions that the caller must have, all of them.",
    ),
];
