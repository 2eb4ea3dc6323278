//! Runs policy tests: `test_` rules, as in OPA, and fixture files (requests with the expected decisions). For
//! `verdict test`, and for bundles that are activated only if their tests pass.
//!
//! INVARIANT (as the server does it): a case of a fixture file goes through `identity`, [`crate::pdp::input`] and
//! [`crate::pdp::decide`], like a call over the network. No decision is made here.
//! INVARIANT (nothing passes by accident): a test that cannot be parsed or evaluated is an error; sub-cases that are missing
//! from a rule's document fail; a run without tests does not pass.
//!
//! Deliberately absent: reading files and printing reports (`cli`).
//!
//! Reading order: `suite` → [`fixture`] → [`summary`] → `cases` (fixture files) → `rules` (`test_` rules) → `heads`.

use std::fmt;
use std::time::Instant;

use crate::bundle::{Candidate, is_fixture_file};
use verdict_rego::Diagnostic;
use verdict_rego::coverage::Coverage;

mod caller;
mod cases;
pub mod fixture;
mod fixture_caller;
pub mod fixture_credential;
mod fixture_document;
mod fixture_error;
mod fixture_value;
mod heads;
mod mint;
mod rules;
mod suite;
pub mod summary;
mod watched;

pub use fixture_error::FixtureError;
use suite::compile_for;
pub use suite::{Explained, FixtureFile, Options, Suite};
pub use summary::{Counts, Measured, Mismatch, Summary, TestKind, TestResult, Verdict};

/// Why the tests were not run.
#[derive(Debug, Clone)]
pub enum Problem {
    /// The policy does not compile.
    Policy(Diagnostic),
    /// A fixture file cannot be used.
    Fixture(FixtureError),
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Policy(diagnostic) => diagnostic.fmt(f),
            Self::Fixture(error) => error.fmt(f),
        }
    }
}

/// Runs the tests of the suite that the options select.
///
/// # Errors
/// Every problem that prevents the run; then no test is run.
pub fn run(suite: &Suite, options: &Options) -> Result<Summary, Vec<Problem>> {
    let started = Instant::now();
    let (mut fixtures, mut problems) = (Vec::new(), Vec::new());
    for FixtureFile { file, text } in &suite.fixtures {
        match fixture::parse(file, text) {
            Ok(cases) => fixtures.extend(cases),
            Err(errors) => problems.extend(errors.into_iter().map(Problem::Fixture)),
        }
    }
    let compiled = compile_for(&suite.modules, &suite.data, options.debug);
    let program = match compiled {
        Ok(program) if problems.is_empty() => program,
        Ok(_) => return Err(problems),
        Err(errors) => return Err(errors.into_iter().map(Problem::Policy).chain(problems).collect()),
    };
    let now = options.clock.now();
    let mut coverage = options.coverage.then(|| Coverage::of(&program));
    let mut tests = match suite.fixtures_only {
        true => Vec::new(),
        false => rules::run(&program, options, now, &mut coverage),
    };
    tests.extend(cases::run(&program, &fixtures, options, now, &mut coverage));
    let coverage = coverage.map(|coverage| coverage.report());
    let wanted = fixtures.into_iter().filter(|case| options.wants(&case.title()));
    let warnings = wanted.filter_map(|case| case.warning).collect();
    Ok(Summary { tests, coverage, warnings, elapsed: started.elapsed() })
}

/// Runs the tests of bundles before their activation: a [`crate::bundle::TestRunner`].
///
/// # Errors
/// The tests that failed. A run without tests is an error, too.
pub fn before_activation(candidate: &Candidate<'_>) -> Result<(), String> {
    let Candidate { bundles, program, strict } = candidate;
    let (modules, data) = (program.modules().to_vec(), program.data().clone());
    let mut suite = Suite { modules, data, fixtures: Vec::new(), fixtures_only: false };
    for bundle in *bundles {
        suite.modules.extend(bundle.tests.iter().cloned());
        let files = bundle.fixtures.iter().map(|file| (file.name.as_str(), file.bytes.as_slice()));
        suite.fixtures.extend(fixture_files(&bundle.name, files)?);
    }
    let summary = run(&suite, &Options { strict: *strict, ..Options::default() }).map_err(|problems| {
        let texts: Vec<String> = problems.iter().map(ToString::to_string).collect();
        texts.join("\n")
    })?;
    if summary.passed() {
        return Ok(());
    }
    let bad = |test: &&TestResult| matches!(test.verdict, Verdict::Failed(_) | Verdict::Errored(_));
    let names: Vec<String> = summary.tests.iter().filter(bad).map(TestResult::title).collect();
    if names.is_empty() {
        return Err("no test passed; add `test_` rules or a `.fixtures.yaml` file".to_owned());
    }
    Err(names.join("; "))
}

/// The fixture files among a bundle's files; `prefix` is prepended to their names.
///
/// # Errors
/// A file that is not UTF-8, or whose name is almost that of a fixture file: its cases would never be run.
pub fn fixture_files<'a>(
    prefix: &str,
    files: impl Iterator<Item = (&'a str, &'a [u8])>,
) -> Result<Vec<FixtureFile>, String> {
    let mut fixtures = Vec::new();
    for (name, bytes) in files {
        let file = if matches!(prefix, "" | ".") { name.to_owned() } else { format!("{prefix}/{name}") };
        if is_fixture_file(name) {
            let text = String::from_utf8(bytes.to_vec());
            let text = text.map_err(|_| format!("`{file}` is not UTF-8; save it as UTF-8"))?;
            fixtures.push(FixtureFile { file, text });
        } else if name.rsplit('/').next().is_some_and(|base| base.contains("fixture")) {
            return Err(format!(
                "`{file}` looks like a fixture file but would not be run; rename it to `….fixtures.yaml`"
            ));
        }
    }
    Ok(fixtures)
}
