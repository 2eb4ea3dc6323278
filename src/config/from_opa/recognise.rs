//! A file of OPA's that is given as a configuration of ours.

use super::table::{Here, ROWS, steps};
use crate::config::error::Problem;
use crate::config::keys;
use crate::document::problem::SourceFile;
use crate::document::tree::{Data, Node, Part, Path};

/// The keys of OPA's in a tree that is given as a configuration of ours: which of our keys is meant, a line for each.
pub(in crate::config) fn keys_of_opa(tree: &Node, file: &SourceFile) -> Vec<Problem> {
    let mut found = Vec::new();
    collect(tree, &Path::default(), &mut found);
    let named = found.into_iter().map(|(path, here)| {
        let here = match here {
            Here::Key(ours, _) | Here::Part(ours) => format!("here it is `{ours}`"),
            Here::Unneeded(why) => format!("not needed here: {why}"),
            Here::Missing(instead) => format!("not here: {instead}"),
        };
        let place = tree.locate(&path, Part::Key);
        let problem = file.problem(place, &format!("{path}: a key of OPA's; {here}"), None);
        Problem { excerpt: None, ..problem }
    });
    let mut problems: Vec<Problem> = named.collect();
    if let Some(last) = problems.last_mut() {
        let command = format!("verdict config --from-opa {}", file.path.display());
        last.hint = Some(format!("`{command}` prints this file as a configuration of Verdict"));
    }
    problems
}

fn collect(node: &Node, path: &Path, found: &mut Vec<(Path, Here)>) {
    let Data::Map(entries) = &node.data else { return };
    for (key, value) in entries {
        let path = path.key(key);
        let steps = steps(&path);
        match ROWS.iter().find(|row| row.is_of(&steps)) {
            Some(row) if !is_ours(&steps) => found.push((path, row.here)),
            Some(_) => {}
            None => collect(value, &path, found),
        }
    }
}

/// Whether a key of ours begins with the first two of these steps, or has free keys there.
fn is_ours(steps: &[&str]) -> bool {
    keys::entries().any(|entry| {
        let mut ours = entry.key.split('.').map(|part| part.trim_end_matches(['[', ']', '{', '}']));
        steps.iter().take(2).all(|step| ours.next().is_none_or(|part| part == *step))
    })
}
