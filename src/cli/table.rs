//! Tables for a terminal, as OPA draws them.

/// A table with a head; a cell of the first column that says what the one above it says is left empty.
pub(super) fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
        cells.chain(head.get(column).map(|name| name.chars().count())).max().unwrap_or_default()
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let rule = |left: &str, between: &str, right: &str| {
        let lines: Vec<String> = widths.iter().map(|width| "─".repeat(width + 2)).collect();
        format!("{left}{}{right}\n", lines.join(between))
    };
    let mut out = rule("┌", "┬", "┐");
    for (name, width) in head.iter().zip(&widths) {
        out.push_str(&format!("│ {:^width$} ", name.to_uppercase()));
    }
    out.push_str("│\n");
    out.push_str(&rule("├", "┼", "┤"));
    let mut above = None;
    for row in rows {
        for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
            let repeated = column == 0 && above == Some(cell) && row.len() > 1;
            out.push_str(&format!("│ {:width$} ", if repeated { "" } else { cell.as_str() }));
        }
        above = row.first();
        out.push_str("│\n");
    }
    out + &rule("└", "┴", "┘")
}

#[cfg(test)]
mod tests {
    use super::table;

    #[test]
    fn columns_are_as_wide_as_what_is_in_them() {
        let row = |a: &str, b: &str| vec![a.to_owned(), b.to_owned()];
        let want = "┌──────┬─────┐\n│ NAME │  B  │\n├──────┼─────┤\n│ x    │ one │\n│      │ two │\n│ y    │ é   │\n└──────┴─────┘\n";
        assert_eq!(table(&["name", "b"], &[row("x", "one"), row("x", "two"), row("y", "é")]), want);
    }
}
