//! The console sink: decisions on standard output, for a person or for a collector of container logs.

use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::os::fd::AsFd;
use std::sync::{Mutex, PoisonError};

use super::Console;
use super::pretty::Pretty;
use super::sink::{Entry, Sink, write_counted};

/// What OPA's console lines say beside the event; the record's own opening brace follows as a comma.
const PREAMBLE: &str =
    r#"{"level":"info","msg":"Decision Log","type":"openpolicyagent.org/decision_logs","time":"#;

/// Writes each record to a stream, as JSON or readable.
#[derive(Debug)]
pub(super) struct ConsoleSink<W> {
    form: Form,
    stream: Mutex<Stream<W>>,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Form {
    Json,
    Pretty(Pretty),
}

#[derive(Debug)]
struct Stream<W> {
    writer: W,
    line: Vec<u8>,
    /// The last write stopped inside a line.
    torn: bool,
}

/// The sink over standard output that `console` asks for, if any.
///
/// # Errors
/// When the process has no standard output.
pub(super) fn stdout(console: Console, no_color: bool) -> io::Result<Option<Box<dyn Sink>>> {
    let stdout = io::stdout();
    let terminal = stdout.is_terminal();
    let pretty = Form::Pretty(Pretty { color: terminal && !no_color });
    let form = match console {
        Console::Off => return Ok(None),
        Console::Json => Form::Json,
        Console::Pretty => pretty,
        Console::Auto if terminal => pretty,
        Console::Auto => Form::Json,
    };
    // The descriptor itself: behind std's buffer, a failed write would keep its rest for the next line.
    let writer = File::from(stdout.as_fd().try_clone_to_owned()?);
    Ok(Some(Box::new(ConsoleSink::new(form, writer))))
}

impl<W: Write> ConsoleSink<W> {
    pub(super) const fn new(form: Form, writer: W) -> Self {
        Self { form, stream: Mutex::new(Stream { writer, line: Vec::new(), torn: false }) }
    }
}

impl<W: Write + Send + std::fmt::Debug> Sink for ConsoleSink<W> {
    fn name(&self) -> String {
        "standard output".to_owned()
    }

    fn write(&self, entry: &Entry<'_>) -> io::Result<()> {
        let mut stream = self.stream.lock().unwrap_or_else(PoisonError::into_inner);
        let Stream { writer, line, torn } = &mut *stream;
        line.clear();
        if *torn {
            line.push(b'\n');
        }
        match self.form {
            Form::Json => json_line(line, entry),
            Form::Pretty(pretty) => line.extend_from_slice(pretty.line(entry.event).as_bytes()),
        }
        let written = write_counted(writer, line);
        *torn = match &written {
            Ok(()) => false,
            // Nothing written: as torn as it was before.
            Err((0, _)) => *torn,
            Err(_) => true,
        };
        written.map_err(|(_, error)| error)
    }
}

/// The record as it stands in the file, with OPA's console fields in front of it.
fn json_line(line: &mut Vec<u8>, entry: &Entry<'_>) {
    line.extend_from_slice(PREAMBLE.as_bytes());
    let seconds = entry.event.timestamp.split('.').next().unwrap_or_default();
    line.extend_from_slice(format!("\"{seconds}Z\",").as_bytes());
    line.extend_from_slice(entry.line.strip_prefix(b"{").unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decision_log::samples;

    /// Takes `room` bytes and then fails, until it is given more.
    #[derive(Debug, Default)]
    struct Narrow {
        room: usize,
        taken: Vec<u8>,
    }

    impl Write for Narrow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let fits = bytes.get(..self.room.min(bytes.len())).unwrap();
            if fits.is_empty() {
                return Err(io::ErrorKind::StorageFull.into());
            }
            self.taken.extend_from_slice(fits);
            self.room -= fits.len();
            Ok(fits.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_torn_line_is_ended_before_the_next_record() {
        let sink = ConsoleSink::new(Form::Json, Narrow { room: 40, ..Narrow::default() });
        let give = |room| sink.stream.lock().unwrap().writer.room = room;
        assert!(samples::try_write(&sink, "torn").is_err());
        assert!(samples::try_write(&sink, "nothing of it").is_err());
        give(10_000);
        samples::write(&sink, "whole");
        samples::write(&sink, "another");
        let taken = String::from_utf8(sink.stream.into_inner().unwrap().writer.taken).unwrap();
        let lines: Vec<_> = taken.lines().collect();
        assert_eq!(lines.len(), 3, "{taken}");
        assert_eq!(lines[0].len(), 40);
        for (line, reason) in [(lines[1], "whole"), (lines[2], "another")] {
            let record: serde_json::Value = serde_json::from_str(line).unwrap();
            assert_eq!(record["reason"], reason);
        }
    }

    #[test]
    fn json_lines_are_opas_console_lines() {
        let sink = ConsoleSink::new(Form::Json, Vec::new());
        samples::write(&sink, "why");
        let taken = sink.stream.into_inner().unwrap().writer;
        let record: serde_json::Value = serde_json::from_slice(&taken).unwrap();
        for (name, value) in [
            ("level", "info"),
            ("msg", "Decision Log"),
            ("type", "openpolicyagent.org/decision_logs"),
            ("time", "2026-11-21T02:11:14Z"),
            ("timestamp", "2026-11-21T02:11:14.829396687Z"),
            ("path", "app/allow"),
        ] {
            assert_eq!(record[name], value, "{name}");
        }
    }
}
