//! From options to checks: schemas and capabilities are read, patterns are understood.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use super::CheckArgs;
use crate::rego::{Checks, Schemas, Value};

/// How deep folders of schemas may nest.
const DEEPEST: usize = 32;

/// What the options ask to check.
///
/// # Errors
/// A file that cannot be read, or is not what it should be.
pub(super) fn checks(args: &CheckArgs) -> Result<Checks, String> {
    let schemas = args.schema.as_deref().map(schemas).transpose()?;
    let builtins = args.capabilities.as_deref().map(builtins).transpose()?;
    Ok(Checks { strict: args.strict, annotations: true, schemas, builtins })
}

fn schemas(path: &Path) -> Result<Schemas, String> {
    let mut found = Schemas::default();
    let meta = std::fs::metadata(path).map_err(|error| cannot_read(path, &error))?;
    if meta.is_dir() {
        folder(path, &mut vec![Arc::from("schema")], &mut found.by_path)?;
    } else {
        found.input = Some(document(path)?);
    }
    Ok(found)
}

/// `users/user.json` is `schema.users.user`.
fn folder(
    path: &Path,
    at: &mut Vec<Arc<str>>,
    found: &mut HashMap<Vec<Arc<str>>, Value>,
) -> Result<(), String> {
    if at.len() > DEEPEST {
        return Err(format!("`{}` nests more than {DEEPEST} folders deep", path.display()));
    }
    let entries = std::fs::read_dir(path).map_err(|error| cannot_read(path, &error))?;
    for entry in entries {
        let entry = entry.map_err(|error| cannot_read(path, &error))?.path();
        let stem = if entry.is_dir() { entry.file_name() } else { entry.file_stem() };
        at.push(stem.map(|stem| stem.to_string_lossy()).unwrap_or_default().into());
        let schema = entry.extension().is_some_and(|end| end == "json" || end == "yaml" || end == "yml");
        if entry.is_dir() {
            folder(&entry, at, found)?;
        } else if schema {
            found.insert(at.clone(), document(&entry)?);
        }
        at.pop();
    }
    Ok(())
}

fn document(path: &Path) -> Result<Value, String> {
    let bytes = std::fs::read(path).map_err(|error| cannot_read(path, &error))?;
    let wrong = |error: String| format!("`{}`: {error}", path.display());
    if path.extension().is_some_and(|end| end == "yaml" || end == "yml") {
        let text = String::from_utf8(bytes).map_err(|_| wrong("it is not UTF-8".to_owned()))?;
        return Value::from_yaml(&text).map_err(wrong);
    }
    Value::from_json(&bytes).map_err(|error| wrong(error.to_string()))
}

fn builtins(path: &Path) -> Result<HashSet<String>, String> {
    let document = document(path)?;
    let Some(all) = document.get("builtins") else {
        return Err(format!("`{}` has no `builtins`; write it with `opa capabilities`", path.display()));
    };
    let names = all.elements().into_iter().filter_map(|each| each.get("name")?.as_str().map(str::to_owned));
    Ok(names.collect())
}

fn cannot_read(path: &Path, error: &std::io::Error) -> String {
    format!("cannot read `{}`: {error}", path.display())
}

/// Whether a pattern fits the name of the file or of a folder that it is in; one with a slash, the whole path.
pub(super) fn is_ignored(patterns: &[String], name: &str) -> bool {
    patterns.iter().any(|pattern| {
        let tokens: Vec<char> = pattern.chars().collect();
        if pattern.contains('/') {
            return matches(&tokens, &name.chars().collect::<Vec<_>>());
        }
        name.split('/')
            .filter(|part| !matches!(*part, "" | "." | ".."))
            .any(|part| matches(&tokens, &part.chars().collect::<Vec<_>>()))
    })
}

/// `*`, `?`, `[a-z]` and `\` as Go's `filepath.Match` has them. In time linear in the product of both lengths.
fn matches(pattern: &[char], name: &[char]) -> bool {
    let (mut rest, mut left) = (pattern, name);
    let mut back: Option<(&[char], &[char])> = None;
    loop {
        let next = match (rest.split_first(), left.split_first()) {
            (None, None) => return true,
            (Some(('*', after)), _) => {
                back = Some((after, left));
                rest = after;
                continue;
            }
            (Some(_), Some((found, others))) => one(rest, *found).map(|after| (after, others)),
            _ => None,
        };
        match (next, back) {
            (Some(next), _) => (rest, left) = next,
            // The last star takes one character more, but no slash.
            (None, Some((after, from))) => match from.split_first() {
                Some((found, others)) if *found != '/' => {
                    back = Some((after, others));
                    (rest, left) = (after, others);
                }
                _ => return false,
            },
            (None, None) => return false,
        }
    }
}

/// What follows in the pattern, where its first part fits the character.
fn one(pattern: &[char], found: char) -> Option<&[char]> {
    match pattern.split_first()? {
        ('?', after) => (found != '/').then_some(after),
        ('\\', after) => after.split_first().filter(|(wanted, _)| **wanted == found).map(|(_, after)| after),
        ('[', after) => {
            let end = after.iter().skip(1).position(|c| *c == ']')? + 1;
            let (class, after) = (after.get(..end)?, after.get(end + 1..)?);
            let (not, class) = match class.split_first() {
                Some(('^', rest)) => (true, rest),
                _ => (false, class),
            };
            let mut fits = false;
            let mut rest = class;
            while let Some((low, more)) = rest.split_first() {
                match more {
                    ['-', high, more @ ..] => {
                        fits |= (low..=high).contains(&&found);
                        rest = more;
                    }
                    _ => {
                        fits |= *low == found;
                        rest = more;
                    }
                }
            }
            (fits != not).then_some(after)
        }
        (wanted, after) => (*wanted == found).then_some(after),
    }
}

#[cfg(test)]
mod tests {
    use super::is_ignored;

    #[test]
    fn patterns_fit_names_as_gos_do() {
        for (pattern, name, expected) in [
            (".*", "a/.hidden/x.rego", true),
            (".*", "a/x.rego", false),
            ("*_test.rego", "a/b_test.rego", true),
            ("*_test.rego", "a_test.rego/b.rego", true),
            ("test", "a/test/x.rego", true),
            ("tes", "a/test/x.rego", false),
            ("a/*.rego", "a/x.rego", true),
            ("a/*.rego", "a/b/x.rego", false),
            ("[a-c]?.rego", "bx.rego", true),
            ("[^a-c]?.rego", "bx.rego", false),
            ("[", "[", false),
            ("*a*a*a*a*b", &"a".repeat(5_000), false),
        ] {
            assert_eq!(is_ignored(&[pattern.to_owned()], name), expected, "{pattern} {name:.20}");
        }
    }
}
