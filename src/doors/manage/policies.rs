//! Modules as `GET /v1/policies` shows them, with their syntax trees: made when they are asked for, on a thread that may block.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::authorize::in_force::InForce;
use verdict_rego::Module;
use verdict_rego::capabilities::is_builtin;
use verdict_rego::syntax::Source;
use verdict_rego::syntax::parser::Options;
use verdict_rego::syntax::tree_json::{self, Include};

/// The most levels of a syntax tree that is shown.
const DEEPEST_TREE: usize = 64;

/// All of them; nothing where that panicked.
pub(super) async fn all(in_force: Arc<InForce>) -> Option<Value> {
    let all = move || in_force.snapshot.modules().map(shown).collect();
    tokio::task::spawn_blocking(all).await.ok()
}

/// That of an id.
pub(super) async fn one(in_force: Arc<InForce>, id: String) -> Option<Value> {
    let one = move || in_force.snapshot.modules().find(|(_, module, _)| module.id == id).map(shown);
    tokio::task::spawn_blocking(one).await.ok().flatten()
}

/// A module in OPA's shape, with its organisation if it has one. A syntax tree of too many levels is cut down to the package.
fn shown((organisation, module, package): (Option<&str>, &Module, &[String])) -> Value {
    let options = Options { is_builtin, ..Options::default() };
    let include = Include { locations: false, comments: false, annotations: false, max_depth: DEEPEST_TREE };
    let source = Source::new(module.id.as_str(), Arc::clone(&module.source));
    let tree = tree_json::parse(&source, module.version, options, include, |tree| json!(tree));
    let tree = tree.unwrap_or_else(|_| {
        let path = package.iter().map(|segment| json!({ "type": "string", "value": segment }));
        let path: Vec<Value> =
            std::iter::once(json!({ "type": "var", "value": "data" })).chain(path).collect();
        json!({ "package": { "path": path } })
    });
    let mut shown = json!({ "id": module.id, "raw": module.source, "ast": tree });
    if let (Some(organisation), Some(members)) = (organisation, shown.as_object_mut()) {
        members.insert("organisation".to_owned(), json!(organisation));
    }
    shown
}
