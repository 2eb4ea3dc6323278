//! Where evaluations run: on the threads that serve, as long as they are short; beside them, few at a time, where they
//! have been long of late.
//!
//! INVARIANT (neighbours): a document whose evaluations burn until their deadline keeps the threads that serve only until
//! that is known. From then on those who ask for it wait for each other, and nobody else waits for them.
//! INVARIANT (one deadline): waiting counts, so that an answer comes by the deadline wherever the evaluation runs.

use std::collections::HashMap;
use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use tokio::sync::Semaphore;

use crate::model::clock::Timestamp;
use crate::model::request::EntryPath;
use crate::pdp::snapshot::Snapshot;
use crate::pdp::{self, Answer};
use crate::rego::{Effects, EvalLimits, Value};

/// From how long on an evaluation holds the others up. Ordinary ones take some microseconds.
const LONG: Duration = Duration::from_millis(if cfg!(debug_assertions) { 5 } else { 1 });
/// What a long evaluation adds to a document's score. Short ones take one away: a thread that was kept waiting by a busy
/// machine makes some evaluation look long now and then, which says nothing about the document.
const LATE: u32 = 8;
/// From which score on a document is evaluated beside; one that ended at its deadline has twice as much at once.
const BESIDE: u32 = 64;
/// The most documents that have a score; policy has few that are long.
const MOST: usize = 1024;

type Score = Arc<AtomicU32>;

pub(super) struct Lanes {
    /// How long the evaluations of documents have been of late, by the path of what is evaluated for them: none for those
    /// that were always short.
    scores: ArcSwap<HashMap<Vec<String>, Score>>,
    places: Semaphore,
}

impl Lanes {
    /// With places for half of the processors beside the threads that serve.
    pub(super) fn new() -> Self {
        let processors = std::thread::available_parallelism().map_or(1, |count| count.get());
        Self { scores: ArcSwap::default(), places: Semaphore::new((processors / 2).max(1)) }
    }

    pub(super) async fn decide(
        &self,
        snapshot: &Arc<Snapshot>,
        path: &EntryPath,
        input: Option<Value>,
        at: Timestamp,
        limits: EvalLimits,
        effects: &mut Effects,
    ) -> Answer {
        let score = self.score(snapshot, path);
        let is_long = score.as_ref().is_some_and(|score| score.load(Ordering::Relaxed) >= BESIDE);
        let answer = if is_long {
            self.beside(snapshot, path, input, at, limits, effects).await
        } else {
            pdp::decide_in(snapshot, path, input, at, &limits, effects)
        };
        match score {
            None if answer.eval > LONG => rate(&self.begin_score(snapshot, path), &answer),
            None => {}
            Some(score) => {
                rate(&score, &answer);
                if score.load(Ordering::Relaxed) == 0 {
                    self.end_score(snapshot, path);
                }
            }
        }
        answer
    }

    async fn beside(
        &self,
        snapshot: &Arc<Snapshot>,
        path: &EntryPath,
        input: Option<Value>,
        at: Timestamp,
        limits: EvalLimits,
        effects: &mut Effects,
    ) -> Answer {
        let begun = Instant::now();
        let Ok(Ok(place)) = tokio::time::timeout(limits.deadline, self.places.acquire()).await else {
            return Answer::too_late(&limits, "others like it took all the time");
        };
        let deadline = limits.deadline.saturating_sub(begun.elapsed());
        let (snapshot, path, mut learned) = (Arc::clone(snapshot), path.clone(), mem::take(effects));
        let evaluation = tokio::task::spawn_blocking(move || {
            let limited = EvalLimits { deadline, ..limits };
            let mut answer = pdp::decide_in(&snapshot, &path, input, at, &limited, &mut learned);
            if answer.is_too_late() {
                answer = Answer { eval: answer.eval, ..Answer::too_late(&limits, "waiting included") };
            }
            (answer, learned)
        });
        let evaluated = evaluation.await;
        drop(place);
        match evaluated {
            Ok((answer, learned)) => {
                *effects = learned;
                answer
            }
            Err(_) => Answer::too_late(&limits, "the server stops"),
        }
    }

    fn score(&self, snapshot: &Snapshot, path: &EntryPath) -> Option<Score> {
        let scores = self.scores.load();
        if scores.is_empty() {
            return None;
        }
        scores.get(snapshot.program.evaluated(path)).cloned()
    }

    fn begin_score(&self, snapshot: &Snapshot, path: &EntryPath) -> Score {
        let evaluated = snapshot.program.evaluated(path);
        self.scores.rcu(|scores| {
            let mut scores = HashMap::clone(scores);
            if scores.len() < MOST {
                scores.entry(evaluated.to_vec()).or_default();
            }
            scores
        });
        self.score(snapshot, path).unwrap_or_default()
    }

    fn end_score(&self, snapshot: &Snapshot, path: &EntryPath) {
        let evaluated = snapshot.program.evaluated(path);
        self.scores.rcu(|scores| {
            let mut scores = HashMap::clone(scores);
            scores.remove(evaluated);
            scores
        });
    }
}

/// What is lost where two change a score at once does not matter.
fn rate(score: &AtomicU32, answer: &Answer) {
    let before = score.load(Ordering::Relaxed);
    let after = if answer.is_too_late() {
        2 * BESIDE
    } else if answer.eval > LONG {
        before.saturating_add(LATE).min(2 * BESIDE)
    } else {
        before.saturating_sub(1)
    };
    score.store(after, Ordering::Relaxed);
}
