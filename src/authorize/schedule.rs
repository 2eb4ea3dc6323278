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
use crate::pdp::snapshot::Policy;

/// From how long on an evaluation holds the others up. Ordinary ones take some microseconds.
const LONG: Duration = Duration::from_millis(if cfg!(debug_assertions) { 5 } else { 1 });
/// What a long evaluation adds to a document's score. Short ones take one away: a thread that was kept waiting by a busy
/// machine makes some evaluation look long now and then, which says nothing about the document.
const LATE: u32 = 8;
/// From which score on a document is evaluated on the separate pool; one that ended at its deadline has twice as much at
/// once.
const LONG_SCORE: u32 = 64;
/// The most documents of one organisation that have a score; policy has few that are long.
const MOST: usize = 1024;

type Score = Arc<AtomicU32>;

/// By the path of what is evaluated for a document.
type Scores = HashMap<Vec<String>, Score>;

#[derive(Default)]
pub(super) struct Schedule {
    /// How long the evaluations of documents have been of late, by whose policy they are: none for those that were always
    /// short. A document of one organisation says nothing about that of another.
    scores: ArcSwap<HashMap<Option<Arc<str>>, Scores>>,
}

impl Schedule {
    /// Whether the document's evaluations have been long, so that it belongs on the separate pool.
    pub(super) fn is_long(&self, policy: &Policy, path: &EntryPath) -> bool {
        self.score(policy, path).is_some_and(|score| score.load(Ordering::Relaxed) >= LONG_SCORE)
    }

    /// Takes note of how long an evaluation was.
    pub(super) fn rate(&self, policy: &Policy, path: &EntryPath, answer: &Answer) {
        match self.score(policy, path) {
            None if answer.eval > LONG => rate(&self.begin_score(policy, path), answer),
            None => {}
            Some(score) => {
                rate(&score, answer);
                if score.load(Ordering::Relaxed) == 0 {
                    self.end_score(policy, path);
                }
            }
        }
    }

    fn score(&self, policy: &Policy, path: &EntryPath) -> Option<Score> {
        let scores = self.scores.load();
        if scores.is_empty() {
            return None;
        }
        scores.get(&policy.organisation)?.get(policy.program.evaluated(path)).cloned()
    }

    fn begin_score(&self, policy: &Policy, path: &EntryPath) -> Score {
        let evaluated = policy.program.evaluated(path);
        self.scores.rcu(|scores| {
            let mut all = HashMap::clone(scores);
            let scores = all.entry(policy.organisation.clone()).or_default();
            if scores.len() < MOST {
                scores.entry(evaluated.to_vec()).or_default();
            }
            all
        });
        self.score(policy, path).unwrap_or_default()
    }

    fn end_score(&self, policy: &Policy, path: &EntryPath) {
        let evaluated = policy.program.evaluated(path);
        self.scores.rcu(|scores| {
            let mut all = HashMap::clone(scores);
            if let Some(scores) = all.get_mut(&policy.organisation) {
                scores.remove(evaluated);
            }
            all.retain(|_, scores| !scores.is_empty());
            all
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use verdict_rego::{EvalLimits, Module, RegoVersion, Value, compile};

    fn policy(organisation: Option<&str>) -> Policy {
        let source = Arc::from("package app\n\nallow := true\n");
        let module = Module { id: "app.rego".to_owned(), source, version: RegoVersion::V1 };
        let program = compile(vec![module], Value::object()).unwrap();
        Policy::new(organisation, 1, BTreeMap::new(), program)
    }

    #[test]
    fn a_document_is_long_for_the_organisation_alone_whose_evaluations_were() {
        let (acme, others) = (policy(Some("acme")), [policy(Some("globex")), policy(None)]);
        let (path, schedule) = (EntryPath::parse("app/allow").unwrap(), Schedule::default());
        let late = Answer::too_late(&EvalLimits::within(Duration::from_millis(50)), "");
        schedule.rate(&acme, &path, &Answer { eval: Duration::from_millis(50), ..late });
        assert!(schedule.is_long(&acme, &path));
        let short = || Answer { failure: None, ..Answer::too_late(&EvalLimits::within(LONG), "") };
        for other in &others {
            assert!(!schedule.is_long(other, &path), "{:?}", other.organisation);
            schedule.rate(other, &path, &short());
        }
        assert!(schedule.is_long(&acme, &path));
        for _ in 0..2 * LONG_SCORE {
            schedule.rate(&acme, &path, &short());
        }
        assert!(!schedule.is_long(&acme, &path));
        assert!(schedule.scores.load().is_empty(), "nothing is kept of what is short");
    }
}
