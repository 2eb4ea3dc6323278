//! What a page says that a command prints, and what it printed: the same, but for what varies.

use std::sync::LazyLock;

use regex::Regex;
use similar::TextDiff;

/// What varies from run to run, and what stands for it in comparisons.
static VARIES: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
    [
        (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "UUID"),
        // Times with a fraction of a second, and the clock at the head of a line, are those of now; others are compared, or `…`.
        (r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d\.\d+(Z|\+00:00)", "TIME"),
        (r"(?m)^\d\d:\d\d:\d\d\b(\.\d{3}\b)?", "CLOCK"),
        (r"\b\d\d:\d\d:\d\d\.\d{3}\b", "CLOCK"),
        (r" *\b\d+(\.\d+)? ?(ns|us|ms|s)\b", " DURATION"),
        (r#"_ns": ?\d+"#, r#"_ns":NS"#),
        (r"\b[0-9a-f]{64}\b", "DIGEST"),
        (r"\b(agent|key|d|evt|dlg|req)_[0-9a-f]{16}\b", "${1}_ID"),
        (r"\b[0-9a-f]{8}\b", "HEX"),
        (r"\bcurl/[\d.]+", "CURL"),
        (r"\b127\.0\.0\.1:[3-6]\d{4}\b", "PEER"),
    ]
    .map(|(pattern, name)| (Regex::new(pattern).unwrap(), name))
    .into()
});

/// Secrets, of which a page shows the beginning alone.
static SECRETS: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
    [(r"eyJ[\w-]+\.[\w-]+\.[\w-]*", "eyJ…"), (r"\b((?:relay_)?sk_(?:[a-z]+_)?)[[:alnum:]]{20,}", "${1}…")]
        .map(|(pattern, name)| (Regex::new(pattern).unwrap(), name))
        .into()
});

fn normal(text: &str) -> String {
    let text: String = text.lines().map(|line| format!("{}\n", line.trim_end())).collect();
    VARIES.iter().fold(text, |text, (varies, name)| varies.replace_all(&text, *name).into_owned())
}

/// The text as a page may show it: without secrets.
pub fn shown(text: &str) -> String {
    SECRETS.iter().fold(text.to_owned(), |text, (secret, name)| secret.replace_all(&text, *name).into_owned())
}

/// How what was printed differs from what is expected, if it does. In what is expected, `…` is any text within a line, and on a
/// line of its own any number of lines.
pub fn difference(expected: &str, got: &str) -> Option<String> {
    let (expected, got) = (normal(expected), normal(got));
    let pattern: String = expected
        .lines()
        .map(|line| match line.trim() {
            "…" => "(?:[^\n]*\n)*?".to_owned(),
            _ => format!("{}\n", regex::escape(line).replace('…', "[^\n]*")),
        })
        .collect();
    if Regex::new(&format!("^{pattern}$")).unwrap().is_match(&got) {
        return None;
    }
    let diff = TextDiff::from_lines(&expected, &got);
    Some(diff.unified_diff().context_radius(3).header("the page says", "printed").to_string())
}

#[test]
fn what_varies_is_the_same_and_nothing_else_is() {
    for (expected, got, same) in [
        ("a\n", "a", true),
        ("a\n", "a\nb\n", false),
        ("a…c\n", "abbc\n", true),
        ("a…c\n", "ab\nc\n", false),
        ("a\n…\nd\n", "a\nb\nc\nd\n", true),
        ("a\n…\nd\n", "a\nd\n", true),
        ("a\n…\n", "b\n", false),
        ("in 12 us\n", "in  3.4 ms\n", true),
        ("12 of\n", "13 of\n", false),
        ("2026-03-01T12:00:00Z\n", "2026-03-01T12:00:01Z\n", false),
        ("2026-03-01T12:00:00.1Z\n", "2026-03-02T12:00:01.234Z\n", true),
        ("agent_57c04873ca63b84f\n", "agent_0123456789abcdef\n", true),
        ("(a).*\n", "(a)bc\n", false),
    ] {
        assert_eq!(difference(expected, got).is_none(), same, "{expected:?} {got:?}");
    }
    assert_eq!(shown("key sk_admin_0123456789abcdefghijk."), "key sk_admin_….");
}
