//! Services and the bundles that come from them: `bundles.services` and `bundles.remote`.
//!
//! INVARIANT (nothing is lost silently): what a service has besides what is translated here is named.

use std::collections::BTreeSet;

use super::translator::{Translator, first_variable};
use crate::bundle;
use crate::document::tree::{Data, Node, Origin, Path};
use crate::net::Endpoint;

/// A bundle of OPA's that is fetched: its name, section and service.
pub(super) type Fetched<'a> = (&'a str, &'a Node, &'a str);

/// The services, by name, with their places: a map, or a list whose elements have names.
pub(super) fn services(root: &Node) -> Vec<(String, Path, &Node)> {
    let at = Path::keys(["services"]);
    match root.get(&at).map(|node| &node.data) {
        Some(Data::Map(entries)) => {
            entries.iter().map(|(name, node)| (name.clone(), at.key(name), node)).collect()
        }
        Some(Data::List(items)) => {
            let named = items.iter().enumerate();
            named.filter_map(|(n, node)| Some((text(node, "name")?.to_owned(), at.index(n), node))).collect()
        }
        _ => Vec::new(),
    }
}

pub(super) fn translate(translator: &mut Translator<'_>, fetched: &[Fetched<'_>]) {
    let root = translator.root;
    let known = services(root);
    let mut used = BTreeSet::new();
    for (name, node, service) in fetched {
        let at = Path::keys(["bundles", name]);
        if let Err(message) = bundle::check_name(name) {
            translator.leave(&at, &format!("{message}; give it another name"), None);
            continue;
        }
        let Some((_, place, section)) = known.iter().find(|(known, ..)| known == service) else {
            translator.leave(&at, &format!("`services` has no `{service}`"), None);
            continue;
        };
        if !is_usable(translator, place, section) {
            let message = format!("its service `{service}` has no url that can be translated");
            translator.leave(&at, &message, None);
            continue;
        }
        let ours = Path::keys(["bundles", "remote", name]);
        // As in OPA, where nothing else is said.
        let resource = text(node, "resource").map_or_else(|| format!("bundles/{name}"), str::to_owned);
        put(translator, &ours.key("service"), word(service));
        put(translator, &ours.key("resource"), word(&resource));
        used.insert((*service).to_owned());
    }
    for (name, place, node) in &known {
        if !used.contains(name) {
            translator.leave(place, "no bundle is fetched from it, and nothing is sent to services", None);
            continue;
        }
        let own: Vec<&Node> =
            fetched.iter().filter(|(_, _, service)| service == name).map(|(_, node, _)| *node).collect();
        service(translator, (name, place, node), &own);
    }
}

/// Whether a service has a URL that can be written as it is.
fn is_usable(translator: &mut Translator<'_>, place: &Path, node: &Node) -> bool {
    let Some(url) = node.get(&Path::keys(["url"])) else { return false };
    if let Some(variable) = first_variable(url) {
        let message = format!("`${{{variable}}}` would be a text here; write the url itself");
        translator.leave(&place.key("url"), &message, None);
        return false;
    }
    matches!(&url.data, Data::Text(_))
}

fn service(translator: &mut Translator<'_>, (name, place, node): (&str, &Path, &Node), bundles: &[&Node]) {
    let ours = Path::keys(["bundles", "services", name]);
    let url = text(node, "url").unwrap_or_default();
    put(translator, &ours.key("url"), word(url));
    if Endpoint::parse(url).is_ok_and(|url| !url.is_private()) {
        let message = "plain http is refused without signatures, and with credentials; use https";
        translator.leave(&place.key("url"), message, None);
    }
    if text(node, "type") == Some("oci") {
        put(translator, &ours.key("type"), word("oci"));
    }
    if let Some(ca) = node.get(&Path::dotted("tls.ca_cert")) {
        put(translator, &ours.key("tls").key("ca"), ca.clone());
    }
    if let Some(Node { data: Data::Map(headers), .. }) = node.get(&Path::keys(["headers"])) {
        for (header, value) in headers {
            match whole_variable(value) {
                Some(variable) => {
                    put(translator, &ours.key("headers_env").key(header), word(variable));
                }
                None => {
                    let message = "headers have their values from environment variables: `headers_env`";
                    translator.leave(&place.key("headers").key(header), message, None);
                }
            }
        }
    }
    let at = place.key("credentials");
    if let Some(Node { data: Data::Map(kinds), .. }) = node.get(&Path::keys(["credentials"])) {
        for (kind, section) in kinds {
            credentials(translator, (&ours, &at.key(kind)), kind, section);
        }
    }
    polling(translator, &ours, place, bundles);
}

fn credentials(translator: &mut Translator<'_>, (ours, at): (&Path, &Path), kind: &str, node: &Node) {
    match kind {
        "bearer" => {
            let (ours, ours_type) = (ours.key("bearer"), ours.key("type"));
            if let Some(file) = node.get(&Path::keys(["token_path"])) {
                put(translator, &ours.key("token_file"), file.clone());
            }
            if let Some(token) = node.get(&Path::keys(["token"])) {
                match whole_variable(token) {
                    Some(variable) => put(translator, &ours.key("token_env"), word(variable)),
                    None => put(translator, &ours.key("token"), token.clone()),
                }
            }
            let registry = translator.tree.get(&ours_type).is_some();
            if registry && text(node, "scheme") == Some("Basic") {
                let message = "of a registry, write name and password: `basic`";
                translator.leave(&at.key("scheme"), message, None);
            } else if let Some(scheme) = node.get(&Path::keys(["scheme"])) {
                put(translator, &ours.key("scheme"), scheme.clone());
            }
        }
        "oauth2" => oauth2(translator, &ours.key("oauth2"), at, node),
        "client_tls" => {
            for (opa, own) in [("cert", "cert"), ("private_key", "key"), ("ca_cert", "ca")] {
                if let Some(file) = node.get(&Path::keys([opa])) {
                    put(translator, &ours.key("tls").key(own), file.clone());
                }
            }
            leave_others(translator, at, node, &["cert", "private_key", "ca_cert", "system_ca_required"]);
        }
        "s3_signing" => {
            // The region is that of the environment, too.
            put(translator, &ours.key("s3"), Node::empty_map(Origin::File));
            leave_others(translator, at, node, &["environment_credentials"]);
        }
        _ => translator.leave(at, "there are no such credentials", None),
    }
}

fn oauth2(translator: &mut Translator<'_>, ours: &Path, at: &Path, node: &Node) {
    for key in ["token_url", "client_id", "scopes"] {
        if let Some(value) = node.get(&Path::keys([key])) {
            put(translator, &ours.key(key), value.clone());
        }
    }
    if let Some(secret) = node.get(&Path::keys(["client_secret"])) {
        let variable = whole_variable(secret);
        if variable.is_none() {
            let message =
                "a client's secret comes from an environment variable or a file: set `BUNDLE_CLIENT_SECRET`";
            translator.leave(&at.key("client_secret"), message, None);
        }
        put(translator, &ours.key("client_secret_env"), word(variable.unwrap_or("BUNDLE_CLIENT_SECRET")));
    }
    leave_others(translator, at, node, &["token_url", "client_id", "client_secret", "scopes", "grant_type"]);
    if text(node, "grant_type").is_some_and(|grant| grant != "client_credentials") {
        translator.leave(&at.key("grant_type"), "only `client_credentials` is there", None);
    }
}

/// Names the keys of a section that are none of these.
fn leave_others(translator: &mut Translator<'_>, at: &Path, node: &Node, known: &[&str]) {
    let Data::Map(entries) = &node.data else { return };
    for (key, _) in entries.iter().filter(|(key, _)| !known.contains(&key.as_str())) {
        translator.leave(&at.key(key), "has no equivalent", None);
    }
}

/// The pauses, which are those of the service here: of several bundles, the shortest.
fn polling(translator: &mut Translator<'_>, ours: &Path, place: &Path, bundles: &[&Node]) {
    for (opa, own) in
        [("min_delay_seconds", "min"), ("max_delay_seconds", "max"), ("long_polling_timeout_seconds", "wait")]
    {
        let at = Path::dotted("polling").key(opa);
        let given: Vec<Option<u64>> = bundles
            .iter()
            .map(|bundle| match bundle.get(&at)?.data {
                Data::Unsigned(seconds) => Some(seconds),
                _ => None,
            })
            .collect();
        let Some(least) = given.iter().flatten().min() else { continue };
        if given.iter().any(|other| other.as_ref() != Some(least)) {
            let message = format!(
                "its bundles differ in `polling.{opa}`; here it is one for the service, the shortest"
            );
            translator.leave(place, &message, None);
        }
        put(translator, &ours.key("polling").key(own), word(&format!("{least}s")));
    }
}

/// The variable that a value is, and nothing else.
fn whole_variable(node: &Node) -> Option<&str> {
    let Data::Text(text) = &node.data else { return None };
    text.strip_prefix("${")?.strip_suffix('}').filter(|name| !name.contains(['$', '{', '}']))
}

fn put(translator: &mut Translator<'_>, at: &Path, value: Node) {
    // The tree is made of keys of ours alone: nothing is in the way.
    let _ = translator.tree.set(at, value);
}

fn word(text: &str) -> Node {
    Node::new(Data::Text(text.to_owned()), Origin::File)
}

fn text<'a>(node: &'a Node, key: &str) -> Option<&'a str> {
    match &node.get(&Path::keys([key]))?.data {
        Data::Text(text) => Some(text),
        _ => None,
    }
}
