//! Bundles: where they are read from, which must be there, and whose signatures they have.

use super::services;
use super::translator::{Translator, first_variable};
use crate::document::tree::{Data, Node, Origin, Path};

pub(super) fn translate(translator: &mut Translator<'_>) {
    let bundles = match translator.root.get(&Path::dotted("bundles")) {
        Some(Node { data: Data::Map(bundles), .. }) => bundles.as_slice(),
        _ => &[],
    };
    sources(translator, bundles);
    verification(translator, bundles);
}

/// `bundles.paths` of resources that are files; the others are fetched from their services.
fn sources(translator: &mut Translator<'_>, bundles: &[(String, Node)]) {
    let mut paths = Vec::new();
    let file = |node| text(node, "resource").and_then(|resource| resource.strip_prefix("file://"));
    for (_, node) in bundles {
        let path = file(node).map(|path| Node::new(Data::Text(path.to_owned()), Origin::File));
        paths.extend(path);
    }
    if !paths.is_empty() {
        translator.set("bundles.paths", Node::new(Data::List(paths), Origin::File));
    }
    let known = services::services(translator.root);
    // Where there is one service, OPA does not ask which.
    let only = match known.as_slice() {
        [(name, ..)] => Some(name.as_str()),
        _ => None,
    };
    let mut fetched = Vec::new();
    for (name, node) in bundles.iter().filter(|(_, node)| file(node).is_none()) {
        match text(node, "service").or(only) {
            Some(service) => fetched.push((name.as_str(), node, service)),
            None => translator.leave(&Path::keys(["bundles", name]), "it names no service", None),
        }
        if text(node, "trigger") == Some("manual") {
            let message = "services are always asked from time to time, and on SIGHUP";
            translator.leave(&Path::keys(["bundles", name, "trigger"]), message, None);
        }
    }
    services::translate(translator, &fetched);
}

/// `bundles.verification`, which is one for all bundles: of the keys that they name.
fn verification(translator: &mut Translator<'_>, bundles: &[(String, Node)]) {
    let signing: Vec<(&str, &Node)> = bundles
        .iter()
        .filter_map(|(name, node)| Some((name.as_str(), node.get(&Path::dotted("signing"))?)))
        .collect();
    if signing.is_empty() {
        return;
    }
    if signing.len() < bundles.len() {
        let message = "some bundles have `signing` and some have not; here all must be signed, or `bundles.verification.required: false`";
        translator.leave(&Path::keys(["bundles"]), message, None);
    }
    let named: Vec<&str> = signing.iter().filter_map(|(_, signing)| text(signing, "keyid")).collect();
    if named.len() == signing.len() {
        distinct(&named).iter().for_each(|id| key(translator, id));
    } else if let Some(Node { data: Data::Map(keys), .. }) = translator.root.get(&Path::keys(["keys"])) {
        // Where no key is named, the signature names one of all.
        keys.iter().for_each(|(id, _)| key(translator, id));
    }
    if let [id] = distinct(&named).as_slice()
        && translator.tree.get(&Path::dotted("bundles.verification.keys").key(id)).is_some()
    {
        translator.set("bundles.verification.key_id", Node::new(Data::Text((*id).to_owned()), Origin::File));
    }
    for part in ["scope", "exclude_files"] {
        let given: Vec<Option<&Node>> =
            signing.iter().map(|(_, signing)| signing.get(&Path::keys([part]))).collect();
        let of_key = |id: &&str| translator.root.get(&Path::keys(["keys", id, part]));
        match distinct(&given).as_slice() {
            // As in OPA, a bundle's scope comes before its key's.
            [None] => match distinct(&named.iter().map(of_key).collect::<Vec<_>>()).as_slice() {
                [Some(value)] if part == "scope" => {
                    let value = (*value).clone();
                    translator.set("bundles.verification.scope", value);
                }
                _ => {}
            },
            [Some(value)] => translator.set(&format!("bundles.verification.{part}"), (*value).clone()),
            _ => translator.leave(
                &Path::keys(["bundles"]),
                &format!(
                    "the bundles differ in `signing.{part}`; `bundles.verification.{part}` is one for all"
                ),
                None,
            ),
        }
    }
}

/// The key of this id, among our keys.
fn key(translator: &mut Translator<'_>, id: &str) {
    let path = Path::keys(["keys", id]);
    let Some(node) = translator.root.get(&path) else {
        translator.leave(&Path::keys(["bundles"]), &format!("`keys` has no key `{id}`"), None);
        return;
    };
    let Some(value) = node.get(&Path::keys(["key"])) else { return };
    let place = Path::dotted("bundles.verification.keys").key(id);
    let algorithm = text(node, "algorithm").unwrap_or("RS256").to_owned();
    // Nothing is in the way of keys of ours.
    let _ = translator.tree.set(&place.key("algorithm"), Node::new(Data::Text(algorithm), Origin::File));
    match first_variable(value) {
        Some(variable) => {
            let message = format!(
                "`${{{variable}}}` would be a text here; name the key's file: `bundles.verification.keys.{id}.file`"
            );
            let path = path.key("key");
            translator.leave(&path, &message, None);
            let file = Data::Text(format!("{id}.pem"));
            let _ = translator.tree.set(&place.key("file"), Node::new(file, Origin::File));
        }
        None => {
            let _ = translator.tree.set(&place.key("key"), value.clone());
        }
    }
}

fn text<'a>(node: &'a Node, key: &str) -> Option<&'a str> {
    match &node.get(&Path::keys([key]))?.data {
        Data::Text(text) => Some(text),
        _ => None,
    }
}

fn distinct<T: PartialEq + Copy>(values: &[T]) -> Vec<T> {
    let mut found = Vec::new();
    for value in values {
        if !found.contains(value) {
            found.push(*value);
        }
    }
    found
}
