//! `identity.mode` and `identity.entrypoints`: who must say who they are, by what they ask for.

use std::collections::BTreeMap;

use super::config::ConfigError;
use crate::model::principal::IdentityMode;
use crate::model::request::EntryPath;

/// INVARIANT (the whole is as strict as its parts): a document holds the answers of all that is below it, so asking for
/// it is never easier than asking for one of them.
pub(super) struct Modes {
    usual: IdentityMode,
    rules: Vec<(EntryPath, IdentityMode)>,
}

impl Modes {
    pub(super) fn new(
        usual: IdentityMode,
        entrypoints: &BTreeMap<String, IdentityMode>,
    ) -> Result<Self, ConfigError> {
        let mut rules: Vec<(EntryPath, IdentityMode)> = Vec::with_capacity(entrypoints.len());
        for (text, mode) in entrypoints {
            let wrong = |message: String| {
                let hint = "write each path once, as behind `/v1/data/`, e.g. `app/allow`";
                ConfigError::new(format!("identity.entrypoints.`{text}`"), message, hint)
            };
            let path = EntryPath::parse(text).map_err(wrong)?;
            if rules.iter().any(|(other, _)| *other == path) {
                return Err(wrong(format!("`{path}` is configured twice")));
            }
            rules.push((path, *mode));
        }
        rules.sort_by_key(|(path, _)| std::cmp::Reverse(path.segments().len()));
        Ok(Self { usual, rules })
    }

    /// Whether any call may be verified at all.
    pub(super) fn verify_any(&self) -> bool {
        let verifies = |mode| matches!(mode, IdentityMode::Required | IdentityMode::Optional);
        self.rules.iter().map(|(_, mode)| *mode).chain([self.usual]).any(verifies)
    }

    /// Whether any call may be made by anybody.
    pub(super) fn open_for_some(&self) -> bool {
        self.rules.iter().map(|(_, mode)| *mode).chain([self.usual]).any(IdentityMode::is_open)
    }

    pub(super) fn mode_for(&self, path: &[String]) -> IdentityMode {
        let above = self.rules.iter().find(|(rule, _)| path.starts_with(rule.segments()));
        let below = self.rules.iter().filter(|(rule, _)| rule.segments().starts_with(path));
        let own = above.map_or(self.usual, |(_, mode)| *mode);
        below.map(|(_, mode)| *mode).fold(own, stricter)
    }
}

const fn stricter(one: IdentityMode, other: IdentityMode) -> IdentityMode {
    match (one, other) {
        (IdentityMode::Required, _) | (_, IdentityMode::Required) => IdentityMode::Required,
        (IdentityMode::Optional, _) | (_, IdentityMode::Optional) => IdentityMode::Optional,
        (IdentityMode::None, _) | (_, IdentityMode::None) => IdentityMode::None,
        (IdentityMode::Off, IdentityMode::Off) => IdentityMode::Off,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_path_wins_but_the_whole_is_as_strict_as_its_parts() {
        let rules = [
            ("app", IdentityMode::Off),
            ("app/allow", IdentityMode::Optional),
            ("/app/admin/", IdentityMode::Required),
            ("app/admin/ping", IdentityMode::Off),
        ];
        let rules = rules.map(|(path, mode)| (path.to_owned(), mode)).into();
        let modes = Modes::new(IdentityMode::Optional, &rules).unwrap();
        for (path, expected) in [
            ("app/public", IdentityMode::Off),
            ("app/allow", IdentityMode::Optional),
            ("app/allow/reason", IdentityMode::Optional),
            ("app/allowed", IdentityMode::Off),
            ("app/admin/users", IdentityMode::Required),
            ("app/admin/ping", IdentityMode::Off),
            ("app/admin", IdentityMode::Required),
            ("app", IdentityMode::Required),
            ("", IdentityMode::Required),
            ("apple", IdentityMode::Optional),
        ] {
            assert_eq!(modes.mode_for(EntryPath::parse(path).unwrap().segments()), expected, "{path}");
        }
    }

    #[test]
    fn a_path_is_configured_once_and_in_one_spelling() {
        for (paths, expected) in [
            (&["app", "/app/"][..], "identity.entrypoints.`app`: `app` is configured twice"),
            (&["a//b"], "identity.entrypoints.`a//b`: ambiguous path: an empty segment (`//`)"),
        ] {
            let rules = paths.iter().map(|path| ((*path).to_owned(), IdentityMode::Off)).collect();
            let error = Modes::new(IdentityMode::Required, &rules).err().unwrap();
            assert_eq!(format!("{}: {}", error.at, error.message), expected);
        }
    }
}
