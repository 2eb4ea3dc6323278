//! Running the tests that policy brings along: OPA's `test_` rules, and fixture files (requests with the decisions that
//! they must get). For `verdict test`, and for bundles that are activated only when their tests pass.
//!
//! INVARIANT (as the server does it): a case of a fixture file goes through `identity`, [`crate::pdp::input`] and
//! [`crate::pdp::decide`], as a call over the network does. Nothing here decides by itself.
//! INVARIANT (nothing passes by accident): what cannot be understood or evaluated is an error; sub-cases that are missing
//! from a rule's document have failed; a run without tests has not passed.
//!
//! Deliberately absent: reading files and printing reports (`cli`).
//!
//! Reading order: [`fixture`] → [`summary`] → `cases` (fixture files) → `rules` (`test_` rules) → `heads`.

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::{Duration, Instant};

use regex::Regex;

use crate::bundle::Candidate;
use crate::model::clock::{Clock, Timestamp};
use crate::pdp::snapshot::Snapshot;
use verdict_rego::CompileOptions;
use verdict_rego::coverage::Coverage;
use verdict_rego::{self, Diagnostic, Effects, EvalLimits, Host, Module, Program, Value};

mod caller;
mod cases;
pub mod fixture;
mod fixture_error;
mod fixture_value;
mod heads;
mod rules;
pub mod summary;
mod watched;

pub use fixture::is_fixture_file;
pub use fixture_error::FixtureError;
pub use summary::{Counts, Measured, Mismatch, Summary, TestKind, TestResult, Verdict};

/// What is tested: bundles, complete with their tests.
#[derive(Debug, Clone)]
pub struct Suite {
    /// Policy and `_test.rego` files.
    pub modules: Vec<Module>,
    /// The base documents.
    pub data: Value,
    /// Fixture files.
    pub fixtures: Vec<FixtureFile>,
}

/// A fixture file that was read.
#[derive(Debug, Clone)]
pub struct FixtureFile {
    /// Its name in messages and reports.
    pub file: String,
    /// Its text, YAML or JSON.
    pub text: String,
}

/// How tests are run.
#[derive(Debug, Clone)]
pub struct Options {
    /// Only tests whose name (`data.app_test.test_x`, or `file: case`) matches.
    pub filter: Option<Regex>,
    /// How long one test may take.
    pub timeout: Duration,
    /// The time that policy sees where a test sets none.
    pub clock: Clock,
    /// What is around policy. By default nothing: a test that calls others puts something in their place.
    pub surroundings: Arc<Host>,
    /// Whether what tests print is kept, and where they stopped.
    pub debug: bool,
    /// Whether to say which lines of policy ran.
    pub coverage: bool,
    /// How many `test_` rules run at a time.
    pub threads: NonZeroUsize,
    /// How long each test that passes is repeated, to measure it.
    pub bench: Option<Duration>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            filter: None,
            timeout: Duration::from_secs(5),
            clock: Clock::System,
            surroundings: Arc::default(),
            debug: false,
            coverage: false,
            threads: NonZeroUsize::MIN,
            bench: None,
        }
    }
}

impl Options {
    fn wants(&self, name: &str) -> bool {
        self.filter.as_ref().is_none_or(|filter| filter.is_match(name))
    }

    const fn limits(&self) -> EvalLimits {
        EvalLimits::within(self.timeout)
    }

    fn effects(&self) -> Effects {
        Effects::new(&self.surroundings)
    }
}

/// Why nothing was run.
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

/// Runs every test of the suite that the options want.
///
/// # Errors
/// Every problem that keeps the tests from being run; then none is run.
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
    let snapshot = snapshot(program, now);
    let mut coverage = options.coverage.then(|| Coverage::of(&snapshot.program));
    let mut tests = rules::run(&snapshot.program, options, now, &mut coverage);
    tests.extend(cases::run(&snapshot, &fixtures, options, now, &mut coverage));
    let coverage = coverage.map(|coverage| coverage.report());
    Ok(Summary { tests, coverage, elapsed: started.elapsed() })
}

/// Runs the tests of bundles that are about to be activated: a [`crate::bundle::TestRunner`].
///
/// # Errors
/// What failed, or that there is nothing to run: whoever asks for tests does not mean none.
pub fn before_activation(candidate: &Candidate<'_>) -> Result<(), String> {
    let Candidate { bundles, program } = candidate;
    let mut suite =
        Suite { modules: program.modules().to_vec(), data: program.data().clone(), fixtures: Vec::new() };
    for bundle in *bundles {
        suite.modules.extend(bundle.tests.iter().cloned());
        let files = bundle.fixtures.iter().map(|file| (file.name.as_str(), file.bytes.as_slice()));
        suite.fixtures.extend(fixture_files(&bundle.name, files)?);
    }
    let summary = run(&suite, &Options::default()).map_err(|problems| {
        let texts: Vec<String> = problems.iter().map(ToString::to_string).collect();
        texts.join("\n")
    })?;
    if summary.passed() {
        return Ok(());
    }
    let bad = |test: &&TestResult| matches!(test.verdict, Verdict::Failed(_) | Verdict::Errored(_));
    let names: Vec<String> = summary.tests.iter().filter(bad).map(TestResult::title).collect();
    if names.is_empty() {
        return Err("there is no test that passes; add `test_` rules or a `.fixtures.yaml` file".to_owned());
    }
    Err(names.join("; "))
}

/// The fixture files among a bundle's files; `prefix` goes before their names.
///
/// # Errors
/// A file that is not UTF-8, or one whose name nearly is that of a fixture file: its cases would never be run.
pub fn fixture_files<'a>(
    prefix: &str,
    files: impl Iterator<Item = (&'a str, &'a [u8])>,
) -> Result<Vec<FixtureFile>, String> {
    let mut fixtures = Vec::new();
    for (name, bytes) in files {
        let file = if prefix == "." { name.to_owned() } else { format!("{prefix}/{name}") };
        if is_fixture_file(name) {
            let text = String::from_utf8(bytes.to_vec());
            let text = text.map_err(|_| format!("`{file}` is not UTF-8; save it as UTF-8"))?;
            fixtures.push(FixtureFile { file, text });
        } else if name.rsplit('/').next().is_some_and(|base| base.contains("fixture")) {
            return Err(format!(
                "`{file}` looks like a fixture file, but would not be run; name it `….fixtures.yaml`"
            ));
        }
    }
    Ok(fixtures)
}

fn compile(modules: &[Module], data: &Value) -> Result<Program, Vec<Diagnostic>> {
    compile_for(modules, data, false)
}

fn compile_for(modules: &[Module], data: &Value, debug: bool) -> Result<Program, Vec<Diagnostic>> {
    verdict_rego::compile_for(modules.to_vec(), data.clone(), CompileOptions { debug, tests: true })
}

fn snapshot(program: Program, at: Timestamp) -> Snapshot {
    Snapshot::new(0, std::collections::BTreeMap::new(), program, at)
}
