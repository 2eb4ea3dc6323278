//! What is tested, and how: shared by all kinds of tests.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use regex::Regex;

use crate::model::clock::{Clock, Timestamp};
use crate::pdp::snapshot::Snapshot;
use verdict_rego::{CompileOptions, Diagnostic, Effects, EvalLimits, Host, Module, Program, Value};

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
    pub(super) fn wants(&self, name: &str) -> bool {
        self.filter.as_ref().is_none_or(|filter| filter.is_match(name))
    }

    pub(super) const fn limits(&self) -> EvalLimits {
        EvalLimits::within(self.timeout)
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

pub(super) fn snapshot(program: Program, at: Timestamp) -> Snapshot {
    Snapshot::new(0, BTreeMap::new(), program, at)
}
