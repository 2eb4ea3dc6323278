//! Asking: once, or as often as is wanted, and watched as is wanted.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use super::source::Given;
use super::{Explain, Problem, Settings};
use crate::cli::print::note;
use crate::pdp;
use verdict_rego::PolicyError;
use verdict_rego::Strict;
use verdict_rego::coverage::{Coverage, Report};
use verdict_rego::explanation::Explanation;
use verdict_rego::observe::{BuiltinErrors, Counts, Prints};
use verdict_rego::profile::{Profile, Stat};
use verdict_rego::query::{Asking, Row};
use verdict_rego::{Effects, EvalLimits, Evaluation};
use verdict_rego::{Several, Watch};

/// How many lines a profile shows unless it is told otherwise.
const PROFILE_LINES: usize = 10;

/// What came of a query.
pub(in crate::cli) struct Answer {
    pub(in crate::cli) rows: Vec<Row>,
    /// Why there are none, where that is known.
    pub(super) undefined: Option<&'static str>,
    /// Why something is missing from the document.
    pub(super) left_out: Option<PolicyError>,
    pub(super) builtin_errors: Vec<PolicyError>,
    /// Why the answer is what it is.
    pub(super) explanation: Option<Explanation>,
    pub(super) coverage: Option<Report>,
    /// What was measured in each run.
    pub(super) runs: Vec<Run>,
}

/// What was measured in one run.
pub(super) struct Run {
    pub(super) took: Duration,
    pub(super) profile: Vec<Stat>,
    /// What it did, by names of metrics.
    pub(super) counts: Vec<(&'static str, u64)>,
}

/// Asks; with `--count`, only the first answer counts.
pub(in crate::cli) fn answer(args: &Settings, given: &Given) -> Result<Answer, Vec<Problem>> {
    let mut first = once(args, given)?;
    for _ in 1..args.count {
        first.runs.append(&mut once(args, given)?.runs);
    }
    // Lines are compared with themselves over all runs.
    if let [one, rest @ ..] = first.runs.as_mut_slice() {
        for run in rest {
            let of = |stat: &Stat| run.profile.iter().find(|other| other.location == stat.location).cloned();
            run.profile = one.profile.iter().filter_map(of).collect();
        }
    }
    Ok(first)
}

fn once(args: &Settings, given: &Given) -> Result<Answer, Vec<Problem>> {
    let program = &given.program;
    let errors = Rc::new(RefCell::new(BuiltinErrors::default()));
    let counts = Rc::new(RefCell::new(Counts::default()));
    let profile = args.profiles().then(|| Rc::new(RefCell::new(Profile::of(program, Some(&given.query)))));
    let mut watches: Vec<Box<dyn Watch>> = vec![Box::new(Prints(note))];
    if args.show_builtin_errors {
        watches.push(Box::new(Rc::clone(&errors)));
    }
    if args.instrument {
        watches.push(Box::new(Rc::clone(&counts)));
    }
    watches.extend(profile.iter().map(|profile| Box::new(Rc::clone(profile)) as Box<dyn Watch>));
    let started = Instant::now();
    let found = ask(args, given, Box::new(Several(watches)))?;
    let took = started.elapsed();
    let limit = Some(args.profile_limit.unwrap_or(PROFILE_LINES)).filter(|limit| *limit > 0);
    let profile = profile.map(|profile| profile.borrow_mut().report(&args.profile_sort, limit));
    let counts = if args.instrument { counts.borrow().by_name().to_vec() } else { Vec::new() };
    let run = Run { took, profile: profile.unwrap_or_default(), counts };
    let coverage = args.coverage.then(|| covered(args, given)).transpose()?;
    Ok(Answer { builtin_errors: errors.borrow().of(program), coverage, runs: vec![run], ..found })
}

/// What is covered, which is counted in a pass of its own.
fn covered(args: &Settings, given: &Given) -> Result<Report, Vec<Problem>> {
    let coverage = Rc::new(RefCell::new(Coverage::of(&given.program)));
    ask(args, given, Box::new(Rc::clone(&coverage)))?;
    Ok(coverage.borrow().report())
}

fn ask<'a>(args: &Settings, given: &'a Given, watch: Box<dyn Watch + 'a>) -> Result<Answer, Vec<Problem>> {
    let deadline = if args.timeout.0.is_zero() { Duration::MAX } else { args.timeout.0 };
    let limits = EvalLimits::within(deadline);
    let strict = match (args.strict_builtin_errors, args.show_builtin_errors) {
        (true, _) => Strict::All,
        (_, true) => Strict::No,
        _ => args.errors.strict(),
    };
    let nothing = Answer {
        rows: Vec::new(),
        undefined: None,
        left_out: None,
        builtin_errors: Vec::new(),
        explanation: None,
        coverage: None,
        runs: Vec::new(),
    };
    let failed = |failure| vec![Problem::of_failure(&failure)];
    let mut effects = given.effects().map_err(|message| vec![Problem::plain(message)])?;
    // What is only a path is answered as the server answers for it.
    if let (Some(path), Strict::Functions) = (&given.path, strict) {
        let (input, program) = (given.input.clone(), &given.program);
        let explanation = |effects: &mut Effects| {
            let input = given.input.as_ref();
            let mut explain = || pdp::explain(program, path, input, given.at, &limits, true, effects);
            if args.explain == Explain::Off { None } else { explain() }
        };
        return match program.evaluate_watched(path, input, given.at.0, &limits, &mut effects, Some(watch)) {
            Evaluation::Defined { value, left_out } => {
                let rows = vec![Row { bindings: Vec::new(), values: vec![value] }];
                Ok(Answer { rows, left_out, explanation: explanation(&mut effects), ..nothing })
            }
            Evaluation::Undefined(cause) => {
                let explanation = explanation(&mut effects);
                Ok(Answer { undefined: Some(cause.reason()), explanation, ..nothing })
            }
            Evaluation::Error(failure) => Err(failed(failure)),
        };
    }
    if args.explain != Explain::Off {
        let message = "`--explain` is for the path of a document, e.g. `data.app.allow`, with built-in errors as errors";
        return Err(vec![Problem::plain(message)]);
    }
    let asking = Asking {
        input: given.input.as_ref(),
        now_ns: given.at.0,
        limits,
        strict,
        effects,
        watch: Some(watch),
    };
    let rows = given.program.ask(&given.query, asking).map_err(failed)?;
    let undefined = rows.is_empty().then_some("no way through the query holds");
    Ok(Answer { rows, undefined, ..nothing })
}
