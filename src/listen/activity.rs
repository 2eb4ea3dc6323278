//! What a connection is doing, as its parts note it, and for how long it may do that.
//!
//! The stream ([`super::guard`]) notes bytes, the service ([`super::service`]) notes requests, and [`Watch`] makes of both
//! a phase with a deadline. Nothing is timed for a request that is answered at once, save one look at the clock.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, Sleep, sleep_until};

use super::config::Config;

/// A peer that takes so many bytes is taking its answer.
const PROGRESS: u64 = 16 << 10;

/// What a connection is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// A request is being answered.
    Busy,
    /// There is no request.
    Idle,
    /// A request's head has begun to arrive.
    Head,
    /// An answer is waiting for the peer to take it.
    Blocked,
}

/// Facts about one connection.
#[derive(Debug)]
pub(super) struct Activity {
    /// Requests that are being answered.
    live: AtomicUsize,
    /// Requests that were answered.
    served: AtomicU64,
    /// Whether an answer of ours is still to be written.
    owed: AtomicBool,
    /// Whether the head that comes in says its body's length twice.
    two_lengths: AtomicBool,
    /// Bytes that came in; and how many had when the last request was answered.
    read: AtomicU64,
    read_before: AtomicU64,
    /// Bytes that went out, and how often there was nothing left to go.
    written: AtomicU64,
    drained: AtomicU64,
    blocked: AtomicBool,
    /// Told when the stream takes bytes again.
    unblocked: Notify,
    /// Since when it has been doing no work, if it is doing none.
    without_work: Mutex<Option<Instant>>,
}

impl Default for Activity {
    fn default() -> Self {
        let zero = || AtomicU64::new(0);
        Self {
            live: AtomicUsize::new(0),
            served: zero(),
            owed: AtomicBool::new(false),
            two_lengths: AtomicBool::new(false),
            read: zero(),
            read_before: zero(),
            written: zero(),
            drained: zero(),
            blocked: AtomicBool::new(false),
            unblocked: Notify::new(),
            without_work: Mutex::new(Some(Instant::now())),
        }
    }
}

impl Activity {
    pub(super) fn note_read(&self, bytes: usize) {
        self.read.fetch_add(u64::try_from(bytes).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// How many requests were answered.
    pub(super) fn served(&self) -> u64 {
        self.served.load(Ordering::Relaxed)
    }

    pub(super) fn note_two_lengths(&self) {
        self.two_lengths.store(true, Ordering::Relaxed);
    }

    /// Whether the head that came in last says its body's length twice; asked once for each request.
    pub(super) fn takes_two_lengths(&self) -> bool {
        self.two_lengths.swap(false, Ordering::Relaxed)
    }

    /// Of `offered` bytes so many went out; `None` when the peer takes none.
    pub(super) fn note_written(&self, offered: usize, taken: Option<usize>) {
        let Some(taken) = taken else {
            self.blocked.store(true, Ordering::Release);
            return;
        };
        self.written.fetch_add(u64::try_from(taken).unwrap_or(u64::MAX), Ordering::Relaxed);
        if taken == offered {
            self.drained.fetch_add(1, Ordering::Relaxed);
        }
        if self.blocked.swap(false, Ordering::AcqRel) {
            self.unblocked.notify_one();
        }
    }

    /// Whether a request is being answered.
    pub(super) fn is_busy(&self) -> bool {
        self.live.load(Ordering::Acquire) > 0
    }

    /// Everything that was given to the stream has left it.
    pub(super) fn note_flushed(&self) {
        if self.blocked.swap(false, Ordering::AcqRel) {
            self.unblocked.notify_one();
        }
        if !self.is_busy() {
            self.owed.store(false, Ordering::Release);
        }
    }

    /// Whether an answer of ours is still to be written, in HTTP/1.
    pub(super) fn owes(&self) -> bool {
        self.owed.load(Ordering::Acquire)
    }

    /// Begins a request, which ends when what is returned is dropped.
    pub(super) fn begin(self: &Arc<Self>) -> UnderWay {
        self.live.fetch_add(1, Ordering::AcqRel);
        self.owed.store(true, Ordering::Release);
        UnderWay(Arc::clone(self))
    }

    /// Waits until the answers before this one are taken.
    pub(super) async fn writable(&self) {
        while self.blocked.load(Ordering::Acquire) {
            self.unblocked.notified().await;
        }
    }

    /// For how long the connection has been doing no work; `None` while it does some.
    pub(super) fn without_work(&self) -> Option<Duration> {
        let since = *self.without_work.lock().unwrap_or_else(PoisonError::into_inner);
        since.map(|since| since.elapsed())
    }

    fn phase(&self, heads: bool) -> Phase {
        if self.blocked.load(Ordering::Acquire) {
            Phase::Blocked
        } else if self.is_busy() {
            Phase::Busy
        } else if heads && self.read.load(Ordering::Relaxed) > self.read_before.load(Ordering::Relaxed) {
            Phase::Head
        } else {
            Phase::Idle
        }
    }

    /// What changes when a phase begins anew.
    fn mark(&self, phase: Phase) -> u64 {
        match phase {
            Phase::Blocked => {
                let progress = self.written.load(Ordering::Relaxed) / PROGRESS;
                progress.wrapping_add(self.drained.load(Ordering::Relaxed))
            }
            _ => self.served.load(Ordering::Relaxed),
        }
    }
}

/// A request that is being answered.
#[derive(Debug)]
pub(super) struct UnderWay(Arc<Activity>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        let activity = &self.0;
        activity.read_before.store(activity.read.load(Ordering::Relaxed), Ordering::Relaxed);
        activity.served.fetch_add(1, Ordering::Relaxed);
        activity.live.fetch_sub(1, Ordering::AcqRel);
    }
}

/// How long each phase may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    pub(super) idle: Duration,
    pub(super) head: Duration,
    pub(super) write: Duration,
}

impl Patience {
    pub(super) fn new(config: &Config) -> Self {
        Self { idle: config.idle_timeout.0, head: config.header_timeout.0, write: config.write_timeout.0 }
    }
}

/// Finds the phase of a connection each time that the connection has been polled, and tells when one takes too long.
pub(super) struct Watch {
    activity: Arc<Activity>,
    patience: Patience,
    /// Whether a byte begins a head, as in HTTP/1.
    heads: bool,
    phase: Phase,
    mark: u64,
    since: Instant,
    sleep: Pin<Box<Sleep>>,
}

impl Watch {
    pub(super) fn new(activity: Arc<Activity>, patience: Patience, heads: bool) -> Self {
        let (since, phase) = (Instant::now(), Phase::Idle);
        let mark = activity.mark(phase);
        let sleep = Box::pin(sleep_until(since + patience.head));
        Self { activity, patience, heads, phase, mark, since, sleep }
    }

    /// Ready with the phase that took too long.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Phase> {
        self.look();
        let deadline = match self.phase {
            Phase::Busy => return Poll::Pending,
            Phase::Idle => self.since + self.patience.idle,
            Phase::Head => self.since + self.patience.head,
            Phase::Blocked => self.since + self.patience.write,
        };
        // Set again only when it would ring too late: one that rings too early costs less than one that is set at each
        // request.
        if self.sleep.deadline() > deadline {
            self.sleep.as_mut().reset(deadline);
        }
        while self.sleep.as_mut().poll(cx).is_ready() {
            if Instant::now() >= deadline {
                return Poll::Ready(self.phase);
            }
            self.sleep.as_mut().reset(deadline);
        }
        Poll::Pending
    }

    fn look(&mut self) {
        let phase = self.activity.phase(self.heads);
        let mark = self.activity.mark(phase);
        if (phase, mark) == (self.phase, self.mark) {
            return;
        }
        self.since = Instant::now();
        (self.phase, self.mark) = (phase, mark);
        let without_work = (phase != Phase::Busy).then_some(self.since);
        *self.activity.without_work.lock().unwrap_or_else(PoisonError::into_inner) = without_work;
    }
}
