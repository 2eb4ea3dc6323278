//! What a load generator counts.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::cli::bench::client::Failed;
use crate::cli::bench::client::response::{OUTCOMES, Reply};
use crate::cli::bench::histogram::Latencies;
use crate::model::decision::Outcome;

/// The counts and durations of the measured time; the warm-up is not in it.
///
/// INVARIANT (every request has one fate): a turn is sent or unsent; a request that was sent is answered, failed, or,
/// when the measurement was broken off, unfinished.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    /// Requests that were tried.
    pub sent: u64,
    /// Turns of an open loop that fell due, but found no free connection before the end.
    pub unsent: u64,
    /// Whole answers by status code.
    pub statuses: BTreeMap<u16, u64>,
    /// Answers by what their header `Verdict-Outcome` says, in the order of [`OUTCOMES`].
    pub outcomes: [u64; OUTCOMES.len()],
    /// Answers that are no decisions, by status code and outcome.
    pub undecided: BTreeMap<(u16, Option<&'static str>), Undecided>,
    /// Requests without a whole answer.
    pub failures: Failures,
    /// From the intended start to the answer. A request that timed out counts with the time it was waited for, an
    /// unsent one with the time until the end: both are lower bounds, and leaving them out would flatter the server.
    pub latency: Latencies,
    /// From the actual start to the answer: what a tool reports that lets the server delay its requests. Equal to
    /// `latency` in a closed loop.
    pub service: Latencies,
    /// How late this generator itself was in releasing turns; open loop only.
    pub lateness: Latencies,
}

/// Answers of one kind that are no decisions.
#[derive(Debug, Clone, Default)]
pub struct Undecided {
    /// How many.
    pub count: u64,
    /// The reason that the first of them gives.
    pub reason: Option<Box<str>>,
}

/// Requests without a whole answer, by kind.
#[derive(Debug, Clone, Default)]
pub struct Failures {
    /// No connection could be made.
    pub connect: u64,
    /// No whole answer in time.
    pub timeout: u64,
    /// The connection was closed in the middle.
    pub closed: u64,
    /// The answer was not HTTP/1.1.
    pub undecodable: u64,
    /// The text of the first.
    pub first: Option<String>,
}

impl Failures {
    /// All of them.
    pub const fn total(&self) -> u64 {
        self.connect + self.timeout + self.closed + self.undecodable
    }
}

impl Tally {
    /// Takes in how a request ended, after `latency` since it was due and `service` since it was sent.
    pub(super) fn record(&mut self, result: &Result<Reply, Failed>, latency: Duration, service: Duration) {
        match result {
            Ok(reply) => {
                *self.statuses.entry(reply.status).or_default() += 1;
                let outcomes = OUTCOMES.iter().zip(&mut self.outcomes);
                for (_, count) in outcomes.filter(|(outcome, _)| reply.outcome == Some(**outcome)) {
                    *count += 1;
                }
                if !reply.decides() {
                    self.undecided(
                        reply.status,
                        reply.outcome.map(Outcome::name),
                        1,
                        reply.reason.as_deref(),
                    );
                }
            }
            Err(failed) => {
                *match failed {
                    Failed::Connect(_) => &mut self.failures.connect,
                    Failed::Timeout => &mut self.failures.timeout,
                    Failed::Closed(_) => &mut self.failures.closed,
                    Failed::Undecodable(_) => &mut self.failures.undecodable,
                } += 1;
                self.failures.first.get_or_insert_with(|| failed.to_string());
            }
        }
        if matches!(result, Ok(_) | Err(Failed::Timeout)) {
            self.latency.record(latency);
            self.service.record(service);
        }
    }

    fn undecided(&mut self, status: u16, outcome: Option<&'static str>, count: u64, reason: Option<&str>) {
        let entry = self.undecided.entry((status, outcome)).or_default();
        entry.count += count;
        if entry.reason.is_none() {
            entry.reason = reason.map(Into::into);
        }
    }

    /// Adds another tally to this one.
    pub fn merge(&mut self, other: &Self) {
        let Self { sent, unsent, statuses, outcomes, undecided, failures, latency, service, lateness } =
            other;
        self.sent += sent;
        self.unsent += unsent;
        for (status, count) in statuses {
            *self.statuses.entry(*status).or_default() += count;
        }
        for ((status, outcome), Undecided { count, reason }) in undecided {
            self.undecided(*status, *outcome, *count, reason.as_deref());
        }
        for (count, more) in self.outcomes.iter_mut().zip(outcomes) {
            *count += more;
        }
        self.failures.connect += failures.connect;
        self.failures.timeout += failures.timeout;
        self.failures.closed += failures.closed;
        self.failures.undecodable += failures.undecodable;
        if self.failures.first.is_none() {
            self.failures.first.clone_from(&failures.first);
        }
        self.latency.merge(latency);
        self.service.merge(service);
        self.lateness.merge(lateness);
    }

    /// Whole answers, of whatever status.
    pub fn answered(&self) -> u64 {
        self.statuses.values().sum()
    }

    /// Answers that are decisions.
    pub fn decided(&self) -> u64 {
        self.answered() - self.undecided.values().map(|kind| kind.count).sum::<u64>()
    }

    /// The most usual kind of answer that is no decision: its status and outcome, and one reason.
    pub fn most_undecided(&self) -> Option<((u16, Option<&'static str>), &Undecided)> {
        self.undecided.iter().max_by_key(|(_, kind)| kind.count).map(|(key, kind)| (*key, kind))
    }

    /// Requests that were under way when the measurement was broken off.
    pub fn unfinished(&self) -> u64 {
        self.sent.saturating_sub(self.answered() + self.failures.total())
    }

    /// Answers of a class of statuses: 5 is 500 to 599.
    pub fn of_class(&self, class: u16) -> u64 {
        self.statuses.iter().filter(|(status, _)| *status / 100 == class).map(|(_, count)| count).sum()
    }

    /// Each outcome with its count.
    pub fn by_outcome(&self) -> impl Iterator<Item = (Outcome, u64)> {
        OUTCOMES.into_iter().zip(self.outcomes)
    }
}
