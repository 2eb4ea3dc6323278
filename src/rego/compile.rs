//! From modules and data to a program that is ready to evaluate.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use regorus::Engine;

use super::builtins;
use super::catalog::{Catalog, Path};
use super::dependencies;
use super::diagnostic::Diagnostic;
use super::evaluate::{Program, STACK, on_stack};
use super::nesting;
use super::value::Value;
use crate::model::failure::Location;

/// Which Rego a module is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RegoVersion {
    /// Before OPA 1.0: `allow { … }`.
    V0,
    /// Since OPA 1.0: `allow if { … }`.
    #[default]
    V1,
}

/// One file of policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Module {
    /// Its name in messages and records, e.g. `bundle/app/policy.rego`.
    pub id: String,
    /// Its text.
    pub source: Arc<str>,
    /// What it is written in.
    pub version: RegoVersion,
}

/// The largest policy file, in bytes.
const MAX_FILE: usize = 4 << 20;
/// The most lines of a policy file.
const MAX_LINES: usize = 100_000;
/// The longest line of a policy file, in characters.
const MAX_COLUMNS: u32 = 65_536;

/// The package of the rules that gather whole packages.
pub(super) const GATHERED: &str = "data_gathered_by_verdict";

/// Compiles modules and data to a program: parsed, checked, scheduled, and with every document prepared.
///
/// # Errors
/// Every diagnostic that was found, sorted by place.
pub fn compile(modules: Vec<Module>, data: Value) -> Result<Program, Vec<Diagnostic>> {
    let compiled = on_stack(STACK, || catch_unwind(AssertUnwindSafe(|| compile_here(modules, data))));
    let internal =
        |_| vec![Diagnostic::new("rego_compile_error", "the evaluator panicked while it read the policy")];
    compiled.map_err(internal)?.map_err(|mut diagnostics| {
        let place = |d: &Diagnostic| d.location.as_ref().map(|l| (l.file.clone(), l.row, l.col));
        diagnostics.sort_by_key(|diagnostic| (place(diagnostic), diagnostic.message.clone()));
        diagnostics
    })
}

fn compile_here(modules: Vec<Module>, data: Value) -> Result<Program, Vec<Diagnostic>> {
    let mut engine = new_engine().map_err(|message| vec![Diagnostic::new("internal_error", message)])?;
    let errors: Vec<_> = modules.iter().filter_map(|module| add(&mut engine, module).err()).collect();
    if !errors.is_empty() {
        return Err(errors);
    }
    let catalog = Catalog::of(engine.get_modules());
    let checked = dependencies::check(engine.get_modules(), &catalog)?;
    let errors = conflicts_with_data(&catalog, &data);
    if !errors.is_empty() {
        return Err(errors);
    }
    let gathered = gather(&mut engine, &catalog).map_err(|error| vec![from_compiler(&error)])?;
    engine
        .add_data(data.0.clone())
        .map_err(|error| vec![Diagnostic::new("internal_error", error.to_string())])?;
    // The first evaluation schedules and hoists everything; clones of the engine share what it made.
    engine.eval_rule(ready_rule()).map_err(|error| vec![from_compiler(&error.to_string())])?;
    Ok(Program::new(engine, catalog, checked, gathered, modules, data))
}

fn new_engine() -> Result<Engine, String> {
    let limit = |n: usize| std::num::NonZeroUsize::new(n).unwrap_or(std::num::NonZeroUsize::MIN);
    let mut engine = Engine::new();
    engine.set_policy_length_config(regorus::PolicyLengthConfig {
        max_col: std::num::NonZeroU32::new(MAX_COLUMNS).unwrap_or(std::num::NonZeroU32::MIN),
        max_file_bytes: limit(MAX_FILE),
        max_lines: limit(MAX_LINES),
    });
    // An error of a built-in is an error, not an undefined value that `not` turns into an allow.
    engine.set_strict_builtin_errors(true);
    // Texts of `print` are gathered, and dropped with the evaluation: they may hold what must not be in a log.
    engine.set_gather_prints(true);
    builtins::install(&mut engine)?;
    Ok(engine)
}

fn add(engine: &mut Engine, module: &Module) -> Result<(), Diagnostic> {
    nesting::check(&module.id, &module.source)?;
    engine.set_rego_v0(module.version == RegoVersion::V0);
    let added = engine.add_policy(module.id.clone(), module.source.to_string());
    added.map(drop).map_err(|error| {
        let mut diagnostic = Diagnostic::from_engine("rego_parse_error", &error.to_string());
        diagnostic.location.get_or_insert_with(|| Location { file: module.id.clone(), row: 1, col: 1 });
        diagnostic
    })
}

fn from_compiler(error: &str) -> Diagnostic {
    let code = if error.contains("unsafe") { "rego_unsafe_var_error" } else { "rego_compile_error" };
    Diagnostic::from_engine(code, error)
}

/// A rule and a base document at the same path would hide each other.
fn conflicts_with_data(catalog: &Catalog, data: &Value) -> Vec<Diagnostic> {
    let conflict = |path: &Path| {
        let message = format!("data.{} is both a rule and a document in data", path.join("."));
        Diagnostic::new("rego_compile_error", message).hint("rename one of them")
    };
    let taken = |path: &&Path| data.at(path.iter().map(String::as_str)).is_some();
    catalog.documents.keys().filter(taken).map(conflict).collect()
}

fn ready_rule() -> String {
    format!("data.{GATHERED}.ready")
}

/// Adds a rule for every inner node of the tree of documents, so that a whole package is evaluated as one document.
fn gather(engine: &mut Engine, catalog: &Catalog) -> Result<Vec<Path>, String> {
    let nodes: Vec<Path> = catalog.inner_nodes().into_iter().collect();
    let mut source = format!("package {GATHERED}\n\nready := true\n");
    for (number, node) in nodes.iter().enumerate() {
        let reference: String = node.iter().map(|segment| format!("[{}]", quoted(segment))).collect();
        source.push_str(&format!("node_{number} := data{reference}\n"));
    }
    engine.set_rego_v0(false);
    let added = engine.add_policy("gathered".to_owned(), source);
    added.map(|_| nodes).map_err(|error| error.to_string())
}

/// As a JSON text, which is a Rego text, too.
fn quoted(segment: &str) -> String {
    serde_json::Value::from(segment).to_string()
}
