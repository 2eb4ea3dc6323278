//! Runs `test_` rules, as in OPA: a rule that is `true` passes, any other fails.

use std::collections::BTreeSet;
use std::panic::resume_unwind;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use super::heads;
use super::suite::{Explained, Options, compile};
use super::summary::{Mismatch, TestKind, TestResult, Verdict};
use super::watched::{self, Seen};
use crate::model::clock::Timestamp;
use verdict_rego::TestRule;
use verdict_rego::coverage::Coverage;
use verdict_rego::dependencies::reference_text;
use verdict_rego::{Evaluation, Module, Program, RegoVersion, STACK, Value};
use verdict_rego::{Location, PolicyError};

/// What the tests of a run share.
struct Run<'p, 'o> {
    program: &'p Program,
    counting: Option<Result<Program, String>>,
    options: &'o Options,
    now: Timestamp,
}

pub(super) fn run<'p>(
    program: &'p Program,
    options: &Options,
    now: Timestamp,
    coverage: &mut Option<Coverage<'p>>,
) -> Vec<TestResult> {
    let wanted = |rule: &TestRule| options.wants(&format!("{}.{}", package(rule), rule.name));
    let rules: Vec<TestRule> = program.test_rules().into_iter().filter(wanted).collect();
    let counting = rules.iter().any(|rule| rule.has_cases).then(|| counting_program(program));
    let run = Run { program, counting, options, now };
    let next = AtomicUsize::new(0);
    let (done, covered) = (Mutex::new(Vec::new()), Mutex::new(coverage.take()));
    let work = || {
        let mut own = options.coverage.then(|| Coverage::of(program));
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let Some(rule) = rules.get(number) else { break };
            let result = run.one(rule, &mut own);
            if let Ok(mut done) = done.lock() {
                done.push((number, result));
            }
        }
        if let (Ok(mut all), Some(own)) = (covered.lock(), own)
            && let Some(all) = all.as_mut()
        {
            all.add(&own);
        }
    };
    // Benchmarks in parallel would disturb each other.
    let threads = if options.bench.is_some() { 1 } else { options.threads.get().min(rules.len()) };
    if threads <= 1 {
        work();
    } else {
        thread::scope(|scope| {
            let start = |_| thread::Builder::new().stack_size(STACK + (1 << 20)).spawn_scoped(scope, work);
            let started: Vec<_> = (0..threads).map(start).collect();
            if started.iter().all(Result::is_err) {
                work();
            }
            for thread in started.into_iter().flatten() {
                thread.join().unwrap_or_else(|panic| resume_unwind(panic));
            }
        });
    }
    *coverage = covered.into_inner().unwrap_or_default();
    let mut done = done.into_inner().unwrap_or_default();
    done.sort_by_key(|(number, _)| *number);
    done.into_iter().map(|(_, result)| result).collect()
}

/// The package, as OPA writes it: `data.app["by-user"]`.
fn package(rule: &TestRule) -> String {
    let path = std::iter::once("data").chain(rule.package.iter().map(String::as_str));
    reference_text(&path.map(Value::from).collect::<Vec<_>>())
}

/// The program with an additional rule for every test rule with sub-cases, or the error if it does not compile.
fn counting_program(program: &Program) -> Result<Program, String> {
    let mut counts = heads::Counts::new();
    let with_cases = |module: &Module| match heads::with_cases(&module.source, &mut counts) {
        Some(source) if module.version != RegoVersion::V0 => {
            Module { source: source.into(), ..module.clone() }
        }
        _ => module.clone(),
    };
    let modules: Vec<Module> = program.modules().iter().map(with_cases).collect();
    compile(&modules, program.data()).map_err(|errors| {
        let first = errors.first().map_or_else(String::new, ToString::to_string);
        format!(
            "cannot determine the cases of the rule: {first}\nhint: bind the name of the case before the conditions, e.g. \
             `some note, tc in {{\"first\": {{…}}}}`"
        )
    })
}

impl<'p> Run<'p, '_> {
    fn one(&self, rule: &TestRule, coverage: &mut Option<Coverage<'p>>) -> TestResult {
        let result = |verdict, cases, elapsed| TestResult {
            suite: package(rule),
            name: rule.name.clone(),
            kind: TestKind::Rule,
            location: Some(rule.location.clone()),
            verdict,
            cases,
            output: String::new(),
            stopped: None,
            explanation: None,
            measured: None,
            elapsed,
        };
        if rule.name.split('.').any(|part| part.starts_with("todo_test_")) {
            return result(Verdict::Skipped, Vec::new(), Duration::ZERO);
        }
        let limits = self.options.limits();
        let Seen { evaluation, output, elapsed } =
            watched::evaluate(self.program, &rule.path, None, self.now.0, self.options, coverage);
        let (verdict, cases) = self.judge(rule, evaluation);
        let failed = matches!(verdict, Verdict::Failed(_)) && self.options.debug && cases.is_empty();
        let ask =
            || self.program.evaluate_in(&rule.path, None, self.now.0, &limits, &mut self.options.effects());
        let measured = self.options.bench.filter(|_| verdict == Verdict::Passed);
        TestResult {
            explanation: self.explanation(rule, &verdict),
            stopped: failed
                .then(|| watched::stopped(self.program, &rule.path, self.now.0, self.options))
                .flatten(),
            measured: measured.map(|time| watched::measure(time, ask)),
            output,
            ..result(verdict, cases, elapsed)
        }
    }

    /// Why a test came out as it did.
    fn explanation(&self, rule: &TestRule, verdict: &Verdict) -> Option<String> {
        let wanted = self.options.explain.wants(verdict);
        let holding = self.options.explain == Explained::All;
        wanted.then(|| watched::trace(self.program, &rule.path, self.now.0, self.options, holding))
    }

    fn judge(&self, rule: &TestRule, evaluation: Evaluation) -> (Verdict, Vec<(Vec<String>, bool)>) {
        let verdict = match evaluation {
            Evaluation::Error(failure) => {
                let message = describe(&failure.message, failure.policy.as_deref());
                Verdict::Errored(message + hint(failure.policy.as_deref()))
            }
            Evaluation::Defined { left_out: Some(error), .. } => {
                Verdict::Errored(format!("{}{}", error.message, hint(Some(&error))))
            }
            Evaluation::Defined { value, .. } if rule.has_cases => match self.cases(rule) {
                Ok(wanted) => return judge_cases(&value, &wanted),
                Err(message) => Verdict::Errored(message),
            },
            Evaluation::Defined { value, .. } if value.as_bool() == Some(true) => Verdict::Passed,
            Evaluation::Defined { value, .. } => differs(&value.to_string()),
            Evaluation::Undefined(_) => differs("undefined: a condition of the rule does not hold"),
        };
        (verdict, Vec::new())
    }

    /// The keys of all cases of the rule.
    fn cases(&self, rule: &TestRule) -> Result<BTreeSet<Value>, String> {
        let unknown = || "cannot determine the cases of the rule".to_owned();
        let program = match &self.counting {
            Some(Ok(program)) => program,
            Some(Err(message)) => return Err(message.clone()),
            None => return Err(unknown()),
        };
        let mut path = rule.path.clone();
        path.pop();
        path.push(heads::cases_rule(&rule.name));
        match program.evaluate_in(
            &path,
            None,
            self.now.0,
            &self.options.limits(),
            &mut self.options.effects(),
        ) {
            Evaluation::Defined { value, left_out: None } => {
                Ok(value.elements().into_iter().cloned().collect())
            }
            Evaluation::Defined { left_out: Some(error), .. } => Err(error.message),
            Evaluation::Error(failure) => Err(describe(&failure.message, failure.policy.as_deref())),
            Evaluation::Undefined(_) => Err(unknown()),
        }
    }
}

/// A case is named by its keys, as JSON where they are no text.
///
/// INVARIANT (nothing passes by accident): a case that is not in the document fails, and so does a rule without cases.
fn judge_cases(document: &Value, wanted: &BTreeSet<Value>) -> (Verdict, Vec<(Vec<String>, bool)>) {
    let mut cases = Vec::new();
    for keys in wanted {
        let keys = keys.elements();
        let mut here = Some(document);
        for key in &keys {
            here = here.and_then(|value| value.lookup(key));
        }
        cases.push((
            keys.iter().map(|key| key_text(key)).collect(),
            here.and_then(Value::as_bool) == Some(true),
        ));
    }
    let failed = cases.iter().filter(|(_, passed)| !passed);
    let failed: Vec<String> = failed.map(|(keys, _): &(Vec<String>, bool)| keys.join(", ")).collect();
    let verdict = if cases.is_empty() {
        differs("no cases")
    } else if failed.is_empty() {
        Verdict::Passed
    } else {
        differs(&format!("{} of {} cases failed: {}", failed.len(), cases.len(), failed.join(", ")))
    };
    (verdict, cases)
}

fn key_text(key: &Value) -> String {
    key.as_str().map_or_else(|| key.to_string(), str::to_owned)
}

fn differs(got: &str) -> Verdict {
    let (what, expected, got) = ("the rule's value".to_owned(), "true".to_owned(), got.to_owned());
    Verdict::Failed(vec![Mismatch { what, expected, got }])
}

/// What to do about an error of a built-in, which is none in OPA.
fn hint(policy: Option<&PolicyError>) -> &'static str {
    match policy.map(|policy| policy.code) {
        Some("eval_builtin_error" | "eval_type_error") => {
            "\nhint: with `--builtin-errors undefined` (`decision.builtin_errors` in the server's configuration) it would be \
             undefined, as in OPA"
        }
        _ => "",
    }
}

/// A failure's message, with its location in policy if there is one.
pub(super) fn describe(message: &str, policy: Option<&PolicyError>) -> String {
    match policy.and_then(|policy| policy.location.as_ref()) {
        Some(Location { file, row, col }) => format!("{file}:{row}:{col}: {message}"),
        None => message.to_owned(),
    }
}
