//! `verdict fmt`: policy in the layout of `opa fmt`.
//!
//! INVARIANT (nothing broken): a file is written only if its new text parses, has every comment, and says the same; it is
//! replaced as a whole or not at all.
//!
//! Exit code, as `opa fmt` has it: 0 when all is well; 1 when a path cannot be used; 2 when a file does not parse or has no
//! layout, or with `--fail` would change. The highest counts.

use std::path::PathBuf;
use std::process::ExitCode;

use super::print::{coloured, complain, print};
use verdict_rego::capabilities::is_builtin;
use verdict_rego::diagnostic::{SHOWN, listed};
use verdict_rego::refusals_of_v1;
use verdict_rego::syntax::Source;
use verdict_rego::syntax::ast::Version;
use verdict_rego::syntax::format::excerpts;
use verdict_rego::syntax::format::{self, Options, Target};
use verdict_rego::syntax::parser::{self, parse_module};

mod diff;
mod files;

/// Arguments of `verdict fmt`.
#[derive(Debug, Clone, clap::Args)]
pub struct FmtArgs {
    /// Files, or directories whose `.rego` files are formatted [default: standard input]
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Overwrite the files instead of printing the result
    #[arg(short, long)]
    pub write: bool,
    /// Print only a diff of the changes
    #[arg(short, long)]
    pub diff: bool,
    /// Print only the names of files that would change
    #[arg(short, long)]
    pub list: bool,
    /// Exit with 2 if a file would change
    #[arg(long)]
    pub fail: bool,
    /// Check that the result parses and has the same meaning; `--write` always does
    #[arg(
        long,
        value_name = "BOOL",
        default_value_t = true,
        action = clap::ArgAction::Set,
        num_args = 0..=1,
        default_missing_value = "true",
        require_equals = true
    )]
    pub check_result: bool,
    /// Read and write Rego v0
    #[arg(long)]
    pub v0_compatible: bool,
    /// Read Rego v1 (the default, except with `--v0-v1`)
    #[arg(long)]
    pub v1_compatible: bool,
    /// Read Rego v0 (v1 with `--v1-compatible`) and write Rego that is valid in both
    #[arg(long, visible_alias = "rego-v1")]
    pub v0_v1: bool,
    /// Remove imports of `rego.v1` and `future.keywords` that are not needed
    #[arg(long)]
    pub drop_v0_imports: bool,
}

impl FmtArgs {
    /// What `--v0-compatible`, `--v1-compatible` and `--v0-v1` say together, as for `opa fmt`.
    const fn versions(&self) -> (Version, Target) {
        let read = match (self.v0_compatible, self.v1_compatible, self.v0_v1) {
            (true, _, _) | (false, false, true) => Version::V0,
            _ => Version::V1,
        };
        let target = match (self.v0_v1, self.v0_compatible) {
            (true, _) => Target::V0AndV1,
            (false, true) => Target::V0,
            (false, false) => Target::V1,
        };
        (read, target)
    }
}

/// What became of one text.
enum Outcome {
    Same,
    Changed,
    /// It does not parse, or has no layout.
    Wrong(String),
    /// It could not be read or written.
    Failed(String),
}

/// Runs the command.
pub fn run(args: &FmtArgs) -> ExitCode {
    if args.paths.is_empty() {
        if args.write {
            complain("`--write` needs a path: what comes from standard input cannot be replaced");
            return ExitCode::from(2);
        }
        let outcome = match files::stdin() {
            Ok(bytes) => one(args, "stdin", &bytes, None),
            Err(message) => Outcome::Failed(message),
        };
        return ExitCode::from(report(args, "stdin", &outcome));
    }
    let (mut code, mut wrong) = (0, 0_usize);
    let mut done = |name: &str, outcome: &Outcome| {
        wrong += usize::from(matches!(outcome, Outcome::Wrong(_) | Outcome::Failed(_)));
        code = code.max(if wrong > SHOWN { outcome.code(args) } else { report(args, name, outcome) });
    };
    for path in &args.paths {
        match files::below(path) {
            Ok(files) => {
                for file in files {
                    let name = files::shown(&file);
                    let outcome = match files::read(&file) {
                        Ok(bytes) => one(args, &name, &bytes, Some(&file)),
                        Err(message) => Outcome::Failed(message),
                    };
                    done(&name, &outcome);
                }
            }
            Err(message) => done("", &Outcome::Failed(message)),
        }
    }
    if wrong > SHOWN {
        complain(&format!("{} more files have errors, {wrong} in all", wrong - SHOWN));
    }
    ExitCode::from(code)
}

impl Outcome {
    /// The exit code.
    const fn code(&self, args: &FmtArgs) -> u8 {
        match self {
            Self::Same => 0,
            Self::Changed if !args.fail => 0,
            Self::Changed | Self::Wrong(_) => 2,
            Self::Failed(_) => 1,
        }
    }
}

/// Says what is to be said on standard error; gives the exit code.
fn report(args: &FmtArgs, name: &str, outcome: &Outcome) -> u8 {
    match outcome {
        Outcome::Changed if args.fail && !args.list && !args.diff => {
            complain(&format!("`{name}` is not formatted; `verdict fmt --diff` shows what would change"));
        }
        Outcome::Same | Outcome::Changed => {}
        Outcome::Wrong(message) | Outcome::Failed(message) => complain(message),
    }
    outcome.code(args)
}

/// Lays out one text, and prints or writes what was asked for.
fn one(args: &FmtArgs, name: &str, bytes: &[u8], file: Option<&PathBuf>) -> Outcome {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
            let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
            let column = before.rsplit(|byte| *byte == b'\n').next().map_or(0, <[u8]>::len) + 1;
            return Outcome::Wrong(format!("{name}:{line}:{column}: not UTF-8; save the file as UTF-8"));
        }
    };
    let formatted = match formatted(args, name, text) {
        Ok(formatted) => formatted,
        Err(message) => return Outcome::Wrong(message),
    };
    let changed = formatted != text;
    if args.list {
        if changed {
            print(&format!("{name}\n"));
        }
    } else if args.diff {
        if changed {
            print(&diff::unified(name, text, &formatted, coloured()));
        }
    } else if args.fail && changed {
        // As for `opa fmt`: what fails neither prints nor writes.
    } else if let (true, Some(file)) = (args.write, file) {
        if changed && let Err(message) = files::replace(file, &formatted) {
            return Outcome::Failed(message);
        }
    } else {
        print(&formatted);
    }
    if changed { Outcome::Changed } else { Outcome::Same }
}

fn formatted(args: &FmtArgs, name: &str, text: &str) -> Result<String, String> {
    let (version, target) = args.versions();
    let source = Source::new(name, text);
    let reading = parser::Options { is_builtin, ..Default::default() };
    let module = parse_module(&source, version, reading).map_err(|errors| {
        let sum = if errors.len() == 1 { "1 error".to_owned() } else { format!("{} errors", errors.len()) };
        format!("{sum}\n{}", excerpts(&source, errors))
    })?;
    if target != Target::V0 {
        let refused = refusals_of_v1(&module);
        if !refused.is_empty() {
            return Err(format!("`{name}` cannot be formatted\n{}", listed(&refused, SHOWN)));
        }
    }
    let options = Options { target, drop_v0_imports: args.drop_v0_imports };
    if args.check_result || args.write {
        return format::format(&module, options).map_err(|refused| {
            format!(
                "{name}: {}\nnothing was written; `--check-result=false` without `--write` shows the text",
                refused.to_string().trim_end()
            )
        });
    }
    Ok(format::format_unchecked(&module, options))
}
