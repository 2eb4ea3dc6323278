//! The inputs of a build: bundles, or, as for `opa build` without `-b`, folders and files in which every JSON or YAML file is
//! data.

use std::path::Path;

use serde_json::{Map, Value as Json, json};

use super::{Draft, Inputs};
use crate::bundle::error::{ErrorKind, LoadError};
use crate::bundle::load::{Bundle, Reading, parse};
use crate::bundle::manifest::Manifest;
use crate::bundle::name;
use crate::bundle::pattern::Pattern;
use crate::bundle::signature::token;
use crate::bundle::tree::{self, Purpose, Root};
use crate::bundle::{folder, scan};
use crate::model::request::EntryPath;
use verdict_rego::{Module, RegoVersion};

type Policy = (String, Vec<u8>, RegoVersion);

/// Each path is a bundle.
pub(super) fn bundles(inputs: &Inputs<'_>) -> Result<Draft, LoadError> {
    let (mut bundles, mut manifests) = (Vec::new(), Vec::new());
    let mut notices = Vec::new();
    for path in inputs.paths {
        let name = scan::bundle_name(path);
        let (mut bundle, manifest) = bundle(path, &name, inputs).map_err(|error| error.of(&name))?;
        inputs.read_as_asked(&mut bundle);
        notices.extend(fixtures_notice(&bundle));
        bundles.push(bundle);
        manifests.push(manifest);
    }
    let alone = bundles.len() == 1;
    let mut policies: Vec<Policy> = Vec::new();
    for bundle in &bundles {
        for module in bundle.modules.iter().chain(&bundle.tests) {
            // Modules are named after their bundle; a single bundle needs no folder of its own.
            let name = if alone { within_bundle(bundle, module) } else { module.id.as_str() };
            policies.push((name.to_owned(), module.source.as_bytes().to_vec(), module.version));
        }
    }
    let manifest = match manifests.pop() {
        Some(one) if alone => one,
        last => merged(last.into_iter().chain(manifests), &bundles, &mut notices),
    };
    Draft::assemble(bundles, policies, manifest, notices, inputs.version)
}

fn within_bundle<'m>(bundle: &Bundle, module: &'m Module) -> &'m str {
    module.id.strip_prefix(&bundle.name).and_then(|rest| rest.strip_prefix('/')).unwrap_or(&module.id)
}

/// A bundle, and its manifest as written.
fn bundle(path: &Path, name: &str, inputs: &Inputs<'_>) -> Result<(Bundle, Map<String, Json>), LoadError> {
    let meta = std::fs::metadata(path).map_err(|error| folder::unreadable(path, &error))?;
    let file = path.file_name().map(|file| file.to_string_lossy().into_owned()).unwrap_or_default();
    let contents = if meta.is_dir() {
        folder::read(&folder::survey(path, inputs.limits)?.files, inputs.limits)?
    } else if name::archive_stem(&file).is_some() {
        scan::read_archive(path, inputs.limits)?
    } else {
        let message = format!(
            "`{}` is neither a folder nor a `.tar.gz`; omit `-b` to build from files",
            path.display()
        );
        return Err(LoadError::new(ErrorKind::Layout, message));
    };
    let manifest =
        contents.files.get(".manifest").filter(|_| !Pattern::leave_out(inputs.ignore, ".manifest"));
    let manifest = manifest.map_or_else(Map::new, |bytes| {
        // Errors are reported where it is parsed.
        serde_json::from_slice(bytes).unwrap_or_default()
    });
    let reading = Reading { verification: inputs.verification, ignore: inputs.ignore };
    Ok((parse(name, name, contents, &reading)?, manifest))
}

fn fixtures_notice(bundle: &Bundle) -> Option<String> {
    let count = bundle.fixtures.len();
    let verb = if count == 1 { "file is" } else { "files are" };
    (count > 0)
        .then(|| format!("{count} JSON or YAML {verb} not data and left out of bundle `{}`", bundle.name))
}

/// The manifest of several bundles: only Verdict's own metadata, merged.
fn merged(
    mut manifests: impl Iterator<Item = Map<String, Json>>,
    bundles: &[Bundle],
    notices: &mut Vec<String>,
) -> Map<String, Json> {
    let others = |manifest: Map<String, Json>| {
        let metadata = manifest.get("metadata").and_then(Json::as_object).cloned().unwrap_or_default();
        metadata.keys().any(|key| key != "verdict")
    };
    if manifests.any(others) {
        notices.push("the bundles' `metadata` is not merged and is left out".to_owned());
    }
    let all = |of: fn(&Manifest) -> &[EntryPath]| -> Vec<String> {
        bundles.iter().flat_map(|bundle| of(&bundle.manifest)).map(ToString::to_string).collect()
    };
    let entrypoints = all(|manifest| &manifest.required_entrypoints);
    let data = all(|manifest| &manifest.required_data);
    let run_tests = bundles.iter().any(|bundle| bundle.manifest.run_tests);
    if entrypoints.is_empty() && data.is_empty() && !run_tests {
        return Map::new();
    }
    let mut verdict = json!({"required_entrypoints": entrypoints, "run_tests": run_tests});
    if let Some(verdict) = verdict.as_object_mut().filter(|_| !data.is_empty()) {
        verdict.insert("required_data".to_owned(), json!(data));
    }
    Map::from_iter([("metadata".to_owned(), json!({"verdict": verdict}))])
}

/// Each path is a folder or a file of policy and data.
pub(super) fn files(inputs: &Inputs<'_>) -> Result<Draft, LoadError> {
    let roots = inputs.paths.iter().map(|path| Root::parse(path)).collect::<Result<Vec<_>, _>>()?;
    let mut whole =
        Bundle { name: "bundle".to_owned(), ..tree::load(&roots, Purpose::Build, inputs.ignore)? };
    if whole.modules.is_empty() && whole.documents.is_empty() {
        return Err(LoadError::new(ErrorKind::Empty, "no policy and no data to build from"));
    }
    let mut notices: Vec<String> = roots.iter().flat_map(without_use).collect();
    notices.extend(fixtures_notice(&whole));
    inputs.read_as_asked(&mut whole);
    let policy =
        |module: &Module| (archive_name(&module.id), module.source.as_bytes().to_vec(), module.version);
    let policies = whole.modules.iter().map(policy).collect();
    // As in a bundle, tests are no part of what is served.
    let is_test = |module: &Module| module.id.ends_with("_test.rego");
    (whole.tests, whole.modules) = whole.modules.into_iter().partition(is_test);
    Draft::assemble(vec![whole], policies, Map::new(), notices, inputs.version)
}

/// What only a bundle has use for.
fn without_use(root: &Root) -> Vec<String> {
    let papers = [".manifest", token::FILE].into_iter().filter(|file| root.path.join(file).is_file());
    let shown = tree::shown(&root.path);
    papers.map(|file| format!("`{shown}/{file}` is ignored without `-b`")).collect()
}

/// A file's path as a member's name: relative, without `..`.
fn archive_name(path: &str) -> String {
    let mut segments: Vec<&str> = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => drop(segments.pop()),
            segment => segments.push(segment),
        }
    }
    segments.join("/")
}
