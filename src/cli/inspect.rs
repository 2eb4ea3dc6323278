//! `verdict inspect`: shows the contents of a bundle.
//!
//! Exit code: 0, or 1 if the bundle cannot be read.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde_json::{Map, Value, json};

use super::print::{complain, print};
use super::reading::VersionArgs;
use super::table::table;
use super::terminal::Terminal;
use crate::bundle::inspect::{Papers, papers};
use crate::bundle::{self, Bundle, Limits};
use verdict_rego::capabilities::is_builtin;
use verdict_rego::capabilities::required;
use verdict_rego::diagnostic::{SHOWN, listed};
use verdict_rego::syntax::Source;
use verdict_rego::syntax::ast::{Import, Module, Version};
use verdict_rego::syntax::on_large_stack;
use verdict_rego::syntax::parser::{Options, parse_module};
use verdict_rego::{self, Diagnostic};

mod annotations;

/// The longest text in a cell of a table.
const MAX_CELL: usize = 50;

/// Arguments of `verdict inspect`.
#[derive(Debug, Clone, clap::Args)]
pub struct InspectArgs {
    /// List annotations
    #[arg(short, long)]
    pub annotations: bool,
    /// Output format
    #[arg(short, long, value_enum, default_value_t = Format::Pretty)]
    pub format: Format,
    /// Which Rego the policy is read as
    #[command(flatten)]
    pub version: VersionArgs,
    /// Bundle (folder or archive) or policy file
    #[arg(value_name = "PATH")]
    pub path: PathBuf,
}

/// Output formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// Tables
    Pretty,
    /// JSON, in the format of `opa inspect --format json`
    Json,
}

/// Runs the command.
pub fn run(args: &InspectArgs) -> ExitCode {
    match on_large_stack(|| inspect(args)) {
        Ok(text) => {
            print(&text);
            ExitCode::SUCCESS
        }
        Err(message) => {
            complain(&message);
            ExitCode::from(1)
        }
    }
}

fn inspect(args: &InspectArgs) -> Result<String, String> {
    let limits = Limits::from(&bundle::Config::default());
    let papers = papers(&args.path, limits).map_err(|error| error.to_string())?;
    let unverified = bundle::Verification::skip();
    let mut bundle = bundle::load_reading(&args.path, limits, &bundle::Reading::all(&unverified))
        .map_err(|error| error.to_string())?;
    if let Some(version) = args.version.chosen() {
        bundle.modules.iter_mut().chain(&mut bundle.tests).for_each(|module| module.version = version);
    }
    let modules = modules(&bundle)?;
    let found = annotations::of(&modules)?;
    let is_file = args.path.is_file() && bundle.name.ends_with(".rego");
    let manifest = (!is_file).then(|| manifest(&papers, &bundle));
    let namespaces = namespaces(&args.path, &bundle, &modules);
    if args.format == Format::Json {
        let mut out = Map::new();
        let mut put = |key: &str, value: Value| out.insert(key.to_owned(), value);
        if let Some(manifest) = manifest {
            put("manifest", manifest);
        }
        put("signatures_config", papers.signatures.unwrap_or_else(|| json!({})));
        put("namespaces", json!(namespaces));
        if args.annotations && !found.is_empty() {
            put("annotations", found.iter().map(annotations::Found::to_json).collect());
        }
        put("capabilities", capabilities(&modules));
        return Ok(serde_json::to_string_pretty(&out).unwrap_or_default() + "\n");
    }
    let mut text = manifest.map(|manifest| manifest_table(&manifest)).unwrap_or_default();
    let rows: Vec<Vec<String>> = namespaces
        .iter()
        .flat_map(|(name, files)| files.iter().map(|file| vec![name.clone(), shortened_path(file)]))
        .collect();
    if !rows.is_empty() {
        text.push_str("NAMESPACES:\n");
        text.push_str(&grouped(["NAMESPACE", "FILE"], rows));
    }
    if args.annotations && !found.is_empty() {
        text.push_str("ANNOTATIONS:\n");
        let annotations: String = found.iter().map(annotations::Found::to_text).collect();
        text.push_str(&Terminal::out().wrapped(&annotations));
    }
    Ok(text)
}

/// The policy, tests included.
fn modules(bundle: &Bundle) -> Result<Vec<Module>, String> {
    let options = Options { is_builtin, ..Options::default() };
    let mut modules = Vec::new();
    let mut errors = Vec::new();
    let mut all: Vec<&verdict_rego::Module> = bundle.modules.iter().chain(&bundle.tests).collect();
    all.sort_by_key(|module| &module.id);
    for module in all {
        let source = Source::new(module.id.as_str(), std::sync::Arc::clone(&module.source));
        match parse_module(&source, module.version, options) {
            Ok(tree) => modules.push(tree),
            Err(found) => errors.extend(found.into_iter().map(|error| Diagnostic::of_syntax(&source, error))),
        }
    }
    if errors.is_empty() { Ok(modules) } else { Err(listed(&errors, SHOWN)) }
}

/// The manifest, with defaults for what it leaves out.
fn manifest(papers: &Papers, bundle: &Bundle) -> Value {
    let mut out = match &papers.manifest {
        Some(Value::Object(written)) => written.clone(),
        _ => Map::new(),
    };
    out.retain(|_, value| !value.is_null());
    out.insert("revision".to_owned(), json!(bundle.manifest.revision));
    let roots: Vec<String> = bundle.manifest.roots.iter().map(|root| root.join("/")).collect();
    out.insert("roots".to_owned(), json!(roots));
    Value::Object(out)
}

fn manifest_table(manifest: &Value) -> String {
    let mut rows = Vec::new();
    let mut row = |name: &str, value: String| rows.push(vec![name.to_owned(), value]);
    if let Some(version) = manifest.get("rego_version") {
        row("Rego Version", version.to_string());
    }
    if let Some(revision) = manifest.get("revision").and_then(Value::as_str).filter(|text| !text.is_empty()) {
        row("Revision", shortened(revision, MAX_CELL));
    }
    let roots = manifest.get("roots").and_then(Value::as_array);
    let mut roots: Vec<&str> = roots.into_iter().flatten().filter_map(Value::as_str).collect();
    roots.sort_unstable();
    roots.iter().filter(|root| !root.is_empty()).for_each(|root| row("Roots", shortened_path(root)));
    if let Some(metadata) = manifest.get("metadata").filter(|said| **said != json!({})) {
        row("Metadata", shortened(&metadata.to_string(), MAX_CELL));
    }
    if rows.is_empty() {
        return String::new();
    }
    format!("MANIFEST:\n{}", grouped(["FIELD", "VALUE"], rows))
}

/// A table that fits the terminal; a first cell that says what the one above it says is left empty.
fn grouped(head: [&str; 2], mut rows: Vec<Vec<String>>) -> String {
    let names: Vec<String> = rows.iter().filter_map(|row| row.first().cloned()).collect();
    for (row, _) in
        rows.iter_mut().skip(1).zip(names.windows(2)).filter(|(_, pair)| pair.first() == pair.last())
    {
        row.first_mut().map(String::clear);
    }
    table(Some(&head), &rows, Terminal::out().width)
}

/// Which files there are for each package or place below `data`.
fn namespaces(path: &Path, bundle: &Bundle, modules: &[Module]) -> BTreeMap<String, Vec<String>> {
    let shown = path.display().to_string();
    let shown = shown.strip_prefix("./").unwrap_or(&shown).trim_end_matches('/');
    let archive = path.is_file();
    // The files of an archive are named from its top.
    let named = |file: &str| match file.strip_prefix(shown).filter(|_| archive) {
        Some(inside) if inside.starts_with('/') => inside.to_owned(),
        _ => file.strip_prefix("./").unwrap_or(file).to_owned(),
    };
    let mut out: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for module in modules {
        let parts = std::iter::once("data").chain(module.package.path.iter().map(|part| &**part));
        out.entry(annotations::text_of(parts)).or_default().push(named(&module.source.name));
    }
    for document in &bundle.documents {
        let parts = std::iter::once("data").chain(document.path.iter().map(String::as_str));
        let name = parts.collect::<Vec<_>>().join(".");
        out.entry(name).or_default().push(named(&document.file));
    }
    out
}

/// The features and built-ins that the policy needs.
fn capabilities(modules: &[Module]) -> Value {
    let mut out = Map::new();
    if modules.iter().any(|module| module.version == Version::V1) {
        out.insert("features".to_owned(), json!(["rego_v1"]));
    }
    let keywords: BTreeSet<&str> =
        modules.iter().flat_map(|module| &module.imports).flat_map(Import::future_keywords).collect();
    if !keywords.is_empty() {
        out.insert("future_keywords".to_owned(), json!(keywords));
    }
    let names: BTreeSet<String> =
        modules.iter().flat_map(verdict_rego::dependencies::used_functions).collect();
    let builtins = required(&names);
    if !builtins.is_empty() {
        out.insert("builtins".to_owned(), json!(builtins));
    }
    Value::Object(out)
}

/// The text, shortened to `most` characters.
fn shortened(text: &str, most: usize) -> String {
    if text.chars().count() < most {
        return text.to_owned();
    }
    text.chars().take(most.saturating_sub(3)).chain("...".chars()).collect()
}

/// The path, shortened in the middle if it is too long.
fn shortened_path(path: &str) -> String {
    let count = path.chars().count();
    if count < MAX_CELL {
        return path.to_owned();
    }
    let first = path.char_indices().skip(1).find(|(_, c)| *c == '/').map_or(0, |(at, _)| at + 1);
    let head: String = path.get(..first).unwrap_or_default().chars().take(MAX_CELL / 2).collect();
    let left = MAX_CELL.saturating_sub(head.chars().count() + 3);
    let tail: String = path.chars().skip(count.saturating_sub(left)).collect();
    format!("{head}...{tail}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_cut() {
        assert_eq!(shortened(&"x".repeat(50), 50), format!("{}...", "x".repeat(47)));
        let path = format!("a/{}/foo.rego", "x".repeat(60));
        let short = shortened_path(&path);
        assert!(short.starts_with("a/...xxx") && short.ends_with("x/foo.rego"), "{short}");
        assert_eq!(short.chars().count(), MAX_CELL);
    }
}
