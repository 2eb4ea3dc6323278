//! The console: decisions on standard output, for a person or for a collector of container logs.
//!
//! INVARIANT (nobody waits for a reader): calls put lines into a queue of bounded size, and one thread writes them. A pipe
//! that nobody reads stops the thread, and nothing else. What finds no room, or cannot be written, is dropped and counted.
//! Where there is no file the console acknowledges ([`Acknowledging`]): a record is then kept once it has been written,
//! and a console that takes nothing for [`STALL`] is one that cannot.

use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::config;
use super::journal::{Appending, Entry, Journal, write_counted};
use super::pretty::Pretty;
use super::trouble::Trouble;
use crate::telemetry::metrics::Counter;
use crate::telemetry::terminal;

/// What OPA's console lines say beside the event; the record's own opening brace follows as a comma.
const PREAMBLE: &str =
    r#"{"level":"info","msg":"Decision Log","type":"openpolicyagent.org/decision_logs","time":"#;

/// How many bytes may wait for the console; as many again may be on their way.
const CAPACITY: usize = 4 << 20;

/// How long a console may take nothing before it counts as one that cannot.
const STALL: Duration = Duration::from_secs(1);

/// The console as calls see it. Its thread ends when it is dropped.
#[derive(Debug)]
pub(super) struct Console {
    form: Form,
    queue: Arc<Queue>,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Form {
    Json,
    /// For a person; on a terminal, as wide as that is.
    Pretty(Pretty, bool),
}

#[derive(Debug)]
struct Queue {
    state: Mutex<State>,
    changed: Condvar,
    dropped: Counter,
    trouble: Trouble,
    /// A thread is busy saying that lines were dropped.
    saying: AtomicBool,
}

#[derive(Debug, Default)]
struct State {
    waiting: Batch,
    /// Since when the thread has been in one write.
    writing: Option<Instant>,
    ended: bool,
}

/// Lines one after the other, and who waits for each.
#[derive(Debug, Default)]
struct Batch {
    bytes: Vec<u8>,
    lines: Vec<Line>,
}

#[derive(Debug)]
struct Line {
    /// Where in the batch it ends.
    end: usize,
    told: Option<oneshot::Sender<io::Result<()>>>,
}

impl Console {
    /// The console over standard output that the configuration asks for, if any.
    ///
    /// # Errors
    /// When the process has no standard output, or no thread to give.
    pub(super) fn stdout(
        asked: config::Console,
        no_color: bool,
        dropped: Counter,
    ) -> io::Result<Option<Self>> {
        let stdout = io::stdout();
        let terminal = stdout.is_terminal();
        let pretty = Form::Pretty(Pretty { color: terminal && !no_color }, terminal);
        let form = match asked {
            config::Console::Off => return Ok(None),
            config::Console::Json => Form::Json,
            config::Console::Pretty => pretty,
            config::Console::Auto if terminal => pretty,
            config::Console::Auto => Form::Json,
        };
        // The descriptor itself: behind std's buffer, a failed write would keep its rest for the next line.
        let writer = File::from(stdout.as_fd().try_clone_to_owned()?);
        Self::over(form, writer, dropped).map(Some)
    }

    /// A console over any stream.
    ///
    /// # Errors
    /// The system has no thread to give.
    pub(super) fn over(
        form: Form,
        writer: impl Write + Send + 'static,
        dropped: Counter,
    ) -> io::Result<Self> {
        let queue = Arc::new(Queue {
            state: Mutex::default(),
            changed: Condvar::new(),
            dropped,
            trouble: Trouble::default(),
            saying: AtomicBool::new(false),
        });
        let (mut stream, working) = (Stream { writer, torn: false }, Arc::clone(&queue));
        std::thread::Builder::new().name("console".to_owned()).spawn(move || working.work(&mut stream))?;
        Ok(Self { form, queue })
    }

    /// Shows a line if there is room for it.
    pub(super) fn show(&self, entry: &Entry<'_>) {
        if self.queue.push(&self.form.line(entry), None).is_err() {
            self.queue.drop_lines(1);
        }
    }

    /// Waits until everything has been written, or until it has become clear that nobody reads it.
    pub(super) fn flush(&self) {
        let busy = |state: &mut State| !state.waiting.lines.is_empty() || state.writing.is_some();
        let _ = self.queue.changed.wait_timeout_while(self.queue.lock(), STALL, busy);
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        self.flush();
        self.queue.lock().ended = true;
        self.queue.changed.notify_all();
    }
}

/// The console where it is all there is: a record is kept once it has been written.
#[derive(Debug)]
pub(super) struct Acknowledging(pub(super) Arc<Console>);

impl Journal for Acknowledging {
    fn name(&self) -> String {
        "standard output".to_owned()
    }

    fn append(&self, entry: &Entry<'_>) -> Appending {
        let Self(console) = self;
        let (tell, told) = oneshot::channel();
        if let Err(error) = console.queue.push(&console.form.line(entry), Some(tell)) {
            return Appending::done(Err(error));
        }
        Appending::pending(async {
            match tokio::time::timeout(STALL, told).await {
                Ok(Ok(written)) => written,
                Ok(Err(_)) => Err(io::ErrorKind::BrokenPipe.into()),
                Err(_) => Err(unread()),
            }
        })
    }
}

fn unread() -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, "nobody reads it")
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// # Errors
    /// No room, or nobody reads.
    fn push(&self, line: &[u8], told: Option<oneshot::Sender<io::Result<()>>>) -> io::Result<()> {
        let mut state = self.lock();
        // Who waits for an answer is told at once; what is only shown may wait as long as there is room.
        if told.is_some() && state.writing.is_some_and(|since| since.elapsed() > STALL) {
            return Err(unread());
        }
        let Batch { bytes, lines } = &mut state.waiting;
        if !bytes.is_empty() && bytes.len() + line.len() > CAPACITY {
            return Err(io::Error::new(io::ErrorKind::QuotaExceeded, "too many records wait for it"));
        }
        bytes.extend_from_slice(line);
        lines.push(Line { end: bytes.len(), told });
        let first = lines.len() == 1;
        drop(state);
        // The thread looks for more before it sleeps.
        if first {
            self.changed.notify_all();
        }
        Ok(())
    }

    fn work(self: Arc<Self>, stream: &mut Stream<impl Write>) {
        let mut batch = Batch::default();
        loop {
            let mut state = self.lock();
            state.writing = None;
            self.changed.notify_all();
            let idle = |state: &mut State| state.waiting.lines.is_empty() && !state.ended;
            state = self.changed.wait_while(state, idle).unwrap_or_else(PoisonError::into_inner);
            if state.waiting.lines.is_empty() {
                return;
            }
            std::mem::swap(&mut state.waiting, &mut batch);
            state.writing = Some(Instant::now());
            drop(state);
            self.finish(&mut batch, stream);
        }
    }

    fn finish(&self, batch: &mut Batch, stream: &mut Stream<impl Write>) {
        let written = stream.write(batch);
        let (arrived, error) = match &written {
            Ok(()) => (batch.bytes.len(), None),
            Err((arrived, error)) => (*arrived, Some(error)),
        };
        let mut lost = 0;
        for Line { end, told } in batch.lines.drain(..) {
            let failed = error.filter(|_| end > arrived);
            match told {
                // Who asked may have gone away.
                Some(told) => drop(told.send(failed.map_or(Ok(()), |error| Err(error.kind().into())))),
                None => lost += u64::from(failed.is_some()),
            }
        }
        batch.bytes.clear();
        batch.bytes.shrink_to(CAPACITY);
        if lost > 0 {
            self.dropped.inc_by(lost);
            if let (Some(count), Some(error)) = (self.trouble.add(lost), error) {
                tracing::warn!(%error, count, "decisions are recorded, but cannot be shown on standard output");
            }
        } else if let Some(count) = self.trouble.over() {
            tracing::info!(count, "decisions are shown on standard output again");
        }
    }

    /// Counts lines for which there was no room. Standard error may lead to the same pipe that nobody reads: it is a thread
    /// of its own that speaks of it, one at a time.
    fn drop_lines(self: &Arc<Self>, lines: u64) {
        self.dropped.inc_by(lines);
        let Some(count) = self.trouble.add(lines) else { return };
        if self.saying.swap(true, Ordering::Relaxed) {
            return;
        }
        let queue = Arc::clone(self);
        let say = move || {
            tracing::warn!(count, "nobody reads standard output: decisions are recorded, but not shown");
            queue.saying.store(false, Ordering::Relaxed);
        };
        if std::thread::Builder::new().name("console-trouble".to_owned()).spawn(say).is_err() {
            self.saying.store(false, Ordering::Relaxed);
        }
    }
}

/// A stream of lines that knows whether its last one was left unfinished.
#[derive(Debug)]
struct Stream<W> {
    writer: W,
    torn: bool,
}

impl<W: Write> Stream<W> {
    /// Writes a batch; in an error, how much of it had been written before.
    fn write(&mut self, batch: &Batch) -> Result<(), (usize, io::Error)> {
        if self.torn {
            write_counted(&mut self.writer, b"\n").map_err(|(_, error)| (0, error))?;
            self.torn = false;
        }
        let written = write_counted(&mut self.writer, &batch.bytes);
        if let Err((arrived, _)) = &written {
            self.torn = *arrived > 0 && batch.lines.iter().all(|line| line.end != *arrived);
        }
        written
    }
}

impl Form {
    fn line(self, entry: &Entry<'_>) -> Vec<u8> {
        match (self, entry.event) {
            (Self::Pretty(pretty, terminal), Some(event)) => {
                pretty.line(event, columns(terminal)).into_bytes()
            }
            (Self::Pretty(pretty, terminal), None) => {
                pretty.notice(entry.line, entry.timestamp, columns(terminal)).into_bytes()
            }
            (Self::Json, _) => json_line(entry),
        }
    }
}

/// Asked for every line: a window can be resized.
fn columns(terminal: bool) -> Option<usize> {
    if terminal { terminal::columns(&io::stdout()) } else { None }
}

/// The record as it stands in the file, with OPA's console fields in front of it.
fn json_line(entry: &Entry<'_>) -> Vec<u8> {
    let seconds = entry.timestamp.split('.').next().unwrap_or_default();
    let head = format!("{PREAMBLE}\"{seconds}Z\",");
    let mut line = Vec::with_capacity(head.len() + entry.line.len());
    line.extend_from_slice(head.as_bytes());
    line.extend_from_slice(entry.line.strip_prefix(b"{").unwrap_or_default());
    line
}

#[cfg(test)]
mod tests;
