//! Merges the data of the bundles of a scope into one document, after checking their roots.

use std::sync::Arc;

use super::error::{ErrorKind, LoadError};
use super::load::{Bundle, Document};
use super::manifest::is_prefix;
use super::scope::Scope;
use verdict_rego::Value;

/// Merges the data of all bundles of a scope. `shared` is that of the shared bundles, which is not copied; none if there
/// are no others in the scope.
///
/// # Errors
/// Roots that overlap, a document outside its bundle's roots, or a document that two files define.
pub(super) fn merge(scope: &Scope<'_>, shared: Option<&Value>) -> Result<Value, LoadError> {
    let claiming: Vec<&Bundle> = scope.all.iter().copied().filter(|bundle| !bundle.is_tree).collect();
    check_roots(&claiming)?;
    let mut merged: Option<Value> = shared.cloned();
    let mut before: Vec<&Document> = Vec::new();
    for bundle in scope.own() {
        for document in &bundle.documents {
            check_owned(bundle, document)?;
            let whole = nest(&document.path, document.value.clone());
            merged = Some(match merged {
                None => whole,
                Some(mut target) => {
                    overlay(&mut target, whole, &mut Vec::new())
                        .map_err(|path| bundle.blamed(defined_twice(&before, document, &path)))?;
                    target
                }
            });
            before.push(document);
        }
    }
    Ok(merged.unwrap_or_else(Value::object))
}

/// Two bundles must not own the same document, or the last would win.
fn check_roots(bundles: &[&Bundle]) -> Result<(), LoadError> {
    let mut rest = bundles;
    while let Some((bundle, others)) = rest.split_first() {
        rest = others;
        for other in others {
            for a in &bundle.manifest.roots {
                if let Some(b) = other.manifest.roots.iter().find(|b| is_prefix(a, b) || is_prefix(b, a)) {
                    return Err(overlap((bundle, a), (other, b)));
                }
            }
        }
    }
    Ok(())
}

/// The first of the two is the shared one, if either is.
fn overlap((one, a): (&Bundle, &[String]), (other, b): (&Bundle, &[String])) -> LoadError {
    let why = match (&one.organisation, &other.organisation) {
        (None, Some(organisation)) => format!(
            ", and `{}`, which `bundles.organisations` binds to `{organisation}`, cannot replace what all organisations \
             share",
            other.name
        ),
        _ => String::new(),
    };
    let (a, b) = (a.join("/"), b.join("/"));
    LoadError::new(
        ErrorKind::Roots,
        format!(
            "bundles `{}` and `{}` both own data: root `{a}` overlaps root `{b}`{why}; give each its own `roots` in its \
             `.manifest` (a bundle without any owns everything)",
            one.name, other.name
        ),
    )
}

fn check_owned(bundle: &Bundle, document: &Document) -> Result<(), LoadError> {
    let outside = first_outside(bundle, &mut document.path.clone(), &document.value);
    outside.map_or(Ok(()), |path| {
        Err(LoadError::new(
            ErrorKind::Roots,
            format!(
                "`{}` defines `{path}`, outside the bundle's roots {}; move it, or add its root to `.manifest`",
                document.file,
                bundle.manifest.shown_roots()
            ),
        )
        .of(&bundle.name))
    })
}

/// The first document at or below `path` that the bundle does not own. Objects above a root are not owned.
fn first_outside(bundle: &Bundle, path: &mut Vec<String>, value: &Value) -> Option<String> {
    if bundle.manifest.owns(path) {
        return None;
    }
    let leads_to_root = bundle.manifest.roots.iter().any(|root| is_prefix(path, root));
    if !leads_to_root || !value.is_object() {
        return Some(if path.is_empty() { "data".to_owned() } else { path.join("/") });
    }
    for (key, member) in value.members() {
        path.push(key.to_owned());
        let outside = first_outside(bundle, path, member);
        if outside.is_some() {
            return outside;
        }
        path.pop();
    }
    None
}

fn nest(path: &[String], value: Value) -> Value {
    path.iter().rev().fold(value, |inner, key| {
        let mut outer = Value::object();
        outer.insert(key, inner);
        outer
    })
}

/// Merges `value` into `target`. Objects are merged; the path of any other duplicate is returned.
fn overlay(target: &mut Value, value: Value, trail: &mut Vec<String>) -> Result<(), Vec<String>> {
    let (Value::Object(target), Value::Object(value)) = (target, value) else { return Err(trail.clone()) };
    let target = Arc::make_mut(target);
    // New members are added together; one by one, each would move all members after it.
    let mut new = Vec::new();
    for (key, member) in Arc::unwrap_or_clone(value).into_entries() {
        match target.get_mut(&key) {
            None => new.push((key, member)),
            Some(present) => {
                trail.push(key.as_str().unwrap_or_default().to_owned());
                overlay(present, member, trail)?;
                trail.pop();
            }
        }
    }
    if !new.is_empty() {
        let mut all = std::mem::take(target).into_entries();
        all.append(&mut new);
        *target = all.into_iter().collect();
    }
    Ok(())
}

fn defined_twice(before: &[&Document], document: &Document, path: &[String]) -> LoadError {
    let defines = |other: &&&Document| {
        let below = path.strip_prefix(other.path.as_slice());
        below.is_some_and(|rest| other.value.at(rest.iter().map(String::as_str)).is_some())
            || is_prefix(path, &other.path)
    };
    let other = before.iter().rev().find(defines).map_or("another file", |other| other.file.as_str());
    LoadError::new(
        ErrorKind::Data,
        format!("`{}` and `{other}` both define `{}`; keep one", document.file, path.join("/")),
    )
}

/// Data that is not an object would hide every rule below its path.
pub(super) fn hidden_rule<'a>(data: &Value, path: &'a [String]) -> Option<&'a [String]> {
    (1..path.len())
        .filter_map(|length| path.get(..length))
        .find(|prefix| data.at(prefix.iter().map(String::as_str)).is_some_and(|value| !value.is_object()))
}
