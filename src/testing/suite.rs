//! Test suites and options, shared by all kinds of tests.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use regex::Regex;

use super::summary::Verdict;
use crate::model::clock::Clock;
use verdict_rego::{CompileOptions, Diagnostic, Effects, EvalLimits, Host, Module, Program, Strict, Value};

/// The bundles under test, with their tests.
#[derive(Debug, Clone)]
pub struct Suite {
    /// Policy and `_test.rego` files.
    pub modules: Vec<Module>,
    /// The base documents.
    pub data: Value,
    /// Fixture files.
    pub fixtures: Vec<FixtureFile>,
    /// Whether only the cases of fixture files are run, and no `test_` rules.
    pub fixtures_only: bool,
}

/// A fixture file that was read.
#[derive(Debug, Clone)]
pub struct FixtureFile {
    /// Its name in messages and reports.
    pub file: String,
    /// Its text, YAML or JSON.
    pub text: String,
}

/// Options of a test run.
#[derive(Debug, Clone)]
pub struct Options {
    /// Only tests whose name (`data.app_test.test_x`, or `file: case`) matches.
    pub filter: Option<Regex>,
    /// Time limit for each test.
    pub timeout: Duration,
    /// The time that policy sees if a test sets none.
    pub clock: Clock,
    /// The environment of policy. Empty by default: a test that makes network calls must mock them.
    pub surroundings: Arc<Host>,
    /// Which errors of built-ins end an evaluation.
    pub strict: Strict,
    /// Whether to record what tests print and where they stop.
    pub debug: bool,
    /// Which tests are explained.
    pub explain: Explained,
    /// Whether to record coverage.
    pub coverage: bool,
    /// The number of `test_` rules that run in parallel.
    pub threads: NonZeroUsize,
    /// How long each passing test is repeated as a benchmark.
    pub bench: Option<Duration>,
}

/// Which tests are explained.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Explained {
    /// None.
    #[default]
    None,
    /// Those that fail.
    Failing,
    /// All.
    All,
}

impl Explained {
    pub(super) const fn wants(self, verdict: &Verdict) -> bool {
        match self {
            Self::None => false,
            Self::Failing => matches!(verdict, Verdict::Failed(_) | Verdict::Errored(_)),
            Self::All => true,
        }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            filter: None,
            timeout: Duration::from_secs(5),
            clock: Clock::System,
            surroundings: Arc::default(),
            strict: Strict::Functions,
            debug: false,
            explain: Explained::default(),
            coverage: false,
            threads: NonZeroUsize::MIN,
            bench: None,
        }
    }
}

impl Options {
    pub(super) fn wants(&self, name: &str) -> bool {
        self.filter.as_ref().is_none_or(|filter| filter.is_match(name))
    }

    pub(super) const fn limits(&self) -> EvalLimits {
        EvalLimits { strict: self.strict, ..EvalLimits::within(self.timeout) }
    }

    pub(super) fn effects(&self) -> Effects {
        Effects::new(&self.surroundings)
    }
}

pub(super) fn compile(modules: &[Module], data: &Value) -> Result<Program, Vec<Diagnostic>> {
    compile_for(modules, data, false)
}

pub(super) fn compile_for(modules: &[Module], data: &Value, debug: bool) -> Result<Program, Vec<Diagnostic>> {
    verdict_rego::compile_for(modules.to_vec(), data.clone(), CompileOptions { debug, tests: true })
}
