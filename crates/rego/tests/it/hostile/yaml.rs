//! YAML that is meant to harm: reading it ends, with a value or with the bound that the text exceeds.

use verdict_rego::yaml;

use super::ends;

/// A text, made here; and what is said to it, `""` for anything.
fn texts() -> Vec<(&'static str, String, &'static str)> {
    let many = |text: &str, times: usize| text.repeat(times);
    let numbered = |times: usize, line: &dyn Fn(usize) -> String| (0..times).map(line).collect::<String>();
    // Each list has the one before it so many times.
    let multiplied = |of: &str, levels: usize, times: usize| {
        let list = |level: usize| vec![format!("*a{level}"); times].join(",");
        let rows = numbered(levels, &|level| format!("a{}: &a{} [{}]\n", level + 1, level + 1, list(level)));
        format!("a0: &a0 {of}\n{rows}")
    };
    vec![
        ("brackets", many("[", 200_000), "line 1 column"),
        ("braces", many("{", 200_000), "line 1 column"),
        ("brackets that are closed", many("[", 100_000) + &many("]", 100_000), "line 1 column"),
        ("brackets on lines", many("[\n", 100_000), "line"),
        ("keys within keys", many("{a: ", 50_000), "line 1 column"),
        ("lists within lists", many("- ", 100_000), "exceeded max depth"),
        ("complex keys", many("? ", 100_000), "exceeded max depth"),
        ("lists and keys", many("- ? ", 50_000), "exceeded max depth"),
        ("indentation", numbered(600, &|n| format!("{}a:\n", " ".repeat(n))) + &many("x", 10), ""),
        ("anchors without a node", many("&a ", 70_000), ""),
        ("many anchors", numbered(20_000, &|n| format!("- &a{n} x\n")), ""),
        ("an anchor again and again", many("- &a x\n", 30_000), ""),
        ("aliases of little", format!("a: &a x\nb:\n{}", many("- *a\n", 40_000)), ""),
        ("aliases of nothing", many("- *a\n", 40_000), "line 1 column"),
        ("a long key", many("k", 200_000) + ": 1", ""),
        ("long keys", numbered(200, &|n| format!("{}{n}: 1\n", many("k", 1000))), ""),
        ("comments", many("# c\n", 50_000), ""),
        ("a long comment", "#".repeat(200_000), ""),
        ("colons", many(":", 200_000), ""),
        ("colons and blanks", many(": ", 100_000), ""),
        ("dashes", many("-", 200_000), ""),
        ("document ends", many("...\n", 50_000), ""),
        ("documents", many("---\n", 50_000), ""),
        ("an open text", format!("\"{}", many("x\n", 100_000)), "line"),
        ("an open block", format!("a: |\n{}", many(" x\n", 60_000)), ""),
        ("line ends", many("\n", 200_000), ""),
        ("blanks", many(" ", 200_000), ""),
        ("tabs", many("\t", 200_000), ""),
        ("tabs on lines", format!("a: {{\n{}", many("\t\n", 100_000)), "line"),
        ("tabs in brackets", format!("a: {}", many("[\n\t", 900)) + &many("\t\n", 10_000), "line"),
        ("tabs after a long line", format!("{{{}", many("a:\t1,", 50_000)) + "\n\tb: 1}", ""),
        ("quotes and tabs", format!("{}\"\n{}", many(" ", 5000), many("\tx\n", 50_000)), ""),
        ("commas", format!("[{}", many(",", 200_000)), "line 1 column"),
        ("a long list", format!("[{}]", many("a,", 100_000)), ""),
        ("deep and long", format!("{}{}", many("[", 120), many("a,", 90_000)), "line 2"),
        ("tags", many("!!str ", 30_000), ""),
        ("directives", numbered(20_000, &|n| format!("%TAG !t{n}! x\n")) + "---\na", ""),
        ("a billion laughs", multiplied("[lol,lol,lol]", 9, 9), "excessive aliasing"),
        ("twice, and twice again", multiplied("[x]", 60, 2), "excessive aliasing"),
        ("much text, often", multiplied(&many("x", 400), 4, 10), ""),
        ("more text than allowed", multiplied(&many("x", 2000), 4, 10), "excessive aliasing"),
        (
            "merges",
            format!(
                "a0: &a0 {{b: 1}}\n{}",
                numbered(60, &|n| {
                    format!("a{}: &a{} {{<<: [*a{n}, *a{n}], c{n}: *a{n}}}\n", n + 1, n + 1)
                })
            ),
            "excessive aliasing",
        ),
        ("a list within itself", "&a [*a]".to_owned(), ""),
        ("a list within itself, often", format!("&a [{}]", vec!["*a"; 50_000].join(",")), ""),
    ]
}

#[test]
fn yaml_that_is_meant_to_harm_is_read_or_refused() {
    let mut wrong = Vec::new();
    for (what, text, why) in texts() {
        let got = ends(what, move || yaml::read(&text).map(|value| value.to_string().len()));
        match got {
            Err(error) if error.to_string().contains(why) => {}
            Ok(length) if why.is_empty() && length < 6 << 20 => {}
            other => wrong.push(format!("{what}: {other:?}")),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_bound_names_its_place() {
    let deep = format!("a: 1\nb: {}", "- ".repeat(2000));
    for (text, place) in [
        ("- ".repeat(1001), "line 1 column 2001"),
        (format!("a: &a {}\nb: [{}]", "x".repeat(1 << 20), ["*a"; 5].join(", ")), "line 2 column 21"),
        (deep, "line 2"),
    ] {
        let message = yaml::read(&text).unwrap_err().to_string();
        assert!(message.contains(place), "{message}");
    }
}
