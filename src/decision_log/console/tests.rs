//! The console over streams that take everything, little, or nothing.

use std::sync::mpsc;

use super::*;
use crate::decision_log::samples;

/// Takes `room` bytes and then fails, until it is given more.
#[derive(Debug, Default, Clone)]
struct Narrow(Arc<Mutex<(usize, Vec<u8>)>>);

impl Narrow {
    fn give(&self, room: usize) {
        self.0.lock().unwrap().0 = room;
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().1.clone()).unwrap()
    }
}

impl Write for Narrow {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut state = self.0.lock().unwrap();
        let fits = bytes.get(..state.0.min(bytes.len())).unwrap();
        if fits.is_empty() {
            return Err(io::ErrorKind::StorageFull.into());
        }
        state.1.extend_from_slice(fits);
        state.0 -= fits.len();
        Ok(fits.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Takes nothing until it is told to.
struct Blocked(mpsc::Receiver<()>);

impl Write for Blocked {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let _ = self.0.recv();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn record(line: &str) -> serde_json::Value {
    serde_json::from_str(line).unwrap()
}

#[tokio::test]
async fn a_torn_line_is_ended_before_the_next_record() {
    let stream = Narrow::default();
    let console = Arc::new(Console::over(Form::Json, stream.clone(), Counter::default()).unwrap());
    let journal = Acknowledging(console);
    stream.give(40);
    assert!(samples::try_write(&journal, "torn").await.is_err());
    assert!(samples::try_write(&journal, "nothing of it").await.is_err());
    stream.give(10_000);
    samples::write(&journal, "whole").await;
    samples::write(&journal, "another").await;
    let taken = stream.text();
    let lines: Vec<_> = taken.lines().collect();
    assert_eq!(lines.len(), 3, "{taken}");
    assert_eq!(lines[0].len(), 40);
    assert_eq!([lines[1], lines[2]].map(|line| record(line)["reason"].clone()), ["whole", "another"]);
}

#[tokio::test]
async fn json_lines_are_opas_console_lines() {
    let stream = Narrow::default();
    stream.give(10_000);
    let console = Console::over(Form::Json, stream.clone(), Counter::default()).unwrap();
    samples::show(&console, "why");
    console.flush();
    let record = record(&stream.text());
    for (name, value) in [
        ("level", "info"),
        ("msg", "Decision Log"),
        ("type", "openpolicyagent.org/decision_logs"),
        ("time", "2026-11-21T02:11:14Z"),
        ("timestamp", "2026-11-21T02:11:14.829396687Z"),
        ("reason", "why"),
        ("path", "app/allow"),
    ] {
        assert_eq!(record[name], value, "{name}");
    }
}

#[test]
fn a_console_that_cannot_take_a_line_drops_and_counts_it() {
    let (stream, dropped) = (Narrow::default(), Counter::default());
    let console = Console::over(Form::Json, stream.clone(), dropped.clone()).unwrap();
    samples::show(&console, "lost");
    console.flush();
    assert_eq!(dropped.get(), 1);
    stream.give(10_000);
    samples::show(&console, "shown");
    console.flush();
    assert_eq!((dropped.get(), stream.text().lines().count()), (1, 1));
}

#[tokio::test]
async fn nobody_waits_for_a_console_that_nobody_reads() {
    let (read, stopped) = mpsc::channel();
    let dropped = Counter::default();
    let console = Arc::new(Console::over(Form::Json, Blocked(stopped), dropped.clone()).unwrap());
    let reason = "x".repeat(64 << 10);
    for _ in 0..3 * CAPACITY / reason.len() {
        samples::show(&console, &reason);
    }
    assert!(dropped.get() > 0);
    assert!(console.queue.lock().waiting.bytes.len() <= CAPACITY);
    // As the acknowledging one it says that it takes nothing.
    console.queue.lock().waiting = Batch::default();
    let journal = Acknowledging(Arc::clone(&console));
    assert_eq!(samples::try_write(&journal, "").await.unwrap_err().kind(), io::ErrorKind::TimedOut);
    drop(read);
}
