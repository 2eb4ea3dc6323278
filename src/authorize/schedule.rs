//! Where evaluations run: on the threads that serve while they are short; on the separate pool, a few at a time, once
//! they have been long.
//!
//! INVARIANT (neighbours): a document whose evaluations run until their deadline occupies the threads that serve only until
//! that is known. From then on its callers wait for each other, and nobody else waits for them.
//! INVARIANT (one deadline): waiting counts, so an answer comes by the deadline wherever the evaluation runs.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;

use crate::model::request::EntryPath;
use crate::pdp::Answer;
use crate::pdp::snapshot::Snapshot;

/// From how long on an evaluation holds the others up. Ordinary ones take some microseconds.
const LONG: Duration = Duration::from_millis(if cfg!(debug_assertions) { 5 } else { 1 });
/// What a long evaluation adds to a document's score. Short ones take one away: a thread that was kept waiting by a busy
/// machine makes some evaluation look long now and then, which says nothing about the document.
const LATE: u32 = 8;
/// From which score on a document is evaluated on the separate pool; one that ended at its deadline has twice as much at
/// once.
const LONG_SCORE: u32 = 64;
/// The most documents that have a score; policy has few that are long.
const MOST: usize = 1024;

type Score = Arc<AtomicU32>;

#[derive(Default)]
pub(super) struct Schedule {
    /// How long the evaluations of documents have been of late, by the path of what is evaluated for them: none for those
    /// that were always short.
    scores: ArcSwap<HashMap<Vec<String>, Score>>,
}

impl Schedule {
    /// Whether the document's evaluations have been long, so that it belongs on the separate pool.
    pub(super) fn is_long(&self, snapshot: &Snapshot, path: &EntryPath) -> bool {
        self.score(snapshot, path).is_some_and(|score| score.load(Ordering::Relaxed) >= LONG_SCORE)
    }

    /// Takes note of how long an evaluation was.
    pub(super) fn rate(&self, snapshot: &Snapshot, path: &EntryPath, answer: &Answer) {
        match self.score(snapshot, path) {
            None if answer.eval > LONG => rate(&self.begin_score(snapshot, path), answer),
            None => {}
            Some(score) => {
                rate(&score, answer);
                if score.load(Ordering::Relaxed) == 0 {
                    self.end_score(snapshot, path);
                }
            }
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
        2 * LONG_SCORE
    } else if answer.eval > LONG {
        before.saturating_add(LATE).min(2 * LONG_SCORE)
    } else {
        before.saturating_sub(1)
    };
    score.store(after, Ordering::Relaxed);
}
