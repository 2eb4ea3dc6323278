//! Tables for a terminal: as OPA draws them, and plain columns.

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

/// The least that is left of a cell that is cut.
const LEAST: usize = 6;

/// Columns with a head, two spaces apart. Where they are wider together than `width`, cells of those that may be cut are,
/// the widest first.
pub(super) fn columns(head: &[(&str, bool)], rows: &[Vec<String>], width: usize) -> String {
    let widest = |column: usize, name: &str| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
        cells.chain([name.chars().count()]).max().unwrap_or_default()
    };
    let mut widths: Vec<usize> = head.iter().enumerate().map(|(n, (name, _))| widest(n, name)).collect();
    let between = 2 * head.len().saturating_sub(1);
    while widths.iter().sum::<usize>() + between > width {
        let may_be_cut = widths.iter_mut().zip(head).filter(|(now, (_, cut))| *cut && **now > LEAST);
        match may_be_cut.map(|(now, _)| now).max_by_key(|now| **now) {
            Some(widest) => *widest -= 1,
            None => break,
        }
    }
    let mut out = line(head.iter().map(|(name, _)| name.to_uppercase()), &widths);
    for row in rows {
        out.push_str(&line(row.iter().cloned(), &widths));
    }
    out
}

fn line(cells: impl Iterator<Item = String>, widths: &[usize]) -> String {
    let mut line = String::new();
    for (cell, &width) in cells.zip(widths) {
        let cell = match cell.chars().count() > width {
            true => cell.chars().take(width.saturating_sub(1)).chain(['…']).collect(),
            false => cell,
        };
        line.push_str(&format!("{cell:width$}  "));
    }
    format!("{}\n", line.trim_end())
}

#[cfg(test)]
mod tests {
    use super::{columns, table};

    #[test]
    fn columns_are_cut_to_fit_where_they_may_be() {
        let row = |cells: [&str; 3]| cells.map(str::to_owned).to_vec();
        let rows =
            [row(["agent_0123456789abcdef", "Zahlungs-Agent für Köln", "active"]), row(["a", "é", "-"])];
        let head = [("id", false), ("name", true), ("state", false)];
        let wide = "ID                      NAME                     STATE\n\
                    agent_0123456789abcdef  Zahlungs-Agent für Köln  active\n\
                    a                       é                        -\n";
        assert_eq!(columns(&head, &rows, 80), wide);
        let narrow = "ID                      NAME       STATE\n\
                      agent_0123456789abcdef  Zahlungs…  active\n\
                      a                       é          -\n";
        assert_eq!(columns(&head, &rows, 41), narrow);
        // What may not be cut stays whole, whatever it takes.
        assert!(columns(&head, &rows, 20).contains("agent_0123456789abcdef  Zahlu…  active\n"));
    }

    #[test]
    fn columns_are_as_wide_as_what_is_in_them() {
        let row = |a: &str, b: &str| vec![a.to_owned(), b.to_owned()];
        let want = "┌──────┬─────┐\n│ NAME │  B  │\n├──────┼─────┤\n│ x    │ one │\n│      │ two │\n│ y    │ é   │\n└──────┴─────┘\n";
        assert_eq!(table(&["name", "b"], &[row("x", "one"), row("x", "two"), row("y", "é")]), want);
    }
}
