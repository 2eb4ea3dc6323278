//! Evaluates a test and records what it prints, which lines it runs, and where it stops.

use std::cell::RefCell;
use std::hint::black_box;
use std::rc::Rc;
use std::time::{Duration, Instant};

use super::suite::Options;
use super::summary::Measured;
use verdict_rego::Watch;
use verdict_rego::coverage::{Coverage, Kind};
use verdict_rego::observe::{LastStep, Prints, Stopped};
use verdict_rego::trace::Trace;
use verdict_rego::{Evaluation, Program, Value};

/// The most output that is kept of one test, in bytes.
const MAX_OUTPUT: usize = 1 << 20;

/// The record of an evaluation.
pub(super) struct Seen {
    pub(super) evaluation: Evaluation,
    pub(super) output: String,
    pub(super) elapsed: Duration,
}

/// Evaluates, and adds the lines that ran to `coverage`, which must be of the same program.
pub(super) fn evaluate<'p>(
    program: &'p Program,
    path: &[String],
    input: Option<Value>,
    now_ns: i64,
    options: &Options,
    coverage: &mut Option<Coverage<'p>>,
) -> Seen {
    let output = RefCell::new(String::new());
    let print = |line: &str| {
        let mut output = output.borrow_mut();
        if output.len() < MAX_OUTPUT {
            output.push_str(line);
            output.push('\n');
        }
    };
    let watch = options.debug.then(|| Box::new(Prints(print)) as Box<dyn Watch + '_>);
    let (limits, mut effects) = (options.limits(), options.effects());
    let again = coverage.is_some().then(|| input.clone());
    let started = Instant::now();
    let evaluation = program.evaluate_watched(path, input, now_ns, &limits, &mut effects, watch);
    let elapsed = started.elapsed();
    // What is covered comes from passes of its own, in which others answer what they have answered before.
    if let (Some(all), Some(input)) = (coverage, again) {
        let passes = Kind::ALL.map(|kind| Coverage::without(program, kind));
        for pass in passes.into_iter().chain([Coverage::of(program)]) {
            let pass = Rc::new(RefCell::new(pass));
            let watch: Box<dyn Watch + '_> = Box::new(Rc::clone(&pass));
            program.evaluate_watched(path, input.clone(), now_ns, &limits, &mut effects, Some(watch));
            all.add(&pass.borrow());
        }
    }
    Seen { evaluation, output: output.into_inner(), elapsed }
}

/// The last condition that was evaluated in a rule that does not hold.
pub(super) fn stopped(program: &Program, path: &[String], now_ns: i64, options: &Options) -> Option<Stopped> {
    let step = Rc::new(RefCell::new(LastStep::default()));
    let (limits, mut effects) = (options.limits(), options.effects());
    program.evaluate_watched(path, None, now_ns, &limits, &mut effects, Some(Box::new(Rc::clone(&step))));
    step.borrow().of(program)
}

/// What an evaluation tried, line by line: the conditions that failed and, with `holding`, the rules that held.
pub(super) fn trace(
    program: &Program,
    path: &[String],
    now_ns: i64,
    options: &Options,
    holding: bool,
) -> String {
    let trace = Rc::new(RefCell::new(Trace::of(program, holding)));
    let (limits, mut effects) = (options.limits(), options.effects());
    program.evaluate_watched(path, None, now_ns, &limits, &mut effects, Some(Box::new(Rc::clone(&trace))));
    trace.borrow().text()
}

/// Repeats `operation` for `time`, at least once.
pub(super) fn measure<T>(time: Duration, operation: impl Fn() -> T) -> Measured {
    let (started, mut iterations) = (Instant::now(), 0_u64);
    loop {
        black_box(operation());
        iterations += 1;
        let elapsed = started.elapsed();
        if elapsed >= time {
            return Measured { iterations, ns_per_op: elapsed.as_nanos() as f64 / iterations as f64 };
        }
    }
}
