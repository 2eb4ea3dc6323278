//! The end of a log file: finding and removing what a crash or a full disk left there unfinished.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

/// How the end of a file was found.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Tail {
    /// The file is empty, or ends with a whole line.
    Whole,
    /// So many bytes of an unfinished record were cut off.
    Cut(u64),
    /// The last line is unfinished and no record of ours; it is left alone.
    Foreign,
}

const CHUNK: usize = 64 << 10;

/// Cuts off an unfinished last line.
///
/// Nothing that was promised is lost: the record's line feed is written with it, so a decision whose line has none was
/// never answered. Only what starts as a record does is cut, in case the path names another program's file.
pub(super) fn repair(file: &File) -> io::Result<Tail> {
    let end = file.metadata()?.len();
    let start = last_line_start(file, end)?;
    if start == end {
        return Ok(Tail::Whole);
    }
    let mut first = [0; 2];
    let read = file.read_at(&mut first, start)?;
    if !b"{\"".starts_with(first.get(..read).unwrap_or_default()) {
        return Ok(Tail::Foreign);
    }
    file.set_len(start)?;
    Ok(Tail::Cut(end - start))
}

/// Where the line that ends at `end` begins: behind the last line feed before, or at 0.
pub(super) fn last_line_start(file: &File, end: u64) -> io::Result<u64> {
    let mut chunk = vec![0; CHUNK];
    let mut upto = end;
    while upto > 0 {
        let from = upto.saturating_sub(CHUNK as u64);
        let wanted = usize::try_from(upto - from).unwrap_or(CHUNK);
        let part = chunk.get_mut(..wanted).unwrap_or_default();
        file.read_exact_at(part, from)?;
        if let Some(at) = part.iter().rposition(|byte| *byte == b'\n') {
            return Ok(from + at as u64 + 1);
        }
        upto = from;
    }
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Seek, Write};

    #[test]
    fn only_an_unfinished_record_is_cut_off() {
        let long = format!("{{\"a\":1}}\n{{\"{}", "x".repeat(3 * CHUNK));
        let cut = long.len() as u64 - 8;
        for (content, expected, left) in [
            ("", Tail::Whole, ""),
            ("{\"a\":1}\n", Tail::Whole, "{\"a\":1}\n"),
            ("{\"a\":1}\n{\"b\"", Tail::Cut(4), "{\"a\":1}\n"),
            ("{\"a\":1}\n{\"b\":2}", Tail::Cut(7), "{\"a\":1}\n"),
            ("{\"a\":1}\n{", Tail::Cut(1), "{\"a\":1}\n"),
            ("{\"a\"", Tail::Cut(4), ""),
            ("root:x:0:0", Tail::Foreign, "root:x:0:0"),
            ("{\"a\":1}\nnot ours", Tail::Foreign, "{\"a\":1}\nnot ours"),
            (&long, Tail::Cut(cut), "{\"a\":1}\n"),
        ] {
            let mut file = tempfile::tempfile().unwrap();
            file.write_all(content.as_bytes()).unwrap();
            let shown = content.get(..20).unwrap_or(content);
            assert_eq!(repair(&file).unwrap(), expected, "{shown}");
            let mut after = String::new();
            file.rewind().unwrap();
            file.read_to_string(&mut after).unwrap();
            assert_eq!(after, left, "{shown}");
        }
    }
}
