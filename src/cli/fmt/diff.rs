//! What would change, as a unified diff.

use anstyle::{AnsiColor, Style};

/// How many lines around a change are shown.
const CONTEXT: usize = 3;
/// How many lines may differ before the shortest way from one text to the other is no longer looked for.
const MOST_CHANGES: usize = 1_000;

/// A line of the way from one text to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step<'t> {
    Keep(&'t str),
    Remove(&'t str),
    Add(&'t str),
}

/// The unified diff between the texts of a file.
pub(super) fn unified(name: &str, before: &str, after: &str, coloured: bool) -> String {
    let (old, new) = (lines(before), lines(after));
    let steps = steps(&old, &new);
    let paint = |style: Style, text: String| match coloured {
        true => format!("{style}{text}{style:#}\n"),
        false => text + "\n",
    };
    let bold = Style::new().bold();
    let of = |colour: AnsiColor| Style::new().fg_color(Some(colour.into()));
    let mut out = paint(bold, format!("--- {name}")) + &paint(bold, format!("+++ {name}"));
    for hunk in hunks(&steps) {
        let lines = |before: usize, old: bool| {
            let counts = |step: &&Step<'_>| match step {
                Step::Keep(_) => true,
                Step::Remove(_) => old,
                Step::Add(_) => !old,
            };
            let skipped = steps.iter().take(before).filter(counts).count();
            let count = steps.iter().take(hunk.end).skip(before).filter(counts).count();
            format!("{},{count}", if count == 0 { skipped } else { skipped + 1 })
        };
        let head = format!("@@ -{} +{} @@", lines(hunk.start, true), lines(hunk.start, false));
        out.push_str(&paint(of(AnsiColor::Cyan), head));
        for step in steps.get(hunk).unwrap_or_default() {
            let (sign, line, style) = match step {
                Step::Keep(line) => (' ', line, Style::new()),
                Step::Remove(line) => ('-', line, of(AnsiColor::Red)),
                Step::Add(line) => ('+', line, of(AnsiColor::Green)),
            };
            let whole = line.strip_suffix('\n');
            out.push_str(&paint(style, format!("{sign}{}", whole.unwrap_or(line))));
            if whole.is_none() {
                out.push_str("\\ No newline at end of file\n");
            }
        }
    }
    out
}

fn lines(text: &str) -> Vec<&str> {
    text.split_inclusive('\n').collect()
}

/// The steps from one text to the other, the same lines at both ends first.
fn steps<'t>(old: &[&'t str], new: &[&'t str]) -> Vec<Step<'t>> {
    let same = |(a, b): &(&&str, &&str)| a == b;
    let prefix = old.iter().zip(new).take_while(same).count();
    let (old_rest, new_rest) = (old.get(prefix..).unwrap_or_default(), new.get(prefix..).unwrap_or_default());
    let suffix = old_rest.iter().rev().zip(new_rest.iter().rev()).take_while(same).count();
    let (old_middle, tail) = old_rest.split_at(old_rest.len() - suffix);
    let new_middle = new_rest.get(..new_rest.len() - suffix).unwrap_or_default();
    let mut all: Vec<Step<'t>> = old.iter().take(prefix).map(|line| Step::Keep(line)).collect();
    all.extend(shortest(old_middle, new_middle).unwrap_or_else(|| {
        let removed = old_middle.iter().map(|line| Step::Remove(line));
        removed.chain(new_middle.iter().map(|line| Step::Add(line))).collect()
    }));
    all.extend(tail.iter().map(|line| Step::Keep(line)));
    all
}

/// The shortest way, by Myers' algorithm (1986): for each number of changes, how far each diagonal reaches. `None` if it
/// has too many changes.
fn shortest<'t>(old: &[&'t str], new: &[&'t str]) -> Option<Vec<Step<'t>>> {
    let most = (old.len() + new.len()).min(MOST_CHANGES);
    // Diagonals from -most to most.
    let at = |diagonal: isize| usize::try_from(diagonal + most as isize + 1).unwrap_or_default();
    let reached = |row: &[usize], diagonal: isize| row.get(at(diagonal)).copied().unwrap_or_default();
    let down = |row: &[usize], diagonal: isize, changes: isize| {
        diagonal == -changes || diagonal != changes && reached(row, diagonal - 1) < reached(row, diagonal + 1)
    };
    let mut rows: Vec<Vec<usize>> = Vec::new();
    let mut row = vec![0; 2 * most + 3];
    let ends = |x: usize, y: isize| x >= old.len() && y >= new.len() as isize;
    'search: for changes in 0..=most as isize {
        rows.push(row.clone());
        for diagonal in (-changes..=changes).step_by(2) {
            let mut x = if down(&row, diagonal, changes) {
                reached(&row, diagonal + 1)
            } else {
                reached(&row, diagonal - 1) + 1
            };
            let line = |x: usize| Some((old.get(x)?, new.get(usize::try_from(x as isize - diagonal).ok()?)?));
            while line(x).is_some_and(|(a, b)| a == b) {
                x += 1;
            }
            if let Some(cell) = row.get_mut(at(diagonal)) {
                *cell = x;
            }
            if ends(x, x as isize - diagonal) {
                break 'search;
            }
        }
        if changes == most as isize {
            return None;
        }
    }
    let mut steps = Vec::new();
    let (mut x, mut y) = (old.len(), new.len());
    for (changes, row) in rows.iter().enumerate().rev() {
        let (diagonal, changes) = (x as isize - y as isize, changes as isize);
        let added = down(row, diagonal, changes);
        let from = if added { diagonal + 1 } else { diagonal - 1 };
        let from_x = if changes == 0 { 0 } else { reached(row, from) };
        let from_y = usize::try_from(from_x as isize - from).unwrap_or_default();
        let (from_x, from_y) = if changes == 0 { (0, 0) } else { (from_x, from_y) };
        while x > from_x && y > from_y {
            x -= 1;
            y -= 1;
            steps.push(Step::Keep(old.get(x)?));
        }
        if changes == 0 {
            break;
        }
        if added {
            y -= 1;
            steps.push(Step::Add(new.get(y)?));
        } else {
            x -= 1;
            steps.push(Step::Remove(old.get(x)?));
        }
    }
    steps.reverse();
    Some(steps)
}

/// The ranges of steps that are shown: changes, and what is around them.
fn hunks(steps: &[Step<'_>]) -> Vec<std::ops::Range<usize>> {
    let mut hunks: Vec<std::ops::Range<usize>> = Vec::new();
    for (at, step) in steps.iter().enumerate() {
        if matches!(step, Step::Keep(_)) {
            continue;
        }
        let (start, end) = (at.saturating_sub(CONTEXT), (at + CONTEXT + 1).min(steps.len()));
        match hunks.last_mut() {
            Some(last) if last.end >= start => last.end = end,
            _ => hunks.push(start..end),
        }
    }
    hunks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_changes_with_three_lines_around_them() {
        let before = "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n13\nend";
        let after = "1\n2\n3\n4\nfive\n6\n7\n8\n9\n10\n11\n12\n12b\n13\nend\n";
        let want = "--- f\n+++ f\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n\
                    @@ -10,5 +10,6 @@\n 10\n 11\n 12\n+12b\n 13\n-end\n\\ No newline at end of file\n+end\n";
        assert_eq!(unified("f", before, after, false), want);
        assert!(unified("f", "a\n", "b\n", true).contains("\u{1b}[31m-a\u{1b}[0m\n"));
        assert!(unified("f", "", "b\n", false).contains("@@ -0,0 +1,1 @@\n+b\n"));
    }

    proptest::proptest! {
        #[test]
        fn steps_lead_from_one_text_to_the_other(old in "[abc\n]{0,60}", new in "[abc\n]{0,60}") {
            let steps = steps(&lines(&old), &lines(&new));
            let side = |keep_old: bool| -> String {
                steps.iter().filter_map(|step| match step {
                    Step::Keep(line) => Some(*line),
                    Step::Remove(line) => keep_old.then_some(*line),
                    Step::Add(line) => (!keep_old).then_some(*line),
                }).collect()
            };
            proptest::prop_assert_eq!(side(true), &*old);
            proptest::prop_assert_eq!(side(false), &*new);
        }
    }

    #[test]
    fn a_text_that_is_all_new_is_shown_whole() {
        let text = |word: &str| (0..3_000).map(|n| format!("{word}{n}\n")).collect::<String>();
        let out = unified("f", &text("a"), &text("b"), false);
        assert_eq!(out.lines().count(), 3 + 6_000);
    }
}
