//! Releases the turns of an open loop when they are due.

use std::io;
use std::time::Duration;

use tokio::time::Instant;

/// Turns that fall due within this time are released together, so that a high rate does not mean a wake-up a turn.
const COALESCE: Duration = Duration::from_micros(50);

/// When the turns of one lane are due: fixed from the start, whatever the answers do.
#[derive(Debug, Clone, Copy)]
pub struct Schedule {
    /// When the first turn of all lanes is due.
    pub start: Instant,
    /// Turns a second, over all lanes.
    pub rate: f64,
    /// The number of this lane, from 0.
    pub lane: u64,
    /// How many lanes take turns.
    pub lanes: u64,
}

impl Schedule {
    /// When turn `turn` of this lane is due.
    pub fn due(&self, turn: u64) -> Instant {
        let number = turn.saturating_mul(self.lanes).saturating_add(self.lane);
        self.start + Duration::try_from_secs_f64(number as f64 / self.rate).unwrap_or(Duration::MAX / 4)
    }

    /// Releases turns as they fall due, until `end`: tells how many at once, and how late the first of them is.
    pub async fn run(&self, end: Instant, mut release: impl FnMut(usize, Duration)) -> io::Result<()> {
        let mut timer = Timer::new()?;
        let mut turn = 0;
        loop {
            let (now, first) = (Instant::now(), turn);
            while self.due(turn) <= now && self.due(turn) < end {
                turn += 1;
            }
            if turn > first {
                let count = usize::try_from(turn - first).unwrap_or(usize::MAX);
                release(count, now.saturating_duration_since(self.due(first)));
            }
            let next = self.due(turn).min(end);
            if next == end && now >= end {
                return Ok(());
            }
            timer.sleep(next.saturating_duration_since(Instant::now()).max(COALESCE)).await?;
        }
    }
}

/// A timer that is late by microseconds. The runtime's own counts in whole milliseconds, which would put up to one
/// of them on every latency that is measured from the intended start.
#[cfg(target_os = "linux")]
struct Timer(tokio::io::unix::AsyncFd<std::os::fd::OwnedFd>);

#[cfg(target_os = "linux")]
impl Timer {
    fn new() -> io::Result<Self> {
        use rustix::time::{TimerfdClockId, TimerfdFlags, timerfd_create};
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        let file = timerfd_create(TimerfdClockId::Monotonic, flags)?;
        #[expect(
            deprecated,
            reason = "its successor is unsafe, for types that may change their descriptor; an OwnedFd never does"
        )]
        tokio::io::unix::AsyncFd::with_interest(file, tokio::io::Interest::READABLE).map(Self)
    }

    /// Waits for `time`, which must not be zero.
    async fn sleep(&mut self, time: Duration) -> io::Result<()> {
        use rustix::time::{Itimerspec, TimerfdTimerFlags, Timespec, timerfd_settime};
        let once = Itimerspec {
            it_interval: Timespec::default(),
            it_value: Timespec {
                tv_sec: i64::try_from(time.as_secs()).unwrap_or(i64::MAX),
                tv_nsec: i64::from(time.subsec_nanos()),
            },
        };
        // Setting the timer clears its count of expirations, so there is no need to read it after each.
        timerfd_settime(self.0.get_ref(), TimerfdTimerFlags::empty(), &once)?;
        self.0.readable().await?.clear_ready();
        Ok(())
    }
}

#[cfg(not(target_os = "linux"))]
struct Timer;

#[cfg(not(target_os = "linux"))]
impl Timer {
    fn new() -> io::Result<Self> {
        Ok(Self)
    }

    async fn sleep(&mut self, time: Duration) -> io::Result<()> {
        tokio::time::sleep(time).await;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn all_turns_are_released_once_and_none_before_its_time() {
        let start = Instant::now();
        let schedule = Schedule { start, rate: 2_000.0, lane: 1, lanes: 2 };
        let mut released = 0;
        let end = start + Duration::from_millis(100);
        let release = |count, _late| {
            released += count as u64;
            assert!(schedule.due(released - 1) <= Instant::now());
        };
        schedule.run(end, release).await.unwrap();
        assert_eq!(released, 100);
        assert!(Instant::now() >= end);
    }

    #[test]
    fn lanes_share_one_even_schedule() {
        let start = Instant::now();
        let lane = |lane| Schedule { start, rate: 1_000.0, lane, lanes: 3 };
        let mut due: Vec<_> = (0..3).flat_map(|l| (0..4).map(move |turn| lane(l).due(turn))).collect();
        due.sort_unstable();
        for (number, at) in (0u64..).zip(due) {
            assert_eq!(at - start, Duration::from_millis(number));
        }
    }
}
