//! One thread's share of a load: its connections take turns, which a closed loop gives out on demand and an open loop
//! when they are due.

use std::io;
use std::sync::{Arc, Barrier, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::pacer::Schedule;
use super::tally::Tally;
use super::{Control, GeneratorCost, Limit, LoadReport, Pace, Plan};
use crate::cli::bench::client::{Connection, Failed};
use crate::cli::bench::requests::PreparedRequest;

/// How long a connection that could not be made rests before the next attempt.
const REST: Duration = Duration::from_millis(10);
/// How long requests under way may take to end after a [`Control::stop`].
const STOP_GRACE: Duration = Duration::from_secs(1);
/// How long the backlog of an open loop may still be worked off after its end: what a wake-up of the last turn takes.
const BACKLOG_GRACE: Duration = Duration::from_millis(100);

/// Lets all lanes begin at the same time, once their connections stand.
pub(super) struct Start {
    barrier: Barrier,
    at: OnceLock<Instant>,
}

impl Start {
    /// For so many lanes.
    pub(super) fn of(lanes: usize) -> Self {
        Self { barrier: Barrier::new(lanes), at: OnceLock::new() }
    }

    fn wait(&self) -> Instant {
        self.barrier.wait();
        *self.at.get_or_init(Instant::now)
    }
}

/// One thread's share of the load.
struct Lane {
    plan: Plan,
    schedule: Schedule,
    requests: Arc<[PreparedRequest]>,
    control: Arc<Control>,
    stop: watch::Receiver<bool>,
    measure_from: Instant,
    end: Option<Instant>,
    /// How many requests of a [`Limit::Requests`] are this lane's.
    share: u64,
    /// Turns of an open loop that are due and not yet taken.
    due: Semaphore,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Turns taken so far, warm-up included.
    taken: u64,
    /// Turns released so far; open loop only.
    released: u64,
    /// What was not taken until now never will be: it is already accounted for.
    closed: bool,
    tally: Tally,
}

/// One request that is to be sent.
struct Turn {
    number: u64,
    due: Instant,
}

/// Runs lane `number` of `lanes` to its end.
pub(super) async fn drive(
    plan: Plan,
    connections: usize,
    (number, lanes): (u64, u64),
    requests: Arc<[PreparedRequest]>,
    control: Arc<Control>,
    start: &Start,
) -> io::Result<LoadReport> {
    let mut opening = JoinSet::new();
    for _ in 0..connections {
        opening.spawn(Connection::open(plan.target, plan.timeout));
    }
    // What cannot be opened now is tried again, and then counted.
    let opened = opening.join_all().await;

    let start = start.wait();
    let measure_from = start + plan.warmup;
    let rate = if let Pace::Open(rate) = plan.pace { rate } else { 1.0 };
    let total = if let Limit::Requests(total) = plan.limit { total } else { u64::MAX };
    let lane = Arc::new(Lane {
        schedule: Schedule { start, rate, lane: number, lanes },
        requests,
        stop: control.stop.subscribe(),
        control,
        measure_from,
        end: plan.length().map(|length| measure_from + length),
        share: total / lanes + u64::from(number < total % lanes),
        due: Semaphore::new(0),
        state: Mutex::default(),
        plan,
    });
    let mut tasks = JoinSet::new();
    for connection in opened {
        tasks.spawn(Arc::clone(&lane).serve(connection.ok()));
    }
    if let (Pace::Open(_), Some(end)) = (lane.plan.pace, lane.end) {
        lane.release_turns(end).await?;
    }
    tokio::select! {
        () = async { while tasks.join_next().await.is_some() {} } => {}
        () = lane.stopped_for(STOP_GRACE) => {}
    }
    tasks.shutdown().await;
    let elapsed = Instant::now().saturating_duration_since(measure_from);
    let state = std::mem::take(&mut *lane.state());
    let generator = GeneratorCost { requests: state.taken, ..GeneratorCost::default() };
    Ok(LoadReport { elapsed, tally: state.tally, generator })
}

impl Lane {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn stopped_for(&self, time: Duration) {
        let mut stop = self.stop.clone();
        // An error means that the control is gone, and with it the one that could stop this.
        if stop.wait_for(|stopped| *stopped).await.is_err() {
            std::future::pending::<()>().await;
        }
        sleep(time).await;
    }

    /// The life of one connection: takes turns until there are none.
    async fn serve(self: Arc<Self>, mut connection: Option<Connection>) {
        while let Some(turn) = self.next_turn().await {
            let index = usize::try_from(turn.number % self.requests.len() as u64).unwrap_or_default();
            let Some(request) = self.requests.get(index) else { return };
            connection = connection.filter(|connection| !connection.is_spent());
            let sent_at = Instant::now();
            let result = match &mut connection {
                Some(open) => open.exchange(request).await,
                None => match Connection::open(self.plan.target, self.plan.timeout).await {
                    Ok(open) => connection.insert(open).exchange(request).await,
                    Err(failed) => Err(failed),
                },
            };
            let done_at = Instant::now();
            if !result.as_ref().is_ok_and(|reply| reply.keep_alive) {
                connection = None;
            }
            self.control.count();
            if turn.due >= self.measure_from {
                self.state().tally.record(&result, done_at - turn.due, done_at - sent_at);
            }
            if matches!(result, Err(Failed::Connect(_))) {
                sleep(REST).await;
            }
        }
    }

    async fn next_turn(&self) -> Option<Turn> {
        match self.plan.pace {
            Pace::Closed => {
                let now = Instant::now();
                if self.end.is_some_and(|end| now >= end) || *self.stop.borrow() {
                    return None;
                }
                let mut state = self.state();
                if state.tally.sent >= self.share {
                    return None;
                }
                self.take(&mut state, |_| now)
            }
            Pace::Open(_) => {
                self.due.acquire().await.ok()?.forget();
                self.take(&mut self.state(), |number| self.schedule.due(number))
            }
        }
    }

    fn take(&self, state: &mut State, due: impl Fn(u64) -> Instant) -> Option<Turn> {
        if state.closed {
            return None;
        }
        let turn = Turn { number: state.taken, due: due(state.taken) };
        state.taken += 1;
        if turn.due >= self.measure_from {
            state.tally.sent += 1;
        }
        Some(turn)
    }

    /// Runs the schedule of an open loop to its end or to a stop, then accounts for what was never sent.
    async fn release_turns(&self, end: Instant) -> io::Result<()> {
        let release = |count: usize, late: Duration| {
            {
                let mut state = self.state();
                if self.schedule.due(state.released) >= self.measure_from {
                    state.tally.lateness.record(late);
                }
                state.released = state.released.saturating_add(count as u64);
            }
            self.due.add_permits(count.min(Semaphore::MAX_PERMITS));
        };
        let finished = tokio::select! {
            finished = self.schedule.run(end, release) => finished,
            () = self.stopped_for(Duration::ZERO) => Ok(()),
        };
        let backlog = || {
            let state = self.state();
            state.taken < state.released
        };
        let backlog_end = Instant::now() + BACKLOG_GRACE;
        while backlog() && Instant::now() < backlog_end && !*self.stop.borrow() {
            sleep(Duration::from_millis(1)).await;
        }
        self.due.close();
        let (now, mut state) = (Instant::now(), self.state());
        state.closed = true;
        for turn in state.taken..state.released {
            let due = self.schedule.due(turn);
            if due >= self.measure_from {
                state.tally.unsent += 1;
                state.tally.latency.record(now.saturating_duration_since(due));
            }
        }
        finished
    }
}
