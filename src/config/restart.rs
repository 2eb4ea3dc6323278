//! Which keys a reload changes, and which need a restart.
//!
//! INVARIANT (one of the two): a key's new value either takes effect on a reload or needs a restart; in the second case
//! the value in force, and what is printed of it, stays as it was.

use serde_json::Value;

use super::keys::{Kind, of_kind};
use super::schema::Config;
use crate::document::tree::{Node, Path};

/// The keys that take effect on a reload, each with all below it; the others need a restart.
const LIVE: [&str; 13] = [
    "aip",
    "identity",
    "permissions",
    "rate_limits",
    "shared_store",
    "decision.deadline",
    "decision.depth",
    "decision.memory",
    "decision.entrypoints",
    "decision.explain",
    "management.role",
    "server.max_batch_items",
    "server.max_batch_size",
];

/// Whether a change at a dotted key takes effect on a reload.
pub(super) fn is_live(key: &str) -> bool {
    LIVE.iter().any(|live| {
        key.strip_prefix(live).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[', '{']))
    })
}

/// A configuration and the tree that it was read from.
#[derive(Clone, Copy)]
pub(super) struct Version<'a> {
    pub(super) config: &'a Config,
    pub(super) tree: &'a Node,
}

/// What differs between two versions and needs a restart.
pub(super) fn needs_restart(old: Version<'_>, new: Version<'_>) -> Vec<Path> {
    let value = |config: &Config| serde_json::to_value(config).unwrap_or_default();
    let mut changed = Vec::new();
    changes(&Path::default(), &value(old.config), &value(new.config), &mut changed);
    // What is never printed looks the same when it is printed.
    for path in of_kind(Kind::Secret).flat_map(|pattern| new.tree.matches(pattern)) {
        let differs = old.tree.get(&path).is_some_and(|before| new.tree.get(&path) != Some(before));
        if differs && !changed.contains(&path) {
            changed.push(path);
        }
    }
    changed.retain(|path| !is_live(&path.to_string()));
    changed
}

fn changes(at: &Path, old: &Value, new: &Value, changed: &mut Vec<Path>) {
    match (old, new) {
        (Value::Object(before), Value::Object(after)) => {
            let gone = before.keys().filter(|key| !after.contains_key(*key));
            for key in after.keys().chain(gone) {
                let value = |map: &serde_json::Map<String, Value>| map.get(key).cloned().unwrap_or_default();
                changes(&at.key(key), &value(before), &value(after), changed);
            }
        }
        _ if old != new => changed.push(at.clone()),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn live_keys_are_whole_branches() {
        for (key, live) in [
            ("identity", true),
            ("identity.mode", true),
            ("identity.issuers[0].leeway", true),
            ("decision", false),
            ("decision.deadline", true),
            ("decision.entrypoints.\"app/allow\".memory", true),
            ("decision.default_path", false),
            ("decision_log.console", false),
            ("server.listen", false),
        ] {
            assert_eq!(is_live(key), live, "{key}");
        }
    }
}
