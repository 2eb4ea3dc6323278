//! Lines in which the log speaks of itself: what it dropped, what it only counted. They begin with `{"notice":`, which no
//! record does.

use std::path::Path;

use serde::Serialize;
use serde_json::value::RawValue;

use super::escape;
use super::rotate::{Census, Mark};

const BEGINNING: &[u8] = b"{\"notice\":";

/// Whether a line is a notice rather than a record.
pub(super) fn is_one(line: &[u8]) -> bool {
    line.starts_with(BEGINNING)
}

/// The first line of a file for which an older one was dropped.
#[derive(Serialize)]
struct Dropped<'a> {
    notice: &'static str,
    reason: &'static str,
    file: std::borrow::Cow<'a, str>,
    /// `None` where the file could not be read.
    records: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    first: Option<&'a Mark>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last: Option<&'a Mark>,
    #[serde(skip_serializing_if = "Option::is_none")]
    records_since_start: Option<u64>,
    timestamp: &'a str,
}

fn of_rotation<'a>(victim: &'a Path, records: Option<u64>, timestamp: &'a str) -> Dropped<'a> {
    let file = victim.file_name().unwrap_or_default().to_string_lossy();
    let (notice, reason) = ("records_dropped", "rotation");
    Dropped { notice, reason, file, records, first: None, last: None, records_since_start: None, timestamp }
}

/// Says that a rotation dropped a file with these records; `total` of them since the start.
pub(super) fn dropped(victim: &Path, census: &Census, total: u64, timestamp: &str) -> Vec<u8> {
    let Census { records, first, last } = census;
    line(&Dropped {
        first: first.as_ref(),
        last: last.as_ref(),
        records_since_start: Some(total),
        ..of_rotation(victim, Some(*records), timestamp)
    })
}

/// Says that a rotation dropped a file that could not be read.
pub(super) fn dropped_unread(victim: &Path, timestamp: &str) -> Vec<u8> {
    line(&of_rotation(victim, None, timestamp))
}

/// Refusals above the rate, in place of their records.
#[derive(Debug, Serialize)]
pub(super) struct LeftOut<'a> {
    pub(super) labels: &'a RawValue,
    /// How many.
    pub(super) records: u64,
    /// When the first of them came.
    pub(super) since: &'a str,
    /// When the last of them came.
    pub(super) until: &'a str,
    /// How many there were since the start: what an older summary said is not lost with it.
    pub(super) records_since_start: u64,
}

/// Says how many refusals were counted instead of recorded.
pub(super) fn left_out(summary: &LeftOut<'_>) -> Vec<u8> {
    #[derive(Serialize)]
    struct Notice<'a> {
        notice: &'static str,
        reason: &'static str,
        #[serde(flatten)]
        summary: &'a LeftOut<'a>,
        timestamp: &'a str,
    }
    line(&Notice { notice: "refusals_left_out", reason: "rate", summary, timestamp: summary.until })
}

fn line(notice: &impl Serialize) -> Vec<u8> {
    // Nothing in a notice can fail to serialise; an empty line would be a torn one.
    let mut line = serde_json::to_vec(notice).unwrap_or_else(|_| b"{\"notice\":\"unknown\"}".to_vec());
    escape::json_line(&mut line);
    line.push(b'\n');
    line
}
