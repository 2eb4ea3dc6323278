//! What bundles own is not written.

use super::change::{Change, WriteError, WriteErrorKind};
use crate::bundle::error::{ErrorKind, LoadError};
use crate::bundle::load::Bundle;
use crate::bundle::manifest::is_prefix;
use verdict_rego::{Program, Value};

/// INVARIANT (owned by bundles): asked before a write is tried, in OPA's words.
///
/// # Errors
/// A path that a bundle owns, or that leads to or into what it owns; a policy of a bundle.
pub(in crate::bundle) fn check_change(bundles: &[Bundle], change: &Change) -> Result<(), WriteError> {
    let owned = |message| Err(WriteError::new(WriteErrorKind::Invalid, message));
    match change {
        Change::PutPolicy { id, .. } | Change::DeletePolicy(id) => {
            match bundles.iter().find(|bundle| bundle.modules.iter().any(|module| module.id == *id)) {
                Some(bundle) if bundle.is_tree => owned(format!("policy {id:?} is read from a file")),
                Some(bundle) => owned(format!("policy {id:?} is owned by bundle {:?}", bundle.name)),
                None => Ok(()),
            }
        }
        Change::PutData { path, .. } | Change::DeleteData(path) => check_path(bundles, path),
        Change::PatchData(edits) => edits.iter().try_for_each(|edit| check_path(bundles, &edit.path)),
    }
}

fn check_path(bundles: &[Bundle], path: &[String]) -> Result<(), WriteError> {
    let owned = |message| Err(WriteError::new(WriteErrorKind::Invalid, message));
    for bundle in owners(bundles) {
        for root in &bundle.manifest.roots {
            if root.is_empty() {
                return owned(format!("all paths are owned by bundle {:?}", bundle.name));
            }
            if path.is_empty() {
                return owned("can't write to document root with bundle roots configured".to_owned());
            }
            if touches(root, path) {
                return owned(format!("path {} is owned by bundle {:?}", path.join("/"), bundle.name));
            }
        }
    }
    Ok(())
}

/// The same of all that was written, for bundles that came later.
///
/// # Errors
/// A bundle that owns data that was written.
pub(in crate::bundle) fn check_data<'b>(
    bundles: impl IntoIterator<Item = &'b Bundle>,
    written: &Bundle,
) -> Result<(), LoadError> {
    let nothing = Value::object();
    let data = written.documents.first().map_or(&nothing, |document| &document.value);
    for bundle in owners(bundles) {
        for root in &bundle.manifest.roots {
            if has_something(data, root) {
                let what = format!("data at or below `{}`", root.join("/"));
                return Err(conflict(bundle, root, &what));
            }
        }
    }
    Ok(())
}

/// # Errors
/// A bundle that owns the package of a policy that was written.
pub(in crate::bundle) fn check_packages<'b>(
    bundles: impl IntoIterator<Item = &'b Bundle> + Clone,
    written: &Bundle,
    program: &Program,
) -> Result<(), LoadError> {
    for (module, package) in program.module_packages() {
        if !written.modules.iter().any(|own| own.id == module.id) {
            continue;
        }
        for bundle in owners(bundles.clone()) {
            if let Some(root) = bundle.manifest.roots.iter().find(|root| touches(root, package)) {
                let what = format!("the policy `{}` (`package {}`)", module.id, package.join("."));
                return Err(conflict(bundle, root, &what));
            }
        }
    }
    Ok(())
}

/// Files that were named one by one own nothing.
fn owners<'b>(bundles: impl IntoIterator<Item = &'b Bundle>) -> impl Iterator<Item = &'b Bundle> {
    bundles.into_iter().filter(|bundle| !bundle.is_tree)
}

fn conflict(bundle: &Bundle, root: &[String], what: &str) -> LoadError {
    let root = root.join("/");
    let message = format!(
        "path {root} is owned by bundle {:?}, and {what} was written through the API; delete that, or give the bundle other \
         `roots`",
        bundle.name
    );
    LoadError::new(ErrorKind::Roots, message)
}

/// Whether one of two paths leads to or through the other.
fn touches(root: &[String], path: &[String]) -> bool {
    is_prefix(root, path) || is_prefix(path, root)
}

/// Whether there is more at a path, or on the way to it, than empty objects.
fn has_something(data: &Value, path: &[String]) -> bool {
    match path.split_first() {
        None => !is_nothing(data),
        Some((name, rest)) if data.is_object() => {
            data.get(name).is_some_and(|member| has_something(member, rest))
        }
        Some(_) => true,
    }
}

fn is_nothing(value: &Value) -> bool {
    value.is_object() && value.members().all(|(_, member)| is_nothing(member))
}
