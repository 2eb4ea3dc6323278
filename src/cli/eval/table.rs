//! Tables for a terminal, drawn as OPA draws them.

/// A table; the first row is the head where there is one. The head is centred, numbers are not set apart.
pub(super) fn table(head: Option<&[&str]>, rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).chain(head.map(<[_]>::len)).max().unwrap_or_default();
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
        cells
            .chain(head.and_then(|head| head.get(column)).map(|cell| cell.chars().count()))
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let rule = |left: char, between: &str, right: char| {
        let lines: Vec<String> = widths.iter().map(|width| "─".repeat(width + 2)).collect();
        format!("{left}{}{right}\n", lines.join(between))
    };
    let mut out = rule('┌', "┬", '┐');
    if let Some(head) = head {
        let cells = widths.iter().zip(head).map(|(width, cell)| format!(" {cell:^width$} "));
        out.push_str(&format!("│{}│\n", cells.collect::<Vec<_>>().join("│")));
        out.push_str(&rule('├', "┼", '┤'));
    }
    for row in rows {
        let cells = widths.iter().enumerate().map(|(column, width)| {
            let cell = row.get(column).map_or("", String::as_str);
            format!(" {cell:<width$} ")
        });
        out.push_str(&format!("│{}│\n", cells.collect::<Vec<_>>().join("│")));
    }
    out.push_str(&rule('└', "┴", '┘'));
    out
}

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
    fn tables_have_borders_and_cells_are_as_wide_as_the_widest() {
        let rows = [vec!["1".to_owned(), "\"long\"".to_owned()], vec!["22".to_owned()]];
        let expected = "┌────┬────────┐\n│ x  │   y    │\n├────┼────────┤\n│ 1  │ \"long\" │\n│ 22 │        │\n└────┴────────┘\n";
        assert_eq!(table(Some(&["x", "y"]), &rows), expected);
        assert_eq!(table(None, &[vec!["a".to_owned()]]), "┌───┐\n│ a │\n└───┘\n");
    }

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
