//! OPA's `test_` rules: `true` has passed, anything else has not.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use super::heads::{self, Head};
use super::summary::{Mismatch, TestKind, TestResult, Verdict};
use super::{Options, compile};
use crate::model::clock::Timestamp;
use crate::model::failure::{Failure, Location};
use crate::model::request::EntryPath;
use crate::rego::{Evaluation, Module, Program, RegoVersion, Value};

/// One test rule: its package, its name, and where it stands.
struct Rule {
    path: EntryPath,
    package: String,
    name: String,
    location: Option<Location>,
    has_cases: bool,
}

pub(super) fn run(program: &Program, options: &Options, now: Timestamp) -> Vec<TestResult> {
    let rules: Vec<Rule> = find(program)
        .into_iter()
        .filter(|rule| options.wants(&format!("{}.{}", rule.package, rule.name)))
        .collect();
    let counting = rules.iter().any(|rule| rule.has_cases).then(|| counting_program(program));
    rules.iter().map(|rule| run_one(program, counting.as_ref(), rule, options, now)).collect()
}

/// Every test rule of the program, in the order of packages and files.
fn find(program: &Program) -> Vec<Rule> {
    let mut heads: BTreeMap<String, Vec<(&Module, Head)>> = BTreeMap::new();
    for module in program.modules() {
        for head in heads::heads(&module.source) {
            heads.entry(head.name.clone()).or_default().push((module, head));
        }
    }
    let mut rules: Vec<Rule> = program.entry_paths().filter_map(|path| rule(path, &heads)).collect();
    let place = |rule: &Rule| rule.location.as_ref().map(|at| (at.file.clone(), at.row));
    rules.sort_by_key(|rule| (rule.package.clone(), place(rule)));
    rules
}

fn rule(path: EntryPath, heads: &BTreeMap<String, Vec<(&Module, Head)>>) -> Option<Rule> {
    let (name, package) = path.segments().split_last()?;
    if !name.starts_with("test_") && !name.starts_with("todo_test_") {
        return None;
    }
    let here = |(module, _): &&(&Module, Head)| heads::package(&module.source).as_deref() == Some(package);
    let found: Vec<&(&Module, Head)> = heads.get(name).into_iter().flatten().filter(here).collect();
    let at = |(module, head): &(&Module, Head)| Location { file: module.id.clone(), row: head.row, col: 1 };
    Some(Rule {
        package: format!("data.{}", package.join(".")),
        name: name.clone(),
        location: found.first().map(|found| at(found)),
        has_cases: found.iter().any(|(_, head)| !head.keys.is_empty()),
        path,
    })
}

/// The program with a rule more for every test rule that has sub-cases; the error's text where that does not compile.
fn counting_program(program: &Program) -> Result<Program, String> {
    let with_cases = |module: &Module| match heads::with_cases(&module.source) {
        Some(source) if module.version == RegoVersion::V1 => {
            Module { source: source.into(), ..module.clone() }
        }
        _ => module.clone(),
    };
    let modules: Vec<Module> = program.modules().iter().map(with_cases).collect();
    compile(&modules, program.data()).map_err(|errors| {
        let first = errors.first().map_or_else(String::new, ToString::to_string);
        format!(
            "cannot tell which cases the rule has: {first}\nhint: bind the case's name before the conditions, e.g. \
             `some note, tc in {{\"first\": {{…}}}}`"
        )
    })
}

fn run_one(
    program: &Program,
    counting: Option<&Result<Program, String>>,
    rule: &Rule,
    options: &Options,
    now: Timestamp,
) -> TestResult {
    let result = |verdict, cases, elapsed| TestResult {
        suite: rule.package.clone(),
        name: rule.name.clone(),
        kind: TestKind::Rule,
        location: rule.location.clone(),
        verdict,
        cases,
        elapsed,
    };
    if rule.name.starts_with("todo_") {
        return result(Verdict::Skipped, Vec::new(), Duration::ZERO);
    }
    let started = Instant::now();
    let evaluation = program.evaluate_in(&rule.path, None, now, &options.limits(), &mut options.effects());
    let elapsed = started.elapsed();
    let (verdict, cases) = match evaluation {
        Evaluation::Error(failure) => (Verdict::Errored(describe(&failure)), Vec::new()),
        Evaluation::Defined { left_out: Some(error), .. } => (Verdict::Errored(error.message), Vec::new()),
        Evaluation::Defined { value, .. } if rule.has_cases => match counted(counting, rule, options, now) {
            Ok(wanted) => judge_cases(&value, &wanted),
            Err(message) => (Verdict::Errored(message), Vec::new()),
        },
        Evaluation::Defined { value, .. } if value.as_bool() == Some(true) => (Verdict::Passed, Vec::new()),
        Evaluation::Defined { value, .. } => (differs(&value.to_string()), Vec::new()),
        Evaluation::Undefined(_) => (differs("undefined: a condition of the rule does not hold"), Vec::new()),
    };
    result(verdict, cases, elapsed)
}

/// The keys of every case that the rule has.
fn counted(
    counting: Option<&Result<Program, String>>,
    rule: &Rule,
    options: &Options,
    now: Timestamp,
) -> Result<BTreeSet<Value>, String> {
    let program = match counting {
        Some(Ok(program)) => program,
        Some(Err(message)) => return Err(message.clone()),
        None => return Err("cannot tell which cases the rule has".to_owned()),
    };
    let mut path = rule.path.segments().to_vec();
    path.pop();
    path.push(heads::cases_rule(&rule.name));
    let path = EntryPath::from_segments(path);
    match program.evaluate_in(&path, None, now, &options.limits(), &mut options.effects()) {
        Evaluation::Defined { value, left_out: None } => Ok(value.elements().into_iter().cloned().collect()),
        Evaluation::Defined { left_out: Some(error), .. } => Err(error.message),
        Evaluation::Error(failure) => Err(describe(&failure)),
        Evaluation::Undefined(_) => Err("cannot tell which cases the rule has".to_owned()),
    }
}

/// INVARIANT (nothing passes by accident): a case that is not in the document has failed, and a rule without cases has,
/// too.
fn judge_cases(document: &Value, wanted: &BTreeSet<Value>) -> (Verdict, Vec<(String, bool)>) {
    let mut cases = Vec::new();
    for keys in wanted {
        let keys = keys.elements();
        let mut here = Some(document);
        for key in &keys {
            here = here.and_then(|value| value.at([key_text(key).as_str()]));
        }
        let name = keys.iter().map(|key| key_text(key)).collect::<Vec<_>>().join(", ");
        cases.push((name, here.and_then(Value::as_bool) == Some(true)));
    }
    let failed: Vec<&str> =
        cases.iter().filter(|(_, passed)| !passed).map(|(name, _)| name.as_str()).collect();
    let verdict = if cases.is_empty() {
        differs("no case at all")
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

/// The failure's message, with the place in policy where there is one.
pub(super) fn describe(failure: &Failure) -> String {
    match failure.policy.as_ref().and_then(|policy| policy.location.as_ref()) {
        Some(Location { file, row, col }) => format!("{file}:{row}:{col}: {}", failure.message),
        None => failure.message.clone(),
    }
}
