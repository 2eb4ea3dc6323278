//! Texts in the cells of tables.

/// A text of at most so many characters, and dots where it is longer; 0 is no limit.
pub(super) fn cut(text: &str, limit: usize) -> String {
    match text.char_indices().nth(limit) {
        Some((at, _)) if limit > 0 => format!("{}...", text.get(..at).unwrap_or_default()),
        _ => text.to_owned(),
    }
}

/// A duration as Go writes it: `850ns`, `31.25µs`, `1.5ms`, `2s`.
pub(super) fn go_duration(nanos: u64) -> String {
    let (unit, digits, name) = match nanos {
        0..1_000 => return format!("{nanos}ns"),
        1_000..1_000_000 => (1_000, 3, "µs"),
        1_000_000..1_000_000_000 => (1_000_000, 6, "ms"),
        _ => (1_000_000_000, 9, "s"),
    };
    let text = format!("{}.{:0digits$}", nanos / unit, nanos % unit);
    format!("{}{name}", text.trim_end_matches('0').trim_end_matches('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_and_durations_are_as_in_go() {
        assert_eq!((cut("äbc", 2), cut("ab", 2), cut("abc", 0)), ("äb...".into(), "ab".into(), "abc".into()));
        for (nanos, text) in
            [(0, "0ns"), (999, "999ns"), (31_250, "31.25µs"), (1_500_000, "1.5ms"), (2_000_000_000, "2s")]
        {
            assert_eq!(go_duration(nanos), text);
        }
    }
}
