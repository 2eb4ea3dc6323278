//! The patterns of `file_rego_versions`: `*` within a segment, `**` across segments, `?` for one character.

/// Refuses unsupported syntax, rather than let it match nothing.
pub(super) fn check(pattern: &str) -> Result<(), &'static str> {
    if pattern.is_empty() {
        return Err("it is empty");
    }
    if pattern.contains(['[', ']', '{', '}', '\\']) {
        return Err("only `*`, `**` and `?` are supported");
    }
    Ok(())
}

/// Whether `pattern` matches the whole of `name`.
pub(super) fn matches(pattern: &str, name: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let name: Vec<char> = name.chars().collect();
    // One row of the usual table: which lengths of `name` the pattern so far can match. Linear in pattern × name, so
    // that no pattern can take long.
    let mut reachable = vec![false; name.len().saturating_add(1)];
    if let Some(first) = reachable.first_mut() {
        *first = true;
    }
    let mut rest = pattern.as_slice();
    while let Some((token, after)) = rest.split_first() {
        let double = *token == '*' && after.first() == Some(&'*');
        rest = if double { after.split_first().map_or(after, |(_, tail)| tail) } else { after };
        let mut next = vec![false; reachable.len()];
        let mut carried = false;
        for (at, slot) in next.iter_mut().enumerate() {
            let before = at.checked_sub(1);
            let character = before.and_then(|i| name.get(i)).copied();
            let here = reachable.get(at).copied().unwrap_or(false);
            *slot = if *token == '*' {
                let crosses = double || character != Some('/');
                here || (carried && crosses)
            } else {
                let fits = character.is_some_and(|c| (*token == '?' && c != '/') || c == *token);
                fits && before.and_then(|i| reachable.get(i)).copied().unwrap_or(false)
            };
            carried = *slot;
        }
        reachable = next;
    }
    reachable.last().copied().unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stop_at_slashes_and_double_stars_do_not() {
        for (pattern, name, expected) in [
            ("a.rego", "a.rego", true),
            ("a.rego", "b.rego", false),
            ("*.rego", "a.rego", true),
            ("*.rego", "app/a.rego", false),
            ("app/*", "app/a.rego", true),
            ("app/*", "app/b/a.rego", false),
            ("app/**", "app/b/a.rego", true),
            ("**/a.rego", "x/y/a.rego", true),
            ("**.rego", "x/y/a.rego", true),
            ("?.rego", "a.rego", true),
            ("?.rego", "ab.rego", false),
            ("a?b", "a/b", false),
            ("*a*b*", "xxaxxbxx", true),
            ("*a*b*", "xxbxxaxx", false),
            ("**", "", true),
            ("*", "", true),
        ] {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
    }
}
