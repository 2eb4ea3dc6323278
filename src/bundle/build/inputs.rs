//! The inputs of a build: bundles, or, as for `opa build` without `-b`, folders and files in which every JSON or YAML file is
//! data.

use std::path::Path;
use std::sync::Arc;

use serde_json::{Map, Value as Json, json};

use super::{Draft, Inputs};
use crate::bundle::contents::{Contents, wanted};
use crate::bundle::error::{ErrorKind, LoadError};
use crate::bundle::load::{Bundle, Document, Reading, document, parse, text};
use crate::bundle::manifest::Manifest;
use crate::bundle::name::{self, Role, role};
use crate::bundle::pattern::Pattern;
use crate::bundle::signature::Signed;
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
        let (bundle, manifest) = bundle(path, &name, inputs).map_err(|error| error.of(&name))?;
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
    Draft::assemble(bundles, policies, manifest, notices)
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
    (count > 0).then(|| {
        format!(
            "{count} JSON or YAML {verb} not data (`data.json`, `data.yaml`) and left out of bundle `{}`",
            bundle.name
        )
    })
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
    let mut whole = Bundle {
        organisation: None,
        name: "bundle".to_owned(),
        manifest: Manifest::default(),
        modules: Vec::new(),
        tests: Vec::new(),
        documents: Vec::new(),
        fixtures: Vec::new(),
        size: 0,
        signed: Signed::No,
    };
    let mut notices = Vec::new();
    let mut policies: Vec<Policy> = Vec::new();
    for path in inputs.paths {
        let meta = std::fs::metadata(path).map_err(|error| folder::unreadable(path, &error))?;
        let shown = shown(path);
        if meta.is_dir() {
            let contents = folder::read(&folder::survey(path, inputs.limits)?.files, inputs.limits)?;
            let Contents { files, .. } = contents;
            for (file, bytes) in
                files.into_iter().filter(|(file, _)| wanted(file) && !Pattern::leave_out(inputs.ignore, file))
            {
                if matches!(role(&file), Role::Manifest | Role::Signatures) {
                    let message = format!("`{shown}/{file}` is ignored without `-b`");
                    notices.push(message);
                    continue;
                }
                let place: Vec<String> = file.split('/').map(str::to_owned).collect();
                let id = if shown == "." { file } else { format!("{shown}/{file}") };
                let place = place.split_last().map(|(_, folders)| folders.to_vec()).unwrap_or_default();
                add(&mut whole, &mut policies, id, place, bytes)?;
            }
        } else {
            if name::archive_stem(&shown).is_some() {
                let message = format!("`{shown}` is an archive; use `-b` to build from bundles");
                return Err(LoadError::new(ErrorKind::Layout, message));
            }
            let bytes = folder::read_file(path, inputs.limits.max_size)?;
            if bytes.len() as u64 > inputs.limits.max_size {
                return Err(LoadError::new(
                    ErrorKind::Limit,
                    format!("`{shown}` is larger than a bundle may be"),
                ));
            }
            add(&mut whole, &mut policies, shown, Vec::new(), bytes)?;
        }
    }
    if whole.modules.is_empty() && whole.documents.is_empty() {
        return Err(LoadError::new(ErrorKind::Empty, "no policy and no data to build from"));
    }
    Draft::assemble(vec![whole], policies, Map::new(), notices)
}

fn add(
    whole: &mut Bundle,
    policies: &mut Vec<Policy>,
    id: String,
    place: Vec<String>,
    bytes: Vec<u8>,
) -> Result<(), LoadError> {
    let lower = id.to_ascii_lowercase();
    if id.ends_with(".rego") {
        let version = RegoVersion::V1;
        policies.push((archive_name(&id), bytes.clone(), version));
        let module = Module { source: Arc::from(text(&id, bytes)?), id, version };
        let test = module.id.ends_with("_test.rego");
        if test {
            whole.tests.push(module)
        } else {
            whole.modules.push(module)
        }
        return Ok(());
    }
    let kind = match lower.rsplit_once('.').map(|(_, extension)| extension) {
        Some("json") => Role::DataJson,
        Some("yaml" | "yml") => Role::DataYaml,
        _ => {
            let message = format!("`{id}` is neither policy nor data (`.rego`, `.json`, `.yaml`)");
            return Err(LoadError::new(ErrorKind::Layout, message));
        }
    };
    let read: Document = document(id, place, kind, bytes)?;
    whole.documents.push(read);
    Ok(())
}

fn shown(path: &Path) -> String {
    let shown = path.display().to_string();
    let shown = shown.strip_prefix("./").unwrap_or(&shown).trim_end_matches('/');
    if shown.is_empty() { ".".to_owned() } else { shown.to_owned() }
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
