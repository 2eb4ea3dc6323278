//! Tables: with borders, as OPA draws them, and plain columns. On a terminal they fit its width.

use std::iter::zip;

use comfy_table::{
    ColumnConstraint, ContentArrangement, ContentLineStyle, LineStyle, Row, Table, TableStyle,
};
use textwrap::core::display_width;

use super::terminal::hanging;

const BORDERS: TableStyle = TableStyle::new()
    .top_border(LineStyle::new('┌', '─', '┬', '┐'))
    .header_lines(ContentLineStyle::new('│', '│', '│'))
    .header_separator(LineStyle::new('├', '─', '┼', '┤'))
    .content_lines(ContentLineStyle::new('│', '│', '│'))
    .bottom_border(LineStyle::new('└', '─', '┴', '┘'));
/// Columns with less room than this are shown as lines of their own.
const NARROWEST: usize = 12;
/// The least that is left of a cell that is cut.
const LEAST: u16 = 6;

/// A table with borders and, where there is one, a centred head. Where it is wider than `width`, its cells are wrapped,
/// and where that leaves too little of them, each row becomes lines of `name  value`.
pub(super) fn table(head: Option<&[&str]>, rows: &[Vec<String>], width: Option<usize>) -> String {
    let mut table = Table::new();
    table.load_style(BORDERS).set_content_arrangement(ContentArrangement::Disabled).add_rows(rows);
    if let Some(head) = head {
        table.set_header(head);
    }
    let widths = table.column_max_content_widths();
    let count = widths.len();
    let natural = widths.iter().map(|width| usize::from(*width) + 3).sum::<usize>() + 1;
    match width.filter(|width| *width < natural) {
        None => {
            let centred = |(name, width): (&&str, &u16)| centred(name, usize::from(*width));
            head.map(|head| table.set_header(zip(head, &widths).map(centred)));
        }
        Some(width) => {
            let room = width.saturating_sub(3 * count + 1) / count.max(1);
            if let Some(head) = head.filter(|_| room < NARROWEST) {
                return records(head, rows, width);
            }
            let width = u16::try_from(width).unwrap_or(u16::MAX);
            table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
        }
    }
    format!("{table}\n")
}

/// As OPA centres: what cannot be halved is on the right.
fn centred(name: &str, width: usize) -> String {
    let space = width.saturating_sub(display_width(name));
    format!("{}{name}", " ".repeat(space / 2))
}

/// Each row as lines of `name  value`, with an empty line between rows.
fn records(head: &[&str], rows: &[Vec<String>], width: usize) -> String {
    let names = head.iter().map(|name| display_width(name)).max().unwrap_or_default();
    let line = |(name, cell): (&&str, &String)| {
        let space = " ".repeat(names.saturating_sub(display_width(name)) + 2);
        hanging(&format!("{name}{space}{cell}"), width, names + 2) + "\n"
    };
    let record = |row: &Vec<String>| zip(head, row).map(line).collect::<String>();
    rows.iter().map(record).collect::<Vec<_>>().join("\n")
}

/// Columns with a head, two spaces apart. Where they are wider together than `width`, cells of those that may be cut are;
/// where that is not enough, each row becomes lines of `name  value`.
pub(super) fn columns(head: &[(&str, bool)], rows: &[Vec<String>], width: Option<usize>) -> String {
    let names: Vec<String> = head.iter().map(|(name, _)| name.to_uppercase()).collect();
    let mut table = Table::new();
    table
        .load_style(TableStyle::new())
        .set_content_arrangement(ContentArrangement::Disabled)
        // A cell is cut where its room ends, not where a word does.
        .set_delimiter('\n')
        .set_header(&names);
    table.add_rows(rows.iter().map(|cells| {
        let mut row = Row::from(cells);
        row.max_height(1);
        row
    }));
    table.column_iter_mut().for_each(|column| _ = column.set_padding((0, 2)));
    let natural = table.column_max_content_widths();
    let least = zip(&natural, head).map(|(width, (_, cut))| if *cut { LEAST.min(*width) } else { *width });
    let least = least.map(|width| usize::from(width) + 2).sum::<usize>().saturating_sub(2);
    match width {
        // The last column has the two spaces as well.
        Some(width) if least <= width => {
            table.set_content_arrangement(ContentArrangement::Dynamic);
            table.set_width(u16::try_from(width + 2).unwrap_or(u16::MAX));
            for (column, _) in zip(table.column_iter_mut(), head).filter(|(_, (_, cut))| !cut) {
                column.set_constraint(ColumnConstraint::ContentWidth);
            }
        }
        Some(width) => return records(&names.iter().map(String::as_str).collect::<Vec<_>>(), rows, width),
        None => {}
    }
    table.trim_fmt() + "\n"
}

#[cfg(test)]
mod tests {
    use super::{columns, table};

    fn row(cells: &[&str]) -> Vec<String> {
        cells.iter().map(|cell| (*cell).to_owned()).collect()
    }

    #[test]
    fn columns_are_cut_to_fit_where_they_may_be() {
        let rows =
            [row(&["agent_0123456789abcdef", "Zahlungs-Agent für Köln", "active"]), row(&["a", "é", "-"])];
        let head = [("id", false), ("name", true), ("state", false)];
        let wide = "ID                      NAME                     STATE\n\
                    agent_0123456789abcdef  Zahlungs-Agent für Köln  active\n\
                    a                       é                        -\n";
        assert_eq!(columns(&head, &rows, Some(80)), wide);
        assert_eq!(columns(&head, &rows, None), wide);
        let narrow = "ID                      NAME       STATE\n\
                      agent_0123456789abcdef  Zahlungs…  active\n\
                      a                       é          -\n";
        assert_eq!(columns(&head, &rows, Some(41)), narrow);
        // What may not be cut stays whole; where there is no room for that, each row has lines of its own.
        let records = "ID     agent_0123456789abcdef\nNAME   Zahlungs-Agent für Köln\nSTATE  active\n\n\
                       ID     a\nNAME   é\nSTATE  -\n";
        assert_eq!(columns(&head, &rows, Some(30)), records);
    }

    #[test]
    fn tables_are_as_wide_as_what_is_in_them() {
        let rows = [row(&["1", "\"long\""]), row(&["22"]), row(&["中", "é"])];
        let expected = "┌────┬────────┐\n│ x  │   y    │\n├────┼────────┤\n│ 1  │ \"long\" │\n│ 22 │        │\n│ 中 │ é      │\n└────┴────────┘\n";
        assert_eq!(table(Some(&["x", "y"]), &rows, None), expected);
        assert_eq!(table(Some(&["x", "y"]), &rows, Some(15)), expected);
        assert_eq!(table(None, &[row(&["a"])], None), "┌───┐\n│ a │\n└───┘\n");
    }

    #[test]
    fn a_table_that_is_too_wide_wraps_its_cells_or_becomes_lines() {
        let rows = [row(&["alice", "one two three four five six"])];
        let wrapped = "┌───────┬─────────────────────┐\n│ name  │ what                │\n├───────┼─────────────────────┤\n│ alice │ one two three four  │\n│       │ five six            │\n└───────┴─────────────────────┘\n";
        assert_eq!(table(Some(&["name", "what"]), &rows, Some(31)), wrapped);
        let lines = "name  alice\nwhat  one two three\n      four five six\n";
        assert_eq!(table(Some(&["name", "what"]), &rows, Some(20)), lines);
    }
}
