//! `verdict parse`: what does a file say, as a syntax tree?
//!
//! Exit code, as `opa parse` has it: 0 with a tree, 1 without one. Errors go to standard error.

use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::json;

use super::print::{complain, print};
use verdict_rego::capabilities::is_builtin;
use verdict_rego::diagnostic::{SHOWN, listed};
use verdict_rego::syntax::Source;
use verdict_rego::syntax::parser::Options;
use verdict_rego::syntax::tree_json::{self, Include};
use verdict_rego::{Diagnostic, RegoVersion};

/// Arguments of `verdict parse`.
#[derive(Debug, Clone, clap::Args)]
pub struct ParseArgs {
    /// Output format
    #[arg(short, long, value_enum, default_value_t = Format::Pretty)]
    pub format: Format,
    /// Include `locations` or `comments` (the default) in JSON; a leading `-` leaves them out
    #[arg(
        long,
        value_name = "WHAT",
        value_delimiter = ',',
        value_parser = ["locations", "comments", "-locations", "-comments"],
        allow_hyphen_values = true
    )]
    pub json_include: Vec<String>,
    /// Read Rego v0, from before OPA 1.0
    #[arg(long)]
    pub v0_compatible: bool,
    /// Read Rego v1 (the default)
    #[arg(long)]
    pub v1_compatible: bool,
    /// Policy file
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
}

/// How a tree is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// An outline
    Pretty,
    /// In the shape of `opa parse --format json` and of `rego.parse_module`
    Json,
}

/// Runs the command.
pub fn run(args: &ParseArgs) -> ExitCode {
    match parse(args) {
        Ok(text) => {
            print(&text);
            ExitCode::SUCCESS
        }
        Err(errors) => {
            match args.format {
                Format::Pretty => {
                    complain(&listed(&errors, SHOWN));
                }
                Format::Json => {
                    let errors: Vec<_> = errors.iter().map(Diagnostic::to_policy_error).collect();
                    let text = serde_json::to_string_pretty(&json!({"errors": errors}));
                    super::print::note(&text.unwrap_or_default());
                }
            }
            ExitCode::from(1)
        }
    }
}

fn parse(args: &ParseArgs) -> Result<String, Vec<Diagnostic>> {
    let name = args.file.display().to_string();
    let unreadable = |why: &str| vec![Diagnostic::new("load_error", format!("cannot read `{name}`: {why}"))];
    let bytes = std::fs::read(&args.file).map_err(|error| unreadable(&error.to_string()))?;
    let text = String::from_utf8(bytes).map_err(|_| unreadable("it is not UTF-8"))?;
    let source = Source::new(name.as_str(), text);
    let version = if args.v0_compatible { RegoVersion::V0 } else { RegoVersion::V1 };
    let options = Options { is_builtin, ..Options::default() };
    // Of what is said twice, the last one counts.
    let wanted = |what: &str, default: bool| {
        let said = args.json_include.iter().rev().find(|said| said.trim_start_matches('-') == what);
        said.map_or(default, |said| said == what)
    };
    let include = Include {
        locations: wanted("locations", false),
        comments: wanted("comments", true),
        annotations: true,
        max_depth: usize::MAX,
    };
    let finish = |tree| match args.format {
        Format::Pretty => Ok(tree_json::pretty(&tree)),
        Format::Json => serde_json::to_string_pretty(&tree).map(|text| text + "\n"),
    };
    let text = tree_json::parse(&source, version, options, include, finish).map_err(|errors| {
        errors.into_iter().map(|error| Diagnostic::of_syntax(&source, error)).collect::<Vec<_>>()
    })?;
    text.map_err(|error| vec![Diagnostic::new("parse_error", error.to_string())])
}
