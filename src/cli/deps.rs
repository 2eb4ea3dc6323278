//! `verdict deps`: which documents does a query depend on?
//!
//! Exit code, as `opa deps` has it: 0 with an answer, 1 without one.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::print::{complain, print};
use super::reading::ReadingArgs;
use super::sources;
use super::table::table;
use super::terminal::Terminal;
use verdict_rego::capabilities::is_builtin;
use verdict_rego::dependencies::{Dependencies, Path, dependencies, reference_text};
use verdict_rego::diagnostic::{SHOWN, listed};
use verdict_rego::syntax::Source;
use verdict_rego::syntax::on_large_stack;
use verdict_rego::syntax::parser::{Options, parse_module, parse_query};
use verdict_rego::{Diagnostic, RegoVersion};

/// Arguments of `verdict deps`.
#[derive(Debug, Clone, clap::Args)]
pub struct DepsArgs {
    /// Bundle: a directory or an archive; repeatable
    #[arg(short, long, value_name = "PATH")]
    pub bundle: Vec<PathBuf>,
    /// Policy or data file, or a directory of them; repeatable
    #[arg(short, long, value_name = "PATH")]
    pub data: Vec<PathBuf>,
    /// Output format
    #[arg(short, long, value_enum, default_value_t = Format::Pretty)]
    pub format: Format,
    /// Query, e.g. `data.app.allow`
    #[arg(value_name = "QUERY")]
    pub query: String,
    /// How policy is read, and what it is held to
    #[command(flatten)]
    pub reading: ReadingArgs,
}

/// How documents are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// A table
    Pretty,
    /// In the shape of `opa deps --format json`
    Json,
}

/// Runs the command.
pub fn run(args: &DepsArgs) -> ExitCode {
    match on_large_stack(|| deps(args)) {
        Ok(found) => {
            print(&match args.format {
                Format::Pretty => pretty(&found),
                Format::Json => as_json(&found),
            });
            ExitCode::SUCCESS
        }
        Err(message) => {
            complain(&message);
            ExitCode::from(1)
        }
    }
}

fn deps(args: &DepsArgs) -> Result<Dependencies, String> {
    let query = Source::new("query", args.query.as_str());
    let body = parse_query(&query, RegoVersion::V1).map_err(|errors| {
        let errors = errors.into_iter().map(|error| Diagnostic::of_syntax(&query, error));
        listed(&errors.collect::<Vec<_>>(), SHOWN)
    })?;
    let program = sources::load_together(&args.bundle, &args.data, &args.reading)
        .map_err(|problem| problem.to_string())?;
    let options = Options { is_builtin, ..Options::default() };
    let read = |module: &verdict_rego::Module| {
        // It was compiled just now, so that it can be read.
        parse_module(&Source::new(module.id.as_str(), Arc::clone(&module.source)), module.version, options)
            .ok()
    };
    let modules: Vec<_> = program.modules().iter().filter_map(read).collect();
    Ok(dependencies(&modules, &body))
}

fn as_json(found: &Dependencies) -> String {
    let terms = |path: &Path| {
        let term = |(at, part): (usize, &verdict_rego::Value)| {
            let kind = if at == 0 { "var" } else { part.type_name() };
            json!({"type": kind, "value": part})
        };
        path.iter().enumerate().map(term).collect::<Value>()
    };
    let mut out = Map::new();
    for (name, paths) in [("base", &found.base), ("virtual", &found.defined)] {
        if !paths.is_empty() {
            out.insert(name.to_owned(), paths.iter().map(terms).collect());
        }
    }
    serde_json::to_string_pretty(&out).unwrap_or_default() + "\n"
}

/// A column for each kind of which there is any.
fn pretty(found: &Dependencies) -> String {
    let texts = |paths: &BTreeSet<Path>| paths.iter().map(|path| reference_text(path)).collect::<Vec<_>>();
    let columns = [("BASE DOCUMENTS", texts(&found.base)), ("VIRTUAL DOCUMENTS", texts(&found.defined))];
    let columns: Vec<_> = columns.into_iter().filter(|(_, texts)| !texts.is_empty()).collect();
    let height = columns.iter().map(|(_, texts)| texts.len()).max().unwrap_or_default();
    let row =
        |at: usize| columns.iter().map(|(_, texts)| texts.get(at).cloned().unwrap_or_default()).collect();
    let rows: Vec<Vec<String>> = (0..height).map(row).collect();
    let head: Vec<&str> = columns.iter().map(|(name, _)| *name).collect();
    if rows.is_empty() { String::new() } else { table(Some(&head), &rows, Terminal::out().width) }
}
