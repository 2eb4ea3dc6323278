//! The keys of `bundles`.

use super::entry::{Entry, Kind, entry};

pub(super) const ENTRIES: &[Entry] = &[
    entry(
        "bundles.dir",
        Kind::Path,
        "Directory to watch; each entry is a bundle: a directory, or a `.tar.gz` file in OPA's bundle format.",
    ),
    entry(
        "bundles.paths",
        Kind::Paths,
        "Files and folders to watch and serve as they are, in place of `dir`; also the arguments of `verdict run` and `verdict dev`. \
         A `.tar.gz` file or a folder with a `.manifest` is a bundle, a folder of bundles is all of them; any other folder, and a \
         `.rego`, `.json` or `.yaml` file, is served as policy and data that claim no roots.",
    ),
    entry(
        "bundles.poll_interval",
        Kind::Duration,
        "How often the directory is read even if no change was reported.",
    ),
    entry(
        "bundles.debounce",
        Kind::Duration,
        "How long the directory must be unchanged before it is read again.",
    ),
    entry(
        "bundles.max_stale",
        Kind::Duration,
        "How long the last good policy stays in force after failed reloads before the server reports not ready; `0` \
         disables the limit.",
    ),
    entry("bundles.deny_when_stale", Kind::Flag, "Whether calls are denied once `max_stale` has passed."),
    entry(
        "bundles.required_entrypoints",
        Kind::Texts,
        "Documents that policy must define, e.g. `app/allow`; bundles that lack one are not activated.",
    ),
    entry(
        "bundles.required_data",
        Kind::Texts,
        "Base data that must be defined, e.g. `app/users`, whatever its value; a snapshot that lacks it is not activated. \
         Documents that rules define do not count.",
    ),
    entry(
        "bundles.expected",
        Kind::Texts,
        "Bundles that must be in the directory, by name (`authz` for `authz.tar.gz`); without one of them nothing is \
         activated, at the start either.",
    ),
    entry(
        "bundles.organisations",
        Kind::TextMap,
        "Bundles that are for one organisation, e.g. `{acme-policy: acme}`: bundle name to organisation. Such a bundle \
         decides, beside the bundles that are not listed, for verified callers whose tenant is that organisation, and for \
         nobody else.",
    ),
    entry(
        "bundles.on_removal",
        Kind::Word,
        "What happens when a bundle that is in force vanishes from the directory. `keep`: the last good snapshot stays in \
         force until the bundle comes back or an operator confirms its removal; a restart forgets it, unless it is in \
         `bundles.expected`. `deactivate`: the other bundles are activated without it, with a warning. Without this key, \
         `verdict run` keeps and `verdict dev` deactivates.",
    ),
    entry(
        "bundles.run_tests",
        Kind::Flag,
        "Whether to run the tests and fixtures in bundles, and to activate bundles only if they pass.",
    ),
    entry("bundles.max_bundle_size", Kind::Size, "Maximum size of a bundle, unpacked."),
    entry("bundles.max_bundle_files", Kind::Number, "Maximum number of files in a bundle."),
    entry(
        "bundles.verification",
        Kind::Section,
        "How signatures of bundles are verified (`.signatures.json`, as in OPA). Without this section, a signed bundle is \
         refused, because its signature cannot be verified.",
    ),
    entry(
        "bundles.verification.keys",
        Kind::SectionMap,
        "Trusted keys by id, e.g. `{release: {algorithm: ES256, file: release.pem}}`.",
    ),
    entry(
        "bundles.verification.keys{}.algorithm",
        Kind::Text,
        "Signature algorithm of the key: HS256, HS384, HS512, RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512. A \
         signature with any other is refused.",
    ),
    entry(
        "bundles.verification.keys{}.key",
        Kind::Secret,
        "The key itself: a public key or a certificate as PEM, or the secret for HMAC. Exactly one of `key` and \
         `file` is required.",
    ),
    entry(
        "bundles.verification.keys{}.file",
        Kind::Path,
        "File that contains the key. Of an HMAC secret every byte counts, including a trailing newline.",
    ),
    entry(
        "bundles.verification.key_id",
        Kind::Text,
        "Id of the key to verify with. Without it, the `kid` or `keyid` of the signature selects the key.",
    ),
    entry("bundles.verification.scope", Kind::Text, "Required `scope` of the signature."),
    entry(
        "bundles.verification.exclude_files",
        Kind::Texts,
        "Files to exclude from verification: patterns of their paths in the bundle, in which `*` does not match `/`.",
    ),
    entry("bundles.verification.required", Kind::Flag, "Whether unsigned bundles are refused."),
    entry(
        "bundles.verification.bound",
        Kind::Flag,
        "Whether a signature must say which bundle it is for (`bundle`), which revision (`revision`) and until when (`exp`). Claims \
         that are there must hold with any value of this key.",
    ),
    entry(
        "bundles.verification.skip_verify",
        Kind::Flag,
        "INSECURE: accept signed bundles without verifying their signatures. `verdict run` also requires `--skip-verify`.",
    ),
];
