//! The registry under a simulated database that fails, with several sidecars, against a model of what it has to be.
//!
//! One seed is one run, in one thread, and always the same. What is held to, at every step:
//!
//! - A decision comes to what one of those versions of the world says that its sidecar may have: none before the last that it
//!   acknowledged or caught up with, and none that had an heir already `max_age` ago. So what was revoked is refused at once
//!   where that was acknowledged, and elsewhere in that time, or the sidecar says that it knows too little.
//! - What was acknowledged is stored, and what was rejected or failed left nothing; only what is reported as unknown may be either.
//! - What is carried out is allowed, and what is rejected is not.
//! - Each commit has one entry in the audit log, which names all that it changed. The log is whole, until somebody tampers.
//! - Who is up to date knows what is stored.
//! - Nobody is told of what is another organisation's.
//!
//! `VERDICT_SEEDS=17` or `VERDICT_SEEDS=0..100000` runs others than the first thousand. Seeds that failed once are kept.

mod allowed;
mod asked;
mod commands;
mod disk;
mod isolation;
mod random;
mod run;
mod sidecar;
mod stored;
mod world;

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use run::{Run, Tally};

/// Seeds that failed once, with what was wrong.
const KEPT: &str = include_str!("registry_simulator/seeds.txt");

/// What was wrong with a seed, and the steps that led there.
struct Failure {
    problem: String,
    trace: Vec<String>,
}

/// Runs one seed.
fn simulate(seed: u64, tally: &mut Tally) -> Result<(), Failure> {
    let mut run = Run::new(seed);
    let done = catch_unwind(AssertUnwindSafe(|| run.all()));
    for (what, times) in &run.tally {
        *tally.entry(what).or_default() += times;
    }
    let problem = match done {
        Ok(Ok(())) => return Ok(()),
        Ok(Err(problem)) => problem,
        Err(_) => "it panicked".to_owned(),
    };
    Err(Failure { problem, trace: run.trace })
}

/// Runs many seeds, on as many threads as there are processors.
fn simulate_all(seeds: Range<u64>) -> (Tally, Vec<(u64, Failure)>) {
    let next = AtomicU64::new(seeds.start);
    let (tally, failed) = (Mutex::new(Tally::new()), Mutex::new(Vec::new()));
    let work = || {
        let mut mine = Tally::new();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds.end || failed.lock().unwrap().len() >= 10 {
                break;
            }
            if let Err(failure) = simulate(seed, &mut mine) {
                failed.lock().unwrap().push((seed, failure));
            }
        }
        let mut tally = tally.lock().unwrap();
        mine.into_iter().for_each(|(what, times)| *tally.entry(what).or_default() += times);
    };
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(work);
        }
    });
    (tally.into_inner().unwrap(), failed.into_inner().unwrap())
}

#[expect(clippy::disallowed_methods, reason = "the test's own environment, not the server's")]
fn asked_for() -> Range<u64> {
    let Ok(text) = std::env::var("VERDICT_SEEDS") else { return 0..1000 };
    let number = |text: &str| text.parse().unwrap_or_else(|_| panic!("VERDICT_SEEDS: `{text}` is no number"));
    match text.split_once("..") {
        Some((from, to)) => number(from)..number(to),
        None => number(&text)..number(&text) + 1,
    }
}

#[test]
fn whatever_happens_the_registry_keeps_its_word() {
    let seeds = asked_for();
    let many = seeds.end - seeds.start >= 1000;
    let (tally, mut failed) = simulate_all(seeds);
    failed.sort_by_key(|(_, failure)| failure.trace.len());
    if let Some((seed, shortest)) = failed.first() {
        let all: Vec<String> = failed
            .iter()
            .map(|(seed, failure)| format!("VERDICT_SEEDS={seed}: {}", failure.problem))
            .collect();
        let story = shortest.trace.join("\n");
        panic!("the story of {seed}, the shortest:\n{story}\nseeds that fail:\n{}", all.join("\n"));
    }
    // A simulation in which nothing happens finds nothing.
    let happens = [
        "done",
        "rejected",
        "failed",
        "done, unheard",
        "decided",
        "too old",
        "caught up",
        "did not catch up",
        "not opened",
        "restored",
        "another master key",
        "verified",
        "between the steps of another",
    ];
    let missing: Vec<_> = happens.iter().filter(|what| tally.get(**what).is_none_or(|n| *n < 100)).collect();
    assert!(!many || missing.is_empty(), "{missing:?} happened too seldom: {tally:?}");
    println!("{tally:?}");
}

#[test]
fn seeds_that_failed_once_no_longer_do() {
    let kept = KEPT.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    for line in kept {
        let seed = line.split_whitespace().next().unwrap().parse().unwrap();
        if let Err(failure) = simulate(seed, &mut Tally::new()) {
            panic!("{}\n{line}: {}", failure.trace.join("\n"), failure.problem);
        }
    }
}
