//! Texts that are meant to harm.

use super::*;

#[test]
fn every_prefix_and_every_gap_is_answered() {
    for version in [Version::V0, Version::V1] {
        for (at, _) in SAMPLE.char_indices() {
            let _ = module(&SAMPLE[..at], version);
            let mut holed = SAMPLE.to_owned();
            holed.remove(at);
            let _ = module(&holed, version);
            let _ = parse_query(&Source::new("query", &SAMPLE[at..]), version);
        }
    }
}

#[test]
fn random_changes_are_answered() {
    let pieces = [
        "{", "}", "[", "]", "(", ")", "\"", "`", "$\"", "|", ",", ":", "in ", "not ", "some ", "\n", "é",
        "\0", "if ",
    ];
    let mut state = 7_u32;
    let mut random = |below: usize| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as usize % below
    };
    for _ in 0..2_000 {
        let mut text: Vec<char> = SAMPLE.chars().collect();
        for _ in 0..3 {
            let (at, length) = (random(text.len()), random(4));
            let end = (at + length).min(text.len());
            text.splice(at..end, pieces[random(pieces.len())].chars());
        }
        let text: String = text.into_iter().collect();
        if let Err(errors) = module(&text, Version::V1) {
            assert!(!errors.is_empty() && errors.len() <= MAX_ERRORS);
            assert!(errors.is_sorted_by_key(|error| error.span));
            assert!(errors.iter().all(|error| error.span.end as usize <= text.len()));
        }
    }
}

/// Whether a query can be read, and dropped again.
fn reads(text: &str) -> bool {
    parse_query(&Source::new("query", text), Version::V1).is_ok()
}

#[test]
fn nesting_is_bounded() {
    for (open, inner, close) in [
        ("[", "1", "]"),
        ("(", "1", ")"),
        ("{1: ", "1", "}"),
        ("{x | ", "1", "}"),
        ("[x | not 1 == ", "1", "]"),
        ("{x: y | ", "1", "}"),
        ("f(", "1", ")"),
        ("a[", "1", "]"),
        ("$\"{", "1", "}\""),
        ("every x in y { ", "1", " }"),
        ("{a, (b, ", "c", " in d)}"),
    ] {
        let nested = |times: usize| format!("{}{inner}{}", open.repeat(times), close.repeat(times));
        let conditions = open.matches(['|', '$']).count();
        let brackets = open.matches(['[', '(', '{']).count() + conditions;
        assert!(reads(&nested(MAX_NESTING / brackets)), "{open}");
        assert!(!reads(&nested(MAX_NESTING / brackets + 1)), "{open}");
        assert!(!reads(&nested(100_000)), "{open}");
        assert!(!reads(&open.repeat(100_000)), "{open}");
    }
}

#[test]
fn chains_are_bounded() {
    for (first, link) in [("1", " + 1"), ("1", " in x"), ("f(x)", ".f(x)"), ("f(x)", "[0](x)")] {
        let chain = |times: usize| format!("{first}{}", link.repeat(times));
        assert!(reads(&chain(450)), "{link}");
        assert!(!reads(&chain(MAX_HEIGHT)), "{link}");
        assert!(!reads(&chain(100_000)), "{link}");
    }
    // These are flat.
    for (first, link) in [("a", ".a"), ("a", "[0]"), ("a", " with a as a"), ("a", "; a"), ("f(0", ", 0")] {
        let close = if first.contains('(') { ")" } else { "" };
        assert!(reads(&format!("{first}{}{close}", link.repeat(100_000))), "{link}");
    }
    let elses = format!("package a\np if x {}", "else := 1 if y ".repeat(100_000));
    assert_eq!(module(&elses, Version::V1).unwrap().rules[0].elses.len(), 100_000);
}

#[test]
fn height_counts_nested_chains() {
    let sum = " + 1".repeat(MAX_HEIGHT / 4);
    let nested = |times: usize| format!("{}1{}", "(".repeat(times), format!("{sum})").repeat(times));
    assert!(reads(&nested(3)));
    assert!(!reads(&nested(4)));
    let nested =
        |times: usize| format!("{}1{}", "1 in a == b | c & d + e * (".repeat(times), ")".repeat(times));
    assert!(reads(&nested(MAX_HEIGHT / 7 - 1)));
    assert!(!reads(&nested(MAX_NESTING)));
}

#[test]
fn guesses_are_bounded() {
    for (open, close) in [("{x | a, ", "}"), ("{a: b | ", ", c: d}"), ("[x | a, ", "]")] {
        let nested = |times: usize| format!("{}1{}", open.repeat(times), close.repeat(times));
        assert!(reads(&nested(10)), "{open}");
        assert!(!reads(&nested(120)), "{open}");
    }
}

#[test]
fn large_texts_are_refused() {
    let errors = module(&format!("package a\n#{}", "x".repeat(MAX_SIZE)), Version::V1).unwrap_err();
    assert!(errors[0].message.contains("too large"));
}
