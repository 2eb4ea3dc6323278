//! The load generator: closed loop (a connection sends when its last request is answered) and open loop (requests
//! are due at a fixed rate, whatever the answers do).
//!
//! It shares the machine with what it measures, so it is built to cost little: a lane is one thread with its own
//! single-threaded runtime, its connections, its schedule and its tally; lanes share nothing until they are done.
//!
//! INVARIANT (no coordinated omission): in an open loop the latency of a request runs from when it was due. A turn is
//! never skipped or moved because an answer is late, and a turn that was never sent still counts.
//!
//! The entry points block and start threads of their own, so that a benchmark can call them from anywhere.
//!
//! Reading order: [`Plan`] → [`run`] → `lane` → `pacer`; [`tally`].

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::requests::PreparedRequest;

mod cpu;
mod lane;
mod pacer;
pub mod tally;

use lane::{Start, drive};
use tally::Tally;
pub use tally::Undecided;

/// When requests are sent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Pace {
    /// Each connection sends the next when the last is answered.
    Closed,
    /// So many requests a second are due, over all connections. Must be finite and above 0.
    Open(f64),
}

/// When a measurement ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// After this time.
    Time(Duration),
    /// After so many requests.
    Requests(u64),
}

/// What load to put on which server.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The server.
    pub target: SocketAddr,
    /// How many connections are kept open.
    pub connections: usize,
    /// How many threads the generator uses; never more than there are connections.
    pub threads: usize,
    /// When requests are sent.
    pub pace: Pace,
    /// How long requests are sent before any is counted.
    pub warmup: Duration,
    /// When it ends, counted from the end of the warm-up.
    pub limit: Limit,
    /// How long one request may take.
    pub timeout: Duration,
}

impl Plan {
    /// A closed loop without warm-up, on one thread, with 10 s for each request.
    pub const fn closed(target: SocketAddr, connections: usize, limit: Limit) -> Self {
        Self {
            target,
            connections,
            threads: 1,
            pace: Pace::Closed,
            warmup: Duration::ZERO,
            limit,
            timeout: Duration::from_secs(10),
        }
    }

    /// How long it takes, as far as that is known before: not for a number of requests in a closed loop.
    fn length(&self) -> Option<Duration> {
        match (self.limit, self.pace) {
            (Limit::Time(time), _) => Some(time),
            (Limit::Requests(count), Pace::Open(rate)) => {
                Some(Duration::try_from_secs_f64(count as f64 / rate).unwrap_or(Duration::MAX / 4))
            }
            (Limit::Requests(_), Pace::Closed) => None,
        }
    }
}

/// Watches and stops a run from another thread.
#[derive(Debug)]
pub struct Control {
    stop: watch::Sender<bool>,
    exchanges: AtomicU64,
}

impl Default for Control {
    fn default() -> Self {
        Self { stop: watch::Sender::new(false), exchanges: AtomicU64::new(0) }
    }
}

impl Control {
    /// Asks every run under this control to end; requests under way have a second to be answered.
    pub fn stop(&self) {
        self.stop.send_replace(true);
    }

    /// Whether [`Control::stop`] was called.
    pub fn is_stopped(&self) -> bool {
        *self.stop.borrow()
    }

    /// Counts one more for [`Control::exchanges`].
    pub(super) fn count(&self) {
        self.exchanges.fetch_add(1, Ordering::Relaxed);
    }

    /// How many requests (or evaluations) have ended so far, warm-up included.
    pub fn exchanges(&self) -> u64 {
        self.exchanges.load(Ordering::Relaxed)
    }
}

/// What came of it.
#[derive(Debug, Clone, Default)]
pub struct LoadReport {
    /// From the end of the warm-up to the end of the last request.
    pub elapsed: Duration,
    /// Counts and latencies.
    pub tally: Tally,
    /// What the generator's threads cost; warm-up included.
    pub generator: GeneratorCost,
}

/// What the generator itself used.
#[derive(Debug, Clone, Copy, Default)]
pub struct GeneratorCost {
    /// CPU time of its threads; `None` where the system does not tell.
    pub cpu: Option<Duration>,
    /// Wall time of its threads, added up.
    pub wall: Duration,
    /// Requests in that time.
    pub requests: u64,
}

impl LoadReport {
    /// Whole answers a second.
    pub fn throughput(&self) -> f64 {
        per_second(self.tally.answered(), self.elapsed)
    }

    /// Requests sent a second.
    pub fn send_rate(&self) -> f64 {
        per_second(self.tally.sent, self.elapsed)
    }

    /// Adds another run of the same load: times and counts add up.
    pub fn merge(&mut self, other: &Self) {
        self.elapsed += other.elapsed;
        self.tally.merge(&other.tally);
        self.generator.cpu = self.generator.cpu.zip(other.generator.cpu).map(|(one, two)| one + two);
        self.generator.wall += other.generator.wall;
        self.generator.requests += other.generator.requests;
    }
}

fn per_second(count: u64, time: Duration) -> f64 {
    if time.is_zero() { 0.0 } else { count as f64 / time.as_secs_f64() }
}

/// A closed loop over `connections`, as [`Plan::closed`] has it. Blocks; call it from a thread that may.
///
/// # Errors
/// As [`run`].
pub fn closed_loop(
    target: SocketAddr,
    connections: usize,
    limit: Limit,
    requests: Vec<PreparedRequest>,
) -> io::Result<LoadReport> {
    run(&Plan::closed(target, connections, limit), &requests.into(), &Arc::default())
}

/// Runs a plan. The requests are sent in turn, again and again. Blocks; call it from a thread that may.
///
/// # Errors
/// When a thread or a timer cannot be had, or `requests` or the plan is empty. A server that fails is no error but a
/// count.
pub fn run(plan: &Plan, requests: &Arc<[PreparedRequest]>, control: &Arc<Control>) -> io::Result<LoadReport> {
    if requests.is_empty() || plan.connections == 0 || plan.threads == 0 {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "a load needs requests, connections and threads",
        ));
    }
    let threads = plan.threads.min(plan.connections);
    let runtimes = (0..threads)
        .map(|_| tokio::runtime::Builder::new_current_thread().enable_all().build())
        .collect::<io::Result<Vec<_>>>()?;
    let start = Arc::new(Start::of(threads));
    let (mut workers, mut numbered) = (Vec::new(), 0..);
    for (runtime, number) in runtimes.into_iter().zip(&mut numbered) {
        let connections = plan.connections / threads + usize::from(number < plan.connections % threads);
        let (plan, requests) = (plan.clone(), Arc::clone(requests));
        let (control, start) = (Arc::clone(control), Arc::clone(&start));
        workers.push(std::thread::spawn(move || {
            let before = (cpu::of_this_thread(), Instant::now());
            let position = (number as u64, threads as u64);
            let report = runtime.block_on(drive(plan, connections, position, requests, control, &start))?;
            let cpu = cpu::of_this_thread().zip(before.0).map(|(after, before)| after.saturating_sub(before));
            let generator = GeneratorCost { cpu, wall: before.1.elapsed(), ..report.generator };
            io::Result::Ok(LoadReport { generator, ..report })
        }));
    }
    let mut total: Option<LoadReport> = None;
    for worker in workers {
        let lane = worker.join().map_err(|_| io::Error::other("a thread of the load generator died"))??;
        total = Some(match total {
            None => lane,
            Some(mut total) => {
                // Lanes run side by side: the longest is the time that all took.
                let elapsed = total.elapsed.max(lane.elapsed);
                total.merge(&lane);
                LoadReport { elapsed, ..total }
            }
        });
    }
    Ok(total.unwrap_or_default())
}
