//! The reference page: every key with its type, default, environment variable and meaning.
//!
//! INVARIANT (the page is the code): the keys are asked of the types themselves and the defaults are those in effect.
//! Only the meanings are written here, and a test holds this table to the keys that there are.

mod probe;

use std::fmt::Write as _;

use serde_json::Value;

use super::keys::entries;
use super::restart::is_live;
use super::schema::Config;
use super::variables::{environment_name, stands_alone};

/// The page `docs/configuration.md`.
pub fn markdown() -> String {
    let defaults = Defaults::new();
    let known = probe::keys();
    let mut page = HEAD.replace("{EXAMPLE}", EXAMPLE.trim());
    let mut section = "";
    for entry in entries() {
        let top = entry.key.split(['.', '[']).next().unwrap_or_default();
        if top != section {
            section = top;
            let _ = write!(page, "\n## `{top}`\n");
        }
        let words = known.iter().find(|key| key.path == entry.key).map_or(&[][..], |key| key.words);
        let _ = write!(page, "\n### `{}`\n\n{}\n\n", entry.key, entry.about);
        let _ = writeln!(page, "- Type: {}", entry.kind.describe(words));
        let _ = writeln!(page, "- {}", defaults.describe(entry.key));
        if stands_alone(entry) {
            let _ = writeln!(page, "- Environment: `{}`", environment_name(entry.key));
        }
        let live = if is_live(entry.key) { "takes effect on a reload" } else { "**needs a restart**" };
        let _ = writeln!(page, "- A change {live}");
    }
    page
}

/// The defaults in effect: what the types say when nobody says anything.
struct Defaults {
    config: Value,
    /// With one element in every list and every optional section present, for the defaults in those.
    sparsest: Value,
    required: Vec<String>,
}

impl Defaults {
    fn new() -> Self {
        let (sparsest, required) = probe::sparsest();
        let value = |config: Config| serde_json::to_value(config).unwrap_or_default();
        Self { config: value(Config::default()), sparsest: sparsest.map(value).unwrap_or_default(), required }
    }

    fn describe(&self, key: &str) -> String {
        if self.required.iter().any(|required| required == key) {
            return "Required".to_owned();
        }
        let pointer = format!("/{}", key.replace("[]", "/0").replace("{}", "/0").replace('.', "/"));
        // What stands in the sparsest because it must is nobody's default.
        let made_up = |value: &&Value| match value {
            Value::Object(members) => !members.is_empty(),
            Value::Array(items) => !items.is_empty() && items.iter().all(Value::is_object),
            Value::String(text) => text.is_empty(),
            _ => false,
        };
        let sparsest = || self.sparsest.pointer(&pointer).filter(|value| !made_up(value));
        match self.config.pointer(&pointer).or_else(sparsest) {
            None | Some(Value::Null) => "Default: none".to_owned(),
            Some(Value::String(text)) => format!("Default: `{text}`"),
            Some(value) => format!("Default: `{value}`"),
        }
    }
}

/// A whole production file; a test loads it as `verdict run` does.
pub const EXAMPLE: &str = "
server:
  listen: 127.0.0.1:8181
bundles:
  dir: /etc/verdict/bundles
  required_entrypoints: [app/allow]
identity:
  mode: required
  entrypoints: {\"app/public\": optional}
  issuers:
    - issuer: https://idp.example/realms/main
      audience: orders
      algorithms: [RS256]
      jwks_url: https://idp.example/realms/main/jwks
      claims: {roles: realm_access.roles}
decision_log:
  file: {path: /var/log/verdict/decisions.jsonl}
";

const HEAD: &str = "\
# Configuration

<!-- Generated: `verdict config --reference > docs/configuration.md`. A test compares; edit src/config/keys and src/config/reference.rs. -->

Verdict reads its configuration in layers; each overrides the one before:

1. the defaults below;
2. the YAML file: `--config FILE`, else the file named by `VERDICT_CONFIG`;
3. the environment: `VERDICT_`, then the key in capitals with `__` between its levels, e.g.
   `VERDICT_SERVER__LISTEN=127.0.0.1:9000`. Values are YAML, so lists and maps fit on one line:
   `VERDICT_IDENTITY__ENTRYPOINTS='{\"app/allow\": optional}'`. A list is set as a whole. An empty variable counts as
   not set; names are upper case;
4. the flags `--state`, `--bundles`, `--listen`, and those for the verification of bundles, `--verification-key` first.

Unknown keys are errors, in the file and in the environment. An empty file or section is the same as none. Relative paths in
the file are relative to the directory of the file; all others, and the defaults, to the working directory. `verdict config`
checks the configuration and prints it as it is in effect, without secrets.

SIGHUP and a change of the file reload the configuration. Keys that need a restart are marked; a reload names those that have
changed, and they keep their old values until the restart.

Durations have a unit (`250us`, `50ms`, `10s`, `5m`, `1h`, `7d`); sizes may have one (`512`, `64KiB`, `1MiB`, `2GiB`).

`VERDICT_LOG` sets which diagnostics are written to standard error, e.g. `info` or `verdict=debug`.

## An example

```yaml
{EXAMPLE}
```

## What `verdict run` refuses

| What | Flag that accepts it |
|---|---|
| an issuer entry that is the development issuer's, or no issuer at all while identity is not off | `--insecure-dev-issuer` |
| a listener that is not loopback while identity is off, be it for one document | `--insecure-listen` |
| an issuer without audience | `--insecure-no-audience` |
| keys fetched over plain HTTP from another machine | `--insecure-http-jwks` |
| a listener that is not loopback while identity is optional, be it for one document | `--insecure-optional-identity` |
| a listener that is not loopback without TLS while callers present tokens | `--insecure-plain-http` |
| signed bundles whose signatures are not verified | `--skip-verify` |
| bundles whose log mask is not applied | `--insecure-ignore-log-mask` |

`verdict dev` accepts all of them, with warnings.
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_within_optional_sections_and_lists_are_known() {
        let defaults = Defaults::new();
        for (key, expected) in [
            ("server.tls", "Default: none"),
            ("server.tls.min_version", "Default: `1.3`"),
            ("identity.introspection.url", "Required"),
            ("identity.introspection.cache_ttl", "Default: `10s`"),
            ("identity.issuers[].leeway", "Default: `30s`"),
        ] {
            assert_eq!(defaults.describe(key), expected, "{key}");
        }
    }

    #[test]
    fn every_key_has_its_entry_of_the_right_kind_and_no_entry_is_left_over() {
        let known = probe::keys();
        let described: Vec<_> = entries().map(|entry| (entry.key.to_owned(), entry.kind.shape())).collect();
        let keys: Vec<_> = known.iter().map(|key| (key.path.clone(), key.shape)).collect();
        for (path, shape) in &keys {
            assert!(
                described.contains(&(path.clone(), *shape)),
                "src/config/keys lacks `{path}` as {shape:?}"
            );
        }
        for (path, shape) in &described {
            assert!(
                keys.contains(&(path.clone(), *shape)),
                "`{path}` ({shape:?}) is not in the configuration"
            );
        }
        assert_eq!(described.len(), keys.len(), "an entry stands twice");
        assert!(entries().all(|entry| entry.about.ends_with('.')));
    }
}
